//! The errors that system calls on sockets give: number, name as strace prints it, words as libc has them.
//!
//! Source: `include/uapi/asm-generic/errno*.h` and `strerror(3)` of glibc. Only those that portlab can give stand here.

/// Why a system call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Errno {
    Eperm = 1,
    Enoent = 2,
    Ebadf = 9,
    Eagain = 11,
    Eacces = 13,
    Eexist = 17,
    Enodev = 19,
    Einval = 22,
    Epipe = 32,
    Edestaddrreq = 89,
    Emsgsize = 90,
    Enoprotoopt = 92,
    Eopnotsupp = 95,
    Eafnosupport = 97,
    Eaddrinuse = 98,
    Eaddrnotavail = 99,
    Enetunreach = 101,
    Econnaborted = 103,
    Econnreset = 104,
    Enobufs = 105,
    Eisconn = 106,
    Enotconn = 107,
    Etimedout = 110,
    Econnrefused = 111,
    Ehostunreach = 113,
    Ealready = 114,
    Einprogress = 115,
}

/// Number is the enum's own; then name and words.
const ALL: &[(Errno, &str, &str)] = &[
    (Errno::Eperm, "EPERM", "Operation not permitted"),
    (Errno::Enoent, "ENOENT", "No such file or directory"),
    (Errno::Ebadf, "EBADF", "Bad file descriptor"),
    (Errno::Eagain, "EAGAIN", "Resource temporarily unavailable"),
    (Errno::Eacces, "EACCES", "Permission denied"),
    (Errno::Eexist, "EEXIST", "File exists"),
    (Errno::Enodev, "ENODEV", "No such device"),
    (Errno::Einval, "EINVAL", "Invalid argument"),
    (Errno::Epipe, "EPIPE", "Broken pipe"),
    (Errno::Edestaddrreq, "EDESTADDRREQ", "Destination address required"),
    (Errno::Emsgsize, "EMSGSIZE", "Message too long"),
    (Errno::Enoprotoopt, "ENOPROTOOPT", "Protocol not available"),
    (Errno::Eopnotsupp, "EOPNOTSUPP", "Operation not supported"),
    (Errno::Eafnosupport, "EAFNOSUPPORT", "Address family not supported by protocol"),
    (Errno::Eaddrinuse, "EADDRINUSE", "Address already in use"),
    (Errno::Eaddrnotavail, "EADDRNOTAVAIL", "Cannot assign requested address"),
    (Errno::Enetunreach, "ENETUNREACH", "Network is unreachable"),
    (Errno::Econnaborted, "ECONNABORTED", "Software caused connection abort"),
    (Errno::Econnreset, "ECONNRESET", "Connection reset by peer"),
    (Errno::Enobufs, "ENOBUFS", "No buffer space available"),
    (Errno::Eisconn, "EISCONN", "Transport endpoint is already connected"),
    (Errno::Enotconn, "ENOTCONN", "Transport endpoint is not connected"),
    (Errno::Etimedout, "ETIMEDOUT", "Connection timed out"),
    (Errno::Econnrefused, "ECONNREFUSED", "Connection refused"),
    (Errno::Ehostunreach, "EHOSTUNREACH", "No route to host"),
    (Errno::Ealready, "EALREADY", "Operation already in progress"),
    (Errno::Einprogress, "EINPROGRESS", "Operation now in progress"),
];

impl Errno {
    /// As strace prints it: `EADDRINUSE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// As `strerror` has it: `Address already in use`.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.row().2
    }

    /// 98 for `EADDRINUSE`.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The error of that name; `None` for one that portlab never gives.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The error of that number; `None` for one that portlab never gives.
    #[must_use]
    pub fn of_number(number: i32) -> Option<Self> {
        ALL.iter().find(|row| row.0 as i32 == number).map(|row| row.0)
    }

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        ALL.iter().find(|row| row.0 == self).unwrap_or_else(|| unreachable!("{self:?} has no row"))
    }
}
