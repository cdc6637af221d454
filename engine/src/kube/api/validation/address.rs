//! IP addresses and ranges in fields that predate strict parsing: leading zeros and IPv4-mapped IPv6 pass, as they always did.
//!
//! Source: apimachinery's `util/validation/ip.go` and `ValidateEndpointIP`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::kube::api::field::{FieldError, Path, invalid};

/// An address as Go's sloppy parser reads it: numbers of an IPv4 address may have leading zeros.
fn parse(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let octets: Vec<u8> = parts
        .iter()
        .filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|part| part.parse().ok())
        .collect();
    let [a, b, c, d] = octets[..] else { return None };
    (parts.len() == 4).then(|| IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
}

pub fn validate_ip(path: &Path, text: &str) -> Vec<FieldError> {
    if parse(text).is_some() {
        return Vec::new();
    }
    vec![invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
}

pub fn validate_cidr(path: &Path, text: &str) -> Vec<FieldError> {
    let good = text.split_once('/').is_some_and(|(ip, length)| {
        let bits = match parse(ip) {
            Some(IpAddr::V4(_)) => 32,
            Some(IpAddr::V6(_)) => 128,
            None => return false,
        };
        length.bytes().all(|b| b.is_ascii_digit()) && length.parse::<u32>().is_ok_and(|length| length <= bits)
    });
    if good {
        Vec::new()
    } else {
        vec![invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    }
}

/// An address that packets from outside can be sent to: not unspecified, loopback or link-local.
pub fn validate_external_ip(path: &Path, text: &str) -> Vec<FieldError> {
    let Some(ip) = parse(text) else { return validate_ip(path, text) };
    let mut found = Vec::new();
    let (unspecified, loopback, link_local, link_local_multicast) = match ip {
        IpAddr::V4(v4) => (v4.is_unspecified(), v4.is_loopback(), v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (
            v6.is_unspecified(),
            v6.is_loopback(),
            v6.segments()[0] & 0xffc0 == 0xfe80,
            v6.segments()[0] & 0xff0f == 0xff02,
        ),
    };
    if unspecified {
        found.push(invalid(path, text, &format!("may not be unspecified ({text})")));
    }
    if loopback {
        found.push(invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
    }
    if link_local {
        found.push(invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"));
    }
    if link_local_multicast {
        found.push(invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"));
    }
    found
}
