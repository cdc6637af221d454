//! `kubectl auth can-i`: in the lab as with kind's own kubeconfig, whose user may do everything
//! (`kubectl/pkg/cmd/auth/cani.go`). Left out: `--list`, RBAC.

use super::Call;
use super::api_resources::{Served, served};
use super::failure::{Failure, Outcome};

const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "impersonate",
    "*",
    "approve",
    "sign",
    "escalate",
    "attest",
];

pub fn run(call: &mut Call) -> Outcome {
    if call.flags.bool("list") {
        return Err(Failure::not_modelled("--list of 'kubectl auth can-i'"));
    }
    let [verb, what] = call.args.as_slice() else {
        return Err(Failure::text(
            "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
        ));
    };
    let mut warnings = Vec::new();
    if !what.starts_with('/') {
        let word = what.split('/').next().unwrap_or(what).to_lowercase();
        match find(&word) {
            None if word == "*" => {}
            None => warnings.push(match word.split_once('.') {
                None => format!("the server doesn't have a resource type '{word}'"),
                Some((name, group)) => format!("the server doesn't have a resource type '{name}' in group '{group}'"),
            }),
            Some(found) => {
                if !found.namespaced && !call.flags.bool("all-namespaces") {
                    let group = match found.group() {
                        "" => String::new(),
                        group => format!(" in group '{group}'"),
                    };
                    warnings.push(format!("resource '{}' is not namespace scoped{group}", found.name));
                }
            }
        }
        if !VERBS.contains(&verb.as_str()) && find(&word).is_some() {
            warnings.push(format!("verb '{verb}' is not a known verb"));
        }
    }
    if call.flags.bool("no-headers") {
        return Err(Failure::text("--no-headers cannot be set without --list specified"));
    }
    let quiet = call.flags.bool("quiet");
    for warning in warnings {
        call.warn(format!("{warning}\n"));
    }
    if !quiet {
        call.print("yes");
    }
    Ok(())
}

fn find(word: &str) -> Option<Served> {
    let (name, group) = word.split_once('.').unwrap_or((word, ""));
    served().find(|resource| {
        let singular = resource.kind.to_lowercase();
        let named =
            resource.name == name || singular == name || resource.short_names.split(',').any(|short| short == name);
        named && (group.is_empty() || resource.group() == group)
    })
}
