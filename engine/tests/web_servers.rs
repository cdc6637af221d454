//! Web servers and ab on a host: who closes first, and what ab says, as measured with nginx 1.22.1, Python 3.11 and
//! ApacheBench 2.3 in network namespaces.

use portlab_engine::lab::{Lab, LabOptions, Nodes, Place};

fn lab() -> Lab {
    let mut lab = Lab::new(LabOptions { nodes: Nodes::NoCluster, ..LabOptions::default() });
    lab.write_file("index.html", "hello\n");
    lab
}

fn run(lab: &mut Lab, line: &str) -> (String, i32) {
    let output = lab.run(&Place::Workstation, line);
    (output.text(), output.exit)
}

/// Local ports of what is left of connections.
fn time_waits(lab: &mut Lab) -> Vec<u16> {
    let text = run(lab, "ss -Htan state time-wait").0;
    let local = |line: &str| line.split_whitespace().nth(2)?.rsplit(':').next()?.parse().ok();
    text.lines().filter_map(local).collect()
}

#[test]
fn who_closes_first_is_the_servers_matter() {
    // Server, client, and whether TIME_WAIT stays with the server.
    let cases = [
        ("python3 -m http.server 80 &", "ab -q -n 3 http://127.0.0.1/", true),
        ("python3 -m http.server 80 &", "ab -q -n 3 -k http://127.0.0.1/", true),
        ("python3 -m http.server 80 &", "for i in 1 2 3; do curl -s 127.0.0.1; done", true),
        ("nginx", "ab -q -n 3 http://127.0.0.1/", true),
        ("nginx", "ab -q -n 9 -c 3 -k http://127.0.0.1/", false),
        ("nginx", "for i in 1 2 3; do curl -s 127.0.0.1; done", false),
    ];
    for (server, client, at_server) in cases {
        let mut lab = lab();
        run(&mut lab, server);
        let (text, exit) = run(&mut lab, client);
        assert_eq!(exit, 0, "{client}: {text}");
        let ports = time_waits(&mut lab);
        assert_eq!(ports.len(), 3, "{server} {client}: {ports:?}");
        assert!(ports.iter().all(|port| (*port == 80) == at_server), "{server} {client}: {ports:?}");
    }
}

#[test]
fn ab_reports_and_fails_as_the_real_one() {
    let mut lab = lab();
    run(&mut lab, "nginx");
    let (text, _) = run(&mut lab, "ab -q -n 6 -c 2 -k http://127.0.0.1/");
    for line in [
        "Server Software:        nginx/1.22.1\n",
        "Document Length:        6 bytes\n",
        "Concurrency Level:      2\n",
        "Complete requests:      6\n",
        "Keep-Alive requests:    6\n",
        "  50%      1\n",
        " 100%      1 (longest request)\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert_eq!(run(&mut lab, "ss -Htln").0.lines().count(), 2);
    run(&mut lab, "sysctl -qw net.ipv4.ip_local_port_range='40000 40003'");
    let aborted = "Benchmarking 127.0.0.1 (be patient)...\nTest aborted after 10 failures\n\n\
                   apr_socket_connect(): Cannot assign requested address (99)\n";
    let (text, exit) = run(&mut lab, "ab -n 20 -c 6 http://127.0.0.1/");
    assert!(text.ends_with(aborted), "{text}");
    assert_eq!(exit, 99);
    let (text, exit) = run(&mut lab, "sleep 61; nginx -s stop; ab -n 2 http://127.0.0.1/");
    assert!(text.ends_with("(be patient)...apr_socket_recv: Connection refused (111)\n"), "{text}");
    assert_eq!(exit, 111);
    assert_eq!(run(&mut lab, "ab -n 1 http://127.0.0.1").1, 22);
}

#[test]
fn many_requests_are_few_events_and_each_is_there() {
    let mut lab = lab();
    run(&mut lab, "python3 -m http.server 80 &");
    let before = lab.events().len();
    let (text, exit) = run(&mut lab, "ab -q -n 28232 -c 100 http://127.0.0.1/");
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("Complete requests:      28232\n"), "{text}");
    assert!(lab.events().len() - before < 300);
    // A port that is chosen again takes the place of what the server kept of it.
    assert!(time_waits(&mut lab).len() > 10_000);
}

#[test]
fn servers_and_loads_are_folded_and_replayed() {
    let mut lab = lab();
    let lines =
        ["nginx", "ab -q -n 12 -c 3 -k http://127.0.0.1/", "sleep 61; ab -q -n 5 -c 2 http://127.0.0.1/; ss -tan"];
    let printed: Vec<_> = lines.iter().map(|line| run(&mut lab, line)).collect();
    let events = lab.events().to_vec();
    assert!(lab.at(events.len()) == *lab.state());
    for count in lab.scene()..events.len() {
        let folded = lab.at(count);
        lab.rewind(count);
        assert!(*lab.state() == folded, "rewound to event {count}");
        assert!(lab.undo());
    }
    let mut again = self::lab();
    assert_eq!(printed, lines.map(|line| run(&mut again, line)));
    assert!(events == again.events());
}
