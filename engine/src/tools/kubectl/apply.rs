//! `kubectl apply`: creates what is not there, else patches what the manifest, its last version and the live object differ in.
//!
//! Sources: `kubectl/pkg/cmd/apply`, `kubectl/pkg/util/apply.go`. Left out: server-side apply, `--prune`, kustomizations.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Call;
use super::delete::cascade;
use super::failure::{Failure, Outcome};
use super::follow::{limit_of, wait_until};
use super::go_value::json as go_json;
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::resources;
use super::select::{Info, get, select};
use crate::kube::api::{self, DeleteOptions, PatchType};
use crate::object::{self, is_terminating, set};

pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How one run of apply goes about its objects.
struct Wishes {
    dry_run: DryRun,
    validation: Validation,
    force: bool,
}

pub fn run(call: &mut Call) -> Outcome {
    if !call.args.is_empty() {
        let args = call.args.join(" ");
        return Err(call.usage_error(format!("Unexpected args: [{args}]")));
    }
    require_files(call)?;
    let dry_run = DryRun::of(call)?;
    let wishes = Wishes { dry_run, validation: Validation::of(call)?, force: call.flags.bool("force") };
    validate(call, &wishes)?;
    let mut printer = Printer::of(call, dry_run)?;
    let mut query = call.query();
    query.type_alone_is_all = false;
    query.validate = wishes.validation != Validation::Ignore;
    let mut infos: Vec<Info> = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let read = select(call.cx.world, &query).and_then(|selected| {
        selected.visit(|info| {
            infos.push(info);
            Ok(())
        })
    });
    failures.extend(read.err());
    if infos.is_empty() && failures.is_empty() {
        return Err(Failure::text("no objects passed to apply"));
    }
    let mut objects = Vec::new();
    for info in &infos {
        match apply_one(call, info, &wishes) {
            Ok((object, done)) if printer.prints_objects() => objects.push((info.kind, object, done)),
            Ok((object, done)) => printer.print(call, info.kind, &object, done)?,
            Err(failure) => failures.push(failure),
        }
    }
    Failure::gathered(failures)?;
    print_objects(call, &mut printer, &objects)
}

/// `-f` or `-k` must be there.
pub fn require_files(call: &Call) -> Outcome {
    if call.flags.list("filename").is_empty() {
        return Err(Failure::text("must specify one of -f and -k"));
    }
    Ok(())
}

fn validate(call: &Call, wishes: &Wishes) -> Outcome {
    let refused = |text: &str| Err(Failure::text(text));
    if wishes.dry_run == DryRun::Server && wishes.force {
        return refused("--dry-run=server cannot be used with --force");
    }
    if call.flags.bool("all") && !call.flags.text("selector").is_empty() {
        return refused("cannot set --all and --selector at the same time");
    }
    if !call.flags.text("subresource").is_empty() {
        return refused("--subresource can only be specified for --server-side");
    }
    Ok(())
}

/// With `-o`, one object by itself, several as a List.
fn print_objects(
    call: &mut Call,
    printer: &mut Printer,
    objects: &[(crate::store::Kind, Rc<Value>, &'static str)],
) -> Outcome {
    match objects {
        [] => Ok(()),
        [(kind, object, done)] => printer.print(call, *kind, object, done),
        several => {
            let items: Vec<&Value> = several.iter().map(|(_, object, _)| &**object).collect();
            printer.print_list(call, &json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {}}))
        }
    }
}

/// The manifest without the annotation, and the text of it that the annotation holds.
fn last_applied_text(manifest: &Value) -> String {
    let mut plain = manifest.clone();
    let mut annotations = object::field(&plain, "metadata.annotations").as_object().cloned().unwrap_or_default();
    annotations.remove(LAST_APPLIED);
    set_annotations(&mut plain, annotations);
    format!("{}\n", go_json(&plain))
}

fn set_annotations(object: &mut Value, annotations: serde_json::Map<String, Value>) {
    set(object, "metadata.annotations", Value::Object(annotations));
}

/// The manifest with its own text as an annotation.
pub fn with_last_applied(manifest: &Value) -> Value {
    let mut object = manifest.clone();
    let mut annotations = object::field(&object, "metadata.annotations").as_object().cloned().unwrap_or_default();
    annotations.insert(LAST_APPLIED.into(), Value::String(last_applied_text(manifest)));
    set_annotations(&mut object, annotations);
    object
}

/// `create --save-config` writes the annotation; without it, one that is there is brought up to date.
pub fn annotate_for_create(object: &Value, save_config: bool) -> Value {
    let there = object::label(object, "annotations", LAST_APPLIED).is_some_and(|text| !text.is_empty());
    if save_config || there { with_last_applied(object) } else { object.clone() }
}

fn prune_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(prune_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(prune_nulls),
        _ => {}
    }
}

/// Applies one object: what it is then, and what was done.
fn apply_one(call: &mut Call, info: &Info, wishes: &Wishes) -> Outcome<(Rc<Value>, &'static str)> {
    let generated = object::str_at(info.value(), "metadata.generateName");
    if info.name.is_empty() && !generated.is_empty() {
        return Err(Failure::text(format!("from {generated}: cannot use generate name with apply")));
    }
    let modified = with_last_applied(info.value());
    let live = match get(call.cx.world, Info { object: None, ..info.clone() }) {
        Ok(live) if !info.name.is_empty() => live,
        Ok(_) => return Err(nameless(info)),
        Err(_) if info.name.is_empty() => return Err(nameless(info)),
        Err(_) => {
            let mut new = modified;
            prune_nulls(&mut new);
            if wishes.dry_run == DryRun::Client {
                return Ok((Rc::new(new), "created"));
            }
            let stored = request::create(call, info.kind, &info.namespace, &new, wishes.validation, wishes.dry_run)
                .map_err(|failure| failure.when("creating", &info.source))?;
            return Ok((stored, "created"));
        }
    };
    if wishes.dry_run == DryRun::Client {
        return Ok((live.object.unwrap_or_default(), "configured"));
    }
    configure(call, info, &live, &modified, wishes)
}

fn nameless(info: &Info) -> Failure {
    let failure = Failure::text("resource name may not be empty");
    failure.when(&format!("retrieving current configuration of:\n{}\nfrom server for:", described(info)), &info.source)
}

/// `Info.String` of cli-runtime.
fn described(info: &Info) -> String {
    let kind = info.kind.info();
    format!(
        "Resource: {}, GroupVersionKind: {}\nName: {}, Namespace: {}",
        quote(&resources::group_version_resource(info.kind)),
        quote(&format!("{}/{}, Kind={}", kind.group, kind.version, kind.kind)),
        quote(&info.name),
        quote(&info.namespace)
    )
}

fn configure(
    call: &mut Call,
    info: &Info,
    live: &Info,
    modified: &Value,
    wishes: &Wishes,
) -> Outcome<(Rc<Value>, &'static str)> {
    let last = object::label(live.value(), "annotations", LAST_APPLIED);
    if last.is_none() {
        let (plural, name) = (info.kind.info().plural, &info.name);
        call.warn(format!(
            "resource {plural}/{name} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply \
             should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The \
             missing annotation will be patched automatically."
        ));
    }
    let last: Value = last.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let patch = api::apply_patch(&last, live.value(), modified, info.kind);
    let done = if patch == json!({}) { "unchanged" } else { "configured" };
    let answer = match done {
        "unchanged" => Ok(live.object.clone().unwrap_or_default()),
        _ => request::patch(call, live, PatchType::Strategic, &patch, wishes.validation, wishes.dry_run),
    };
    let answer = match answer {
        Err(failure) if wishes.force && matches!(failure.reason(), "Conflict" | "Invalid") => {
            replace(call, info, modified)
        }
        Err(failure) => Err(failure.when("patching", &info.source)),
        ok => ok,
    };
    let object = answer.map_err(|failure| {
        let doing = format!("applying patch:\n{}\nto:\n{}\nfor:", go_json(&patch), described(info));
        failure.when(&doing, &info.source)
    })?;
    if is_terminating(&object) {
        let name = object::name(&object).to_string();
        call.warn(format!("Detected changes to resource {name} which is currently being deleted."));
    }
    Ok((object, done))
}

/// `--force`: an object that cannot be patched is deleted and made again.
fn replace(call: &mut Call, info: &Info, modified: &Value) -> Outcome<Rc<Value>> {
    let options =
        DeleteOptions { grace: u32::try_from(call.flags.int("grace-period")).ok(), propagation: cascade(call)? };
    request::delete(call, info, options)?;
    let key = info.key();
    let limit = limit_of(call.flags.duration("timeout")).or(Some(Duration::from_secs(300)));
    if !wait_until(call, limit, |world| world.store().get(&key).is_none())? {
        return Err(Failure::text("timed out waiting for the condition"));
    }
    request::create(call, info.kind, &info.namespace, modified, Validation::Ignore, DryRun::None)
}

/// `kubectl apply view-last-applied`.
pub fn view_last_applied(call: &mut Call) -> Outcome {
    let output = call.flags.text("output").to_string();
    if output != "yaml" && output != "json" {
        return Err(call
            .usage_error(format!("Unexpected -o output mode: {output}, the flag 'output' must be one of yaml|json")));
    }
    let mut query = call.query();
    query.fetch = super::select::Fetch::Latest;
    let infos = select(call.cx.world, &query)?.infos()?;
    let several = infos.len() > 1;
    for info in infos {
        let Some(text) = object::label(info.value(), "annotations", LAST_APPLIED) else {
            let path = format!("{}/{}", info.kind.info().plural, info.name);
            return Err(Failure::text(format!("no last-applied-configuration annotation found on resource: {path}")));
        };
        let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let text = match output.as_str() {
            "yaml" if several => format!("---\n{}", crate::yaml::emit(&value)),
            "yaml" => crate::yaml::emit(&value),
            _ => format!("{}\n", super::go_value::json_indented(&value)),
        };
        call.cx.print(&text);
    }
    Ok(())
}
