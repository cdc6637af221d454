//! Volumes: names, and one source each.
//!
//! Source: `ValidateVolumes`, `validateVolumeSource`. Models in detail: emptyDir, hostPath, secret, configMap, downwardAPI, nfs,
//! persistentVolumeClaim, projected. Leaves out: what the other sources demand of their own fields.

use std::collections::BTreeSet;

use serde_json::Value;

use super::meta::all_invalid;
use crate::kube::api::field::{FieldError, Path, duplicate, forbidden, invalid, not_supported, required};
use crate::kube::api::names;
use crate::object::{field, int_at, items, str_at};

/// In the order in which the API server looks at them.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "storageos",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];
const HOST_PATH_TYPES: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// The names of the good volumes, which containers may mount, and the errors of the others.
pub fn validate_volumes(volumes: &[Value], path: &Path) -> (BTreeSet<String>, Vec<FieldError>) {
    let (mut good, mut found) = (BTreeSet::new(), Vec::new());
    for (index, volume) in volumes.iter().enumerate() {
        let at = path.index(index);
        let name = str_at(volume, "name");
        let mut errors = validate_source(volume, &at);
        if name.is_empty() {
            errors.push(required(&at.child("name"), ""));
        } else {
            errors.extend(all_invalid(&at.child("name"), name, names::label(name)));
        }
        if good.contains(name) {
            errors.push(duplicate(&at.child("name"), name));
        }
        if errors.is_empty() {
            good.insert(name.to_owned());
        }
        found.extend(errors);
    }
    (good, found)
}

fn validate_source(volume: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut any = false;
    for kind in SOURCES {
        let source = field(volume, kind);
        let at = path.child(kind);
        if source.is_null() {
            continue;
        }
        if any {
            found.push(forbidden(&at, "may not specify more than 1 volume type"));
            continue;
        }
        any = true;
        match kind {
            "emptyDir" if str_at(source, "sizeLimit").starts_with('-') => {
                found.push(forbidden(&at.child("sizeLimit"), "SizeLimit field must be a valid resource quantity"));
            }
            "hostPath" => found.extend(validate_host_path(source, &at)),
            "secret" => found.extend(validate_keys(source, "secretName", &at)),
            "configMap" => found.extend(validate_keys(source, "name", &at)),
            "downwardAPI" => {
                found.extend(file_mode(source, "defaultMode", &at));
                found.extend(super::env::validate_downward_items(source, &at));
            }
            "nfs" => found.extend(validate_nfs(source, &at)),
            "persistentVolumeClaim" if str_at(source, "claimName").is_empty() => {
                found.push(required(&at.child("claimName"), ""));
            }
            "projected" => found.extend(validate_projected(source, &at)),
            _ => {}
        }
    }
    found
}

fn validate_host_path(source: &Value, path: &Path) -> Vec<FieldError> {
    let place = str_at(source, "path");
    if place.is_empty() {
        return vec![required(&path.child("path"), "")];
    }
    let mut found: Vec<FieldError> = no_backsteps(place, &path.child("path")).into_iter().collect();
    if let Some(kind) = field(source, "type").as_str().filter(|kind| !HOST_PATH_TYPES.contains(kind)) {
        found.push(not_supported(&path.child("type"), kind, &HOST_PATH_TYPES));
    }
    found
}

fn validate_nfs(source: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for part in ["server", "path"] {
        if str_at(source, part).is_empty() {
            found.push(required(&path.child(part), ""));
        }
    }
    let place = str_at(source, "path");
    if !place.is_empty() && !place.starts_with('/') {
        found.push(invalid(&path.child("path"), place, "must be an absolute path"));
    }
    found
}

/// A Secret or ConfigMap by name, and which of its keys go where.
fn validate_keys(source: &Value, name: &str, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if str_at(source, name).is_empty() {
        found.push(required(&path.child(name), ""));
    }
    found.extend(file_mode(source, "defaultMode", path));
    for (index, item) in items(source, "items").iter().enumerate() {
        let at = path.child("items").index(index);
        for part in ["key", "path"] {
            if str_at(item, part).is_empty() {
                found.push(required(&at.child(part), ""));
            }
        }
        found.extend(local_path(str_at(item, "path"), &at.child("path")));
        found.extend(file_mode(item, "mode", &at));
    }
    found
}

fn validate_projected(source: &Value, path: &Path) -> Vec<FieldError> {
    let mut found: Vec<FieldError> = file_mode(source, "defaultMode", path).into_iter().collect();
    for (index, part) in items(source, "sources").iter().enumerate() {
        let at = path.child("sources").index(index);
        let kinds: Vec<&str> =
            part.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()).map(|(k, _)| k.as_str()).collect();
        if kinds.len() > 1 {
            found.push(forbidden(&at, "may not specify more than 1 volume type per source"));
        }
        for kind in ["secret", "configMap"] {
            let inner = field(part, kind);
            if !inner.is_null() {
                found.extend(validate_keys(inner, "name", &at.child(kind)));
            }
        }
    }
    found
}

fn file_mode(object: &Value, part: &str, path: &Path) -> Option<FieldError> {
    let mode = int_at(object, part).filter(|mode| !(0..=0o777).contains(mode))?;
    Some(invalid(&path.child(part), mode, "must be a number between 0 and 0777 (octal), both inclusive"))
}

fn no_backsteps(place: &str, path: &Path) -> Option<FieldError> {
    place.split('/').any(|part| part == "..").then(|| invalid(path, place, "must not contain '..'"))
}

/// A relative path that stays inside.
pub fn descending_path(place: &str, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if place.starts_with('/') {
        found.push(invalid(path, place, "must be a relative path"));
    }
    found.extend(no_backsteps(place, path));
    found
}

/// The same, whose first name does not start with two dots either.
pub fn local_path(place: &str, path: &Path) -> Vec<FieldError> {
    let mut found = descending_path(place, path);
    if place.starts_with("..") && !place.starts_with("../") {
        found.push(invalid(path, place, "must not start with '..'"));
    }
    found
}
