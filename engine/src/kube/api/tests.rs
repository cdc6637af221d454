//! The API server against golden/kubectl/03 and against rows of refusals made with the real code.

use serde_json::{Value, json};

use crate::event::Actor;
use crate::kube::api::{PatchType, Reason, Status, create, decode, patch};
use crate::lab::{LabOptions, Nodes};
use crate::object::{field, name, str_at};
use crate::store::{Kind, Object};
use crate::world::World;

/// An API server with the namespaces and the Service that every cluster has.
pub fn world() -> World {
    let mut world = World::new(LabOptions { nodes: Nodes::Kind(3), ..LabOptions::default() });
    for namespace in ["default", "kube-system"] {
        made(&mut world, Kind::Namespace, json!({"metadata": {"name": namespace}}));
    }
    let spec = json!({"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]});
    made(&mut world, Kind::Service, json!({"metadata": {"name": "kubernetes"}, "spec": spec}));
    world
}

#[track_caller]
pub fn made(world: &mut World, kind: Kind, object: Value) -> Object {
    try_create(world, kind, &object).unwrap_or_else(|status| panic!("{status}"))
}

fn try_create(world: &mut World, kind: Kind, object: &Value) -> Result<Object, Status> {
    let object = decode(kind, object, true)?;
    create(world, Actor::Learner, kind, "default", object)
}

/// What kubectl prints of a refusal.
fn printed(status: &Status, doing: &str) -> String {
    if status.reason != Reason::Invalid {
        return format!("Error from server ({}): {doing}{status}\n", status.reason);
    }
    let mut lines: Vec<String> = Vec::new();
    for cause in &status.causes {
        let line = format!("{}: {}", cause.field, cause.message);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let head = format!("The {} {:?} is invalid: ", status.kind, status.name);
    match lines.as_slice() {
        [one] => format!("{head}{one}\n"),
        many => format!("{head}\n{}", many.iter().map(|line| format!("* {line}\n")).collect::<String>()),
    }
}

/// The commands of a transcript with what each printed.
fn commands(transcript: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in transcript.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => found.push((command.to_owned(), String::new())),
            None => {
                if let Some((_, printed)) = found.last_mut() {
                    printed.push_str(line);
                    printed.push('\n');
                }
            }
        }
    }
    found
}

/// Runs one command of golden/kubectl/03 as far as it concerns the API server; `None` for what kubectl alone answers.
fn answer(world: &mut World, command: &str, rest: &str) -> Option<(String, String)> {
    if command.starts_with("kubectl apply") {
        let (document, wanted) = rest.split_once("\nEOF\n")?;
        let wanted = wanted.trim_end().trim_end_matches("[exit 1]").to_owned();
        let object = crate::yaml::parse(document).ok()?.first()?.value.clone();
        let kind = Kind::of(str_at(&object, "apiVersion"), str_at(&object, "kind"))?;
        let said = match try_create(world, kind, &object) {
            Ok(made) => format!("{}/{} created\n", kind.info().singular, name(&made)),
            Err(status) => printed(&status, "error when creating \"STDIN\": "),
        };
        return Some((said, wanted));
    }
    let words: Vec<&str> = command.strip_prefix("kubectl patch ")?.splitn(4, ' ').collect();
    let kind = if words[0] == "svc" { Kind::Service } else { Kind::Pod };
    let change: Value = serde_json::from_str(words[3].trim_matches('\'')).ok()?;
    let said = match patch(world, Actor::Learner, kind, "default", words[1], PatchType::Strategic, &change) {
        Ok(_) => "patched\n".to_owned(),
        Err(status) => printed(&status, ""),
    };
    Some((said, rest.trim_end().trim_end_matches("[exit 1]").to_owned()))
}

#[test]
fn refuses_what_the_real_one_refused() {
    let transcript = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/kubectl/03-refused.txt"));
    let mut world = world();
    let (mut compared, mut different) = (0, Vec::new());
    for (command, rest) in commands(transcript) {
        let Some((said, wanted)) = answer(&mut world, &command, &rest) else { continue };
        compared += 1;
        if said.trim_end() != wanted.trim_end() {
            different.push(format!("{command}\n--- said\n{said}--- wanted\n{wanted}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(compared, 32);
    let pod = world.store().find(Kind::Pod, "default", "p12").expect("p12 was created");
    assert_eq!(
        field(&pod["spec"]["containers"][0], "ports").to_string(),
        r#"[{"containerPort":80,"hostPort":80,"protocol":"TCP"}]"#
    );
}
