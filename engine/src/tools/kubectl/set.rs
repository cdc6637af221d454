//! `kubectl set image`, `set env` and `set resources`: changes of a pod template.
//!
//! Source: `kubectl/pkg/cmd/set`. Left out: `set env --from` of Secrets (the lab has none), `--resolve`.

use serde_json::{Map, Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::select::{Fetch, Info, Query, select};
use crate::kube::api::{PatchType, names};
use crate::object::{field, items, set, str_at};
use crate::store::Kind;

/// The words of one of the commands.
struct Words {
    done: &'static str,
    failed: &'static str,
}

pub fn image(call: &mut Call) -> Outcome {
    let (resources, pairs) = split_pairs(&call.args, "image")?;
    let dry_run = DryRun::of(call)?;
    let printer = Printer::of(call, dry_run)?;
    let mut images: Vec<(String, String)> = Vec::new();
    let mut invalid = Vec::new();
    for pair in &pairs {
        match pair.split_once('=') {
            Some((name, image)) => images.push((name.to_string(), image.to_string())),
            None => invalid.push(pair.clone()),
        }
    }
    if !invalid.is_empty() {
        return Err(Failure::text(format!("invalid image format: {}", invalid.join(", "))));
    }
    let infos = infos(call, resources.clone())?;
    validate_image(call, &resources, &images)?;
    let mut missing = Vec::new();
    let changed = |spec: &mut Value| {
        for (name, image) in &images {
            let mut found = false;
            for list in ["initContainers", "containers"] {
                for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                    if name == "*" || str_at(container, "name") == name {
                        found = true;
                        set(container, "image", image.clone());
                    }
                }
            }
            if !found {
                missing.push(Failure::text(format!("error: unable to find container named {}", quote(name))));
            }
        }
        Ok(())
    };
    let words = Words { done: "image updated", failed: "failed to patch image update to pod template: " };
    let failures = change_each(call, infos, dry_run, printer, &words, changed)?;
    missing.extend(failures);
    if missing.is_empty() { Ok(()) } else { Err(Failure::Many(missing)) }
}

fn validate_image(call: &Call, resources: &[String], images: &[(String, String)]) -> Outcome {
    let mut failures = Vec::new();
    if call.flags.bool("all") && !call.flags.text("selector").is_empty() {
        failures.push(Failure::text("cannot set --all and --selector at the same time"));
    }
    if resources.is_empty() && call.flags.list("filename").is_empty() {
        failures
            .push(Failure::text("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    }
    if images.is_empty() {
        failures.push(Failure::text("at least one image update is required"));
    } else if images.len() > 1 && images.iter().any(|(name, _)| name == "*") {
        failures.push(Failure::text(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        ));
    }
    Failure::gathered(failures)
}

/// Resources first, then `name=value` pairs.
fn split_pairs(args: &[String], of: &str) -> Outcome<(Vec<String>, Vec<String>)> {
    let (mut resources, mut pairs) = (Vec::new(), Vec::new());
    for word in args {
        let is_pair = word.contains('=') && !word.starts_with('=') || word.ends_with('-') && word != "-";
        if is_pair {
            pairs.push(word.clone());
        } else if pairs.is_empty() {
            resources.push(word.clone());
        } else {
            return Err(Failure::text(format!("all resources must be specified before {of} changes: {word}")));
        }
    }
    Ok((resources, pairs))
}

/// The objects to change; with `--local` those of the files as they stand there.
fn infos(call: &Call, resources: Vec<String>) -> Outcome<Vec<Info>> {
    let local = call.flags.bool("local");
    if local && !resources.is_empty() {
        return Err(Failure::text(
            "error: you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   \
             '-f rsrc.yaml'\n   '--filename=rsrc.json'",
        ));
    }
    let query = Query { args: resources, fetch: if local { Fetch::Lazy } else { Fetch::Latest }, ..call.query() };
    select(call.cx.world, &query)?.infos()
}

/// Where the pod spec of a kind stands.
fn pod_spec_path(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Pod => Some("spec"),
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => Some("spec.template.spec"),
        _ => None,
    }
}

/// Changes the pod spec of each object, sends what differs and says so; an object that stays the same is passed over.
fn change_each(
    call: &mut Call,
    infos: Vec<Info>,
    dry_run: DryRun,
    mut printer: Printer,
    words: &Words,
    mut change: impl FnMut(&mut Value) -> Result<(), String>,
) -> Outcome<Vec<Failure>> {
    let mut failures = Vec::new();
    for info in infos {
        let plural = info.kind.info().plural;
        let Some(path) = pod_spec_path(info.kind) else {
            let what =
                format!("the object is not a pod or does not have a pod template: *v1.{}", info.kind.info().kind);
            failures.push(Failure::text(format!("error: {plural}/{} {what}\n", info.name)));
            continue;
        };
        let mut spec = field(info.value(), path).clone();
        if let Err(why) = change(&mut spec) {
            failures.push(Failure::text(format!("error: {plural}/{} {why}\n", info.name)));
            continue;
        }
        if spec == *field(info.value(), path) {
            continue;
        }
        let mut object = info.value().clone();
        set(&mut object, path, spec.clone());
        if dry_run == DryRun::Client || call.flags.bool("local") {
            printer.print(call, info.kind, &object, words.done)?;
            continue;
        }
        let patch = patch_of(path, &spec, field(info.value(), path));
        match request::patch(call, &info, PatchType::Merge, &patch, Validation::Ignore, dry_run) {
            Ok(stored) => printer.print(call, info.kind, &stored, words.done)?,
            Err(failure) => failures.push(Failure::text(format!("{}{}", words.failed, failure.message()))),
        }
    }
    Ok(failures)
}

/// A merge patch with the lists of containers that differ.
fn patch_of(path: &str, new: &Value, old: &Value) -> Value {
    let mut patch = json!({});
    for list in ["initContainers", "containers"] {
        if field(new, list) != field(old, list) {
            set(&mut patch, &format!("{path}.{list}"), field(new, list).clone());
        }
    }
    patch
}

/// Whether a container's name fits `--containers`, which may hold `*`.
fn name_fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && name_fits_rest(&rest[at..], after))
        }),
    }
}

fn name_fits_rest(rest: &str, pattern: &str) -> bool {
    if pattern.is_empty() { rest.is_empty() } else { name_fits(rest, pattern) }
}

/// Calls `each` for the containers that `--containers` picks; how many there were.
fn for_containers(spec: &mut Value, pattern: &str, mut each: impl FnMut(&mut Value)) -> usize {
    let mut count = 0;
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if name_fits(str_at(container, "name"), pattern) {
                each(container);
                count += 1;
            }
        }
    }
    count
}

pub fn resources(call: &mut Call) -> Outcome {
    let dry_run = DryRun::of(call)?;
    let printer = Printer::of(call, dry_run)?;
    let infos = infos(call, call.args.clone())?;
    if call.flags.bool("all") && !call.flags.text("selector").is_empty() {
        return Err(Failure::text("cannot set --all and --selector at the same time"));
    }
    let (limits, requests) = (call.flags.text("limits").to_string(), call.flags.text("requests").to_string());
    if limits.is_empty() && requests.is_empty() {
        return Err(Failure::text(
            "you must specify an update to requests or limits (in the form of --requests/--limits)",
        ));
    }
    let (limits, requests) = (read_amounts(&limits)?, read_amounts(&requests)?);
    let pattern = call.flags.text("containers").to_string();
    let mut missing = Vec::new();
    let changed = |spec: &mut Value| {
        let count = for_containers(spec, &pattern, |container| {
            for (name, amounts) in [("limits", &limits), ("requests", &requests)] {
                for (resource, amount) in amounts {
                    let at = container["resources"][name].as_object().cloned().unwrap_or_default();
                    let mut at: Map<String, Value> = at;
                    at.insert(resource.clone(), amount.clone());
                    set(container, &format!("resources.{name}"), Value::Object(at));
                }
            }
        });
        if count == 0 {
            missing.push(Failure::text(format!("error: unable to find container named {pattern}")));
        }
        Ok(())
    };
    let words =
        Words { done: "resource requirements updated", failed: "failed to patch resources update to pod template " };
    let failures = change_each(call, infos, dry_run, printer, &words, changed)?;
    missing.extend(failures);
    if missing.is_empty() { Ok(()) } else { Err(Failure::Many(missing)) }
}

/// `cpu=100m,memory=256Mi`
fn read_amounts(text: &str) -> Outcome<Map<String, Value>> {
    let mut amounts = Map::new();
    for pair in text.split(',').filter(|_| !text.is_empty()) {
        let parts: Vec<&str> = pair.split('=').collect();
        let [name, amount] = parts.as_slice() else {
            return Err(Failure::text(format!("Invalid argument syntax {pair}, expected <resource>=<value>")));
        };
        let plain = amount.trim_start_matches(['+', '-']);
        if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Err(Failure::text(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ));
        }
        amounts.insert((*name).to_string(), json!(amount));
    }
    Ok(amounts)
}

pub fn env(call: &mut Call) -> Outcome {
    if call.flags.bool("all") && !call.flags.text("selector").is_empty() {
        return Err(Failure::text("cannot set --all and --selector at the same time"));
    }
    let Ok((resources, mut pairs)) = split_pairs(&call.args, "environment") else {
        let all = call.args.join(" ");
        return Err(Failure::text(format!("all resources must be specified before environment changes: {all}")));
    };
    let dry_run = DryRun::of(call)?;
    let printer = Printer::of(call, dry_run)?;
    if resources.is_empty() && call.flags.list("filename").is_empty() {
        return Err(Failure::text("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    }
    if call.flags.bool("list") && !call.flags.text("output").is_empty() {
        return Err(Failure::text("--list and --output may not be specified together"));
    }
    if !call.flags.text("from").is_empty() {
        return Err(Failure::not_modelled("--from of 'kubectl set env'"));
    }
    let given = call.flags.list("env");
    pairs.splice(0..0, given);
    let (add, remove) = read_env(&pairs, call.flags.text("prefix"))?;
    let infos = infos(call, resources)?;
    let pattern = call.flags.text("containers").to_string();
    if call.flags.bool("list") {
        list_env(call, infos, &pattern, &add, &remove);
        return Ok(());
    }
    let overwrite = call.flags.bool("overwrite");
    let changed = |spec: &mut Value| {
        let mut taken = None;
        for_containers(spec, &pattern, |container| {
            if !overwrite {
                taken = taken.take().or_else(|| first_taken(container, &add));
            }
            let new = updated_env(items(container, "env"), &add, &remove);
            set(container, "env", if new.is_empty() { Value::Null } else { json!(new) });
        });
        match taken {
            Some((name, value)) => Err(format!("'{name}' already has a value ({value}), and --overwrite is false")),
            None => Ok(()),
        }
    };
    let words = Words { done: "env updated", failed: "failed to patch env update to pod template: " };
    let failures = change_each(call, infos, dry_run, printer, &words, changed)?;
    if failures.is_empty() { Ok(()) } else { Err(Failure::Many(failures)) }
}

type Pairs = Vec<(String, String)>;

fn read_env(pairs: &[String], prefix: &str) -> Outcome<(Pairs, Vec<String>)> {
    let (mut add, mut remove): (Pairs, Vec<String>) = Default::default();
    for pair in pairs {
        if let Some((name, value)) = pair.split_once('=') {
            let wrong = names::env_var(name);
            if !wrong.is_empty() {
                return Err(Failure::text(format!("{} is not a valid key name: {}", quote(name), wrong.join(";"))));
            }
            add.push((format!("{prefix}{name}"), value.to_string()));
        } else if let Some(name) = pair.strip_suffix('-') {
            remove.push(name.to_string());
        } else {
            return Err(Failure::text(format!("unknown environment variable: {pair}")));
        }
    }
    if remove.iter().any(|name| add.iter().any(|(added, _)| added == name)) {
        return Err(Failure::text("can not both modify and remove the same environment variable in the same command"));
    }
    Ok((add, remove))
}

fn first_taken(container: &Value, add: &Pairs) -> Option<(String, String)> {
    items(container, "env").iter().find_map(|var| {
        let name = str_at(var, "name");
        let taken = add.iter().any(|(added, _)| added == name);
        taken.then(|| (name.to_string(), str_at(var, "value").to_string()))
    })
}

/// The variables of a container after the change: a new value takes the place of the old, others come last.
fn updated_env(old: &[Value], add: &Pairs, remove: &[String]) -> Vec<Value> {
    let made = |name: &str, value: &str| {
        if value.is_empty() { json!({"name": name}) } else { json!({"name": name, "value": value}) }
    };
    let mut covered: Vec<&str> = remove.iter().map(String::as_str).collect();
    let mut new = Vec::new();
    for var in old {
        let name = str_at(var, "name");
        if covered.contains(&name) {
            continue;
        }
        match add.iter().find(|(added, _)| added == name) {
            Some((_, value)) => {
                covered.push(name);
                new.push(made(name, value));
            }
            None => new.push(var.clone()),
        }
    }
    for (name, value) in add {
        if !covered.contains(&name.as_str()) {
            covered.push(name);
            new.push(made(name, value));
        }
    }
    new
}

fn list_env(call: &mut Call, infos: Vec<Info>, pattern: &str, add: &Pairs, remove: &[String]) {
    for info in infos {
        let Some(path) = pod_spec_path(info.kind) else { continue };
        let mut spec = field(info.value(), path).clone();
        let mut lines = Vec::new();
        for_containers(&mut spec, pattern, |container| {
            let kind = info.kind.info().kind;
            lines.push(format!("# {kind} {}, container {}", info.name, str_at(container, "name")));
            for var in updated_env(items(container, "env"), add, remove) {
                let name = str_at(&var, "name");
                lines.push(match field(&var, "valueFrom") {
                    Value::Null => format!("{name}={}", str_at(&var, "value")),
                    from => format!("# {name} from {}", reference_text(from)),
                });
            }
        });
        for line in lines {
            call.print(line);
        }
    }
}

fn reference_text(from: &Value) -> String {
    if let Some(config_map) = from.get("configMapKeyRef") {
        return format!("configmap {}, key {}", str_at(config_map, "name"), str_at(config_map, "key"));
    }
    if let Some(secret) = from.get("secretKeyRef") {
        return format!("secret {}, key {}", str_at(secret, "name"), str_at(secret, "key"));
    }
    if let Some(resource) = from.get("resourceFieldRef") {
        return format!("resource field {}", str_at(resource, "resource"));
    }
    format!("field path {}", str_at(from, "fieldRef.fieldPath"))
}
