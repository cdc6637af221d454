//! The engine as a world that answers calls: a fresh host for each case, in virtual time.
//!
//! A script's handles are the names of a process's descriptors, so a host alone knows them. [`to_host`] and
//! [`from_host`] are the one translation between a script's calls and a host's; [`super::on_lab`] uses it too.

use std::rc::Rc;

use portlab_engine::host::{self, Host};
use portlab_engine::linux::Errno;
use portlab_engine::linux::address::Family as IpFamily;
use portlab_engine::linux::socket::Protocol;
use portlab_engine::network::{self, Hosts};
use portlab_engine::time::Time;

use super::call::{Answer, BACKLOG, Call};
use super::run::Kernel;

/// A host of the engine, alone in its network, and the process on it that makes the calls.
pub struct Engine {
    hosts: Hosts,
    now: Time,
    pid: u32,
}

/// The name of the one host.
const HOST: &str = "bench";

impl Engine {
    /// A fresh host; the seed decides what the kernel leaves to chance.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let name: Rc<str> = HOST.into();
        let host = Rc::new(Host::new(&name, Time(0), seed));
        let mut engine = Self { hosts: Hosts::from([(name, host)]), now: Time(0), pid: 0 };
        engine.pid = engine.make(&spawn()).number().unwrap_or(0);
        engine
    }

    fn make(&mut self, call: &host::Call) -> host::Answer {
        let (answer, _) = network::make(&mut self.hosts, self.now, HOST, (self.pid, call));
        self.now = self.hosts[HOST].now();
        answer
    }
}

impl Kernel for Engine {
    fn answer(&mut self, call: &Call, new: &str) -> Answer {
        let host = &self.hosts[HOST];
        let asked = match to_host(call, new, |name| host.processes.get(&self.pid)?.descriptor(name)) {
            Some(asked) => asked,
            None => return read(call, host),
        };
        from_host(self.make(&asked), call, new)
    }
}

/// How the process that runs a script comes to be.
pub(super) fn spawn() -> host::Call {
    host::Call::spawn("script")
}

/// A script's call as a process makes it; none for what is no call of a process: to read a setting or a counter. A handle that is not open is descriptor `u32::MAX`, which gives `EBADF`.
pub(super) fn to_host(call: &Call, new: &str, descriptor: impl Fn(&str) -> Option<u32>) -> Option<host::Call> {
    let fd = call.handle().and_then(descriptor).unwrap_or(u32::MAX);
    let name = Some(Rc::from(new));
    Some(match call {
        Call::Socket(family) => host::Call::Socket {
            protocol: if family.is_tcp() { Protocol::Tcp } else { Protocol::Udp },
            family: if family.is_v6() { IpFamily::V6 } else { IpFamily::V4 },
            name,
        },
        Call::Setsockopt(_, option) => host::Call::SetOption { fd, option: option.clone() },
        Call::Bind(_, to) => host::Call::Bind { fd, to: *to },
        Call::Listen(_, backlog) => host::Call::Listen { fd, backlog: backlog.unwrap_or(BACKLOG) },
        Call::Connect(_, to) => host::Call::Connect { fd, to: *to },
        Call::Accept(_) => host::Call::Accept { fd, name },
        Call::Close(_) => host::Call::Close { fd },
        Call::Shutdown(_, how) => host::Call::Shutdown { fd, how: *how },
        Call::Send(_, data) => host::Call::Send { fd, data: data.as_slice().into() },
        Call::Recv(_) => host::Call::Recv { fd },
        Call::Getsockname(_) => host::Call::Getsockname { fd },
        Call::Getpeername(_) => host::Call::Getpeername { fd },
        Call::Seteuid(uid) => host::Call::Seteuid { uid: *uid },
        Call::Sysctl { name, value: Some(value) } => {
            host::Call::Sysctl { name: name.as_str().into(), value: value.as_str().into() }
        }
        Call::Addr { device, ip, prefix } => {
            host::Call::AddAddress { device: device.as_str().into(), prefix: format!("{ip}/{prefix}").into() }
        }
        Call::Sleep { millis } => host::Call::Sleep { millis: *millis },
        Call::Sysctl { value: None, .. } | Call::Counter(_) => return None,
    })
}

/// A host's answer in a script's words.
pub(super) fn from_host(answer: host::Answer, call: &Call, new: &str) -> Answer {
    match (answer, call) {
        (host::Answer::Refused { refusal, .. }, _) => Answer::Errno(refusal.errno),
        (_, Call::Socket(_) | Call::Accept(_)) => Answer::Handle(new.to_owned()),
        (host::Answer::Address(address), _) => Answer::address(address),
        (host::Answer::Data(data), _) => Answer::Text(data.to_vec()),
        (host::Answer::Number(count), Call::Send(..)) => Answer::Count(u64::from(count)),
        (host::Answer::Number(_) | host::Answer::Accepted { .. } | host::Answer::Loaded(_), _) => Answer::Zero,
    }
}

/// What a setting or a counter of a host holds; `ENOENT` where it has none of that name.
pub(super) fn read(call: &Call, host: &Host) -> Answer {
    let namespace = host.namespace();
    let value = match call {
        Call::Sysctl { name, .. } => namespace.sysctl(name).ok().map(str::to_owned),
        Call::Counter(name) => namespace.counters.named(name).map(|value| value.to_string()),
        _ => None,
    };
    value.map_or(Answer::Errno(Errno::Enoent), Answer::Value)
}
