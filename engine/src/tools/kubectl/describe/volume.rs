//! Volumes in a description.

use serde_json::Value;

use super::writer::Writer;
use crate::object::{bool_at, field, int_at, items, str_at};

pub fn list(w: &mut Writer, volumes: &[Value], space: &str) {
    if volumes.is_empty() {
        w.text(0, &format!("{space}Volumes:\t<none>\n"));
        return;
    }
    w.text(0, &format!("{space}Volumes:\n"));
    let indent = if space.is_empty() { "" } else { " " };
    for volume in volumes {
        w.text(1, &format!("{indent}{}:\n", str_at(volume, "name")));
        source(w, volume);
    }
}

fn source(w: &mut Writer, volume: &Value) {
    let of = |name: &str| Some(field(volume, name)).filter(|source| !source.is_null());
    if let Some(source) = of("hostPath") {
        w.row(2, "Type", "HostPath (bare host directory volume)");
        w.row(2, "Path", str_at(source, "path"));
        let kind = field(source, "type").as_str().unwrap_or("<none>");
        w.row(2, "HostPathType", kind);
    } else if let Some(source) = of("emptyDir") {
        w.row(2, "Type", "EmptyDir (a temporary directory that shares a pod's lifetime)");
        w.row(2, "Medium", str_at(source, "medium"));
        let limit = str_at(source, "sizeLimit");
        w.row(2, "SizeLimit", if limit.is_empty() || limit == "0" { "<unset>" } else { limit });
    } else if let Some(source) = of("secret") {
        w.row(2, "Type", "Secret (a volume populated by a Secret)");
        w.row(2, "SecretName", str_at(source, "secretName"));
        w.row(2, "Optional", bool_at(source, "optional"));
    } else if let Some(source) = of("configMap") {
        w.row(2, "Type", "ConfigMap (a volume populated by a ConfigMap)");
        w.row(2, "Name", str_at(source, "name"));
        w.row(2, "Optional", bool_at(source, "optional"));
    } else if let Some(source) = of("nfs") {
        w.row(2, "Type", "NFS (an NFS mount that lasts the lifetime of a pod)");
        w.row(2, "Server", str_at(source, "server"));
        w.row(2, "Path", str_at(source, "path"));
        w.row(2, "ReadOnly", bool_at(source, "readOnly"));
    } else if let Some(source) = of("persistentVolumeClaim") {
        w.row(2, "Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)");
        w.row(2, "ClaimName", str_at(source, "claimName"));
        w.row(2, "ReadOnly", bool_at(source, "readOnly"));
    } else if let Some(source) = of("downwardAPI") {
        w.row(2, "Type", "DownwardAPI (a volume populated by information about the pod)");
        w.text(2, "Items:\n");
        downward_items(w, items(source, "items"));
    } else if let Some(source) = of("projected") {
        w.row(2, "Type", "Projected (a volume that contains injected data from multiple sources)");
        items(source, "sources").iter().for_each(|source| projected(w, source));
    } else if let Some(source) = of("image") {
        w.row(2, "Type", "Image (a container image or OCI artifact)");
        w.row(2, "Reference", str_at(source, "reference"));
        w.row(2, "PullPolicy", str_at(source, "pullPolicy"));
    } else {
        w.text(1, "<unknown>\n");
    }
}

fn downward_items(w: &mut Writer, items: &[Value]) {
    for item in items {
        for source in [str_at(item, "fieldRef.fieldPath"), str_at(item, "resourceFieldRef.resource")] {
            if !source.is_empty() {
                w.text(3, &format!("{source} -> {}\n", str_at(item, "path")));
            }
        }
    }
}

fn projected(w: &mut Writer, source: &Value) {
    let of = |name: &str| Some(field(source, name)).filter(|source| !source.is_null());
    if let Some(secret) = of("secret") {
        w.row(2, "SecretName", str_at(secret, "name"));
        w.row(2, "Optional", bool_at(secret, "optional"));
    } else if of("downwardAPI").is_some() {
        w.row(2, "DownwardAPI", true);
    } else if let Some(map) = of("configMap") {
        w.row(2, "ConfigMapName", str_at(map, "name"));
        w.row(2, "Optional", bool_at(map, "optional"));
    } else if let Some(token) = of("serviceAccountToken") {
        w.row(2, "TokenExpirationSeconds", int_at(token, "expirationSeconds").unwrap_or(0));
    }
}
