//! The shape in which the API server gives an object back: what Go's encoder leaves out is left out, what it always writes is
//! there, quantities and times are in their canonical form.
//!
//! Models: one pass through the Go type and back (`omitempty`, pointers, structs that are never empty such as `resources: {}`).
//! Fields that the type does not have are dropped, as by a decoder that is not strict.

use serde_json::{Map, Value};

use super::{Field, Omit, Struct, Type, structure};
use crate::kube::quantity;

/// Brings an object of that kind (or a struct of that name) into canonical shape.
pub fn canonicalise(kind: &str, value: &mut Value) {
    if let Some(root) = structure(kind) {
        *value = object(root, value.take());
    }
}

/// An object whose fields are all empty is written as what the type always writes.
fn object(structure: &'static Struct, value: Value) -> Value {
    let mut written = Map::new();
    if let Value::Object(members) = value {
        for (name, member) in members {
            let Some(field) = structure.field(&name) else { continue };
            let member = convert(&field.ty, member);
            if !left_out(field, &member) {
                written.insert(name, member);
            }
        }
    }
    for field in structure.fields.iter().filter(|field| field.written_when_absent()) {
        if !written.contains_key(field.name) {
            let member = convert(&field.ty, Value::Null);
            if !left_out(field, &member) {
                written.insert(field.name.to_string(), member);
            }
        }
    }
    Value::Object(written)
}

fn left_out(field: &Field, member: &Value) -> bool {
    match field.omit {
        Omit::Never => false,
        Omit::Empty => is_empty(&field.ty, member),
        Omit::Zero => is_empty(&field.ty, member) || member.is_null(),
    }
}

impl Field {
    /// Whether Go writes the field though the object does not have it; most are simply left out, and need no look.
    fn written_when_absent(&self) -> bool {
        let never_empty =
            matches!(self.ty, Type::Struct(_) | Type::Quantity | Type::Time | Type::MicroTime | Type::IntOrString);
        self.omit == Omit::Never || never_empty
    }
}

/// The value as the type writes it; absent (null) becomes the type's zero.
fn convert(ty: &Type, value: Value) -> Value {
    match ty {
        Type::Pointer(_) if value.is_null() => Value::Null,
        Type::Pointer(inner) => convert(inner, value),
        Type::Struct(name) => match structure(name) {
            Some(inner) => object(inner, value),
            None => value,
        },
        Type::List(item) => match value {
            Value::Array(items) => Value::Array(items.into_iter().map(|member| convert(item, member)).collect()),
            _ => Value::Null,
        },
        Type::Map(_, item) => match value {
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(key, member)| (key, convert(item, member))).collect())
            }
            _ => Value::Null,
        },
        Type::String(_) | Type::Bytes if value.is_null() => Value::String(String::new()),
        Type::Bool if value.is_null() => Value::Bool(false),
        Type::Int32 | Type::Int64 | Type::IntOrString if value.is_null() => 0.into(),
        Type::Quantity => canonical_quantity(value),
        _ => value,
    }
}

fn canonical_quantity(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.trim().to_string(),
        Value::Null => "0".into(),
        other => other.to_string(),
    };
    quantity::stored(&text).map_or(value, Value::String)
}

/// Go's `omitempty`: what counts as empty depends on the type.
fn is_empty(ty: &Type, value: &Value) -> bool {
    match ty {
        Type::Pointer(_) => value.is_null(),
        Type::String(_) | Type::Bytes => value.as_str().is_none_or(str::is_empty),
        Type::Bool => value == &Value::Bool(false),
        Type::Int32 | Type::Int64 => value.as_i64() == Some(0),
        Type::List(_) => value.as_array().is_none_or(Vec::is_empty),
        Type::Map(..) => value.as_object().is_none_or(Map::is_empty),
        Type::Raw(_) => value.is_null(),
        Type::Struct(_) | Type::Quantity | Type::Time | Type::MicroTime | Type::IntOrString => false,
    }
}
