//! jq for the lab, over the jaq crates: options, output and error words as jq 1.7 has them.
//!
//! A crate of its own because the page loads it when a command line first names jq. Every run is bounded: in steps
//! ([`bound`]), nesting, input and output. Leaves out: files and modules (`--slurpfile`, `import`), `--stream`, `--seq`,
//! colours, `now` and `env` (the lab's clock and variables are not jq's), `input_line_number`, `$__loc__`.

mod bound;
mod options;
mod words;

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Val, read, write};
use portlab_engine::lab::JqOutput;

use options::{Input, Options};

/// Longest filter, in bytes.
const FILTER_MAX: usize = 64 * 1024;
/// Most that a run may print, in bytes.
const OUTPUT_MAX: usize = 8 * 1024 * 1024;
/// Deepest nesting of a filter and of the input.
const DEPTH_MAX: usize = 256;

/// Values, plus the inputs that are left, for `input` and `inputs`.
struct Kind;

impl data::DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = Data<'a>;
}

#[derive(Clone)]
struct Data<'a> {
    lut: &'a jaq_core::Lut<Kind>,
    inputs: jaq_std::input::Inputs<'a, Val>,
}

impl<'a> data::HasLut<'a, Kind> for Data<'a> {
    fn lut(&self) -> &'a jaq_core::Lut<Kind> {
        self.lut
    }
}

impl<'a> jaq_std::input::HasInputs<'a, Val> for Data<'a> {
    fn inputs(&self) -> jaq_std::input::Inputs<'a, Val> {
        self.inputs
    }
}

/// Runs jq: arguments without the program's name, and standard input.
#[must_use]
pub fn run(args: &[String], stdin: &str) -> JqOutput {
    let options = match options::read(args) {
        Ok(options) => options,
        Err(message) => return failed(2, message),
    };
    let mut out = JqOutput::default();
    out.exit = match filter(&options, stdin, &mut out) {
        Ok(exit) => exit,
        Err((exit, message)) => {
            out.stderr.push_str(&message);
            exit
        }
    };
    out
}

fn failed(exit: i32, message: String) -> JqOutput {
    JqOutput { stdout: String::new(), stderr: message, exit }
}

type Failure = (i32, String);

/// Compiles the filter, then runs it on each input; the exit status.
fn filter(options: &Options, stdin: &str, out: &mut JqOutput) -> Result<i32, Failure> {
    let code = options.filter.as_str();
    if code.len() > FILTER_MAX {
        return Err((
            2,
            format!("jq: error: the filter has {} bytes; the lab's jq takes at most {FILTER_MAX}\n", code.len()),
        ));
    }
    if depth(code) > DEPTH_MAX {
        return Err((2, format!("jq: error: the filter is nested deeper than {DEPTH_MAX}\n")));
    }
    if depth(stdin) > DEPTH_MAX {
        return Err((2, format!("jq: parse error: the input is nested deeper than {DEPTH_MAX}\n")));
    }
    let arena = Arena::default();
    let names: Vec<String> = options.variables.iter().map(|(name, _)| format!("${name}")).collect();
    let prelude = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let defs = bound::own_defs().chain(bound::defs(prelude)).chain(bound::table_defs());
    // The learner's own definitions get their steps counted as well: the filter becomes the body of one.
    let Some(main) = bound::main(code) else {
        return Err((3, words::syntax(code)));
    };
    let modules = Loader::new(defs.chain([main]))
        .load(&arena, File { code: bound::MAIN_CALL, path: () })
        .map_err(|_| (3, words::syntax(code)))?;
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let funs = funs
        .filter(|(name, _, _)| !matches!(*name, "now" | "env"))
        .chain(jaq_std::input::funs().into_vec().into_iter().map(jaq_core::native::run))
        .chain([bound::tick()]);
    let compiled = Compiler::default()
        .with_funs(funs)
        .with_global_vars(names.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| (3, words::undefined(code, &errors)))?;

    bound::begin();
    let inputs: Box<dyn Iterator<Item = Result<Val, String>>> = inputs(options, stdin)?;
    let inputs = jaq_std::input::RcIter::new(inputs);
    let inputs: jaq_std::input::Inputs<Val> = &inputs;
    let data = Data { lut: &compiled.lut, inputs };
    let vars: Vec<Val> = options.variables.iter().map(|(_, value)| value.clone()).collect();
    let mut printer = Printer { options, last: None };
    let mut status = 0;
    let once = [Ok(Val::Null)];
    let each: Box<dyn Iterator<Item = Result<Val, String>>> =
        if options.input == Input::None { Box::new(once.into_iter()) } else { Box::new(inputs) };
    for input in each {
        let input = input.map_err(|error| (2, words::parse(stdin, &error)))?;
        let ctx = Ctx::<Kind>::new(data.clone(), Vars::new(vars.clone()));
        for value in compiled.id.run((ctx, input)) {
            let value = match value.map_err(|exception| exception.get_halt()) {
                Ok(value) => value,
                Err(Ok(code)) => return bound::halted(code).map_or(Ok(code), Err),
                Err(Err(exception)) => match unwrap_valr(Err(exception)) {
                    Ok(value) => value,
                    Err(error) => {
                        out.stderr.push_str(&words::runtime(&error, stdin));
                        status = 5;
                        break;
                    }
                },
            };
            printer.print(&value, &mut out.stdout)?;
        }
    }
    Ok(if status == 0 && options.exit_status { printer.exit_status() } else { status })
}

/// The values to run on.
fn inputs<'a>(
    options: &Options,
    stdin: &'a str,
) -> Result<Box<dyn Iterator<Item = Result<Val, String>> + 'a>, Failure> {
    let values = || read::parse_many(stdin.as_bytes()).map(|value| value.map_err(|error| error.to_string()));
    Ok(match options.input {
        Input::Raw if options.slurp => Box::new(std::iter::once(Ok(Val::from(stdin.to_owned())))),
        Input::Raw => Box::new(stdin.lines().map(|line| Ok(Val::from(line.to_owned())))),
        Input::Json | Input::None if options.slurp => {
            let all: Result<Vec<Val>, String> = values().collect();
            let all = all.map_err(|error| (2, words::parse(stdin, &error)))?;
            Box::new(std::iter::once(Ok(all.into_iter().collect())))
        }
        Input::Json | Input::None => Box::new(values()),
    })
}

struct Printer<'a> {
    options: &'a Options,
    last: Option<Val>,
}

impl Printer<'_> {
    fn print(&mut self, value: &Val, stdout: &mut String) -> Result<(), Failure> {
        let options = self.options;
        match value {
            Val::TStr(text) if options.raw => stdout.push_str(&String::from_utf8_lossy(text)),
            _ => {
                let pp = write::Pp {
                    indent: options.indent.clone(),
                    sort_keys: options.sort_keys,
                    sep_space: options.indent.is_some(),
                    ..Default::default()
                };
                let mut bytes = Vec::new();
                if write::write(&mut bytes, &pp, 0, value).is_err() {
                    return Err((2, "jq: error: writing output failed\n".to_owned()));
                }
                let text = String::from_utf8_lossy(&bytes);
                if options.ascii { stdout.push_str(&words::ascii(&text)) } else { stdout.push_str(&text) }
            }
        }
        stdout.push_str(options.terminator);
        self.last = Some(value.clone());
        if stdout.len() > OUTPUT_MAX {
            return Err((2, format!("jq: error: more than {OUTPUT_MAX} bytes of output; the lab stops here\n")));
        }
        Ok(())
    }

    /// `-e`: 0 for a value, 1 for a last value of null or false, 4 for none.
    fn exit_status(&self) -> i32 {
        match &self.last {
            None => 4,
            Some(Val::Null | Val::Bool(false)) => 1,
            Some(_) => 0,
        }
    }
}

/// How deep brackets are nested, strings apart.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests;
