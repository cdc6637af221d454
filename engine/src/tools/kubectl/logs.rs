//! `kubectl logs`: what containers have written.
//!
//! Sources: `kubectl/pkg/cmd/logs`, `kubectl/pkg/polymorphichelpers/logsforobject.go`. Left out: times of lines
//! (`--timestamps`, `--since`). `-f` ends after [`FOLLOW_MAX`] of the lab's time.

use std::time::Duration;

use serde_json::Value;

use super::Call;
use super::failure::{Failure, Outcome};
use super::pod_of::{Preference, containers, default_container, pods_of, prefix};
use super::select::{Info, Query, select};
use crate::kube::kubelet;
use crate::object::{self, items, str_at};
use crate::store::{Key, Kind, Object};

/// How long `-f` follows.
pub const FOLLOW_MAX: Duration = Duration::from_secs(30);

const USAGE: &str = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.
POD or TYPE/NAME is a required argument for the logs command";

/// One log that is asked for.
struct Source {
    pod: Object,
    container: String,
}

pub fn run(call: &mut Call) -> Outcome {
    let selector = call.flags.text("selector").to_string();
    let usage = |call: &Call, text: &str| Err(call.usage_error(text));
    match (call.args.len(), selector.is_empty()) {
        (0, true) | (3.., _) => return usage(call, USAGE),
        (1, false) => return usage(call, "only a selector (-l) or a POD name is allowed"),
        _ => {}
    }
    let container = call.args.get(1).cloned().unwrap_or_else(|| call.flags.text("container").to_string());
    let infos = find(call, &selector)?;
    if infos.is_empty() {
        let namespace = call.namespace();
        call.cx.eprint(&format!("No resources found in {namespace} namespace.\n"));
    }
    validate(call, &container, &selector)?;
    let sources = sources(call, infos, &container)?;
    let tail = match (call.flags.changed("tail"), call.flags.int("tail")) {
        (false, _) if !selector.is_empty() => Some(10),
        (_, -1) => None,
        (_, lines) => Some(lines),
    };
    for source in &sources {
        print_log(call, source, tail)?;
    }
    if call.flags.bool("follow") {
        follow(call, &sources)?;
    }
    Ok(())
}

fn find(call: &mut Call, selector: &str) -> Outcome<Vec<Info>> {
    let named = |word: &String| if word.contains('/') { word.clone() } else { format!("pods/{word}") };
    let query = Query {
        args: if selector.is_empty() { call.args.iter().take(1).map(named).collect() } else { vec!["pods".into()] },
        label_selector: selector.to_string(),
        namespace: call.namespace(),
        single_resource_type: true,
        ..Query::default()
    };
    select(call.cx.world, &query)?.infos().map_err(|failure| match failure.is_not_found() {
        true => {
            let (why, namespace) = (failure.message(), super::go_value::quote(&query.namespace));
            Failure::text(format!("error from server (NotFound): {why} in namespace {namespace}"))
        }
        false => failure,
    })
}

fn validate(call: &Call, container: &str, selector: &str) -> Outcome {
    let refused = |text: String| Err(Failure::text(text));
    if call.flags.bool("all-containers") && !container.is_empty() {
        return refused(format!("--all-containers=true should not be specified with container name {container}"));
    }
    if call.flags.changed("container") && call.args.len() == 2 {
        return refused("only one of -c or an inline [CONTAINER] arg is allowed".into());
    }
    if call.flags.int("limit-bytes") < 0 {
        return refused("--limit-bytes must be greater than 0".into());
    }
    if call.flags.int("tail") < -1 && (selector.is_empty() || call.flags.changed("tail")) {
        return refused("--tail must be greater than or equal to -1".into());
    }
    Ok(())
}

/// The logs of all that was found.
fn sources(call: &mut Call, infos: Vec<Info>, container: &str) -> Outcome<Vec<Source>> {
    let mut sources = Vec::new();
    let all_pods = call.flags.bool("all-pods");
    for info in infos {
        let mut pods = pods_of(call, &info, Preference::Logging, "cannot get the logs from")?;
        if pods.len() > 1 && !all_pods {
            let first = object::name(&pods[0]).to_string();
            call.cx.eprint(&format!("Found {} pods, using pod/{first}\n", pods.len()));
            pods.truncate(1);
        }
        for pod in pods {
            if call.flags.bool("all-containers") {
                let init = items(&pod, "spec.initContainers").iter();
                let names = init.chain(items(&pod, "spec.containers")).map(|c| str_at(c, "name").to_string());
                sources.extend(names.map(|container| Source { pod: pod.clone(), container }));
                continue;
            }
            let container = match container {
                "" => default_container(call, &pod, all_pods),
                given => given.to_string(),
            };
            if !containers(&pod).any(|c| c == container) {
                let pod = object::name(&pod);
                return Err(Failure::text(format!("container {container} is not valid for pod {pod}")));
            }
            sources.push(Source { pod, container });
        }
    }
    Ok(sources)
}

fn lines_of(call: &Call, source: &Source) -> Outcome<Vec<String>> {
    let previous = call.flags.bool("previous");
    kubelet::logs(call.cx.world, &source.pod, &source.container, previous).map_err(Failure::bad_request)
}

fn print_log(call: &mut Call, source: &Source, tail: Option<i64>) -> Outcome {
    if str_at(&source.pod, "spec.nodeName").is_empty() {
        // Nothing has run anywhere: the API server answers with an empty log.
        return Ok(());
    }
    let lines = lines_of(call, source)?;
    let skipped = tail.map_or(0, |tail| lines.len().saturating_sub(usize::try_from(tail).unwrap_or(0)));
    let mut text: String = lines[skipped..].iter().map(|line| format!("{line}\n")).collect();
    let limit = call.flags.int("limit-bytes");
    if limit > 0 {
        let mut end = usize::try_from(limit).unwrap_or(usize::MAX).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    show(call, source, &text);
    Ok(())
}

/// Prints lines, with their pod and container before each when `--prefix` asks for it.
fn show(call: &mut Call, source: &Source, text: &str) {
    if text.is_empty() {
        return;
    }
    if !call.flags.bool("prefix") && !call.flags.bool("all-pods") {
        call.cx.print(text);
        return;
    }
    let before = prefix(&source.pod, &source.container);
    let text: String = text.split_inclusive('\n').map(|line| format!("{before}{line}")).collect();
    call.cx.print(&text);
}

/// Prints what comes until the containers end or the time is over.
fn follow(call: &mut Call, sources: &[Source]) -> Outcome {
    let most = call.flags.int("max-log-requests");
    if sources.len() > 1 && i64::try_from(sources.len()).is_ok_and(|count| count > most) {
        return Err(Failure::text(format!(
            "you are attempting to follow {} log streams, but maximum allowed concurrency is {most}, use --max-log-requests to \
             increase the limit",
            sources.len()
        )));
    }
    let mut shown: Vec<usize> = Vec::new();
    for source in sources {
        shown.push(lines_of(call, source).map_or(0, |lines| lines.len()));
    }
    let end = call.cx.world.now().plus(FOLLOW_MAX);
    loop {
        let left = end.since(call.cx.world.now());
        if left.is_zero() || call.cx.world.halted() || sources.iter().all(|source| has_ended(call, &source.pod)) {
            return Ok(());
        }
        call.cx.world.advance(left.min(Duration::from_secs(1)));
        for (source, shown) in sources.iter().zip(&mut shown) {
            let lines = lines_of(call, source).unwrap_or_default();
            if lines.len() > *shown {
                let text: String = lines[*shown..].iter().map(|line| format!("{line}\n")).collect();
                show(call, source, &text);
            }
            *shown = lines.len();
        }
    }
}

fn has_ended(call: &Call, pod: &Value) -> bool {
    let now = call.cx.world.store().get(&Key::of(Kind::Pod, pod));
    now.is_none_or(|now| matches!(str_at(now, "status.phase"), "Succeeded" | "Failed"))
}
