//! What a reader can change: the load, and the three repairs.
//!
//! Settings come from controls and from an address that somebody else wrote, so every one is held within its limits; of a
//! port range the kernel itself says whether it can be one.

use std::net::{Ipv4Addr, SocketAddr};

use portlab_engine::linux::{Errno, Namespace};

/// Requests per second at most.
pub const RATE_MAX: u32 = 2000;
/// Connections kept open at most.
pub const POOL_MAX: u16 = 64;
/// Destinations at most.
pub const DESTINATIONS_MAX: u8 = 4;
/// Where a server listens.
pub const SERVER_PORT: u16 = 8080;
/// Ports that Kubernetes gives to Services, `--service-node-port-range`.
pub const NODE_PORTS: (u16, u16) = (30_000, 32_767);
/// What Linux has.
pub const DEFAULT_RANGE: (u16, u16) = (32_768, 60_999);

/// Where the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On another host, one wire away.
    Elsewhere,
    /// On the client's own host, over loopback.
    Here,
}

/// All of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Requests per second.
    pub rate: u32,
    pub place: Place,
    /// Connections that are kept open; 0: each request opens one of its own.
    pub pool: u16,
    /// Servers that take turns.
    pub destinations: u8,
    /// `net.ipv4.tcp_tw_reuse`
    pub tw_reuse: u8,
    /// `net.ipv4.tcp_timestamps`
    pub timestamps: bool,
    /// `net.ipv4.ip_local_port_range`
    pub range: (u16, u16),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate: 600,
            place: Place::Elsewhere,
            pool: 0,
            destinations: 1,
            tw_reuse: 2,
            timestamps: true,
            range: DEFAULT_RANGE,
        }
    }
}

impl Settings {
    /// How many ports the range has.
    #[must_use]
    pub fn ports(&self) -> u32 {
        u32::from(self.range.1) - u32::from(self.range.0) + 1
    }

    /// How many of them one search looks at: of an odd number it leaves one out.
    #[must_use]
    pub fn searched(&self) -> u32 {
        if self.ports() > 1 { self.ports() & !1 } else { 1 }
    }

    /// How long a port is not to be had again after its connection was closed, in seconds: what the words beside the
    /// chart reckon with. The run itself asks the kernel.
    #[must_use]
    pub fn hold_secs(&self) -> u32 {
        let allowed = self.tw_reuse == 1 || (self.tw_reuse == 2 && self.place == Place::Here);
        if allowed && self.timestamps { 1 } else { 60 }
    }

    /// Whether the range takes ports that Services may get.
    #[must_use]
    pub fn overlaps_node_ports(&self) -> bool {
        self.range.0 <= NODE_PORTS.1 && self.range.1 >= NODE_PORTS.0
    }

    /// Where the client is: the address that `connect` gives it.
    #[must_use]
    pub fn source(&self) -> Ipv4Addr {
        match self.place {
            Place::Elsewhere => Ipv4Addr::new(192, 0, 2, 10),
            Place::Here => Ipv4Addr::LOCALHOST,
        }
    }

    /// The destination of this number.
    #[must_use]
    pub fn destination(&self, number: u8) -> SocketAddr {
        let address = match self.place {
            Place::Elsewhere => Ipv4Addr::new(192, 0, 2, 80 + number),
            Place::Here => Ipv4Addr::new(127, 0, 0, 1 + number),
        };
        (address, SERVER_PORT).into()
    }

    /// Everything within its limits; a range that the kernel refuses becomes the default.
    #[must_use]
    pub fn clamped(self) -> Self {
        let range = range_of(&self.range.0.to_string(), &self.range.1.to_string()).unwrap_or(DEFAULT_RANGE);
        Self {
            rate: self.rate.clamp(1, RATE_MAX),
            pool: self.pool.min(POOL_MAX),
            destinations: self.destinations.clamp(1, DESTINATIONS_MAX),
            tw_reuse: self.tw_reuse.min(2),
            range,
            ..self
        }
    }

    /// What stands behind the `?` of an address; empty for the settings that one begins with.
    #[must_use]
    pub fn encode(&self) -> String {
        let of = |settings: &Self| {
            [
                ("rate", settings.rate.to_string()),
                ("to", if settings.place == Place::Here { "loopback" } else { "host" }.to_owned()),
                ("pool", settings.pool.to_string()),
                ("destinations", settings.destinations.to_string()),
                ("tw_reuse", settings.tw_reuse.to_string()),
                ("timestamps", u8::from(settings.timestamps).to_string()),
                ("range", format!("{}-{}", settings.range.0, settings.range.1)),
            ]
        };
        let changed = of(self).into_iter().zip(of(&Self::default())).filter(|(own, usual)| own != usual);
        changed.map(|((name, value), _)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// Reads that; what cannot be read stays as it is.
    #[must_use]
    pub fn decode(query: &str) -> Self {
        let mut settings = Self::default();
        for (name, value) in query.trim_start_matches('?').split('&').take(20).filter_map(|pair| pair.split_once('=')) {
            let number = value.parse::<u32>().ok();
            let small = number.map(|number| u16::try_from(number).unwrap_or(u16::MAX));
            let tiny = number.map(|number| u8::try_from(number).unwrap_or(u8::MAX));
            match name {
                "rate" => settings.rate = number.unwrap_or(settings.rate),
                "to" if value == "loopback" => settings.place = Place::Here,
                "pool" => settings.pool = small.unwrap_or(settings.pool),
                "destinations" => settings.destinations = tiny.unwrap_or(settings.destinations),
                "tw_reuse" => settings.tw_reuse = tiny.unwrap_or(settings.tw_reuse),
                "timestamps" => settings.timestamps = number != Some(0),
                "range" => {
                    let ends = value.split_once('-').and_then(|(low, high)| range_of(low, high).ok());
                    settings.range = ends.unwrap_or(settings.range);
                }
                _ => {}
            }
        }
        settings.clamped()
    }
}

/// The two ends of a range, as `sysctl -w` would take them.
///
/// # Errors
/// The kernel's own, from a namespace that is asked: `EINVAL` for ends in the wrong order, or a low one that is
/// privileged.
pub fn range_of(low: &str, high: &str) -> Result<(u16, u16), Errno> {
    let mut asked = Namespace::new(0);
    let value = format!("{} {}", low.trim(), high.trim());
    asked.set_sysctl("net.ipv4.ip_local_port_range", &value).map_err(|refusal| refusal.errno)?;
    Ok(asked.sysctls.range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_the_settings() {
        assert_eq!(Settings::default().encode(), "");
        let settings = Settings {
            rate: 1500,
            place: Place::Here,
            pool: 12,
            destinations: 3,
            tw_reuse: 1,
            timestamps: false,
            range: (40_000, 40_003),
        };
        assert_eq!(
            settings.encode(),
            "rate=1500&to=loopback&pool=12&destinations=3&tw_reuse=1&timestamps=0&range=40000-40003"
        );
        assert_eq!(Settings::decode(&format!("?{}", settings.encode())), settings);
    }

    #[test]
    fn an_address_that_somebody_made_up_stays_within_limits() {
        let made_up = "rate=99999999999&pool=70000&destinations=0&tw_reuse=3&range=60999-32768&to=javascript:alert(1)";
        let settings = Settings::decode(made_up);
        assert_eq!(settings, Settings { pool: POOL_MAX, ..Settings::default() });
        assert_eq!(Settings::decode("rate=0&range=80-90&pool=-1"), Settings { rate: 1, ..Settings::default() });
        assert_eq!(Settings::decode(&"rate=7&".repeat(1000)).rate, 7);
    }

    #[test]
    fn the_kernel_says_what_is_a_range() {
        assert_eq!(range_of("1024", "65535"), Ok((1024, 65_535)));
        assert_eq!(range_of(" 40000 ", "40000"), Ok((40_000, 40_000)));
        for (low, high) in
            [("60999", "32768"), ("1023", "65535"), ("0", "1"), ("32768", "65536"), ("", "9"), ("a", "b")]
        {
            assert_eq!(range_of(low, high), Err(Errno::Einval), "{low} {high}");
        }
    }

    #[test]
    fn node_ports_are_named() {
        let overlaps = |low, high| Settings { range: (low, high), ..Settings::default() }.overlaps_node_ports();
        assert!(overlaps(1024, 65_535) && overlaps(32_767, 60_999) && overlaps(1024, 30_000));
        assert!(!overlaps(32_768, 60_999) && !overlaps(1024, 29_999));
    }
}
