//! The words of a line of a script: names, numbers, addresses, strings with C's escapes.

use std::net::{IpAddr, SocketAddr};

use super::call::Answer;
use super::parse::ScriptError;

/// The lengths that are still read.
const STRING_BYTES_MAX: usize = 65_536;
const SLEEP_SECONDS_MAX: u64 = 3_600;
const NAME_BYTES_MAX: usize = 64;
pub(super) const VALUE_BYTES_MAX: usize = 4_096;
/// `IFNAMSIZ` without the terminating zero.
pub(super) const DEVICE_BYTES_MAX: usize = 15;

/// Where in a line the reading is.
pub(super) struct Cursor<'a> {
    pub line: usize,
    pub text: &'a str,
    /// In bytes.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// The letters, digits and underscores that come next.
    pub fn word(&mut self) -> &'a str {
        self.run(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub fn take(&mut self, what: &str) -> bool {
        self.blanks();
        let there = self.rest().starts_with(what);
        if there {
            self.at += what.len();
        }
        there
    }

    pub fn expect(&mut self, what: &str) -> Result<(), ScriptError> {
        if self.take(what) { Ok(()) } else { Err(self.wrong_at(self.at, &format!("`{what}`"))) }
    }

    /// The error that something else than `expected` stands at byte `at`.
    pub fn wrong_at(&self, at: usize, expected: &str) -> ScriptError {
        const SHOWN_MAX: usize = 24;
        let rest = &self.text[at..];
        let end =
            rest.find([' ', '\t', ',', ')']).unwrap_or(rest.len()).max(rest.chars().next().map_or(0, char::len_utf8));
        let mut found: String = rest[..end].chars().take(SHOWN_MAX).collect();
        found = if rest.is_empty() { "the end of the line".to_owned() } else { format!("`{found}`") };
        let column = self.text[..at].chars().count() + 1;
        ScriptError { line: self.line, column, found, expected: expected.to_owned() }
    }

    pub fn comment_or_end(&mut self) -> Result<Option<String>, ScriptError> {
        self.blanks();
        if let Some(comment) = self.rest().strip_prefix('#') {
            self.at = self.text.len();
            return Ok(Some(comment.trim_end().to_owned()));
        }
        if self.rest().is_empty() {
            return Ok(None);
        }
        Err(self.wrong_at(self.at, "the end of the line, or # and a comment"))
    }

    pub fn name(&mut self, expected: &str, more: impl Fn(char) -> bool) -> Result<String, ScriptError> {
        self.blanks();
        let start = self.at;
        let name = self.run(|c| c.is_ascii_alphanumeric() || c == '_' || more(c));
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(self.wrong_at(start, expected));
        }
        Ok(name.to_owned())
    }

    pub fn handle(&mut self) -> Result<String, ScriptError> {
        self.name("a handle", |_| false)
    }

    pub fn handle_then_comma(&mut self) -> Result<String, ScriptError> {
        let handle = self.handle()?;
        self.expect(",")?;
        Ok(handle)
    }

    pub fn device(&mut self) -> Result<String, ScriptError> {
        self.blanks();
        let start = self.at;
        let device = self.name("a device, such as lo", |c| matches!(c, '.' | '-' | '@'))?;
        if device.len() > DEVICE_BYTES_MAX { Err(self.wrong_at(start, "a device, such as lo")) } else { Ok(device) }
    }

    pub fn number(&mut self, what: &str, min: i64, max: i64) -> Result<i64, ScriptError> {
        self.blanks();
        let start = self.at;
        let sign = if self.rest().starts_with('-') { "-" } else { "" };
        self.at += sign.len();
        let digits = self.run(|c| c.is_ascii_digit());
        let number = format!("{sign}{digits}").parse::<i64>().ok().filter(|number| (min..=max).contains(number));
        number.ok_or_else(|| self.wrong_at(start, what))
    }

    /// Seconds with at most three decimals, in milliseconds.
    pub fn seconds(&mut self) -> Result<u64, ScriptError> {
        self.blanks();
        let start = self.at;
        let wrong = format!("seconds from 0 to {SLEEP_SECONDS_MAX}, to the millisecond");
        let text = self.run(|c| c.is_ascii_digit() || c == '.');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = digits(whole) && whole.len() <= 4 && digits(fraction) && fraction.len() <= 3;
        let millis = fits.then(|| format!("{whole}{fraction:0<3}").parse::<u64>().ok()).flatten();
        millis.filter(|millis| *millis <= SLEEP_SECONDS_MAX * 1000).ok_or_else(|| self.wrong_at(start, &wrong))
    }

    pub fn socket_address(&mut self) -> Result<SocketAddr, ScriptError> {
        let (ip, port) = self.address(false, "an address and a port, such as 127.0.0.1:8080 or [::1]:8080")?;
        Ok(SocketAddr::new(ip, port.unwrap_or_default()))
    }

    /// An address with a port, or with `?` in its place where that may be.
    pub fn address(&mut self, any_port: bool, expected: &str) -> Result<(IpAddr, Option<u16>), ScriptError> {
        self.blanks();
        let start = self.at;
        let text = self.run(|c| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']' | '?'));
        let (ip, port) = text.rsplit_once(':').ok_or_else(|| self.wrong_at(start, expected))?;
        let ip = match ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')) {
            Some(ip) => ip.parse().ok().map(IpAddr::V6),
            None => ip.parse().ok().map(IpAddr::V4),
        };
        let ip = ip.ok_or_else(|| self.wrong_at(start, expected))?;
        if any_port && port == "?" {
            return Ok((ip, None));
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits.then(|| port.parse().ok()).flatten().ok_or_else(|| self.wrong_at(start, expected))?;
        Ok((ip, Some(port)))
    }

    pub fn prefix(&mut self) -> Result<(IpAddr, u8), ScriptError> {
        const EXPECTED: &str = "an address and the length of its prefix, such as 10.9.0.1/32";
        self.blanks();
        let start = self.at;
        let text = self.run(|c| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/'));
        let (ip, length) = text.split_once('/').ok_or_else(|| self.wrong_at(start, EXPECTED))?;
        let ip: IpAddr = ip.parse().map_err(|_| self.wrong_at(start, EXPECTED))?;
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        let length = length.parse().ok().filter(|length| *length <= longest);
        Ok((ip, length.ok_or_else(|| self.wrong_at(start, EXPECTED))?))
    }

    /// A string between quotes with C's escapes.
    pub fn string(&mut self) -> Result<Vec<u8>, ScriptError> {
        self.blanks();
        let start = self.at;
        if !self.take("\"") {
            return Err(self.wrong_at(start, "a string in quotes"));
        }
        let mut bytes = Vec::new();
        loop {
            let at = self.at;
            let Some(c) = self.rest().chars().next() else {
                return Err(self.wrong_at(self.at, "the quote that ends the string"));
            };
            self.at += c.len_utf8();
            match c {
                '"' => break,
                '\\' => bytes.push(self.escape(at)?),
                _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if bytes.len() > STRING_BYTES_MAX {
            return Err(self.wrong_at(start, &format!("a string of at most {STRING_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }

    /// What stands behind a backslash; `at` is where that is.
    fn escape(&mut self, at: usize) -> Result<u8, ScriptError> {
        const EXPECTED: &str =
            "an escape of C: \\n \\r \\t \\a \\b \\f \\v \\\\ \\\" \\' \\xHH or up to three octal digits";
        let wrong = |cursor: &Self| cursor.wrong_at(at, EXPECTED);
        let c = self.rest().chars().next().ok_or_else(|| wrong(self))?;
        let byte = match c {
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'v' => 0x0b,
            'e' => 0x1b,
            '\\' | '"' | '\'' => u8::try_from(c).unwrap_or_default(),
            'x' => {
                let digits: String = self.rest()[1..].chars().take(2).take_while(char::is_ascii_hexdigit).collect();
                self.at += 1 + digits.len();
                return u8::from_str_radix(&digits, 16).map_err(|_| wrong(self));
            }
            '0'..='7' => {
                let digits: String = self.rest().chars().take(3).take_while(|c| c.is_digit(8)).collect();
                self.at += digits.len();
                return u8::from_str_radix(&digits, 8).map_err(|_| wrong(self));
            }
            _ => return Err(wrong(self)),
        };
        self.at += c.len_utf8();
        Ok(byte)
    }

    /// What a sysctl or a counter holds: bare words or a string, its blanks as one.
    pub fn value(&mut self) -> Result<Answer, ScriptError> {
        const EXPECTED: &str = "a value, -1 and an error, or ?";
        self.blanks();
        let start = self.at;
        let text = if self.rest().starts_with('"') {
            String::from_utf8(self.string()?).map_err(|_| self.wrong_at(start, EXPECTED))?
        } else {
            let text = self.run(|c| c != '#').to_owned();
            if text.trim().is_empty() {
                return Err(self.wrong_at(start, EXPECTED));
            }
            text
        };
        let value = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let printable = value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && !matches!(byte, b'"' | b'#'));
        if !printable || value.len() > VALUE_BYTES_MAX {
            return Err(self.wrong_at(start, EXPECTED));
        }
        Ok(Answer::Value(value))
    }
}
