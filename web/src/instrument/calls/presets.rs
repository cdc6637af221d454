//! Beginnings: calls that lead up to a question, and the call that answers it, not yet made.

use super::bench::Side::{self, A, B};

/// A beginning.
#[derive(Debug)]
pub struct Preset {
    pub id: &'static str,
    pub title: &'static str,
    /// The question, for whoever wants to guess first.
    pub asks: &'static str,
    pub calls: &'static [(Side, &'static str)],
    /// The call that stands ready.
    pub next: (Side, &'static str),
}

/// All of them.
pub const PRESETS: [Preset; 5] = [
    Preset {
        id: "two-servers",
        title: "Two servers, one port",
        asks: "A listens on every address. May B have the same port on one of them?",
        calls: &[
            (A, "socket(tcp4) = a1"),
            (A, "bind(a1, 0.0.0.0:8080)"),
            (A, "listen(a1, 16)"),
            (B, "socket(tcp4) = b1"),
            (B, "setsockopt(b1, SO_REUSEADDR, 1)"),
        ],
        next: (B, "bind(b1, 127.0.0.1:8080)"),
    },
    Preset {
        id: "dual-stack",
        title: "Dual stack",
        asks: "A listens on [::], which is IPv6. Is the port still free for IPv4?",
        calls: &[(A, "socket(tcp6) = a1"), (A, "bind(a1, [::]:8080)"), (A, "listen(a1, 16)"), (B, "socket(tcp4) = b1")],
        next: (B, "bind(b1, 0.0.0.0:8080)"),
    },
    Preset {
        id: "time-wait",
        title: "TIME_WAIT",
        asks: "The server closed first and is gone. Its successor sets SO_REUSEADDR. Is that enough?",
        calls: &[
            (A, "socket(tcp4) = a1"),
            (A, "bind(a1, 0.0.0.0:8080)"),
            (A, "listen(a1, 16)"),
            (B, "socket(tcp4) = b1"),
            (B, "connect(b1, 127.0.0.1:8080)"),
            (A, "accept(a1) = a2"),
            (A, "close(a2)"),
            (A, "close(a1)"),
            (B, "recv(b1)"),
            (B, "close(b1)"),
            (A, "socket(tcp4) = a3"),
            (A, "setsockopt(a3, SO_REUSEADDR, 1)"),
        ],
        next: (A, "bind(a3, 0.0.0.0:8080)"),
    },
    Preset {
        id: "reuseport",
        title: "SO_REUSEPORT",
        asks: "Both set SO_REUSEPORT, and B runs as another user. May B share the port?",
        calls: &[
            (A, "socket(tcp4) = a1"),
            (A, "setsockopt(a1, SO_REUSEPORT, 1)"),
            (A, "bind(a1, 0.0.0.0:8080)"),
            (A, "listen(a1, 16)"),
            (B, "seteuid(1000)"),
            (B, "socket(tcp4) = b1"),
            (B, "setsockopt(b1, SO_REUSEPORT, 1)"),
        ],
        next: (B, "bind(b1, 0.0.0.0:8080)"),
    },
    Preset {
        id: "backlog",
        title: "A full backlog",
        asks: "The backlog is 1, and two connections wait for accept. What does the third client see?",
        calls: &[
            (A, "socket(tcp4) = a1"),
            (A, "bind(a1, 127.0.0.1:8080)"),
            (A, "listen(a1, 1)"),
            (B, "socket(tcp4) = b1"),
            (B, "connect(b1, 127.0.0.1:8080)"),
            (B, "socket(tcp4) = b2"),
            (B, "connect(b2, 127.0.0.1:8080)"),
            (B, "socket(tcp4) = b3"),
        ],
        next: (B, "connect(b3, 127.0.0.1:8080)"),
    },
];
