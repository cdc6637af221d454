//! `kubectl wait`: for a condition, a field, a creation or a deletion.
//!
//! Source: `kubectl/pkg/cmd/wait`.

use std::time::Duration;

use serde_json::Value;

use super::Call;
use super::failure::{Failure, Outcome};
use super::follow::{Change, Ended, follow, wait_until};
use super::go_value::{plain, quote};
use super::jsonpath::Template;
use super::printed::{DryRun, Printer};
use super::select::{Fetch, Info, Query, Selected, select};
use crate::object::{field, int_at, items, str_at};
use crate::time::Time;

enum Wanted {
    Created,
    Deleted,
    Condition { name: String, status: String },
    Field { template: Template, value: Option<String> },
}

pub fn run(call: &mut Call) -> Outcome {
    let mut printer = Printer::of(call, DryRun::None)?;
    let wanted = wanted(call.flags.text("for"))?;
    let nanos = call.flags.duration("timeout");
    let limit = if nanos < 0 { Duration::from_secs(7 * 24 * 3600) } else { Duration::from_nanos(nanos.unsigned_abs()) };
    let end = call.cx.world.now().plus(limit);
    let mut query = call.query();
    query.fetch = Fetch::Latest;
    if matches!(wanted, Wanted::Created) {
        wait_for_creation(call, &query, limit)?;
    }
    let mut selected = select(call.cx.world, &query)?;
    if matches!(wanted, Wanted::Deleted) {
        selected.infos.retain(|info| !matches!(info, Err(failure) if failure.is_not_found()));
    }
    let mut count = 0usize;
    selected.visit(|info| {
        count += 1;
        let object = wait_for(call, &info, &wanted, (nanos == 0).then_some(()), end)?;
        printer.print(call, info.kind, &object, "condition met")
    })?;
    if count == 0 && !matches!(wanted, Wanted::Deleted) {
        return Err(Failure::text("no matching resources found"));
    }
    Ok(())
}

/// Reads `--for`.
fn wanted(text: &str) -> Outcome<Wanted> {
    match text.to_lowercase().as_str() {
        "delete" => return Ok(Wanted::Deleted),
        "create" => return Ok(Wanted::Created),
        _ => {}
    }
    if let Some(condition) = text.strip_prefix("condition=") {
        let (name, status) = condition.split_once('=').unwrap_or((condition, "true"));
        return Ok(Wanted::Condition { name: name.to_string(), status: status.to_string() });
    }
    if let Some(input) = text.strip_prefix("jsonpath=") {
        return wanted_field(input);
    }
    Err(Failure::text(format!("unrecognized condition: {}", quote(text))))
}

fn wanted_field(input: &str) -> Outcome<Wanted> {
    let parts = split_at_single_equals(input);
    if parts.len() > 2 {
        return Err(Failure::text(
            "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
        ));
    }
    let path = relaxed(&parts[0])?;
    let value = match parts.get(1) {
        None => None,
        Some(value) => match value.trim_matches(['\'', '"']) {
            "" => {
                return Err(Failure::text(
                    "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
                ));
            }
            value => Some(value.to_string()),
        },
    };
    if path.is_empty() {
        return Err(Failure::text("jsonpath expression cannot be empty"));
    }
    let template = Template::new(&path).map_err(Failure::text)?;
    Ok(Wanted::Field { template, value })
}

/// Splits at each `=` that does not stand in `==`.
fn split_at_single_equals(input: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = input.chars().peekable();
    while let Some(c) = chars.next() {
        let last = parts.last_mut().expect("there is always a part");
        if c != '=' {
            last.push(c);
        } else if chars.next_if_eq(&'=').is_some() {
            last.push_str("==");
        } else {
            parts.push(String::new());
        }
    }
    parts
}

/// A JSONPath with or without braces and leading dot.
fn relaxed(path: &str) -> Outcome<String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let inner = match (path.strip_prefix('{'), path.ends_with('}')) {
        (Some(rest), true) => &rest[..rest.len() - 1],
        (None, false) => path,
        _ => "",
    };
    let name = inner.strip_prefix('.').unwrap_or(inner);
    if inner.is_empty() || name.contains(['{', '}']) {
        return Err(Failure::text(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
        ));
    }
    Ok(format!("{{.{name}}}"))
}

/// Looks every half second whether anything that was asked for is there.
fn wait_for_creation(call: &mut Call, query: &Query, limit: Duration) -> Outcome {
    let mut refused = None;
    let mut look = |world: &crate::world::World| match select(world, query).and_then(Selected::infos) {
        Ok(infos) => !infos.is_empty(),
        Err(failure) if failure.is_not_found() => false,
        Err(failure) => {
            refused = Some(failure);
            true
        }
    };
    if look(call.cx.world) {
        return refused.map_or(Ok(()), Err);
    }
    let end = call.cx.world.now().plus(limit);
    loop {
        let left = end.since(call.cx.world.now());
        if left.is_zero() || call.cx.world.halted() {
            return Err(Failure::text("timed out waiting for the condition"));
        }
        call.cx.world.advance(left.min(Duration::from_millis(500)));
        if look(call.cx.world) {
            return refused.map_or(Ok(()), Err);
        }
    }
}

fn wait_for(call: &mut Call, info: &Info, wanted: &Wanted, once: Option<()>, end: Time) -> Outcome<Value> {
    let on = format!("{}/{}", info.kind.info().plural, info.name);
    let timed_out = || Failure::text(format!("timed out waiting for the condition on {on}"));
    let key = info.key();
    if matches!(wanted, Wanted::Created) {
        return Ok(info.value().clone());
    }
    if once.is_some() {
        let now = call.cx.world.store().get(&key).cloned();
        let met = match (&now, wanted) {
            (None, Wanted::Deleted) => true,
            (Some(_), Wanted::Deleted) => false,
            (None, _) => return Err(Failure::not_found(&super::resources::qualified(info.kind), &info.name)),
            (Some(object), _) => is_met(object, wanted)?,
        };
        return if met { Ok(info.value().clone()) } else { Err(Failure::text(format!("condition not met for {on}"))) };
    }
    let left = end.since(call.cx.world.now());
    if matches!(wanted, Wanted::Deleted) {
        let gone = wait_until(call, Some(left), |world| world.store().get(&key).is_none())?;
        return if gone { Ok(info.value().clone()) } else { Err(timed_out()) };
    }
    if left.is_zero() {
        return Err(timed_out());
    }
    let ended = follow(call, &key, Some(left), |_, change| match change {
        Change::Present(object) => Ok(is_met(&object, wanted)?.then_some(object)),
        Change::Gone(_) => Ok(None),
    })?;
    match ended {
        Ended::Done(object) => Ok((*object).clone()),
        Ended::TimedOut => Err(timed_out()),
    }
}

fn is_met(object: &Value, wanted: &Wanted) -> Outcome<bool> {
    match wanted {
        Wanted::Condition { name, status } => Ok(condition_is_met(object, name, status)),
        Wanted::Field { template, value } => field_is_met(object, template, value.as_deref()),
        Wanted::Created | Wanted::Deleted => Ok(false),
    }
}

/// A condition that speaks of an older generation does not count.
fn condition_is_met(object: &Value, name: &str, status: &str) -> bool {
    let conditions = items(object, "status.conditions");
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let Some(condition) = conditions.iter().find(|c| same(str_at(c, "type"), name) && !field(c, "status").is_null())
    else {
        return false;
    };
    let observed = int_at(condition, "observedGeneration").or_else(|| int_at(object, "status.observedGeneration"));
    if let (Some(generation), Some(observed)) = (int_at(object, "metadata.generation"), observed)
        && observed < generation
    {
        return false;
    }
    same(str_at(condition, "status"), status)
}

fn field_is_met(object: &Value, template: &Template, value: Option<&str>) -> Outcome<bool> {
    let found = template.find(object).map_err(Failure::text)?;
    let Some(first) = found.first().filter(|list| !list.is_empty()) else { return Ok(false) };
    if found.len() > 1 {
        return Err(Failure::text("given jsonpath expression matches more than one list"));
    }
    if first.len() > 1 {
        return Err(Failure::text("given jsonpath expression matches more than one value"));
    }
    let Some(value) = value else { return Ok(true) };
    if first[0].is_object() || first[0].is_array() {
        return Err(Failure::text("jsonpath leads to a nested object or list which is not supported"));
    }
    Ok(plain(&first[0]).trim() == value.trim())
}
