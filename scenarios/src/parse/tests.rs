//! The reader of lessons: what it reads, and how it refuses.

use super::*;
use crate::model::{Paragraph, Place, Span};

const FRONT: &str =
    "---\ntitle: T: with a colon\nsummary: S\nminutes: 5\nchapter: 4\nposition: 1\nconcepts: a, b\n---\n";

fn read_body(body: &str) -> Result<Lesson, ParseError> {
    let files = vec![File { name: "web.yaml".to_owned(), text: "kind: Pod\n".to_owned() }];
    lesson("41-slug", "lesson.md", &format!("{FRONT}{body}"), files)
}

#[test]
fn a_whole_lesson() {
    let body = "\n## One\n\nSome `code` and **more**\nhere.\n\n- a\n- b\n\n```yaml file=web.yaml\n```\n\n```predict id=how\nWhich `one`?\n- first\n  | note\n  $ kubectl get pods\n  NAME\n  ~ tempting\n- second\n  ~ true\n  $ kubectl get nodes\n```\n\n```console eventually=5s stays=2s\n$ kubectl apply -f - <<EOF\n$ inside\nEOF\npod/x created\nworker# ss -tln\n[exit 1]\npod/client$ curl \\\n  -s x\n\nyes\n\n```\n";
    let lesson = read_body(body).unwrap();
    assert_eq!((lesson.id.as_str(), lesson.title.as_str()), ("slug", "T: with a colon"));
    let blocks = &lesson.steps[0].blocks;
    let Block::Prose(prose) = &blocks[0] else { panic!("{blocks:?}") };
    assert_eq!(prose.len(), 2);
    let Paragraph::Text(spans) = &prose[0] else { panic!("{prose:?}") };
    assert_eq!(spans[1], Span::Code("code".to_owned()));
    let Block::Predict(question) = &blocks[2] else { panic!("{blocks:?}") };
    assert_eq!(question.choices[0].check[0].claim.output, ["NAME"]);
    assert_eq!(question.choices[1].check[0].line, "kubectl get nodes");
    let Block::Console(commands) = &blocks[3] else { panic!("{blocks:?}") };
    assert_eq!(commands[0].line, "kubectl apply -f - <<EOF\n$ inside\nEOF");
    assert_eq!(commands[0].claim.output, ["pod/x created"]);
    assert!(!commands[0].claim.reads);
    assert_eq!((&commands[1].place, commands[1].claim.exit), (&Place::Node("worker".to_owned()), 1));
    assert_eq!(commands[2].line, "curl \\\n  -s x");
    assert_eq!(commands[2].claim.output, ["", "yes"]);
    assert_eq!((commands[2].claim.eventually_secs, commands[2].claim.stays_secs), (5, 2));
}

#[test]
fn refusals_say_where_and_what() {
    let rows = [
        (
            "## A\n\n```consol\n```\n",
            "lesson.md:11:4: found the block `consol`; expected console, syscalls, predict, recall, exercise, yaml or instrument",
        ),
        ("text\n", "lesson.md:9:1: found text before the first step; expected a heading `## …`"),
        ("", "lesson.md:1:1: no step found; expected a heading such as `## One replica, one host port`"),
        ("## A\n```console\n$ a\n", "lesson.md:10:1: this block has no end; expected a line of three backticks"),
        (
            "## A\n```console\nout\n```\n",
            "lesson.md:11:1: found output before any command; expected a prompt: `$ `, `worker# ` or `pod/NAME$ `",
        ),
        (
            "## A\n```console stays=3\n```\n",
            "lesson.md:10:4: found `stays=3`; expected seconds from 1s to 900s, such as `stays=10s`",
        ),
        ("## A\n```console\n$ a <<X\nb\n```\n", "lesson.md:11:1: the here-document has no end; expected a line `X`"),
        (
            "## A\n```predict id=q\nWhy?\n- a\n  $ kubectl get x\n  ~ w\n```\n",
            "lesson.md:10:1: found 1 choices; expected 2 to 6 lines that begin with `- `",
        ),
        (
            "## A\n```predict id=q\nWhy?\n- a\n  ~ w\n- b\n  ~ w\n```\n",
            "lesson.md:12:1: this choice has no check, or two; expected a command `$ …` and what it prints when the choice holds, or a call `> …`",
        ),
        (
            "## A\n```predict id=q\nWhy?\n- a\n  $ kubectl delete x\n  ~ w\n- b\n  ~ w\n```\n",
            "lesson.md:13:1: `kubectl delete x` may change the cluster; expected a check that only reads",
        ),
        (
            "## A\n```yaml file=no.yaml\n```\n",
            "lesson.md:10:4: found no file `no.yaml` beside the lesson; expected one of: web.yaml",
        ),
        (
            "## A\n```yaml file=web.yaml\nkind: Node\n```\n",
            "lesson.md:10:1: this text differs from web.yaml; expected the same text or none",
        ),
        (
            "## A\n\nfine\n\n<script>x</script>\n",
            "lesson.md:13:1: found HTML; expected paragraphs, lists, code, emphasis or links",
        ),
        (
            "## A\n\n[x](javascript:alert)\n",
            "lesson.md:11:1: found a link to `javascript:alert`; expected https:// or #",
        ),
    ];
    for (body, message) in rows {
        assert_eq!(read_body(body).map_err(|e| e.to_string()), Err(message.to_owned()), "{body}");
    }
    let bad = lesson("x", "lesson.md", "---\ntitle: T\nminutes: many\n---\n", Vec::new());
    assert_eq!(bad.unwrap_err().to_string(), "lesson.md:3:10: found `many`; expected a whole number from 1 to 120");
}

#[test]
fn what_only_reads() {
    let rows = [
        ("kubectl get pods -A -o json | jq '.items' | sort", true),
        ("kubectl -n kube-system get pods", false),
        ("kubectl get pods -n kube-system", true),
        ("POD=$(kubectl get pods -o name | head -1)", true),
        ("kubectl scale deployment/web --replicas=3", false),
        ("kubectl rollout status deployment/web", true),
        ("kubectl rollout restart deployment/web", false),
        ("kubectl get pods && kubectl delete pod x", false),
        ("docker exec portlab-worker ss -tln", true),
        ("docker exec portlab-worker rm x", false),
        ("iptables -t nat -S POSTROUTING | grep -c SNAT", true),
        ("iptables -t nat -nvL", true),
        ("iptables -t nat -F", false),
        ("conntrack -L 2> /dev/null", true),
        ("conntrack -F", false),
        ("ip addr show lo", true),
        ("ip addr add 10.9.0.1/32 dev lo", false),
        ("sysctl -n net.ipv4.tcp_tw_reuse", true),
        ("sysctl -w net.ipv4.tcp_tw_reuse=1", false),
        ("sysctl net.ipv4.tcp_tw_reuse=1", false),
    ];
    for (line, expected) in rows {
        assert_eq!(blocks::reads(line), expected, "{line}");
    }
}

#[test]
fn calls_questions_about_them_and_a_program() {
    let body = "## One\n\n```predict id=second\nAnd then?\n- fine\n  > bind(b, 0.0.0.0:80) = 0\n  ~ w\n- refused\n  > bind(b, 0.0.0.0:80) = -1 EADDRINUSE\n  ~ w\n```\n\n```syscalls\n# two\nsocket(tcp4) = a\n```\n\n```instrument name=source-ports\n```\n\n```exercise id=repair\nMend it.\n\nprogram\nsocket(tcp4) = a\ngoal It listens.\n> listen(a) = 0\nhint h\nsolution\nsocket(tcp4) = a\nlisten(a) = 0\n```\n";
    let lesson = read_body(body).unwrap();
    let [Block::Predict(question), Block::Syscalls(calls), Block::Instrument(instrument), Block::Exercise(exercise)] =
        &lesson.steps[0].blocks[..]
    else {
        panic!("{:?}", lesson.steps[0].blocks)
    };
    let call = question.choices[1].call.as_ref().unwrap();
    assert_eq!((call.script.as_str(), call.source_line), ("bind(b, 0.0.0.0:80) = -1 EADDRINUSE", 17));
    assert_eq!((calls.script.as_str(), calls.source_line), ("# two\nsocket(tcp4) = a\n", 22));
    assert_eq!(instrument.name(), "source-ports");
    let program = exercise.program.as_ref().unwrap();
    assert_eq!(program.start.script, "socket(tcp4) = a\n");
    assert_eq!(program.solution.script, "socket(tcp4) = a\nlisten(a) = 0\n");
    assert_eq!(exercise.goals[0].call.as_ref().unwrap().script, "listen(a) = 0");
    assert_eq!(exercise.goals[0].hints.len(), 1);
    let rows = [
        (
            "## A\n```syscalls\n\n```\n",
            "lesson.md:10:1: this script is empty; expected calls such as `socket(tcp4) = api`",
        ),
        (
            "## A\n```instrument name=x\n```\n",
            "lesson.md:10:4: found the instrument `x`; expected `name=` calls or source-ports",
        ),
        (
            "## A\n```exercise id=e\nx\n\nprogram\nsocket(tcp4) = a\ngoal g\nsolution\nsocket(tcp4) = a\n```\n",
            "lesson.md:15:1: this goal has no call; expected `> ` and a call with its answer",
        ),
        (
            "## A\n```exercise id=e\nx\n\nprogram\nsocket(tcp4) = a\ngoal g\n> close(a) = 0\n```\n",
            "lesson.md:10:1: this exercise has no solution; expected a line `solution`",
        ),
    ];
    for (body, message) in rows {
        assert_eq!(read_body(body).map_err(|e| e.to_string()), Err(message.to_owned()), "{body}");
    }
}
