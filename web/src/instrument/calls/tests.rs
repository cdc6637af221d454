//! The bench of calls: what is taken, what is refused and why, going back, keeping, exporting.

use std::rc::Rc;

use portlab_scenarios::syscalls::{Engine, parse, run_case};
use yew::Reducible;

use super::bench::{Action, Bench, CALLS_MAX, Side};
use super::draft::{Draft, Kind};
use super::export::script;
use super::presets::PRESETS;

fn made(lines: &[(Side, &str)]) -> Rc<Bench> {
    let make = |bench: Rc<Bench>, (side, line): &(Side, &str)| {
        let bench = bench.reduce(Action::Make(*side, (*line).to_owned()));
        assert_eq!(bench.wrong, None, "{line}");
        bench
    };
    lines.iter().fold(Rc::new(Bench::open(None)), make)
}

fn preset(id: &str) -> Rc<Bench> {
    let preset = PRESETS.iter().find(|preset| preset.id == id).expect("it is there");
    made(&preset.calls.iter().copied().chain([preset.next]).collect::<Vec<_>>())
}

#[test]
fn every_preset_can_be_made_and_its_last_call_is_the_question() {
    let rows = [
        ("two-servers", "-1 EADDRINUSE", Some("held by a1 at 0.0.0.0:8080, LISTEN")),
        ("dual-stack", "-1 EADDRINUSE", Some("held by a1 at [::]:8080, LISTEN")),
        ("time-wait", "-1 EADDRINUSE", Some("held by TIME_WAIT at 127.0.0.1:8080")),
        ("reuseport", "-1 EADDRINUSE", Some("held by a1 at 0.0.0.0:8080, LISTEN")),
        ("backlog", "-1 EINPROGRESS", None),
    ];
    assert_eq!(rows.len(), PRESETS.len());
    for (id, answer, because) in rows {
        let bench = preset(id);
        let last = bench.calls.last().expect("calls were made");
        assert_eq!((last.answer.to_string().as_str(), last.because.as_deref()), (answer, because), "{id}");
    }
}

#[test]
fn what_is_exported_gives_the_same_answers_in_one_process() {
    for preset in &PRESETS {
        let bench = self::preset(preset.id);
        let text = script(&bench.calls);
        let parsed = parse(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", preset.id));
        for case in parsed.cases() {
            let verdicts = run_case(&mut Engine::new(7), &case);
            let differing: Vec<_> = verdicts.iter().filter(|verdict| verdict.differs()).collect();
            assert!(differing.is_empty(), "{}: {differing:?}\n{text}", preset.id);
        }
    }
}

#[test]
fn users_go_over_in_the_script() {
    let bench = made(&[
        (Side::B, "seteuid(1000)"),
        (Side::B, "socket(tcp4)"),
        (Side::A, "socket(tcp4)"),
        (Side::B, "bind(b1, 0.0.0.0:80)"),
        (Side::A, "bind(a1, 0.0.0.0:80)"),
        (Side::A, "getsockname(a1)"),
    ]);
    let calls: Vec<String> =
        script(&bench.calls).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert_eq!(
        calls,
        [
            "seteuid(1000) = 0",
            "socket(tcp4) = b1",
            "seteuid(0) = 0",
            "socket(tcp4) = a1",
            "seteuid(1000) = 0",
            "bind(b1, 0.0.0.0:80) = -1 EACCES",
            "seteuid(0) = 0",
            "bind(a1, 0.0.0.0:80) = 0",
            "getsockname(a1) = 0.0.0.0:80",
        ]
    );
}

#[test]
fn a_port_that_the_kernel_chose_is_left_open() {
    let bench = made(&[(Side::A, "socket(tcp4)"), (Side::A, "bind(a1, 127.0.0.1:0)"), (Side::A, "getsockname(a1)")]);
    assert!(script(&bench.calls).ends_with("getsockname(a1) = 127.0.0.1:?\n"));
}

#[test]
fn a_wrong_line_changes_nothing_and_says_where() {
    let begun = made(&[(Side::A, "socket(tcp4)")]);
    let long = format!("send(a1, \"{}\")", "x".repeat(5_000));
    let rows = [
        (Side::A, "bnd(a1, 0.0.0.0:80)", 1),
        (Side::A, "bind(a1, 0.0.0.0)", 10),
        (Side::A, "bind(a7, 0.0.0.0:80)", 6),
        (Side::B, "bind(a1, 0.0.0.0:80)", 6),
        (Side::B, "socket(tcp4) = a1", 16),
        (Side::A, "sleep(99999999)", 7),
        (Side::A, "", 1),
        (Side::A, "---", 1),
        (Side::A, "# nothing", 1),
        (Side::A, "close(a1)\nclose(a1)", 1),
        (Side::A, "<script>alert(1)</script>", 1),
        (Side::A, &long, 1_000),
    ];
    for (side, line, column) in rows {
        let bench = begun.clone().reduce(Action::Make(side, line.to_owned()));
        let (of, wrong) = bench.wrong.clone().unwrap_or_else(|| panic!("{line} was taken"));
        assert_eq!((of, wrong.column), (side, column), "{line}: {}", wrong.says);
        assert_eq!(bench.calls.len(), 1);
    }
}

#[test]
fn no_more_calls_than_the_bench_takes() {
    let many: Vec<(Side, String)> =
        (0..CALLS_MAX + 5).map(|_| (Side::A, "counter(TcpActiveOpens)".to_owned())).collect();
    let bench = Rc::new(Bench::open(None)).reduce(Action::Load(many));
    assert_eq!(bench.calls.len(), CALLS_MAX);
}

#[test]
fn the_last_call_is_taken_back_and_comes_again() {
    let all = preset("two-servers");
    let back = all.clone().reduce(Action::TakeBack);
    assert_eq!(back.calls[..], all.calls[..all.calls.len() - 1]);
    assert!(back.can_again());
    let again = back.reduce(Action::Again);
    assert_eq!(again.calls, all.calls);
    assert!(!again.can_again());
}

#[test]
fn a_call_in_the_past_drops_what_came_after_it() {
    let all = preset("two-servers");
    let past = all.clone().reduce(Action::Seek(2));
    let other = past.reduce(Action::Make(Side::A, "close(a1)".to_owned()));
    let lines: Vec<String> = other.calls.iter().map(|made| made.line()).collect();
    assert_eq!(lines, ["socket(tcp4) = a1", "bind(a1, 0.0.0.0:8080)", "close(a1)"]);
    assert_eq!(other.reduce(Action::Again).calls, all.calls);
}

#[test]
fn what_is_kept_comes_back_and_damage_counts_as_nothing() {
    let bench = preset("time-wait");
    let again = Bench::open(Some(&bench.encode()));
    assert_eq!(again.calls, bench.calls);
    for kept in ["", "{", "[]", "{\"version\":9,\"calls\":[]}", "{\"version\":1,\"calls\":[[\"C\",\"x\"]]}"] {
        assert!(Bench::open(Some(kept)).calls.is_empty(), "{kept}");
    }
    let mixed = "{\"version\":1,\"calls\":[[\"a\",\"socket(tcp4)\"],[\"a\",\"</script>\"]]}";
    assert_eq!(Bench::open(Some(mixed)).calls.len(), 1);
}

#[test]
fn fields_make_lines_that_can_be_read_and_lines_make_fields() {
    for kind in Kind::ALL {
        let bench = made(&[(Side::A, "socket(tcp6) = a1")]);
        let draft = Draft::new(kind, "a1", "a2");
        let after = bench.reduce(Action::Make(Side::A, draft.line.clone()));
        assert_eq!(after.wrong, None, "{}", draft.line);
    }
    let draft = Draft::of_line("bind(a1, [::1]:80)");
    assert_eq!(
        (draft.kind, draft.socket.as_str(), &draft.values[..]),
        (Kind::Bind, "a1", &["::1".to_owned(), "80".to_owned()][..])
    );
    assert_eq!(draft.compose("x"), "bind(a1, [::1]:80)");
}
