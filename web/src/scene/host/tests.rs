//! Scenes of a host: who decided, the steps of handshake and close, what is left over, and crowds.

use portlab_engine::event::{Event, What};
use portlab_engine::host::Call;
use portlab_engine::lab::{DeviceSpec, HostSpec, Lab, LabOptions, Nodes, Place};
use portlab_scenarios::syscalls::on_lab::OnLab;
use portlab_scenarios::syscalls::{Kernel, parse_trial};

use super::plug::Shape;
use super::rail::{At, Attempt, PLUGS_MAX, PORTS_MAX, Port, Rail};
use super::wire::WIRES_MAX;
use super::{ROWS_MAX, Scene, Shown, scene, table};
use crate::scene::frame::{Frame, Part, frames};

/// A bench on which one process has made these calls, and its stops.
fn after(script: &str) -> (Lab, Vec<Frame>) {
    let mut lab = Lab::new(LabOptions { nodes: Nodes::NoCluster, ..LabOptions::default() });
    let mut bench = OnLab::fresh(&mut lab);
    let from = bench.events();
    for line in parse_trial(script).expect("a script").cases().iter().flat_map(|case| &case.lines) {
        let new = line.stated.to_string();
        bench.answer(&line.call, &new);
    }
    let frames = frames(lab.events(), from, "");
    (lab, frames)
}

/// What is drawn at a stop.
fn drawn(lab: &Lab, frame: &Frame) -> Scene {
    scene(&lab.at(frame.end), frame.shown(lab.events()), true)
}

fn bench(scene: &Scene) -> &Rail {
    scene.rails.iter().find(|rail| &*rail.host == "bench").expect("the bench is drawn")
}

fn ports(rail: &Rail) -> Vec<&Port> {
    rail.zones.iter().flat_map(|zone| &zone.ports).collect()
}

/// The states at a port.
fn states(rail: &Rail, port: u16) -> Vec<&'static str> {
    ports(rail).iter().filter(|one| one.port == port).flat_map(|one| &one.plugs).map(super::plug::Plug::says).collect()
}

/// Two hosts behind a router, which hands packets on as they are.
fn linked() -> Lab {
    let host = |name: &str, devices: &[(&str, &str)], gateway: Option<&str>| HostSpec {
        name: name.to_owned(),
        devices: devices
            .iter()
            .enumerate()
            .map(|(n, (link, address))| DeviceSpec {
                name: format!("eth{n}"),
                link: (*link).to_owned(),
                addresses: vec![(*address).to_owned()],
                ..DeviceSpec::default()
            })
            .collect(),
        gateway: gateway.map(|address| address.parse().expect("an address")),
        forwards: devices.len() > 1,
        ..HostSpec::default()
    };
    let hosts = vec![
        host("client", &[("home", "10.0.0.2/24")], Some("10.0.0.1")),
        host("router", &[("home", "10.0.0.1/24"), ("net", "203.0.113.1/24")], None),
        host("server", &[("net", "203.0.113.10/24")], Some("203.0.113.1")),
    ];
    Lab::new(LabOptions { nodes: Nodes::NoCluster, hosts, ..LabOptions::default() })
}

#[test]
fn a_packet_that_is_handed_on_is_one_step_and_the_wire_goes_from_host_to_host() {
    let mut lab = linked();
    lab.run(&Place::Host("server".into()), "nc -lk 80 > /dev/null &");
    let from = lab.events().len();
    lab.run(&Place::Host("client".into()), "curl -s --max-time 1 203.0.113.10 > /dev/null");
    let frames = frames(lab.events(), from, "");
    let at = frames.iter().position(|frame| frame.title == "SYN").expect("a handshake");
    let titles: Vec<&str> = frames[at..at + 4].iter().map(|frame| frame.title.as_str()).collect();
    assert_eq!(titles, ["SYN", "SYN-ACK", "ACK", "connect"]);
    let scene = scene(&lab.at(frames[at].end), frames[at].shown(lab.events()), false);
    let names: Vec<&str> = scene.rails.iter().map(|rail| &*rail.host).collect();
    assert_eq!(names, ["client", "router", "server"]);
    let wire = &scene.wires.wires[0];
    let ends =
        [&wire.opener, &wire.other].map(|end| (end.host.as_deref(), end.plug.as_ref().map(super::plug::Plug::says)));
    assert_eq!(ends, [(Some("client"), Some("SYN_SENT")), (Some("server"), Some("SYN_RECV"))]);
}

const SERVER: &str = "socket(tcp4) = api\nbind(api, 0.0.0.0:8080)\nlisten(api, 16)\n";

#[test]
fn the_holder_is_ringed_and_the_refused_call_stands_beside_it() {
    let (lab, frames) = after(&format!("{SERVER}socket(tcp4) = other\nbind(other, 127.0.0.1:8080)"));
    let frame = frames.last().expect("a stop");
    assert_eq!(
        frame.decision.to_string(),
        "api at 0.0.0.0:8080, LISTEN, holds the port: bind(other, 127.0.0.1:8080) = -1 EADDRINUSE (Address already in use)"
    );
    let scene = drawn(&lab, frame);
    let rail = bench(&scene);
    let port = ports(rail)[0];
    assert_eq!(
        port.plugs.iter().map(|plug| (plug.who.says(), plug.decided)).collect::<Vec<_>>(),
        [("api".into(), true)]
    );
    let attempt = port.attempt.as_ref().expect("it is drawn");
    assert_eq!((attempt.call.as_str(), attempt.errno), ("bind(other, 127.0.0.1:8080)", "EADDRINUSE"));
    assert_eq!(rail.loose.len(), 1, "the refused socket has no port");
    let before = drawn(&lab, &frames[frames.len() - 2]);
    assert!(ports(bench(&before)).iter().all(|port| port.attempt.is_none() && !port.plugs[0].decided));
}

#[test]
fn settings_and_privileges_decide_where_nobody_holds_the_port() {
    let (lab, frames) = after("seteuid(1000)\nsocket(tcp4) = low\nbind(low, 0.0.0.0:80)\nbind(low, 10.1.2.3:8080)");
    let said: Vec<String> = frames.iter().skip(2).map(|frame| frame.decision.to_string()).collect();
    assert!(said[0].starts_with("ip_unprivileged_port_start = 1024: bind(low, 0.0.0.0:80) = -1 EACCES"), "{said:?}");
    assert!(said[1].starts_with("10.1.2.3 is not an address of this host: "), "{said:?}");
    let scene = drawn(&lab, &frames[2]);
    let port = ports(bench(&scene))[0];
    assert_eq!((port.port, port.plugs.len(), port.attempt.is_some()), (80, 0, true));
}

#[test]
fn a_range_that_is_used_up_is_refused_as_a_whole() {
    let (lab, frames) = after(&format!(
        "{SERVER}sysctl(net.ipv4.ip_local_port_range, \"40000 40001\")\n\
         socket(tcp4) = one\nconnect(one, 127.0.0.1:8080)\nsocket(tcp4) = two\nconnect(two, 127.0.0.1:8080)\n\
         socket(tcp4) = three\nconnect(three, 127.0.0.1:8080)"
    ));
    let frame = frames.last().expect("a stop");
    assert!(frame.decision.to_string().starts_with("no port left of 40000–40001: "), "{}", frame.decision);
    let scene = drawn(&lab, frame);
    let zone = bench(&scene).zones.iter().find(|zone| zone.low == 40_000).expect("the range is a zone");
    assert!(matches!(zone.attempt, Some(Attempt { at: At::Range(40_000), errno: "EADDRNOTAVAIL", .. })));
    assert_eq!(bench(&scene).settings, ["ip_local_port_range = 40000 40001"]);
}

#[test]
fn a_handshake_opens_into_its_packets_and_nothing_is_drawn_ahead() {
    let (lab, frames) = after(&format!("{SERVER}socket(tcp4) = client\nconnect(client, 127.0.0.1:8080)"));
    let last: Vec<&Frame> = frames.iter().rev().take(4).rev().collect();
    let titles: Vec<&str> = last.iter().map(|frame| frame.title.as_str()).collect();
    assert_eq!(titles, ["SYN", "SYN-ACK", "ACK", "connect"]);
    let client =
        lab.state().hosts["bench"].namespace().sockets().find(|(_, s)| s.dport == 8080).expect("a client").1.num;
    let seen: Vec<(Vec<&str>, Vec<&str>)> = last
        .iter()
        .map(|frame| {
            let scene = drawn(&lab, frame);
            (states(bench(&scene), client), states(bench(&scene), 8080))
        })
        .collect();
    assert_eq!(seen[0], (vec!["SYN_SENT"], vec!["LISTEN", "SYN_RECV"]));
    assert_eq!(seen[1], (vec!["ESTABLISHED"], vec!["LISTEN", "SYN_RECV"]));
    assert_eq!(seen[2], (vec!["ESTABLISHED"], vec!["LISTEN", "ESTABLISHED"]));
    assert_eq!(seen[3], seen[2]);
    let first = drawn(&lab, last[0]);
    let pill = first.wires.wires[0].pill.as_ref().expect("a packet is on its way");
    assert_eq!((pill.flag.as_str(), pill.to_other), ("SYN", true));
    let second = drawn(&lab, last[1]);
    assert!(second.wires.wires[0].pill.as_ref().is_some_and(|pill| !pill.to_other));
    assert!(drawn(&lab, last[3]).wires.wires[0].pill.is_none(), "all have arrived");
}

#[test]
fn who_closes_first_is_left_in_time_wait() {
    let (lab, frames) = after(&format!(
        "{SERVER}socket(tcp4) = client\nconnect(client, 127.0.0.1:8080)\naccept(api) = conn\n\
         close(conn)\nclose(client)\nsleep(5)\nsocket(tcp4) = later"
    ));
    let scene = drawn(&lab, frames.last().expect("a stop"));
    let port = ports(bench(&scene)).into_iter().find(|port| port.port == 8080).expect("8080 is drawn");
    let wait = port.plugs.iter().find(|plug| plug.shape == Shape::TimeWait).expect("the server closed first");
    assert_eq!(wait.who.says(), "no process");
    assert!(matches!(wait.timer, Some(("left", 54_000..=55_100))), "{:?}", wait.timer);
    let titles: Vec<&str> = frames.iter().map(|frame| frame.title.as_str()).collect();
    assert!(titles.windows(2).any(|pair| pair == ["FIN", "close"]) || titles.contains(&"FIN"), "{titles:?}");
    let told = "port 8080 FIN_WAIT1 → FIN_WAIT2 → TIME_WAIT";
    assert!(frames.iter().any(|frame| frame.decision.to_string().ends_with(told)), "a socket's way is told whole");
}

#[test]
fn what_connect_finds_taken_is_a_tuple_and_what_has_not_come_is_no_refusal() {
    let (_, frames) = after(&format!(
        "{SERVER}socket(tcp4) = one\nsetsockopt(one, SO_REUSEADDR, 1)\nbind(one, 127.0.0.1:50000)\n\
         connect(one, 127.0.0.1:8080)\nsocket(tcp4) = two\nsetsockopt(two, SO_REUSEADDR, 1)\n\
         bind(two, 127.0.0.1:50000)\nrecv(one)\nconnect(two, 127.0.0.1:8080)"
    ));
    let said: Vec<&Frame> = frames.iter().rev().take(2).rev().collect();
    assert!(!said[0].decision.parts.iter().any(|part| matches!(part, Part::Refusal(_))), "{:?}", said[0].decision);
    let refused = said[1].decision.to_string();
    assert!(refused.starts_with("one at 127.0.0.1:50000, ESTABLISHED, has this five-tuple: connect(two"), "{refused}");
}

#[test]
fn a_refused_connect_shows_the_reset() {
    let (lab, frames) = after("socket(tcp4) = client\nconnect(client, 127.0.0.1:9)");
    let titles: Vec<&str> = frames.iter().map(|frame| frame.title.as_str()).collect();
    assert_eq!(titles, ["socket", "SYN", "RST", "connect"]);
    let scene = drawn(&lab, &frames[2]);
    assert!(scene.wires.wires[0].other.plug.is_none(), "nobody is there");
}

#[test]
fn crowds_are_counted_and_not_drawn() {
    let mut lab = Lab::new(LabOptions { nodes: Nodes::NoCluster, ..LabOptions::default() });
    let mut bench = OnLab::fresh(&mut lab);
    let mut make = |line: &str, new: &str| {
        let script = parse_trial(&format!("{line}\n")).or_else(|_| parse_trial(&format!("{line} = {new}\n")));
        let script = script.or_else(|_| parse_trial(&format!("socket(tcp4) = {new}\n{line}\n"))).expect("a line");
        let line = script.cases().iter().flat_map(|case| case.lines.clone()).next_back().expect("a call");
        bench.answer(&line.call, new);
    };
    make("socket(tcp4)", "api");
    make("bind(api, 0.0.0.0:8080)", "api");
    make("listen(api, 4096)", "api");
    for n in 0..600 {
        let name = format!("c{n}");
        make("socket(tcp4)", &name);
        make(&format!("connect({name}, 127.0.0.1:8080)"), &name);
    }
    let scene = scene(lab.state(), None, true);
    let rail = self::bench(&scene);
    let all = ports(rail);
    assert!(all.len() <= PORTS_MAX && all.iter().all(|port| port.plugs.len() <= PLUGS_MAX));
    assert_eq!(rail.sockets, 1201);
    let hidden: usize = rail.zones.iter().map(|zone| zone.hidden.ports).sum();
    assert_eq!(all.len() + hidden, 601);
    assert_eq!((scene.wires.wires.len(), scene.wires.hidden), (WIRES_MAX, 600 - WIRES_MAX));
    let (rows, more) = table(lab.state(), None, true);
    assert_eq!((rows.len(), rows.len() + more), (ROWS_MAX, 1201));
}

#[test]
fn a_command_of_many_calls_has_few_stops() {
    let mut lab = Lab::new(LabOptions { nodes: Nodes::NoCluster, ..LabOptions::default() });
    lab.run(&Place::Workstation, "nc -lk 8080 > /dev/null &");
    let from = lab.events().len();
    lab.run(&Place::Workstation, "for i in $(seq 1 60); do curl -s localhost:8080 > /dev/null; done");
    let calls = lab.events().len() - from;
    let stops = frames(lab.events(), from, "").len();
    assert!(calls > 300 && stops < 200, "{calls} events, {stops} stops");
}

/// What the strip says at each stop of a command line on a host where nothing else goes on, and the clock there in
/// seconds after the command began.
fn told(lab: &mut Lab, line: &str) -> Vec<(String, f64)> {
    let (from, began) = (lab.events().len(), lab.now());
    lab.run(&Place::Host("client".into()), line);
    let told = |frame: &Frame| {
        let clock = frame.clock.unwrap_or(lab.at(frame.end).now);
        (frame.decision.to_string(), clock.since(began).as_secs_f64())
    };
    frames(lab.events(), from, "").iter().map(told).collect()
}

#[test]
fn a_script_that_sleeps_stops_where_it_wakes() {
    let (lab, frames) = after(
        "socket(tcp4) = api\nbind(api, 127.0.0.1:8080)\nlisten(api)\nsocket(tcp4) = c\nconnect(c, 127.0.0.1:8080)\n\
         accept(api) = s\nclose(c)\nclose(s)\nsleep(66)\nsleep(0.5)",
    );
    let clock = |frame: &Frame| frame.clock.unwrap_or(lab.at(frame.end).now);
    let stops: Vec<_> = frames.iter().map(|frame| (frame.decision.to_string(), clock(frame))).collect();
    let secs = |place: usize| stops[stops.len() - place].1.0 / 1000;
    assert_eq!(stops[stops.len() - 1].0, "sleep(0.5) = 0");
    assert_eq!((&*stops[stops.len() - 2].0, secs(2)), ("sleep(66) = 0", 66), "{stops:?}");
    // What happens by itself while it sleeps comes first.
    assert_eq!((&*stops[stops.len() - 3].0, secs(3)), ("127.0.0.1:41750 TIME_WAIT → CLOSE", 60), "{stops:?}");
}

#[test]
fn time_that_passes_is_a_stop_with_its_clock() {
    let mut lab = linked();
    let quiet = |secs: &str| format!("{secs} pass, and nothing happens");
    let prompt = |line: &str| format!("client# {line}");
    assert_eq!(told(&mut lab, "sleep 31"), [(prompt("sleep 31"), 0.0), (quiet("31 s"), 31.0)]);
    assert_eq!(told(&mut lab, "sleep 0.9"), [(prompt("sleep 0.9"), 0.9)], "not for less than a second");
    // Between two programs no event tells the clock.
    let all = told(&mut lab, "sleep 5; nc -z 127.0.0.1 80; sleep 2");
    assert_eq!(all[..2], [(prompt("sleep 5; nc -z 127.0.0.1 80; sleep 2"), 0.0), (quiet("5 s"), 5.0)]);
    assert_eq!(all[2].1, 5.0, "{all:?}");
    // A program takes a tenth of a second after its last call.
    assert_eq!(all.last(), Some(&(quiet("2.1 s"), 7.1)));
    let waits = all.iter().filter(|(said, _)| said.contains("nothing happens")).count();
    assert_eq!(waits, 2, "{all:?}");
}

#[test]
fn what_happens_by_itself_while_one_sleeps_has_stops_of_its_own() {
    let mut lab = linked();
    lab.run(&Place::Host("server".into()), "nc -l 80 > /dev/null &");
    lab.run(&Place::Host("client".into()), "nc -N 203.0.113.10 80 < /dev/null");
    let all = told(&mut lab, "sleep 30");
    assert_eq!(all.last().map(|(said, at)| (said.as_str(), *at)), Some(("30 s pass, and nothing happens", 30.0)));
    let all = told(&mut lab, "sleep 40");
    assert!(all.iter().any(|(said, _)| said.contains("TIME_WAIT → CLOSE")), "{all:?}");
    assert!(!all.iter().any(|(said, _)| said.contains("nothing happens")), "{all:?}");
}

#[test]
fn a_loop_that_sleeps_has_no_more_stops_than_can_be_gone_through() {
    let mut lab = linked();
    let all = told(&mut lab, "for i in $(seq 200); do sleep 1; nc -z 127.0.0.1 80; done");
    let quiet = all.iter().filter(|(said, _)| said.contains("nothing happens")).count();
    assert_eq!(quiet, 60);
}

#[test]
fn of_many_hosts_those_are_drawn_that_speak() {
    let host = |n: u8| HostSpec {
        name: format!("h{n}"),
        devices: vec![DeviceSpec {
            name: "eth0".to_owned(),
            link: "wire".to_owned(),
            addresses: vec![format!("10.0.0.{n}/24")],
            ..DeviceSpec::default()
        }],
        ..HostSpec::default()
    };
    let hosts = (1..=7).map(host).collect();
    let mut lab = Lab::new(LabOptions { nodes: Nodes::NoCluster, hosts, ..LabOptions::default() });
    lab.run(&Place::Host("h6".to_owned()), "nc -lk 80 &");
    lab.run(&Place::Host("h7".to_owned()), "nc -z 10.0.0.6 80");
    let connected = |event: &&Event| matches!(&event.what, What::Called { call: Call::Connect { .. }, .. });
    let event = lab.events().iter().find(connected).expect("a connection");
    let state = lab.at(event.index + 1);
    let scene = scene(&state, Some(Shown { event, step: None }), false);
    let drawn: Vec<&str> = scene.rails.iter().map(|rail| &*rail.host).collect();
    assert_eq!((drawn, scene.hidden_hosts), (vec!["h1", "h2", "h6", "h7"], 3));
}

#[test]
fn a_router_shows_what_it_translates_from_the_step_on_in_which_it_does() {
    let mut lab = linked();
    lab.run(&Place::Host("router".into()), "iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE");
    lab.run(&Place::Host("server".into()), "nc -lk 80 > /dev/null &");
    let from = lab.events().len();
    lab.run(&Place::Host("client".into()), "nc -z -p 50000 203.0.113.10 80");
    let frames = frames(lab.events(), from, "");
    let at = frames.iter().position(|frame| frame.title == "SYN").expect("a handshake");
    let seen = |frame: &Frame| {
        let scene = scene(&lab.at(frame.end), frame.shown(lab.events()), false);
        let router = scene.rails.iter().find(|rail| &*rail.host == "router").expect("it is drawn").clone();
        router.translations.into_iter().map(|one| (one.from, one.to, one.towards)).collect::<Vec<_>>()
    };
    assert_eq!(seen(&frames[at]), [], "the packet is on its way to the router");
    let entry = ("10.0.0.2:50000".to_owned(), "203.0.113.1:50000".to_owned(), "203.0.113.10:80".to_owned());
    assert_eq!(seen(&frames[at + 1]), std::slice::from_ref(&entry));
    assert_eq!(seen(frames.last().expect("a stop")), [entry]);
}
