//! `kubectl patch`: strategic merge, JSON merge and JSON patches, from the command line or a file.
//!
//! Source: `kubectl/pkg/cmd/patch`. Subresources: `status` and `scale`.

use serde_json::{Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::select::{Info, select};
use crate::event::Actor;
use crate::kube::api::{self, PatchType};
use crate::object::int_at;
use crate::store::{Kind, Object};
use crate::yaml;

pub fn run(call: &mut Call) -> Outcome {
    let dry_run = DryRun::of(call)?;
    let local = call.flags.bool("local");
    let (given, file) = (call.flags.text("patch").to_string(), call.flags.text("patch-file").to_string());
    let kind_of_patch = validate(call, &given, &file, local, dry_run)?;
    let mut printer = Printer::of(call, dry_run)?.without_note();
    let text = match file.as_str() {
        "" => given.clone(),
        path => {
            let text = call.cx.world.read_file(path);
            let missing =
                || Failure::text(format!("unable to read patch file: open {path}: no such file or directory"));
            text.ok_or_else(missing)?.to_string()
        }
    };
    let patch = read_patch(&text, &given, kind_of_patch)?;
    let query = call.query();
    let mut count = 0usize;
    select(call.cx.world, &query)?.visit(|info| {
        count += 1;
        let old = info.object.clone().unwrap_or_default();
        let new: Object = if local || dry_run == DryRun::Client {
            api::patch::apply(info.kind, &info.name, kind_of_patch, &old, &patch)
                .map_err(|status| Failure::text(status.message))?
                .into()
        } else {
            patch_on_server(call, &info, kind_of_patch, &patch, dry_run)?
        };
        let done = if new == old { "patched (no change)" } else { "patched" };
        if call.flags.text("subresource") == "scale" && !printer.prints_objects() {
            // What was patched is the Scale, not the object itself.
            let done = if call.flags.text("output") == "name" { String::new() } else { format!(" {done}") };
            call.print(format!("scale.autoscaling/{}{done}", info.name));
            return Ok(());
        }
        printer.print(call, info.kind, &new, done)
    })?;
    if count == 0 {
        return Err(Failure::text("no objects passed to patch"));
    }
    Ok(())
}

fn validate(call: &Call, given: &str, file: &str, local: bool, dry_run: DryRun) -> Outcome<PatchType> {
    let refused = |text: &str| Err(Failure::text(text));
    if !given.is_empty() && !file.is_empty() {
        return refused("cannot specify --patch and --patch-file together");
    }
    if given.is_empty() && file.is_empty() {
        return refused("must specify --patch or --patch-file containing the contents of the patch");
    }
    if local && !call.args.is_empty() {
        return refused("cannot specify --local and server resources");
    }
    if local && dry_run == DryRun::Server {
        return refused("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
    }
    let asked = call.flags.text("type");
    match asked.to_lowercase().as_str() {
        "" | "strategic" => Ok(PatchType::Strategic),
        "merge" => Ok(PatchType::Merge),
        "json" => Ok(PatchType::Json),
        _ => Err(Failure::text(format!("--type must be one of [json merge strategic], not {}", quote(asked)))),
    }
}

/// A patch is JSON, or YAML that means it.
fn read_patch(text: &str, given: &str, how: PatchType) -> Outcome<Value> {
    let patch = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| Failure::bad_request(json_error(text, &error)))?
    } else {
        let unreadable = |why: &str| Failure::text(format!("unable to parse {}: {why}", quote(given)));
        let documents = yaml::parse(text).map_err(|broken| unreadable(&broken.message))?;
        documents.into_iter().next().map_or(Value::Null, |document| document.value)
    };
    let (fits, prefix, go) = match how {
        PatchType::Json => (patch.is_array(), "error decoding patch: ", "[]handlers.jsonPatchOp"),
        _ => (patch.is_object(), "", "map[string]interface {}"),
    };
    if fits {
        return Ok(patch);
    }
    let found = go_type(&patch);
    Err(Failure::bad_request(format!("{prefix}json: cannot unmarshal {found} into Go value of type {go}")))
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        _ => "object",
    }
}

/// encoding/json's words for where a text stops being JSON.
fn json_error(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_string();
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or("");
    let at = line.chars().nth(error.column().saturating_sub(1)).unwrap_or(' ');
    let wanted = match at {
        '}' | ',' => "looking for beginning of object key string",
        _ if error.to_string().starts_with("key must be a string") => "looking for beginning of object key string",
        _ if error.to_string().starts_with("expected `:`") => "after object key",
        _ if error.to_string().starts_with("expected `,`") => "after object key:value pair",
        _ => "looking for beginning of value",
    };
    format!("invalid character '{at}' {wanted}")
}

fn patch_on_server(call: &mut Call, info: &Info, how: PatchType, patch: &Value, dry_run: DryRun) -> Outcome<Object> {
    match call.flags.text("subresource") {
        "" => request::patch(call, info, how, patch, Validation::Warn, dry_run),
        "status" => {
            let old = info.object.clone().unwrap_or_default();
            let patched = api::patch::apply(info.kind, &info.name, how, &old, patch)?;
            if dry_run == DryRun::Server {
                return Ok(patched.into());
            }
            let (namespace, name) = (&info.namespace, &info.name);
            Ok(api::update(call.cx.world, Actor::Learner, api::Part::Status, info.kind, namespace, name, patched)?)
        }
        "scale" if matches!(info.kind, Kind::Deployment | Kind::ReplicaSet) => {
            let current = int_at(info.value(), "spec.replicas").unwrap_or(0);
            let scale = json!({"spec": {"replicas": current}});
            let scaled = api::patch::apply(info.kind, &info.name, PatchType::Merge, &scale, patch)?;
            let replicas = int_at(&scaled, "spec.replicas").unwrap_or(0);
            let only = json!({"spec": {"replicas": replicas}});
            request::patch(call, info, PatchType::Merge, &only, Validation::Ignore, dry_run)
        }
        other => Err(Failure::not_modelled(format!("the subresource {} of {}", quote(other), info.kind.info().plural))),
    }
}
