//! The command lines of the texts that this project grew from run as they were written, and answer in the real formats.
//!
//! Line breaks that the texts lost are restored, and the manifests that they name are written.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

use portlab_engine::lab::{Lab, LabOptions, Output, Place};

const ISSUE: &str = "apiVersion: v1
kind: Pod
metadata:
  name: port-binding-issue-pod
spec:
  containers:
  - name: app
    image: nginx:1.29
    ports:
    - containerPort: 8080
      hostPort: 8080
";

fn fix() -> String {
    ISSUE.replace("port-binding-issue-pod", "port-binding-issue-fixed-pod").replace("8080", "8081")
}

fn hostport_test() -> &'static str {
    include_str!("kubectl/hostport-test.yaml")
}

fn run(lab: &mut Lab, line: &str) -> Output {
    lab.run(&Place::Workstation, line)
}

/// Runs a line, which must succeed and print each of these.
fn says(lab: &mut Lab, line: &str, parts: &[&str]) {
    let output = run(lab, line);
    let text = output.text();
    assert_eq!(output.exit, 0, "{line}\n{text}");
    for part in parts {
        assert!(text.contains(part), "{line}\nlacks {part}:\n{text}");
    }
}

fn refuses(lab: &mut Lab, line: &str, text: &str) {
    let output = run(lab, line);
    assert_eq!((output.text().as_str(), output.exit != 0), (text, true), "{line}");
}

#[test]
fn a_runbook_about_host_ports() {
    let mut lab = Lab::new(LabOptions::default());
    lab.write_file("issue.yaml", ISSUE);
    lab.write_file("fix.yaml", &fix());
    says(&mut lab, "kubectl apply -f issue.yaml", &["pod/port-binding-issue-pod created\n"]);
    let collide = "kubectl run port-binding-collide --image=busybox \\\n  --overrides='{\"spec\":{\"containers\":[{\"name\":\"busybox\",\
                   \"image\":\"busybox\",\"ports\":[{\"containerPort\":8080,\"hostPort\":8080}],\"command\":[\"sh\",\"-c\",\
                   \"sleep 3600\"]}]}}' \\\n  -- sleep 3600";
    says(&mut lab, collide, &["pod/port-binding-collide created\n"]);
    lab.advance(std::time::Duration::from_secs(5));
    says(&mut lab, "kubectl get pods", &["NAME ", "READY", "STATUS", "RESTARTS", "AGE\n", "port-binding-issue-pod "]);
    says(&mut lab, "kubectl describe pod port-binding-collide | tail -20", &["Events:\n", "default-scheduler"]);
    let ports = "kubectl get pod port-binding-issue-pod -o jsonpath='{.spec.containers[0].ports}'";
    says(&mut lab, ports, &["[{\"containerPort\":8080,\"hostPort\":8080,\"protocol\":\"TCP\"}]"]);
    says(&mut lab, "kubectl get pods -A -o json", &["\"kind\": \"List\"", "\"hostPort\": 8080"]);
    let output = run(&mut lab, "kubectl logs --previous port-binding-issue-pod");
    let previous = "Error from server (BadRequest): previous terminated container \"app\" in pod \"port-binding-issue-pod\" not found\n";
    assert_eq!((output.text().as_str(), output.exit), (previous, 1));
    says(&mut lab, "kubectl explain pod.spec.hostNetwork", &["FIELD: hostNetwork <boolean>"]);
    let repair = "kubectl delete -f issue.yaml\nkubectl apply -f fix.yaml\nkubectl get pods";
    says(
        &mut lab,
        repair,
        &[
            "pod \"port-binding-issue-pod\" deleted from default namespace\n",
            "pod/port-binding-issue-fixed-pod created\n",
        ],
    );
}

#[test]
fn a_recipe_for_allocating_ports_with_oc() {
    let mut lab = Lab::new(LabOptions::default());
    says(&mut lab, "oc get pods -A -o json", &["\"hostNetwork\": true"]);
    let plan = "WORKER_COUNT=$(oc get nodes -l node-role.kubernetes.io/worker= --no-headers | wc -l)\n\
                MAX_REPLICAS=$((WORKER_COUNT - 1))\n\
                echo \"Set hostNetwork deployments to max $MAX_REPLICAS replicas (${WORKER_COUNT} workers)\"";
    says(&mut lab, plan, &["Set hostNetwork deployments to max -1 replicas (0 workers)"]);
    let patch = "oc patch ingresscontroller default -n openshift-ingress-operator \\\n  --type merge -p \
                 \"{\\\"spec\\\":{\\\"replicas\\\":$MAX_REPLICAS}}\"";
    refuses(&mut lab, patch, "error: the server doesn't have a resource type \"ingresscontroller\"\n");
    let routers = "oc get pods -n openshift-ingress -l \
                   ingresscontroller.operator.openshift.io/deployment-ingresscontroller --no-headers";
    says(&mut lab, routers, &["No resources found in openshift-ingress namespace."]);
    let script = "WORKERS=$(oc get nodes -l node-role.kubernetes.io/worker= --no-headers | wc -l)\n\
                  ROUTER_PODS=$(oc get pods -n openshift-ingress -l \
                  ingresscontroller.operator.openshift.io/deployment-ingresscontroller --no-headers | wc -l)\n\
                  HEADROOM=$((WORKERS - ROUTER_PODS))\n\
                  if [ \"$HEADROOM\" -lt 1 ]; then\n  echo \"WARNING: Zero headroom for hostNetwork port 80/443\"\n\
                  elif [ \"$HEADROOM\" -lt 2 ]; then\n  echo \"Low headroom: only $HEADROOM node(s) available\"\n\
                  else\n  echo \"Headroom: $HEADROOM nodes available\"\nfi";
    says(&mut lab, script, &["WARNING: Zero headroom for hostNetwork port 80/443"]);
}

#[test]
fn a_report_of_a_port_that_nobody_listens_on() {
    let mut lab = Lab::new(LabOptions::default());
    lab.write_file("hostport-test.yaml", hostport_test());
    refuses(
        &mut lab,
        "kubectl apply -f hostport-test.yaml",
        "Error from server (NotFound): error when creating \"hostport-test.yaml\": namespaces \"tke-test\" not found\n",
    );
    says(&mut lab, "kubectl create namespace tke-test", &["namespace/tke-test created\n"]);
    says(&mut lab, "kubectl apply -f hostport-test.yaml", &["deployment.apps/hostport-test created\n"]);
    lab.advance(std::time::Duration::from_secs(5));
    let describe = "kubectl describe pod -n tke-test $(kubectl get pods -n tke-test -o name | head -1 | cut -d/ -f2)";
    says(&mut lab, describe, &["Namespace:        tke-test\n", "    Host Port:      80/TCP (http)\n", "Events:\n"]);
}
