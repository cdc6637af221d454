//! `kubectl get` (`kubectl/pkg/cmd/get/get.go`): lists and named objects, as tables or in the formats of `-o`.
//!
//! Left out: `--raw`, `--subresource`; `--server-print=false` prints the same table.

use std::time::Duration;

use serde_json::Value;

use super::failure::{Failure, Outcome};
use super::go_format::parse_duration;
use super::output::{self, Formats, Output};
use super::select::{Fetch, Info, Query, Selected, select};
use super::table::{self, TablePrinter};
use super::{Call, sorter};
use crate::store::{Kind, Object};

const ENDPOINTS_WARNING: &str = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

pub fn run(call: &mut Call) -> Outcome {
    let output = call.flags.text("output").to_owned();
    let watching = call.flags.bool("watch") || call.flags.bool("watch-only");
    let files = call.flags.list("filename");
    if call.flags.changed("subresource") {
        return Err(Failure::not_modelled("--subresource of 'kubectl get'"));
    }
    if watching && !call.flags.text("sort-by").is_empty() {
        let warning = if call.flags.bool("watch") {
            "warning: --watch requested, --sort-by will be ignored for watch events received\n"
        } else {
            "warning: --watch-only requested, --sort-by will be ignored\n"
        };
        call.cx.eprint(warning);
    }
    if !watching && call.args.is_empty() && files.is_empty() {
        call.cx.eprint(
            "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n\n",
        );
        return Err(call.usage_error(
            "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).",
        ));
    }
    if call.flags.bool("show-labels") && !output.is_empty() && output != "wide" {
        return Err(Failure::text(format!("--show-labels option cannot be used with {output} printer")));
    }
    if call.flags.bool("output-watch-events") && !watching {
        return Err(Failure::text("--output-watch-events option can only be used with --watch or --watch-only"));
    }
    let query = Query { type_alone_is_all: true, fetch: Fetch::Latest, single_resource_type: watching, ..call.query() };
    if watching {
        return super::watch::run(call, &query, &output);
    }
    let selected = select(call.cx.world, &query)?;
    warn_of_endpoints(call, &selected);
    if output.is_empty() || output == "wide" {
        return tables(call, selected, one_by_one(&query), output == "wide");
    }
    generic(call, selected, &output)
}

/// The API server warns of a deprecated kind with each answer; kubectl shows a warning once.
pub fn warn_of_endpoints(call: &mut Call, selected: &Selected) {
    let asked = selected.kinds.contains(&Kind::Endpoints);
    if asked || selected.infos.iter().flatten().any(|info| info.kind == Kind::Endpoints) {
        call.warn(ENDPOINTS_WARNING);
    }
}

/// How tables look, by the flags; the caller knows whether kinds and namespaces are shown.
pub fn table_options(call: &Call, wide: bool) -> table::Options {
    table::Options {
        wide,
        no_headers: call.flags.bool("no-headers"),
        with_namespace: false,
        with_kind: call.flags.bool("show-kind"),
        show_labels: call.flags.bool("show-labels"),
        label_columns: call.flags.list("label-columns"),
    }
}

/// Whether objects are asked for one by one (by name, or from files) and not as lists.
pub fn one_by_one(query: &Query) -> bool {
    !query.files.is_empty() || query.args.len() > 1 || query.args.iter().any(|arg| arg.contains('/'))
}

/// The failures of a query that count, and the objects that were found.
fn split(call: &Call, selected: Selected) -> (Vec<Info>, Vec<Failure>) {
    let forgiven = call.flags.bool("ignore-not-found");
    let (mut infos, mut failures) = (Vec::new(), Vec::new());
    for outcome in selected.infos {
        match outcome {
            Ok(info) => infos.push(info),
            Err(failure) if forgiven && failure.is_not_found() => {}
            Err(failure) => failures.push(failure),
        }
    }
    (infos, failures)
}

/// A part of the answer that is one table to the API server: a whole list, or one named object.
struct Part {
    kind: Kind,
    objects: Vec<Object>,
}

fn parts(infos: Vec<Info>, kinds: &[Kind], by_name: bool) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    if !by_name {
        parts.extend(kinds.iter().map(|&kind| Part { kind, objects: Vec::new() }));
    }
    for info in infos {
        let Some(object) = info.object else { continue };
        match parts.iter_mut().find(|part| !by_name && part.kind == info.kind) {
            Some(part) => part.objects.push(object),
            None => parts.push(Part { kind: info.kind, objects: vec![object] }),
        }
    }
    parts
}

fn tables(call: &mut Call, selected: Selected, by_name: bool, wide: bool) -> Outcome {
    let kinds = selected.kinds.clone();
    let (infos, failures) = split(call, selected);
    let mut parts = parts(infos, &kinds, by_name);
    let sort_by = call.flags.text("sort-by").to_owned();
    if !sort_by.is_empty() {
        for part in &mut parts {
            sorter::sort(&mut part.objects, &sort_by).map_err(Failure::text)?;
        }
    }
    let all_namespaces = call.flags.bool("all-namespaces");
    let several_kinds = parts.iter().any(|part| part.kind != parts[0].kind);
    let now = call.cx.world.now();
    let mut options = table_options(call, wide);
    options.with_kind |= several_kinds;
    let mut texts: Vec<String> = Vec::new();
    let mut printer: Option<(Kind, TablePrinter)> = None;
    for part in &parts {
        if printer.as_ref().is_none_or(|(kind, _)| *kind != part.kind) {
            texts.extend(printer.take().map(|(_, mut printer)| printer.flush()));
            options.with_namespace = all_namespaces && part.kind.info().namespaced;
            printer = Some((part.kind, TablePrinter::new(options.clone())));
        }
        for object in &part.objects {
            if let Some((kind, printer)) = &mut printer {
                printer.row(*kind, object, now, None);
            }
        }
    }
    texts.extend(printer.take().map(|(_, mut printer)| printer.flush()));
    texts.retain(|text| !text.is_empty());
    let nothing = texts.is_empty();
    call.cx.print(&texts.join(if options.no_headers { "" } else { "\n" }));
    if nothing && !call.flags.bool("ignore-not-found") && failures.is_empty() {
        if !all_namespaces && parts.iter().all(|part| part.kind.info().namespaced) {
            let namespace = call.namespace();
            call.cx.eprint(&format!("No resources found in {namespace} namespace.\n"));
        } else {
            call.cx.eprint("No resources found\n");
        }
    }
    Failure::gathered(failures)
}

fn generic(call: &mut Call, selected: Selected, format: &str) -> Outcome {
    let single = selected.single;
    let (infos, mut failures) = split(call, selected);
    if single && !failures.is_empty() {
        return Failure::gathered(failures);
    }
    if infos.is_empty() && call.flags.bool("ignore-not-found") {
        return Failure::gathered(failures);
    }
    let output = output::parse(call.cx.world, format, Formats::Tables, call.flags.bool("no-headers"))?;
    let mut objects: Vec<Object> = infos.into_iter().filter_map(|info| info.object).collect();
    let sort_by = call.flags.text("sort-by").to_owned();
    if !(sort_by.is_empty() || single && objects.len() == 1) {
        sorter::sort(&mut objects, &sort_by).map_err(Failure::text)?;
    }
    let printed = if single && objects.len() == 1 {
        output.print(&objects[0])
    } else {
        output.print(&output::list_of(objects.iter().map(|object| Value::clone(object))))
    };
    match printed {
        Ok(text) => call.cx.print(&text),
        Err(failure) => failures.push(failure),
    }
    Failure::gathered(failures)
}

/// How long a watch lasts: `--request-timeout`, at most the lab's bound.
pub fn watch_lasts(call: &Call) -> Duration {
    const BOUND: Duration = Duration::from_secs(30);
    let text = call.flags.text("request-timeout");
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::from_nanos(parse_duration(text).unwrap_or(0).unsigned_abs()),
    };
    if asked.is_zero() { BOUND } else { asked.min(BOUND) }
}

/// Prints what is left of `-o` for objects one after another, as a watch does.
pub fn print_each<'a>(output: &Output, objects: impl IntoIterator<Item = &'a Value>, first: bool) -> Outcome<String> {
    let mut text = String::new();
    let mut first = first;
    for object in objects {
        if !first {
            text.push_str(output.separator());
        }
        first = false;
        text.push_str(&output.print(object)?);
    }
    Ok(text)
}

#[cfg(test)]
#[path = "get_tests.rs"]
mod tests;
