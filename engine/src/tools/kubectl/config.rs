//! `kubectl config`: the kubeconfig that kind writes, with one cluster, one user and one context, which can be looked at
//! and whose namespace can be chosen. Left out: whatever would change more of it.

use serde_json::{Value, json};

use super::cluster_info::SERVER;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::tabwriter::table;
use super::{CONTEXT_NAMESPACE, Call, go_value};
use crate::yaml;

/// The name that kind gives to cluster, user and context alike.
fn entry(call: &Call) -> String {
    format!("kind-{}", call.cx.world.options().cluster)
}

pub fn run_view(call: &mut Call) -> Outcome {
    let name = entry(call);
    let mut context = json!({"cluster": name, "user": name});
    if let Some(namespace) = call.cx.env.vars.get(CONTEXT_NAMESPACE) {
        context["namespace"] = Value::from(namespace.as_str());
    }
    let config = json!({
        "apiVersion": "v1",
        "clusters": [{"cluster": {"certificate-authority-data": "DATA+OMITTED", "server": SERVER}, "name": name}],
        "contexts": [{"context": context, "name": name}],
        "current-context": name,
        "kind": "Config",
        "users": [{"name": name, "user": {"client-certificate-data": "DATA+OMITTED", "client-key-data": "DATA+OMITTED"}}],
    });
    let text = match call.flags.text("output") {
        "" | "yaml" => yaml::emit(&config),
        "json" => format!("{}\n", go_value::json_indented(&config)),
        output => match super::output::parse(call.cx.world, output, super::output::Formats::Plain, false)? {
            super::output::Output::Name => return Err(Failure::not_modelled("-o name of 'kubectl config view'")),
            other => other.print(&config)?,
        },
    };
    call.cx.print(&text);
    Ok(())
}

pub fn run_current_context(call: &mut Call) -> Outcome {
    let name = entry(call);
    call.print(name);
    Ok(())
}

pub fn run_get_contexts(call: &mut Call) -> Outcome {
    let name = entry(call);
    let output = call.flags.text("output").to_owned();
    if !["", "name"].contains(&output.as_str()) {
        return Err(Failure::text(format!("output must be one of '' or 'name': {output}")));
    }
    let unknown: Vec<String> = call.args.iter().filter(|asked| **asked != name).cloned().collect();
    let shown = call.args.is_empty() || unknown.len() < call.args.len();
    let mut writer = table();
    if output.is_empty() && !call.flags.bool("no-headers") {
        writer.write("CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n");
    }
    if shown && output == "name" {
        writer.write(&format!("{name}\n"));
    } else if shown {
        let namespace = call.cx.env.vars.get(CONTEXT_NAMESPACE).cloned().unwrap_or_default();
        writer.write(&format!("*\t{name}\t{name}\t{name}\t{namespace}\n"));
    }
    call.cx.print(&writer.finish());
    Failure::gathered(unknown.iter().map(|name| Failure::text(format!("context {name} not found"))).collect())
}

/// `get-clusters` and `get-users`.
pub fn run_get_names(call: &mut Call) -> Outcome {
    let name = entry(call);
    call.print(format!("NAME\n{name}"));
    Ok(())
}

pub fn run_use_context(call: &mut Call) -> Outcome {
    let name = entry(call);
    match call.args.as_slice() {
        [asked] if *asked == name => {
            call.print(format!("Switched to context {}.", quote(&name)));
            Ok(())
        }
        [asked] => Err(Failure::text(format!("no context exists with the name: {}", quote(asked)))),
        _ => Err(call.usage_error("Unexpected args: expected a context name")),
    }
}

pub fn run_set_context(call: &mut Call) -> Outcome {
    let name = entry(call);
    let current = call.flags.bool("current");
    let asked = call.args.first().cloned();
    if current && asked.is_some() {
        return Err(Failure::text("you cannot specify both a context name and --current"));
    }
    if !current && asked.as_deref() != Some(name.as_str()) {
        return Err(Failure::not_modelled("another context than the lab's own"));
    }
    if call.flags.changed("namespace") {
        let namespace = call.flags.text("namespace").to_owned();
        if namespace.is_empty() {
            call.cx.env.vars.remove(CONTEXT_NAMESPACE);
        } else {
            call.cx.env.vars.insert(CONTEXT_NAMESPACE.to_owned(), namespace);
        }
    }
    call.print(format!("Context {} modified.", quote(&name)));
    Ok(())
}
