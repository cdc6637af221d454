//! Every lesson passes the gate, and the gate refuses what it must.

use portlab_scenarios::model::Lesson;
use portlab_scenarios::world::Engine;
use portlab_scenarios::{gate, lessons, parse, record};

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
fn the_committed_record_can_be_read() {
    let texts = [include_str!("../records/kind.json"), include_str!("../records/kernel.json")];
    let read = |text| serde_json::from_str::<record::Records>(text).unwrap().lessons;
    assert_eq!(texts.into_iter().flat_map(read).collect::<Vec<_>>(), record::committed().lessons);
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
