use portlab_scenarios::syscalls::parse;

use super::*;

/// The example of the calls, and what only the real kernel can get wrong: users, addresses, sysctls, counters, time.
const SCRIPT: &str = "\
socket(tcp4) = api
setsockopt(api, SO_REUSEADDR, 1) = 0
bind(api, 0.0.0.0:8080) = 0
listen(api, 16) = 0
socket(tcp6) = other
setsockopt(other, IPV6_V6ONLY, 1) = 0
bind(other, [::]:8080) = 0
socket(tcp4) = client
connect(client, 127.0.0.1:8080) = 0
accept(api) = conn
accept(api) = -1 EAGAIN
getpeername(conn) = 127.0.0.1:?
send(client, \"abc\") = 3
recv(conn) = \"abc\"
recv(conn) = -1 EAGAIN
counter(TcpActiveOpens) = 1
counter(TcpExtTWRecycled) = 0
counter(Ip6InReceives) = 0
counter(NoSuch) = -1 ENOENT
sysctl(net.ipv4.ip_local_port_range, 40000 40001) = 0
sysctl(net.ipv4.ip_local_port_range) = 40000 40001
sysctl(net.ipv4.ip_local_reserved_ports, \"40000\") = 0
sysctl(net.ipv4.ip_local_reserved_ports, \"\") = 0
sysctl(net.ipv4.ip_local_reserved_ports) = \"\"
sysctl(net.ipv4.nothing) = -1 ENOENT
sysctl(net.ipv4.tcp_tw_reuse, 3) = -1 EINVAL
bind(other, [::1]:8081) = -1 EINVAL
setsockopt(client, IP_BIND_ADDRESS_NO_PORT, 1) = 0
setsockopt(client, IP_LOCAL_PORT_RANGE, 40000 40001) = 0
setsockopt(client, IP_LOCAL_PORT_RANGE, 40001 40000) = -1 EINVAL
setsockopt(client, SO_LINGER, {1, 0}) = 0
setsockopt(client, SO_BINDTODEVICE, \"lo\") = 0
setsockopt(client, SO_BINDTODEVICE, \"eth9\") = -1 ENODEV
close(client) = 0
recv(conn) = -1 ECONNRESET
seteuid(1000) = 0
seteuid(2000) = -1 EPERM
socket(tcp4) = low
bind(low, 127.0.0.1:80) = -1 EACCES
addr(lo, 10.9.0.1/32) = -1 EPERM
counter(TcpActiveOpens) = 1
sysctl(net.ipv4.tcp_tw_reuse) = 2
sysctl(net.ipv4.tcp_tw_reuse, 1) = -1 EACCES
seteuid(0) = 0
bind(low, 10.9.0.1:80) = -1 EADDRNOTAVAIL
addr(lo, 10.9.0.1/32) = 0
addr(lo, 10.9.0.1/32) = -1 EEXIST
addr(eth9, 10.9.0.1/32) = -1 ENODEV
bind(low, 10.9.0.1:80) = 0
socket(udp6) = far
connect(far, [fd00::1]:53) = -1 ENETUNREACH
addr(lo, fd00::1/64) = 0
connect(far, [fd00::1]:53) = 0
getsockname(far) = [fd00::1]:?
---
socket(tcp4) = full
bind(full, 127.0.0.1:80) = 0
listen(full, 0) = 0
socket(tcp4) = first
connect(first, 127.0.0.1:80) = 0
socket(tcp4) = second
connect(second, 127.0.0.1:80) = -1 EINPROGRESS
connect(second, 127.0.0.1:80) = -1 EALREADY
---
socket(tcp4) = alone
bind(alone, 127.0.0.1:80) = 0
";

#[test]
fn the_kernel_answers_scripts() {
    if let Some(lacking) = lacking() {
        eprintln!("not run: {lacking}");
        return;
    }
    let cases = parse(SCRIPT).unwrap().cases();
    let tried = each(&cases, |place, case| place.run(case).unwrap());
    for (case, tried) in cases.iter().zip(tried) {
        for (line, verdict) in case.lines.iter().zip(&tried.verdicts) {
            assert!(!verdict.differs(), "{line}: {verdict:?}");
        }
    }
}
