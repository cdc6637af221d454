//! Devices and addresses of the calling thread's network namespace, by rtnetlink.
//!
//! Source: `rtnetlink(7)`, `include/uapi/linux/{netlink,rtnetlink,if_addr}.h`. One request and its acknowledgement.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use nix::libc;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Sets a device up.
pub fn set_up(device: &str) -> io::Result<()> {
    let up = u32::try_from(libc::IFF_UP).unwrap_or_default();
    // ifinfomsg: family, padding, type, index, flags, which flags change.
    let mut message = vec![0; 4];
    message.extend(index(device)?.to_ne_bytes());
    message.extend(up.to_ne_bytes());
    message.extend(up.to_ne_bytes());
    request(libc::RTM_NEWLINK, 0, &message)
}

/// Adds an address to a device, as `ip address add` does; an IPv6 one can be used when this returns.
pub fn add_address(device: &str, ip: IpAddr, prefix: u8) -> io::Result<()> {
    let index = index(device)?;
    let (family, bytes) = match ip {
        IpAddr::V4(ip) => (libc::AF_INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (libc::AF_INET6, ip.octets().to_vec()),
    };
    let scope = if ip.is_loopback() && ip.is_ipv4() { libc::RT_SCOPE_HOST } else { libc::RT_SCOPE_UNIVERSE };
    // ifaddrmsg: family, prefix, flags, scope, index.
    let mut message = vec![u8::try_from(family).unwrap_or_default(), prefix, 0, scope];
    message.extend(index.to_ne_bytes());
    for kind in [libc::IFA_LOCAL, libc::IFA_ADDRESS] {
        let length = u16::try_from(4 + bytes.len()).unwrap_or_default();
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(&bytes);
    }
    request(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL, &message)?;
    if ip.is_ipv6() { settled() } else { Ok(()) }
}

/// The number of a device; `ENODEV` where there is none.
fn index(device: &str) -> io::Result<u32> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    Ok(rustix::net::netdevice::name_to_index(&socket, device)?)
}

/// Sends a request and waits for its acknowledgement.
fn request(kind: u16, flags: libc::c_int, body: &[u8]) -> io::Result<()> {
    const HEADER_BYTES: usize = 16;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let length = u32::try_from(HEADER_BYTES + body.len()).unwrap_or_default();
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK | flags).unwrap_or_default();
    // nlmsghdr: length, type, flags, sequence, port.
    let mut message = Vec::new();
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    rustix::net::send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0; 4096];
    let (count, _) = rustix::net::recv(&socket, &mut answer, RecvFlags::empty())?;
    // nlmsgerr: the error, negative, behind the header.
    let error = answer[..count].get(HEADER_BYTES..HEADER_BYTES + 4).and_then(|bytes| bytes.try_into().ok());
    match error.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::Error::other("netlink's answer is too short")),
    }
}

/// Waits until no IPv6 address is tentative: the kernel lets a new one in from a work queue, also on `lo`.
fn settled() -> io::Result<()> {
    const TENTATIVE: u32 = 0x40;
    const TRIES: usize = 200;
    for _ in 0..TRIES {
        let text = std::fs::read_to_string("/proc/thread-self/net/if_inet6")?;
        // Address, index, prefix, scope, flags, device.
        let flags = text.lines().filter_map(|line| u32::from_str_radix(line.split_ascii_whitespace().nth(4)?, 16).ok());
        let tentative = flags.into_iter().any(|flags| flags & TENTATIVE != 0);
        // Its route comes just behind the flag.
        std::thread::sleep(Duration::from_millis(2));
        if !tentative {
            return Ok(());
        }
    }
    Err(io::Error::other("an address stays tentative"))
}
