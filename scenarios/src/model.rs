//! What a lesson is: steps of prose, commands with the output to be seen, questions, an exercise.
//!
//! A lesson is plain data. It is read from `lesson.md` when the crate is built; the page carries no Markdown parser.

use serde::{Deserialize, Serialize};

/// Where a command runs, by its prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// `$ `: the learner's own machine.
    Workstation,
    /// `worker# `: a node, named without the cluster's name, or one of the lesson's hosts.
    Node(String),
    /// `pod/client$ `: inside a pod of the namespace `default`.
    Pod(String),
}

/// A lesson of the path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// The folder's slug: `pending-no-free-host-port`.
    pub id: String,
    /// Chapter and position in it, from 1.
    pub chapter: u8,
    pub position: u8,
    pub title: String,
    pub summary: String,
    pub minutes: u8,
    pub concepts: Vec<String>,
    pub cluster: Cluster,
    pub steps: Vec<Step>,
    /// Manifests by file name, verbatim as they are applied.
    pub files: Vec<File>,
    /// Hash of lesson and manifests that a record of a real run must match.
    pub hash: String,
    /// Why a world does not run this lesson, by the world's name (`kernel`, `kind`).
    pub not_in: Vec<(String, String)>,
}

/// What the lesson runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Nodes, the control plane included; 0 where the lesson needs no cluster but the workstation alone.
    pub nodes: u32,
    pub proxy: Proxy,
    /// Hosts on links of their own, in lessons without a cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Host>,
}

/// A host. Each of its addresses is a device's, `eth0` first; devices in one subnet are on one link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    /// With the length of their prefix: `10.0.0.2/24`.
    pub addresses: Vec<String>,
    /// Where packets go that no device leads to.
    pub gateway: Option<String>,
    /// Whether it is a router.
    pub forwards: bool,
}

impl Host {
    /// The subnet of an address with its prefix, `10.0.0.0/24` of `10.0.0.2/24`: the name of the link.
    #[must_use]
    pub fn link(address: &str) -> Option<String> {
        let (ip, length) = address.split_once('/')?;
        let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
        let ip: std::net::Ipv4Addr = ip.parse().ok()?;
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        Some(format!("{}/{length}", std::net::Ipv4Addr::from_bits(ip.to_bits() & mask)))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proxy {
    #[default]
    Iptables,
    Nftables,
    Ipvs,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub name: String,
    pub text: String,
}

/// A numbered step: a heading and its blocks in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub title: String,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Block {
    Prose(Vec<Paragraph>),
    /// Commands and the output to be seen.
    Console(Vec<Command>),
    /// System calls and what each gives.
    Syscalls(Calls),
    /// Asked before the commands or calls that follow in the step may run.
    Predict(Question),
    /// Asked about what was just seen, before the rest of the step opens.
    Recall(Question),
    Exercise(Exercise),
    /// A manifest, shown and editable: the name of one of the lesson's files.
    Yaml {
        file: String,
    },
    /// A part of the page to try things on, which has no claims.
    Instrument(Instrument),
}

/// A script of system calls, as `crate::syscalls` reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// The block's text, verbatim.
    pub script: String,
    /// Line of `lesson.md` on which the script begins, from 1.
    pub source_line: u32,
}

/// Something of the page that answers what is tried on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Instrument {
    /// System calls of two processes, chosen one by one.
    Calls,
    /// Every source port towards one destination, under a load.
    SourcePorts,
}

impl Instrument {
    pub const ALL: [Instrument; 2] = [Instrument::Calls, Instrument::SourcePorts];

    /// The word in the lesson and in the page's address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Instrument::Calls => "calls",
            Instrument::SourcePorts => "source-ports",
        }
    }
}

/// A block of running text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Paragraph {
    Text(Vec<Span>),
    /// A sentence that is opinion, not claim, and says so.
    Opinion(Vec<Span>),
    List {
        ordered: bool,
        items: Vec<Vec<Span>>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Span {
    Text(String),
    Code(String),
    Strong(Vec<Span>),
    Emphasis(Vec<Span>),
    Link { to: String, spans: Vec<Span> },
}

/// One command line (with its here-documents) and what it must print.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub place: Place,
    pub line: String,
    pub claim: Claim,
    /// Line of `lesson.md` on which it stands, from 1.
    pub source_line: u32,
}

/// The output to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Lines with `[..]` for anything within a line and `...` for any lines.
    pub output: Vec<String>,
    /// `[exit N]`; 0 when the lesson says nothing.
    pub exit: i32,
    /// How long it may take until the claim is seen, in seconds (default 30).
    pub eventually_secs: u32,
    /// How long it must then not change, in seconds; 0 unless `stays=`.
    pub stays_secs: u32,
    /// Whether the command only reads, so that a real world may repeat it while the claim waits.
    pub reads: bool,
}

/// A question whose answer is computed, never typed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub id: String,
    pub text: Vec<Span>,
    pub choices: Vec<Choice>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub text: Vec<Span>,
    /// The finer print under the choice.
    pub note: Vec<Span>,
    /// What makes it true, looked at when the question's answer is due: after the step's commands.
    pub check: Vec<Command>,
    /// Or a line of the step's system calls, with the answer that makes it true: `bind(api, 0.0.0.0:80) = 0`.
    pub call: Option<Calls>,
    /// Why it tempts, shown when it did not hold; or why it holds.
    pub why: Vec<Span>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exercise {
    pub id: String,
    pub task: Vec<Paragraph>,
    /// Commands that make the start state, from a fresh cluster.
    pub start: Vec<Command>,
    /// What must hold in the end; at the start at least one does not.
    pub goals: Vec<Goal>,
    /// Files that a solution needs besides the lesson's own, and its commands; every command is needed.
    pub solution: Vec<Command>,
    /// In place of start and solution: a program to be repaired.
    pub program: Option<Program>,
}

/// A script of system calls as the learner finds it, and repaired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    pub start: Calls,
    /// Each of its lines that is not in the start is needed.
    pub solution: Calls,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    pub text: Vec<Span>,
    pub check: Vec<Command>,
    /// For a program: a call that it must make, with the answer that must come.
    pub call: Option<Calls>,
    /// Shown when this goal is the first that fails.
    pub hints: Vec<Vec<Span>>,
}

/// How a claim compared with what a world showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Same,
    Different,
    /// The world could not answer; the report says why.
    Inconclusive,
    NotRun,
    /// Differs for a reason that is recorded.
    KnownDifference,
}
