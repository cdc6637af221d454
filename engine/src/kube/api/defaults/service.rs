//! Defaults of Services, Endpoints and EndpointSlices.

use serde_json::{Value, json};

use super::{default_if_absent, elements};
use crate::kube::api::validation::service::is_externally_accessible;
use crate::object::{field, int_at, set, str_at};

pub fn default_service(service: &mut Value) {
    default_if_absent(service, "spec.sessionAffinity", json!("None"));
    match str_at(service, "spec.sessionAffinity") {
        "None" => set(service, "spec.sessionAffinityConfig", Value::Null),
        "ClientIP" if int_at(service, "spec.sessionAffinityConfig.clientIP.timeoutSeconds").is_none() => {
            set(service, "spec.sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10800}}));
        }
        _ => {}
    }
    default_if_absent(service, "spec.type", json!("ClusterIP"));
    if let Some(spec) = service.get_mut("spec") {
        for port in elements(spec, "ports") {
            default_if_absent(port, "protocol", json!("TCP"));
            let target = field(port, "targetPort");
            if target.is_null() || target == 0 || target == "" {
                set(port, "targetPort", int_at(port, "port").unwrap_or(0));
            }
        }
    }
    if is_externally_accessible(service) {
        default_if_absent(service, "spec.externalTrafficPolicy", json!("Cluster"));
    }
    if ["NodePort", "LoadBalancer", "ClusterIP"].contains(&str_at(service, "spec.type"))
        && field(service, "spec.internalTrafficPolicy").is_null()
    {
        set(service, "spec.internalTrafficPolicy", "Cluster");
    }
    if str_at(service, "spec.type") == "LoadBalancer" {
        if field(service, "spec.allocateLoadBalancerNodePorts").is_null() {
            set(service, "spec.allocateLoadBalancerNodePorts", true);
        }
        if let Some(balancer) = service.pointer_mut("/status/loadBalancer") {
            for ingress in elements(balancer, "ingress").filter(|ingress| !str_at(ingress, "ip").is_empty()) {
                default_if_absent(ingress, "ipMode", json!("VIP"));
            }
        }
    }
}

pub fn default_endpoints(endpoints: &mut Value) {
    for subset in elements(endpoints, "subsets") {
        for port in elements(subset, "ports") {
            default_if_absent(port, "protocol", json!("TCP"));
        }
    }
}

pub fn default_endpoint_slice(slice: &mut Value) {
    for port in elements(slice, "ports") {
        if field(port, "name").is_null() {
            set(port, "name", "");
        }
        if field(port, "protocol").is_null() {
            set(port, "protocol", "TCP");
        }
    }
}
