//! Hosts that are joined by links: two clients behind a router, a server on the other side of it.

use std::time::Duration;

use portlab_engine::event::What;
use portlab_engine::lab::{DeviceSpec, HostSpec, Lab, LabOptions, Nodes, Place};

fn host(name: &str, devices: &[(&str, &str, &str)], gateway: Option<&str>) -> HostSpec {
    let device = |(name, link, address): &(&str, &str, &str)| DeviceSpec {
        name: (*name).to_owned(),
        link: (*link).to_owned(),
        addresses: vec![(*address).to_owned()],
        ..DeviceSpec::default()
    };
    HostSpec {
        name: name.to_owned(),
        devices: devices.iter().map(device).collect(),
        gateway: gateway.map(|address| address.parse().unwrap()),
        forwards: devices.len() > 1,
        ..HostSpec::default()
    }
}

fn lab() -> Lab {
    let hosts = vec![
        host("c1", &[("eth0", "home1", "10.0.0.2/24")], Some("10.0.0.1")),
        host("c2", &[("eth0", "home2", "10.0.1.2/24")], Some("10.0.1.1")),
        host(
            "router",
            &[("eth0", "home1", "10.0.0.1/24"), ("eth1", "net", "203.0.113.1/24"), ("eth2", "home2", "10.0.1.1/24")],
            None,
        ),
        host("server", &[("eth0", "net", "203.0.113.10/24")], Some("203.0.113.1")),
    ];
    Lab::new(LabOptions { nodes: Nodes::NoCluster, hosts, ..LabOptions::default() })
}

fn on(lab: &mut Lab, host: &str, line: &str) -> String {
    lab.run(&Place::Host(host.to_owned()), line).text()
}

fn told(lab: &Lab, from: usize) -> String {
    let moments = lab.events()[from..].iter().flat_map(|event| match &event.what {
        What::Called { trace, .. } | What::Passed { trace } => trace.to_vec(),
        _ => Vec::new(),
    });
    moments.filter(|moment| !moment.to_string().contains("->")).map(|moment| format!("{moment}\n")).collect()
}

/// A SYN through the router and back.
const HANDSHAKE: &str = "\
0.100 c1: 10.0.0.2:40000 > 203.0.113.10:80 [S], out
0.100 router: 10.0.0.2:40000 > 203.0.113.10:80 [S], in
0.100 router: 10.0.0.2:40000 > 203.0.113.10:80 [S], out
0.100 server: 10.0.0.2:40000 > 203.0.113.10:80 [S], in
0.100 server: 203.0.113.10:80 > 10.0.0.2:40000 [R.], out
0.100 router: 203.0.113.10:80 > 10.0.0.2:40000 [R.], in
0.100 router: 203.0.113.10:80 > 10.0.0.2:40000 [R.], out
0.100 c1: 203.0.113.10:80 > 10.0.0.2:40000 [R.], in
";

#[test]
fn packets_go_through_a_router_and_are_told_at_each_host() {
    let mut lab = lab();
    on(&mut lab, "c1", "sysctl -qw net.ipv4.ip_local_port_range='40000 40000'");
    let from = lab.events().len();
    let said = on(&mut lab, "c1", "nc -zv 203.0.113.10 80");
    assert_eq!(said, "nc: connect to 203.0.113.10 port 80 (tcp) failed: Connection refused\n");
    assert_eq!(told(&lab, from), HANDSHAKE);
}

#[test]
fn a_server_elsewhere_answers_and_the_client_keeps_time_wait() {
    let mut lab = lab();
    on(&mut lab, "server", "nc -lk 80 > served &");
    assert_eq!(on(&mut lab, "c1", "echo hello | nc -N 203.0.113.10 80"), "");
    assert_eq!(lab.state().files["served"].as_ref(), "hello\n");
    assert!(on(&mut lab, "c1", "ss -Htan").starts_with("TIME-WAIT"));
    assert_eq!(on(&mut lab, "server", "ss -Htan state time-wait"), "");
    assert_eq!(on(&mut lab, "router", "ss -Htan"), "");
}

/// Measured in namespaces joined by veth pairs.
#[test]
fn what_cannot_be_reached_is_told_as_by_the_kernel() {
    let mut lab = lab();
    let failed = |lab: &mut Lab, to: &str| {
        let began = lab.now();
        let text = on(lab, "c1", &format!("nc -zv {to} 80"));
        let ms = lab.now().since(began).as_millis();
        (text.rsplit(": ").next().unwrap().trim().to_owned(), ms / 1000)
    };
    assert_eq!(failed(&mut lab, "10.0.0.77"), ("No route to host".to_owned(), 3));
    assert_eq!(failed(&mut lab, "10.0.0.77"), ("No route to host".to_owned(), 3));
    assert_eq!(failed(&mut lab, "203.0.113.77"), ("No route to host".to_owned(), 3));
    assert_eq!(failed(&mut lab, "198.51.100.1"), ("Network is unreachable".to_owned(), 0));
    on(&mut lab, "router", "sysctl -qw net.ipv4.ip_forward=0");
    let silent = on(&mut lab, "c1", "nc -w2 -zv 203.0.113.10 80");
    assert!(silent.ends_with("timed out: Operation now in progress\n"), "{silent}");
}

/// FACTS 3.5: the row "2, veth to another host", beside the one for loopback.
#[test]
fn time_wait_to_another_host_is_not_used_again_by_default() {
    let mut lab = lab();
    let range = "sysctl -qw net.ipv4.ip_local_port_range='40000 40003'";
    for (place, to) in [("c1", "203.0.113.10"), ("server", "127.0.0.1")] {
        on(&mut lab, place, range);
        if place == "c1" {
            on(&mut lab, "server", "nc -lk 80 > served &");
        }
        for _ in 0..4 {
            assert_eq!(on(&mut lab, place, &format!("nc -zv {to} 80 && echo ok")).lines().last(), Some("ok"));
        }
        let full = on(&mut lab, place, &format!("nc -zv {to} 80"));
        assert!(full.ends_with("Cannot assign requested address\n"), "{full}");
        lab.advance(Duration::from_millis(2200));
        let later = on(&mut lab, place, &format!("nc -zv {to} 80"));
        assert_eq!(later.ends_with("succeeded!\n"), to == "127.0.0.1", "{to}: {later}");
    }
    on(&mut lab, "c1", "sysctl -qw net.ipv4.tcp_tw_reuse=1");
    assert!(on(&mut lab, "c1", "nc -zv 203.0.113.10 80").ends_with("succeeded!\n"));
}

#[test]
fn linked_hosts_are_folded_and_replayed() {
    let mut lab = lab();
    let lines = [
        ("server", "nc -lk 80 > served &"),
        ("c1", "echo a | nc -N 203.0.113.10 80; nc -zv 203.0.113.77 80; nc -zv 203.0.113.10 81"),
        ("c2", "echo b | nc -N 203.0.113.10 80; sleep 70; ss -tan"),
        ("server", "kill %1; ss -tan"),
        ("c1", "nc -zv 203.0.113.10 80; ss -tan"),
    ];
    let printed: Vec<String> = lines.iter().map(|(host, line)| on(&mut lab, host, line)).collect();
    let events = lab.events().to_vec();
    assert!(lab.at(events.len()) == *lab.state());
    for count in (lab.scene()..events.len()).step_by(5) {
        let folded = lab.at(count);
        lab.rewind(count);
        assert!(*lab.state() == folded, "rewound to event {count}");
        assert!(lab.undo());
    }
    let mut again = self::lab();
    let once_more: Vec<String> = lines.iter().map(|(host, line)| on(&mut again, host, line)).collect();
    assert_eq!(printed, once_more);
    assert!(events == again.events());
}

/// What a router that gives connections another source does, in a range of that many ports from 40000 on.
fn behind_nat(ports: u16) -> Lab {
    let mut lab = lab();
    let rule = "iptables -t nat -A POSTROUTING -o eth1 -p tcp -j SNAT --to-source 203.0.113.1";
    assert_eq!(on(&mut lab, "router", &format!("{rule}:40000-{}", 39_999 + ports)), "");
    on(&mut lab, "server", "nc -lk 80 > served &");
    lab
}

#[test]
fn a_translated_connection_is_seen_with_the_routers_address() {
    let mut lab = behind_nat(4);
    on(&mut lab, "c1", "sysctl -qw net.ipv4.ip_local_port_range='50000 50000'");
    let from = lab.events().len();
    on(&mut lab, "c1", "echo hello | nc -N 203.0.113.10 80");
    let told = told(&lab, from);
    assert_eq!(lab.state().files["served"].as_ref(), "hello\n");
    assert!(told.contains("router: 10.0.0.2:50000 > 203.0.113.10:80 [S], in\n"), "{told}");
    assert!(told.contains("server: 203.0.113.1:4000"), "{told}");
    assert!(!told.contains("server: 10.0.0.2"), "{told}");
    let listed = on(&mut lab, "router", "conntrack -L");
    assert!(listed.starts_with("tcp      6 119 TIME_WAIT src=10.0.0.2 dst=203.0.113.10 sport=50000 dport=80 src=203.0.113.10 dst=203.0.113.1 sport=80 dport=4000"), "{listed}");
    assert!(listed.contains(" [ASSURED] mark=0 use=1\nconntrack v1.4.7 (conntrack-tools): 1 flow entries"), "{listed}");
    let counted = on(&mut lab, "router", "iptables -t nat -nvL POSTROUTING");
    assert!(counted.contains("    1    60 SNAT       6    --  *      eth1 "), "{counted}");
    // A closed connection is tracked for 120 s, the client's own TIME_WAIT lasts 60.
    lab.advance(Duration::from_secs(70));
    assert_eq!(on(&mut lab, "c1", "ss -Htan"), "");
    assert_eq!(on(&mut lab, "router", "conntrack -C"), "1\n");
    lab.advance(Duration::from_secs(60));
    assert_eq!(on(&mut lab, "router", "conntrack -C"), "0\n");
    // A refused connection is not tracked any more.
    on(&mut lab, "c1", "nc -zv 203.0.113.10 9");
    assert_eq!(on(&mut lab, "router", "conntrack -C"), "0\n");
}

/// FACTS 4: no errno, no ICMP; `insert_failed` and `drop` rise with each SYN that is lost.
#[test]
fn a_translation_without_a_port_left_is_silence() {
    let mut lab = behind_nat(2);
    // A listener whose queue takes them all, and clients that stay.
    on(&mut lab, "c1", "sysctl -qw net.ipv4.ip_local_port_range='50000 50005'");
    for client in ["c1", "c2"] {
        on(&mut lab, client, "echo stays | nc -w1 203.0.113.10 80");
    }
    // Both have closed: their places are given to others.
    assert!(on(&mut lab, "c1", "nc -zv 203.0.113.10 80").ends_with("succeeded!\n"));
    assert!(on(&mut lab, "router", "conntrack -S").contains("insert_failed=0 drop=0 "));
    // Half-open ones do not give way: nobody answers at this address.
    for client in ["c1", "c2"] {
        on(&mut lab, client, "nc -w2 -z 203.0.113.77 80");
    }
    let silent = on(&mut lab, "c1", "nc -w2 -zv 203.0.113.77 80");
    assert!(silent.ends_with("timed out: Operation now in progress\n"), "{silent}");
    let stats = on(&mut lab, "router", "conntrack -S");
    // The SYN and what was sent again of it.
    assert!(stats.contains("insert_failed=3 drop=3 "), "{stats}");
    assert!(on(&mut lab, "router", "conntrack -L").contains("SYN_SENT src=10.0.0.2 dst=203.0.113.77 sport="));
    assert!(on(&mut lab, "c2", "nc -zv 203.0.113.10 80").ends_with("succeeded!\n"), "another destination has ports");
}

/// FACTS 4: the port is kept while the tuple is free; of two clients with one port one gets another, from 1024 on.
#[test]
fn masquerade_keeps_the_port_that_is_free() {
    let mut lab = lab();
    on(&mut lab, "router", "iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE");
    on(&mut lab, "server", "nc -lk 80 > served &");
    for client in ["c1", "c2"] {
        on(&mut lab, client, "sysctl -qw net.ipv4.ip_local_port_range='50000 50000'");
        on(&mut lab, client, "echo a | nc -N 203.0.113.10 80");
    }
    let listed = on(&mut lab, "router", "conntrack -L");
    let given = |line: &str| line.rsplit("dport=").next().unwrap().split(' ').next().unwrap().parse::<u16>().unwrap();
    let ports: Vec<u16> = listed.lines().filter(|line| line.contains("TIME_WAIT")).map(given).collect();
    assert_eq!(ports.len(), 2, "{listed}");
    assert!(ports[0] == 50_000 && ports[1] != 50_000 && ports[1] >= 1024, "{listed}");
}
