//! Installing what a command needs: says what before it does, and says what to do by hand when it cannot.
//!
//! Debian's packages go through `apt-get`, by `sudo` for anyone but root. Nothing that is installed is ever
//! replaced or removed for it. What cargo, rustup or npm install themselves is not here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Whether this is Debian or a distribution made from it, by `/etc/os-release`.
pub fn is_debian_kin() -> bool {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    on_path("apt-get").is_some() && os_release_names_debian(&release)
}

fn os_release_names_debian(release: &str) -> bool {
    release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| id == "debian" || id == "ubuntu")
}

/// Installs those of `packages` that are missing; `purpose` is what they are for, as in "to build the page".
pub fn debian_packages(packages: &[&str], purpose: &str) -> anyhow::Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|name| !debian_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    println!("installing Debian packages {purpose}: {list}");
    // An index that is missing or old is the usual reason for "unable to locate package".
    if let Err(error) = apt_get(&["update", "--quiet"]) {
        println!("the package index could not be brought up to date ({error:#}); going on with the one that is here");
    }
    let mut args = vec!["install", "--yes", "--quiet", "--no-install-recommends", "--no-remove"];
    args.extend(&missing);
    apt_get(&args).with_context(|| format!("cannot install {list}; by hand: apt-get install {list}"))
}

/// Whether dpkg has the package installed.
pub fn debian_installed(package: &str) -> bool {
    let status = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    status.is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

fn apt_get(args: &[&str]) -> anyhow::Result<()> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if on_path("sudo").is_some() {
        println!("(apt-get runs by sudo, which may ask for your password)");
        let mut sudo = Command::new("sudo");
        sudo.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    } else {
        bail!("apt-get needs root, and there is no sudo")
    };
    // Another apt-get may be at work: wait for it instead of failing at once.
    command.args(["-o", "DPkg::Lock::Timeout=600"]).args(args).env("DEBIAN_FRONTEND", "noninteractive");
    // What apt-get says is of interest only when it fails.
    let output = command.stderr(std::process::Stdio::inherit()).output().context("apt-get does not start")?;
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        bail!("apt-get {} failed ({})", args[0], output.status);
    }
    Ok(())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Where a program of this name lies on PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| is_program(file))
}

pub fn is_program(file: &Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_kin_are_known_by_os_release() {
        for (release, expected) in [
            ("ID=debian\n", true),
            ("NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", true),
            ("ID=fedora\nVERSION_ID=debian\n", false),
            ("ID_LIKE=\"rhel fedora\"\n", false),
            ("", false),
        ] {
            assert_eq!(os_release_names_debian(release), expected, "{release:?}");
        }
    }
}
