//! The fields of the API objects: which exist, their Go types, how a patch merges them, and whether they do anything here.
//!
//! Models: the types of k8s.io/api v0.34.0 (Kubernetes 1.34.0) for the kinds that portlab knows. The facts stand in
//! `types.txt`, one line a field, which is compiled in and read once. [`decode`] is the API server's strict JSON decoding over
//! this table, [`canonical`] the shape in which the API server gives an object back. What `kubectl explain` says of the fields
//! stands with that command.
//!
//! Leaves out: kinds that no part of the lab acts on (StatefulSet, Job, Ingress, PersistentVolumeClaim, …): nothing here would
//! carry them out, and a kind that is accepted and then does nothing would teach something false.

pub mod canonical;
pub mod decode;

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The Go type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// `string`, or a named string type such as `v1.Protocol`.
    String(&'static str),
    Bool,
    Int32,
    Int64,
    /// `[]byte`: base64 in JSON.
    Bytes,
    Quantity,
    Time,
    MicroTime,
    IntOrString,
    /// Any JSON: `runtime.RawExtension` and `FieldsV1`.
    Raw(&'static str),
    /// May be absent.
    Pointer(Box<Type>),
    List(Box<Type>),
    /// Values by string key; the name is the Go type's, empty for a plain `map[string]T`.
    Map(&'static str, Box<Type>),
    Struct(&'static str),
}

/// When a field is left out of the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omit {
    Never,
    /// Go's `omitempty`: an empty string, list or map, zero, false, an absent pointer. A struct is never empty.
    Empty,
    /// Go's `omitzero`: a struct too, when it is zero.
    Zero,
}

/// Whether a field does something in the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// It has its effect.
    Modelled,
    /// It is kept and shown, and has no effect.
    Stored,
}

/// How a strategic merge patch treats a list (or, with `retain_keys`, a struct).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Patch {
    /// The list is merged: structs by [`Patch::key`], plain values as a set.
    pub merge: bool,
    pub key: Option<&'static str>,
    pub retain_keys: bool,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: &'static str,
    pub ty: Type,
    pub omit: Omit,
    pub required: bool,
    pub patch: Patch,
    pub fidelity: Fidelity,
}

/// A Go struct: its fields in the order of declaration.
#[derive(Debug, Clone)]
pub struct Struct {
    pub name: &'static str,
    pub fields: Vec<Field>,
}

impl Struct {
    /// The field of that exact JSON name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The struct of that name (`PodSpec`), also of a kind (`Pod`).
pub fn structure(name: &str) -> Option<&'static Struct> {
    static TABLE: OnceLock<BTreeMap<&'static str, Struct>> = OnceLock::new();
    TABLE.get_or_init(|| read(include_str!("types.txt"))).get(name)
}

impl Type {
    /// The type without the pointer.
    pub fn inner(&self) -> &Type {
        match self {
            Type::Pointer(inner) => inner,
            other => other,
        }
    }

    /// What a strategic merge patch or a path steps into: the struct of a field or of a list's elements.
    pub fn element_struct(&self) -> Option<&'static Struct> {
        match self.inner() {
            Type::Struct(name) => structure(name),
            Type::List(item) => item.element_struct(),
            Type::Map(_, item) => item.element_struct(),
            _ => None,
        }
    }

    /// As Go's reflection prints it: `int32`, `v1.Protocol`, `[]v1.ContainerPort`, `map[string]string`.
    pub fn go_name(&self) -> String {
        match self {
            Type::String(name) | Type::Raw(name) => name.to_string(),
            Type::Bool => "bool".into(),
            Type::Int32 => "int32".into(),
            Type::Int64 => "int64".into(),
            Type::Bytes => "[]uint8".into(),
            Type::Quantity => "resource.Quantity".into(),
            Type::Time => "v1.Time".into(),
            Type::MicroTime => "v1.MicroTime".into(),
            Type::IntOrString => "intstr.IntOrString".into(),
            Type::Pointer(inner) => inner.go_name(),
            Type::List(item) => match item.as_ref() {
                Type::Pointer(inner) => format!("[]*{}", inner.go_name()),
                plain => format!("[]{}", plain.go_name()),
            },
            Type::Map("", item) => format!("map[string]{}", item.go_name()),
            Type::Map(name, _) => format!("v1.{name}"),
            Type::Struct(name) => format!("v1.{}", name.rsplit('.').next().unwrap_or(name)),
        }
    }
}

/// The fields of `object` (a manifest as it was written, of that kind) that are kept without effect, as paths such as
/// `spec.containers[0].livenessProbe`, for the page to report. The parent of several such fields is not repeated for each.
pub fn stored_without_effect(kind: &str, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(root) = structure(kind) {
        walk_stored(root, object, "", &mut found);
    }
    found
}

fn walk_stored(structure: &'static Struct, value: &Value, path: &str, found: &mut Vec<String>) {
    let Value::Object(members) = value else { return };
    for (name, member) in members {
        let Some(field) = structure.field(name) else { continue };
        if member.is_null() || name == "status" {
            continue;
        }
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if field.fidelity == Fidelity::Stored {
            found.push(here);
            continue;
        }
        let Some(inner) = field.ty.element_struct() else { continue };
        match member {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk_stored(inner, item, &format!("{here}[{index}]"), found);
                }
            }
            single => walk_stored(inner, single, &here, found),
        }
    }
}

/// The struct that a type names, however deep.
#[cfg(test)]
fn named_struct(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Struct(name) => Some(name),
        Type::Pointer(inner) | Type::List(inner) | Type::Map(_, inner) => named_struct(inner),
        _ => None,
    }
}

fn read(text: &'static str) -> BTreeMap<&'static str, Struct> {
    let mut table = BTreeMap::new();
    let mut current: Option<Struct> = None;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if line.starts_with(['+', ' ']) {
            let structure = current.as_mut().expect("types.txt: a field before the first struct");
            structure.fields.push(read_field(line));
        } else {
            table.extend(current.take().map(|done| (done.name, done)));
            current = Some(Struct { name: line, fields: Vec::new() });
        }
    }
    table.extend(current.map(|done| (done.name, done)));
    table
}

fn read_field(line: &'static str) -> Field {
    let fidelity = if line.starts_with('+') { Fidelity::Modelled } else { Fidelity::Stored };
    let mut words = line[1..].split_whitespace();
    let marked = words.next().expect("types.txt: a field has a name");
    let ty = words.next().expect("types.txt: a field has a type");
    let name = marked.trim_end_matches('?');
    let omit = match marked.len() - name.len() {
        0 => Omit::Never,
        1 => Omit::Empty,
        _ => Omit::Zero,
    };
    let mut field = Field { name, ty: read_type(ty), omit, required: false, patch: Patch::default(), fidelity };
    for word in words {
        match word.split_once('=') {
            Some(("merge", key)) => field.patch = Patch { merge: true, key: Some(key), ..field.patch },
            None if word == "merge" => field.patch.merge = true,
            None if word == "retainKeys" => field.patch.retain_keys = true,
            None if word == "required" => field.required = true,
            _ => panic!("types.txt: {word:?} of {name}"),
        }
    }
    field
}

fn read_type(text: &'static str) -> Type {
    if let Some(inner) = text.strip_prefix('*') {
        return Type::Pointer(Box::new(read_type(inner)));
    }
    if let Some(item) = text.strip_prefix("[]") {
        return Type::List(Box::new(read_type(item)));
    }
    if let Some(item) = text.strip_prefix("map[string]") {
        return Type::Map("", Box::new(read_type(item)));
    }
    match text {
        "string" => Type::String("string"),
        "bool" => Type::Bool,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "bytes" => Type::Bytes,
        "Quantity" => Type::Quantity,
        "Time" => Type::Time,
        "MicroTime" => Type::MicroTime,
        "IntOrString" => Type::IntOrString,
        "RawExtension" => Type::Raw("runtime.RawExtension"),
        "FieldsV1" => Type::Raw("v1.FieldsV1"),
        "ResourceList" => Type::Map("ResourceList", Box::new(Type::Quantity)),
        _ if text.starts_with("v1.") || text.starts_with("types.") => Type::String(text),
        _ => Type::Struct(text),
    }
}

#[cfg(test)]
mod tests;
