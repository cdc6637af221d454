//! `kubectl create -f` and its generators: deployment, namespace, service, priorityclass, configmap, serviceaccount.
//!
//! Source: `kubectl/pkg/cmd/create`. The other generators make kinds that the lab does not have (see `left_out`).

use serde_json::{Map, Value, json};

use super::Call;
use super::apply::{annotate_for_create, require_files};
use super::failure::{Failure, Outcome};
use super::go_format::parse_int;
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::select::select;
use crate::kube::api::names;
use crate::object::set;
use crate::store::Kind;

pub fn run(call: &mut Call) -> Outcome {
    if !call.args.is_empty() {
        let args = call.args.join(" ");
        return Err(call.usage_error(format!("Unexpected args: [{args}]")));
    }
    let dry_run = DryRun::of(call)?;
    let validation = Validation::of(call)?;
    let mut printer = Printer::of(call, dry_run)?;
    require_files(call)?;
    let mut query = call.query();
    query.validate = validation != Validation::Ignore;
    let save_config = call.flags.bool("save-config");
    let mut count = 0usize;
    select(call.cx.world, &query)?.visit(|info| {
        let object = annotate_for_create(info.value(), save_config);
        if dry_run == DryRun::Client {
            count += 1;
            return printer.print(call, info.kind, &object, "created");
        }
        let stored = request::create(call, info.kind, &info.namespace, &object, validation, dry_run)
            .map_err(|failure| failure.when("creating", &info.source))?;
        count += 1;
        printer.print(call, info.kind, &stored, "created")
    })?;
    if count == 0 {
        return Err(Failure::text("no objects passed to create"));
    }
    Ok(())
}

/// The one name that generators take.
fn name(call: &Call) -> Outcome<String> {
    let count = call.dash.unwrap_or(call.args.len());
    if count != 1 {
        return Err(call.usage_error(format!("exactly one NAME is required, got {count}")));
    }
    Ok(call.args[0].clone())
}

/// Creates (or shows) what a generator made. `failing` stands before the server's message, where the command says so.
fn make(call: &mut Call, kind: Kind, mut object: Value, failing: Option<&str>) -> Outcome {
    let dry_run = DryRun::of(call)?;
    let validation = Validation::of(call)?;
    let mut printer = Printer::of(call, dry_run)?.of_typed(DryRun::Client);
    if kind.info().namespaced && call.flags.changed("namespace") {
        set(&mut object, "metadata.namespace", call.namespace());
    }
    let mut object = annotate_for_create(&object, call.flags.bool("save-config"));
    if dry_run != DryRun::Client {
        let namespace = if kind.info().namespaced { call.namespace() } else { String::new() };
        let stored = request::create_generated(call, kind, &namespace, &object, validation, dry_run);
        let stored = stored.map_err(|failure| match failing {
            Some(failing) => Failure::text(format!("{failing}: {}", failure.message())),
            None => failure,
        })?;
        object = (*stored).clone();
    }
    printer.print(call, kind, &object, "created")
}

pub fn namespace(call: &mut Call) -> Outcome {
    let name = name(call)?;
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {}, "status": {}});
    make(call, Kind::Namespace, object, None)
}

pub fn service_account(call: &mut Call) -> Outcome {
    let name = name(call)?;
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
    make(call, Kind::ServiceAccount, object, Some("failed to create serviceaccount"))
}

pub fn priority_class(call: &mut Call) -> Outcome {
    let name = name(call)?;
    let mut object = json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "preemptionPolicy": call.flags.text("preemption-policy"),
        "value": call.flags.int("value"),
    });
    if call.flags.bool("global-default") {
        set(&mut object, "globalDefault", true);
    }
    if !call.flags.text("description").is_empty() {
        set(&mut object, "description", call.flags.text("description"));
    }
    make(call, Kind::PriorityClass, object, Some("failed to create priorityclass"))
}

pub fn deployment(call: &mut Call) -> Outcome {
    call.require(&["image"])?;
    let name = name(call)?;
    let command: Vec<String> = call.args[1..].to_vec();
    let images = call.flags.list("image");
    if images.len() > 1 && !command.is_empty() {
        return Err(Failure::text("cannot specify multiple --image options and command"));
    }
    let mut containers = Vec::new();
    for image in &images {
        let mut container = json!({"image": image, "name": container_name(call, image), "resources": {}});
        if !command.is_empty() {
            set(&mut container, "command", command.clone());
        }
        containers.push(container);
    }
    let port = call.flags.int("port");
    if port >= 0 && !containers.is_empty() {
        set(&mut containers[0], "ports", json!([{"containerPort": port}]));
    }
    let labels = json!({"app": name});
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": labels, "name": name},
        "spec": {
            "replicas": call.flags.int("replicas"),
            "selector": {"matchLabels": labels},
            "strategy": {},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
        "status": {},
    });
    make(call, Kind::Deployment, object, Some("failed to create deployment"))
}

/// The image's own name without registry, tag and digest, as a container's name.
fn container_name(call: &mut Call, image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let plain = last.split(':').next().unwrap_or(last).split('@').next().unwrap_or(last);
    if !plain.contains(['_', '.']) {
        return plain.to_string();
    }
    let suffix = call.cx.world.suffix(5);
    format!("{}-{suffix}", plain.replace(['_', '.'], "-"))
}

pub fn service_cluster_ip(call: &mut Call) -> Outcome {
    service(call, "ClusterIP")
}

pub fn service_node_port(call: &mut Call) -> Outcome {
    service(call, "NodePort")
}

pub fn service_load_balancer(call: &mut Call) -> Outcome {
    service(call, "LoadBalancer")
}

pub fn service_external_name(call: &mut Call) -> Outcome {
    call.require(&["external-name"])?;
    service(call, "ExternalName")
}

fn service(call: &mut Call, kind: &str) -> Outcome {
    let name = name(call)?;
    let cluster_ip = call.flags.text("clusterip").to_string();
    let pairs = call.flags.list("tcp");
    if cluster_ip != "None" && pairs.is_empty() && kind != "ExternalName" {
        return Err(Failure::text("at least one tcp port specifier must be provided"));
    }
    let external = call.flags.text("external-name").to_string();
    if kind == "ExternalName" && !names::subdomain(&external).is_empty() {
        return Err(Failure::text(format!("invalid service external name {external}")));
    }
    let mut ports = Vec::new();
    for pair in &pairs {
        let (port, target) = read_port_pair(pair).map_err(Failure::text)?;
        let mut entry = json!({"name": pair.replace(':', "-"), "port": port, "protocol": "TCP", "targetPort": target});
        if call.flags.int("node-port") != 0 {
            set(&mut entry, "nodePort", call.flags.int("node-port"));
        }
        ports.push(entry);
    }
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"labels": {"app": name}, "name": name},
        "spec": {"selector": {"app": name}, "type": kind},
        "status": {"loadBalancer": {}},
    });
    if !ports.is_empty() {
        set(&mut object, "spec.ports", ports);
    }
    if !cluster_ip.is_empty() {
        set(&mut object, "spec.clusterIP", cluster_ip);
    }
    if !external.is_empty() {
        set(&mut object, "spec.externalName", external);
    }
    make(call, Kind::Service, object, Some(&format!("failed to create {kind} service")))
}

/// `80:8080`, `80:http` or `80`.
fn read_port_pair(pair: &str) -> Result<(i64, Value), String> {
    let mut parts = pair.split(':');
    let first = parts.next().unwrap_or("");
    let unsigned = |why: &str| format!("strconv.ParseUint: parsing {}: {why}", quote(first));
    if first.is_empty() || !first.bytes().all(|b| b.is_ascii_digit()) {
        return Err(unsigned("invalid syntax"));
    }
    let port: i64 = first.parse().ok().filter(|p| *p <= 65535).ok_or_else(|| unsigned("value out of range"))?;
    let Some(target) = parts.next() else { return Ok((port, json!(port))) };
    match parse_int(target, 10, 64) {
        Ok(number) => {
            let wrong = names::port_number(number);
            if wrong.is_empty() { Ok((port, json!(number))) } else { Err(wrong.join(",")) }
        }
        Err(_) => {
            let wrong = names::port_name(target);
            if wrong.is_empty() { Ok((port, json!(target))) } else { Err(wrong.join(",")) }
        }
    }
}

pub fn config_map(call: &mut Call) -> Outcome {
    let name = name(call)?;
    let (files, literals) = (call.flags.list("from-file"), call.flags.list("from-literal"));
    let env_files = call.flags.list("from-env-file");
    if !(env_files.is_empty() || files.is_empty() && literals.is_empty()) {
        return Err(Failure::text("from-env-file cannot be combined with from-file or from-literal"));
    }
    let mut data = Map::new();
    for file in &files {
        let (key, path) = match file.split_once('=') {
            Some((key, path)) => (key.to_string(), path),
            None => (file.rsplit('/').next().unwrap_or(file).to_string(), file.as_str()),
        };
        add(&mut data, &name, key, read_file(call, path)?)?;
    }
    for literal in &literals {
        let Some((key, value)) = literal.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::text(format!("invalid literal source {literal}, expected key=value")));
        };
        add(&mut data, &name, key.to_string(), value.to_string())?;
    }
    for path in &env_files {
        for line in read_file(call, path)?.lines().map(str::trim_start).filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            add(&mut data, &name, key.to_string(), value.to_string())?;
        }
    }
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    if !data.is_empty() {
        set(&mut object, "data", Value::Object(data));
    }
    make(call, Kind::ConfigMap, object, Some("failed to create configmap"))
}

fn read_file(call: &Call, path: &str) -> Outcome<String> {
    let text = call.cx.world.read_file(path);
    let missing = || Failure::text(format!("error reading {path}: no such file or directory"));
    Ok(text.ok_or_else(missing)?.to_string())
}

fn add(data: &mut Map<String, Value>, name: &str, key: String, value: String) -> Outcome {
    let wrong = names::config_map_key(&key);
    if !wrong.is_empty() {
        let text = format!("{} is not a valid key name for a ConfigMap: {}", quote(&key), wrong.join(","));
        return Err(Failure::text(text));
    }
    if data.contains_key(&key) {
        let text = format!(
            "cannot add key {}, another key by that name already exists in Data for ConfigMap {}",
            quote(&key),
            quote(name)
        );
        return Err(Failure::text(text));
    }
    data.insert(key, Value::String(value));
    Ok(())
}
