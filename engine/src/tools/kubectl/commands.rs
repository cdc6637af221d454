//! The commands of kubectl 1.34 and the flags of each, as data: `commands.txt`, written down from the
//! program's own command tree (`NewDefaultKubectlCommand`). Each flag says how far portlab follows it.
//!
//! Lines of `commands.txt`: a command is `path TAB aliases TAB short TAB use TAB suggested-for TAB hidden`;
//! its flags follow, indented: `name,shorthand:type=default?value-when-none-is-given mark`, where the mark is
//! `~` (accepted, without effect) or `!` (portlab does not model it). The first command is kubectl itself:
//! its flags belong to all.

use std::sync::OnceLock;

/// How portlab treats a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    Modelled,
    /// Accepted, and without effect in the lab.
    Accepted,
    /// Refused, by saying that portlab does not model it.
    Unmodelled,
}

/// The value types of pflag that kubectl uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagType {
    Bool,
    Int {
        bits: u32,
    },
    Duration,
    String,
    /// Repeatable; each value is split at commas as CSV.
    StringSlice,
    /// Repeatable; values are kept whole.
    StringArray,
}

#[derive(Debug)]
pub struct Flag {
    pub name: &'static str,
    pub shorthand: Option<char>,
    pub value: FlagType,
    pub default: &'static str,
    /// What `--flag` without a value means; empty when a value is required.
    pub without_value: &'static str,
    pub fidelity: Fidelity,
}

#[derive(Debug)]
pub struct Command {
    /// Words after `kubectl`, such as `rollout status`; empty for kubectl itself.
    pub path: &'static str,
    pub aliases: Vec<&'static str>,
    pub short: &'static str,
    pub usage: &'static str,
    /// Words for which this command is suggested, besides those that are spelled alike.
    pub suggest_for: Vec<&'static str>,
    pub hidden: bool,
    pub flags: Vec<Flag>,
}

impl Command {
    /// The last word of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit(' ').next().unwrap_or("")
    }

    /// The full name as messages say it: `kubectl rollout status`.
    pub fn full_name(&self) -> String {
        format!("kubectl {}", self.path).trim_end().to_string()
    }

    pub fn children(&self) -> impl Iterator<Item = &'static Command> {
        let path = self.path;
        all().iter().filter(move |c| !c.path.is_empty() && c.path.rsplit_once(' ').map_or("", |(p, _)| p) == path)
    }

    /// A flag by its long name, the global ones included; `_` reads as `-`.
    pub fn flag(&self, name: &str) -> Option<&'static Flag> {
        let name = name.replace('_', "-");
        self.known_flags().find(|f| f.name == name)
    }

    pub fn shorthand(&self, letter: char) -> Option<&'static Flag> {
        self.known_flags().find(|f| f.shorthand == Some(letter))
    }

    fn known_flags(&self) -> impl Iterator<Item = &'static Flag> {
        let own = all().iter().find(|c| c.path == self.path).expect("every command is in the table");
        own.flags.iter().chain(if own.path.is_empty() { [].iter() } else { root().flags.iter() })
    }
}

/// All commands; the first is kubectl itself, the others stand in alphabetical order.
pub fn all() -> &'static [Command] {
    static COMMANDS: OnceLock<Vec<Command>> = OnceLock::new();
    COMMANDS.get_or_init(|| read(include_str!("commands.txt")))
}

pub fn root() -> &'static Command {
    &all()[0]
}

/// The command of that path, for instance `rollout status`.
pub fn find(path: &str) -> Option<&'static Command> {
    all().iter().find(|c| c.path == path)
}

fn read(text: &'static str) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for line in text.lines() {
        if let Some(flag) = line.strip_prefix("  ") {
            let owner = commands.last_mut().expect("a flag follows its command");
            owner.flags.push(read_flag(flag));
        } else {
            commands.push(read_command(line));
        }
    }
    commands
}

fn words(list: &'static str) -> Vec<&'static str> {
    list.split(',').filter(|w| !w.is_empty()).collect()
}

fn read_command(line: &'static str) -> Command {
    let mut fields = line.split('\t');
    let mut next = || fields.next().unwrap_or("");
    let path = next();
    Command {
        path: if path == "kubectl" { "" } else { path },
        aliases: words(next()),
        short: next(),
        usage: next(),
        suggest_for: words(next()),
        hidden: next() == "hidden",
        flags: Vec::new(),
    }
}

fn read_flag(line: &'static str) -> Flag {
    let (line, fidelity) = match (line.strip_suffix(" ~"), line.strip_suffix(" !")) {
        (Some(rest), _) => (rest, Fidelity::Accepted),
        (_, Some(rest)) => (rest, Fidelity::Unmodelled),
        _ => (line, Fidelity::Modelled),
    };
    let (names, rest) = line.split_once(':').expect("a flag has a type");
    let (name, shorthand) = names.split_once(',').unwrap_or((names, ""));
    let (rest, without_value) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, default) = rest.split_once('=').unwrap_or((rest, ""));
    let value = match kind {
        "bool" | "tristate" => FlagType::Bool,
        "int" | "int64" => FlagType::Int { bits: 64 },
        "int32" => FlagType::Int { bits: 32 },
        "duration" => FlagType::Duration,
        "stringSlice" => FlagType::StringSlice,
        "stringArray" | "stringToString" => FlagType::StringArray,
        _ => FlagType::String,
    };
    let without_value = if value == FlagType::Bool { "true" } else { without_value };
    Flag { name, shorthand: shorthand.chars().next(), value, default, without_value, fidelity }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_as_kubectl_defines_it() {
        assert_eq!(root().path, "");
        assert!(all().len() > 90, "{} commands", all().len());
        let status = find("rollout status").expect("rollout status is a command");
        assert_eq!(status.flag("timeout").map(|f| f.value), Some(FlagType::Duration));
        assert_eq!(status.shorthand('n').map(|f| f.name), Some("namespace"));
        assert!(status.flag("replicas").is_none());
        let scale = find("scale").and_then(|c| c.flag("replicas")).expect("scale has --replicas");
        assert_eq!(scale.value, FlagType::Int { bits: 64 });
        let apply = find("apply").and_then(|c| c.flag("server-side")).expect("apply has --server-side");
        assert_eq!(apply.fidelity, Fidelity::Unmodelled);
        let children: Vec<_> = find("rollout").expect("rollout").children().map(Command::name).collect();
        assert_eq!(children, ["history", "pause", "restart", "resume", "status", "undo"]);
    }
}
