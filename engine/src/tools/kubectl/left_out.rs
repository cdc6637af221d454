//! What kubectl has and portlab leaves out, in one list with the reasons; and the short help, which is all of the
//! help that portlab has.

use super::Call;
use super::commands::{self, Command, Fidelity};
use super::failure::Outcome;

/// Commands that portlab does not model, and why. A prefix stands for its subcommands.
pub const COMMANDS: &[(&str, &str)] = &[
    ("alpha", "there are no alpha commands in 1.34"),
    ("apply edit-last-applied", "it opens an editor"),
    ("attach", "the lab's processes have no terminal"),
    ("auth reconcile", "the lab has no RBAC; everyone may do everything"),
    ("auth whoami", "the lab has no users"),
    ("autoscale", "the lab has no HorizontalPodAutoscaler and no metrics"),
    ("certificate", "the lab has no certificates"),
    ("cluster-info dump", "read the objects with 'kubectl get' instead"),
    ("completion", "the lab's terminal completes by itself"),
    ("config delete-cluster", "the lab has one cluster, one user and one context"),
    ("config delete-context", "the lab has one cluster, one user and one context"),
    ("config delete-user", "the lab has one cluster, one user and one context"),
    ("config rename-context", "the lab has one cluster, one user and one context"),
    ("config set", "the lab has one cluster, one user and one context"),
    ("config set-cluster", "the lab has one cluster, one user and one context"),
    ("config set-credentials", "the lab has one cluster, one user and one context"),
    ("config unset", "the lab has one cluster, one user and one context"),
    ("cp", "the lab's containers have no file system"),
    ("create clusterrole", "the lab has no RBAC"),
    ("create clusterrolebinding", "the lab has no RBAC"),
    ("create cronjob", "the lab has no Jobs"),
    ("create ingress", "the lab has no Ingress"),
    ("create job", "the lab has no Jobs"),
    ("create poddisruptionbudget", "the lab has no PodDisruptionBudget"),
    ("create quota", "the lab has no ResourceQuota"),
    ("create role", "the lab has no RBAC"),
    ("create rolebinding", "the lab has no RBAC"),
    ("create secret", "the lab has no Secrets"),
    ("create token", "the lab has no tokens"),
    ("debug", "the lab has no ephemeral containers; 'docker exec NODE' leads onto a node"),
    ("diff", "use 'kubectl apply --dry-run=server -o yaml' and compare with 'kubectl get -o yaml'"),
    ("edit", "it opens an editor; use 'kubectl patch', or change the manifest and apply it"),
    ("kustomize", "the lab has no kustomizations"),
    ("plugin", "the lab has no plugins"),
    ("port-forward", "the lab's workstation opens no ports"),
    ("proxy", "the lab's API server speaks no HTTP"),
    ("apply set-last-applied", "apply the manifest instead"),
    ("set selector", "use 'kubectl patch'"),
    ("set serviceaccount", "service accounts have no effect in the lab"),
    ("set subject", "the lab has no RBAC"),
];

/// Why a command is not modelled; `None` when it is, or when there is no such command.
pub fn reason(path: &str) -> Option<&'static str> {
    COMMANDS
        .iter()
        .find(|(left_out, _)| {
            path == *left_out || path.strip_prefix(left_out).is_some_and(|rest| rest.starts_with(' '))
        })
        .map(|(_, reason)| *reason)
}

/// `kubectl options`: the flags that every command takes.
pub fn options(call: &mut Call) -> Outcome {
    let flags: String = commands::root().flags.iter().map(flag_line).collect();
    call.print(format!("The following options can be passed to any command:\n\n{}", flags.trim_end()));
    Ok(())
}

/// The short help of a command: what it does, how it is called, what it has. kubectl's long texts are not modelled.
pub fn help(path: &str) -> String {
    let command = commands::find(path).unwrap_or_else(|| commands::root());
    let mut text = format!("{}.\n", command.short.trim_end_matches('.'));
    let children: Vec<&Command> = command.children().filter(|c| !c.hidden).collect();
    if !children.is_empty() {
        text.push_str("\nAvailable Commands:\n");
        let width = children.iter().map(|c| c.name().len()).max().unwrap_or(0);
        for child in children {
            let gap = " ".repeat(width - child.name().len());
            let note = if reason(child.path).is_some() { " (not modelled by portlab)" } else { "" };
            text.push_str(&format!("  {}{gap}   {}{note}\n", child.name(), child.short));
        }
    } else if let Some(reason) = reason(path) {
        text.push_str(&format!("\nportlab does not model this command: {reason}.\n"));
    }
    let flags: Vec<String> =
        command.flags.iter().filter(|f| f.fidelity != Fidelity::Unmodelled).map(flag_line).collect();
    if !flags.is_empty() && !path.is_empty() {
        text.push_str(&format!("\nOptions:\n{}", flags.concat()));
    }
    let holder = path.rsplit_once(' ').map_or("", |(holder, _)| holder);
    let usage = format!("kubectl {holder}").trim_end().to_string();
    let usage = if path.is_empty() { "kubectl [flags]".to_string() } else { format!("{usage} {}", command.usage) };
    text.push_str(&format!("\nUsage:\n  {} [options]\n", usage.trim_end_matches(" [flags]")));
    text
}

fn flag_line(flag: &commands::Flag) -> String {
    let shorthand = flag.shorthand.map_or(String::from("    "), |letter| format!("-{letter}, "));
    let default = match flag.value {
        commands::FlagType::Bool if flag.default.is_empty() => "false".to_string(),
        commands::FlagType::String => format!("'{}'", flag.default),
        commands::FlagType::StringArray | commands::FlagType::StringSlice => "[]".to_string(),
        _ => flag.default.to_string(),
    };
    let note = if flag.fidelity == Fidelity::Accepted { " (without effect in portlab)" } else { "" };
    format!("  {shorthand}--{}={default}{note}\n", flag.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_only_commands_that_exist() {
        for (path, _) in COMMANDS {
            assert!(commands::find(path).is_some(), "{path} is no command of kubectl");
        }
        assert_eq!(reason("create secret generic"), Some("the lab has no Secrets"));
        assert_eq!(reason("set image"), None);
    }
}
