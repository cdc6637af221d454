//! `jq`: handed to the lab by its owner (the page loads it late), see the crate portlab-jq.

use super::{Cx, files};

/// Runs jq. Files named as operands are read here, since the filter itself reaches no file of the lab.
pub fn run(cx: &mut Cx) -> i32 {
    let Some(jq) = cx.world.options().jq else {
        return cx.fail("portlab's jq is not loaded", 2);
    };
    let args = match file_operands(cx) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let stdin = cx.take_stdin();
    let output = jq(&args, &stdin);
    cx.print(&output.stdout);
    cx.eprint(&output.stderr);
    output.exit
}

/// How many arguments an option of jq takes.
fn arguments_of(option: &str) -> usize {
    match option {
        "--arg" | "--argjson" | "--slurpfile" | "--rawfile" => 2,
        "--indent" | "-f" | "--from-file" | "-L" => 1,
        _ => 0,
    }
}

/// Puts the contents of the files that follow the filter onto standard input; reads the filter of `-f`.
fn file_operands(cx: &mut Cx) -> Result<Vec<String>, i32> {
    let args: Vec<String> = cx.args[1..].to_vec();
    let (mut kept, mut input, mut named) = (Vec::new(), String::new(), false);
    let (mut filter_seen, mut at, mut failed) = (false, 0, false);
    while let Some(arg) = args.get(at) {
        at += 1;
        if arg == "--args" || arg == "--jsonargs" {
            kept.extend_from_slice(&args[at - 1..]);
            break;
        }
        if (arg == "-f" || arg == "--from-file") && at < args.len() {
            let text =
                cx.open(&args[at]).map_err(|why| cx.fail(&format!("error: Could not open {}: {why}", args[at]), 2))?;
            kept.push(text.to_string());
            filter_seen = true;
            at += 1;
        } else if matches!(arg.as_str(), "--slurpfile" | "--rawfile") && at + 1 < args.len() {
            let path = &args[at + 1];
            let text = cx
                .open(path)
                .map_err(|why| cx.fail(&format!("error: Bad JSON in --{} {} {path}: {why}", &arg[2..], args[at]), 2))?;
            kept.extend([arg.clone(), args[at].clone(), text.to_string()]);
            at += 2;
        } else if arg.starts_with('-') && arg.len() > 1 {
            kept.push(arg.clone());
            let count = arguments_of(arg).min(args.len() - at);
            kept.extend_from_slice(&args[at..at + count]);
            at += count;
        } else if !filter_seen {
            filter_seen = true;
            kept.push(arg.clone());
        } else {
            named = true;
            match files::open(cx.world, cx.env, arg) {
                Ok(text) => input.push_str(&text),
                Err(why) => {
                    cx.fail(&format!("error: Could not open {arg}: {why}"), 2);
                    failed = true;
                }
            }
        }
    }
    if failed && input.is_empty() {
        return Err(2);
    }
    if named {
        cx.stdin = input;
    }
    Ok(kept)
}
