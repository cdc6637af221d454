//! The scheduler at work in a world without kubelets: what is written down, and what wakes a waiting pod.

use crate::event::{Actor, What};
use crate::kube::api::{self, DeleteOptions};
use crate::lab::{LabOptions, Nodes};
use crate::object::{condition, field, set, str_at};
use crate::store::{Kind, Object};
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;

/// Long enough for the scheduler to act, as the lab promises.
const SOON: Duration = Duration::from_millis(50);

fn world() -> World {
    let mut world = World::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() });
    crate::kube::start(&mut world);
    if world.store().find(Kind::Namespace, "", "default").is_none() {
        create(&mut world, Kind::Namespace, json!({"metadata": {"name": "default"}}));
    }
    world
}

fn create(world: &mut World, kind: Kind, object: Value) {
    api::create(world, Actor::Learner, kind, "default", object).expect("accepted");
}

fn node(name: &str) -> Value {
    let room = json!({"cpu": "4", "memory": "8Gi", "pods": "110"});
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": room, "capacity": room},
    })
}

fn pod(name: &str, host_port: u16) -> Value {
    let container = json!({"name": "c", "image": "nginx", "ports": [{"containerPort": 80, "hostPort": host_port, "protocol": "TCP"}]});
    json!({"metadata": {"name": name}, "spec": {"containers": [container]}})
}

fn stored(world: &World, name: &str) -> Object {
    world.store().find(Kind::Pod, "default", name).expect("the pod").clone()
}

fn node_of(world: &World, name: &str) -> String {
    str_at(&stored(world, name), "spec.nodeName").to_owned()
}

fn messages(world: &World, reason: &str, pod: &str) -> Vec<String> {
    let events = world.store().list(Kind::Event);
    let about = |event: &&Object| str_at(event, "reason") == reason && str_at(event, "involvedObject.name") == pod;
    events.filter(about).map(|event| str_at(event, "message").to_owned()).collect()
}

const TAKEN: &str = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to \
    deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

#[test]
fn a_pod_is_placed_and_the_event_says_where() {
    let mut world = world();
    create(&mut world, Kind::Node, node("n0"));
    create(&mut world, Kind::Pod, pod("web", 8080));
    world.advance(SOON);
    assert_eq!(node_of(&world, "web"), "n0");
    assert_eq!(messages(&world, "Scheduled", "web"), ["Successfully assigned default/web to n0"]);
}

#[test]
fn a_pod_that_finds_no_port_waits_for_the_holder_to_go() {
    let mut world = world();
    create(&mut world, Kind::Node, node("n0"));
    create(&mut world, Kind::Pod, pod("first", 8080));
    world.advance(SOON);
    create(&mut world, Kind::Pod, pod("second", 8080));
    create(&mut world, Kind::Pod, pod("other", 8081));
    world.advance(SOON);
    assert_eq!(node_of(&world, "second"), "");
    assert_eq!(messages(&world, "FailedScheduling", "second"), [TAKEN]);
    let pending = stored(&world, "second");
    let why = condition(&pending, "PodScheduled").expect("a condition");
    assert_eq!((str_at(why, "reason"), str_at(why, "message")), ("Unschedulable", TAKEN));
    let holder = "0.0.0.0:8080/TCP is taken: pod default/first holds 0.0.0.0:8080/TCP";
    let told = |world: &World| world.events().iter().any(|event| event.to_string().contains(holder));
    assert!(told(&world), "the filter step names the pod that holds the port");
    // Another port coming free changes nothing, the right one does.
    let gone = |world: &mut World, name: &str| {
        api::delete(
            world,
            Actor::Learner,
            Kind::Pod,
            "default",
            name,
            DeleteOptions { grace: Some(0), ..DeleteOptions::default() },
        )
        .expect("deleted");
    };
    let attempts = |world: &World| {
        let began = |what: &What| matches!(what, What::Scheduling { pod, step: super::trace::Step::Dequeued { .. } } if pod.name == "second");
        world.events().iter().filter(|event| began(&event.what)).count()
    };
    gone(&mut world, "other");
    world.advance(SOON);
    assert_eq!(attempts(&world), 1);
    gone(&mut world, "first");
    world.advance(SOON);
    assert_eq!((attempts(&world), node_of(&world, "second").as_str()), (2, "n0"));
}

#[test]
fn when_a_node_comes_the_most_important_pod_goes_first_then_the_one_that_waits_longest() {
    let mut world = world();
    create(&mut world, Kind::PriorityClass, json!({"metadata": {"name": "high"}, "value": 1000}));
    create(&mut world, Kind::Node, node("n0"));
    let mut holder = pod("holder", 8080);
    set(&mut holder, "spec.priorityClassName", "system-node-critical");
    create(&mut world, Kind::Pod, holder);
    world.advance(SOON);
    for (name, class) in [("early", ""), ("late", ""), ("important", "high")] {
        let mut wanted = pod(name, 8080);
        if !class.is_empty() {
            set(&mut wanted, "spec.priorityClassName", class);
        }
        create(&mut world, Kind::Pod, wanted);
    }
    world.advance(Duration::from_secs(20));
    for (name, placed) in [("n1", ["", "", "n1"]), ("n2", ["n2", "", "n1"])] {
        create(&mut world, Kind::Node, node(name));
        world.advance(SOON);
        assert_eq!(["early", "late", "important"].map(|name| node_of(&world, name)), placed);
    }
}

#[test]
fn a_cordoned_node_is_used_once_it_is_uncordoned() {
    let mut world = world();
    let mut cordoned = node("n0");
    set(&mut cordoned, "spec.unschedulable", true);
    create(&mut world, Kind::Node, cordoned);
    create(&mut world, Kind::Pod, pod("web", 8080));
    world.advance(SOON);
    assert_eq!(node_of(&world, "web"), "");
    let mut open = (**world.store().find(Kind::Node, "", "n0").expect("the node")).clone();
    set(&mut open, "spec.unschedulable", Value::Null);
    api::update(&mut world, Actor::Learner, api::Part::Main, Kind::Node, "", "n0", open).expect("uncordoned");
    world.advance(SOON);
    assert_eq!(node_of(&world, "web"), "n0");
}

#[test]
fn without_nodes_the_pod_is_tried_again_after_a_while() {
    let mut world = world();
    create(&mut world, Kind::Pod, pod("web", 8080));
    world.advance(SOON);
    assert_eq!(messages(&world, "FailedScheduling", "web"), ["no nodes available to schedule pods"]);
    create(&mut world, Kind::Node, node("n0"));
    world.advance(Duration::from_secs(2));
    assert_eq!(node_of(&world, "web"), "n0");
}

#[test]
fn gates_hold_a_pod_back() {
    let mut world = world();
    create(&mut world, Kind::Node, node("n0"));
    let mut gated = pod("web", 8080);
    set(&mut gated, "spec.schedulingGates", json!([{"name": "example.com/wait"}]));
    create(&mut world, Kind::Pod, gated);
    world.advance(SOON);
    assert_eq!(node_of(&world, "web"), "");
    let mut open = (*stored(&world, "web")).clone();
    set(&mut open, "spec.schedulingGates", Value::Null);
    api::update(&mut world, Actor::Learner, api::Part::Main, Kind::Pod, "default", "web", open).expect("gates may go");
    world.advance(SOON);
    assert_eq!(node_of(&world, "web"), "n0");
}

#[test]
fn preemption_takes_the_victim_away_and_nominates_the_node() {
    let mut world = world();
    create(&mut world, Kind::Node, node("n0"));
    create(&mut world, Kind::PriorityClass, json!({"metadata": {"name": "high"}, "value": 1000}));
    create(&mut world, Kind::Pod, pod("victim", 8080));
    world.advance(SOON);
    let mut important = pod("important", 8080);
    set(&mut important, "spec.priorityClassName", "high");
    create(&mut world, Kind::Pod, important);
    world.advance(SOON);
    let pending = stored(&world, "important");
    assert_eq!(str_at(&pending, "status.nominatedNodeName"), "n0");
    let text = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
    assert_eq!(messages(&world, "FailedScheduling", "important"), [text]);
    let victim = stored(&world, "victim");
    assert!(field(&victim, "metadata.deletionTimestamp").is_string(), "the victim has its time to stop");
    let uid = crate::object::uid(&pending);
    assert_eq!(messages(&world, "Preempted", "victim"), [format!("Preempted by pod {uid} on node n0")]);
    api::delete(
        &mut world,
        Actor::Learner,
        Kind::Pod,
        "default",
        "victim",
        DeleteOptions { grace: Some(0), ..DeleteOptions::default() },
    )
    .expect("stopped");
    world.advance(SOON);
    assert_eq!(node_of(&world, "important"), "n0");
}
