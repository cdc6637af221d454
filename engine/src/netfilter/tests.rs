//! A client behind a router that translates, and the server beyond.

use super::conntrack::Conntrack;
use super::nat::{Range, translate};
use super::*;
use crate::lab::{DeviceSpec, HostSpec, Lab, LabOptions, Nodes, Place};
use crate::linux::packet::{Body, Segment};

fn lab() -> Lab {
    let device = |name: &str, link: &str, address: &str| DeviceSpec {
        name: name.into(),
        link: link.into(),
        addresses: vec![address.into()],
        ..DeviceSpec::default()
    };
    let host = |name: &str, devices, gateway: Option<&str>, forwards| HostSpec {
        name: name.into(),
        devices,
        gateway: gateway.and_then(|gateway| gateway.parse().ok()),
        forwards,
        ..HostSpec::default()
    };
    let hosts = vec![
        host("client", vec![device("eth0", "in", "10.0.0.2/24")], Some("10.0.0.1"), false),
        host("other", vec![device("eth0", "in", "10.0.0.3/24")], Some("10.0.0.1"), false),
        host("router", vec![device("eth0", "in", "10.0.0.1/24"), device("eth1", "out", "203.0.113.1/24")], None, true),
        host("server", vec![device("eth0", "out", "203.0.113.80/24")], None, false),
    ];
    Lab::new(LabOptions { nodes: Nodes::NoCluster, hosts, ..LabOptions::default() })
}

fn run(lab: &mut Lab, host: &str, line: &str) -> String {
    let output = lab.run(&Place::Host(host.into()), line);
    format!("{}[{}]", output.text(), output.exit)
}

#[test]
fn a_source_is_translated_and_answers_find_back() {
    let mut lab = lab();
    assert_eq!(run(&mut lab, "router", "iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE"), "[0]");
    run(&mut lab, "server", "nc -lk 80 &");
    let text = run(&mut lab, "client", "echo hello | nc -p 50000 -N 203.0.113.80 80");
    assert_eq!(text, "[0]");
    // The server has closed last; the port was kept.
    let seen = run(&mut lab, "router", "conntrack -L -p tcp");
    assert!(
        seen.starts_with(
            "tcp      6 119 TIME_WAIT src=10.0.0.2 dst=203.0.113.80 sport=50000 dport=80 src=203.0.113.80 \
             dst=203.0.113.1 sport=80 dport=50000 [ASSURED] mark=0 use=1\n"
        ),
        "{seen}"
    );
    // Another client with the same port gets another one.
    run(&mut lab, "other", "nc -p 50000 -zv 203.0.113.80 80");
    let ports = run(&mut lab, "router", "conntrack -L -s 10.0.0.3 | grep -o 'dport=[0-9]*' | tail -1");
    assert_ne!(ports, "dport=50000\n[0]");
    assert!(run(&mut lab, "router", "conntrack -C").starts_with('2'));
    assert!(run(&mut lab, "router", "iptables -t nat -nvL POSTROUTING").contains("    2   120 MASQUERADE"));
}

#[test]
fn without_a_port_the_client_hears_nothing() {
    let mut lab = lab();
    let rule = "iptables -t nat -A POSTROUTING -o eth1 -p tcp -j SNAT --to-source 203.0.113.1:40000-40000";
    assert_eq!(run(&mut lab, "router", rule), "[0]");
    run(&mut lab, "server", "nc -lk 80 &");
    run(&mut lab, "server", "nc -lk 81 &");
    // A listener in the background of the client holds nothing; a connection that stays open is needed.
    lab.call("client", 0, crate::host::Call::spawn("holder"));
    let pid = 1201;
    let open = crate::host::Call::Socket {
        protocol: crate::linux::socket::Protocol::Tcp,
        family: crate::linux::address::Family::V4,
        name: None,
    };
    let fd = lab.call("client", pid, open).number().unwrap();
    let to = "203.0.113.80:80".parse().unwrap();
    assert_eq!(lab.call("client", pid, crate::host::Call::Connect { fd, to }).number(), Ok(0));
    let text = run(&mut lab, "client", "nc -zvw 2 203.0.113.80 80");
    assert_eq!(text, "nc: connect to 203.0.113.80 port 80 (tcp) timed out: Operation now in progress\n[1]");
    let counted = run(&mut lab, "router", "conntrack -S");
    assert!(counted.contains("insert_failed=3 drop=3"), "at 0, 1 and 2 s: {counted}");
    // Towards another port of the server the very same tuple is free.
    assert_eq!(run(&mut lab, "client", "nc -z 203.0.113.80 81"), "[0]");
    // What the rule names does not bind the kernel that opens connections itself.
    assert!(run(&mut lab, "router", "sysctl -n net.ipv4.ip_local_port_range").starts_with("32768"));
}

/// As measured: each hook sees the first packet of a connection that passes it, over `lo` OUTPUT and POSTROUTING alone,
/// and chains themselves count nothing.
#[test]
fn every_chain_counts_what_passes_it() {
    let mut lab = lab();
    for rule in [
        "-A POSTROUTING -o eth1 -j MASQUERADE",
        "-A OUTPUT -p tcp --dport 80 -j ACCEPT",
        "-A OUTPUT -o lo -j RETURN",
        "-A INPUT -p tcp --dport 81 -j RETURN",
        "-A PREROUTING -i eth1 -s 203.0.113.80 -j ACCEPT",
    ] {
        assert_eq!(run(&mut lab, "router", &format!("iptables -t nat {rule}")), "[0]");
    }
    run(&mut lab, "server", "nc -lk 80 &");
    run(&mut lab, "router", "nc -lk 81 &");
    assert_eq!(run(&mut lab, "router", "nc -z 203.0.113.80 80"), "[0]");
    assert_eq!(run(&mut lab, "router", "nc -z 203.0.113.80 82"), "[1]");
    assert_eq!(run(&mut lab, "router", "nc -z 127.0.0.1 81"), "[0]");
    assert_eq!(run(&mut lab, "server", "nc -z 203.0.113.1 81"), "[0]");
    assert_eq!(run(&mut lab, "client", "nc -z 203.0.113.80 80"), "[0]");
    let counted = run(&mut lab, "router", "iptables-save -c | grep -v '^#'");
    let expected = "\
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
[1:60] -A PREROUTING -s 203.0.113.80/32 -i eth1 -j ACCEPT
[1:60] -A INPUT -p tcp -m tcp --dport 81 -j RETURN
[1:60] -A OUTPUT -p tcp -m tcp --dport 80 -j ACCEPT
[1:60] -A OUTPUT -o lo -j RETURN
[3:180] -A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
[0]";
    assert_eq!(counted, expected);
}

#[test]
fn a_source_is_translated_on_the_way_in() {
    let mut lab = lab();
    for (port, to) in [(81, "10.0.0.77"), (82, "198.51.100.1")] {
        let rule = format!("iptables -t nat -A INPUT -p tcp --dport {port} -j SNAT --to-source {to}");
        assert_eq!(run(&mut lab, "router", &rule), "[0]");
    }
    run(&mut lab, "router", "nc -lk 81 > heard &");
    assert_eq!(run(&mut lab, "client", "echo hello | nc -p 50000 -N 10.0.0.1 81"), "[0]");
    assert_eq!(run(&mut lab, "router", "cat heard"), "hello\n[0]");
    let seen = run(&mut lab, "router", "conntrack -L");
    assert!(seen.contains("src=10.0.0.1 dst=10.0.0.77 sport=81 dport=50000"), "{seen}");
    // The answer is routed before it gets its old destination back, and no route leads to the new one.
    run(&mut lab, "router", "nc -lk 82 &");
    let silent = "nc: connect to 10.0.0.1 port 82 (tcp) timed out: Operation now in progress\n[1]";
    assert_eq!(run(&mut lab, "client", "nc -vzw 2 10.0.0.1 82"), silent);
}

#[test]
fn the_table_does_not_keep_what_has_expired() {
    let mut conntrack = Conntrack::default();
    for n in 0..10_000u32 {
        // A SYN that nobody answers is kept for 120 s.
        let now = u64::from(n) * 1000;
        let port = u16::try_from(n % 60_000).unwrap();
        assert_eq!(conntrack.confirm(now, connection(port, n)), Ok(()));
        assert!(conntrack.size() <= 1024, "{} connections after {n}", conntrack.size());
    }
}

fn connection(sport: u16, sequence: u32) -> Connection {
    let ip = |text: &str| text.parse::<std::net::Ipv4Addr>().unwrap().to_ipv6_mapped();
    let segment = Segment { syn: true, seq: sequence, ..Segment::default() };
    Connection::of(&Packet {
        source: ip("10.0.0.2"),
        sport,
        destination: ip("203.0.113.80"),
        dport: 80,
        body: Body::Tcp(segment),
    })
}

#[test]
fn which_port_is_drawn() {
    let to = |ports, random| Range {
        address: "203.0.113.1".parse::<std::net::Ipv4Addr>().unwrap().to_ipv6_mapped(),
        ports,
        random,
    };
    let mut conntrack = Conntrack::default();
    let mut chosen = |sport: u16, range: Range, drawn: u16| {
        let mut new = connection(sport, 1);
        translate(&mut conntrack, 0, &mut new, range, || drawn);
        let port = new.reply.dport;
        (
            port,
            conntrack
                .confirm(
                    0,
                    Connection {
                        original: crate::netfilter::conntrack::Tuple {
                            source: new.reply.destination,
                            sport: port,
                            ..new.original
                        },
                        ..new
                    },
                )
                .is_ok(),
        )
    };
    assert_eq!(chosen(2000, to(None, false), 7), (2000, true));
    assert_eq!(chosen(2000, to(None, false), 7), (1031, true));
    assert_eq!(chosen(600, to(None, false), 0), (600, true));
    assert_eq!(chosen(600, to(None, false), 0), (601, true));
    assert_eq!(chosen(100, to(None, false), 0), (100, true));
    assert_eq!(chosen(100, to(None, false), 0), (1, true));
    assert_eq!(chosen(3000, to(None, true), 0), (1024, true));
    assert_eq!(chosen(3000, to(Some((5000, 5001)), false), 1), (5001, true));
    assert_eq!(chosen(3000, to(Some((5000, 5001)), false), 1), (5000, true));
    assert!(!chosen(3000, to(Some((5000, 5001)), false), 1).1);
}

#[test]
fn a_rule_prints_as_it_was_read() {
    let mut lab = lab();
    let rules = [
        "-s 10.0.0.7/32 -j RETURN",
        "-s 10.0.0.0/24 -o eth1 -p tcp -m tcp --dport 80 -j SNAT --to-source 203.0.113.1:40000-40003",
        "! -d 10.0.0.0/8 -j MASQUERADE",
        "-o eth1 -p udp -j MASQUERADE --to-ports 5000-6000 --random-fully",
        "-p tcp -j SNAT --to-source 203.0.113.1 --random",
        "-p tcp -m tcp --sport 1000:2000 -j ACCEPT",
    ];
    for rule in rules {
        assert_eq!(run(&mut lab, "router", &format!("iptables -t nat -A POSTROUTING {rule}")), "[0]");
    }
    let shown: String = rules.iter().map(|rule| format!("-A POSTROUTING {rule}\n")).collect();
    assert_eq!(run(&mut lab, "router", "iptables -t nat -S POSTROUTING | tail -6"), format!("{shown}[0]"));
    let table = "\
Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)
num   pkts bytes target     prot opt in     out     source               destination         
1        0     0 RETURN     0    --  *      *       10.0.0.7             0.0.0.0/0           
2        0     0 SNAT       6    --  *      eth1    10.0.0.0/24          0.0.0.0/0            tcp dpt:80 to:203.0.113.1:40000-40003
3        0     0 MASQUERADE  0    --  *      *       0.0.0.0/0           !10.0.0.0/8          
4        0     0 MASQUERADE  17   --  *      eth1    0.0.0.0/0            0.0.0.0/0            masq ports: 5000-6000 random-fully
5        0     0 SNAT       6    --  *      *       0.0.0.0/0            0.0.0.0/0            to:203.0.113.1 random
6        0     0 ACCEPT     6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp spts:1000:2000
[0]";
    assert_eq!(run(&mut lab, "router", "iptables -t nat -nvL POSTROUTING --line-numbers"), table);
    let names = "\
Chain POSTROUTING (policy ACCEPT)
target     prot opt source               destination         
RETURN     all  --  10.0.0.7             anywhere            
SNAT       tcp  --  10.0.0.0/24          anywhere             tcp dpt:http to:203.0.113.1:40000-40003
MASQUERADE  all  --  anywhere            !10.0.0.0/8          
";
    assert!(run(&mut lab, "router", "iptables -t nat -L POSTROUTING").starts_with(names));
    for (line, answer) in [
        ("-D POSTROUTING 9", "iptables: Index of deletion too big.\n[1]"),
        ("-D POSTROUTING -j MASQUERADE", "iptables: Bad rule (does a matching rule exist in that chain?).\n[1]"),
        ("-C POSTROUTING -p tcp -j SNAT --to-source 203.0.113.1 --random", "[0]"),
        ("-A NOCHAIN -j MASQUERADE", "iptables: No chain/target/match by that name.\n[1]"),
        (
            "-A PREROUTING -j MASQUERADE",
            "iptables v1.8.9 (nf_tables):  RULE_APPEND failed (Invalid argument): rule in chain PREROUTING\n[4]",
        ),
        (
            "-A POSTROUTING -j SNAT --to-source 203.0.113.1:80",
            "iptables v1.8.9 (nf_tables): Need TCP, UDP, SCTP or DCCP with port specification\n\
             Try `iptables -h' or 'iptables --help' for more information.\n[2]",
        ),
        (
            "-A POSTROUTING --dport 80 -j MASQUERADE",
            "iptables v1.8.9 (nf_tables): unknown option \"--dport\"\n\
             Try `iptables -h' or 'iptables --help' for more information.\n[2]",
        ),
        ("-D POSTROUTING 1", "[0]"),
        ("-F", "[0]"),
    ] {
        assert_eq!(run(&mut lab, "router", &format!("iptables -t nat {line}")), answer, "{line}");
    }
}
