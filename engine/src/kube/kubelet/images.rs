//! The images that the lab knows: what their programs do, and which of them a fresh node has already.
//!
//! Sources: the images themselves (nginx's Dockerfile and entry point, agnhost's `test/images/agnhost` of Kubernetes 1.34,
//! busybox's applets). An image that is not here runs, stops when it is told to, and listens on nothing; [`known`] tells.

use super::program::{Dress, Families, NODE_ADDRESS, OnTerm, Program, Serves, Socket, Step, Transport};
use super::shell_script;

const AT_ONCE: OnTerm = OnTerm::Exit { after_ms: 100, code: 0 };

/// Images of which every node has these tags from the start, as `kind load` or the node image put them there.
const PRESENT: [(&str, &[&str]); 5] = [
    ("docker.io/library/nginx", &["1.29", "1.29.0"]),
    ("docker.io/library/busybox", &["1.37"]),
    ("registry.k8s.io/e2e-test-images/agnhost", &["2.53"]),
    ("registry.k8s.io/pause", &["3.10", "3.10.1"]),
    ("docker.io/kindest/local-path-provisioner", &["v20250214-acbabc1a"]),
];

/// Servers that need no arguments: repository, process name, ports, and what answers there.
pub(super) const SERVERS: [(&str, &str, &[u16], Serves); 16] = [
    ("nginx", "nginx", &[80], Serves::Files),
    ("httpd", "httpd", &[80], Serves::Files),
    ("caddy", "caddy", &[80], Serves::Files),
    ("nginx-unprivileged", "nginx", &[8080], Serves::Files),
    ("whoami", "whoami", &[80], Serves::Anything),
    ("redis", "redis-server", &[6379], Serves::Bytes),
    ("postgres", "postgres", &[5432], Serves::Bytes),
    ("mysql", "mysqld", &[3306, 33060], Serves::Bytes),
    ("echoserver", "nginx", &[8080], Serves::Anything),
    ("http-echo", "http-echo", &[5678], Serves::Anything),
    ("hello-app", "hello-app", &[8080], Serves::Anything),
    ("etcd", "etcd", &[2379, 2380, 2381], Serves::Anything),
    ("kube-apiserver", "kube-apiserver", &[6443], Serves::Anything),
    ("kube-controller-manager", "kube-controller", &[10257], Serves::Anything),
    ("kube-scheduler", "kube-scheduler", &[10259], Serves::Anything),
    ("coredns", "coredns", &[53, 8080, 8181, 9153], Serves::Anything),
];

/// Programs that do not listen as Go's do: process, sockets, and the length of the queue.
const LISTENING: [(&str, Families, i32); 5] = [
    ("nginx", Families::Each, 511),
    ("redis-server", Families::Each, 511),
    ("postgres", Families::Each, 200),
    ("httpd", Families::Both, 511),
    ("mysqld", Families::Both, 151),
];

/// Images that run and listen on nothing, by design.
const SILENT: [&str; 4] = ["pause", "kindnetd", "local-path-provisioner", "kube-proxy"];

/// The repository's full name and the tag: `nginx` is `docker.io/library/nginx` and `latest`.
pub fn parse(image: &str) -> (String, String) {
    let (image, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let slash = image.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match image[slash..].rfind(':') {
        Some(at) => (&image[..slash + at], &image[slash + at + 1..]),
        None => (image, "latest"),
    };
    let first = name.split('/').next().unwrap_or("");
    let full = if !name.contains('/') {
        format!("docker.io/library/{name}")
    } else if first.contains('.') || first.contains(':') || first == "localhost" {
        name.to_owned()
    } else {
        format!("docker.io/{name}")
    };
    (full, digest.unwrap_or(tag).to_owned())
}

/// The image as a node names it once it has it.
pub fn canonical(image: &str) -> String {
    let (name, tag) = parse(image);
    let separator = if tag.starts_with("sha256:") { '@' } else { ':' };
    format!("{name}{separator}{tag}")
}

/// Whether a fresh node has the image.
pub fn is_present(image: &str) -> bool {
    let (name, tag) = parse(image);
    let system = name.starts_with("registry.k8s.io/") && SERVERS[11..].iter().any(|server| short(&name) == server.0);
    system
        || ["kube-proxy", "kindnetd"].contains(&short(&name))
        || PRESENT.iter().any(|(present, tags)| *present == name && tags.contains(&tag.as_str()))
}

/// Whether the lab knows what the image's program does.
pub fn known(image: &str) -> bool {
    let (name, _) = parse(image);
    let name = short(&name);
    ["agnhost", "busybox", "alpine", "debian", "ubuntu"].contains(&name)
        || SILENT.contains(&name)
        || SERVERS.iter().any(|server| server.0 == name)
}

/// Which programs there are at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Userland {
    Workstation,
    /// Another host of the lab.
    Host,
    /// A node of kind: Debian with what Kubernetes needs there.
    Node,
    /// A container with a shell, curl, netcat and iproute2. The lab gives these to every image with a userland, so that one
    /// can look into any; published images often have fewer.
    Debian,
    /// The same with busybox's applets in place of the programs that these imitate.
    Busybox,
    /// An image made from nothing but its one program.
    Bare,
}

/// Which programs an image holds besides its own.
pub fn userland(image: &str) -> Userland {
    let bare = ["pause", "coredns", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    match short(&parse(image).0) {
        name if bare.contains(&name) => Userland::Bare,
        "busybox" | "alpine" => Userland::Busybox,
        _ => Userland::Debian,
    }
}

pub(super) fn short(repository: &str) -> &str {
    repository.rsplit('/').next().unwrap_or(repository)
}

/// uid (and gid) that the image's program runs as.
pub fn user(image: &str) -> u32 {
    match short(&parse(image).0) {
        "pause" => 65535,
        "coredns" => 65532,
        _ => 0,
    }
}

/// What a container of this image does when started with this command and these arguments.
pub fn program(image: &str, command: &[String], args: &[String], env: &[(String, String)]) -> Program {
    let (name, _) = parse(image);
    let name = short(&name);
    let words: Vec<String> = command.iter().chain(args).cloned().collect();
    if name == "agnhost" && (command.is_empty() || command[0].ends_with("agnhost")) {
        let own: Vec<&str> = args.iter().chain(command.iter().skip(1)).map(String::as_str).collect();
        return agnhost(&own, env);
    }
    if !command.is_empty() || (!args.is_empty() && is_shell_image(name)) {
        return command_line(name, &words);
    }
    if is_shell_image(name) {
        // Its shell finds no input and ends.
        return Program { steps: vec![Step::Exit(0)], on_term: AT_ONCE };
    }
    if name == "kube-proxy" {
        return kube_proxy();
    }
    match SERVERS.iter().find(|server| server.0 == name) {
        Some((_, "nginx", ports, serves)) => nginx(ports, *serves),
        Some((_, "coredns", ports, _)) => coredns(ports),
        Some((_, process, ports, serves)) => server(process, ports, *serves, args),
        None => Program { steps: vec![Step::Wait], on_term: AT_ONCE },
    }
}

fn is_shell_image(name: &str) -> bool {
    ["busybox", "alpine", "debian", "ubuntu"].contains(&name)
}

/// A command given in the manifest: a server by its name, a shell or a shell's applet, else something unknown that just runs.
fn command_line(image: &str, words: &[String]) -> Program {
    let program = words.first().map_or("", |word| short(word));
    if program == "nginx" {
        return nginx(&[80], Serves::Files);
    }
    let own = SERVERS.iter().find(|server| server.0 == image && [server.0, server.1].contains(&program));
    if let Some((_, process, ports, serves)) = own {
        return server(process, ports, *serves, &words[1..]);
    }
    shell_script::program(words)
}

/// A socket with the families and the queue that the program of that name gives it; one in Go where it is not known.
pub(super) fn tcp(process: &str, address: &str, port: u16, serves: Serves) -> Socket {
    let own = LISTENING.iter().find(|own| own.0 == process);
    let (families, backlog) = own.map_or((Families::Both, 4096), |own| (own.1, own.2));
    let (address, process) = (address.to_owned(), process.to_owned());
    Socket { transport: Transport::Tcp, address, families, backlog, port, serves, process }
}

/// A server that ends when a port is taken. A `--port`-like flag replaces its only port.
fn server(process: &str, ports: &[u16], serves: Serves, args: &[String]) -> Program {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let chosen = ["port", "listen", "p"].iter().find_map(|name| flag(&args, name));
    let chosen = chosen.and_then(|text| text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()));
    let ports: Vec<u16> = match (chosen, ports) {
        (Some(port), [_]) => vec![port],
        _ => ports.to_vec(),
    };
    let mut steps = Vec::new();
    for port in ports {
        for address in addresses(process, port) {
            let said = format!("listen tcp :{port}: bind: address already in use");
            let failing = vec![Step::Say(Dress::Plain, said), Step::Exit(1)];
            steps.push(Step::Listen(tcp(process, address, port, serves), failing));
        }
    }
    steps.push(Step::Wait);
    Program { steps, on_term: AT_ONCE }
}

/// Where the programs of kind's control plane listen; all others listen on every address.
fn addresses(process: &str, port: u16) -> &'static [&'static str] {
    match (process, port) {
        ("etcd", 2379) => &["127.0.0.1", NODE_ADDRESS],
        ("etcd", 2380) => &[NODE_ADDRESS],
        ("etcd", _) | ("kube-controller" | "kube-scheduler", _) => &["127.0.0.1"],
        _ => &[""],
    }
}

/// CoreDNS serves DNS by both protocols, and its health, readiness and metrics.
fn coredns(ports: &[u16]) -> Program {
    let mut program = server("coredns", ports, Serves::Anything, &[]);
    let udp = Socket { transport: Transport::Udp, ..tcp("coredns", "", 53, Serves::Bytes) };
    program.steps.insert(0, Step::Listen(udp, vec![Step::Exit(1)]));
    program
}

fn kube_proxy() -> Program {
    let sockets =
        [tcp("kube-proxy", "127.0.0.1", 10249, Serves::Anything), tcp("kube-proxy", "", 10256, Serves::Anything)];
    let mut steps: Vec<Step> = sockets.into_iter().map(|socket| Step::Listen(socket, Vec::new())).collect();
    steps.push(Step::Wait);
    Program { steps, on_term: AT_ONCE }
}

/// nginx tries five times, half a second apart, before it gives a taken port up.
fn nginx(ports: &[u16], serves: Serves) -> Program {
    let mut steps = Vec::new();
    for line in [
        "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration",
        "/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/",
        "/docker-entrypoint.sh: Configuration complete; ready for start up",
    ] {
        steps.push(Step::Say(Dress::Plain, line.to_owned()));
    }
    for port in ports {
        let refused = format!("bind() to 0.0.0.0:{port} failed (98: Address already in use)");
        let mut failing = Vec::new();
        for _ in 0..5 {
            failing.push(Step::Say(Dress::Nginx("emerg"), refused.clone()));
            failing.push(Step::Say(Dress::Plain, format!("nginx: [emerg] {refused}")));
            failing.push(Step::Say(Dress::Nginx("notice"), "try again to bind() after 500ms".to_owned()));
            failing.push(Step::SleepMs(500));
        }
        failing.push(Step::Say(Dress::Nginx("emerg"), "still could not bind()".to_owned()));
        failing.push(Step::Say(Dress::Plain, "nginx: [emerg] still could not bind()".to_owned()));
        failing.push(Step::Exit(1));
        steps.push(Step::Listen(tcp("nginx", "", *port, serves), failing));
    }
    for line in
        ["using the \"epoll\" event method", "nginx/1.29.0", "start worker processes", "start worker process 29"]
    {
        steps.push(Step::Say(Dress::Nginx("notice"), line.to_owned()));
    }
    steps.push(Step::Wait);
    Program { steps, on_term: AT_ONCE }
}

/// The value of `--name=value`, `--name value` or `-name=value`.
pub(super) fn flag<'a>(args: &[&'a str], name: &str) -> Option<&'a str> {
    args.iter().enumerate().find_map(|(at, arg)| {
        let rest = arg.trim_start_matches('-').strip_prefix(name).filter(|_| arg.starts_with('-'))?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => args.get(at + 1).copied(),
            None => None,
        }
    })
}

/// The test server of Kubernetes with its sub-commands.
fn agnhost(args: &[&str], env: &[(String, String)]) -> Program {
    let port = |name: &str, otherwise: i32| flag(args, name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    match args.first().copied().unwrap_or("pause") {
        "netexec" => netexec(port("http-port", 8080), port("udp-port", 8081), port("sctp-port", -1)),
        "serve-hostname" => {
            let number = port("port", 9376);
            let on_term = OnTerm::Exit { after_ms: 60_000, code: 0 };
            Program { steps: one_server(number, Serves::Anything, Some(format!("Serving on port {number}."))), on_term }
        }
        "test-webserver" => Program { steps: one_server(port("port", 80), Serves::Anything, None), on_term: AT_ONCE },
        "nettest" => Program { steps: one_server(port("port", 8080), Serves::Anything, None), on_term: AT_ONCE },
        "porter" => porter(env),
        "connect" => Program { steps: vec![Step::Exit(0)], on_term: AT_ONCE },
        "pause" => Program { steps: vec![Step::Say(Dress::Plain, "Paused".to_owned()), Step::Wait], on_term: AT_ONCE },
        _ => Program { steps: vec![Step::Wait], on_term: AT_ONCE },
    }
}

fn one_server(port: i32, serves: Serves, said: Option<String>) -> Vec<Step> {
    let mut steps: Vec<Step> = said.into_iter().map(|text| Step::Say(Dress::Klog, text)).collect();
    steps.extend(listen(Transport::Tcp, port, serves, true));
    steps.push(Step::Wait);
    steps
}

fn netexec(http: i32, udp: i32, sctp: i32) -> Program {
    let mut steps = Vec::new();
    for (transport, port) in [(Transport::Udp, udp), (Transport::Sctp, sctp)] {
        if port != -1 {
            steps.extend(listen(transport, port, Serves::Bytes, true));
            let name = transport.name();
            steps.push(Step::Say(Dress::Klog, format!("Started {name} server on port  {port}")));
        }
    }
    steps.push(Step::Say(Dress::Klog, format!("Started HTTP server on port {http}")));
    steps.extend(listen(Transport::Tcp, http, Serves::Anything, true));
    steps.push(Step::Wait);
    Program { steps, on_term: AT_ONCE }
}

/// Opens a port; in Go, a taken one is said so and, when `fatal`, ends the program.
fn listen(transport: Transport, port: i32, serves: Serves, fatal: bool) -> Option<Step> {
    let port = u16::try_from(port).ok()?;
    let said = format!("listen {} :{port}: bind: address already in use", transport.name().to_lowercase());
    let mut failing = vec![Step::Say(Dress::Klog, said)];
    failing.extend(fatal.then_some(Step::Exit(1)));
    Some(Step::Listen(Socket { transport, ..tcp("agnhost", "", port, serves) }, failing))
}

/// Serves every port that the environment names as SERVE_PORT_N; one that is taken is only complained about.
fn porter(env: &[(String, String)]) -> Program {
    let mut steps = Vec::new();
    for (name, _) in env {
        let port = ["SERVE_PORT_", "SERVE_TLS_PORT_"].iter().find_map(|prefix| name.strip_prefix(prefix));
        if let Some(port) = port.and_then(|text| text.parse().ok()) {
            steps.extend(listen(Transport::Tcp, port, Serves::Anything, false));
        }
    }
    steps.push(Step::Wait);
    Program { steps, on_term: AT_ONCE }
}

#[cfg(test)]
mod tests {
    use super::super::program::run;
    use super::*;

    fn ports(image: &str, args: &[&str]) -> Vec<u16> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        run(&program(image, &[], &args, &[]), &[]).sockets.iter().map(|socket| socket.port).collect()
    }

    #[test]
    fn names() {
        assert_eq!(parse("nginx"), ("docker.io/library/nginx".to_owned(), "latest".to_owned()));
        assert_eq!(parse("localhost:5000/a/b:1"), ("localhost:5000/a/b".to_owned(), "1".to_owned()));
        assert_eq!(canonical("traefik/whoami:v1"), "docker.io/traefik/whoami:v1");
        assert!(is_present("nginx:1.29") && !is_present("nginx:1.28") && is_present("registry.k8s.io/etcd:3.6.4-0"));
        assert!(known("nginx:1.17") && !known("example.org/shop:7"));
    }

    #[test]
    fn what_listens_where() {
        assert_eq!(ports("nginx:1.29", &[]), [80]);
        assert_eq!(
            ports("registry.k8s.io/e2e-test-images/agnhost:2.53", &["netexec", "--http-port=9000", "--udp-port=-1"]),
            [9000]
        );
        assert_eq!(ports("registry.k8s.io/e2e-test-images/agnhost:2.53", &["netexec"]), [8081, 8080]);
        assert_eq!(ports("registry.k8s.io/e2e-test-images/agnhost:2.53", &[]), [] as [u16; 0]);
        assert_eq!(ports("registry.k8s.io/pause:3.10", &[]), [] as [u16; 0]);
        assert_eq!(ports("hashicorp/http-echo", &["-listen=:8888", "-text=hi"]), [8888]);
        assert_eq!(ports("busybox:1.37", &["httpd", "-f", "-p", "8080"]), [8080]);
    }

    #[test]
    fn a_taken_port() {
        let taken = [tcp("agnhost", "", 8080, Serves::Anything)];
        let args = ["netexec", "--http-port=8080", "--udp-port=-1"].map(str::to_owned);
        let lost = run(&program("agnhost", &[], &args, &[]), &taken);
        assert_eq!(lost.exit, Some((0, 1)));
        let said: Vec<&str> = lost.lines.iter().map(|line| line.2.as_str()).collect();
        assert_eq!(said, ["Started HTTP server on port 8080", "listen tcp :8080: bind: address already in use"]);
        let taken = [tcp("x", "", 80, Serves::Anything)];
        assert_eq!(run(&program("nginx", &[], &[], &[]), &taken).exit, Some((2500, 1)));
        let elsewhere = [tcp("x", "", 81, Serves::Anything)];
        assert_eq!(run(&program("nginx", &[], &[], &[]), &elsewhere).exit, None);
    }
}
