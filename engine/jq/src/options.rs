//! jq's command line.

use jaq_json::{Val, read};

/// Where the values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Json,
    /// `-R`: lines of text.
    Raw,
    /// `-n`: null, once.
    None,
}

#[derive(Debug)]
pub struct Options {
    pub filter: String,
    pub input: Input,
    pub slurp: bool,
    pub raw: bool,
    pub ascii: bool,
    pub sort_keys: bool,
    pub exit_status: bool,
    /// What a level of nesting is indented by; `None` writes each value on one line.
    pub indent: Option<String>,
    /// What follows each value.
    pub terminator: &'static str,
    /// `--arg`, `--argjson` and positional ones, with `$ARGS`-less names.
    pub variables: Vec<(String, Val)>,
}

/// Reads the arguments.
///
/// # Errors
/// jq's message for a usage error.
pub fn read(args: &[String]) -> Result<Options, String> {
    let mut options = Options {
        filter: String::new(),
        input: Input::Json,
        slurp: false,
        raw: false,
        ascii: false,
        sort_keys: false,
        exit_status: false,
        indent: Some("  ".to_owned()),
        terminator: "\n",
        variables: Vec::new(),
    };
    let mut filter = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if !arg.starts_with('-') || arg == "-" {
            match filter {
                None => filter = Some(arg.clone()),
                Some(_) => {
                    return Err(format!("jq: error: Could not open {arg}: portlab's jq reads standard input only\n"));
                }
            }
            continue;
        }
        if let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) {
            self::long(&mut options, long, &mut args)?;
        } else {
            for letter in arg[1..].chars() {
                short(&mut options, letter)?;
            }
        }
    }
    options.filter = filter.ok_or_else(|| "Usage:\tjq [OPTIONS] FILTER\n".to_owned())?;
    Ok(options)
}

fn short(options: &mut Options, letter: char) -> Result<(), String> {
    match letter {
        'r' => options.raw = true,
        'j' => (options.raw, options.terminator) = (true, ""),
        'c' => options.indent = None,
        'n' => options.input = Input::None,
        's' => options.slurp = true,
        'R' => options.input = Input::Raw,
        'S' => options.sort_keys = true,
        'e' => options.exit_status = true,
        'a' => options.ascii = true,
        // Colours: a transcript has none.
        'M' => {}
        'C' => return Err(left_out("-C")),
        _ => return Err(unknown(&format!("-{letter}"))),
    }
    Ok(())
}

fn long<'a>(options: &mut Options, name: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut next = |what: &str| {
        rest.next().cloned().ok_or_else(|| format!("jq: --{name} takes {what}\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://jqlang.github.io/jq\n"))
    };
    match name {
        "raw-output" => options.raw = true,
        "raw-output0" => (options.raw, options.terminator) = (true, "\0"),
        "join-output" => (options.raw, options.terminator) = (true, ""),
        "compact-output" => options.indent = None,
        "null-input" => options.input = Input::None,
        "slurp" => options.slurp = true,
        "raw-input" => options.input = Input::Raw,
        "sort-keys" => options.sort_keys = true,
        "exit-status" => options.exit_status = true,
        "ascii-output" => options.ascii = true,
        "monochrome-output" => {}
        "tab" => options.indent = Some("\t".to_owned()),
        "indent" => {
            let width = next("one parameter (e.g. --indent 2)")?;
            match width.parse::<usize>() {
                Ok(0) => options.indent = None,
                Ok(width) if width <= 7 => options.indent = Some(" ".repeat(width)),
                _ => return Err("jq: Cannot indent more than 7 characters\n".to_owned()),
            }
        }
        "arg" => {
            let variable = next("two parameters (e.g. --arg varname value)")?;
            let value = next("two parameters (e.g. --arg varname value)")?;
            options.variables.push((variable, Val::from(value)));
        }
        "argjson" => {
            let variable = next("two parameters (e.g. --argjson varname text)")?;
            let text = next("two parameters (e.g. --argjson varname text)")?;
            let value = read::parse_single(text.as_bytes())
                .map_err(|_| String::from("jq: Invalid JSON text passed to --argjson\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://jqlang.github.io/jq\n"))?;
            options.variables.push((variable, value));
        }
        "args" | "jsonargs" | "slurpfile" | "rawfile" | "from-file" | "stream" | "seq" | "color-output"
        | "unbuffered" => {
            return Err(left_out(&format!("--{name}")));
        }
        _ => return Err(unknown(&format!("--{name}"))),
    }
    Ok(())
}

fn unknown(option: &str) -> String {
    format!(
        "jq: Unknown option: {option}\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://jqlang.github.io/jq\n"
    )
}

fn left_out(option: &str) -> String {
    format!("portlab does not model option {option} of jq\n")
}
