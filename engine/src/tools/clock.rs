//! `date` and `sleep`: the virtual clock.

use std::time::Duration;

use super::Cx;
use super::options::{self, flag, value};
use crate::time::Time;

/// The longest sleep: a day.
const SLEEP_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// `sleep 5`, `sleep 1.5 2m`: lets virtual time pass.
pub fn sleep(cx: &mut Cx) -> i32 {
    if cx.args.len() == 1 {
        return cx.fail("missing operand\nTry 'sleep --help' for more information.", 1);
    }
    let mut total = Duration::ZERO;
    for arg in &cx.args[1..] {
        let (number, factor) = match arg.chars().last() {
            Some('s') => (&arg[..arg.len() - 1], 1.0),
            Some('m') => (&arg[..arg.len() - 1], 60.0),
            Some('h') => (&arg[..arg.len() - 1], 3600.0),
            Some('d') => (&arg[..arg.len() - 1], 86400.0),
            _ => (arg.as_str(), 1.0),
        };
        match number.parse::<f64>().ok().and_then(|n| Duration::try_from_secs_f64(n * factor).ok()) {
            Some(time) => total = total.saturating_add(time),
            None => {
                let text = format!("invalid time interval ‘{arg}’\nTry 'sleep --help' for more information.");
                return cx.fail(&text, 1);
            }
        }
    }
    if total > SLEEP_MAX {
        return cx.fail("portlab sleeps at most a day at a time", 2);
    }
    cx.world.advance(total);
    0
}

/// `date [-u] [-d @SECONDS|TIME] [-I] [+FORMAT]`, in UTC.
pub fn date(cx: &mut Cx) -> i32 {
    let specs = [flag('u', "utc"), flag('I', "iso-8601"), flag('R', "rfc-email"), value('d', "date")];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let now = cx.world.now();
    let time = match given.value('d') {
        None | Some("now") => now,
        Some(text) => match text.strip_prefix('@').and_then(|s| s.parse::<i64>().ok()) {
            Some(seconds) => Time::parse_rfc3339("1970-01-01T00:00:00Z")
                .unwrap_or_default()
                .plus(Duration::from_secs(seconds.max(0) as u64)),
            None => match Time::parse_rfc3339(text) {
                Some(time) => time,
                None => {
                    let text = format!(
                        "portlab does not model -d '{text}': give @SECONDS or a time such as 2026-11-21T17:00:00Z"
                    );
                    return cx.fail(&text, 2);
                }
            },
        },
    };
    let format = match given.operands.first() {
        Some(format) if format.starts_with('+') => &format[1..],
        Some(other) => return cx.fail(&format!("invalid date ‘{other}’"), 1),
        None if given.has('I') => "%Y-%m-%d",
        None if given.has('R') => "%a, %d %b %Y %T %z",
        None => "%a %b %e %T %Z %Y",
    };
    match formatted(time, format) {
        Ok(text) => {
            cx.print(&format!("{text}\n"));
            0
        }
        Err(unknown) => cx.fail(&format!("portlab does not model %{unknown} of date"), 2),
    }
}

/// A time in the format of `strftime`; the error is a conversion that is not modelled.
pub fn formatted(time: Time, format: &str) -> Result<String, char> {
    // "Sat, 21 Nov 2026 17:04:12 +0000" and "2026-11-21T17:04:12Z" hold all parts.
    let (long, iso) = (time.rfc1123z(), time.rfc3339());
    let (weekday, day, month) = (&long[..3], &long[5..7], &long[8..11]);
    let (year, clock) = (&iso[..4], &iso[11..19]);
    let epoch = Time::parse_rfc3339("1970-01-01T00:00:00Z").unwrap_or_default();
    let since = time.since(epoch);
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let piece = match chars.next().unwrap_or('%') {
            'Y' => year.to_owned(),
            'y' => year[2..].to_owned(),
            'm' => iso[5..7].to_owned(),
            'd' => day.to_owned(),
            'e' => format!("{:>2}", day.trim_start_matches('0')),
            'H' => clock[..2].to_owned(),
            'M' => clock[3..5].to_owned(),
            'S' => clock[6..].to_owned(),
            'T' => clock.to_owned(),
            'R' => clock[..5].to_owned(),
            'F' => iso[..10].to_owned(),
            'D' => format!("{}/{day}/{}", &iso[5..7], &year[2..]),
            'a' => weekday.to_owned(),
            'b' | 'h' => month.to_owned(),
            'c' => format!("{weekday} {month} {:>2} {clock} {year}", day.trim_start_matches('0')),
            's' => since.as_secs().to_string(),
            'N' => format!("{:09}", since.subsec_nanos()),
            'z' => "+0000".to_owned(),
            'Z' => "UTC".to_owned(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            unknown => return Err(unknown),
        };
        out.push_str(&piece);
    }
    Ok(out)
}
