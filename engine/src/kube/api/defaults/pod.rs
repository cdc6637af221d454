//! Defaults of pods and of pod templates. A few belong to pods only: requests from limits, service links, and the host ports of a
//! pod in the host's network.

use serde_json::{Value, json};

use super::{default_if_absent, default_if_zero, elements};
use crate::object::{bool_at, field, int_at, set, str_at};

pub fn default_pod(pod: &mut Value) {
    let Some(spec) = pod.get_mut("spec") else { return };
    default_pod_spec(spec);
    default_if_absent(spec, "enableServiceLinks", json!(true));
    let host_network = bool_at(spec, "hostNetwork");
    for list in ["containers", "initContainers"] {
        for container in elements(spec, list) {
            requests_from_limits(container);
            for port in elements(container, "ports").filter(|_| host_network) {
                let same = int_at(port, "containerPort").unwrap_or(0);
                default_if_zero(port, "hostPort", same);
            }
        }
    }
}

/// What is limited and not requested is requested as limited.
fn requests_from_limits(container: &mut Value) {
    let Some(limits) = field(container, "resources.limits").as_object().cloned() else { return };
    let mut requests = field(container, "resources.requests").as_object().cloned().unwrap_or_default();
    for (resource, limit) in limits {
        requests.entry(resource).or_insert(limit);
    }
    set(container, "resources.requests", Value::Object(requests));
}

/// The defaults that pods and templates share.
pub fn default_pod_spec(spec: &mut Value) {
    default_if_absent(spec, "dnsPolicy", json!("ClusterFirst"));
    default_if_absent(spec, "restartPolicy", json!("Always"));
    default_if_absent(spec, "securityContext", json!({}));
    default_if_absent(spec, "terminationGracePeriodSeconds", json!(30));
    default_if_absent(spec, "schedulerName", json!("default-scheduler"));
    // Two names of one field; the newer one wins.
    default_if_absent(spec, "serviceAccountName", field(spec, "serviceAccount").clone());
    let account = field(spec, "serviceAccountName").clone();
    set(spec, "serviceAccount", account);
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in elements(spec, list) {
            default_container(container);
        }
    }
    for volume in elements(spec, "volumes") {
        default_volume(volume);
    }
}

fn default_container(container: &mut Value) {
    let policy = if image_tag(str_at(container, "image")) == "latest" { "Always" } else { "IfNotPresent" };
    default_if_absent(container, "imagePullPolicy", json!(policy));
    default_if_absent(container, "terminationMessagePath", json!("/dev/termination-log"));
    default_if_absent(container, "terminationMessagePolicy", json!("File"));
    for port in elements(container, "ports") {
        default_if_absent(port, "protocol", json!("TCP"));
    }
    for variable in elements(container, "env") {
        if !field(variable, "valueFrom.fieldRef").is_null() {
            default_if_absent(variable, "valueFrom.fieldRef.apiVersion", json!("v1"));
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) {
            default_probe(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(get) = container.pointer_mut(&format!("/lifecycle/{hook}/httpGet")).filter(|get| get.is_object()) {
            default_http_get(get);
        }
    }
}

/// The tag of an image: `latest` when it has neither tag nor digest.
fn image_tag(image: &str) -> &str {
    let (named, digest) = image.split_once('@').map_or((image, ""), |(named, digest)| (named, digest));
    let last = named.rsplit('/').next().unwrap_or(named);
    match last.split_once(':') {
        Some((_, tag)) => tag,
        None if !digest.is_empty() || image.is_empty() => "",
        None => "latest",
    }
}

fn default_probe(probe: &mut Value) {
    default_if_zero(probe, "timeoutSeconds", 1);
    default_if_zero(probe, "periodSeconds", 10);
    default_if_zero(probe, "successThreshold", 1);
    default_if_zero(probe, "failureThreshold", 3);
    if let Some(get) = probe.get_mut("httpGet").filter(|get| get.is_object()) {
        default_http_get(get);
    }
    if !field(probe, "grpc").is_null() && field(probe, "grpc.service").is_null() {
        set(probe, "grpc.service", "");
    }
}

fn default_http_get(get: &mut Value) {
    default_if_absent(get, "path", json!("/"));
    default_if_absent(get, "scheme", json!("HTTP"));
}

fn default_volume(volume: &mut Value) {
    let sources =
        volume.as_object().map_or(0, |members| members.iter().filter(|(k, v)| *k != "name" && !v.is_null()).count());
    if sources == 0 {
        set(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if field(volume, source).is_object() {
            default_if_absent(volume, &format!("{source}.defaultMode"), json!(420));
        }
    }
    if field(volume, "hostPath").is_object() && field(volume, "hostPath.type").is_null() {
        set(volume, "hostPath.type", "");
    }
    if let Some(api) = volume.get_mut("downwardAPI") {
        default_downward(api);
    }
    let Some(projected) = volume.get_mut("projected") else { return };
    for source in elements(projected, "sources") {
        if field(source, "serviceAccountToken").is_object() {
            default_if_absent(source, "serviceAccountToken.expirationSeconds", json!(3600));
        }
        if let Some(api) = source.get_mut("downwardAPI") {
            default_downward(api);
        }
    }
}

fn default_downward(api: &mut Value) {
    for item in elements(api, "items").filter(|item| field(item, "fieldRef").is_object()) {
        default_if_absent(item, "fieldRef.apiVersion", json!("v1"));
    }
}
