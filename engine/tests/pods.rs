//! What one sees in pods and on nodes: their sockets, addresses and routes, and who reaches whom from which address.
//!
//! The expectations are what a cluster of kind 0.30 (Kubernetes 1.34) printed for the same pods, names and random ports aside.

use portlab_engine::lab::{Lab, LabOptions, Place};

const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: api}
spec:
  nodeName: portlab-worker
  containers: [{name: agnhost, image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: [netexec, --http-port=8080, --udp-port=-1]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeName: portlab-worker
  containers: [{name: nginx, image: 'nginx:1.29'}]
---
apiVersion: v1
kind: Pod
metadata: {name: box}
spec:
  nodeName: portlab-worker2
  containers: [{name: busybox, image: 'busybox:1.37', command: [sh, -c, 'httpd -f -p 8080']}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: portlab-worker2
  containers: [{name: agnhost, image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: [pause]}]
---
apiVersion: v1
kind: Pod
metadata: {name: hostnet}
spec:
  nodeName: portlab-worker2
  hostNetwork: true
  containers: [{name: agnhost, image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: [netexec, --http-port=8080, --udp-port=8081]}]
";

fn lab() -> Lab {
    let mut lab = Lab::new(LabOptions::default());
    lab.write_file("pods.yaml", PODS);
    run(&mut lab, "kubectl apply -f pods.yaml");
    assert!(run(&mut lab, "kubectl wait --for=condition=Ready pod --all --timeout=60s").ends_with("[0]"));
    lab
}

fn run(lab: &mut Lab, line: &str) -> String {
    let output = lab.run(&Place::Workstation, line);
    format!("{}[{}]", output.text(), output.exit)
}

fn in_pod(lab: &mut Lab, pod: &str, line: &str) -> String {
    run(lab, &format!("kubectl exec {pod} -- {line}"))
}

fn ip_of(lab: &mut Lab, pod: &str) -> String {
    run(lab, &format!("kubectl get pod {pod} -o jsonpath='{{.status.podIP}}'")).replace("[0]", "")
}

#[test]
fn sockets_in_pods() {
    let mut lab = lab();
    assert_eq!(
        in_pod(&mut lab, "web", "ss -tlnp"),
        "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess                      \n\
         LISTEN 0      511          0.0.0.0:80        0.0.0.0:*    users:((\"nginx\",pid=1,fd=3))\n\
         LISTEN 0      511             [::]:80           [::]:*    users:((\"nginx\",pid=1,fd=4))\n[0]"
    );
    assert_eq!(
        in_pod(&mut lab, "api", "ss -tlnp"),
        "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n\
         LISTEN 0      4096               *:8080            *:*    users:((\"agnhost\",pid=1,fd=3))\n[0]"
    );
    assert_eq!(
        in_pod(&mut lab, "box", "ss -tlnpH"),
        "LISTEN 0      9      *:8080 *:* users:((\"httpd\",pid=1,fd=3))\n[0]"
    );
    assert_eq!(
        in_pod(&mut lab, "box", "netstat -tln"),
        "Active Internet connections (only servers)\n\
         Proto Recv-Q Send-Q Local Address           Foreign Address         State       \n\
         tcp        0      0 :::8080                 :::*                    LISTEN      \n[0]"
    );
    let missing = in_pod(&mut lab, "api", "wget http://10.0.0.1/");
    assert!(missing.contains("exec: \"wget\": executable file not found in $PATH"), "{missing}");
    let lent = run(&mut lab, "docker exec portlab-worker netstat -an | grep tcp | grep 10250");
    assert_eq!(
        lent,
        "portlab lends netstat: a real node or container of kind has none\n\
         tcp6       0      0 :::10250                :::*                    LISTEN     \n[0]"
    );
}

/// The chain of ports as the material on it checks it, word for word.
#[test]
fn lines_of_the_material_run_as_written() {
    let mut lab = lab();
    let netexec = "--image=registry.k8s.io/e2e-test-images/agnhost:2.53 -- netexec --http-port=8080 --udp-port=-1";
    run(&mut lab, &format!("kubectl run my-pod {netexec}"));
    run(&mut lab, "kubectl wait --for=condition=Ready pod/my-pod --timeout=60s");
    assert_eq!(
        run(&mut lab, "kubectl exec my-pod -- ss -tlnp"),
        "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n\
         LISTEN 0      4096               *:8080            *:*    users:((\"agnhost\",pid=1,fd=3))\n[0]"
    );
    assert_eq!(run(&mut lab, "netstat -an | grep tcp | grep 80"), "[1]", "nothing listens on the workstation");
}

#[test]
fn a_pod_on_its_nodes_network_sees_its_own_processes_alone() {
    let mut lab = lab();
    let in_pod = in_pod(&mut lab, "hostnet", "ss -tlnpH");
    assert_eq!(in_pod.matches("users:").count(), 1, "{in_pod}");
    assert!(in_pod.contains("users:((\"agnhost\",pid=1,fd=3))"), "{in_pod}");
    let on_node = run(&mut lab, "docker exec portlab-worker2 ss -tlnpH");
    for name in ["kubelet", "containerd", "kube-proxy", "agnhost"] {
        assert!(on_node.contains(&format!("((\"{name}\"")), "{name}: {on_node}");
    }
    // Docker's name server belongs to nobody whom the node can see.
    let dns: Vec<&str> = on_node.lines().filter(|line| line.contains("127.0.0.11:")).collect();
    assert!(dns.len() == 1 && !dns[0].contains("users"), "{on_node}");
    assert!(run(&mut lab, "docker exec portlab-worker2 ss -ulnH").contains("*:8081"));
}

#[test]
fn who_asks_from_which_address() {
    let mut lab = lab();
    let (api, client) = (ip_of(&mut lab, "api"), ip_of(&mut lab, "client"));
    let node = |name: &str| format!("kubectl get node {name} -o jsonpath='{{.status.addresses[0].address}}'");
    let worker = run(&mut lab, &node("portlab-worker")).replace("[0]", "");
    let worker2 = run(&mut lab, &node("portlab-worker2")).replace("[0]", "");
    let ask = |address: &str| format!("curl -s http://{address}:8080/clientip");
    let from = |text: String| text.rsplit_once(':').map(|(address, _)| address.to_owned()).unwrap_or(text);
    assert_eq!(from(in_pod(&mut lab, "client", &ask(&api))), client, "from pod to pod, no address changes");
    assert_eq!(from(in_pod(&mut lab, "client", &ask(&worker2))), client, "to its own node");
    assert_eq!(from(in_pod(&mut lab, "api", &ask(&worker2))), worker, "to another node: its own node's address");
    assert_eq!(from(in_pod(&mut lab, "api", &ask("127.0.0.1"))), "127.0.0.1");
    assert_eq!(from(run(&mut lab, &format!("docker exec portlab-worker2 {}", ask(&api)))), worker2);
    let gateway = from(run(&mut lab, &format!("docker exec portlab-worker {}", ask(&api))));
    assert!(gateway.starts_with("10.244.") && gateway.ends_with(".1"), "{gateway}");
    assert_eq!(from(run(&mut lab, &ask(&worker2))), "172.18.0.1", "from the workstation");
    assert_eq!(in_pod(&mut lab, "client", &format!("curl -s http://{api}:8080/hostname")), "api[0]");
    let refused = in_pod(&mut lab, "client", &format!("curl -sS http://{api}:81/"));
    assert!(refused.starts_with(&format!("curl: (7) Failed to connect to {api} port 81 after 0 ms")), "{refused}");
    let nobody = in_pod(&mut lab, "client", "curl -sS -m 5 http://10.244.1.99/");
    assert!(nobody.starts_with("curl: (28) Connection timed out after 500"), "{nobody}");
    // Whoever closes first keeps TIME_WAIT: curl.
    let left = in_pod(&mut lab, "client", "ss -tanH state time-wait");
    assert!(left.contains(&format!("{api}:8080")) && left.contains(&format!("{worker2}:8080")), "{left}");
    assert_eq!(in_pod(&mut lab, "api", "ss -tanH state time-wait dst 10.244.0.0/16"), "[0]");
}

#[test]
fn what_servers_answer() {
    let mut lab = lab();
    let (api, web, shelf) = (ip_of(&mut lab, "api"), ip_of(&mut lab, "web"), ip_of(&mut lab, "box"));
    let mut ask = |pod: &str, line: &str| in_pod(&mut lab, pod, line);
    let head = ask("client", &format!("curl -sI http://{web}/"));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nServer: nginx/1.29.0\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Length: 615\r\n"), "{head}");
    let missing = ask("client", &format!("curl -si http://{web}/nosuch"));
    assert!(missing.contains("Content-Length: 153\r\nConnection: keep-alive\r\n\r\n<html>\r\n"), "{missing}");
    assert_eq!(ask("client", &format!("curl -s 'http://{api}:8080/echo?msg=hi'")), "hi[0]");
    assert!(ask("client", &format!("curl -s http://{api}:8080/")).starts_with("NOW: "));
    assert!(
        ask("client", &format!("curl -si http://{api}:8080/healthz"))
            .starts_with("HTTP/1.1 412 Precondition Failed\r\n")
    );
    let applet = ask("client", &format!("curl -si http://{shelf}:8080/"));
    assert!(applet.starts_with("HTTP/1.1 404 Not Found\r\n") && applet.contains("Connection: close\r\n"), "{applet}");
    assert_eq!(ask("box", &format!("wget -qO- http://{api}:8080/hostname")), "api[0]");
    assert_eq!(
        ask("box", &format!("wget -O- http://{api}:81/")),
        format!(
            "Connecting to {api}:81 ({api}:81)\nwget: can't connect to remote host ({api}): Connection refused\n\
             command terminated with exit code 1\n[1]"
        )
    );
    let confused = ask("client", &format!("sh -c 'echo hi | nc -N {api} 8080'"));
    assert_eq!(
        confused,
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request[0]"
    );
    let confused = ask("client", &format!("sh -c 'echo hi | nc -N {web} 80'"));
    assert!(confused.contains("\r\nContent-Length: 157\r\nConnection: close\r\n\r\n<html>"), "{confused}");
    assert_eq!(ask("web", "cat /etc/hostname"), "web\n[0]");
    assert_eq!(
        ask("web", "cat pods.yaml"),
        "cat: pods.yaml: No such file or directory\ncommand terminated with exit code 1\n[1]"
    );
    assert_eq!(ask("web", "sh -c 'echo x > /tmp/f; cat /tmp/f'"), "x\n[0]");
    assert!(ask("web", "ls /etc").starts_with("hostname\nhosts\nresolv.conf\n"));
    assert!(ask("web", "curl -sS http://api/").contains("portlab does not model DNS yet"));
}

#[test]
fn addresses_and_routes() {
    let mut lab = lab();
    let own = ip_of(&mut lab, "web");
    let net = own.rsplit_once('.').map(|(net, _)| net.to_owned()).unwrap();
    assert_eq!(
        in_pod(&mut lab, "web", "ip route"),
        format!(
            "default via {net}.1 dev eth0 \n{net}.0/24 via {net}.1 dev eth0 src {own} \n\
             {net}.1 dev eth0 scope link src {own} \n[0]"
        )
    );
    let shown = in_pod(&mut lab, "web", "ip -4 addr show eth0");
    assert!(shown.contains(&format!("    inet {own}/24 brd {net}.255 scope global eth0\n")), "{shown}");
    let on_node = run(&mut lab, "docker exec portlab-worker ip route");
    assert!(on_node.starts_with("default via 172.18.0.1 dev eth0 \n"), "{on_node}");
    assert!(on_node.contains(&format!("\n{own} dev veth")) && on_node.contains(" scope host \n"), "{on_node}");
    assert!(on_node.contains("172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0."), "{on_node}");
    let applet = in_pod(&mut lab, "box", "ip route");
    assert!(applet.contains(" dev eth0  src 10.244.") && applet.contains(" scope link  src 10.244."), "{applet}");
    assert_eq!(
        in_pod(&mut lab, "web", "iptables -t nat -L"),
        "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n\
         command terminated with exit code 4\n[4]"
    );
    let settings = in_pod(&mut lab, "web", "sysctl net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start");
    assert_eq!(settings, "net.ipv4.ip_local_port_range = 32768\t60999\nnet.ipv4.ip_unprivileged_port_start = 0\n[0]");
    let refused = in_pod(&mut lab, "web", "sysctl -w net.ipv4.ip_local_port_range=\"40000 40001\"");
    assert!(refused.starts_with("sysctl: permission denied on key \"net.ipv4.ip_local_port_range\"\n"), "{refused}");
}

#[test]
fn a_namespace_goes_with_its_pod() {
    let mut lab = lab();
    assert!(in_pod(&mut lab, "api", "ss -tlnH").contains("*:8080"));
    run(&mut lab, "kubectl delete pod api --wait=true");
    let text: String = lab.events().iter().map(|event| format!("{event}\n")).collect();
    assert!(text.contains("host default/api stopped"), "{text}");
    // Another pod of that name starts anew, and a restart of a container opens its sockets again.
    run(&mut lab, "kubectl apply -f pods.yaml && kubectl wait --for=condition=Ready pod/api --timeout=60s");
    assert_eq!(in_pod(&mut lab, "api", "ss -tlnH").matches("LISTEN").count(), 1);
    // The state is the fold of the events.
    let events = lab.events().len();
    assert_eq!(lab.at(events).hosts.keys().collect::<Vec<_>>(), lab.state().hosts.keys().collect::<Vec<_>>());
    let mut again = lab.fork();
    again.rewind(events - 3);
    assert_eq!(again.at(events - 3), lab.at(events - 3));
}

#[test]
fn a_port_that_a_program_holds_is_taken_for_a_container() {
    let mut lab = lab();
    let held = run(&mut lab, "docker exec portlab-worker bash -c 'nc -lk 9000 &'");
    assert!(held.ends_with("[0]"), "{held}");
    let pod = "kubectl run late --image=registry.k8s.io/e2e-test-images/agnhost:2.53 --overrides='{\"spec\":{\"nodeName\":\"portlab-worker\",\"hostNetwork\":true}}' -- netexec --http-port=9000 --udp-port=-1";
    run(&mut lab, pod);
    lab.advance(std::time::Duration::from_secs(5));
    let logs = run(&mut lab, "kubectl logs late");
    assert!(logs.contains("listen tcp :9000: bind: address already in use"), "{logs}");
}

#[test]
fn what_is_translated_is_said_not_to_be_modelled() {
    let mut lab = lab();
    run(&mut lab, "kubectl label pod api app=api");
    run(&mut lab, "kubectl expose pod api --port=80 --target-port=8080 --type=NodePort");
    let node_port = run(&mut lab, "kubectl get svc api -o jsonpath='{.spec.ports[0].nodePort}'").replace("[0]", "");
    let address = run(&mut lab, "kubectl get svc api -o jsonpath='{.spec.clusterIP}'").replace("[0]", "");
    let asked = in_pod(&mut lab, "client", &format!("curl -s http://{address}/"));
    assert!(asked.contains("portlab does not model the addresses of Services yet"), "{asked}");
    let asked = in_pod(&mut lab, "client", &format!("ab -n 9 http://{address}/"));
    assert!(asked.contains("the addresses of Services yet") && asked.contains("exit code 113"), "{asked}");
    let asked = run(&mut lab, &format!("curl -s http://172.18.0.2:{node_port}/"));
    assert!(asked.contains("portlab does not model node ports yet"), "{asked}");
}
