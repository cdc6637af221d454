//! The host ports that pods declare. A claim is an entry in a pod's spec; no socket stands behind it.
//!
//! Source of the comparison that is shown: `HostPortInfo.CheckConflict` of the scheduler, where only the literal
//! `0.0.0.0` stands for every address. Whether a pod is rejected is the engine's to say; this only puts two
//! claims side by side.

use portlab_engine::object::{int_at, items, str_at};
use serde_json::Value;

/// A declared host port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub port: u16,
    pub protocol: String,
    /// `0.0.0.0` when the pod names none.
    pub ip: String,
    pub container_port: u16,
    /// Whether the pod itself names an address.
    pub ip_given: bool,
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.ip, self.protocol, self.port)
    }
}

/// How one part of two claims compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub what: &'static str,
    /// The holder's value.
    pub held: String,
    /// `same`, `inside 0.0.0.0`, `differs from UDP`
    pub says: String,
    pub meets: bool,
}

/// The host ports of a pod (or pod template) spec, those of restartable init containers included, in order of
/// declaration; the same claim once.
#[must_use]
pub fn claims(pod: &Value) -> Vec<Claim> {
    let sidecars = items(pod, "spec.initContainers").iter().filter(|c| str_at(c, "restartPolicy") == "Always");
    let mut found = Vec::new();
    for container in sidecars.chain(items(pod, "spec.containers")) {
        for port in items(container, "ports") {
            let claim = claim(port);
            if claim.port > 0 && !found.contains(&claim) {
                found.push(claim);
            }
        }
    }
    found
}

fn claim(port: &Value) -> Claim {
    let number = |name| int_at(port, name).and_then(|n| u16::try_from(n).ok()).unwrap_or(0);
    let text = |name, default: &str| match str_at(port, name) {
        "" => default.to_owned(),
        given => given.to_owned(),
    };
    Claim {
        port: number("hostPort"),
        protocol: text("protocol", "TCP"),
        ip: text("hostIP", "0.0.0.0"),
        container_port: number("containerPort"),
        ip_given: !str_at(port, "hostIP").is_empty(),
    }
}

/// The ports that a pod's containers declare, as a rail shows them: `8080` or `8080 → host 80`.
#[must_use]
pub fn declared(pod: &Value) -> Vec<Claim> {
    items(pod, "spec.containers").iter().flat_map(|container| items(container, "ports")).map(claim).collect()
}

/// The three comparisons of a wanted claim with a held one.
#[must_use]
pub fn compare(wanted: &Claim, held: &Claim) -> [Compared; 3] {
    let ip = if wanted.ip == held.ip {
        (true, "same".to_owned())
    } else if wanted.ip == "0.0.0.0" {
        (true, "inside 0.0.0.0".to_owned())
    } else if held.ip == "0.0.0.0" {
        (true, format!("covers {}", wanted.ip))
    } else {
        (false, format!("differs from {}", wanted.ip))
    };
    let plain = |same: bool, wanted: &dyn std::fmt::Display| {
        (same, if same { "same".to_owned() } else { format!("differs from {wanted}") })
    };
    let protocol = plain(wanted.protocol == held.protocol, &wanted.protocol);
    let port = plain(wanted.port == held.port, &wanted.port);
    [
        Compared { what: "hostIP", held: held.ip.clone(), says: ip.1, meets: ip.0 },
        Compared { what: "protocol", held: held.protocol.clone(), says: protocol.1, meets: protocol.0 },
        Compared { what: "port", held: held.port.to_string(), says: port.1, meets: port.0 },
    ]
}

/// Whether all three parts of two claims meet.
#[must_use]
pub fn clash(wanted: &Claim, held: &Claim) -> bool {
    compare(wanted, held).iter().all(|part| part.meets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(port: Value) -> Claim {
        claims(&json!({"spec": {"containers": [{"ports": [port]}]}})).remove(0)
    }

    #[test]
    fn a_container_port_alone_claims_nothing() {
        let pod = json!({"spec": {"containers": [{"ports": [{"containerPort": 8080}]}]}});
        assert!(claims(&pod).is_empty());
        assert_eq!(declared(&pod).len(), 1);
    }

    #[test]
    fn sidecars_claim_and_plain_init_containers_do_not() {
        let pod = json!({"spec": {
            "initContainers": [
                {"restartPolicy": "Always", "ports": [{"hostPort": 1}]},
                {"ports": [{"hostPort": 2}]},
            ],
            "containers": [{"ports": [{"hostPort": 3}, {"hostPort": 3}]}],
        }});
        assert_eq!(claims(&pod).iter().map(|claim| claim.port).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn every_pair_of_addresses_and_protocols() {
        let any = one(json!({"hostPort": 8080}));
        let local = one(json!({"hostPort": 8080, "hostIP": "127.0.0.1"}));
        let node = one(json!({"hostPort": 8080, "hostIP": "172.18.0.3"}));
        let six = one(json!({"hostPort": 8080, "hostIP": "::"}));
        let udp = one(json!({"hostPort": 8080, "protocol": "UDP"}));
        for (a, b, meets) in [
            (&any, &any, true),
            (&any, &local, true),
            (&local, &any, true),
            (&local, &local, true),
            (&local, &node, false),
            (&six, &local, false),
            (&six, &any, true),
            (&any, &udp, false),
        ] {
            assert_eq!(clash(a, b), meets, "{a} with {b}");
        }
        assert_eq!(compare(&any, &local)[0].says, "inside 0.0.0.0");
        assert_eq!(compare(&local, &any)[0].says, "covers 127.0.0.1");
        assert_eq!(compare(&any, &udp)[1].says, "differs from TCP");
    }
}
