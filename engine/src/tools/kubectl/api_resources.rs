//! `kubectl api-resources` and `api-versions`: what the API server of a plain cluster serves, portlab's kinds and the others
//! alike (`api_resources.txt`, from `api/discovery` of Kubernetes 1.34.0). Left out: `-o json|yaml`.

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::tabwriter::table;

/// A line of `api_resources.txt`.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    pub name: &'static str,
    pub short_names: &'static str,
    pub api_version: &'static str,
    pub namespaced: bool,
    pub kind: &'static str,
    verbs: &'static str,
    categories: &'static str,
}

impl Served {
    pub fn group(&self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// Everything that is served, by group and name.
pub fn served() -> impl Iterator<Item = Served> {
    include_str!("api_resources.txt").lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut cells = line.split('\t');
        let mut cell = || cells.next();
        Some(Served {
            name: cell()?,
            short_names: cell()?,
            api_version: cell()?,
            namespaced: cell()? == "true",
            kind: cell()?,
            verbs: cell()?,
            categories: cell()?,
        })
    })
}

pub fn run(call: &mut Call) -> Outcome {
    if !call.args.is_empty() {
        let text = format!("unexpected arguments: [{}]", call.args.join(" "));
        return Err(call.usage_error(text));
    }
    let output = call.flags.text("output").to_owned();
    match output.as_str() {
        "" | "wide" | "name" => {}
        "json" | "yaml" => return Err(Failure::not_modelled(format!("-o {output} of 'kubectl api-resources'"))),
        _ => {
            return Err(Failure::text(format!(
                "unable to match a printer suitable for the output format {}, allowed formats are: json,name,wide,yaml",
                quote(&output)
            )));
        }
    }
    let sort_by = call.flags.text("sort-by").to_owned();
    if !["", "name", "kind"].contains(&sort_by.as_str()) {
        return Err(Failure::text("--sort-by accepts only name or kind"));
    }
    let has_all = |list: &str, wanted: &[String]| wanted.iter().all(|one| list.split(',').any(|item| item == one));
    let (verbs, categories) = (call.flags.list("verbs"), call.flags.list("categories"));
    let mut resources: Vec<Served> = served()
        .filter(|resource| !call.flags.changed("api-group") || resource.group() == call.flags.text("api-group"))
        .filter(|resource| !call.flags.changed("namespaced") || resource.namespaced == call.flags.bool("namespaced"))
        .filter(|resource| has_all(resource.verbs, &verbs) && has_all(resource.categories, &categories))
        .collect();
    resources.sort_by_key(|resource| match sort_by.as_str() {
        "name" => (resource.name, resource.name),
        "kind" => (resource.kind, resource.name),
        _ => (resource.group(), resource.name),
    });
    let text = print(&resources, &output, call.flags.bool("no-headers"));
    call.cx.print(&text);
    Ok(())
}

fn print(resources: &[Served], output: &str, no_headers: bool) -> String {
    if output == "name" {
        let name = |resource: &Served| match resource.group() {
            "" => format!("{}\n", resource.name),
            group => format!("{}.{group}\n", resource.name),
        };
        return resources.iter().map(name).collect();
    }
    let wide = output == "wide";
    let mut writer = table();
    if !no_headers {
        let more = if wide { "\tVERBS\tCATEGORIES" } else { "" };
        writer.write(&format!("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND{more}\n"));
    }
    for r in resources {
        let more = if wide { format!("\t{}\t{}", r.verbs, r.categories) } else { String::new() };
        let (names, version) = (r.short_names, r.api_version);
        writer.write(&format!("{}\t{names}\t{version}\t{}\t{}{more}\n", r.name, r.namespaced, r.kind));
    }
    writer.finish()
}

pub fn run_versions(call: &mut Call) -> Outcome {
    if !call.args.is_empty() {
        let text = format!("unexpected arguments: [{}]", call.args.join(" "));
        return Err(call.usage_error(text));
    }
    // autoscaling serves its older version beside the preferred one.
    let mut versions: Vec<&str> = served().map(|resource| resource.api_version).collect();
    versions.push("autoscaling/v1");
    versions.sort_unstable();
    versions.dedup();
    let text: String = versions.iter().map(|version| format!("{version}\n")).collect();
    call.cx.print(&text);
    Ok(())
}
