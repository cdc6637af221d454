//! `kubectl version` and `cluster-info`. Left out: `version -o json|yaml`.

use super::Call;
use super::failure::{Failure, Outcome};
use crate::object::{items, label, name, namespace, str_at};
use crate::store::Kind;

/// Where the workstation reaches the API server, as kind publishes it.
pub const SERVER: &str = "https://127.0.0.1:6443";
const CLIENT_VERSION: &str = "v1.34.0";
const KUSTOMIZE_VERSION: &str = "v5.7.1";
const SERVER_VERSION: &str = "v1.34.0";

pub fn run_version(call: &mut Call) -> Outcome {
    if !call.args.is_empty() {
        return Err(Failure::text(format!("extra arguments: [{}]", call.args.join(" "))));
    }
    match call.flags.text("output") {
        "" => {}
        output @ ("json" | "yaml") => {
            return Err(Failure::not_modelled(format!("-o {output} of 'kubectl version'")));
        }
        _ => return Err(Failure::text("--output must be 'yaml' or 'json'")),
    }
    call.print(format!("Client Version: {CLIENT_VERSION}\nKustomize Version: {KUSTOMIZE_VERSION}"));
    if !call.flags.bool("client") {
        call.print(format!("Server Version: {SERVER_VERSION}"));
    }
    Ok(())
}

pub fn run(call: &mut Call) -> Outcome {
    let chosen = call.flags.text("namespace");
    let within = if chosen.is_empty() { "kube-system".to_owned() } else { chosen.to_owned() };
    let mut text = format!("Kubernetes control plane is running at {SERVER}\n");
    for service in call.cx.world.store().list_in(Kind::Service, Some(&within)) {
        if label(service, "labels", "kubernetes.io/cluster-service") != Some("true") {
            continue;
        }
        let port = items(service, "spec.ports").first().map_or("", |port| str_at(port, "name"));
        let shown = label(service, "labels", "kubernetes.io/name").unwrap_or(name(service));
        let target = if port.is_empty() { name(service).to_owned() } else { format!("{}:{port}", name(service)) };
        let path = format!("/api/v1/namespaces/{}/services/{target}/proxy", namespace(service));
        text.push_str(&format!("{shown} is running at {SERVER}{path}\n"));
    }
    text.push_str("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
    call.cx.print(&text);
    Ok(())
}
