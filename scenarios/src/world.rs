//! Where a lesson's commands run. The engine is one world; the real kernel and a real cluster are in xtask.

use std::time::Duration;

use portlab_engine::lab::{self, DeviceSpec, HostSpec, Jq, Lab, LabOptions, Nodes, ProxyMode};

use crate::model::{Cluster, File, Host, Place, Proxy};
use crate::syscalls::on_lab::OnLab;
use crate::syscalls::{Case, Verdict, run_case};

/// What a command printed, both streams in order, and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub output: String,
    pub exit: i32,
}

/// A place where lessons run.
pub trait World {
    /// The name by which lessons and records call it: `engine`, `kernel`, `kind`.
    fn name(&self) -> &'static str;
    /// A cluster as fresh as this world can make it, with these files in the working directory.
    ///
    /// # Errors
    /// What prevented it, in words for the report.
    fn fresh(&mut self, cluster: &Cluster, files: &[File]) -> Result<(), String>;
    /// Runs a command line; variables that it sets are there for the next.
    ///
    /// # Errors
    /// That it could not be run at all; a command that fails is a [`Seen`].
    fn run(&mut self, place: &Place, line: &str) -> Result<Seen, String>;
    /// Makes the calls of a case on a host that has just started, and says how each went.
    ///
    /// # Errors
    /// That they could not be made at all.
    fn calls(&mut self, case: &Case) -> Result<Vec<Verdict>, String>;
    /// Lets time pass between two looks.
    fn wait(&mut self, time: Duration);
    /// The text of a claim as it reads in this world (a cluster may have another name).
    fn wording(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// The simulation.
#[derive(Debug)]
pub struct Engine {
    jq: Option<Jq>,
    lab: Lab,
}

impl Engine {
    #[must_use]
    pub fn new(jq: Option<Jq>) -> Engine {
        Engine { jq, lab: Lab::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() }) }
    }

    /// Goes on with a lab that is there already, as the page does.
    #[must_use]
    pub fn of(lab: Lab) -> Engine {
        Engine { jq: lab.options().jq, lab }
    }

    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    #[must_use]
    pub fn into_lab(self) -> Lab {
        self.lab
    }
}

/// A fresh lab with the lesson's cluster and files.
#[must_use]
pub fn new_lab(cluster: &Cluster, files: &[File], jq: Option<Jq>) -> Lab {
    let proxy = match cluster.proxy {
        Proxy::Iptables => ProxyMode::Iptables,
        Proxy::Nftables => ProxyMode::Nftables,
        Proxy::Ipvs => ProxyMode::Ipvs,
    };
    let nodes = if cluster.nodes == 0 { Nodes::NoCluster } else { Nodes::Kind(cluster.nodes) };
    let hosts = cluster.hosts.iter().map(host_spec).collect();
    let mut lab = Lab::new(LabOptions { nodes, proxy, jq, hosts, ..LabOptions::default() });
    for file in files {
        lab.write_file(&file.name, &file.text);
    }
    lab
}

/// A host as the engine is told of it.
fn host_spec(host: &Host) -> HostSpec {
    let device = |(number, address): (usize, &String)| DeviceSpec {
        name: format!("eth{number}"),
        link: Host::link(address).unwrap_or_default(),
        addresses: vec![address.clone()],
        ..DeviceSpec::default()
    };
    HostSpec {
        name: host.name.clone(),
        devices: host.addresses.iter().enumerate().map(device).collect(),
        gateway: host.gateway.as_ref().and_then(|gateway| gateway.parse().ok()),
        forwards: host.forwards,
        ..HostSpec::default()
    }
}

/// The engine's name for a place.
#[must_use]
pub fn lab_place(place: &Place, options: &LabOptions) -> lab::Place {
    match place {
        Place::Workstation => lab::Place::Workstation,
        Place::Node(name) if options.hosts.iter().any(|host| host.name == *name) => lab::Place::Host(name.clone()),
        Place::Node(name) => lab::Place::Node(format!("{}-{name}", options.cluster)),
        Place::Pod(name) => {
            lab::Place::Pod { namespace: "default".to_owned(), name: name.clone(), container: String::new() }
        }
    }
}

impl World for Engine {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn fresh(&mut self, cluster: &Cluster, files: &[File]) -> Result<(), String> {
        self.lab = new_lab(cluster, files, self.jq);
        Ok(())
    }

    fn run(&mut self, place: &Place, line: &str) -> Result<Seen, String> {
        let place = lab_place(place, self.lab.options());
        let output = self.lab.run(&place, line);
        Ok(Seen { output: output.text(), exit: output.exit })
    }

    fn calls(&mut self, case: &Case) -> Result<Vec<Verdict>, String> {
        Ok(run_case(&mut OnLab::fresh(&mut self.lab), case))
    }

    fn wait(&mut self, time: Duration) {
        self.lab.advance(time);
    }
}
