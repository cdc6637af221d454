//! Containers in a description: ports, command, state, resources, probes, environment, mounts.

use serde_json::Value;

use super::writer::{Writer, capital_bool, date, int_or_string, or_none};
use crate::object::{bool_at, entries, field, int_at, items, str_at};
use crate::tools::kubectl::go_value::{plain, quote};

/// The containers under a title. `pod` resolves references of the environment; a template has none.
pub fn list(w: &mut Writer, title: &str, containers: &[Value], statuses: &[Value], pod: Option<&Value>, space: &str) {
    let none = if containers.is_empty() { " <none>" } else { "" };
    w.text(0, &format!("{space}{title}:{none}\n"));
    for container in containers {
        let name = str_at(container, "name");
        let status = statuses.iter().rev().find(|status| str_at(status, "name") == name);
        basic(w, container, status, space);
        command(w, container);
        if let Some(status) = status {
            state(w, "State", field(status, "state"));
            if !field(status, "lastState.terminated").is_null() {
                state(w, "Last State", field(status, "lastState"));
            }
            w.row(2, "Ready", capital_bool(bool_at(status, "ready")));
            w.row(2, "Restart Count", int_at(status, "restartCount").unwrap_or(0));
        }
        resources(w, 2, field(container, "resources"));
        for (title, path) in
            [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
        {
            if !field(container, path).is_null() {
                w.row(2, title, probe(field(container, path)));
            }
        }
        environment_from(w, items(container, "envFrom"));
        environment(w, container, pod);
        mounts(w, container);
    }
}

fn basic(w: &mut Writer, container: &Value, status: Option<&Value>, space: &str) {
    let indent = if space.is_empty() { "" } else { " " };
    w.text(1, &format!("{indent}{}:\n", str_at(container, "name")));
    if let Some(status) = status {
        w.row(2, "Container ID", str_at(status, "containerID"));
    }
    w.row(2, "Image", str_at(container, "image"));
    if let Some(status) = status {
        w.row(2, "Image ID", str_at(status, "imageID"));
    }
    for (one, many, key) in [("Port", "Ports", "containerPort"), ("Host Port", "Host Ports", "hostPort")] {
        let text = ports(items(container, "ports"), key);
        w.row(2, if text.contains(',') { many } else { one }, or_none(&text));
    }
    seccomp(w, 2, field(container, "securityContext"));
}

/// The seccomp profile of a security context, if it names one.
pub fn seccomp(w: &mut Writer, level: usize, context: &Value) {
    let kind = str_at(context, "seccompProfile.type");
    w.row_if(level, "SeccompProfile", kind);
    if kind == "Localhost" {
        let deeper = if level == 0 { 0 } else { level + 1 };
        w.row(deeper, "LocalhostProfile", str_at(context, "seccompProfile.localhostProfile"));
    }
}

fn ports(ports: &[Value], key: &str) -> String {
    let texts: Vec<String> = ports
        .iter()
        .map(|port| {
            let text = format!("{}/{}", int_at(port, key).unwrap_or(0), str_at(port, "protocol"));
            match str_at(port, "name") {
                "" => text,
                name => format!("{text} ({name})"),
            }
        })
        .collect();
    texts.join(", ")
}

fn command(w: &mut Writer, container: &Value) {
    for (title, path) in [("Command", "command"), ("Args", "args")] {
        let words = items(container, path);
        if !words.is_empty() {
            w.text(2, &format!("{title}:\n"));
        }
        for line in words.iter().filter_map(Value::as_str).flat_map(|word| word.split('\n')) {
            w.text(3, &format!("{line}\n"));
        }
    }
}

fn state(w: &mut Writer, title: &str, state: &Value) {
    let running = field(state, "running");
    let terminated = field(state, "terminated");
    if !running.is_null() {
        w.row(2, title, "Running");
        w.row(3, "Started", date(str_at(running, "startedAt")));
    } else if !field(state, "waiting").is_null() || terminated.is_null() {
        w.row(2, title, "Waiting");
        w.row_if(3, "Reason", str_at(state, "waiting.reason"));
    } else {
        w.row(2, title, "Terminated");
        w.row_if(3, "Reason", str_at(terminated, "reason"));
        w.row_if(3, "Message", str_at(terminated, "message"));
        w.row(3, "Exit Code", int_at(terminated, "exitCode").unwrap_or(0));
        if let Some(signal) = int_at(terminated, "signal").filter(|signal| *signal > 0) {
            w.row(3, "Signal", signal);
        }
        w.row(3, "Started", date(str_at(terminated, "startedAt")));
        w.row(3, "Finished", date(str_at(terminated, "finishedAt")));
    }
}

/// Limits, then requests.
pub fn resources(w: &mut Writer, level: usize, resources: &Value) {
    for (title, path) in [("Limits", "limits"), ("Requests", "requests")] {
        if entries(resources, path).next().is_some() {
            w.text(level, &format!("{title}:\n"));
        }
        for (name, quantity) in entries(resources, path) {
            w.row(level + 1, name, plain(quantity));
        }
    }
}

fn probe(probe: &Value) -> String {
    let number = |path: &str| int_at(probe, path).unwrap_or(0);
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        number("initialDelaySeconds"),
        number("timeoutSeconds"),
        number("periodSeconds"),
        number("successThreshold"),
        number("failureThreshold"),
    );
    if !field(probe, "exec").is_null() {
        let words: Vec<&str> = items(probe, "exec.command").iter().filter_map(Value::as_str).collect();
        return format!("exec [{}] {attributes}", words.join(" "));
    }
    let get = field(probe, "httpGet");
    if !get.is_null() {
        let scheme = str_at(get, "scheme").to_lowercase();
        let (host, port) = (str_at(get, "host"), int_or_string(get, "port"));
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        return format!("http-get {scheme}://{host}:{port}{} {attributes}", url_path(str_at(get, "path")));
    }
    let socket = field(probe, "tcpSocket");
    if !socket.is_null() {
        return format!("tcp-socket {}:{} {attributes}", str_at(socket, "host"), int_or_string(socket, "port"));
    }
    let grpc = field(probe, "grpc");
    if !grpc.is_null() {
        return format!("grpc <pod>:{} {} {attributes}", int_or_string(grpc, "port"), str_at(grpc, "service"));
    }
    format!("unknown {attributes}")
}

/// The path of a URL with a host: absolute, with unusual bytes escaped.
fn url_path(path: &str) -> String {
    let mut out = String::new();
    if !path.is_empty() && !path.starts_with('/') {
        out.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn environment_from(w: &mut Writer, sources: &[Value]) {
    if sources.is_empty() {
        return;
    }
    w.text(2, "Environment Variables from:\n");
    for source in sources {
        let map = field(source, "configMapRef");
        let (kind, reference) = if map.is_null() { ("Secret", field(source, "secretRef")) } else { ("ConfigMap", map) };
        let prefix = match str_at(source, "prefix") {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        let optional = bool_at(reference, "optional");
        w.text(3, &format!("{}\t{kind}{prefix}\tOptional: {optional}\n", str_at(reference, "name")));
    }
}

fn environment(w: &mut Writer, container: &Value, pod: Option<&Value>) {
    let variables = items(container, "env");
    w.text(2, if variables.is_empty() { "Environment:\t<none>\n" } else { "Environment:\n" });
    for variable in variables {
        let (name, from) = (str_at(variable, "name"), field(variable, "valueFrom"));
        if from.is_null() {
            for (index, line) in str_at(variable, "value").split('\n').enumerate() {
                let name = if index == 0 { format!("{name}:") } else { String::new() };
                w.text(3, &format!("{name}\t{line}\n"));
            }
            continue;
        }
        let key = |reference: &Value| (str_at(reference, "key").to_owned(), str_at(reference, "name").to_owned());
        if !field(from, "fieldRef").is_null() {
            let path = str_at(from, "fieldRef.fieldPath");
            let value = pod.map_or("", |pod| field_value(pod, path));
            w.row(3, name, format!("{value} ({}:{path})", str_at(from, "fieldRef.apiVersion")));
        } else if !field(from, "resourceFieldRef").is_null() {
            let reference = field(from, "resourceFieldRef");
            let resource = str_at(reference, "resource");
            w.row(3, name, format!("{} ({resource})", super::node::resource_value(container, reference)));
        } else if !field(from, "secretKeyRef").is_null() {
            let reference = field(from, "secretKeyRef");
            let (key, secret) = key(reference);
            let optional = bool_at(reference, "optional");
            w.row(3, name, format!("<set to the key '{key}' in secret '{secret}'>\tOptional: {optional}"));
        } else if !field(from, "configMapKeyRef").is_null() {
            let reference = field(from, "configMapKeyRef");
            let (key, map) = key(reference);
            let optional = bool_at(reference, "optional");
            w.row(3, name, format!("<set to the key '{key}' of config map '{map}'>\tOptional: {optional}"));
        }
    }
}

/// kubectl resolves only the name and the namespace of the pod.
fn field_value<'a>(pod: &'a Value, path: &str) -> &'a str {
    match path {
        "metadata.name" | "metadata.namespace" => str_at(pod, path),
        _ => "",
    }
}

fn mounts(w: &mut Writer, container: &Value) {
    let mut mounts: Vec<&Value> = items(container, "volumeMounts").iter().collect();
    mounts.sort_by_key(|mount| str_at(mount, "mountPath"));
    let none = if mounts.is_empty() { "\t<none>" } else { "" };
    w.text(2, &format!("Mounts:{none}\n"));
    for mount in mounts {
        let mut flags = if bool_at(mount, "readOnly") { "ro".to_owned() } else { "rw".to_owned() };
        let sub_path = str_at(mount, "subPath");
        if !sub_path.is_empty() {
            flags.push_str(&format!(",path={}", quote(sub_path)));
        }
        w.text(3, &format!("{} from {} ({flags})\n", str_at(mount, "mountPath"), str_at(mount, "name")));
    }
    let mut devices: Vec<&Value> = items(container, "volumeDevices").iter().collect();
    devices.sort_by_key(|device| str_at(device, "devicePath"));
    if !devices.is_empty() {
        w.text(2, &format!("Devices:{none}\n"));
    }
    for device in devices {
        w.text(3, &format!("{} from {}\n", str_at(device, "devicePath"), str_at(device, "name")));
    }
}
