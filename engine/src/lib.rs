//! A small Linux and a small Kubernetes, in memory and deterministic.
//!
//! The map, from the outside in:
//!
//! * [`lab`]: [`Lab`](lab::Lab), the one door. Run a command, let time pass, look at any event.
//! * [`event`]: what happened, who did it, what decided it.
//! * [`world`]: the state, the clock and the queue of things to come; [`World::commit`](world::World::commit)
//!   is the only place where anything changes.
//! * [`host`]: a network namespace with its processes; [`host_spec`]: what it starts with; [`linux`]: the kernel's part of it.
//! * [`store`] and [`object`]: the API objects and how to read them.
//! * [`kube`]: API server, scheduler, controllers, kubelet.
//! * [`yaml`]: manifests as kubectl reads and prints them, with the place of every node; [`base64`].
//! * [`tools`]: the command line: the shell and one file per simulated program.
//!
//! The engine reads no clock, no file and no random source of its own, and starts nothing: the same commands
//! and seed give the same events on every platform, byte for byte.

pub mod base64;
pub mod event;
pub mod host;
pub mod host_spec;
pub mod http;
pub mod kube;
pub mod lab;
pub mod linux;
pub mod netfilter;
pub mod network;
pub mod object;
pub mod store;
pub mod time;
pub mod tools;
pub mod world;
pub mod yaml;
