//! `kubectl events`: events in the order in which they were last seen (`kubectl/pkg/cmd/events`).

use serde_json::{Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::get::watch_lasts;
use super::output::{self, Formats, Output};
use super::printers::event::interval;
use super::resources::mapping_for;
use super::table::escape_terminal;
use super::tabwriter::{TabWriter, table};
use super::watch::{Change, follow};
use crate::event::{Event, What};
use crate::object::{namespace, str_at};
use crate::store::{Kind, Object};
use crate::time::Time;

/// Which events are asked for.
struct Filter {
    /// `None` for all namespaces.
    namespace: Option<String>,
    /// Kind, apiVersion and name of the object that the events are about.
    about: Option<(Kind, String)>,
    types: Vec<String>,
}

impl Filter {
    fn matches(&self, event: &Value) -> bool {
        let about = |(kind, name): &(Kind, String)| {
            str_at(event, "involvedObject.kind") == kind.info().kind
                && str_at(event, "involvedObject.apiVersion") == kind.info().api_version()
                && str_at(event, "involvedObject.name") == name
        };
        let kind = str_at(event, "type");
        self.namespace.as_deref().is_none_or(|only| only == namespace(event))
            && self.about.as_ref().is_none_or(about)
            && (self.types.is_empty() || self.types.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind)))
    }
}

pub fn run(call: &mut Call) -> Outcome {
    let all_namespaces = call.flags.bool("all-namespaces");
    let about = about(call.flags.text("for"))?;
    let output = output::parse(call.cx.world, call.flags.text("output"), Formats::Plain, false)?;
    let types = call.flags.list("types");
    if types.iter().any(|kind| !kind.eq_ignore_ascii_case("Normal") && !kind.eq_ignore_ascii_case("Warning")) {
        return Err(Failure::text("valid --types are Normal or Warning"));
    }
    let filter = Filter { namespace: (!all_namespaces).then(|| call.namespace()), about, types };
    let mut printer = EventPrinter { writer: table(), all_namespaces, header: !call.flags.bool("no-headers") };
    if call.flags.bool("watch") {
        return watch(call, &filter, &output, printer);
    }
    let world = &*call.cx.world;
    let mut events: Vec<Object> =
        world.store().list(Kind::Event).filter(|event| filter.matches(event)).cloned().collect();
    if events.is_empty() {
        let none = match &filter.namespace {
            None => "No events found.\n".to_owned(),
            Some(namespace) => format!("No events found in {namespace} namespace.\n"),
        };
        call.cx.eprint(&none);
        return Ok(());
    }
    events.sort_by_key(|event| last_seen(event));
    let text = match &output {
        Output::Human { .. } => {
            let now = world.now();
            events.iter().for_each(|event| printer.row(event, now));
            printer.flush()
        }
        // kubectl's name printer takes no typed list, and its complaint is dropped.
        Output::Name => String::new(),
        _ => {
            let items: Vec<Value> = events.iter().map(|event| Value::clone(event)).collect();
            output.print(&json!({"apiVersion": "v1", "items": items, "kind": "EventList", "metadata": {}}))?
        }
    };
    call.cx.print(&text);
    Ok(())
}

fn about(text: &str) -> Outcome<Option<(Kind, String)>> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [_] => Err(Failure::text("--for must be in resource/name form")),
        [kind, name] => Ok(Some((mapping_for(kind)?, (*name).to_owned()))),
        _ => Err(Failure::text("arguments in resource/name form may not have more than one slash")),
    }
}

/// The time by which events are sorted; none sorts first.
fn last_seen(event: &Value) -> Option<Time> {
    let stamps = [str_at(event, "series.lastObservedTime"), str_at(event, "lastTimestamp"), str_at(event, "eventTime")];
    stamps.into_iter().find_map(Time::parse_rfc3339)
}

/// All events there are, then each that comes or is seen again.
fn watch(call: &mut Call, filter: &Filter, output: &Output, mut printer: EventPrinter) -> Outcome {
    let mut printed = false;
    let mut print = |event: &Object, at: Time| -> Outcome<String> {
        if let Output::Human { .. } = output {
            printer.row(event, at);
            return Ok(printer.flush());
        }
        let separator = if printed { output.separator() } else { "" };
        printed = true;
        Ok(format!("{separator}{}", output.print(event)?))
    };
    let now = call.cx.world.now();
    let mut texts = Vec::new();
    for event in call.cx.world.store().list(Kind::Event).filter(|event| filter.matches(event)) {
        texts.push(print(event, now));
    }
    let lasts = watch_lasts(call);
    let change = |event: &Event| match &event.what {
        What::Stored { key, new, .. } if key.kind == Kind::Event && filter.matches(new) => {
            Some(Change { verb: "", object: new.clone(), at: event.at })
        }
        _ => None,
    };
    follow(call, lasts, change, |change| texts.push(print(&change.object, change.at)));
    for text in texts {
        call.cx.print(&text?);
    }
    Ok(())
}

struct EventPrinter {
    writer: TabWriter,
    all_namespaces: bool,
    /// Whether the header is still to be printed.
    header: bool,
}

impl EventPrinter {
    fn row(&mut self, event: &Value, now: Time) {
        if std::mem::take(&mut self.header) {
            let namespace = if self.all_namespaces { "NAMESPACE\t" } else { "" };
            self.writer.write(&format!("{namespace}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n"));
        }
        if self.all_namespaces {
            self.writer.write(&format!("{}\t", namespace(event)));
        }
        let text = |path: &str| escape_terminal(str_at(event, path).trim());
        self.writer.write(&format!(
            "{}\t{}\t{}\t{}/{}\t{}\n",
            interval(event, now),
            text("type"),
            text("reason"),
            text("involvedObject.kind"),
            text("involvedObject.name"),
            text("message")
        ));
    }

    fn flush(&mut self) -> String {
        self.writer.flush();
        self.writer.take()
    }
}
