//! Descriptions of Services, Endpoints and EndpointSlices.

use serde_json::Value;

use super::writer::{Writer, int_or_string, or_none};
use crate::object::{field, int_at, items, label, name, namespace, str_at};
use crate::store::{Kind, Object, Store};
use crate::tools::kubectl::printers::host_port;
use crate::tools::kubectl::table::format_labels;

/// How many endpoints a line lists before `+ N more...`.
const LISTED: usize = 3;

fn joined(object: &Value, path: &str, with: &str) -> String {
    let texts: Vec<&str> = items(object, path).iter().filter_map(Value::as_str).collect();
    texts.join(with)
}

pub fn service(w: &mut Writer, object: &Value, store: &Store) {
    super::head(w, object);
    w.row(0, "Selector", format_labels(object, "spec.selector"));
    w.row(0, "Type", str_at(object, "spec.type"));
    w.row_if(0, "IP Family Policy", str_at(object, "spec.ipFamilyPolicy"));
    w.row(0, "IP Families", or_none(&joined(object, "spec.ipFamilies", ",")));
    w.row(0, "IP", str_at(object, "spec.clusterIP"));
    w.row(0, "IPs", or_none(&joined(object, "spec.clusterIPs", ",")));
    w.row_if(0, "External IPs", &joined(object, "spec.externalIPs", ","));
    w.row_if(0, "Desired LoadBalancer IP", str_at(object, "spec.loadBalancerIP"));
    w.row_if(0, "External Name", str_at(object, "spec.externalName"));
    let ingress: Vec<String> = items(object, "status.loadBalancer.ingress").iter().map(ingress).collect();
    w.row_if(0, "LoadBalancer Ingress", &ingress.join(", "));
    let slices: Vec<&Object> = store
        .list_in(Kind::EndpointSlice, Some(namespace(object)))
        .filter(|slice| label(slice, "labels", "kubernetes.io/service-name") == Some(name(object)))
        .collect();
    for port in items(object, "spec.ports") {
        service_port(w, port, &slices);
    }
    w.row(0, "Session Affinity", str_at(object, "spec.sessionAffinity"));
    w.row_if(0, "External Traffic Policy", str_at(object, "spec.externalTrafficPolicy"));
    w.row_if(0, "Internal Traffic Policy", str_at(object, "spec.internalTrafficPolicy"));
    if let Some(port) = int_at(object, "spec.healthCheckNodePort").filter(|port| *port != 0) {
        w.row(0, "HealthCheck NodePort", port);
    }
    w.row_if(0, "LoadBalancer Source Ranges", &joined(object, "spec.loadBalancerSourceRanges", ","));
    w.row_if(0, "Traffic Distribution", str_at(object, "spec.trafficDistribution"));
}

fn ingress(ingress: &Value) -> String {
    match (str_at(ingress, "ip"), str_at(ingress, "ipMode")) {
        ("", _) => str_at(ingress, "hostname").into(),
        (ip, "") => ip.into(),
        (ip, mode) => format!("{ip} ({mode})"),
    }
}

fn service_port(w: &mut Writer, port: &Value, slices: &[&Object]) {
    let own_name = str_at(port, "name");
    let shown_name = if own_name.is_empty() { "<unset>" } else { own_name };
    let protocol = str_at(port, "protocol");
    w.row(0, "Port", format!("{shown_name}\t{}/{protocol}", int_at(port, "port").unwrap_or(0)));
    w.row(0, "TargetPort", format!("{}/{protocol}", int_or_string(port, "targetPort")));
    if let Some(node_port) = int_at(port, "nodePort").filter(|node_port| *node_port != 0) {
        w.row(0, "NodePort", format!("{shown_name}\t{node_port}/{protocol}"));
    }
    w.row(0, "Endpoints", endpoints_of_port(slices, own_name));
}

/// The ready endpoints of one port of a Service.
fn endpoints_of_port(slices: &[&Object], port_name: &str) -> String {
    if slices.is_empty() {
        return "<none>".into();
    }
    let (mut list, mut more, mut count) = (Vec::new(), false, 0);
    for slice in slices {
        let ports = items(slice, "ports");
        let named = ports.iter().filter(|port| str_at(port, "name") == port_name);
        let numbers: Vec<Option<i64>> = if ports.is_empty() {
            vec![None]
        } else {
            named.map(|port| Some(int_at(port, "port").unwrap_or(0))).collect()
        };
        for number in numbers {
            for endpoint in items(slice, "endpoints") {
                // kubectl notes the overflow before it looks whether the endpoint is ready.
                more |= list.len() == LISTED;
                if field(endpoint, "conditions.ready").as_bool() == Some(false) {
                    continue;
                }
                let address = items(endpoint, "addresses").first().and_then(Value::as_str).unwrap_or("");
                if !more {
                    list.push(number.map_or(address.to_owned(), |number| host_port(address, number)));
                }
                count += 1;
            }
        }
    }
    let text = list.join(",");
    if more { format!("{text} + {} more...", count - LISTED as i64) } else { text }
}

pub fn endpoints(w: &mut Writer, object: &Value) {
    super::head(w, object);
    w.text(0, "Subsets:\n");
    for subset in items(object, "subsets") {
        for (title, path) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
            let addresses: Vec<&str> = items(subset, path).iter().map(|address| str_at(address, "ip")).collect();
            w.row(1, title, or_none(&addresses.join(",")));
        }
        let ports = items(subset, "ports");
        if !ports.is_empty() {
            w.text(1, "Ports:\n");
            w.cells(2, &["Name", "Port", "Protocol"]);
            w.cells(2, &["----", "----", "--------"]);
        }
        for port in ports {
            let name = Some(str_at(port, "name")).filter(|name| !name.is_empty()).unwrap_or("<unset>");
            w.cells(2, &[name, &int_or_string(port, "port"), str_at(port, "protocol")]);
        }
        w.text(0, "\n");
    }
}

pub fn endpoint_slice(w: &mut Writer, object: &Value) {
    super::head(w, object);
    w.row(0, "AddressType", str_at(object, "addressType"));
    let or_unset = |text: String| if text.is_empty() { "<unset>".to_owned() } else { text };
    let ports = items(object, "ports");
    if ports.is_empty() {
        w.text(0, "Ports: <unset>\n");
    } else {
        w.text(0, "Ports:\n");
        w.cells(1, &["Name", "Port", "Protocol"]);
        w.cells(1, &["----", "----", "--------"]);
    }
    for port in ports {
        let (name, number) = (or_unset(str_at(port, "name").into()), or_unset(int_or_string(port, "port")));
        w.cells(1, &[&name, &number, str_at(port, "protocol")]);
    }
    let endpoints = items(object, "endpoints");
    w.text(0, if endpoints.is_empty() { "Endpoints: <none>\n" } else { "Endpoints:\n" });
    for endpoint in endpoints {
        w.row(1, "- Addresses", or_none(&joined(endpoint, "addresses", ", ")));
        w.text(2, "Conditions:\n");
        let ready = field(endpoint, "conditions.ready").as_bool().map(|ready| ready.to_string());
        w.row(3, "Ready", or_unset(ready.unwrap_or_default()));
        w.row(2, "Hostname", or_unset(str_at(endpoint, "hostname").into()));
        let target = field(endpoint, "targetRef");
        if !target.is_null() {
            w.row(2, "TargetRef", format!("{}/{}", str_at(target, "kind"), str_at(target, "name")));
        }
        w.row(2, "NodeName", or_unset(str_at(endpoint, "nodeName").into()));
        w.row(2, "Zone", or_unset(str_at(endpoint, "zone").into()));
    }
}
