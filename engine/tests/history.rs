//! The lab's history: going to an event gives the state that running up to it gave.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

use std::time::Duration;

use portlab_engine::lab::{Lab, LabOptions, Place};
use proptest::prelude::*;

const WEB: &str = include_str!("../../golden/kubectl/web.yaml");

/// What a learner might do, harmless or not.
const COMMANDS: [&str; 14] = [
    "kubectl apply -f web.yaml",
    "kubectl scale deployment/web --replicas=3",
    "kubectl scale deployment/web --replicas=1",
    "kubectl rollout restart deployment/web",
    "kubectl rollout status deployment/web --timeout=3s",
    "kubectl rollout undo deployment/web",
    "kubectl delete pods -l app=web --wait=false",
    "kubectl cordon portlab-worker",
    "kubectl drain portlab-worker2 --ignore-daemonsets",
    "kubectl uncordon portlab-worker portlab-worker2",
    "kubectl delete deployment web",
    "kubectl run one --image=nginx:1.29 --port=8080",
    "N=$(kubectl get pods -o name | wc -l); echo $N > count.txt",
    "sleep 7",
];

fn lab(seed: u64) -> Lab {
    let mut lab = Lab::new(LabOptions { seed, ..LabOptions::default() });
    lab.write_file("web.yaml", WEB);
    lab
}

fn play(lab: &mut Lab, steps: &[usize]) {
    for &step in steps {
        lab.run(&Place::Workstation, COMMANDS[step]);
    }
}

#[test]
fn the_same_inputs_give_the_same_events() {
    let steps: Vec<usize> = (0..COMMANDS.len()).collect();
    let mut first = lab(7);
    let mut second = lab(7);
    play(&mut first, &steps);
    play(&mut second, &steps);
    assert!(first.events() == second.events());
    let mut other = lab(8);
    play(&mut other, &steps);
    assert!(first.events() != other.events(), "the seed decides names");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// A fork goes on as the lab itself would have, and leaves no trace in it.
    #[test]
    fn a_fork_is_the_same_world(before in proptest::collection::vec(0..COMMANDS.len(), 1..5), after in proptest::collection::vec(0..COMMANDS.len(), 1..5), seed in 0..1000u64) {
        let mut lab = lab(seed);
        play(&mut lab, &before);
        let (events, state) = (lab.events().len(), lab.state().clone());
        let mut fork = lab.fork();
        play(&mut fork, &after);
        prop_assert!(lab.events().len() == events && *lab.state() == state, "the lab is untouched");
        play(&mut lab, &after);
        prop_assert!(fork.events() == lab.events());
        prop_assert!(fork.state() == lab.state());
        fork.rewind(events);
        prop_assert!(*fork.state() == lab.at(events));
        let looked = lab.peek(events, "kubectl get pods -A -o yaml");
        prop_assert_eq!(looked, fork.run(&Place::Workstation, "kubectl get pods -A -o yaml"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// At every event: the fold from the nearest kept state, the fold from the beginning and a replay all agree.
    #[test]
    fn every_event_can_be_gone_back_to(steps in proptest::collection::vec(0..COMMANDS.len(), 1..7), seed in 0..1000u64, part in 0.0..1.0f64) {
        let mut lab = lab(seed);
        let mut folded = lab.at(lab.scene());
        play(&mut lab, &steps);
        let events = lab.events().to_vec();
        for event in &events[lab.scene()..] {
            folded.apply(event);
            prop_assert!(lab.at(event.index + 1) == folded, "event {}", event.index);
        }
        let count = lab.scene() + ((events.len() - lab.scene()) as f64 * part) as usize;
        let expected = lab.at(count);
        lab.rewind(count);
        prop_assert_eq!(lab.events().len(), count);
        prop_assert!(lab.events() == &events[..count]);
        prop_assert!(*lab.state() == expected, "replayed to event {count}");
    }

    /// After going back, the world goes on, and what is done then can be gone back over and undone as well.
    #[test]
    fn going_back_is_no_dead_end(steps in proptest::collection::vec(0..COMMANDS.len(), 1..5), seed in 0..1000u64, part in 0.0..1.0f64) {
        let mut lab = lab(seed);
        play(&mut lab, &steps);
        let before = lab.events().to_vec();
        let state = lab.state().clone();
        let count = lab.scene() + ((before.len() - lab.scene()) as f64 * part) as usize;
        prop_assume!(count < before.len());
        lab.rewind(count);
        lab.advance(Duration::from_secs(40));
        play(&mut lab, &[0, 1]);
        let after = lab.events().to_vec();
        prop_assert!(after[..count] == before[..count]);
        for k in (count..=after.len()).step_by(7) {
            let expected = lab.at(k);
            lab.rewind(k);
            prop_assert!(*lab.state() == expected, "event {k} of the second history");
            if k < after.len() {
                prop_assert!(lab.undo());
            }
        }
        prop_assert!(lab.events() == &after[..]);
        prop_assert!(lab.undo());
        prop_assert!(lab.events() == &before[..]);
        prop_assert!(*lab.state() == state);
    }
}
