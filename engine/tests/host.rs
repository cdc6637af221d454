//! The programs of a host against the real ones: sessions that were recorded on Linux 6.18 with Debian 12's programs, in
//! `fixtures/host/*.txt` by `record.sh` beside them; and that a lab with hosts is replayed exactly.

use std::time::Duration;

use portlab_engine::event::What;
use portlab_engine::lab::{Lab, LabOptions, Nodes, Place};
use portlab_engine::linux::Namespace;
use portlab_engine::linux::address::Family;
use portlab_engine::linux::socket::Protocol;
use portlab_engine::linux::trace::Trace;
use regex_lite::Regex;

const SESSIONS: [(&str, &str, &str); 11] = [
    ("background", include_str!("../fixtures/host/background.in"), include_str!("../fixtures/host/background.txt")),
    ("listen", include_str!("../fixtures/host/listen.in"), include_str!("../fixtures/host/listen.txt")),
    ("time-wait", include_str!("../fixtures/host/time-wait.in"), include_str!("../fixtures/host/time-wait.txt")),
    ("sysctl", include_str!("../fixtures/host/sysctl.in"), include_str!("../fixtures/host/sysctl.txt")),
    ("ip", include_str!("../fixtures/host/ip.in"), include_str!("../fixtures/host/ip.txt")),
    ("curl", include_str!("../fixtures/host/curl.in"), include_str!("../fixtures/host/curl.txt")),
    ("iptables", include_str!("../fixtures/host/iptables.in"), include_str!("../fixtures/host/iptables.txt")),
    ("lsof", include_str!("../fixtures/host/lsof.in"), include_str!("../fixtures/host/lsof.txt")),
    ("nc", include_str!("../fixtures/host/nc.in"), include_str!("../fixtures/host/nc.txt")),
    ("filters", include_str!("../fixtures/host/filters.in"), include_str!("../fixtures/host/filters.txt")),
    ("proc", include_str!("../fixtures/host/proc.in"), include_str!("../fixtures/host/proc.txt")),
];

fn lab() -> Lab {
    Lab::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() })
}

fn run(lab: &mut Lab, line: &str) -> String {
    lab.run(&Place::Workstation, line).text()
}

/// What differs from run to run: numbers of processes and sockets, and with them the width of the last column.
fn masked(text: &str) -> String {
    if text.starts_with("COMMAND") {
        let blanks = Regex::new(" +").unwrap().replace_all(text, " ");
        return Regex::new(r"nc \d+|(IPv\d) \d+").unwrap().replace_all(&blanks, "$1 #").into_owned();
    }
    let random =
        Regex::new(r"pid=\d+|ino:[1-9]\d*|sk:[0-9a-f]+|\d+/nc *| [1-9]\d{4,} *$|\(5\d\.\d\d|after 1\d{3} m").unwrap();
    let text: Vec<String> = text.lines().map(|line| random.replace_all(line, "#").into_owned()).collect();
    let wide = text.iter().any(|line| line.contains('#'));
    text.iter().map(|line| format!("{}\n", if wide { line.trim_end() } else { line })).collect()
}

/// A line as it is run in the lab: what a server prints goes into a file, as when it was recorded.
fn in_lab(line: &str) -> String {
    line.strip_suffix('&').map_or_else(|| line.to_owned(), |server| format!("{server}> served &"))
}

/// `[1]+  Terminated`: what a shell says of its jobs.
fn is_of_job(line: &str) -> bool {
    line.strip_prefix('[').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn agrees_with_the_programs_of_debian() {
    let (mut count, mut failures) = (0, 0);
    for (name, input, transcript) in SESSIONS {
        let mut lab = lab();
        let mut rest = transcript;
        let mut lines = input.lines().peekable();
        while let Some(line) = lines.next() {
            rest = rest.strip_prefix(&format!("$ {line}\n")).unwrap_or_else(|| panic!("{name}: {line}: {rest:.80}"));
            let end = lines.peek().map_or(rest.len(), |next| rest.find(&format!("$ {next}\n")).unwrap());
            // A shell that is not interactive tells nothing of jobs.
            let got: String = run(&mut lab, &in_lab(line)).split_inclusive('\n').filter(|l| !is_of_job(l)).collect();
            let want = &rest[..end];
            rest = &rest[end..];
            if line.ends_with('&') || line.starts_with("kill") {
                continue;
            }
            count += 1;
            if masked(&got) != masked(want) {
                failures += 1;
                eprintln!("{name}: $ {line}\n--- got\n{}--- want\n{}", masked(&got), masked(want));
            }
        }
    }
    assert_eq!(failures, 0, "of {count}");
    assert!(count > 200, "{count} lines");
}

/// The lines of the material on ports that name these programs, as written there.
const MATERIAL: [&str; 11] = [
    "sysctl net.ipv4.ip_local_port_range",
    "ss -tlnp # listening sockets only",
    "netstat -an | grep tcp | grep 80",
    "ss -tlnp | grep 8080",
    "ss -tan | grep 8080",
    "ss -tnp # connected sockets",
    "ss -tan | awk '{print $4}' | cut -d: -f2 | sort -n | tail -20",
    "ss -tan state time-wait | awk '{print $4}' | sort | uniq -c | sort -rn | head -10",
    "nstat -az TcpExtTCPTimeWaitOverflow",
    "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"",
    "sysctl -w net.ipv4.tcp_tw_reuse=1",
];

#[test]
fn lines_of_the_material_run_as_written() {
    for nodes in [Nodes::None, Nodes::Kind(3)] {
        let mut lab = Lab::new(LabOptions { nodes, ..LabOptions::default() });
        run(&mut lab, "nc -lk 8080 > served &");
        run(&mut lab, "nc -z 127.0.0.1 8080");
        for line in MATERIAL {
            let output = lab.run(&Place::Workstation, line);
            assert_eq!(output.exit, 0, "{line}: {}", output.text());
            assert!(!output.text().contains("portlab"), "{line}: {}", output.text());
        }
    }
}

#[test]
fn jobs_are_waited_for_and_shown() {
    let mut lab = lab();
    assert_eq!(run(&mut lab, "wait; echo $?"), "0\n");
    run(&mut lab, "nc -l 8080 > served &");
    assert_eq!(run(&mut lab, "wait %1; echo $?"), "portlab: the jobs still run; stopped waiting after 30 s\n130\n");
    assert_eq!(
        run(&mut lab, "ps -o pid=,args= -C nc; pidof nc; pgrep -a nc"),
        "   1201 nc -l 8080\n1201\n1201 nc -l 8080\n"
    );
    assert_eq!(
        run(&mut lab, "kill -0 $!; echo $?; jobs -l"),
        "0\n[1]+  1201 Running                 nc -l 8080 > served &\n"
    );
    let killed = "[1]+  Terminated              nc -l 8080 > served\n";
    assert_eq!(run(&mut lab, "kill %1; wait %1; echo $?"), format!("143\n{killed}"));
    assert_eq!(run(&mut lab, "wait 99; echo $?"), "bash: wait: pid 99 is not a child of this shell\n127\n");
    assert_eq!(run(&mut lab, "time sleep 61.5"), "\nreal\t1m1.500s\nuser\t0m0.000s\nsys\t0m0.000s\n");
    run(&mut lab, "sysctl -qw net.ipv4.ip_local_port_range='40000 40000'; nc -lk 8080 > served &");
    let bound = run(&mut lab, "curl -s -m 1 --interface lo 127.0.0.1:8080; ss -Htan dport = :8080 | awk '{print $4}'");
    assert_eq!(bound, "127.0.0.1%lo:40000\n");
}

/// A history in which sockets wait, servers answer and time passes.
const HISTORY: [&str; 9] = [
    "nc -lk 8080 > served &",
    "for i in 1 2 3; do nc -z 127.0.0.1 8080; done",
    "echo hello | nc -N 127.0.0.1 8080",
    "sysctl -w net.ipv4.ip_local_port_range='40000 40001'",
    "sleep 30; nc -zv 127.0.0.1 8080; nc -zv 127.0.0.1 8080; nc -zv 127.0.0.1 8080",
    "ss -tano",
    "sleep 45; ss -tano",
    "kill %1; nc -l 8080 &",
    "nc -z 127.0.0.1 8080; ss -tan; cat served",
];

#[test]
fn hosts_are_folded_and_replayed() {
    let mut lab = lab();
    let printed: Vec<String> = HISTORY.iter().map(|line| run(&mut lab, line)).collect();
    let events = lab.events().to_vec();
    assert!(lab.at(events.len()) == *lab.state());
    for count in (lab.scene()..events.len()).step_by(7) {
        let folded = lab.at(count);
        lab.rewind(count);
        assert!(*lab.state() == folded, "rewound to event {count}");
        assert!(lab.undo());
    }
    let mut again = self::lab();
    assert_eq!(printed, HISTORY.map(|line| run(&mut again, line)));
    assert!(events == again.events());
}

#[test]
fn an_event_tells_the_call_its_result_and_what_decided() {
    let mut lab = lab();
    run(&mut lab, "nc -lk 8080 &");
    run(&mut lab, "sysctl -qw net.ipv4.ip_local_port_range='50000 50000'; nc -z 127.0.0.1 8080; nc -z 127.0.0.1 8080");
    run(&mut lab, "nc -p 8080 127.0.0.1 9");
    let told: Vec<String> =
        lab.events().iter().filter(|e| matches!(e.what, What::Called { .. })).map(|e| e.what.to_string()).collect();
    for line in [
        "workstation: nc[1201] bind(3, 0.0.0.0:8080) = 0",
        "workstation: nc[1201] accept(3) = 4 from 127.0.0.1:50000",
        "workstation: nc[1204] connect(3, 127.0.0.1:8080) = -1 EADDRNOTAVAIL (Cannot assign requested address): \
         no port left of 50000-50000",
        "workstation: nc[1205] bind(3, 0.0.0.0:8080) = -1 EADDRINUSE (Address already in use): \
         held by nc (1201) at 0.0.0.0:8080, LISTEN",
    ] {
        assert!(told.iter().any(|told| told == line), "{line}\nnot in\n{}", told.join("\n"));
    }
}

/// What happened on the hosts, told by the events from this one on.
fn told(lab: &Lab, from: usize) -> String {
    let moments = lab.events()[from..].iter().flat_map(|event| match &event.what {
        What::Called { trace, .. } | What::Passed { trace } => trace.to_vec(),
        _ => Vec::new(),
    });
    moments.map(|moment| format!("{moment}\n")).collect()
}

/// A client that closes first, as the events tell it: times of the lab in seconds, this end of a connection first.
const CONNECTION: &str = "\
0.100 workstation: 0.0.0.0:8080 CLOSE -> LISTEN
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 CLOSE -> SYN_SENT
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 [S]
0.200 workstation: 127.0.0.1:8080 > 127.0.0.1:50000 CLOSE -> SYN_RECV
0.200 workstation: 127.0.0.1:8080 > 127.0.0.1:50000 [S.]
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 SYN_SENT -> ESTABLISHED
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 [.]
0.200 workstation: 127.0.0.1:8080 > 127.0.0.1:50000 SYN_RECV -> ESTABLISHED
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 ESTABLISHED -> FIN_WAIT1
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 [F.]
0.200 workstation: 127.0.0.1:8080 > 127.0.0.1:50000 ESTABLISHED -> CLOSE_WAIT
0.200 workstation: 127.0.0.1:8080 > 127.0.0.1:50000 CLOSE_WAIT -> LAST_ACK
0.200 workstation: 127.0.0.1:8080 > 127.0.0.1:50000 [F.]
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 FIN_WAIT1 -> FIN_WAIT2
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 FIN_WAIT2 -> TIME_WAIT
0.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 [.]
0.200 workstation: 127.0.0.1:8080 > 127.0.0.1:50000 LAST_ACK -> CLOSE
";

/// A SYN and a datagram to closed ports.
const REFUSED: &str = "\
70.300 workstation: 127.0.0.1:50000 > 127.0.0.1:9 CLOSE -> SYN_SENT
70.300 workstation: 127.0.0.1:50000 > 127.0.0.1:9 [S]
70.300 workstation: 127.0.0.1:9 > 127.0.0.1:50000 [R.]
70.300 workstation: 127.0.0.1:50000 > 127.0.0.1:9 SYN_SENT -> CLOSE
70.400 workstation: 127.0.0.1:50000 > 127.0.0.1:9 UDP, 2 bytes
70.400 workstation: 127.0.0.1 > 127.0.0.1 ICMP 127.0.0.1 udp port 9 unreachable
";

#[test]
fn events_tell_packets_and_states() {
    let mut lab = lab();
    run(&mut lab, "sysctl -qw net.ipv4.ip_local_port_range='50000 50001'; nc -lk 8080 &");
    run(&mut lab, "nc -z 127.0.0.1 8080");
    assert_eq!(told(&lab, 0), CONNECTION);
    let from = lab.events().len();
    lab.advance(Duration::from_secs(70));
    assert_eq!(told(&lab, from), "60.200 workstation: 127.0.0.1:50000 > 127.0.0.1:8080 TIME_WAIT -> CLOSE\n");
    let from = lab.events().len();
    run(&mut lab, "nc -z 127.0.0.1 9; echo a | nc -w1 -u 127.0.0.1 9");
    assert_eq!(told(&lab, from), REFUSED);
}

#[test]
fn a_full_queue_and_its_silence_are_told() {
    let mut host = Namespace::new(1);
    host.switch_on(Trace::new("server".into(), 0));
    let to = "127.0.0.1:8080".parse().unwrap();
    let listener = host.socket(Protocol::Tcp, Family::V4);
    host.bind(listener, to).unwrap();
    host.listen(listener, 0).unwrap();
    let mut answers = (0..2).map(|_| {
        let client = host.socket(Protocol::Tcp, Family::V4);
        host.connect(client, to).is_ok()
    });
    assert_eq!((answers.next(), answers.next()), (Some(true), Some(false)));
    let told: Vec<String> = host.take_trace().iter().map(ToString::to_string).collect();
    let dropped = "[S], dropped: the listener's queue is full";
    assert!(told.iter().any(|line| line.ends_with(dropped)), "{}", told.join("\n"));
    assert!(host.take_trace().is_empty());
}

#[test]
fn a_trace_is_bounded() {
    let mut lab = lab();
    let from = lab.events().len();
    run(&mut lab, "nc -lk 8080 > served & for i in $(seq 400); do nc -z 127.0.0.1 8080; done");
    let told = told(&lab, from);
    let kept = told.lines().filter(|line| !line.contains(" more")).count();
    assert_eq!(kept, 4096);
    assert!(told.lines().last().is_some_and(|line| line.contains(" more")), "{told:.200}");
}
