//! Namespaces: a new one gets its service account and its root certificate, one that is deleted is emptied and then let go.
//!
//! Source: Kubernetes 1.34 `pkg/controller/{namespace,serviceaccount,certificates/rootcacertpublisher}`.

use std::time::Duration;

use serde_json::json;

use super::Work;
use super::client::{self, Failure};
use crate::event::Actor;
use crate::kube::{Task, api, kind_cluster};
use crate::object;
use crate::store::Kind;
use crate::world::World;

/// How often a namespace that is going away is looked at until it is empty.
const AGAIN: Duration = Duration::from_millis(500);

pub fn sync(world: &mut World, name: &str) -> Result<(), Failure> {
    let Some(namespace) = world.store().find(Kind::Namespace, "", name).cloned() else { return Ok(()) };
    if object::is_terminating(&namespace) {
        if !api::finalize_namespace(world, name) {
            world.at(AGAIN, Task::Controller(Work::Namespace(name.to_owned())));
        }
        return Ok(());
    }
    if world.store().find(Kind::ServiceAccount, name, "default").is_none() {
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}});
        client::create(world, Actor::NamespaceController, Kind::ServiceAccount, account)?;
    }
    if world.store().find(Kind::ConfigMap, name, "kube-root-ca.crt").is_none() {
        client::create(world, Actor::NamespaceController, Kind::ConfigMap, kind_cluster::root_certificate(name))?;
    }
    Ok(())
}
