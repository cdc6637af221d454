//! The figures of the engine, one `name value unit` a line; `cargo xtask bench` runs it in the release profile.
//!
//! Measured is real time: lessons with all that the gate asks of them, the scheduler on a large cluster, a
//! Deployment far larger than its cluster, and the source ports of one destination used up.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use portlab_engine::kube::scheduler::cluster::Cluster;
use portlab_engine::kube::scheduler::{Outcome, attempt, pod_info};
use portlab_engine::lab::{Lab, LabOptions, Nodes, Place};
use portlab_engine::linux::Namespace;
use portlab_engine::linux::address::Family;
use portlab_engine::linux::socket::{Protocol, SocketId};
use portlab_scenarios::grade::{self, Verdict};
use portlab_scenarios::world::Engine;
use serde_json::{Value, json};

fn main() {
    lessons();
    schedule(5_000, 10_000);
    scale(10_000);
    ports(28_232);
}

fn print(name: &str, value: f64, unit: &str) {
    println!("{name} {value:.3} {unit}");
}

/// How often the source ports are used up: the least time of each figure counts, for whatever else the machine does adds.
const RUNS: usize = 5;

/// The source ports of one destination used up, as [`use_up`] does it.
fn ports(count: u32) {
    let runs: Vec<Vec<Figure>> = (0..RUNS).map(|_| use_up(count)).collect();
    for (n, (name, _, unit)) in runs[0].iter().enumerate() {
        let least = runs.iter().map(|figures| figures[n].1).fold(f64::INFINITY, f64::min);
        print(name, least, unit);
    }
}

/// Name, value, unit.
type Figure = (&'static str, f64, &'static str);

/// Connections to one destination until no source port is left; as many that are refused; then all in `TIME_WAIT`, and
/// the end of that. The first and the last quarter of the connections say whether the cost grows as the range fills.
fn use_up(count: u32) -> Vec<Figure> {
    let mut namespace = Namespace::new(1);
    let to: SocketAddr = "127.0.0.1:80".parse().expect("an address");
    let listener = namespace.socket(Protocol::Tcp, Family::V4);
    namespace.bind(listener, to).expect("a free port");
    namespace.listen(listener, 4096).expect("a free port");
    let connect = |namespace: &mut Namespace, times: u32| -> Vec<SocketId> {
        let mut open = Vec::new();
        for _ in 0..times {
            let client = namespace.socket(Protocol::Tcp, Family::V4);
            namespace.connect(client, to).expect("a source port is left");
            open.extend([client, namespace.accept(listener).expect("a connection waits")]);
        }
        open
    };
    let mut open = Vec::new();
    let mut quarters = Vec::new();
    for _ in 0..4 {
        let started = Instant::now();
        open.extend(connect(&mut namespace, count / 4));
        quarters.push(started.elapsed());
    }
    let connecting = quarters.iter().sum::<Duration>();
    let started = Instant::now();
    for _ in 0..count {
        let client = namespace.socket(Protocol::Tcp, Family::V4);
        namespace.connect(client, to).expect_err("no source port is left");
        namespace.close(client);
    }
    let refused = started.elapsed();
    let started = Instant::now();
    open.into_iter().for_each(|socket| namespace.close(socket));
    namespace.advance(1000);
    assert_eq!(namespace.time_waits().count(), count as usize);
    namespace.advance(60_000);
    assert_eq!(namespace.time_waits().count(), 0);
    let expiring = started.elapsed();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let each = |time: Duration| time.as_secs_f64() * 4e6 / f64::from(count);
    vec![
        ("ports_connect_28232", ms(connecting), "ms"),
        ("ports_connect_first_quarter_each", each(quarters[0]), "us"),
        ("ports_connect_last_quarter_each", each(quarters[3]), "us"),
        ("ports_refused_28232", ms(refused), "ms"),
        ("ports_close_and_expire_28232", ms(expiring), "ms"),
    ]
}

/// Every claim of every lesson, its questions and exercises.
fn lessons() {
    let mut world = Engine::new(Some(portlab_jq::run));
    let lessons = portlab_scenarios::lessons();
    let started = Instant::now();
    let mut claims = 0;
    for lesson in &lessons {
        let graduation = grade::lesson(&mut world, lesson).expect("the engine always gives a fresh cluster");
        claims += graduation.claims.len();
        for graded in graduation.claims.iter().filter(|graded| graded.verdict != Verdict::Same) {
            eprintln!("{} does not hold: {}: {}", lesson.id, graded.place, graded.command.line);
        }
    }
    print("lessons_all_claims", started.elapsed().as_secs_f64(), "s");
    print("lessons_claims", claims as f64, "claims");
}

/// Pods with one of two host ports fill every node; one more finds none, with a reason for each node.
fn schedule(nodes: usize, pods: usize) {
    let mut cluster = Cluster::default();
    for n in 0..nodes {
        cluster.set_node(&node(&format!("node-{n:05}")));
    }
    let mut draws = 0u32;
    let mut draw = |bound: u32| {
        draws = draws.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (draws >> 8) % bound.max(1)
    };
    let started = Instant::now();
    for n in 0..pods {
        let mut pod = pod(&format!("pod-{n:05}"), if n % 2 == 0 { 8080 } else { 8081 });
        let attempt = attempt(&mut cluster, &pod_info::read(&pod), &mut draw);
        let Outcome::Placed { node, .. } = attempt.outcome else { panic!("pod {n} finds no node") };
        cluster.advance_start(attempt.evaluated);
        pod["spec"]["nodeName"] = json!(*node);
        cluster.add_pod(&Rc::new(pod_info::read(&pod)));
    }
    print("hostport_pods_placed", started.elapsed().as_secs_f64(), "s");
    let last = Instant::now();
    let attempt = attempt(&mut cluster, &pod_info::read(&pod("one-too-many", 8080)), &mut draw);
    let Outcome::Unschedulable(failure) = attempt.outcome else { panic!("every node holds port 8080") };
    assert!(failure.message.contains("didn't have free ports"), "{}", failure.message);
    print("hostport_pod_refused", last.elapsed().as_secs_f64(), "s");
}

fn node(name: &str) -> Value {
    let amounts = json!({"cpu": "8", "memory": "16Gi", "pods": "110"});
    json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
           "status": {"allocatable": amounts, "capacity": amounts}})
}

fn pod(name: &str, host_port: u16) -> Value {
    let port = json!({"containerPort": 80, "hostPort": host_port, "protocol": "TCP"});
    json!({"metadata": {"name": name, "namespace": "default", "uid": name},
           "spec": {"containers": [{"name": "web", "image": "nginx:1.29", "ports": [port]}]}})
}

/// A Deployment of which three nodes can run only a part, until everything that can run does.
fn scale(replicas: u32) {
    let mut lab = Lab::new(LabOptions { nodes: Nodes::Kind(3), ..LabOptions::default() });
    lab.run(&Place::Workstation, "kubectl create deployment web --image=nginx:1.29");
    lab.advance(Duration::from_secs(5));
    let started = Instant::now();
    let output = lab.run(&Place::Workstation, &format!("kubectl scale deployment/web --replicas={replicas}"));
    assert_eq!(output.text(), "deployment.apps/web scaled\n");
    lab.advance(Duration::from_secs(30));
    print("scale_to_10000_replicas_settled", started.elapsed().as_secs_f64(), "s");
    let looked = Instant::now();
    let output = lab.run(&Place::Workstation, "kubectl get pods -o wide");
    print("list_10000_pods", looked.elapsed().as_secs_f64(), "s");
    assert_eq!(output.text().lines().count(), replicas as usize + 1);
    print("events_of_10000_replicas", lab.events().len() as f64, "events");
}
