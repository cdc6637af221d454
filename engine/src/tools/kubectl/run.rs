//! `kubectl run`: one pod from the command line, with `--overrides`.
//!
//! Sources: `kubectl/pkg/cmd/run`, `kubectl/pkg/generate/versioned/run.go`. Left out: attaching (`-i`, `-t`, `--attach`, `--rm`).

use serde_json::{Value, json};

use super::Call;
use super::apply::annotate_for_create;
use super::failure::{Failure, Outcome};
use super::go_format::parse_int;
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use crate::kube::api::{self, PatchType};
use crate::kube::schema::stored_without_effect;
use crate::object::set;
use crate::store::Kind;

pub fn run(call: &mut Call) -> Outcome {
    call.require(&["image"])?;
    let dry_run = DryRun::of(call)?;
    let mut printer = Printer::of(call, dry_run)?.of_typed(dry_run);
    if call.args.is_empty() || call.dash == Some(0) {
        return Err(call.usage_error("NAME is required for run"));
    }
    check(call)?;
    let name = call.args[0].clone();
    let pod = overridden(call, pod(call, &name)?)?;
    let pod = create(call, Kind::Pod, pod, dry_run)?;
    if call.flags.bool("expose") {
        let service = service(call, &name)?;
        let service = create(call, Kind::Service, service, dry_run)?;
        printer.print(call, Kind::Service, &service, "created")?;
        // As kubectl: its own mark, and then that of the printer.
        if call.flags.text("output") == "yaml" {
            call.print("---");
        }
    }
    printer.print(call, Kind::Pod, &pod, "created")
}

fn check(call: &Call) -> Outcome {
    let image = call.flags.text("image");
    if image.is_empty() {
        return Err(Failure::text("--image is required"));
    }
    if !is_image_reference(image) {
        return Err(Failure::text(format!("Invalid image name {}: invalid reference format", quote(image))));
    }
    let attached = call.flags.bool("stdin") || call.flags.bool("attach");
    if call.flags.bool("tty") && !call.flags.bool("stdin") {
        return Err(call.usage_error("-i/--stdin is required for containers with -t/--tty=true"));
    }
    if call.flags.bool("expose") && call.flags.text("port").is_empty() {
        return Err(call.usage_error("--port must be set when exposing a service"));
    }
    let restart = call.flags.text("restart");
    if !["", "Always", "OnFailure", "Never"].contains(&restart) {
        return Err(call.usage_error(format!("invalid restart policy: {restart}")));
    }
    if !attached && call.flags.bool("rm") {
        return Err(call.usage_error("--rm should only be used for attached containers"));
    }
    let pull = call.flags.text("image-pull-policy");
    if !["", "Always", "IfNotPresent", "Never"].contains(&pull) {
        return Err(call.usage_error(format!("invalid image pull policy: {pull}")));
    }
    if attached {
        return Err(Failure::not_modelled(
            "attaching to a pod ('-i', '--attach', '--rm'): run the pod, then use 'kubectl exec' and 'kubectl logs'",
        ));
    }
    Ok(())
}

/// Whether a text is an image: `[host[:port]/]name[/name…][:tag][@digest]`.
fn is_image_reference(image: &str) -> bool {
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    if digest.is_some_and(|d| !d.contains(':') || d.len() < 40) {
        return false;
    }
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[slash..].find(':') {
        Some(colon) => (&rest[..slash + colon], Some(&rest[slash + colon + 1..])),
        None => (rest, None),
    };
    let tag_fits = |tag: &str| {
        let start = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        start && tag.len() <= 128 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    if tag.is_some_and(|tag| !tag_fits(tag)) {
        return false;
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    let host = |part: &str| part.contains(['.', ':']) || part == "localhost" || part.contains(char::is_uppercase);
    if parts.len() > 1 && host(parts[0]) {
        parts.remove(0);
    }
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    parts.iter().all(|part| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(plain)
            && bytes.last().is_some_and(plain)
            && bytes.iter().all(|b| plain(b) || b"._-".contains(b))
            && !part.contains("..")
            && !part.contains("___")
    })
}

/// The pod that the flags describe.
fn pod(call: &Call, name: &str) -> Outcome<Value> {
    let mut container = json!({"image": call.flags.text("image"), "name": name, "resources": {}});
    let words: Vec<String> = call.args[1..].to_vec();
    if !words.is_empty() {
        let field = if call.flags.bool("command") { "command" } else { "args" };
        set(&mut container, field, words);
    }
    let env = env(&call.flags.list("env"))?;
    if !env.is_empty() {
        set(&mut container, "env", env);
    }
    if !call.flags.text("image-pull-policy").is_empty() {
        set(&mut container, "imagePullPolicy", call.flags.text("image-pull-policy"));
    }
    if !call.flags.text("port").is_empty() {
        set(&mut container, "ports", json!([{"containerPort": port(call)?}]));
    }
    if call.flags.bool("privileged") {
        set(&mut container, "securityContext", json!({"privileged": true}));
    }
    let restart = match call.flags.text("restart") {
        "" => "Always",
        given => given,
    };
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": labels(call, name)?, "name": name},
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart},
        "status": {},
    });
    let annotations = annotations(&call.flags.list("annotations"))?;
    if !annotations.is_empty() {
        set(&mut pod, "metadata.annotations", Value::Object(annotations));
    }
    Ok(pod)
}

fn port(call: &Call) -> Outcome<i64> {
    let text = call.flags.text("port");
    parse_int(text, 10, 64).map_err(|_| Failure::text(format!("strconv.Atoi: parsing {}: invalid syntax", quote(text))))
}

fn labels(call: &Call, name: &str) -> Outcome<Value> {
    let text = call.flags.text("labels");
    if text.is_empty() {
        return Ok(json!({"run": name}));
    }
    let mut labels = serde_json::Map::new();
    for pair in text.split(',') {
        match pair.split('=').collect::<Vec<_>>().as_slice() {
            ["", _] => return Err(Failure::text("unexpected empty label key")),
            [key, value] => labels.insert((*key).to_string(), json!(value)),
            _ => return Err(Failure::text(format!("unexpected label spec: {pair}"))),
        };
    }
    Ok(Value::Object(labels))
}

fn env(pairs: &[String]) -> Outcome<Vec<Value>> {
    let mut env = Vec::new();
    for pair in pairs {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !pair.contains('=') || name.is_empty() || !api::names::env_var(name).is_empty() {
            return Err(Failure::text(format!("invalid env: {pair}")));
        }
        env.push(if value.is_empty() { json!({"name": name}) } else { json!({"name": name, "value": value}) });
    }
    Ok(env)
}

fn annotations(pairs: &[String]) -> Outcome<serde_json::Map<String, Value>> {
    let mut annotations = serde_json::Map::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::text(format!("invalid annotations format: {pair}")));
        };
        annotations.insert(key.to_string(), json!(value));
    }
    Ok(annotations)
}

/// Puts `--overrides` over the pod: as a JSON merge unless `--override-type` says otherwise.
fn overridden(call: &Call, pod: Value) -> Outcome<Value> {
    let text = call.flags.text("overrides");
    if text.is_empty() {
        return Ok(pod);
    }
    let asked = call.flags.text("override-type");
    let how = match asked {
        "merge" => PatchType::Merge,
        "json" => PatchType::Json,
        "strategic" => PatchType::Strategic,
        other => return Err(Failure::text(format!("invalid override type: {other}"))),
    };
    let Ok(overrides) = serde_json::from_str::<Value>(text) else {
        return Err(Failure::text("Invalid JSON Patch"));
    };
    let merged =
        api::patch::apply(Kind::Pod, "", how, &pod, &overrides).map_err(|status| Failure::text(status.message))?;
    // What kubectl does not know as a field of a pod does not survive the merge.
    Ok(merged)
}

fn service(call: &Call, name: &str) -> Outcome<Value> {
    let labels = labels(call, name)?;
    let number = port(call)?;
    let port = json!({"port": number, "protocol": "TCP", "targetPort": number});
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [port], "selector": labels},
        "status": {"loadBalancer": {}},
    });
    if !call.flags.text("labels").is_empty() {
        set(&mut service, "metadata.labels", labels);
    }
    Ok(service)
}

fn create(call: &mut Call, kind: Kind, mut object: Value, dry_run: DryRun) -> Outcome<Value> {
    if dry_run == DryRun::Client {
        if call.flags.changed("namespace") {
            set(&mut object, "metadata.namespace", call.namespace());
        }
        return Ok(object);
    }
    let object = annotate_for_create(&object, call.flags.bool("save-config"));
    let namespace = call.namespace();
    let stored = request::create_generated(call, kind, &namespace, &object, Validation::Ignore, dry_run)?;
    if kind == Kind::Pod && dry_run == DryRun::None {
        let overrides: Value = serde_json::from_str(call.flags.text("overrides")).unwrap_or_default();
        request::note_without_effect(call, kind, &stored, stored_without_effect("Pod", &overrides));
    }
    Ok((*stored).clone())
}
