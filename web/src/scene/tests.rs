//! Scenes of small clusters.

use std::rc::Rc;

use portlab_engine::lab::{Lab, LabOptions, Place};

use super::frame::{Glyph, frames};
use super::sieve::{Cell, End, sieve};
use super::stage::{LANES_MAX, PODS_MAX, stage};

fn lab() -> Lab {
    Lab::new(LabOptions::default())
}

const WEB: &str = "kubectl create -f - <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx
        ports: [{containerPort: 80, hostPort: 8080}]
END";

#[test]
fn an_idle_cluster_shows_its_nodes() {
    let lab = lab();
    let stage = stage(&lab.state().store, "portlab", &[]);
    let names: Vec<&str> = stage.lanes.iter().map(|lane| lane.short.as_str()).collect();
    assert_eq!(names, ["control-plane", "worker", "worker2"]);
    assert!(stage.pending.is_empty());
}

#[test]
fn the_third_replica_waits_and_the_sieve_says_why() {
    let mut lab = lab();
    lab.run(&Place::Workstation, WEB);
    lab.run(&Place::Workstation, "sleep 5");
    let state = lab.state();
    let drawn = stage(&state.store, "portlab", &[]);
    assert_eq!(drawn.pending.len(), 1);
    assert_eq!(drawn.lanes[1].held.len(), 1);
    let frames = frames(lab.events(), lab.scene(), "portlab");
    let failed = frames.iter().rev().find(|frame| frame.title == "Unschedulable").expect("an attempt failed");
    let said = failed.decision.to_string();
    assert!(said.contains("NodePorts on worker and worker2"), "{said}");
    let sieve = sieve(lab.events(), Some(failed), &lab.at(failed.end)).expect("it has a table");
    assert_eq!(sieve.end, Some(End::Failed));
    let ports = sieve.rows.iter().find(|row| row.name == "NodePorts").expect("NodePorts ran");
    assert_eq!(ports.cells[0], Cell::NotRun);
    let Cell::Stop(stop) = &ports.cells[1] else { panic!("{:?}", ports.cells[1]) };
    assert!(stop.title.starts_with("held by web-…-"), "{}", stop.title);
    assert!(stop.compared.as_ref().is_some_and(|parts| parts.iter().all(|part| part.meets)));
}

#[test]
fn frames_hold_all_events_in_order() {
    let mut lab = lab();
    lab.run(&Place::Workstation, WEB);
    lab.run(&Place::Workstation, "sleep 5");
    let frames = frames(lab.events(), lab.scene(), "portlab");
    assert_eq!(frames.first().map(|frame| (frame.start, frame.glyph)), Some((lab.scene(), Glyph::Hop)));
    assert!(frames.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].start < pair[0].end));
    assert_eq!(frames.last().map(|frame| frame.end), Some(lab.events().len()));
}

#[test]
fn what_a_cluster_takes_its_time_for_is_no_stop_of_its_own() {
    let mut lab = lab();
    lab.run(&Place::Workstation, WEB);
    lab.run(&Place::Workstation, "sleep 60");
    let frames = frames(lab.events(), lab.scene(), "portlab");
    let quiet: Vec<usize> =
        frames.iter().enumerate().filter(|(_, frame)| frame.decision.label == "Time").map(|(at, _)| at).collect();
    assert_eq!(quiet, [frames.len() - 1], "the rest of the sleep alone");
}

#[test]
fn the_table_shows_nothing_that_was_not_reached() {
    let mut lab = lab();
    lab.run(&Place::Workstation, WEB);
    lab.run(&Place::Workstation, "sleep 5");
    let all = frames(lab.events(), lab.scene(), "portlab");
    for frame in all.iter().filter(|frame| frame.title == "TaintToleration") {
        let sieve = sieve(lab.events(), Some(frame), &lab.at(frame.end)).expect("it has a table");
        assert_eq!(sieve.rows.last().map(|row| row.name.as_str()), Some("TaintToleration"));
        assert_eq!(sieve.end, None);
    }
}

#[test]
fn many_replicas_are_counted_and_not_drawn() {
    let mut lab = lab();
    lab.run(&Place::Workstation, &WEB.replace("replicas: 3", "replicas: 300"));
    lab.run(&Place::Workstation, "sleep 5");
    let stage = stage(&lab.state().store, "portlab", &[Rc::from("portlab-worker")]);
    assert!(stage.pending.len() <= PODS_MAX);
    assert_eq!(stage.pending.len() + stage.hidden_pending, 298);
    assert_eq!((stage.lanes.len(), stage.hidden_lanes), (1, 2));
    assert!(stage.lanes.len() <= LANES_MAX);
}
