//! `kubectl describe`: finds the objects, by a prefix of their names when no name fits
//! (`kubectl/pkg/cmd/describe/describe.go`). What is printed about each stands in [`super::describe`].

use super::Call;
use super::describe::{Around, describe, events_of_missing_pod};
use super::failure::{Failure, Outcome};
use super::get::warn_of_endpoints;
use super::select::{Fetch, Info, Query, select};
use crate::store::Kind;

pub fn run(call: &mut Call) -> Outcome {
    if call.args.is_empty() && call.flags.list("filename").is_empty() {
        return Err(Failure::text(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
        ));
    }
    let query = Query { type_alone_is_all: true, fetch: Fetch::Lazy, ..call.query() };
    let selected = select(call.cx.world, &query)?;
    warn_of_endpoints(call, &selected);
    let (mut infos, mut failures) = (Vec::new(), Vec::new());
    for outcome in selected.infos {
        match outcome {
            Ok(info) => infos.push(info),
            Err(failure) => failures.push(failure),
        }
    }
    let by_prefix = call.args.len() == 2 && matches!(failures.as_slice(), [one] if one.is_not_found());
    if let (true, Some(failure)) = (by_prefix, failures.first().cloned()) {
        return matching(call, &query, failure);
    }
    let nothing = infos.is_empty() && failures.is_empty();
    let mut first = true;
    for info in infos {
        match text_of(call, &info) {
            Ok(text) => {
                call.cx.print(&if first { text } else { format!("\n\n{text}") });
                first = false;
            }
            Err(failure) if failures.iter().any(|known| known.message() == failure.message()) => {}
            Err(failure) => failures.push(failure),
        }
    }
    if nothing {
        if call.flags.bool("all-namespaces") {
            call.cx.eprint("No resources found\n");
        } else {
            let namespace = call.namespace();
            call.cx.eprint(&format!("No resources found in {namespace} namespace.\n"));
        }
    }
    Failure::gathered(failures)
}

/// Describes the objects whose names begin as the argument does.
fn matching(call: &mut Call, query: &Query, not_found: Failure) -> Outcome {
    let (kind, prefix) = (query.args[0].clone(), query.args[1].clone());
    let all = Query { args: vec![kind], single_resource_type: true, ..query.clone() };
    let mut found = false;
    for info in select(call.cx.world, &all)?.infos()? {
        if info.name.starts_with(&prefix) {
            found = true;
            let text = text_of(call, &info)?;
            call.print(text);
        }
    }
    if found { Ok(()) } else { Err(not_found) }
}

fn text_of(call: &Call, info: &Info) -> Outcome<String> {
    let world = &*call.cx.world;
    let around = Around { store: world.store(), now: world.now(), show_events: call.flags.bool("show-events") };
    // Objects of files are read again, as describers ask the API server themselves.
    match world.store().get(&info.key()) {
        Some(object) => Ok(describe(info.kind, object, around)),
        None => {
            let failure = Failure::not_found(&super::resources::qualified(info.kind), &info.name);
            let events = (info.kind == Kind::Pod)
                .then(|| events_of_missing_pod(&info.namespace, &info.name, &failure.message(), around))
                .flatten();
            events.ok_or(failure)
        }
    }
}
