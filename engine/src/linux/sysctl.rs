//! The settings of a network namespace: those that the sockets here ask.
//!
//! Source: `net/ipv4/sysctl_net_ipv4.c`, `Documentation/networking/ip-sysctl.rst`. Left out: everything that is not in
//! [`TABLE`], and that is said by [`Sysctls::get`], which knows it not. Kept and shown, without an effect on what is modelled:
//! keepalive, retries of data and of orphans, SACK, window scaling, Fast Open, SYN cookies with `tcp_max_syn_backlog` (for
//! no half-open connection lasts here), `tcp_moderate_rcvbuf`, `tcp_slow_start_after_idle`, `ip_default_ttl`.

use super::errno::Errno;

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A whole number from one to the other.
    Number(i64, i64),
    /// The same without a sign: the kernel refuses `-0` too (`proc_dou8vec_minmax`, `proc_douintvec_minmax`).
    Unsigned(i64, i64),
    /// `ip_local_port_range`: two ports, the first not above the second.
    Range,
    /// `ip_local_reserved_ports`: `8080,9148-9150`.
    Ports,
}

/// Seconds that the kernel keeps in ticks, 250 of them a second.
const SECONDS: Form = Form::Number(-(i32::MAX as i64 / 250), i32::MAX as i64 / 250);

/// A number of eight bits.
const BYTE: Form = Form::Unsigned(0, 255);

const INT: Form = Form::Number(i32::MIN as i64, i32::MAX as i64);

/// Name, form, what a fresh namespace has.
const TABLE: &[(&str, Form, &str)] = &[
    ("net.core.somaxconn", Form::Number(0, i32::MAX as i64), "4096"),
    ("net.ipv4.ip_autobind_reuse", Form::Unsigned(0, 1), "0"),
    ("net.ipv4.ip_default_ttl", Form::Unsigned(1, 255), "64"),
    ("net.ipv4.ip_forward", INT, "0"),
    ("net.ipv4.ip_local_port_range", Form::Range, "32768 60999"),
    ("net.ipv4.ip_local_reserved_ports", Form::Ports, ""),
    ("net.ipv4.ip_nonlocal_bind", BYTE, "0"),
    ("net.ipv4.ip_unprivileged_port_start", Form::Number(0, 65535), "1024"),
    ("net.ipv4.tcp_abort_on_overflow", BYTE, "0"),
    ("net.ipv4.tcp_fastopen", INT, "1"),
    ("net.ipv4.tcp_fin_timeout", SECONDS, "60"),
    ("net.ipv4.tcp_keepalive_intvl", SECONDS, "75"),
    ("net.ipv4.tcp_keepalive_probes", BYTE, "9"),
    ("net.ipv4.tcp_keepalive_time", SECONDS, "7200"),
    ("net.ipv4.tcp_max_syn_backlog", INT, "2048"),
    ("net.ipv4.tcp_max_tw_buckets", INT, "131072"),
    ("net.ipv4.tcp_migrate_req", Form::Unsigned(0, 1), "0"),
    ("net.ipv4.tcp_moderate_rcvbuf", BYTE, "1"),
    ("net.ipv4.tcp_orphan_retries", BYTE, "0"),
    ("net.ipv4.tcp_retries1", BYTE, "3"),
    ("net.ipv4.tcp_retries2", BYTE, "15"),
    ("net.ipv4.tcp_rfc1337", BYTE, "0"),
    ("net.ipv4.tcp_sack", BYTE, "1"),
    ("net.ipv4.tcp_slow_start_after_idle", BYTE, "1"),
    ("net.ipv4.tcp_syn_linear_timeouts", Form::Unsigned(0, 127), "4"),
    ("net.ipv4.tcp_syn_retries", Form::Unsigned(1, 127), "6"),
    ("net.ipv4.tcp_synack_retries", BYTE, "5"),
    ("net.ipv4.tcp_syncookies", BYTE, "1"),
    ("net.ipv4.tcp_timestamps", BYTE, "1"),
    ("net.ipv4.tcp_tw_reuse", Form::Unsigned(0, 2), "2"),
    ("net.ipv4.tcp_tw_reuse_delay", Form::Unsigned(1, 60_000), "1000"),
    ("net.ipv4.tcp_window_scaling", BYTE, "1"),
    ("net.ipv6.bindv6only", BYTE, "0"),
    ("net.ipv6.ip_nonlocal_bind", BYTE, "0"),
];

/// The settings of one namespace, and what the hot paths ask of them.
#[derive(Clone, Debug)]
pub struct Sysctls {
    /// In the order of [`TABLE`].
    values: Vec<String>,
    /// `ip_local_port_range`
    pub range: (u16, u16),
    /// `ip_local_reserved_ports`: a bit for each port.
    pub reserved: Ports,
    pub somaxconn: u32,
    pub autobind_reuse: bool,
    pub nonlocal_bind: bool,
    pub nonlocal_bind6: bool,
    pub unprivileged_port_start: u16,
    pub fin_timeout_secs: u64,
    /// Read without its sign, as the kernel compares it: -1 is no limit.
    pub max_tw_buckets: u32,
    pub rfc1337: bool,
    pub syn_linear_timeouts: u32,
    pub syn_retries: u32,
    pub synack_retries: u32,
    pub retries2: u32,
    pub orphan_retries: u32,
    pub timestamps: bool,
    pub tw_reuse: u8,
    pub tw_reuse_delay_ms: u64,
    /// The lowest bit alone: that is what a socket keeps of it (`skc_ipv6only:1`).
    pub bindv6only: bool,
    pub abort_on_overflow: bool,
    /// `ip_forward`
    pub forward: bool,
}

impl Default for Sysctls {
    fn default() -> Self {
        Self::of(TABLE.iter().map(|row| row.2.to_string()).collect())
    }
}

impl Sysctls {
    /// The value, blanks between numbers as one; `None` for a name that portlab does not have.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let row = position(name)?;
        Some(&self.values[row])
    }

    /// The names that there are, in the order of `sysctl -a`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.0)
    }

    /// Sets a value as writing to `/proc/sys` does.
    ///
    /// # Errors
    /// `ENOENT` for a name that there is not, `EINVAL` for a value that it cannot have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Errno> {
        let row = position(name).ok_or(Errno::Enoent)?;
        let value = match TABLE[row].1 {
            form @ (Form::Number(low, high) | Form::Unsigned(low, high)) => {
                // What follows the first word is not read.
                let word = value.split_whitespace().next().unwrap_or("");
                let number = integer(word).ok_or(Errno::Einval)?;
                if matches!(form, Form::Unsigned(..)) && word.starts_with('-') {
                    return Err(Errno::Einval);
                }
                if number < low || number > high {
                    return Err(Errno::Einval);
                }
                if name == "net.ipv4.ip_unprivileged_port_start" && i64::from(self.range.0) < number {
                    return Err(Errno::Einval);
                }
                number.to_string()
            }
            Form::Range => self.range_of(value)?,
            Form::Ports => Ports::parse(value).ok_or(Errno::Einval)?.to_string(),
        };
        self.values[row] = value;
        *self = Self::of(std::mem::take(&mut self.values));
        Ok(())
    }

    /// The second number may be missing, and stays as it was.
    fn range_of(&self, value: &str) -> Result<String, Errno> {
        let mut words = value.split_whitespace().map(port);
        let low = words.next().flatten().ok_or(Errno::Einval)?;
        let high = words.next().unwrap_or(Some(self.range.1)).ok_or(Errno::Einval)?;
        if low == 0 || high < low || low < self.unprivileged_port_start {
            return Err(Errno::Einval);
        }
        Ok(format!("{low} {high}"))
    }

    /// What the hot paths ask, read from the values.
    fn of(values: Vec<String>) -> Self {
        let text = |name: &str| position(name).map_or("", |row| values[row].as_str());
        let number = |name: &str| -> i64 { text(name).parse().unwrap_or(0) };
        let small = |name: &str| u32::try_from(number(name)).unwrap_or(0);
        let flag = |name: &str| number(name) != 0;
        let mut range = text("net.ipv4.ip_local_port_range").split(' ').map(str::parse::<u16>);
        let low = range.next().and_then(Result::ok).unwrap_or(1);
        let high = range.next().and_then(Result::ok).unwrap_or(1);
        let reserved = Ports::parse(text("net.ipv4.ip_local_reserved_ports")).unwrap_or_default();
        Self {
            somaxconn: small("net.core.somaxconn"),
            autobind_reuse: flag("net.ipv4.ip_autobind_reuse"),
            nonlocal_bind: flag("net.ipv4.ip_nonlocal_bind"),
            nonlocal_bind6: flag("net.ipv6.ip_nonlocal_bind"),
            unprivileged_port_start: u16::try_from(number("net.ipv4.ip_unprivileged_port_start")).unwrap_or(0),
            fin_timeout_secs: u64::try_from(number("net.ipv4.tcp_fin_timeout")).unwrap_or(0),
            max_tw_buckets: i32::try_from(number("net.ipv4.tcp_max_tw_buckets")).unwrap_or(0).cast_unsigned(),
            rfc1337: flag("net.ipv4.tcp_rfc1337"),
            syn_linear_timeouts: small("net.ipv4.tcp_syn_linear_timeouts"),
            syn_retries: small("net.ipv4.tcp_syn_retries"),
            synack_retries: small("net.ipv4.tcp_synack_retries"),
            retries2: small("net.ipv4.tcp_retries2"),
            orphan_retries: small("net.ipv4.tcp_orphan_retries"),
            timestamps: flag("net.ipv4.tcp_timestamps"),
            tw_reuse: u8::try_from(number("net.ipv4.tcp_tw_reuse")).unwrap_or(0),
            tw_reuse_delay_ms: u64::try_from(number("net.ipv4.tcp_tw_reuse_delay")).unwrap_or(1),
            bindv6only: number("net.ipv6.bindv6only") & 1 != 0,
            abort_on_overflow: flag("net.ipv4.tcp_abort_on_overflow"),
            forward: flag("net.ipv4.ip_forward"),
            range: (low, high),
            reserved,
            values,
        }
    }
}

/// A whole number as C writes it: `0x1f90`, `017620` and `8080`; a minus, but no plus (`proc_get_long`).
fn integer(word: &str) -> Option<i64> {
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = match (hexadecimal, digits.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (digits, 10),
    };
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok().map(|number| sign * number)
}

fn port(word: &str) -> Option<u16> {
    integer(word).filter(|_| !word.starts_with('-')).and_then(|number| u16::try_from(number).ok())
}

fn position(name: &str) -> Option<usize> {
    TABLE.iter().position(|row| row.0 == name)
}

/// A set of ports, a bit for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Empty, or 1024 words of 64 ports.
    words: Vec<u64>,
}

impl Ports {
    /// Whether the port is in the set.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.words.get(usize::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 == 1)
    }

    /// Puts the port in.
    pub fn insert(&mut self, port: u16) {
        if self.words.is_empty() {
            self.words = vec![0; 1024];
        }
        self.words[usize::from(port >> 6)] |= 1 << (port & 63);
    }

    /// Takes the port out.
    pub fn remove(&mut self, port: u16) {
        if let Some(word) = self.words.get_mut(usize::from(port >> 6)) {
            *word &= !(1 << (port & 63));
        }
    }

    /// The 64 ports from `word * 64` on, the lowest in the lowest bit.
    #[must_use]
    pub fn word(&self, word: usize) -> u64 {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// Reads `8080,9148-9150`; `None` when it is not such a list.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut ports = Self::default();
        let text = text.trim();
        if text.is_empty() {
            return Some(ports);
        }
        // One comma may stand at the end.
        for part in text.strip_suffix(',').unwrap_or(text).split(',') {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let (low, high) = (port(low)?, port(high)?);
            if low > high {
                return None;
            }
            (low..=high).for_each(|port| ports.insert(port));
        }
        Some(ports)
    }
}

impl std::fmt::Display for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut port = 0u32;
        let mut first = true;
        let has = |port: u32| u16::try_from(port).is_ok_and(|port| self.contains(port));
        while port <= u32::from(u16::MAX) {
            if !has(port) {
                port += 1;
                continue;
            }
            let low = port;
            while has(port) {
                port += 1;
            }
            let comma = if first { "" } else { "," };
            first = false;
            match port - 1 {
                high if high == low => write!(f, "{comma}{low}")?,
                high => write!(f, "{comma}{low}-{high}")?,
            }
        }
        Ok(())
    }
}
