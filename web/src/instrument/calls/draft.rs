//! A call as it is being put together: what the fields say, and the line that they make.

use super::bench::Side;

/// A kind of call, as the menu names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Socket,
    Setsockopt,
    Bind,
    Listen,
    Connect,
    Accept,
    Send,
    Recv,
    Shutdown,
    Close,
    Getsockname,
    Getpeername,
    Sysctl,
    Counter,
    Addr,
    Sleep,
}

impl Kind {
    pub const ALL: [Kind; 16] = [
        Kind::Socket,
        Kind::Setsockopt,
        Kind::Bind,
        Kind::Listen,
        Kind::Connect,
        Kind::Accept,
        Kind::Send,
        Kind::Recv,
        Kind::Shutdown,
        Kind::Close,
        Kind::Getsockname,
        Kind::Getpeername,
        Kind::Sysctl,
        Kind::Counter,
        Kind::Addr,
        Kind::Sleep,
    ];

    /// The call's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Socket => "socket",
            Kind::Setsockopt => "setsockopt",
            Kind::Bind => "bind",
            Kind::Listen => "listen",
            Kind::Connect => "connect",
            Kind::Accept => "accept",
            Kind::Send => "send",
            Kind::Recv => "recv",
            Kind::Shutdown => "shutdown",
            Kind::Close => "close",
            Kind::Getsockname => "getsockname",
            Kind::Getpeername => "getpeername",
            Kind::Sysctl => "sysctl",
            Kind::Counter => "counter",
            Kind::Addr => "addr",
            Kind::Sleep => "sleep",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it works on a socket that is open.
    #[must_use]
    pub fn on_socket(self) -> bool {
        !matches!(self, Kind::Socket | Kind::Sysctl | Kind::Counter | Kind::Addr | Kind::Sleep)
    }

    /// The fields behind the socket: what each is called, and what may be chosen; nothing to choose from is free text.
    #[must_use]
    pub fn fields(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Kind::Socket => &[("family", &["tcp4", "tcp6", "udp4", "udp6"])],
            Kind::Setsockopt => &[("option", &OPTIONS), ("value", &[])],
            Kind::Bind | Kind::Connect => &[("address", &[]), ("port", &[])],
            Kind::Listen => &[("backlog", &[])],
            Kind::Send => &[("text", &[])],
            Kind::Shutdown => &[("how", &["SHUT_WR", "SHUT_RD", "SHUT_RDWR"])],
            Kind::Sysctl => &[("setting", &SETTINGS), ("new value", &[])],
            Kind::Counter => &[("counter", &COUNTERS)],
            Kind::Addr => &[("device", &["lo"]), ("address/prefix", &[])],
            Kind::Sleep => &[("seconds", &[])],
            _ => &[],
        }
    }
}

const OPTIONS: [&str; 7] = [
    "SO_REUSEADDR",
    "SO_REUSEPORT",
    "IPV6_V6ONLY",
    "IP_BIND_ADDRESS_NO_PORT",
    "IP_LOCAL_PORT_RANGE",
    "SO_LINGER",
    "SO_BINDTODEVICE",
];
const SETTINGS: [&str; 11] = [
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_nonlocal_bind",
    "net.ipv4.ip_autobind_reuse",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_abort_on_overflow",
    "net.core.somaxconn",
    "net.ipv6.bindv6only",
];
const COUNTERS: [&str; 8] = [
    "TcpActiveOpens",
    "TcpPassiveOpens",
    "TcpAttemptFails",
    "TcpOutRsts",
    "TcpExtTW",
    "TcpExtListenOverflows",
    "TcpExtListenDrops",
    "TcpExtTCPTimeWaitOverflow",
];
/// Addresses that are offered beside whatever is typed.
pub const ADDRESSES: [&str; 5] = ["0.0.0.0", "127.0.0.1", "127.0.0.2", "::", "::1"];

/// A call that is being put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: Kind,
    pub socket: String,
    /// In the order of [`Kind::fields`].
    pub values: Vec<String>,
    /// What will be called: what the fields make, or what was typed.
    pub line: String,
}

impl Draft {
    /// A call of this kind on this socket, with likely values.
    #[must_use]
    pub fn new(kind: Kind, socket: &str, new_name: &str) -> Draft {
        let values = kind.fields().iter().map(|(name, offers)| likely(kind, name, offers)).collect();
        let mut draft = Draft { kind, socket: socket.to_owned(), values, line: String::new() };
        draft.line = draft.compose(new_name);
        draft
    }

    /// A line that was given: the fields follow where it names a kind.
    #[must_use]
    pub fn of_line(line: &str) -> Draft {
        let kind = line.split('(').next().and_then(|name| Kind::of_name(name.trim())).unwrap_or(Kind::Socket);
        let inner = line.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(inner, _)| inner);
        let mut words = inner.split(',').map(str::trim);
        let socket = if kind.on_socket() { words.next().unwrap_or_default().to_owned() } else { String::new() };
        let mut rest: Vec<String> = words.map(str::to_owned).collect();
        if matches!(kind, Kind::Bind | Kind::Connect)
            && let Some((address, port)) = rest.first().and_then(|to| to.rsplit_once(':'))
        {
            rest = vec![address.trim_matches(['[', ']']).to_owned(), port.to_owned()];
        }
        let given = rest.into_iter().map(Some).chain(std::iter::repeat(None));
        let fields = kind.fields().iter().zip(given);
        let values =
            fields.map(|((name, offers), given)| given.unwrap_or_else(|| likely(kind, name, offers))).collect();
        Draft { kind, socket, values, line: line.to_owned() }
    }

    /// The line that the fields make; a socket that comes is called `new_name`.
    #[must_use]
    pub fn compose(&self, new_name: &str) -> String {
        let value = |at: usize| self.values.get(at).map_or("", |value| value.trim());
        let (name, socket) = (self.kind.name(), &self.socket);
        match self.kind {
            Kind::Socket => format!("socket({}) = {new_name}", value(0)),
            Kind::Accept => format!("accept({socket}) = {new_name}"),
            Kind::Setsockopt => format!("setsockopt({socket}, {}, {})", value(0), option_value(value(0), value(1))),
            Kind::Bind | Kind::Connect => {
                let address = value(0);
                let shown = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
                format!("{name}({socket}, {shown}:{})", value(1))
            }
            Kind::Listen | Kind::Shutdown => format!("{name}({socket}, {})", value(0)),
            Kind::Send => format!("send({socket}, \"{}\")", value(0).replace('\\', "\\\\").replace('"', "\\\"")),
            Kind::Sysctl if value(1).is_empty() => format!("sysctl({})", value(0)),
            Kind::Sysctl => format!("sysctl({}, \"{}\")", value(0), value(1).replace('"', "")),
            Kind::Counter | Kind::Sleep => format!("{name}({})", value(0)),
            Kind::Addr => format!("addr({}, {})", value(0), value(1)),
            Kind::Recv | Kind::Close | Kind::Getsockname | Kind::Getpeername => format!("{name}({socket})"),
        }
    }
}

/// How an option's value is written: some are no single number.
fn option_value(option: &str, value: &str) -> String {
    match option {
        "SO_LINGER" if !value.starts_with('{') => format!("{{1, {value}}}"),
        "SO_BINDTODEVICE" if !value.starts_with('"') => format!("\"{value}\""),
        _ => value.to_owned(),
    }
}

/// What an option is likely to be set to.
#[must_use]
pub fn likely_option(option: &str) -> &'static str {
    match option {
        "SO_LINGER" => "0",
        "SO_BINDTODEVICE" => "lo",
        "IP_LOCAL_PORT_RANGE" => "40000 40009",
        _ => "1",
    }
}

fn likely(kind: Kind, name: &str, offers: &[&str]) -> String {
    match (kind, name) {
        (Kind::Bind, "address") => "0.0.0.0",
        (Kind::Connect, "address") => "127.0.0.1",
        (_, "port") => "8080",
        (Kind::Setsockopt, "value") => "1",
        (_, "backlog") => "16",
        (_, "text") => "hello",
        (_, "address/prefix") => "10.9.0.1/32",
        (_, "seconds") => "60",
        (_, "new value") => "",
        _ => offers.first().copied().unwrap_or(""),
    }
    .to_owned()
}

/// What is likely to come next: a server's calls for A, a client's for B.
#[must_use]
pub fn next_kind(side: Side, last: Option<Kind>) -> Kind {
    match (last, side) {
        (None | Some(Kind::Close), _) => Kind::Socket,
        (Some(Kind::Socket | Kind::Setsockopt), Side::A) => Kind::Bind,
        (Some(Kind::Socket | Kind::Setsockopt), Side::B) => Kind::Connect,
        (Some(Kind::Bind), _) => Kind::Listen,
        (Some(Kind::Listen), _) => Kind::Accept,
        (Some(Kind::Connect), _) => Kind::Send,
        (Some(Kind::Accept), _) => Kind::Recv,
        (Some(other), _) => other,
    }
}
