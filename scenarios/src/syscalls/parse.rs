//! Text to script. What is wrong is said with line, column, what was found and what was expected.
//!
//! Blanks around words do not matter. Behind an error's name the words that strace prints may stand in parentheses.

use std::collections::BTreeSet;
use std::fmt;

use portlab_engine::linux::Errno;

use super::call::{Answer, Call, Family, Shutdown, SocketOption};
use super::cursor::{Cursor, DEVICE_BYTES_MAX, VALUE_BYTES_MAX};
use super::script::{Item, Line, Script};

/// Bytes of a script that are still read.
const SCRIPT_BYTES_MAX: usize = 8 << 20;

/// Where a script is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub found: String,
    pub expected: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: found {}, expected {}", self.line, self.column, self.found, self.expected)
    }
}

impl std::error::Error for ScriptError {}

/// Reads a script.
///
/// # Errors
/// The first line that is no call with an answer, or that names a handle which is not open there.
pub fn parse(text: &str) -> Result<Script, ScriptError> {
    let script = parse_draft(text)?;
    check_handles(&script, text)?;
    Ok(script)
}

/// Reads a script without asking whether its handles are open: one whose answers are still to be recorded.
///
/// # Errors
/// The first line that is no call with an answer.
pub fn parse_draft(text: &str) -> Result<Script, ScriptError> {
    items(text, Stated::Needed)
}

/// Reads a script of somebody who tries: an answer may be left out where it names no new socket.
///
/// # Errors
/// As [`parse`].
pub fn parse_trial(text: &str) -> Result<Script, ScriptError> {
    let script = items(text, Stated::AsGiven)?;
    check_handles(&script, text)?;
    Ok(script)
}

/// Whether each call must say what it gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stated {
    Needed,
    AsGiven,
}

fn items(text: &str, stated: Stated) -> Result<Script, ScriptError> {
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(ScriptError {
            line: 1,
            column: 1,
            found: format!("{} bytes", text.len()),
            expected: format!("at most {SCRIPT_BYTES_MAX}"),
        });
    }
    let read = |(index, text)| item(&mut Cursor { line: index + 1, text, at: 0 }, stated);
    Ok(Script { items: text.lines().enumerate().map(read).collect::<Result<_, _>>()? })
}

/// A call may only name a handle that a line above of the same case states to have come, and none has closed since.
fn check_handles(script: &Script, text: &str) -> Result<(), ScriptError> {
    let mut open = BTreeSet::new();
    let mut closed = BTreeSet::new();
    for item in &script.items {
        let line = match item {
            Item::Case(_) => {
                open.clear();
                closed.clear();
                continue;
            }
            Item::Call(line) => line,
            Item::Comment(_) | Item::Blank => continue,
        };
        let wrong = |name: &str, behind: char, expected: &str| {
            let source = text.lines().nth(line.number - 1).unwrap_or_default();
            let skip = source.find(behind).unwrap_or(0);
            let byte = skip + source[skip..].find(name).unwrap_or(0);
            let column = source[..byte].chars().count() + 1;
            ScriptError { line: line.number, column, found: format!("`{name}`"), expected: expected.to_owned() }
        };
        if let Some(name) = line.call.handle() {
            if closed.contains(name) {
                return Err(wrong(name, '(', "a handle that is open: this one was closed above"));
            }
            if !open.contains(name) {
                return Err(wrong(name, '(', "a handle that is open: no line above gave this one"));
            }
        }
        if let Call::Close(name) = &line.call {
            open.remove(name.as_str());
            closed.insert(name.as_str());
        }
        if let Answer::Handle(name) = &line.stated {
            closed.remove(name.as_str());
            if !open.insert(name.as_str()) {
                return Err(wrong(name, '=', "a new name: a socket of this name is open"));
            }
        }
    }
    Ok(())
}

fn item(cursor: &mut Cursor<'_>, stated: Stated) -> Result<Item, ScriptError> {
    cursor.blanks();
    if cursor.rest().is_empty() {
        return Ok(Item::Blank);
    }
    if cursor.take("---") {
        return Ok(Item::Case(cursor.comment_or_end()?));
    }
    if cursor.rest().starts_with('#') {
        let comment = cursor.comment_or_end()?;
        return Ok(Item::Comment(comment.unwrap_or_default()));
    }
    let call = call(cursor)?;
    let left_out = stated == Stated::AsGiven && !call.makes_handle() && {
        cursor.blanks();
        cursor.rest().is_empty() || cursor.rest().starts_with('#')
    };
    let stated = if left_out {
        Answer::Any
    } else {
        cursor.expect("=")?;
        answer(cursor, &call)?
    };
    let comment = cursor.comment_or_end()?;
    Ok(Item::Call(Line { number: cursor.line, call, stated, comment }))
}

const CALLS: &str = "a call: socket, setsockopt, bind, listen, connect, accept, close, shutdown, send, recv, \
                     getsockname, getpeername, sysctl, seteuid, addr, sleep or counter";

fn call(cursor: &mut Cursor<'_>) -> Result<Call, ScriptError> {
    cursor.blanks();
    let start = cursor.at;
    let name = cursor.word();
    if !NAMES.contains(&name) {
        return Err(cursor.wrong_at(start, CALLS));
    }
    cursor.expect("(")?;
    let call = match name {
        "socket" => Call::Socket(family(cursor)?),
        "setsockopt" => {
            let handle = cursor.handle_then_comma()?;
            Call::Setsockopt(handle, option(cursor)?)
        }
        "bind" => Call::Bind(cursor.handle_then_comma()?, cursor.socket_address()?),
        "connect" => Call::Connect(cursor.handle_then_comma()?, cursor.socket_address()?),
        "listen" => {
            let handle = cursor.handle()?;
            let backlog = if cursor.take(",") {
                Some(cursor.number("a backlog of 32 bits", i64::from(i32::MIN), i64::from(i32::MAX))?)
            } else {
                None
            };
            Call::Listen(handle, backlog.map(|backlog| i32::try_from(backlog).unwrap_or(i32::MAX)))
        }
        "accept" => Call::Accept(cursor.handle()?),
        "close" => Call::Close(cursor.handle()?),
        "shutdown" => Call::Shutdown(cursor.handle_then_comma()?, shutdown(cursor)?),
        "send" => Call::Send(cursor.handle_then_comma()?, cursor.string()?),
        "recv" => Call::Recv(cursor.handle()?),
        "getsockname" => Call::Getsockname(cursor.handle()?),
        "getpeername" => Call::Getpeername(cursor.handle()?),
        "sysctl" => sysctl(cursor)?,
        "seteuid" => {
            Call::Seteuid(unsigned(cursor.number("a user's number, such as 1000", 0, i64::from(u32::MAX) - 1)?))
        }
        "addr" => {
            let device = cursor.device()?;
            cursor.expect(",")?;
            let (ip, prefix) = cursor.prefix()?;
            Call::Addr { device, ip, prefix }
        }
        "sleep" => Call::Sleep { millis: cursor.seconds()? },
        _ => Call::Counter(cursor.name("a counter as nstat prints it, such as TcpActiveOpens", |_| false)?),
    };
    cursor.expect(")")?;
    Ok(call)
}

const NAMES: [&str; 17] = [
    "socket",
    "setsockopt",
    "bind",
    "listen",
    "connect",
    "accept",
    "close",
    "shutdown",
    "send",
    "recv",
    "getsockname",
    "getpeername",
    "sysctl",
    "seteuid",
    "addr",
    "sleep",
    "counter",
];

fn unsigned<T: TryFrom<i64>>(number: i64) -> T {
    T::try_from(number).unwrap_or_else(|_| unreachable!("the bounds were tested"))
}

fn family(cursor: &mut Cursor<'_>) -> Result<Family, ScriptError> {
    cursor.blanks();
    let start = cursor.at;
    let word = cursor.word();
    let family = Family::ALL.into_iter().find(|family| family.name() == word);
    family.ok_or_else(|| cursor.wrong_at(start, "tcp4, tcp6, udp4 or udp6"))
}

fn shutdown(cursor: &mut Cursor<'_>) -> Result<Shutdown, ScriptError> {
    cursor.blanks();
    let start = cursor.at;
    match cursor.word() {
        "SHUT_RD" => Ok(Shutdown::Read),
        "SHUT_WR" => Ok(Shutdown::Write),
        "SHUT_RDWR" => Ok(Shutdown::Both),
        _ => Err(cursor.wrong_at(start, "SHUT_RD, SHUT_WR or SHUT_RDWR")),
    }
}

fn option(cursor: &mut Cursor<'_>) -> Result<SocketOption, ScriptError> {
    cursor.blanks();
    let start = cursor.at;
    let name = cursor.word();
    let on_off = |cursor: &mut Cursor<'_>| -> Result<bool, ScriptError> {
        cursor.expect(",")?;
        Ok(cursor.number("0 or 1", 0, 1)? == 1)
    };
    Ok(match name {
        "SO_REUSEADDR" => SocketOption::ReuseAddr(on_off(cursor)?),
        "SO_REUSEPORT" => SocketOption::ReusePort(on_off(cursor)?),
        "IPV6_V6ONLY" => SocketOption::V6Only(on_off(cursor)?),
        "IP_BIND_ADDRESS_NO_PORT" => SocketOption::BindAddressNoPort(on_off(cursor)?),
        "SO_LINGER" => {
            cursor.expect(",")?;
            cursor.expect("{")?;
            let on = cursor.number("0 or 1", 0, 1)? == 1;
            cursor.expect(",")?;
            let seconds = unsigned(cursor.number("seconds from 0 to 65535", 0, i64::from(u16::MAX))?);
            cursor.expect("}")?;
            SocketOption::Linger { on, seconds }
        }
        "IP_LOCAL_PORT_RANGE" => {
            cursor.expect(",")?;
            let low = unsigned(cursor.number("a port from 0 to 65535", 0, i64::from(u16::MAX))?);
            let high = unsigned(cursor.number("a second port from 0 to 65535", 0, i64::from(u16::MAX))?);
            SocketOption::LocalPortRange { low, high }
        }
        "SO_BINDTODEVICE" => {
            cursor.expect(",")?;
            cursor.blanks();
            let start = cursor.at;
            let bytes = cursor.string()?;
            let name = String::from_utf8(bytes).ok().filter(|name| name.len() <= DEVICE_BYTES_MAX && plain(name));
            SocketOption::BindToDevice(name.ok_or_else(|| cursor.wrong_at(start, "a device's name, or \"\""))?)
        }
        _ => {
            return Err(cursor.wrong_at(
                start,
                "SO_REUSEADDR, SO_REUSEPORT, IPV6_V6ONLY, IP_BIND_ADDRESS_NO_PORT, SO_LINGER, IP_LOCAL_PORT_RANGE \
                 or SO_BINDTODEVICE",
            ));
        }
    })
}

fn plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'))
}

/// A name under `net.`, and the value up to the parenthesis that ends the call.
fn sysctl(cursor: &mut Cursor<'_>) -> Result<Call, ScriptError> {
    const EXPECTED: &str = "a sysctl under net., such as net.ipv4.ip_local_port_range";
    cursor.blanks();
    let start = cursor.at;
    let name = cursor.name(EXPECTED, |c| matches!(c, '.' | '-'))?;
    if !name.starts_with("net.") || name.split('.').any(str::is_empty) {
        return Err(cursor.wrong_at(start, EXPECTED));
    }
    if !cursor.take(",") {
        return Ok(Call::Sysctl { name, value: None });
    }
    cursor.blanks();
    let start = cursor.at;
    let value = if cursor.rest().starts_with('"') {
        String::from_utf8(cursor.string()?).map_err(|_| cursor.wrong_at(start, "a value in ASCII"))?
    } else {
        let rest = cursor.rest();
        let value = rest.split(')').next().unwrap_or_default();
        cursor.at += value.len();
        value.to_owned()
    };
    let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let printable = value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if !printable || value.len() > VALUE_BYTES_MAX {
        return Err(cursor.wrong_at(start, "a value in ASCII"));
    }
    Ok(Call::Sysctl { name, value: Some(value) })
}

fn answer(cursor: &mut Cursor<'_>, call: &Call) -> Result<Answer, ScriptError> {
    cursor.blanks();
    let start = cursor.at;
    if cursor.take("?") {
        return Ok(Answer::Any);
    }
    // A sysctl may hold -1: then no name of an error follows.
    let is_value = matches!(call, Call::Sysctl { value: None, .. } | Call::Counter(_));
    let named = cursor.rest().strip_prefix("-1").map(|behind| behind.trim_start().starts_with(char::is_alphabetic));
    if named == Some(true) || (named == Some(false) && !is_value) {
        cursor.at += 2;
        cursor.blanks();
        let start = cursor.at;
        let errno = Errno::of_name(cursor.word());
        let errno = errno.ok_or_else(|| cursor.wrong_at(start, "the name of an error, such as EADDRINUSE"))?;
        // strace adds the error's words.
        if cursor.take("(") {
            let words = cursor.rest().split(')').next().unwrap_or_default();
            cursor.at += words.len();
            cursor.expect(")")?;
        }
        return Ok(Answer::Errno(errno));
    }
    match call {
        Call::Socket(_) | Call::Accept(_) => cursor.handle().map(Answer::Handle).map_err(|error| ScriptError {
            expected: "a name for the new socket, -1 and an error, or ?".to_owned(),
            ..error
        }),
        Call::Send(..) => {
            let bytes = cursor.number("a count, -1 and an error, or ?", 0, i64::from(u32::MAX))?;
            Ok(Answer::Count(unsigned(bytes)))
        }
        Call::Recv(_) => {
            if !cursor.rest().starts_with('"') {
                return Err(cursor.wrong_at(start, "a string, -1 and an error, or ?"));
            }
            cursor.string().map(Answer::Text)
        }
        Call::Getsockname(_) | Call::Getpeername(_) => {
            let (ip, port) = cursor.address(true, "an address, -1 and an error, or ?")?;
            Ok(Answer::Address { ip, port })
        }
        Call::Sysctl { value: None, .. } | Call::Counter(_) => cursor.value(),
        _ => {
            if cursor.word() == "0" {
                Ok(Answer::Zero)
            } else {
                Err(cursor.wrong_at(start, "0, -1 and an error, or ?"))
            }
        }
    }
}
