//! The scheduler against what a real one answered (golden/scheduler): node, message, nominated node, victims, scores.

use super::cluster::Cluster;
use super::{Failure, Outcome, attempt, pod_info};
use crate::object::{items, set, str_at};
use serde_json::{Value, json};
use std::rc::Rc;

fn golden(name: &str) -> Vec<Value> {
    let path = format!("{}/../golden/scheduler/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the API server does to a pod on its way in, as far as the scheduler reads it.
fn admit(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let priority = match str_at(&pod, "spec.priorityClassName") {
        "low" => 10,
        "mid" => 100,
        "high" => 1000,
        _ => 0,
    };
    set(&mut pod, "spec.priority", priority);
    if pod["spec"]["hostNetwork"] == true {
        for container in pod["spec"]["containers"].as_array_mut().into_iter().flatten() {
            for port in container["ports"].as_array_mut().into_iter().flatten() {
                if port["hostPort"].is_null() {
                    port["hostPort"] = port["containerPort"].clone();
                }
            }
        }
    }
    pod
}

fn names(pods: &[Rc<pod_info::PodRef>]) -> Vec<String> {
    let mut names: Vec<String> = pods.iter().map(|pod| pod.name.clone()).collect();
    names.sort();
    names
}

/// Empty when portlab's answer is one that the real scheduler could give, else what differs.
fn differences(case: &Value) -> Vec<String> {
    let mut cluster = Cluster::default();
    items(case, "nodes").iter().for_each(|node| cluster.set_node(node));
    items(case, "bound").iter().for_each(|pod| cluster.add_pod(&Rc::new(pod_info::read(&admit(pod)))));
    let answer = &case["answer"];
    let pod = pod_info::read(&admit(&case["pod"]));
    let mut wrong = Vec::new();
    let mut compare = |what: &str, ours: Value, theirs: &Value| {
        if ours != *theirs {
            wrong.push(format!("{what}: {ours} instead of {theirs}"));
        }
    };
    match attempt(&cluster, &pod, &mut |_| 0).outcome {
        Outcome::Placed { scores, equals, .. } => {
            compare("message", Value::Null, &answer["message"]);
            let known = equals.iter().any(|node| answer["node"] == **node);
            compare("node", if known { answer["node"].clone() } else { json!(equals[0].to_string()) }, &answer["node"]);
            let mut ours = serde_json::Map::new();
            for score in &scores {
                let mut row: serde_json::Map<String, Value> =
                    score.plugins.iter().map(|(plugin, score)| (plugin.to_string(), json!(score))).collect();
                row.insert("total".to_owned(), json!(score.total));
                ours.insert(score.node.to_string(), Value::Object(row));
            }
            compare("scores", if ours.is_empty() { Value::Null } else { Value::Object(ours) }, &answer["scores"]);
        }
        Outcome::Unschedulable(Failure { message, equals, .. }) => {
            compare("node", Value::Null, &answer["node"]);
            compare("message", json!(message), &answer["message"]);
            let ours: Vec<Value> =
                equals.iter().map(|c| json!({"nominated": c.node.to_string(), "victims": names(&c.victims)})).collect();
            for theirs in [answer, &answer["or"]] {
                if let Some(node) = theirs["nominated"].as_str() {
                    let theirs = json!({"nominated": node, "victims": theirs["victims"]});
                    let found = ours.iter().find(|ours| **ours == theirs).or(ours.first());
                    compare("preemption", found.cloned().unwrap_or_default(), &theirs);
                }
            }
            if answer["nominated"].is_null() {
                compare("preemption", json!(ours), &json!([]));
            }
        }
    }
    wrong
}

#[test]
fn golden_cases_are_answered_alike() {
    let mut wrong = Vec::new();
    for file in ["ports", "rich"] {
        for (line, case) in golden(file).iter().enumerate() {
            // Pods that the API server refuses never reach the scheduler.
            if case["answer"]["rejected"].is_null() {
                wrong.extend(differences(case).into_iter().map(|text| format!("{file} line {}: {text}", line + 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
