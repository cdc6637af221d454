//! Amounts as manifests write them: `500m`, `1.5`, `64Mi`, `2G`, `1e3`.
//!
//! Modelled: parsing, rounding and the canonical spelling that the API server stores and kubectl prints
//! (source: apimachinery `pkg/api/resource`: quantity.go, suffix.go, amount.go). A quantity is kept exactly, in
//! billionths: finer input is rounded away from zero, as Kubernetes does, and what exceeds 2^63-1 is cut to it when it is
//! written with a binary suffix.
//! Left out: arithmetic beyond addition and comparison, and exponents outside -9 to 18.

use std::cmp::Ordering;
use std::fmt;

const NANOS: i128 = 1_000_000_000;
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// How the amount was spelt, which its canonical form keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    DecimalSi,
    BinarySi,
    DecimalExponent,
}

/// An exact amount.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

/// Why a text is no quantity; `Display` gives Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityError {
    Empty,
    Format,
    Suffix,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            QuantityError::Empty => "quantities must not be empty",
            QuantityError::Format => {
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            }
            QuantityError::Suffix => "unable to parse quantity's suffix",
        })
    }
}

/// Reads a quantity.
pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
    if text.is_empty() {
        return Err(QuantityError::Empty);
    }
    let (negative, unsigned) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || !suffix_shape(suffix) {
        return Err(QuantityError::Format);
    }
    let (format, base, exponent) = suffix_meaning(suffix).ok_or(QuantityError::Suffix)?;
    let mut magnitude = scale(whole, fraction, base, exponent);
    if format == Format::BinarySi {
        magnitude = magnitude.min(i64::MAX as i128 * NANOS);
    }
    Ok(Quantity { nanos: if negative { -magnitude } else { magnitude }, format })
}

/// How the API server spells a quantity of a resource list: to thousandths, and as it was written where that is near enough to
/// the canonical form that its parser does not look further.
pub fn stored(text: &str) -> Result<String, QuantityError> {
    let parsed = parse(text)?;
    if keeps_spelling(text, parsed.format) { Ok(text.to_owned()) } else { Ok(parsed.rounded_up_to_milli().to_string()) }
}

/// Digits of which every decimal amount fits into 63 bits.
const FACTORS_MAX: usize = 18;

/// `ParseQuantity`'s shortcut: a number that fits into 63 bits keeps its text when its suffix could be no larger.
fn keeps_spelling(text: &str, format: Format) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // Its leading zeros do not count.
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let digits = format!("{whole}{fraction}");
    if format == Format::BinarySi {
        let power = BINARY.iter().position(|name| *name == suffix).map_or(0, |index| 10 * (index + 1));
        let fits = whole.len() + power * 3 / 10 < 15;
        return fraction.is_empty() && fits && digits.parse::<i64>().is_ok_and(|value| value & 7 != 0);
    }
    let exponent = suffix_meaning(suffix).map_or(0, |(_, _, exponent)| exponent);
    let scale = exponent - fraction.len() as i32;
    digits.len() <= FACTORS_MAX && scale >= -3 && scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0')
}

/// `[eEinumkKMGTP]*[-+]?[0-9]*`
fn suffix_shape(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    rest.bytes().all(|b| b.is_ascii_digit())
}

/// Format, multiplier and power of ten of a suffix.
fn suffix_meaning(suffix: &str) -> Option<(Format, i128, i32)> {
    if let Some(i) = BINARY.iter().position(|b| *b == suffix) {
        return Some((Format::BinarySi, 1i128 << (10 * (i + 1)), 0));
    }
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Format::DecimalSi, 1, *exponent));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?;
    Some((Format::DecimalExponent, 1, exponent.clamp(-30, 30)))
}

/// `whole.fraction × base × 10^exponent` in billionths, rounded up.
fn scale(whole: &str, fraction: &str, base: i128, exponent: i32) -> i128 {
    let mut value: i128 = 0;
    let mut power = exponent + 9;
    for digit in whole.bytes().chain(fraction.bytes().take(18)) {
        value = value.saturating_mul(10).saturating_add((digit - b'0') as i128);
    }
    power -= fraction.len().min(18) as i32;
    value = value.saturating_mul(base);
    while power > 0 {
        value = value.saturating_mul(10);
        power -= 1;
    }
    let mut divisor: i128 = 1;
    while power < 0 {
        divisor = divisor.saturating_mul(10);
        power += 1;
    }
    ceiling(value, divisor)
}

/// Division rounded away from zero.
fn ceiling(value: i128, divisor: i128) -> i128 {
    let quotient = value / divisor;
    quotient + if value % divisor != 0 { value.signum() } else { 0 }
}

fn narrow(value: i128) -> i64 {
    value.clamp(i64::MIN as i128, i64::MAX as i128) as i64
}

impl Quantity {
    /// A whole amount, spelt with decimal suffixes.
    pub fn whole(value: i64) -> Quantity {
        Quantity { nanos: value as i128 * NANOS, format: Format::DecimalSi }
    }

    /// An amount in thousandths, as CPU is counted.
    pub fn milli(value: i64) -> Quantity {
        Quantity { nanos: value as i128 * (NANOS / 1000), format: Format::DecimalSi }
    }

    /// The amount in whole units, rounded up.
    pub fn value(self) -> i64 {
        narrow(ceiling(self.nanos, NANOS))
    }

    /// The amount in thousandths, rounded up.
    pub fn milli_value(self) -> i64 {
        narrow(ceiling(self.nanos, NANOS / 1000))
    }

    /// Rounded away from zero to thousandths, the finest step that the API server stores in a resource list.
    #[must_use]
    pub fn rounded_up_to_milli(self) -> Quantity {
        let step = NANOS / 1000;
        let rest = self.nanos % step;
        let nanos = if rest == 0 { self.nanos } else { self.nanos - rest + step * rest.signum() };
        Quantity { nanos, ..self }
    }

    /// Whether it has no fraction.
    pub fn is_whole(self) -> bool {
        self.nanos % NANOS == 0
    }

    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// The sum, spelt like `self`, or like `other` when `self` is nothing.
    pub fn plus(self, other: Quantity) -> Quantity {
        let format = if self.is_zero() { other.format } else { self.format };
        Quantity { nanos: self.nanos + other.nanos, format }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.nanos == other.nanos
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.nanos.cmp(&other.nanos))
    }
}

/// The canonical spelling: no fraction, the largest suffix that keeps every digit.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let whole = self.nanos / NANOS;
        let small = whole.abs() < 1024;
        if self.format == Format::BinarySi && !small && self.nanos % NANOS == 0 {
            let (mut amount, mut power) = (whole, 0);
            while amount % 1024 == 0 && power < BINARY.len() {
                amount /= 1024;
                power += 1;
            }
            return write!(f, "{amount}{}", if power == 0 { "" } else { BINARY[power - 1] });
        }
        let (mut amount, mut exponent) = (self.nanos, -9);
        // Beyond 10^18 there is no suffix, and the real one then writes none.
        while amount % 1000 == 0 {
            amount /= 1000;
            exponent += 3;
        }
        match self.format {
            Format::DecimalExponent if exponent != 0 => write!(f, "{amount}e{exponent}"),
            _ => {
                let suffix = DECIMAL.iter().find(|(_, e)| *e == exponent).map_or("", |(name, _)| name);
                write!(f, "{amount}{suffix}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// text, canonical spelling, whole units, thousandths
    const ROWS: &[(&str, &str, i64, i64)] = &[
        ("0", "0", 0, 0),
        ("500m", "500m", 1, 500),
        ("0.5", "500m", 1, 500),
        (".5", "500m", 1, 500),
        ("2", "2", 2, 2000),
        ("1000m", "1", 1, 1000),
        ("1500m", "1500m", 2, 1500),
        ("1.5Gi", "1536Mi", 1610612736, 1610612736000),
        ("1024Mi", "1Gi", 1073741824, 1073741824000),
        ("64Mi", "64Mi", 67108864, 67108864000),
        ("0.5Ki", "512", 512, 512000),
        ("1.3Ki", "1331200m", 1332, 1331200),
        ("1000Ki", "1000Ki", 1024000, 1024000000),
        ("100M", "100M", 100000000, 100000000000),
        ("1e3", "1e3", 1000, 1000000),
        ("12E6", "12e6", 12000000, 12000000000),
        ("1500e0", "1500", 1500, 1500000),
        ("1E", "1E", 1000000000000000000, i64::MAX),
        ("0.0000000001", "1n", 1, 1),
        ("-250m", "-250m", -1, -250),
        ("+3k", "3k", 3000, 3000000),
    ];

    #[test]
    fn amounts_are_read_and_spelt_as_kubernetes_does() {
        for (text, canonical, value, milli) in ROWS {
            let quantity = parse(text).unwrap();
            assert_eq!(
                (quantity.to_string().as_str(), quantity.value(), quantity.milli_value()),
                (*canonical, *value, *milli),
                "{text}"
            );
        }
    }

    /// What was asked for, and what the API server of a real cluster (1.34.0) stored.
    const STORED: &str = "1.500=1.500 0.5=500m 1000m=1 1Gi=1Gi 1024Mi=1Gi 1e3=1e3 1E3=1E3 0.1=100m 0.0001=1m 1k=1k 1024=1024 \
        1000=1k 1000000=1M 1500m=1500m 0.001=1m 1.5Gi=1536Mi 1.5=1500m 2e-3=2e-3 1000k=1M 1024Ki=1Mi 1048576=1048576 1Ti=1Ti \
        0=0 00.5=500m +1=+1 .5=500m 5.=5. 1n=1m 1500u=2m 1e18=1e18 10E=10E 12.345Mi=12944670720m 0.5Ki=512 \
        1000000000000000000000=1 1e-9=1e-3 1024m=1024m 1E=1E 1Ei=1Ei 1e+3=1e+3 123456789123456789=123456789123456789 \
        0.3Gi=322122547200m 1.1Ki=1126400m 2.0=2";

    #[test]
    fn the_api_server_keeps_the_spelling_where_the_real_one_does() {
        for row in STORED.split_whitespace() {
            let (asked, kept) = row.split_once('=').expect("two spellings");
            assert_eq!(stored(asked).as_deref(), Ok(kept), "{asked}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (text, error) in [
            ("", QuantityError::Empty),
            ("x", QuantityError::Format),
            ("1.2.3", QuantityError::Format),
            ("1 Gi", QuantityError::Format),
            ("5MM", QuantityError::Suffix),
            ("1ki", QuantityError::Suffix),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn the_canonical_spelling_reads_back_as_the_same_amount() {
        for (text, ..) in ROWS {
            let quantity = parse(text).unwrap();
            assert_eq!(parse(&quantity.to_string()).unwrap(), quantity, "{text}");
        }
    }
}
