//! The habits after which cases are made: which calls how often, with which addresses, ports, options and settings.

use std::net::{Ipv4Addr, Ipv6Addr};

use portlab_scenarios::syscalls::{Family, SocketOption};

use super::random::Random;

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
    /// Read at the end.
    pub counters: &'static [&'static str],
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Socket,
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

use Family::{Tcp4, Tcp6, Udp4, Udp6};

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const LO: Ipv4Addr = Ipv4Addr::LOCALHOST;
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const FAR2: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
const NET: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 1);
const MANY: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const LAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);
const ANY6: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
const LO6: Ipv6Addr = Ipv6Addr::LOCALHOST;
const FAR6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
const LO_MAPPED: Ipv6Addr = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
const TWO_MAPPED: Ipv6Addr = TWO.to_ipv6_mapped();
const ANY_MAPPED: Ipv6Addr = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
const FAR_MAPPED: Ipv6Addr = FAR.to_ipv6_mapped();

const BACKLOGS: &[Option<i32>] = &[None, None, Some(16), Some(1)];

/// What the others are variations of.
const PLAIN: Habit = Habit {
    name: "",
    steps: (4, 14),
    ops: &[],
    families: &[Tcp4, Tcp4, Tcp6],
    v4: &[ANY, LO, LO, TWO],
    v6: &[ANY6, LO6, LO_MAPPED, ANY_MAPPED],
    ports: &[8080],
    options: &[Set::ReuseAddr, Set::ReusePort],
    options_percent: 40,
    wrong_family_percent: 0,
    client_binds_percent: 0,
    backlogs: BACKLOGS,
    sysctls: &[],
    sleeps: &[1],
    counters: &[],
};

pub const HABITS: &[Habit] = &[
    Habit {
        name: "binds",
        steps: (5, 16),
        ops: &[
            (5, Op::Socket),
            (9, Op::Bind),
            (4, Op::Listen),
            (3, Op::Option),
            (2, Op::Close),
            (4, Op::Server),
            (1, Op::Getsockname),
        ],
        families: &[Tcp4, Tcp4, Tcp6, Tcp6, Udp4, Udp6],
        v4: &[ANY, ANY, LO, LO, TWO, FAR, MANY],
        ports: &[8080, 8080, 8080, 8081],
        options: &[Set::ReuseAddr, Set::ReuseAddr, Set::ReusePort, Set::ReusePort, Set::V6Only],
        wrong_family_percent: 2,
        ..PLAIN
    },
    Habit {
        name: "families",
        steps: (5, 16),
        ops: &[
            (4, Op::Socket),
            (6, Op::Server),
            (6, Op::Pair),
            (3, Op::Client),
            (3, Op::Bind),
            (3, Op::Connect),
            (3, Op::Accept),
            (2, Op::Option),
            (3, Op::Getsockname),
            (3, Op::Getpeername),
            (2, Op::Close),
            (1, Op::Send),
            (1, Op::Recv),
        ],
        families: &[Tcp4, Tcp6, Tcp6],
        v6: &[ANY6, ANY6, LO6, LO_MAPPED, ANY_MAPPED, TWO_MAPPED],
        ports: &[8080, 8080, 8081, 0],
        options: &[Set::ReuseAddr, Set::ReusePort, Set::V6Only, Set::V6Only, Set::Device],
        wrong_family_percent: 5,
        client_binds_percent: 15,
        sysctls: &[(5, "net.ipv6.bindv6only", &["1", "0"])],
        ..PLAIN
    },
    Habit {
        name: "users",
        steps: (5, 16),
        ops: &[
            (5, Op::Socket),
            (7, Op::Bind),
            (4, Op::Seteuid),
            (3, Op::Listen),
            (5, Op::Server),
            (3, Op::Option),
            (2, Op::Close),
            (2, Op::Pair),
            (1, Op::Sysctl),
            (1, Op::Addr),
        ],
        families: &[Tcp4, Tcp4, Tcp6, Udp4, Udp6],
        ports: &[8080, 8080, 80, 443, 1023, 1024],
        options: &[Set::ReusePort, Set::ReusePort, Set::ReusePort, Set::ReuseAddr, Set::Device],
        options_percent: 55,
        sysctls: &[(15, "net.ipv4.ip_unprivileged_port_start", &["0", "80", "443", "1024", "2000", "65536"])],
        ..PLAIN
    },
    Habit {
        name: "ranges",
        steps: (6, 18),
        ops: &[
            (4, Op::Socket),
            (4, Op::Server),
            (8, Op::Client),
            (7, Op::Bind),
            (4, Op::Connect),
            (2, Op::Option),
            (3, Op::Getsockname),
            (3, Op::Close),
            (2, Op::Listen),
            (2, Op::Accept),
            (1, Op::Sysctl),
        ],
        families: &[Tcp4, Tcp4, Tcp4, Tcp6, Udp4],
        v6: &[ANY6, LO6, LO_MAPPED],
        ports: &[8080, 8080, 0, 0, 0, 0, 40_000, 40_001],
        options: &[Set::ReuseAddr, Set::ReusePort, Set::NoPort, Set::NoPort, Set::LocalRange, Set::LocalRange],
        options_percent: 35,
        client_binds_percent: 40,
        sysctls: &[
            (
                100,
                "net.ipv4.ip_local_port_range",
                &["40000 40000", "40000 40001", "40000 40001", "40001 40002", "40000 40002", "40000 40003"],
            ),
            (15, "net.ipv4.ip_local_reserved_ports", &["40000", "40001", "40000-40001", "40002", "8080"]),
            (15, "net.ipv4.ip_autobind_reuse", &["1", "0"]),
        ],
        ..PLAIN
    },
    Habit {
        name: "data",
        steps: (8, 22),
        ops: &[
            (2, Op::Server),
            (6, Op::Pair),
            (8, Op::Send),
            (9, Op::Recv),
            (5, Op::Shutdown),
            (4, Op::Close),
            (1, Op::Option),
            (2, Op::Getpeername),
            (1, Op::Getsockname),
            (1, Op::Connect),
            (1, Op::Accept),
            (1, Op::Counter),
        ],
        options: &[Set::ReuseAddr, Set::Linger, Set::Linger],
        options_percent: 20,
        ..PLAIN
    },
    Habit {
        name: "restart",
        steps: (7, 20),
        ops: &[
            (4, Op::Server),
            (6, Op::Pair),
            (6, Op::Close),
            (4, Op::Shutdown),
            (2, Op::Socket),
            (4, Op::Bind),
            (2, Op::Listen),
            (2, Op::Option),
            (1, Op::Send),
            (1, Op::Recv),
            (2, Op::Connect),
            (1, Op::Getsockname),
        ],
        options: &[Set::ReuseAddr, Set::ReuseAddr, Set::ReusePort, Set::Linger],
        options_percent: 45,
        client_binds_percent: 15,
        ports: &[8080, 8080, 8080, 8081],
        ..PLAIN
    },
    Habit {
        name: "udp",
        steps: (6, 20),
        ops: &[
            (6, Op::Socket),
            (7, Op::Bind),
            (7, Op::Connect),
            (8, Op::Send),
            (8, Op::Recv),
            (2, Op::Close),
            (3, Op::Getsockname),
            (2, Op::Getpeername),
            (2, Op::Option),
            (1, Op::Shutdown),
            (1, Op::Listen),
            (1, Op::Accept),
            (1, Op::Counter),
        ],
        families: &[Udp4, Udp4, Udp6, Udp6],
        v4: &[ANY, LO, LO, TWO, FAR],
        ports: &[8080, 8080, 8081, 0],
        options: &[Set::ReuseAddr, Set::ReusePort, Set::V6Only, Set::Device],
        options_percent: 25,
        wrong_family_percent: 3,
        sysctls: &[(10, "net.ipv4.ip_local_port_range", &["40000 40000", "40000 40001"])],
        ..PLAIN
    },
    Habit {
        name: "backlog",
        steps: (6, 13),
        ops: &[
            (2, Op::Server),
            (12, Op::Client),
            (4, Op::Accept),
            (2, Op::Close),
            (2, Op::Listen),
            (1, Op::Connect),
            (1, Op::Shutdown),
            (1, Op::Send),
            (1, Op::Recv),
            (2, Op::Counter),
            (1, Op::Getpeername),
        ],
        options: &[Set::ReuseAddr],
        options_percent: 10,
        backlogs: &[Some(0), Some(0), Some(1), Some(2), Some(-1)],
        sysctls: &[(15, "net.core.somaxconn", &["0", "1"]), (10, "net.ipv4.tcp_abort_on_overflow", &["1"])],
        counters: &["TcpExtListenOverflows"],
        ..PLAIN
    },
    Habit {
        name: "selves",
        steps: (4, 14),
        ops: &[
            (6, Op::Socket),
            (6, Op::Bind),
            (7, Op::SelfConnect),
            (4, Op::Connect),
            (3, Op::Send),
            (3, Op::Recv),
            (3, Op::Close),
            (2, Op::Shutdown),
            (2, Op::Getpeername),
            (2, Op::Getsockname),
            (1, Op::Listen),
        ],
        ports: &[8080, 8081, 40_000],
        options: &[Set::ReuseAddr, Set::ReusePort],
        options_percent: 25,
        sysctls: &[(40, "net.ipv4.ip_local_port_range", &["40000 40000", "40000 40001"])],
        ..PLAIN
    },
    Habit {
        name: "time",
        steps: (6, 16),
        ops: &[
            (3, Op::Server),
            (9, Op::Pair),
            (8, Op::Close),
            (2, Op::Client),
            (3, Op::Sleep),
            (2, Op::Bind),
            (1, Op::Socket),
            (2, Op::Shutdown),
            (2, Op::Counter),
            (1, Op::Sysctl),
        ],
        families: &[Tcp4],
        options: &[Set::ReuseAddr, Set::Linger],
        options_percent: 15,
        client_binds_percent: 25,
        ports: &[8080, 8080, 40_000],
        sysctls: &[
            (70, "net.ipv4.ip_local_port_range", &["40000 40000", "40000 40001", "40000 40003"]),
            (50, "net.ipv4.tcp_tw_reuse", &["0", "1", "2"]),
            (20, "net.ipv4.tcp_timestamps", &["0", "1"]),
            (15, "net.ipv4.tcp_tw_reuse_delay", &["100", "3000"]),
            (15, "net.ipv4.tcp_max_tw_buckets", &["0", "1", "2"]),
        ],
        sleeps: &[120, 120, 500, 1500, 2500],
        counters: &["TcpExtTWRecycled", "TcpExtTCPTimeWaitOverflow"],
        ..PLAIN
    },
    Habit {
        name: "counters",
        steps: (5, 16),
        ops: &[
            (3, Op::Server),
            (6, Op::Pair),
            (3, Op::Client),
            (3, Op::Socket),
            (2, Op::Bind),
            (3, Op::Connect),
            (4, Op::Send),
            (4, Op::Recv),
            (3, Op::Close),
            (1, Op::Shutdown),
            (7, Op::Counter),
        ],
        families: &[Tcp4, Tcp4, Tcp6, Udp4, Udp6],
        ports: &[8080, 8080, 8081],
        options: &[Set::ReuseAddr, Set::Linger],
        options_percent: 20,
        counters: &["TcpActiveOpens", "TcpPassiveOpens", "TcpAttemptFails", "TcpEstabResets"],
        ..PLAIN
    },
    Habit {
        name: "addresses",
        steps: (6, 18),
        ops: &[
            (5, Op::Addr),
            (4, Op::Server),
            (5, Op::Pair),
            (4, Op::Socket),
            (5, Op::Bind),
            (5, Op::Connect),
            (2, Op::Client),
            (3, Op::Getsockname),
            (2, Op::Getpeername),
            (1, Op::Option),
            (2, Op::Close),
            (1, Op::Send),
            (1, Op::Recv),
        ],
        families: &[Tcp4, Tcp4, Tcp6, Udp4, Udp6],
        v4: &[ANY, LO, FAR, FAR, FAR2, NET, LAST],
        v6: &[ANY6, LO6, FAR6, FAR_MAPPED],
        ports: &[8080, 8080, 8081, 0],
        options: &[Set::ReuseAddr, Set::ReusePort, Set::Device],
        options_percent: 15,
        client_binds_percent: 25,
        sysctls: &[(10, "net.ipv4.ip_nonlocal_bind", &["1"])],
        ..PLAIN
    },
    Habit {
        name: "listeners",
        steps: (6, 20),
        ops: &[
            (4, Op::Server),
            (6, Op::Client),
            (5, Op::Accept),
            (3, Op::ShutListener),
            (3, Op::CloseListener),
            (3, Op::Listen),
            (2, Op::Bind),
            (3, Op::Close),
            (3, Op::Recv),
            (2, Op::Send),
            (1, Op::Connect),
            (2, Op::Getsockname),
            (2, Op::Getpeername),
            (1, Op::Option),
        ],
        options: &[Set::ReuseAddr, Set::ReuseAddr, Set::ReusePort, Set::Linger],
        options_percent: 30,
        ports: &[8080, 8080, 8081, 0],
        sysctls: &[(10, "net.ipv4.tcp_abort_on_overflow", &["1"])],
        ..PLAIN
    },
    Habit {
        name: "retries",
        steps: (6, 12),
        ops: &[
            (2, Op::Server),
            (8, Op::Client),
            (4, Op::Accept),
            (2, Op::Sleep),
            (2, Op::Connect),
            (1, Op::CloseListener),
            (2, Op::Close),
            (1, Op::Recv),
            (1, Op::Send),
            (2, Op::Getpeername),
        ],
        options: &[Set::ReuseAddr],
        options_percent: 5,
        backlogs: &[Some(0), Some(0), Some(1)],
        sleeps: &[500, 1500, 2500],
        sysctls: &[
            (10, "net.ipv4.tcp_syn_retries", &["1", "2"]),
            (10, "net.ipv4.tcp_syn_linear_timeouts", &["0", "1"]),
        ],
        ..PLAIN
    },
    Habit {
        name: "orphans",
        steps: (6, 18),
        ops: &[
            (3, Op::Server),
            (7, Op::Pair),
            (8, Op::Close),
            (4, Op::Shutdown),
            (4, Op::Sleep),
            (3, Op::Recv),
            (3, Op::Send),
            (4, Op::Bind),
            (3, Op::Socket),
            (2, Op::Connect),
            (2, Op::Listen),
            (1, Op::Option),
        ],
        options: &[Set::ReuseAddr, Set::ReusePort, Set::LingerWaits],
        options_percent: 40,
        client_binds_percent: 30,
        ports: &[8080, 8080, 8081],
        sleeps: &[15, 120, 120, 300],
        sysctls: &[
            (15, "net.ipv4.tcp_fin_timeout", &["1", "2"]),
            (10, "net.ipv4.ip_local_port_range", &["40000 40001"]),
        ],
        ..PLAIN
    },
    Habit {
        name: "minutes",
        steps: (6, 16),
        ops: &[
            (3, Op::Server),
            (7, Op::Pair),
            (7, Op::Close),
            (3, Op::Sleep),
            (3, Op::Bind),
            (3, Op::Client),
            (2, Op::Shutdown),
            (2, Op::Recv),
            (2, Op::Send),
            (1, Op::Getsockname),
        ],
        options: &[Set::ReuseAddr, Set::ReusePort],
        options_percent: 30,
        client_binds_percent: 20,
        sleeps: &[1500, 30_500, 66_500],
        sysctls: &[
            (50, "net.ipv4.ip_local_port_range", &["40000 40000", "40000 40001"]),
            (20, "net.ipv4.tcp_fin_timeout", &["10", "60"]),
            (20, "net.ipv4.tcp_tw_reuse", &["0", "1"]),
        ],
        ..PLAIN
    },
    Habit {
        name: "anything",
        steps: (8, 30),
        ops: &[
            (6, Op::Socket),
            (6, Op::Server),
            (5, Op::Client),
            (6, Op::Pair),
            (5, Op::Option),
            (6, Op::Bind),
            (3, Op::Listen),
            (5, Op::Connect),
            (2, Op::SelfConnect),
            (4, Op::Accept),
            (6, Op::Close),
            (4, Op::Shutdown),
            (6, Op::Send),
            (6, Op::Recv),
            (4, Op::Getsockname),
            (3, Op::Getpeername),
            (2, Op::Sysctl),
            (2, Op::Seteuid),
            (2, Op::Addr),
            (1, Op::ShutListener),
            (2, Op::Counter),
        ],
        families: &[Tcp4, Tcp4, Tcp6, Tcp6, Udp4, Udp6],
        v4: &[ANY, ANY, LO, LO, TWO, FAR, LAST, MANY],
        v6: &[ANY6, ANY6, LO6, LO6, LO_MAPPED, ANY_MAPPED, FAR6, FAR_MAPPED],
        ports: &[8080, 8080, 8080, 8081, 0, 80, 40_000, 40_001],
        options: &[
            Set::ReuseAddr,
            Set::ReuseAddr,
            Set::ReusePort,
            Set::ReusePort,
            Set::V6Only,
            Set::NoPort,
            Set::Linger,
            Set::LocalRange,
            Set::Device,
        ],
        options_percent: 35,
        wrong_family_percent: 3,
        client_binds_percent: 20,
        sysctls: &[
            (10, "net.ipv4.ip_local_port_range", &["40000 40000", "40000 40001", "40000 40003", "32768 60999"]),
            (5, "net.ipv4.ip_local_reserved_ports", &["40000", "40001", "", "8080"]),
            (5, "net.ipv4.ip_autobind_reuse", &["1", "0"]),
            (5, "net.ipv4.ip_unprivileged_port_start", &["0", "1024", "9000"]),
            (5, "net.ipv4.ip_nonlocal_bind", &["1", "0"]),
            (5, "net.ipv6.bindv6only", &["1", "0"]),
            (5, "net.ipv4.tcp_timestamps", &["0", "1"]),
            (5, "net.ipv4.tcp_tw_reuse", &["0", "1", "2", "3"]),
            (3, "net.ipv4.tcp_max_tw_buckets", &["0", "1"]),
            (3, "net.core.somaxconn", &["0", "1", "4096"]),
        ],
        ..PLAIN
    },
];
