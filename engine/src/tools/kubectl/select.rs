//! Which objects a command is about: `TYPE NAME…`, `TYPE/NAME…`, `TYPE -l …`, `TYPE --all`, `-f FILE…`.
//!
//! Models kubectl's builder (`cli-runtime/pkg/resource/builder.go` and `visitor.go`): the order in which objects are
//! visited, which errors end a command at once and which are gathered, and their words. Left out: URLs and
//! kustomizations, which are refused as not modelled.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::failure::{Failure, Outcome};
use super::field_selector::FieldSelector;
use super::go_value::quote;
use super::label_selector::LabelSelector;
use super::manifests;
use super::resources::{self, mapping_for};
use crate::object;
use crate::store::{Key, Kind, Object};
use crate::world::World;

/// What a command looks for. The defaults are those of an empty builder.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub args: Vec<String>,
    pub files: Vec<String>,
    pub recursive: bool,
    /// Standard input, for `-f -`.
    pub stdin: String,
    /// The files of `<( )`, by path.
    pub pipes: BTreeMap<String, String>,
    /// The namespace of the command line, else of the context.
    pub namespace: String,
    /// Whether the namespace was named on the command line, so that files must agree with it.
    pub enforce_namespace: bool,
    pub all_namespaces: bool,
    pub label_selector: String,
    pub field_selector: String,
    /// `--all`
    pub all: bool,
    /// A type alone means all its objects (`kubectl get pods`).
    pub type_alone_is_all: bool,
    pub fetch: Fetch,
    /// Go on after an error (most commands), or end at the first.
    pub continue_on_error: bool,
    pub single_resource_type: bool,
    /// Whether files are checked against the schema (`--validate`).
    pub validate: bool,
}

/// Whether objects are read from the API server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fetch {
    /// Those that were named; those from files stay as they are written there.
    #[default]
    Lazy,
    /// Also those from files.
    Latest,
    /// None: only kind, namespace and name are needed.
    None,
}

/// One object that a command is about.
#[derive(Clone, Debug)]
pub struct Info {
    pub kind: Kind,
    /// Empty for kinds without namespaces.
    pub namespace: String,
    pub name: String,
    pub object: Option<Object>,
    /// The file it was read from, `STDIN`, or empty.
    pub source: String,
}

impl Info {
    pub fn key(&self) -> Key {
        Key::new(self.kind, &self.namespace, &self.name)
    }

    /// The object; null when it was not read.
    pub fn value(&self) -> &Value {
        static NULL: Value = Value::Null;
        self.object.as_deref().unwrap_or(&NULL)
    }

    /// `pod/web`, `deployment.apps/web`.
    pub fn display(&self) -> String {
        resources::object_name(self.kind, &self.name)
    }
}

/// The objects in the order of their visit; some could not be read.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    pub infos: Vec<Outcome<Info>>,
    /// Exactly one object was asked for by name.
    pub single: bool,
    pub continue_on_error: bool,
    /// The kinds that were asked for, when they were asked for by type.
    pub kinds: Vec<Kind>,
}

impl Selected {
    /// Visits each object; ends at the first failure, or gathers all of them.
    pub fn visit(self, mut each: impl FnMut(Info) -> Outcome) -> Outcome {
        let mut failures = Vec::new();
        for info in self.infos {
            if let Err(failure) = info.and_then(&mut each) {
                if !self.continue_on_error {
                    return Err(failure);
                }
                failures.push(failure);
            }
        }
        Failure::gathered(failures)
    }

    /// All objects; the failures when there are any.
    pub fn infos(self) -> Outcome<Vec<Info>> {
        let mut all = Vec::new();
        self.visit(|info| {
            all.push(info);
            Ok(())
        })?;
        Ok(all)
    }
}

const NOTHING_ASKED: &str = "You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'";

/// Finds the objects of a query.
pub fn select(world: &World, query: &Query) -> Outcome<Selected> {
    let mut errors = Vec::new();
    let files = manifests::read_all(world, query, &mut errors);
    let named = match read_args(query) {
        Ok(named) => named,
        Err(failure) => {
            errors.push(failure);
            Named::default()
        }
    };
    if query.all && !(query.label_selector.trim().is_empty() && query.field_selector.trim().is_empty()) {
        errors.push(Failure::text("setting 'all' parameter but found a non empty selector. "));
    }
    if !errors.is_empty() {
        Failure::gathered(errors)?;
    }
    let by_selector = query.all
        || !query.label_selector.trim().is_empty()
        || !query.field_selector.trim().is_empty()
        || named.type_alone && query.type_alone_is_all;
    let mut selected = if !query.files.is_empty() {
        by_files(world, query, &named, files)?
    } else if by_selector {
        by_selectors(world, query, &named)?
    } else if !named.tuples.is_empty() || !named.names.is_empty() {
        by_names(world, query, &named)?
    } else if !named.types.is_empty() {
        for word in &named.types {
            mapping_for(word)?;
        }
        return Err(Failure::text("resource(s) were provided, but no name was specified"));
    } else {
        return Err(Failure::text(NOTHING_ASKED));
    };
    selected.continue_on_error = query.continue_on_error;
    Ok(selected)
}

/// The words of the command line, taken apart.
#[derive(Debug, Default)]
struct Named {
    types: Vec<String>,
    names: Vec<String>,
    /// `type/name`
    tuples: Vec<(String, String)>,
    type_alone: bool,
}

/// Splits at commas and drops repetitions.
fn split_types(word: &str) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for part in word.split(',') {
        if !types.iter().any(|t| t == part) {
            types.push(part.to_string());
        }
    }
    types
}

fn read_args(query: &Query) -> Outcome<Named> {
    let mut named = Named::default();
    let mut args = query.args.clone();
    if args.len() >= 2 {
        let types = split_types(&args[0]);
        if types.len() > 1 {
            let names = args[1..].to_vec();
            args = types.iter().flat_map(|t| names.iter().map(move |n| format!("{t}/{n}"))).collect();
        }
    }
    let slashes = args.iter().filter(|a| a.contains('/')).count();
    if slashes > 0 && slashes != args.len() {
        return Err(Failure::text(
            "there is no need to specify a resource type as a separate argument when passing arguments in resource/name \
             form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
        ));
    }
    if slashes > 0 {
        for arg in &args {
            named.tuples.push(split_tuple(arg)?);
        }
        return Ok(named);
    }
    let Some((types, names)) = args.split_first() else { return Ok(named) };
    for word in split_types(types) {
        if word == "all" {
            named.types.extend(resources::category_all().map(resources::qualified));
        } else {
            named.types.push(word);
        }
    }
    named.names = names.to_vec();
    named.type_alone = names.is_empty();
    Ok(named)
}

fn split_tuple(word: &str) -> Outcome<(String, String)> {
    let parts: Vec<&str> = word.split('/').collect();
    match parts.as_slice() {
        [kind, name] if !kind.is_empty() && !name.is_empty() && !kind.contains(',') => {
            Ok(((*kind).to_string(), (*name).to_string()))
        }
        [_, _] => Err(Failure::text("arguments in resource/name form must have a single resource and name")),
        _ => Err(Failure::text("arguments in resource/name form may not have more than one slash")),
    }
}

fn by_selectors(world: &World, query: &Query, named: &Named) -> Outcome<Selected> {
    if !named.names.is_empty() {
        return Err(Failure::text("name cannot be provided when a selector is specified"));
    }
    if !named.tuples.is_empty() {
        return Err(Failure::text("selectors and the all flag cannot be used when passing resource/name arguments"));
    }
    if named.types.is_empty() {
        return Err(Failure::text("at least one resource must be specified to use a selector"));
    }
    let kinds = kinds_of(query, &named.types)?;
    let mut selected = Selected { kinds: kinds.clone(), ..Selected::default() };
    for kind in kinds {
        match list(world, query, kind) {
            Ok(objects) => selected.infos.extend(objects.into_iter().map(|object| Ok(info_of(kind, object)))),
            Err(failure) => selected.infos.push(Err(failure)),
        }
    }
    Ok(selected)
}

fn kinds_of(query: &Query, words: &[String]) -> Outcome<Vec<Kind>> {
    if words.len() > 1 && query.single_resource_type {
        return Err(Failure::text("you may only specify a single resource type"));
    }
    let mut kinds = Vec::new();
    for word in words {
        let kind = mapping_for(word)?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn info_of(kind: Kind, object: Object) -> Info {
    let key = Key::of(kind, &object);
    Info { kind, namespace: key.namespace, name: key.name, object: Some(object), source: String::new() }
}

/// The objects of a kind that the query's namespace and selectors leave, as the API server lists them.
pub fn list(world: &World, query: &Query, kind: Kind) -> Outcome<Vec<Object>> {
    let (labels, fields) = (query.label_selector.trim(), query.field_selector.trim());
    let refused = |why: String| {
        Failure::bad_request(format!(
            "Unable to find {} that match label selector {}, field selector {}: {why}",
            quote(&resources::group_version_resource(kind)),
            quote(labels),
            quote(fields)
        ))
    };
    let by_label = LabelSelector::parse(labels).map_err(refused)?;
    let by_field = FieldSelector::parse(fields).map_err(refused)?;
    by_field.check(kind).map_err(refused)?;
    let namespace = (!query.all_namespaces).then_some(query.namespace.as_str());
    let objects = world.store().list_in(kind, namespace);
    Ok(objects.filter(|o| by_label.matches(o) && by_field.matches(o)).cloned().collect())
}

fn by_names(world: &World, query: &Query, named: &Named) -> Outcome<Selected> {
    let mut wanted: Vec<(Kind, String)> = Vec::new();
    if named.tuples.is_empty() {
        if named.types.len() > 1 {
            return Err(Failure::text("you must specify only one resource"));
        }
        let kind = mapping_for(&named.types[0])?;
        wanted.extend(named.names.iter().map(|name| (kind, name.clone())));
    } else {
        if !named.types.is_empty() {
            let text = "you may not specify individual resources and bulk resources in the same call";
            return Err(Failure::text(text));
        }
        for (word, name) in &named.tuples {
            wanted.push((mapping_for(word)?, name.clone()));
        }
        if query.single_resource_type && wanted.iter().any(|(kind, _)| *kind != wanted[0].0) {
            return Err(Failure::text("you may only specify a single resource type"));
        }
    }
    let mut selected = Selected { single: wanted.len() == 1, ..Selected::default() };
    for (kind, name) in wanted {
        if kind.info().namespaced && query.all_namespaces {
            return Err(Failure::text("a resource cannot be retrieved by name across all namespaces"));
        }
        if !selected.kinds.contains(&kind) {
            selected.kinds.push(kind);
        }
        let namespace = if kind.info().namespaced { query.namespace.clone() } else { String::new() };
        let info = Info { kind, namespace, name, object: None, source: String::new() };
        selected.infos.push(if query.fetch == Fetch::None { Ok(info) } else { get(world, info) });
    }
    Ok(selected)
}

/// Reads an object from the API server; names the namespace instead when that is what does not exist.
pub fn get(world: &World, mut info: Info) -> Outcome<Info> {
    if let Some(object) = world.store().get(&info.key()) {
        info.object = Some(Rc::clone(object));
        return Ok(info);
    }
    let namespace = &info.namespace;
    if !namespace.is_empty() && namespace != "default" && world.store().find(Kind::Namespace, "", namespace).is_none() {
        return Err(Failure::not_found("namespaces", namespace));
    }
    Err(Failure::not_found(&resources::qualified(info.kind), &info.name))
}

fn by_files(world: &World, query: &Query, named: &Named, files: Vec<Outcome<Info>>) -> Outcome<Selected> {
    if !named.types.is_empty() && named.names.is_empty() {
        let text = "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well";
        return Err(Failure::text(text));
    }
    if !named.names.is_empty() {
        return Err(Failure::text(
            "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
        ));
    }
    if !named.tuples.is_empty() {
        return Err(Failure::text("resource/name arguments cannot be provided when a path is specified"));
    }
    let labels = query.label_selector.trim();
    let by_label = LabelSelector::parse(labels)
        .map_err(|e| Failure::text(format!("the provided selector {} is not valid: {e}", quote(labels))))?;
    let single = files.len() == 1 && query.files.len() == 1 && query.files[0] != "-";
    let mut selected = Selected { single, ..Selected::default() };
    for file in files {
        let visited = file.and_then(|mut info| {
            if query.fetch == Fetch::Latest {
                set_namespace(&mut info, query, false)?;
                info = get(world, info)?;
            }
            Ok(info)
        });
        match visited {
            Ok(info) if !by_label.matches(info.value()) => {}
            Ok(mut info) => {
                selected.infos.push(set_namespace(&mut info, query, query.enforce_namespace).map(|()| info));
            }
            Err(failure) => selected.infos.push(Err(failure)),
        }
    }
    Ok(selected)
}

/// Gives an object of a file its namespace; one that differs from the command line's is refused.
fn set_namespace(info: &mut Info, query: &Query, enforce: bool) -> Outcome {
    if !info.kind.info().namespaced {
        if !info.namespace.is_empty() {
            info.namespace.clear();
            change(info, |object| object::set(object, "metadata.namespace", Value::Null));
        }
        return Ok(());
    }
    if info.namespace.is_empty() {
        info.namespace.clone_from(&query.namespace);
        let namespace = query.namespace.clone();
        change(info, |object| object::set(object, "metadata.namespace", namespace));
    } else if enforce && info.namespace != query.namespace {
        return Err(Failure::text(format!(
            "the namespace from the provided object {} does not match the namespace {}. You must pass '--namespace={}' to \
             perform this operation.",
            quote(&info.namespace),
            quote(&query.namespace),
            info.namespace
        )));
    }
    Ok(())
}

fn change(info: &mut Info, with: impl FnOnce(&mut Value)) {
    if let Some(object) = &mut info.object {
        with(Rc::make_mut(object));
    }
}
