//! The engine as a world that answers calls: a fresh namespace for each case, in virtual time.

use std::collections::BTreeMap;

use portlab_engine::linux::address::Family as IpFamily;
use portlab_engine::linux::bind::Refusal;
use portlab_engine::linux::socket::{Protocol, SocketId};
use portlab_engine::linux::{Errno, Namespace};

use super::call::{Answer, BACKLOG, Call};
use super::run::Kernel;

/// A namespace of the engine and the sockets that a script has named in it.
pub struct Engine {
    pub namespace: Namespace,
    pub handles: BTreeMap<String, SocketId>,
}

impl Engine {
    /// A fresh namespace; the seed decides what the kernel leaves to chance.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { namespace: Namespace::new(seed), handles: BTreeMap::new() }
    }

    fn call(&mut self, call: &Call, new: &str) -> Result<Answer, Refusal> {
        let namespace = &mut self.namespace;
        let id = match call.handle() {
            Some(name) => *self.handles.get(name).ok_or(Errno::Einval)?,
            None => SocketId(0),
        };
        let answer = match call {
            Call::Socket(family) => {
                let protocol = if family.is_tcp() { Protocol::Tcp } else { Protocol::Udp };
                let ip = if family.is_v6() { IpFamily::V6 } else { IpFamily::V4 };
                self.handles.insert(new.to_owned(), namespace.socket(protocol, ip));
                Answer::Handle(new.to_owned())
            }
            Call::Setsockopt(_, option) => zero(namespace.setsockopt(id, option)?),
            Call::Bind(_, address) => zero(namespace.bind(id, *address)?),
            Call::Listen(_, backlog) => zero(namespace.listen(id, backlog.unwrap_or(BACKLOG))?),
            Call::Connect(_, address) => zero(namespace.connect(id, *address)?),
            Call::Accept(_) => {
                let child = namespace.accept(id)?;
                self.handles.insert(new.to_owned(), child);
                Answer::Handle(new.to_owned())
            }
            Call::Close(name) => {
                self.handles.remove(name);
                namespace.close(id);
                Answer::Zero
            }
            Call::Shutdown(_, how) => zero(namespace.shutdown(id, *how)?),
            Call::Send(_, data) => Answer::Count(u64::try_from(namespace.send(id, data)?).unwrap_or(u64::MAX)),
            Call::Recv(_) => Answer::Text(namespace.recv(id)?),
            Call::Getsockname(_) => Answer::address(namespace.getsockname(id)),
            Call::Getpeername(_) => Answer::address(namespace.getpeername(id)?),
            Call::Sysctl { name, value: None } => Answer::Value(namespace.sysctl(name)?.to_owned()),
            Call::Sysctl { name, value: Some(value) } => zero(namespace.set_sysctl(name, value)?),
            Call::Seteuid(uid) => zero(namespace.seteuid(*uid)?),
            Call::Addr { device, ip, prefix } => zero(namespace.add_address(device, &format!("{ip}/{prefix}"))?),
            Call::Sleep { millis } => {
                namespace.advance(*millis);
                Answer::Zero
            }
            Call::Counter(name) => match namespace.counters.named(name) {
                Some(value) => Answer::Value(value.to_string()),
                None => return Err(Errno::Enoent.into()),
            },
        };
        Ok(answer)
    }
}

impl Kernel for Engine {
    fn answer(&mut self, call: &Call, new: &str) -> Answer {
        self.call(call, new).unwrap_or_else(|refusal| Answer::Errno(refusal.errno))
    }
}

fn zero((): ()) -> Answer {
    Answer::Zero
}
