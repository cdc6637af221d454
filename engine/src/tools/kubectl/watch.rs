//! `kubectl get --watch`: the objects as they are, then each change as it happens, for a bounded time.
//!
//! An object that begins to match the selectors is added, one that ceases to match is deleted, as the API server's
//! watch reports it. Left out: the watch without an end; the lab's ends after 30 seconds.

use serde_json::Value;

use super::failure::{Failure, Outcome};
use super::field_selector::FieldSelector;
use super::get::{one_by_one, print_each, table_options, warn_of_endpoints, watch_lasts};
use super::label_selector::LabelSelector;
use super::output::{self, Formats, Output};
use super::select::{Query, select};
use super::table::TablePrinter;
use super::{Call, sorter};
use crate::event::What;
use crate::object::{name, namespace};
use crate::store::{Kind, Object};
use crate::time::Time;
use crate::world::World;

/// What is watched.
struct Scope {
    kind: Kind,
    namespace: Option<String>,
    name: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Scope {
    fn matches(&self, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|only| only == namespace(object))
            && self.name.as_deref().is_none_or(|only| only == name(object))
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}

/// A change that a watch reports.
pub struct Change {
    pub verb: &'static str,
    pub object: Object,
    pub at: Time,
}

/// Prints objects either way.
enum Printer {
    Table(Box<TablePrinter>, Kind),
    Other { output: Output, printed: bool },
}

impl Printer {
    fn print(&mut self, objects: &[Object], now: Time, verb: Option<&str>) -> Outcome<String> {
        match self {
            Printer::Table(table, kind) => {
                objects.iter().for_each(|object| table.row(*kind, object, now, verb));
                Ok(table.flush())
            }
            Printer::Other { output, printed } => {
                let event = verb.map(|verb| {
                    let object = |object: &Object| serde_json::json!({"object": **object, "type": verb.trim()});
                    objects.iter().map(object).collect::<Vec<Value>>()
                });
                let first = !*printed;
                *printed |= !objects.is_empty();
                match event {
                    Some(events) => print_each(output, &events, first),
                    None => print_each(output, objects.iter().map(|object| &**object), first),
                }
            }
        }
    }
}

pub fn run(call: &mut Call, query: &Query, format: &str) -> Outcome {
    let selected = select(call.cx.world, query)?;
    warn_of_endpoints(call, &selected);
    let kinds = selected.kinds.clone();
    let by_name = one_by_one(query);
    let infos = match selected.infos() {
        Err(failure) if failure.is_not_found() && call.flags.bool("ignore-not-found") => return Ok(()),
        infos => infos?,
    };
    let Some(&kind) = kinds.first().or(infos.first().map(|info| &info.kind)) else { return Ok(()) };
    if by_name && infos.len() > 1 {
        return Err(Failure::text(
            "watch is only supported on individual resources and resource collections - more than 1 resource was found",
        ));
    }
    let scope = Scope {
        kind,
        namespace: Some(query.namespace.clone()).filter(|_| kind.info().namespaced && !query.all_namespaces),
        name: infos.first().filter(|_| by_name).map(|info| info.name.clone()),
        labels: LabelSelector::parse(&query.label_selector).unwrap_or_default(),
        fields: FieldSelector::parse(&query.field_selector).unwrap_or_default(),
    };
    let mut printer = if format.is_empty() || format == "wide" {
        let mut options = table_options(call, format == "wide");
        options.with_namespace = query.all_namespaces;
        Printer::Table(Box::new(TablePrinter::new(options)), kind)
    } else {
        let no_headers = call.flags.bool("no-headers");
        let output = output::parse(call.cx.world, format, Formats::Tables, no_headers)?;
        Printer::Other { output, printed: false }
    };
    let show_events = call.flags.bool("output-watch-events");
    if !call.flags.bool("watch-only") {
        let mut objects: Vec<Object> = infos.into_iter().filter_map(|info| info.object).collect();
        let sort_by = call.flags.text("sort-by").to_owned();
        if !sort_by.is_empty() {
            sorter::sort(&mut objects, &sort_by).map_err(Failure::text)?;
        }
        let text = printer.print(&objects, call.cx.world.now(), show_events.then_some("ADDED"))?;
        call.cx.print(&text);
    }
    let mut failure = None;
    let lasts = watch_lasts(call);
    let mut texts = Vec::new();
    follow(
        call,
        lasts,
        |event| scope_change(&scope, event),
        |change| {
            let verb = show_events.then_some(change.verb);
            match printer.print(&[change.object], change.at, verb) {
                Ok(text) => texts.push(text),
                Err(why) => failure = failure.take().or(Some(why)),
            }
        },
    );
    for text in texts {
        call.cx.print(&text);
    }
    failure.map_or(Ok(()), Err)
}

/// Lets time pass and reports each change that `select` finds in the events that happen.
pub fn follow(
    call: &mut Call,
    lasts: std::time::Duration,
    select: impl Fn(&crate::event::Event) -> Option<Change>,
    mut report: impl FnMut(Change),
) {
    let mut seen = call.cx.world.events().len();
    let mut look = |world: &World| {
        for event in &world.events()[seen..] {
            if let Some(change) = select(event) {
                report(change);
            }
        }
        seen = world.events().len();
        false
    };
    call.wait(lasts, &mut look);
}

fn scope_change(scope: &Scope, event: &crate::event::Event) -> Option<Change> {
    let (key, old, new) = match &event.what {
        What::Stored { key, old, new, .. } => (key, old.as_ref(), Some(new)),
        What::Deleted { key, old } => (key, Some(old), None),
        _ => return None,
    };
    if key.kind != scope.kind {
        return None;
    }
    let old = old.filter(|old| scope.matches(old));
    let new = new.filter(|new| scope.matches(new));
    let (verb, object) = match (old, new) {
        (None, None) => return None,
        (None, Some(new)) => ("ADDED", new),
        (Some(_), Some(new)) => ("MODIFIED", new),
        (Some(old), None) => ("DELETED", old),
    };
    Some(Change { verb, object: object.clone(), at: event.at })
}
