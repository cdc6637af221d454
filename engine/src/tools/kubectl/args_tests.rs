//! Command lines and what kubectl 1.34.0 itself said to them.

use super::*;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(String::from).collect()
}

fn refused(line: &str) -> String {
    match parse(&words(line)) {
        Err(Refusal::Usage(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn refusals_are_in_the_words_of_kubectl() {
    for (line, text) in [
        ("get --foo", "unknown flag: --foo\nSee 'kubectl get --help' for usage."),
        ("create foo --bar", "unknown flag: --bar\nSee 'kubectl create --help' for usage."),
        ("get -n", "flag needs an argument: 'n' in -n\nSee 'kubectl get --help' for usage."),
        ("rollout status -x", "unknown shorthand flag: 'x' in -x\nSee 'kubectl rollout status --help' for usage."),
        ("wait --for", "flag needs an argument: --for\nSee 'kubectl wait --help' for usage."),
        (
            "delete --wait=maybe pod x",
            "invalid argument \"maybe\" for \"--wait\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax\n\
             See 'kubectl delete --help' for usage.",
        ),
        (
            "scale --replicas=x deployment/a",
            "invalid argument \"x\" for \"--replicas\" flag: strconv.ParseInt: parsing \"x\": invalid syntax\n\
             See 'kubectl scale --help' for usage.",
        ),
        ("drain -fxy a", "unknown shorthand flag: 'f' in -fxy\nSee 'kubectl drain --help' for usage."),
        ("gte pods", "unknown command \"gte\" for \"kubectl\"\n\nDid you mean this?\n\tget"),
        ("foo", "unknown command \"foo\" for \"kubectl\"\n\nDid you mean this?\n\ttop"),
        ("pods", "unknown command \"pods\" for \"kubectl\"\n\nDid you mean this?\n\tlogs"),
        ("-n", "flag needs an argument: 'n' in -n\nSee 'kubectl --help' for usage."),
        ("--timeout=5s get", "unknown flag: --timeout\nSee 'kubectl get --help' for usage."),
        ("--foo get pods", "flags cannot be placed before plugin name: --foo"),
        ("get pods ---x", "bad flag syntax: ---x\nSee 'kubectl get --help' for usage."),
    ] {
        assert_eq!(refused(line), text, "{line}");
    }
}

#[test]
fn flags_and_words_may_be_mixed() {
    let p = parse(&words("-n shop get pods -lapp=web -o=wide web-1 --no-headers -A")).expect("is understood");
    assert_eq!((p.command.path, p.args), ("get", words("pods web-1")));
    assert_eq!((p.flags.text("namespace"), p.flags.text("selector")), ("shop", "app=web"));
    assert_eq!(p.flags.text("output"), "wide");
    assert!(p.flags.bool("no-headers") && p.flags.bool("all-namespaces") && !p.flags.bool("watch"));
    assert!(p.flags.changed("output") && !p.flags.changed("watch"));
}

#[test]
fn bundled_letters_defaults_and_lists() {
    let p = parse(&words("exec -it web -- ls -l")).expect("is understood");
    assert_eq!((p.args, p.dash), (words("web ls -l"), Some(1)));
    let p = parse(&words("apply -f a.yaml,b.yaml -f c.yaml --dry-run")).expect("is understood");
    assert_eq!(p.flags.list("filename"), words("a.yaml b.yaml c.yaml"));
    assert_eq!(p.flags.text("dry-run"), "unchanged");
    let p = parse(&words("rollout status deploy/web --timeout 90s")).expect("is understood");
    assert_eq!(p.flags.duration("timeout"), 90_000_000_000);
    let p = parse(&words("delete pod x")).expect("is understood");
    assert_eq!((p.flags.bool("wait"), p.flags.int("grace-period"), p.flags.text("cascade")), (true, -1, "background"));
}

#[test]
fn aliases_subcommands_help_and_what_is_not_modelled() {
    assert_eq!(parse(&words("create deploy x --image=a")).map(|p| p.command.path).ok(), Some("create deployment"));
    assert_eq!(parse(&words("rollout sttus x")).map(|p| p.command.path).ok(), Some("rollout"));
    assert_eq!(parse(&words("apply -h")).err(), Some(Refusal::Help("apply")));
    assert_eq!(parse(&words("rollout undo --help")).err(), Some(Refusal::Help("rollout undo")));
    let unmodelled = Refusal::Unmodelled { command: "apply", flag: "server-side" };
    assert_eq!(parse(&words("apply --server-side -f x")).err(), Some(unmodelled));
    assert!(parse(&words("apply --server-side=false -f x")).is_ok());
}
