//! The habits after which cases are made: which calls how often, with which addresses, ports, options and settings.

mod addresses;
mod connections;
mod ports;

use std::net::{Ipv4Addr, Ipv6Addr};

use portlab_scenarios::syscalls::{Family, SocketOption};

use super::random::Random;

/// Every habit.
pub fn all() -> impl Iterator<Item = &'static Habit> {
    ports::HABITS.iter().chain(connections::HABITS)
}

/// What a case of this habit is made of.
pub struct Habit {
    pub name: &'static str,
    /// How many steps at least, and fewer than.
    pub steps: (usize, usize),
    pub ops: &'static [(usize, Op)],
    pub families: &'static [Family],
    pub v4: &'static [Ipv4Addr],
    pub v6: &'static [Ipv6Addr],
    pub ports: &'static [u16],
    pub options: &'static [Set],
    /// How often a new socket gets an option, and after it another.
    pub options_percent: usize,
    /// How often an address of the other family is tried.
    pub wrong_family_percent: usize,
    pub client_binds_percent: usize,
    pub backlogs: &'static [Option<i32>],
    /// Settings: how often at the start, name, values.
    pub sysctls: &'static [(usize, &'static str, &'static [&'static str])],
    /// In milliseconds; none near what the kernel's own timers measure.
    pub sleeps: &'static [u64],
    /// Bytes of long sends, of which there are none otherwise.
    pub long_sends: &'static [usize],
    /// Read at the end.
    pub counters: &'static [&'static str],
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Socket,
    /// socket, options, bind
    BoundSocket,
    /// socket, options, bind, listen
    Server,
    /// socket, options, connect to a server
    Client,
    /// a client, and accept
    Pair,
    Option,
    Bind,
    Listen,
    Connect,
    SelfConnect,
    Accept,
    ShutListener,
    CloseListener,
    Close,
    Shutdown,
    Send,
    Recv,
    Getsockname,
    Getpeername,
    Sysctl,
    Seteuid,
    Addr,
    Sleep,
    Counter,
}

/// An option whose value is drawn.
#[derive(Clone, Copy)]
pub enum Set {
    ReuseAddr,
    ReusePort,
    V6Only,
    NoPort,
    /// `{1, 0}`: a close resets.
    Linger,
    /// `{1, 1}` among them: a close waits.
    LingerWaits,
    LocalRange,
    Device,
}

impl Set {
    pub fn value(self, random: &mut Random, habit: &Habit) -> SocketOption {
        let on = random.percent(85);
        match self {
            Self::ReuseAddr => SocketOption::ReuseAddr(on),
            Self::ReusePort => SocketOption::ReusePort(on),
            Self::V6Only => SocketOption::V6Only(on),
            Self::NoPort => SocketOption::BindAddressNoPort(on),
            Self::Linger => SocketOption::Linger { on, seconds: 0 },
            Self::LingerWaits => SocketOption::Linger { on, seconds: random.pick(&[0, 1]) },
            Self::LocalRange => {
                let low = random.pick(&[40_000, 40_001, 40_002, 0, 50_000]);
                let wide = random.pick(&[0, 0, 1, 2, 3]);
                let high = if random.percent(10) { 0 } else { low + wide };
                SocketOption::LocalPortRange { low, high }
            }
            Self::Device => {
                let names: &[&str] =
                    if habit.steps.1 > 20 { &["lo", "lo", ""] } else { &["lo", "lo", "lo", "", "eth9"] };
                SocketOption::BindToDevice(random.pick(names).to_owned())
            }
        }
    }
}
