//! Calls that wait: what for, until when, and what they do then.
//!
//! A namespace by itself waits with [`Namespace::wait`]. Where it is linked to others the wait is theirs too, so that the
//! lab begins such a call, lets all of them go on, and finishes it.

use std::rc::Rc;

use super::bind::Refusal;
use super::socket::{SocketId, State};
use super::{Errno, Namespace};

/// What a call waits for.
#[derive(Clone, Debug)]
pub struct Wait {
    pub socket: SocketId,
    /// Virtual time in ms at which it waits no longer.
    pub until: u64,
    pub then: Then,
}

/// What it does then.
#[derive(Clone, Debug)]
pub enum Then {
    /// `connect`: says whether the connection stands; if it is still open, this error.
    Connected(Errno),
    /// `send` before the connection stands.
    Send(Rc<[u8]>),
    /// `close` of a socket that lingers.
    Closed,
}

impl Namespace {
    /// Whether there is still something to wait for; the time aside.
    #[must_use]
    pub fn waits(&self, wait: &Wait) -> bool {
        let state = self.socket_of(wait.socket).state;
        match wait.then {
            Then::Connected(_) | Then::Send(_) => matches!(state, State::SynSent | State::SynRecv),
            Then::Closed => matches!(state, State::FinWait1 | State::Closing | State::LastAck),
        }
    }

    /// Waits, with nobody else to do anything in the meantime.
    pub fn wait(&mut self, wait: &Wait) {
        self.advance_until(wait.until, |namespace| !namespace.waits(wait));
    }

    /// The rest of a call that waited; how many bytes were sent.
    ///
    /// # Errors
    /// Those of the call.
    pub fn finish(&mut self, wait: Wait) -> Result<usize, Refusal> {
        match &wait.then {
            Then::Connected(told) => self.finish_connect(&wait, *told).map(|()| 0),
            Then::Send(data) => self.finish_send(&wait, data),
            Then::Closed => {
                self.finish_tcp_close(wait.socket);
                Ok(0)
            }
        }
    }
}
