//! What runs in a pod: its containers, what became of them, and how long a failing one waits before it is started again.
//!
//! Source: Kubernetes 1.34 `pkg/kubelet/kuberuntime` (`doBackOff`) and `client-go/util/flowcontrol/backoff.go`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::images;
use super::probes::Counters;
use super::program::{self, Program, Run};
use crate::object::{field, items, str_at};
use crate::store::Key;
use crate::time::Time;

/// The first and the longest delay between an exit and the next start; the very first start again has none.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// A pod on its node.
#[derive(Clone, Debug)]
pub struct PodRuntime {
    pub pod: Key,
    pub node: String,
    pub host_network: bool,
    /// Its network namespace is there.
    pub sandbox: bool,
    pub ip: String,
    pub containers: BTreeMap<String, Container>,
    /// It was told to stop.
    pub stopping: bool,
    /// When nothing of it is left on the node, once its last container has stopped.
    pub cleaned_up: Option<Time>,
}

#[derive(Clone, Debug, Default)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    pub restarts: i64,
    pub state: State,
    /// How the one before this one ended.
    pub last: Option<Ended>,
    /// Why it waits, once it has been tried: CrashLoopBackOff and its message.
    pub waiting: Option<(String, String)>,
    /// The delay that holds, and the moment from which it was taken.
    back_off: Option<(Duration, Time)>,
    /// The readiness probe's verdict; true without one.
    pub ready: bool,
    /// The startup probe has succeeded; true without one.
    pub started: bool,
    pub counters: Counters,
    /// It was killed by the kubelet and will say so with this exit code.
    pub killed: Option<i32>,
}

#[derive(Clone, Debug, Default)]
pub enum State {
    #[default]
    Created,
    Pulling,
    Running {
        started: Time,
        run: Run,
    },
    Exited(Ended),
}

/// A container that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub id: String,
    pub code: i32,
    pub started: Time,
    pub finished: Time,
    pub run: Run,
}

impl Container {
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// How the previous instance ended: the last one, when this one waits to be started again.
    pub fn ended_before(&self) -> Option<&Ended> {
        match &self.state {
            State::Exited(ended) if self.waiting.is_some() => Some(ended),
            _ => self.last.as_ref(),
        }
    }

    /// Whether it must still wait before it is started again, and for how long in all; if not, the next delay is longer.
    pub fn hold_back(&mut self, now: Time) -> Option<Duration> {
        let State::Exited(ended) = &self.state else { return None };
        let finished = ended.finished;
        let (first, most) = BACK_OFF;
        let expired = |taken: Time, at: Time| at.since(taken) > most * 2;
        match self.back_off {
            Some((delay, taken)) if !expired(taken, finished) && now.since(finished) < delay => return Some(delay),
            Some((delay, taken)) if !expired(taken, finished) => self.back_off = Some(((delay * 2).min(most), now)),
            _ => self.back_off = Some((first, now)),
        }
        None
    }
}

/// The container of this name in the pod's spec, ordinary or init.
pub fn spec<'a>(pod: &'a Value, name: &str) -> &'a Value {
    let all = items(pod, "spec.containers").iter().chain(items(pod, "spec.initContainers"));
    all.into_iter().find(|container| str_at(container, "name") == name).unwrap_or(&Value::Null)
}

/// What the program of a container does.
pub fn program_of(container: &Value) -> Program {
    let words = |name: &str| -> Vec<String> {
        items(container, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let env: Vec<(String, String)> = items(container, "env")
        .iter()
        .map(|entry| (str_at(entry, "name").to_owned(), str_at(entry, "value").to_owned()))
        .collect();
    images::program(str_at(container, "image"), &words("command"), &words("args"), &env)
}

/// Runs a container's program where these sockets are open.
pub fn start(container: &Value, open: &[program::Socket]) -> Run {
    program::run(&program_of(container), open)
}

/// Whether an exited container is to be started again.
pub fn restarts(pod: &Value, container: &Value, code: i32) -> bool {
    let own = field(container, "restartPolicy").as_str();
    match own.unwrap_or(str_at(pod, "spec.restartPolicy")) {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exits at once whenever it is started, and is looked at every second: the seconds at which it starts.
    fn starts(until_secs: i64) -> Vec<i64> {
        let mut container = Container::default();
        let mut starts = Vec::new();
        for secs in 0..until_secs {
            let now = Time(secs * 1000);
            if container.hold_back(now).is_none() {
                starts.push(secs);
                let ended = Ended { id: String::new(), code: 1, started: now, finished: now, run: Run::default() };
                container.state = State::Exited(ended);
            }
        }
        starts
    }

    #[test]
    fn the_delays_of_a_crash_loop() {
        assert_eq!(starts(1400), [0, 1, 11, 31, 71, 151, 311, 611, 911, 1211]);
    }

    #[test]
    fn a_long_run_starts_the_delays_anew() {
        let mut container = Container::default();
        let ended = |secs: i64| {
            let at = Time(secs * 1000);
            State::Exited(Ended { id: String::new(), code: 1, started: at, finished: at, run: Run::default() })
        };
        container.state = ended(0);
        assert_eq!(container.hold_back(Time(1000)), None);
        container.state = ended(2);
        assert_eq!(container.hold_back(Time(3000)), Some(Duration::from_secs(10)));
        assert_eq!(container.hold_back(Time(12_000)), None);
        container.state = ended(1000);
        assert_eq!(container.hold_back(Time(1_000_500)), None, "more than ten minutes of running: no delay");
        container.state = ended(1001);
        assert_eq!(container.hold_back(Time(1_002_000)), Some(Duration::from_secs(10)));
    }
}
