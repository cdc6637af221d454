//! Requests to the API server on behalf of the learner: with `--validate` and `--dry-run=server`, the server's warnings
//! on standard error, and a note to the page about fields that are stored without effect.
//!
//! A dry run on the server goes as far as validation; it allocates no addresses and ports.

use std::rc::Rc;

use serde_json::Value;

use super::Call;
use super::failure::{Failure, Outcome, Refused};
use super::go_value::{plain, quote};
use super::printed::DryRun;
use super::select::Info;
use crate::event::{Actor, What};
use crate::kube::api::{self, DeleteOptions, PatchType};
use crate::kube::schema;
use crate::store::{Key, Kind, Object};

/// `--validate`: what becomes of fields that the API does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// An error.
    Strict,
    /// A warning.
    #[default]
    Warn,
    Ignore,
}

impl Validation {
    pub fn of(call: &Call) -> Outcome<Validation> {
        match call.flags.text("validate") {
            "true" | "strict" => Ok(Validation::Strict),
            "warn" => Ok(Validation::Warn),
            "false" | "ignore" => Ok(Validation::Ignore),
            other => match super::go_format::parse_bool(other) {
                Ok(true) => Ok(Validation::Strict),
                Ok(false) => Ok(Validation::Ignore),
                Err(_) => Err(Failure::text(format!(
                    "invalid - validate option {}; must be one of: strict (or true), warn, ignore (or false)",
                    quote(other)
                ))),
            },
        }
    }
}

/// Creates an object of a manifest in a namespace; what it answers is the object as stored, or as it would be.
pub fn create(
    call: &mut Call,
    kind: Kind,
    namespace: &str,
    object: &Value,
    validation: Validation,
    dry_run: DryRun,
) -> Outcome<Object> {
    let stored = create_generated(call, kind, namespace, object, validation, dry_run)?;
    if dry_run == DryRun::None {
        note_without_effect(call, kind, &stored, schema::stored_without_effect(kind.info().kind, object));
    }
    Ok(stored)
}

/// The same of an object that kubectl made itself, of which the page has nothing to tell.
pub fn create_generated(
    call: &mut Call,
    kind: Kind,
    namespace: &str,
    object: &Value,
    validation: Validation,
    dry_run: DryRun,
) -> Outcome<Object> {
    let unknown = api::decode(kind, object, validation != Validation::Ignore);
    match (unknown, validation) {
        (Err(status), Validation::Strict) => return Err(status.into()),
        (Err(status), _) => {
            api::decode(kind, object, false)?;
            warn_of_unknown(call, &status.message);
        }
        (Ok(_), _) => {}
    }
    let decoded = api::decode(kind, object, false)?;
    if dry_run == DryRun::Server {
        return would_create(call, kind, namespace, decoded);
    }
    let stored = api::create(call.cx.world, Actor::Learner, kind, namespace, decoded)?;
    say_warnings(call, kind, &stored);
    Ok(stored)
}

fn would_create(call: &mut Call, kind: Kind, namespace: &str, mut object: Value) -> Outcome<Object> {
    if kind.info().namespaced {
        crate::object::set(&mut object, "metadata.namespace", namespace);
        if call.cx.world.store().find(Kind::Namespace, "", namespace).is_none() {
            return Err(Failure::not_found("namespaces", namespace));
        }
    }
    let key = Key::of(kind, &object);
    api::default_object(kind, &mut object);
    let now = call.cx.world.now().rfc3339();
    let uid = call.cx.world.uid();
    crate::object::set(&mut object, "metadata.creationTimestamp", now);
    crate::object::set(&mut object, "metadata.uid", uid);
    let errors = api::validate(kind, &object);
    if !errors.is_empty() {
        return Err(api::Status::invalid(kind, &key.name, &errors).into());
    }
    if call.cx.world.store().get(&key).is_some() {
        return Err(api::Status::already_exists(kind, &key.name).into());
    }
    say_warnings(call, kind, &object);
    Ok(Rc::new(object))
}

/// Patches the object that `info` names; the object as it stands then, or as it would.
pub fn patch(
    call: &mut Call,
    info: &Info,
    how: PatchType,
    patch: &Value,
    validation: Validation,
    dry_run: DryRun,
) -> Outcome<Object> {
    let Some(old) = call.cx.world.store().get(&info.key()).cloned() else {
        return Err(Failure::not_found(&super::resources::qualified(info.kind), &info.name));
    };
    let patched = match api::patch::apply(info.kind, &info.name, how, &old, patch) {
        Ok(patched) => patched,
        Err(_) if how == PatchType::Json => return Err(refused_patch("", REJECTED)),
        Err(status) => return Err(status.into()),
    };
    if let Err(status) = api::decode(info.kind, &patched, false) {
        return Err(undecodable(how, patch, &status.message));
    }
    if validation != Validation::Ignore
        && let Err(status) = api::decode(info.kind, &patched, true)
    {
        let unknown = after_kind(&status.message);
        if validation == Validation::Strict {
            let cause = format!("Invalid value: {}: {unknown}", quote(&plain(patch)));
            return Err(refused_patch(&cause, ""));
        }
        warn_of_unknown(call, unknown);
    }
    if dry_run == DryRun::Server {
        let mut patched = patched;
        api::default_object(info.kind, &mut patched);
        let errors = api::validate_update(info.kind, &old, &patched);
        if !errors.is_empty() {
            return Err(api::Status::invalid(info.kind, &info.name, &errors).into());
        }
        return Ok(Rc::new(patched));
    }
    let stored = api::patch(call.cx.world, Actor::Learner, info.kind, &info.namespace, &info.name, how, patch)?;
    if stored != old {
        say_warnings(call, info.kind, &stored);
        let mut fields = schema::stored_without_effect(info.kind.info().kind, &patched);
        fields.retain(|path| patched.pointer(&pointer(path)) != old.pointer(&pointer(path)));
        note_without_effect(call, info.kind, &stored, fields);
    }
    Ok(stored)
}

/// What the API server says of a JSON patch that does not apply.
const REJECTED: &str = "the server rejected our request due to an error in our request";

/// An Invalid that names no object: about the patch itself, or with nothing but a message.
fn refused_patch(cause: &str, message: &str) -> Failure {
    let causes = if cause.is_empty() { Vec::new() } else { vec![("patch".to_string(), cause.to_string())] };
    let message = if cause.is_empty() { message.to_string() } else { format!(" \"\" is invalid: patch: {cause}") };
    Failure::Status(Refused { reason: "Invalid".into(), message, causes, ..Refused::default() })
}

/// What follows `Pod in version "v1" cannot be handled as a Pod: `.
fn after_kind(message: &str) -> &str {
    message
        .split_once("cannot be handled as a ")
        .and_then(|(_, rest)| rest.split_once(": "))
        .map_or(message, |(_, why)| why)
}

/// A patched object whose fields have wrong types. A strategic patch is applied to maps, whose conversion words it its own way.
fn undecodable(how: PatchType, patch: &Value, message: &str) -> Failure {
    let why = after_kind(message);
    let cause = match how {
        PatchType::Strategic => format!("Invalid value: {}: {}", quote(&plain(patch)), conversion_error(why)),
        _ => format!("Invalid value: {}: {why}", quote(&patch.to_string())),
    };
    refused_patch(&cause, "")
}

/// `json: cannot unmarshal number into Go struct field … of type string` as `cannot convert int64 to string`.
fn conversion_error(why: &str) -> String {
    let words = why.strip_prefix("json: cannot unmarshal ").and_then(|rest| rest.split_once(" into "));
    let Some((found, wanted)) = words.and_then(|(found, rest)| Some((found, rest.rsplit_once(" of type ")?.1))) else {
        return why.to_string();
    };
    let (kind, go) = match found {
        "object" => ("map", "map[string]interface {}"),
        "array" => ("slice", "[]interface {}"),
        "number" => ("int64", "int64"),
        other => (other, other),
    };
    if wanted.starts_with("[]") {
        format!("cannot restore slice from {kind}")
    } else if wanted.starts_with("map[") {
        format!("cannot restore map from {kind}")
    } else if wanted.starts_with("v1.") && wanted.chars().nth(3).is_some_and(char::is_uppercase) && found != "object" {
        format!("cannot restore struct from: {kind}")
    } else if found == "number" && wanted == "string" {
        // Go converts a number to a string (of that character), so that it comes to this refusal.
        format!("cannot convert {go} to {wanted}")
    } else {
        format!("unrecognized type: {wanted}")
    }
}

/// Replaces an object (PUT).
pub fn replace(
    call: &mut Call,
    info: &Info,
    object: &Value,
    validation: Validation,
    dry_run: DryRun,
) -> Outcome<Object> {
    if validation == Validation::Strict {
        api::decode(info.kind, object, true)?;
    }
    if dry_run == DryRun::Server {
        let Some(old) = call.cx.world.store().get(&info.key()).cloned() else {
            return Err(Failure::not_found(&super::resources::qualified(info.kind), &info.name));
        };
        let mut new = api::decode(info.kind, object, false)?;
        api::default_object(info.kind, &mut new);
        let errors = api::validate_update(info.kind, &old, &new);
        if !errors.is_empty() {
            return Err(api::Status::invalid(info.kind, &info.name, &errors).into());
        }
        return Ok(Rc::new(new));
    }
    let (kind, name) = (info.kind, &info.name);
    let stored =
        api::update(call.cx.world, Actor::Learner, api::Part::Main, kind, &info.namespace, name, object.clone())?;
    say_warnings(call, kind, &stored);
    note_without_effect(call, kind, &stored, schema::stored_without_effect(kind.info().kind, object));
    Ok(stored)
}

/// Asks for an object to be deleted; the object as it then stands.
pub fn delete(call: &mut Call, info: &Info, options: DeleteOptions) -> Outcome<Object> {
    Ok(api::delete(call.cx.world, Actor::Learner, info.kind, &info.namespace, &info.name, options)?)
}

/// The server's warnings about an object, each once in a command.
fn say_warnings(call: &mut Call, kind: Kind, object: &Value) {
    for warning in api::warnings(kind, object) {
        call.warn_once(&warning);
    }
}

/// `strict decoding error: unknown field "a", unknown field "b"` as warnings.
fn warn_of_unknown(call: &mut Call, message: &str) {
    let Some((_, list)) = message.split_once("strict decoding error: ") else { return };
    for one in list.split(", ") {
        call.warn_once(one);
    }
}

/// `spec.containers[0].tty` as `/spec/containers/0/tty`.
fn pointer(path: &str) -> String {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    steps.map(|step| format!("/{step}")).collect()
}

/// Tells the page, not kubectl's reader, which of the fields that the request itself set have no effect in the lab.
pub fn note_without_effect(call: &mut Call, kind: Kind, object: &Value, fields: Vec<String>) {
    if !fields.is_empty() {
        let key = Key::of(kind, object);
        call.cx.world.commit(Actor::Lab, What::WithoutEffect { key, fields });
    }
}

#[cfg(test)]
mod tests {
    use crate::event::What;
    use crate::lab::{Lab, LabOptions, Place};

    /// Commands, and the fields that each is told to have set without effect.
    const ROWS: [(&str, &str); 6] = [
        ("kubectl run plain --image=nginx", ""),
        (r#"kubectl run own --image=nginx --overrides='{"spec":{"hostname":"h"}}'"#, "spec.hostname"),
        (
            "echo '{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"nginx\",\"tty\":true}]}}' | kubectl apply -f -",
            "spec.containers[0].tty",
        ),
        ("kubectl label pod a x=y", ""),
        ("kubectl create deployment d --image=nginx", ""),
        (
            r#"kubectl patch deployment d -p '{"spec":{"template":{"spec":{"dnsPolicy":"Default"}}}}'"#,
            "spec.template.spec.dnsPolicy",
        ),
    ];

    #[test]
    fn only_what_the_request_itself_said_is_told() {
        let mut lab = Lab::new(LabOptions::default());
        for (line, wanted) in ROWS {
            let before = lab.events().len();
            let output = lab.run(&Place::Workstation, line);
            assert_eq!(output.exit, 0, "{line}: {}", output.text());
            let told: Vec<&str> = lab.events()[before..]
                .iter()
                .filter_map(|event| match &event.what {
                    What::WithoutEffect { fields, .. } => Some(fields.iter().map(String::as_str)),
                    _ => None,
                })
                .flatten()
                .collect();
            assert_eq!(told.join(" "), wanted, "{line}");
        }
    }
}
