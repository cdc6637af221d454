//! The compiler that makes WebAssembly of the page: found, or installed after saying so.
//!
//! In this order: the running toolchain's own `wasm32-unknown-unknown`; that target added by rustup; on Debian and its
//! kin the packages `rustc-web`, `cargo-web` and `rust-web-src`, which carry the standard library as source only, so
//! cargo builds it (`-Z build-std`). Once these packages are there, rustup is not asked again. Debian's compiler may be newer than the one that runs the tests: all share one
//! Cargo.lock, and the two never share a target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::install;

pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's packages; the first two bring /usr/bin/rustc and /usr/bin/cargo.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// The oldest compiler that the workspace takes (`rust-version` of Cargo.toml), as (major, minor).
const RUST_VERSION: (u32, u32) = (1, 95);

/// `rustup target add` gets this long before the next way is tried: a network that swallows packets must not hang us.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);

/// How to start a cargo that builds for WebAssembly.
#[derive(Clone, Debug)]
pub struct Toolchain {
    cargo: PathBuf,
    env: Vec<(&'static str, String)>,
    /// Its own, below `target/`.
    pub target_dir: PathBuf,
}

impl Toolchain {
    /// `cargo build` for the target, to which the caller adds package and profile.
    pub fn build(&self, root: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        command.arg("build").arg("--target").arg(TARGET).arg("--target-dir").arg(&self.target_dir);
        command.current_dir(root);
        // What the cargo that runs xtask has set for its own compiler would mislead another one.
        for name in ["LD_LIBRARY_PATH", "CARGO", "RUSTC", "RUSTC_WRAPPER", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Where a build with `profile` leaves its modules.
    pub fn artifacts(&self, profile: &str) -> PathBuf {
        self.target_dir.join(TARGET).join(profile)
    }

    /// Whether the compiler is the one that runs clippy and the tests, so that clippy can check the target too.
    pub fn is_host(&self) -> bool {
        self.env.is_empty()
    }
}

/// Finds or installs the toolchain.
pub fn find(root: &Path) -> anyhow::Result<Toolchain> {
    if host_has_target() {
        return Ok(host(root));
    }
    if install::is_debian_kin() && DEBIAN_PACKAGES.iter().all(|package| install::debian_installed(package)) {
        return debian(root);
    }
    if install::on_path("rustup").is_some() {
        println!("installing the compiler's target for the page: rustup target add {TARGET}");
        match rustup_target_add() {
            Ok(()) if host_has_target() => return Ok(host(root)),
            Ok(()) => println!("rustup added the target to another toolchain than the one in use"),
            Err(error) => println!("rustup could not: {error:#}"),
        }
    }
    if install::is_debian_kin() {
        return debian(root);
    }
    bail!(
        "no Rust compiler for {TARGET} is here, and none could be installed.\n\
         Install one: with rustup (https://rustup.rs) `rustup target add {TARGET}`; from a distribution, its package of \
         Rust's standard library for WebAssembly (Fedora: rust-std-static-{TARGET}, Alpine and Arch: rust-wasm)."
    )
}

fn host(root: &Path) -> Toolchain {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    Toolchain { cargo, env: Vec::new(), target_dir: root.join("target/web") }
}

fn host_has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    printed.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout);
        output.status.success() && Path::new(folder.trim()).is_dir()
    })
}

fn rustup_target_add() -> anyhow::Result<()> {
    let mut child = Command::new("rustup").args(["target", "add", TARGET]).stdin(Stdio::null()).spawn()?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(()) } else { Err(anyhow::anyhow!("rustup failed ({status})")) };
        }
        if started.elapsed() > RUSTUP_LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("no answer within {} s", RUSTUP_LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Debian's compiler with rustup's linker, or with LLVM's.
fn debian(root: &Path) -> anyhow::Result<Toolchain> {
    install::debian_packages(&DEBIAN_PACKAGES, "that compile the page to WebAssembly")?;
    let version = Command::new("/usr/bin/rustc").arg("--version").output().context("/usr/bin/rustc does not start")?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    match minor_version(&version) {
        Some(found) if found >= RUST_VERSION => {}
        _ => bail!(
            "the distribution's rustc-web is {version:?}, and the page needs {}.{}: take rustup (https://rustup.rs) \
             and `rustup target add {TARGET}`, or switch on the distribution's security updates, which carry newer ones",
            RUST_VERSION.0,
            RUST_VERSION.1
        ),
    }
    let linker = match linker() {
        Some(linker) => linker,
        None => {
            install::debian_packages(&["lld-22"], "that link the page's WebAssembly")?;
            linker().context("lld-22 is installed, and brought no wasm-ld")?
        }
    };
    let env = vec![
        ("RUSTC", "/usr/bin/rustc".to_owned()),
        ("RUSTC_BOOTSTRAP", "1".to_owned()),
        ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort".to_owned()),
        ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.display().to_string()),
    ];
    Ok(Toolchain { cargo: "/usr/bin/cargo".into(), env, target_dir: root.join("target/web-debian") })
}

/// A linker for WebAssembly: rust-lld of any rustup toolchain, else an installed wasm-ld.
fn linker() -> Option<PathBuf> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().ok();
    let own = sysroot.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim().to_owned()));
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".rustup")));
    let mut toolchains: Vec<PathBuf> = own.into_iter().collect();
    toolchains.extend(home.iter().flat_map(|home| folders(&home.join("toolchains"))));
    let rustup = toolchains.iter().flat_map(|toolchain| folders(&toolchain.join("lib/rustlib")));
    let mut candidates: Vec<PathBuf> = rustup.map(|host| host.join("bin/rust-lld")).collect();
    candidates.extend(install::on_path("wasm-ld-22"));
    candidates.push("/usr/lib/llvm-22/bin/wasm-ld".into());
    candidates.into_iter().find(|file| install::is_program(file))
}

/// The entries of a folder, sorted; none when it cannot be read.
fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// (1, 96) of "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)".
fn minor_version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.strip_prefix("rustc ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(minor_version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some((1, 96)));
        assert!(minor_version("rustc 1.100.0 (0 2027-01-01)") > Some(RUST_VERSION));
        assert!(minor_version("rustc 1.85.0 (0 2025-01-01)") < Some(RUST_VERSION));
        assert_eq!(minor_version("error: no override"), None);
    }
}
