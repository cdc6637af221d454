//! Virtual time: milliseconds since the lab began, and the calendar that Kubernetes prints.
//!
//! Models: a clock that only the lab moves. Leaves out: time zones (everything is UTC) and leap seconds.

use std::time::Duration;

/// Seconds since 1970 at which a lab begins unless told otherwise: 2026-11-21T17:00:00Z.
pub const EPOCH_SECS: i64 = 1_795_280_400;

/// A moment of virtual time in milliseconds since the lab began; objects older than the lab have negative times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// This moment and `by` more.
    #[must_use]
    pub fn plus(self, by: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Seconds since 1970, rounded down as Kubernetes rounds what it stores.
    fn unix_secs(self) -> i64 {
        EPOCH_SECS + self.0.div_euclid(1000)
    }

    /// `2026-11-21T17:04:14Z`, the form of every timestamp in an API object (RFC 3339, whole seconds).
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (date, secs) = split_day(self.unix_secs());
        let (y, m, d) = civil(date);
        format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z", secs / 3600, secs / 60 % 60, secs % 60)
    }

    /// `Sat, 21 Nov 2026 17:04:12 +0000`, the form of `kubectl describe` (RFC 1123 with a numeric zone).
    #[must_use]
    pub fn rfc1123z(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (date, secs) = split_day(self.unix_secs());
        let (y, m, d) = civil(date);
        let day = DAYS[date.rem_euclid(7) as usize];
        let month = MONTHS[(m - 1) as usize];
        format!("{day}, {d:02} {month} {y:04} {:02}:{:02}:{:02} +0000", secs / 3600, secs / 60 % 60, secs % 60)
    }

    /// Reads [`Time::rfc3339`]'s form, fractions of a second included; `None` for anything else.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
        let mut ymd = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (y, m, d) = (ymd.next()??, ymd.next()??, ymd.next()??);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut hms = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
        let (h, min, s) = (hms.next()??, hms.next()??, hms.next()??);
        if !(0..=9999).contains(&y) || !(1..=12).contains(&m) || !(1..=31).contains(&d) {
            return None;
        }
        if !(0..24).contains(&h) || !(0..60).contains(&min) || !(0..=60).contains(&s) {
            return None;
        }
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
        let secs = days_from_civil(y, m, d) * 86_400 + h * 3600 + min * 60 + s;
        Some(Time((secs - EPOCH_SECS) * 1000 + millis))
    }
}

/// Days since 1970 and the second of the day.
fn split_day(unix_secs: i64) -> (i64, i64) {
    (unix_secs.div_euclid(86_400), unix_secs.rem_euclid(86_400))
}

/// Year, month and day of a day number since 1970, in the proleptic Gregorian calendar.
/// Counts in eras of 400 years that begin on 1 March, so that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let shifted = (5 * doy + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * shifted + 2) / 5 + 1)
}

/// The inverse of [`civil`].
fn days_from_civil(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_two_forms() {
        assert_eq!(Time(0).rfc3339(), "2026-11-21T17:00:00Z");
        assert_eq!(Time(252_999).rfc3339(), "2026-11-21T17:04:12Z");
        assert_eq!(Time(252_000).rfc1123z(), "Sat, 21 Nov 2026 17:04:12 +0000");
        assert_eq!(Time(-61_200_000 - 1).rfc3339(), "2026-11-20T23:59:59Z");
    }

    #[test]
    fn parses_what_it_prints_on_every_day_of_eight_years() {
        for day in -1500..1500 {
            let time = Time(day * 86_400_000 + 12_345_000);
            assert_eq!(Time::parse_rfc3339(&time.rfc3339()), Some(time));
        }
        assert_eq!(Time::parse_rfc3339("2026-11-21T17:00:00.250123Z"), Some(Time(250)));
        assert_eq!(Time::parse_rfc3339("yesterday"), None);
        assert_eq!(Time::parse_rfc3339("2026-13-21T17:00:00Z"), None);
    }
}
