use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portlab_engine::linux::Errno;
use proptest::prelude::*;

use super::script::{Item, Line, Script};
use super::*;

#[test]
fn a_script_reads_as_it_prints() {
    let text = "\
# The example of every call.
socket(tcp4) = api
setsockopt(api, SO_REUSEADDR, 1) = 0
setsockopt(api, SO_LINGER, {1, 0}) = 0
setsockopt(api, IP_LOCAL_PORT_RANGE, 40000 40002) = 0
setsockopt(api, SO_BINDTODEVICE, \"lo\") = 0
bind(api, 0.0.0.0:8080) = 0
listen(api, 16) = 0

--- # dual stack
socket(tcp6) = other
listen(other) = -1 EADDRINUSE
connect(other, [::ffff:127.0.0.1]:8080) = ?  # whatever
accept(other) = conn
getpeername(conn) = 127.0.0.1:?
getsockname(conn) = [::1]:?
send(conn, \"a\\n\\x00\\\"\") = 4
recv(conn) = \"\"
shutdown(conn, SHUT_RDWR) = 0
close(conn) = 0
sysctl(net.ipv4.ip_local_port_range, \"40000 40001\") = 0
sysctl(net.ipv4.ip_local_port_range) = 40000 40001
sysctl(net.ipv4.ip_local_reserved_ports, \"\") = 0
sysctl(net.ipv4.ip_local_reserved_ports) = \"\"
sysctl(net.ipv4.tcp_tw_reuse, 2) = 0
counter(TcpActiveOpens) = 1
seteuid(1000) = 0
addr(lo, 10.9.0.1/32) = 0
sleep(66) = 0
sleep(0.25) = 0
";
    let script = parse(text).unwrap();
    assert_eq!(script.to_string(), text);
    assert_eq!(script.cases().len(), 2);
    assert_eq!(script.cases()[1].sleep_millis(), 66_250);
}

#[test]
fn other_spellings_read_the_same() {
    for (spelling, canonical) in [
        ("  socket( tcp4 )=a", "socket(tcp4) = a"),
        (
            "sysctl(net.ipv4.ip_local_port_range, 40000 40001) = 0",
            "sysctl(net.ipv4.ip_local_port_range, \"40000 40001\") = 0",
        ),
        ("sysctl(net.ipv4.tcp_rmem) = 4096\t131072   6291456", "sysctl(net.ipv4.tcp_rmem) = 4096 131072 6291456"),
        (
            "sysctl(net.ipv4.tcp_rmem) = \"4096 131072 6291456\"  # three",
            "sysctl(net.ipv4.tcp_rmem) = 4096 131072 6291456  # three",
        ),
        ("seteuid(7) = -1 EPERM (Operation not permitted)", "seteuid(7) = -1 EPERM"),
        ("sysctl(net.ipv4.tcp_fin_timeout) = -1 # forever", "sysctl(net.ipv4.tcp_fin_timeout) = -1  # forever"),
        ("sleep(1.50) = 0", "sleep(1.5) = 0"),
    ] {
        assert_eq!(parse_draft(spelling).unwrap().to_string(), format!("{canonical}\n"));
    }
}

/// A script and the message it is refused with.
const WRONG: &[(&str, &str)] = &[
    (
        "sokket(tcp4) = a",
        "line 1, column 1: found `sokket(tcp4`, expected a call: socket, setsockopt, bind, listen, connect, accept, close, shutdown, send, recv, getsockname, getpeername, sysctl, seteuid, addr, sleep or counter",
    ),
    ("socket tcp4", "line 1, column 8: found `tcp4`, expected `(`"),
    ("socket(tcp5) = a", "line 1, column 8: found `tcp5`, expected tcp4, tcp6, udp4 or udp6"),
    ("socket(tcp4)", "line 1, column 13: found the end of the line, expected `=`"),
    ("socket(tcp4) = 0", "line 1, column 16: found `0`, expected a name for the new socket, -1 and an error, or ?"),
    ("socket(tcp4) = -1 EWHAT", "line 1, column 19: found `EWHAT`, expected the name of an error, such as EADDRINUSE"),
    ("socket(tcp4) = a b", "line 1, column 18: found `b`, expected the end of the line, or # and a comment"),
    (
        "bind(a, 1.2.3:80) = 0",
        "line 1, column 9: found `1.2.3:80`, expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    ),
    (
        "bind(a, ::1:80) = 0",
        "line 1, column 9: found `::1:80`, expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    ),
    (
        "bind(a, 127.0.0.1:65536) = 0",
        "line 1, column 9: found `127.0.0.1:65536`, expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    ),
    (
        "bind(a, 127.0.0.1:?) = 0",
        "line 1, column 9: found `127.0.0.1:?`, expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    ),
    ("listen(a, x) = 0", "line 1, column 11: found `x`, expected a backlog of 32 bits"),
    (
        "setsockopt(a, SO_DEBUG, 1) = 0",
        "line 1, column 15: found `SO_DEBUG`, expected SO_REUSEADDR, SO_REUSEPORT, IPV6_V6ONLY, IP_BIND_ADDRESS_NO_PORT, SO_LINGER, IP_LOCAL_PORT_RANGE or SO_BINDTODEVICE",
    ),
    ("setsockopt(a, SO_REUSEADDR, 2) = 0", "line 1, column 29: found `2`, expected 0 or 1"),
    ("setsockopt(a, SO_LINGER, 1) = 0", "line 1, column 26: found `1`, expected `{`"),
    (
        "setsockopt(a, SO_BINDTODEVICE, \"a-device-name-too-long\") = 0",
        "line 1, column 32: found `\"a-device-name-too-long\"`, expected a device's name, or \"\"",
    ),
    ("shutdown(a, SHUT_UP) = 0", "line 1, column 13: found `SHUT_UP`, expected SHUT_RD, SHUT_WR or SHUT_RDWR"),
    ("send(a, abc) = 3", "line 1, column 9: found `abc`, expected a string in quotes"),
    ("send(a, \"abc) = 3", "line 1, column 18: found the end of the line, expected the quote that ends the string"),
    (
        "send(a, \"a\\qc\") = 3",
        "line 1, column 11: found `\\qc\"`, expected an escape of C: \\n \\r \\t \\a \\b \\f \\v \\\\ \\\" \\' \\xHH or up to three octal digits",
    ),
    ("send(a, \"abc\") = abc", "line 1, column 18: found `abc`, expected a count, -1 and an error, or ?"),
    ("recv(a) = abc", "line 1, column 11: found `abc`, expected a string, -1 and an error, or ?"),
    ("getsockname(a) = 0", "line 1, column 18: found `0`, expected an address, -1 and an error, or ?"),
    ("bind(a, 127.0.0.1:80) = 1", "line 1, column 25: found `1`, expected 0, -1 and an error, or ?"),
    (
        "sysctl(kernel.panic, 1) = 0",
        "line 1, column 8: found `kernel.panic`, expected a sysctl under net., such as net.ipv4.ip_local_port_range",
    ),
    (
        "sysctl(net.ipv4..x) = 0",
        "line 1, column 8: found `net.ipv4..x`, expected a sysctl under net., such as net.ipv4.ip_local_port_range",
    ),
    (
        "sysctl(net.ipv4.tcp_tw_reuse) =",
        "line 1, column 32: found the end of the line, expected a value, -1 and an error, or ?",
    ),
    (
        "addr(lo, 10.9.0.1/33) = 0",
        "line 1, column 10: found `10.9.0.1/33`, expected an address and the length of its prefix, such as 10.9.0.1/32",
    ),
    ("sleep(x) = 0", "line 1, column 7: found `x`, expected seconds from 0 to 3600, to the millisecond"),
    ("sleep(3601) = 0", "line 1, column 7: found `3601`, expected seconds from 0 to 3600, to the millisecond"),
    ("--- x", "line 1, column 5: found `x`, expected the end of the line, or # and a comment"),
    (
        "bind(a, 0.0.0.0:1) = 0",
        "line 1, column 6: found `a`, expected a handle that is open: no line above gave this one",
    ),
    (
        "socket(tcp4) = a\n---\nlisten(a) = 0",
        "line 3, column 8: found `a`, expected a handle that is open: no line above gave this one",
    ),
    (
        "socket(tcp4) = a\nclose(a) = 0\nlisten(a) = 0",
        "line 3, column 8: found `a`, expected a handle that is open: this one was closed above",
    ),
    (
        "socket(tcp4) = a\nsocket(tcp6) = a",
        "line 2, column 16: found `a`, expected a new name: a socket of this name is open",
    ),
    (
        "socket(tcp4) = a\naccept(a) = -1 EINVAL\nrecv(b) = \"\"",
        "line 3, column 6: found `b`, expected a handle that is open: no line above gave this one",
    ),
];

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, message) in WRONG {
        assert_eq!(parse(text).map_err(|error| error.to_string()), Err((*message).to_owned()), "{text}");
    }
}

/// Answers from a list, and keeps what it was asked.
struct Recorded(Vec<Answer>, Vec<String>);

impl Kernel for Recorded {
    fn answer(&mut self, call: &Call, _: &str) -> Answer {
        self.1.push(call.to_string());
        self.0.remove(0)
    }
}

fn run(text: &str, answers: &[Answer]) -> (Vec<Verdict>, usize) {
    let mut kernel = Recorded(answers.to_vec(), Vec::new());
    let verdicts = run_case(&mut kernel, &parse(text).unwrap().cases()[0]);
    (verdicts, kernel.1.len())
}

#[test]
fn a_chosen_port_is_compared_only_where_it_is_stated() {
    let at = |port| Answer::address(SocketAddr::from(([127, 0, 0, 1], port)));
    for (stated, answer, same) in [
        ("127.0.0.1:?", at(40_000), true),
        ("127.0.0.1:40000", at(40_000), true),
        ("127.0.0.1:40001", at(40_000), false),
        ("127.0.0.2:?", at(40_000), false),
        ("?", at(40_000), true),
        ("?", Answer::Errno(Errno::Enotconn), true),
        ("127.0.0.1:?", Answer::Errno(Errno::Enotconn), false),
    ] {
        let text = format!("socket(tcp4) = a\ngetsockname(a) = {stated}");
        let (verdicts, _) = run(&text, &[Answer::Handle("a".into()), answer]);
        assert_eq!(!verdicts[1].differs(), same, "{stated}");
    }
}

#[test]
fn a_handle_that_did_not_come_is_named_and_its_calls_are_not_made() {
    let text = "socket(tcp4) = a\naccept(a) = b\nrecv(b) = \"\"\nclose(a) = 0";
    let answers = [Answer::Handle("a".into()), Answer::Errno(Errno::Einval), Answer::Zero];
    let (verdicts, asked) = run(text, &answers);
    assert_eq!(asked, 3);
    assert_eq!(verdicts[1], Verdict::Differs(Answer::Errno(Errno::Einval)));
    assert_eq!(verdicts[2], Verdict::NoHandle("b".into()));
    assert!(verdicts[2].differs() && !verdicts[3].differs());
}

#[test]
fn which_of_equal_listeners_was_chosen_is_not_compared() {
    let listener = |name: &str, port: u16| {
        format!("socket(tcp4) = {name}\nsetsockopt({name}, SO_REUSEPORT, 1) = 0\nbind({name}, 127.0.0.1:{port}) = 0\n")
    };
    let handle = |name: &str| Answer::Handle(name.into());
    let zero = Answer::Zero;
    for (port, chance) in [(80, true), (81, false)] {
        let text = listener("a", 80) + &listener("b", port) + "accept(b) = c\nclose(c) = 0\n";
        let none = Answer::Errno(Errno::Eagain);
        let answers = [handle("a"), zero.clone(), zero.clone(), handle("b"), zero.clone(), zero.clone(), none.clone()];
        let (verdicts, _) = run(&text, &answers);
        assert_eq!(
            verdicts[6],
            if chance { Verdict::Chance(none) } else { Verdict::Differs(Answer::Errno(Errno::Eagain)) }
        );
        assert_eq!(verdicts[7].differs(), !chance);
    }
}

fn handles() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,8}"
}

fn ips() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        any::<u32>().prop_map(|bits| IpAddr::V6(Ipv4Addr::from_bits(bits).to_ipv6_mapped())),
        Just(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        Just(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]
}

fn addresses() -> impl Strategy<Value = SocketAddr> {
    (ips(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn options() -> impl Strategy<Value = SocketOption> {
    prop_oneof![
        any::<bool>().prop_map(SocketOption::ReuseAddr),
        any::<bool>().prop_map(SocketOption::ReusePort),
        any::<bool>().prop_map(SocketOption::V6Only),
        any::<bool>().prop_map(SocketOption::BindAddressNoPort),
        (any::<bool>(), any::<u16>()).prop_map(|(on, seconds)| SocketOption::Linger { on, seconds }),
        (any::<u16>(), any::<u16>()).prop_map(|(low, high)| SocketOption::LocalPortRange { low, high }),
        "[a-z0-9.]{0,15}".prop_map(SocketOption::BindToDevice),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    let shutdowns = prop_oneof![Just(Shutdown::Read), Just(Shutdown::Write), Just(Shutdown::Both)];
    let sysctls = ("net\\.[a-z0-9_]{1,12}(\\.[a-z_]{1,12})?", proptest::option::of("([!-~]{1,9}( [!-~]{1,9}){0,2})?"));
    let prefixes = prop_oneof![
        (any::<u32>(), 0..=32_u8).prop_map(|(bits, prefix)| (IpAddr::V4(Ipv4Addr::from_bits(bits)), prefix)),
        (any::<u128>(), 0..=128_u8).prop_map(|(bits, prefix)| (IpAddr::V6(Ipv6Addr::from_bits(bits)), prefix)),
    ];
    prop_oneof![
        proptest::sample::select(Family::ALL.to_vec()).prop_map(Call::Socket),
        (handles(), options()).prop_map(|(handle, option)| Call::Setsockopt(handle, option)),
        (handles(), addresses()).prop_map(|(handle, address)| Call::Bind(handle, address)),
        (handles(), addresses()).prop_map(|(handle, address)| Call::Connect(handle, address)),
        (handles(), any::<Option<i32>>()).prop_map(|(handle, backlog)| Call::Listen(handle, backlog)),
        handles().prop_map(Call::Accept),
        handles().prop_map(Call::Close),
        (handles(), shutdowns).prop_map(|(handle, how)| Call::Shutdown(handle, how)),
        (handles(), proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(handle, bytes)| Call::Send(handle, bytes)),
        handles().prop_map(Call::Recv),
        handles().prop_map(Call::Getsockname),
        handles().prop_map(Call::Getpeername),
        sysctls.prop_map(|(name, value)| Call::Sysctl { name, value }),
        (0..u32::MAX).prop_map(Call::Seteuid),
        ("[a-z]{1,4}[0-9]?", prefixes).prop_map(|(device, (ip, prefix))| Call::Addr { device, ip, prefix }),
        (0..=3_600_000_u64).prop_map(|millis| Call::Sleep { millis }),
        "[A-Z][A-Za-z0-9]{0,20}".prop_map(Call::Counter),
    ]
}

/// An answer of the kind that the call gives.
fn answer_to(call: &Call) -> BoxedStrategy<Answer> {
    let errors = proptest::sample::select(vec![Errno::Eperm, Errno::Eagain, Errno::Eaddrinuse, Errno::Eopnotsupp]);
    let own = match call {
        Call::Socket(_) | Call::Accept(_) => handles().prop_map(Answer::Handle).boxed(),
        Call::Send(..) => any::<u32>().prop_map(|count| Answer::Count(count.into())).boxed(),
        Call::Recv(_) => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Answer::Text).boxed(),
        Call::Getsockname(_) | Call::Getpeername(_) => {
            (ips(), any::<Option<u16>>()).prop_map(|(ip, port)| Answer::Address { ip, port }).boxed()
        }
        Call::Sysctl { value: None, .. } | Call::Counter(_) => {
            "([0-9a-z]{1,9}( [0-9]{1,9}){0,2})?".prop_map(Answer::Value).boxed()
        }
        _ => Just(Answer::Zero).boxed(),
    };
    prop_oneof![3 => own, 1 => errors.prop_map(Answer::Errno), 1 => Just(Answer::Any)].boxed()
}

proptest! {
    #[test]
    fn printing_and_reading_are_inverse(
        (call, stated) in calls().prop_flat_map(|call| { let answers = answer_to(&call); (Just(call), answers) }),
        comment in proptest::option::of("[ -~]{0,12}[!-~]"),
    ) {
        let line = Line { number: 1, call, stated, comment };
        let script = Script { items: vec![Item::Call(line)] };
        prop_assert_eq!(parse_draft(&script.to_string()), Ok(script.clone()), "{}", script);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[ -~\\n\u{e9}]{0,80}") {
        let _ = parse(&text);
    }
}
