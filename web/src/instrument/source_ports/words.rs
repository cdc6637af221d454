//! What the instrument says: numbers, what decided a request, what a port is, the names of events.

use super::record::{Attempt, Event, How, Record, State, What};
use super::settings::Settings;

/// `28232` as `28,232`.
#[must_use]
pub fn number(value: impl Into<u64>) -> String {
    let digits = value.into().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `52300` ms as `52.3 s`.
#[must_use]
pub fn secs(ms: u32) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// The name of a parity: 0 is that of the low end of the range.
#[must_use]
pub fn parity(settings: &Settings, parity: usize) -> &'static str {
    if (usize::from(settings.range.0) + parity).is_multiple_of(2) { "even" } else { "odd" }
}

/// What decided the last request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub how: Option<How>,
    pub text: String,
    /// What came of it: a port or an error.
    pub result: String,
    /// Who decided.
    pub by: &'static str,
}

/// The decision strip at one moment.
#[must_use]
pub fn decision(record: &Record, at: u32) -> Decision {
    let Some(attempt) = record.attempt_at(at) else {
        return Decision { how: None, text: "nothing has been asked yet".into(), result: String::new(), by: "" };
    };
    let settings = &record.settings;
    let (first, other) = (parity(settings, 0), parity(settings, 1));
    let half = number(settings.searched() / 2);
    let port = attempt.port.to_string();
    let (text, result) = match attempt.how {
        How::First => (format!("the search goes on from its offset; next free {first} port: took"), port),
        How::Other => (format!("none of {half} {first} ports free, so {other} ones are scanned: took"), port),
        How::Reused => (reused(record, attempt), port),
        How::Carried => ("connect() is not called; an open connection carries this request, on port".into(), port),
        How::Refused => {
            let scanned = match settings.searched() {
                1 => "looked at the one port of the range; held".to_owned(),
                _ => format!("scanned {half} {first}, then {half} {other} ports; all held"),
            };
            let to = settings.destination(attempt.to);
            (format!("{scanned} towards {to}, so"), record.errno.map_or("?", |errno| errno.name()).to_owned())
        }
    };
    let by = if attempt.how == How::Carried { "client, before connect()" } else { "kernel, inside connect()" };
    Decision { how: Some(attempt.how), text, result, by }
}

fn reused(record: &Record, attempt: &Attempt) -> String {
    let setting = format!("tcp_tw_reuse={}", record.settings.tw_reuse);
    let waited = record.waited_before(attempt);
    let waited = waited.map_or(String::new(), |ms| format!(" for {}", secs(ms)));
    format!("held in TIME_WAIT{waited}; {setting} with timestamps gives it up: took")
}

/// What a port is, for the line that tells of the one that is pointed at.
#[must_use]
pub fn port(port: u16, state: State, gone_in: Option<u32>) -> String {
    match state {
        State::Free => format!("{port}: free"),
        State::Established(age) => format!("{port}: established for {}", secs(age)),
        State::TimeWait(age) => {
            let rest = gone_in.map_or(String::new(), |rest| format!(", {} to go", secs(rest)));
            format!("{port}: TIME_WAIT for {}{rest}", secs(age))
        }
        State::Barred => format!("{port}: held by a listener, no connect() gets it"),
    }
}

/// The name of an event.
#[must_use]
pub fn event(settings: &Settings, event: Event) -> String {
    match event.what {
        What::Began => "start".into(),
        What::FirstParityGone => format!("{} ports gone", parity(settings, 0)),
        What::NoPortLeft => "no port left".into(),
        What::PortsReturn => "ports return".into(),
        What::FirstExpired => "first TIME_WAIT over".into(),
        What::FirstReuse => "first port used again".into(),
        What::PoolFull => "all kept connections open".into(),
        What::Ended => "end".into(),
    }
}

/// How many connections a second the ports can give to all destinations, in the long run, and how that is worked out.
#[must_use]
pub fn ceiling(settings: &Settings) -> (f64, String) {
    let ports = settings.searched() * u32::from(settings.destinations);
    let hold = settings.hold_secs();
    let times = if settings.destinations > 1 { format!(" × {}", settings.destinations) } else { String::new() };
    (f64::from(ports) / f64::from(hold), format!("{}{times} ÷ {hold} s", number(settings.searched())))
}

#[cfg(test)]
mod tests {
    use super::super::run::Run;
    use super::super::settings::Place;
    use super::*;

    fn run(settings: Settings) -> Run {
        let mut run = Run::new(settings).expect("a setting that the kernel takes");
        while !run.go_on(1000) {}
        run
    }

    #[test]
    fn numbers() {
        assert_eq!(
            ["0", "999", "1,000", "28,232", "1,234,567"].map(str::to_owned),
            [0u32, 999, 1000, 28_232, 1_234_567].map(number)
        );
        assert_eq!([0, 99, 52_049, 120_000].map(secs), ["0.0 s", "0.0 s", "52.0 s", "120.0 s"]);
    }

    #[test]
    fn each_decision_names_its_rule() {
        let text = |run: &Run, at| {
            let decision = decision(&run.record, at);
            let result = if decision.result.parse::<u16>().is_ok() { "PORT" } else { &decision.result };
            format!("{} {result} | {}", decision.text, decision.by)
        };
        let usual = run(Settings::default());
        assert_eq!(
            text(&usual, 10_000),
            "the search goes on from its offset; next free even port: took PORT | kernel, inside connect()"
        );
        assert_eq!(
            text(&usual, 30_000),
            "none of 14,116 even ports free, so odd ones are scanned: took PORT | kernel, inside connect()"
        );
        assert_eq!(
            text(&usual, 50_000),
            "scanned 14,116 even, then 14,116 odd ports; all held towards 192.0.2.80:8080, so EADDRNOTAVAIL | kernel, inside connect()"
        );
        let kept = run(Settings { pool: 12, ..Settings::default() });
        assert_eq!(
            text(&kept, 50_000),
            "connect() is not called; an open connection carries this request, on port PORT | client, before connect()"
        );
        let again = run(Settings { tw_reuse: 1, rate: 4, range: (40_001, 40_004), ..Settings::default() });
        assert_eq!(
            text(&again, 400),
            "the search goes on from its offset; next free odd port: took PORT | kernel, inside connect()"
        );
        assert_eq!(
            text(&again, 50_000),
            "held in TIME_WAIT for 1.2 s; tcp_tw_reuse=1 with timestamps gives it up: took PORT | kernel, inside connect()"
        );
        let one = run(Settings { rate: 4, range: (40_001, 40_001), ..Settings::default() });
        assert_eq!(
            text(&one, 5000),
            "looked at the one port of the range; held towards 192.0.2.80:8080, so EADDRNOTAVAIL | kernel, inside connect()"
        );
    }

    #[test]
    fn the_ceiling_is_where_the_kernel_begins_to_refuse() {
        let of = |settings: &Settings| ceiling(settings).0;
        assert_eq!(ceiling(&Settings::default()), (28_232.0 / 60.0, "28,232 ÷ 60 s".to_owned()));
        assert_eq!(ceiling(&Settings { destinations: 2, ..Settings::default() }).1, "28,232 × 2 ÷ 60 s");
        // Of few ports, at rates a little below and above.
        let few = Settings { range: (40_000, 40_199), ..Settings::default() };
        for settings in [
            few,
            Settings { destinations: 2, ..few },
            Settings { tw_reuse: 1, ..few },
            Settings { place: Place::Here, ..few },
            Settings { tw_reuse: 0, place: Place::Here, ..few },
            Settings { tw_reuse: 1, timestamps: false, ..few },
        ] {
            for (part, holds) in [(0.93, true), (1.2, false)] {
                let rate = (of(&settings) * part).round() as u32;
                let run = run(Settings { rate, ..settings });
                let refused: u32 = run.record.seconds.iter().map(|second| second.refused).sum();
                assert_eq!(refused == 0, holds, "{settings:?} at {rate} a second: {refused} refused");
            }
        }
    }
}
