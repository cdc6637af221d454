//! A network namespace of Linux 6.18: addresses, routes, sysctls, users, TCP and UDP sockets.

mod errno;

pub use errno::Errno;
