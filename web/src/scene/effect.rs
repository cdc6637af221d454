//! Fields that somebody set and that have no effect in the lab, for the page to tell.
//!
//! The engine names all such fields of an object that was stored; a value that defaulting alone would give was not
//! set by anybody, and is left out here; so are the volumes of the service account's token, which admission adds.

use portlab_engine::event::{Event, What};
use portlab_engine::kube::api::default_object;
use portlab_engine::object::str_at;
use portlab_engine::store::{Kind, Store};
use serde_json::Value;

/// What the latest stored object among the events carries without effect: its name and the fields.
#[must_use]
pub fn without_effect(events: &[Event], store: &Store) -> Option<(String, Vec<String>)> {
    let (key, fields) = events.iter().rev().find_map(|event| match &event.what {
        What::WithoutEffect { key, fields } => Some((key, fields)),
        _ => None,
    })?;
    let object = store.get(key)?;
    let by_somebody = |path: &&String| !is_default(key.kind, object, path) && !is_token_volume(object, path);
    let set: Vec<String> = fields.iter().filter(by_somebody).cloned().collect();
    (!set.is_empty()).then(|| (key.to_string(), set))
}

/// Whether the object would have the same value there if nobody had set it.
fn is_default(kind: Kind, object: &Value, path: &str) -> bool {
    let Some((pointer, name)) = pointer(path) else { return false };
    let mut bare = object.clone();
    let Some(parent) = bare.pointer_mut(&pointer).and_then(Value::as_object_mut) else { return false };
    let Some(value) = parent.remove(&name) else { return false };
    default_object(kind, &mut bare);
    bare.pointer(&pointer).and_then(|parent| parent.get(&name)) == Some(&value)
}

/// The start of the name that the ServiceAccount admission plugin gives the volume of a pod's token.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// Whether a list of volumes or mounts has nothing but what the ServiceAccount admission plugin put there.
fn is_token_volume(object: &Value, path: &str) -> bool {
    let Some((parent, name)) = pointer(path) else { return false };
    let list = object.pointer(&parent).and_then(|parent| parent.get(&name)).and_then(Value::as_array);
    list.is_some_and(|list| list.iter().all(|item| str_at(item, "name").starts_with(TOKEN_VOLUME)))
}

/// `spec.containers[0].image` as the JSON pointer of the parent and the last name.
fn pointer(path: &str) -> Option<(String, String)> {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let steps = parent.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    Some((steps.map(|step| format!("/{step}")).collect(), name.to_owned())).filter(|_| !name.contains('['))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_defaulting_gives_was_set_by_nobody() {
        let mut pod = json!({"spec": {"containers": [{"name": "a", "image": "nginx:1.29", "tty": true}]}});
        default_object(Kind::Pod, &mut pod);
        assert!(is_default(Kind::Pod, &pod, "spec.containers[0].terminationMessagePath"));
        assert!(!is_default(Kind::Pod, &pod, "spec.containers[0].tty"));
    }

    #[test]
    fn the_token_that_admission_mounts_was_set_by_nobody() {
        let mount = |name| json!({"name": name, "mountPath": "/x"});
        let mut pod = json!({"spec": {"containers": [{"volumeMounts": [mount("kube-api-access-x2q8k")]}]}});
        assert!(is_token_volume(&pod, "spec.containers[0].volumeMounts"));
        assert!(!is_token_volume(&pod, "spec.volumes"));
        pod["spec"]["containers"][0]["volumeMounts"] = json!([mount("kube-api-access-x2q8k"), mount("data")]);
        assert!(!is_token_volume(&pod, "spec.containers[0].volumeMounts"));
    }
}
