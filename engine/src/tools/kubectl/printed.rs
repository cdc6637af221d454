//! What a command that changes something prints for an object: `pod/web created`, or the object itself with `-o`.
//!
//! Models `PrintFlags` and `NamePrinter` of cli-runtime, and the `--dry-run` strategies with their notes.
//! Left out: Go templates (`-o go-template`), which are refused as not modelled.

use serde_json::Value;

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::{json_declared, json_indented, quote};
use super::jsonpath::Template;
use super::resources;
use crate::object;
use crate::store::Kind;
use crate::yaml;

/// `--dry-run`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    #[default]
    None,
    Client,
    Server,
}

impl DryRun {
    /// Reads `--dry-run`; the forms that are only tolerated warn as kubectl's log does.
    pub fn of(call: &mut Call) -> Outcome<DryRun> {
        let value = call.flags.text("dry-run").to_string();
        match value.as_str() {
            "" | "none" => Ok(DryRun::None),
            "client" => Ok(DryRun::Client),
            "server" => Ok(DryRun::Server),
            "unchanged" => {
                log_warning(call, "--dry-run is deprecated and can be replaced with --dry-run=client.");
                Ok(DryRun::Client)
            }
            other => match super::go_format::parse_bool(other) {
                Ok(true) => {
                    let text = format!(
                        "--dry-run={other} is deprecated (boolean value) and can be replaced with --dry-run=client."
                    );
                    log_warning(call, &text);
                    Ok(DryRun::Client)
                }
                Ok(false) => {
                    let text = format!(
                        "--dry-run={other} is deprecated (boolean value) and can be replaced with --dry-run=none."
                    );
                    log_warning(call, &text);
                    Ok(DryRun::None)
                }
                Err(_) => Err(Failure::text(format!(
                    "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
                ))),
            },
        }
    }

    fn note(self) -> &'static str {
        match self {
            DryRun::None => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        }
    }
}

/// A line of klog, as kubectl writes its own warnings.
fn log_warning(call: &mut Call, text: &str) {
    let time = call.cx.world.now();
    let stamp = time.rfc3339();
    let (month, day, clock) = (&stamp[5..7], &stamp[8..10], &stamp[11..19]);
    call.cx.eprint(&format!(
        "W{month}{day} {clock}.{:06}       1 helpers.go:731] {text}\n",
        time.0.rem_euclid(1000) * 1000
    ));
}

/// Prints objects, each with what was done to it.
#[derive(Clone, Debug)]
pub struct Printer {
    format: Format,
    dry_run: DryRun,
    printed: usize,
    /// JSON with the fields as the Go types declare them: what kubectl holds typed and not as a map.
    declared: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Format {
    /// `pod/web created`
    Done,
    Name,
    Json,
    Yaml,
    JsonPath(String),
    JsonPathAsJson(String),
}

const FORMATS: &str =
    "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,yaml";

impl Printer {
    /// The printer that `-o` asks for.
    pub fn of(call: &Call, dry_run: DryRun) -> Outcome<Printer> {
        let asked = call.flags.text("output");
        let (name, template) = match asked.split_once('=') {
            Some((name, template)) => (name, Some(template.to_string())),
            None => (asked, None),
        };
        let needed =
            || template.clone().ok_or_else(|| Failure::text("template format specified but no template given"));
        let format = match name {
            "" => Format::Done,
            "name" => Format::Name,
            "json" => Format::Json,
            "yaml" => Format::Yaml,
            "jsonpath" => Format::JsonPath(needed()?),
            "jsonpath-as-json" => Format::JsonPathAsJson(needed()?),
            "jsonpath-file" => {
                let path = needed()?;
                let text = call.cx.world.read_file(&path);
                let missing = || {
                    Failure::text(format!("error reading --template {path}, open {path}: no such file or directory\n"))
                };
                Format::JsonPath(text.ok_or_else(missing)?.to_string())
            }
            "go-template" | "go-template-file" | "template" | "templatefile" => {
                return Err(Failure::not_modelled(format!("Go templates ('-o {name}'); use jsonpath or jq")));
            }
            _ => {
                return Err(Failure::text(format!(
                    "unable to match a printer suitable for the output format {}, allowed formats are: {FORMATS}",
                    quote(asked)
                )));
            }
        };
        Ok(Printer { format, dry_run, printed: 0, declared: false })
    }

    /// Some commands forget the note of a dry run.
    pub fn without_note(mut self) -> Printer {
        self.dry_run = DryRun::None;
        self
    }

    /// For an object that kubectl made itself and that no server's answer, which it reads as a map, replaced.
    pub fn of_typed(mut self, dry_run: DryRun) -> Printer {
        self.declared = dry_run == DryRun::Client;
        self
    }

    /// Whether `-o` asked for the object itself.
    pub fn prints_objects(&self) -> bool {
        !matches!(self.format, Format::Done | Format::Name)
    }

    /// Prints one object and what was done to it.
    pub fn print(&mut self, call: &mut Call, kind: Kind, object: &Value, done: &str) -> Outcome {
        let name = match object::name(object) {
            "" => "<unknown>",
            name => name,
        };
        let named = resources::object_name(kind, name);
        let text = match &self.format {
            Format::Done if done.is_empty() && self.dry_run == DryRun::None => format!("{named}\n"),
            Format::Done => format!("{named} {done}{}\n", self.dry_run.note()),
            Format::Name => format!("{named}\n"),
            Format::Json if self.declared => format!("{}\n", json_declared(kind.info().kind, object)),
            _ => self.object_text(object)?,
        };
        self.printed += 1;
        call.cx.print(&text);
        Ok(())
    }

    /// Prints an object that stands for several (a List).
    pub fn print_list(&mut self, call: &mut Call, list: &Value) -> Outcome {
        let text = self.object_text(list)?;
        call.cx.print(&text);
        Ok(())
    }

    fn object_text(&self, object: &Value) -> Outcome<String> {
        match &self.format {
            Format::Json => Ok(format!("{}\n", json_indented(object))),
            Format::Yaml if self.printed > 0 => Ok(format!("---\n{}", yaml::emit(object))),
            Format::Yaml => Ok(yaml::emit(object)),
            Format::JsonPath(template) => {
                let read = Template::new(template).map_err(|e| unreadable(template, &e))?;
                read.print(object, true).map_err(Failure::text)
            }
            Format::JsonPathAsJson(template) => {
                let read = Template::new(template).map_err(|e| unreadable(template, &e))?;
                read.print_json(object, true).map_err(Failure::text)
            }
            Format::Done | Format::Name => Ok(String::new()),
        }
    }
}

fn unreadable(template: &str, why: &str) -> Failure {
    Failure::text(format!("error parsing jsonpath {template}, {why}\n"))
}
