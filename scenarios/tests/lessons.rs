//! Every lesson passes the gate, and the gate refuses what it must.

use portlab_scenarios::grade::Verdict;
use portlab_scenarios::index::Entry;
use portlab_scenarios::model::Lesson;
use portlab_scenarios::record::{Confirmation, Confirmed, Record, Records, confirming};
use portlab_scenarios::world::Engine;
use portlab_scenarios::{confirmations, gate, index, lessons, parse};

fn complaints(lesson: &Lesson) -> Vec<String> {
    let mut engine = Engine::new(Some(portlab_jq::run));
    let (complaints, _) = gate::check(&mut engine, lesson).unwrap();
    complaints.iter().map(ToString::to_string).collect()
}

#[test]
fn every_lesson_passes() {
    let lessons = lessons();
    assert!(!lessons.is_empty());
    for lesson in lessons {
        let complaints = complaints(&lesson);
        assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    }
}

#[test]
fn the_index_is_that_of_the_lessons() {
    let index = index();
    assert_eq!(index, lessons().iter().map(Entry::of).collect::<Vec<_>>());
    assert!(index.iter().all(|entry| entry.steps.iter().any(|waits| !waits.is_empty())), "each has something to do");
}

fn record(verdicts: &[Verdict]) -> Record {
    let confirmed = |verdict: &Verdict| Confirmed {
        place: "step 1".into(),
        command: "ss -tln".into(),
        verdict: *verdict,
        tries: 1,
    };
    Record {
        lesson: "x".into(),
        hash: "1".into(),
        kernel: "6.18.44".into(),
        kind: String::new(),
        kubernetes: String::new(),
        node_image: String::new(),
        date: "2026-11-21".into(),
        claims: verdicts.iter().map(confirmed).collect(),
    }
}

#[test]
fn a_record_confirms_when_every_claim_held() {
    use Verdict::*;
    let rows: [(&[Verdict], bool); 6] = [
        (&[], false),
        (&[Same], true),
        (&[Same, KnownDifference], true),
        (&[Same, Different], false),
        (&[NotRun, Same], false),
        (&[Same, Inconclusive], false),
    ];
    for (verdicts, confirms) in rows {
        assert_eq!(record(verdicts).confirmation().is_some(), confirms, "{verdicts:?}");
    }
}

#[test]
fn only_the_very_text_is_confirmed() {
    let all: Vec<_> = record(&[Verdict::Same]).confirmation().into_iter().collect();
    assert_eq!(confirming(&all, "x", "1").map(Confirmation::system), Some("Linux 6.18.44".to_owned()));
    assert_eq!(confirming(&all, "x", "2"), None);
    assert_eq!(confirming(&all, "y", "1"), None);
}

/// The build takes out of the committed records what they confirm, and no more.
#[test]
fn the_confirmations_are_those_of_the_committed_records() {
    let texts = [include_str!("../records/kind.json"), include_str!("../records/kernel.json")];
    let read = |text| serde_json::from_str::<Records>(text).unwrap().lessons;
    let records: Vec<Record> = texts.into_iter().flat_map(read).collect();
    assert!(!records.is_empty());
    assert_eq!(confirmations(), records.iter().filter_map(Record::confirmation).collect::<Vec<_>>());
}

const GOOD: &str = "---
title: T
summary: S
minutes: 1
chapter: 1
position: 1
---

## One

```predict id=q
Where?
- here
  $ kubectl get pods -o name
  pod/one
  ~ It is.
- nowhere
  $ kubectl get pods -o name
  ~ It is not.
```

```console
$ kubectl run one --image=nginx:1.29
pod/one created
$ kubectl get pods
NAME   READY   STATUS    RESTARTS   AGE
one    1/1     Running   0          [..]
```

```exercise id=e
Remove it.

start
$ kubectl run one --image=nginx:1.29
pod/one created
goal No pod is left.
$ kubectl get pods -o name
hint Delete it.
solution
$ kubectl delete pod one
pod \"one\" deleted from default namespace
```
";

/// The good lesson with one thing changed, and a part of what the gate must say of it.
#[test]
fn the_gate_refuses() {
    let read = |text: &str| parse::lesson("x", "lesson.md", text, Vec::new()).unwrap();
    assert_eq!(complaints(&read(GOOD)), Vec::<String>::new());
    let rows = [
        (
            "$ kubectl delete pod one\npod \"one\" deleted from default namespace",
            "$ kubectl label pod one a=b\npod/one labeled",
            "the solution does not reach the goal",
        ),
        (
            "start\n$ kubectl run one --image=nginx:1.29\npod/one created\n",
            "start\n",
            "the start satisfies every goal already",
        ),
        (
            "- nowhere\n  $ kubectl get pods -o name\n",
            "- nowhere\n  $ kubectl get pods -o name\n  pod/one\n",
            "question `q`: 2 choices hold",
        ),
        (
            "- here\n  $ kubectl get pods -o name\n  pod/one\n",
            "- here\n  $ kubectl get pods -o name\n  pod/two\n",
            "question `q`: 0 choices hold",
        ),
        ("one    1/1     Running", "one    1/1     Pending", "printed, at try"),
        (
            "NAME   READY   STATUS    RESTARTS   AGE\none    1/1     Running   0          [..]",
            "...",
            "a claim of `...` alone cannot fail",
        ),
        (
            "solution\n",
            "solution\n$ kubectl label pod one a=b\npod/one labeled\n",
            "the goal is reached without `kubectl label pod one a=b`",
        ),
    ];
    for (from, to, message) in rows {
        assert!(GOOD.contains(from), "{from}");
        let found = complaints(&read(&GOOD.replacen(from, to, 1)));
        assert!(found.iter().any(|complaint| complaint.contains(message)), "{message} in {found:?}");
    }
}
