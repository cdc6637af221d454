//! Options of the small programs, as getopt reads them: `-n 3`, `-n3`, `-rn`, `--lines=3`, `--`, options after operands.

use super::Cx;

/// An option of a program.
pub struct Spec {
    pub short: char,
    /// Empty when there is none.
    pub long: &'static str,
    pub takes_value: bool,
}

pub const fn flag(short: char, long: &'static str) -> Spec {
    Spec { short, long, takes_value: false }
}

pub const fn value(short: char, long: &'static str) -> Spec {
    Spec { short, long, takes_value: true }
}

/// What was given: options in order with their values, and the operands.
#[derive(Debug, Default)]
pub struct Given {
    options: Vec<(char, String)>,
    pub operands: Vec<String>,
}

impl Given {
    pub fn has(&self, short: char) -> bool {
        self.options.iter().any(|(option, _)| *option == short)
    }

    /// The last value of an option.
    pub fn value(&self, short: char) -> Option<&str> {
        self.options.iter().rev().find(|(option, _)| *option == short).map(|(_, value)| value.as_str())
    }

    /// Of these options the one that was given last, with its value.
    pub fn last_of(&self, shorts: &[char]) -> Option<(char, &str)> {
        let found = self.options.iter().rev().find(|(option, _)| shorts.contains(option));
        found.map(|(option, value)| (*option, value.as_str()))
    }

    pub fn values(&self, short: char) -> impl Iterator<Item = &str> {
        self.options.iter().filter(move |(option, _)| *option == short).map(|(_, value)| value.as_str())
    }
}

/// Reads the arguments of a program; an option that is not in the table is said to be not modelled, and Err holds the status.
pub fn read(cx: &mut Cx, specs: &[Spec]) -> Result<Given, i32> {
    read_args(cx, specs, true)
}

/// As [`read`], but the first operand ends the options (`xargs`, `docker exec`).
pub fn read_until_operand(cx: &mut Cx, specs: &[Spec]) -> Result<Given, i32> {
    read_args(cx, specs, false)
}

fn read_args(cx: &mut Cx, specs: &[Spec], permute: bool) -> Result<Given, i32> {
    let mut given = Given::default();
    let args: Vec<String> = cx.args[1..].to_vec();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            given.operands.extend(args);
            break;
        }
        if let Some(long) = arg.strip_prefix("--") {
            let (name, joined) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
            let Some(spec) = specs.iter().find(|spec| spec.long == name && !name.is_empty()) else {
                return Err(unknown(cx, specs, &arg));
            };
            let value = match (spec.takes_value, joined) {
                (true, Some(value)) => value,
                (true, None) => match args.next() {
                    Some(value) => value,
                    None => return Err(cx.fail(&format!("option '--{name}' requires an argument"), 2)),
                },
                (false, _) => String::new(),
            };
            given.options.push((spec.short, value));
        } else if arg.len() > 1 && arg.starts_with('-') {
            cluster(cx, specs, &arg, &mut args, &mut given)?;
        } else {
            given.operands.push(arg);
            if !permute {
                given.operands.extend(args);
                break;
            }
        }
    }
    Ok(given)
}

fn cluster(
    cx: &mut Cx,
    specs: &[Spec],
    arg: &str,
    args: &mut impl Iterator<Item = String>,
    given: &mut Given,
) -> Result<(), i32> {
    let mut rest = &arg[1..];
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let Some(spec) = specs.iter().find(|spec| spec.short == c) else {
            return Err(unknown(cx, specs, &format!("-{c}")));
        };
        if !spec.takes_value {
            given.options.push((c, String::new()));
            continue;
        }
        let value = if rest.is_empty() { args.next() } else { Some(rest.to_owned()) };
        let Some(value) = value else { return Err(cx.fail(&format!("option requires an argument -- '{c}'"), 2)) };
        given.options.push((c, value));
        break;
    }
    Ok(())
}

/// An option that is not in the table; `--help` and a free `-h` tell which are.
fn unknown(cx: &mut Cx, specs: &[Spec], option: &str) -> i32 {
    if option == "--help" || option == "-h" {
        let name = |spec: &Spec| match spec.long {
            "" => format!("-{}", spec.short),
            long => format!("-{} --{long}", spec.short),
        };
        let list: Vec<String> = specs.iter().map(name).collect();
        let text = format!("portlab has these options of {}: {}\n", cx.args[0], list.join(", "));
        cx.print(&text);
        return 0;
    }
    let text = format!("portlab does not model option {option} of {}\n", cx.args[0]);
    cx.eprint(&text);
    2
}

/// The lines of a text, each with its newline where it has one.
pub fn lines(text: &str) -> std::str::SplitInclusive<'_, char> {
    text.split_inclusive('\n')
}

/// A line without its newline.
pub fn bare(line: &str) -> &str {
    line.strip_suffix('\n').unwrap_or(line)
}
