//! What a program can't do, whatever it tries.
//!
//! All of it holds for the thread that asks for it and for what that starts, and none of it can be taken back.

#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(target_os = "linux")]
mod landlock;
mod readable;
#[cfg(target_os = "linux")]
mod seccomp;

use std::os::fd::OwnedFd;

use super::prepared::Access;
pub use readable::{package_of, readable_by_all};

/// The word for a program that reaches no network.
const NO_NETWORK: &str = "no_network";

/// One layer of the sandbox, and whether this system has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name, as in records.
    pub name: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// What holds it, or why it's missing.
    pub held: Result<String, String>,
}

/// What to confine a thread to.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    /// The program itself.
    pub(super) program: Option<&'a OwnedFd>,
    /// The program's path, without links.
    pub(super) real: &'a std::path::Path,
    /// What else it may reach.
    pub(super) opened: &'a [(OwnedFd, Access)],
    /// Its private home.
    pub(super) home: Option<&'a std::path::Path>,
    /// Whether it may reach the network.
    pub(super) network: bool,
}

/// What confines a thread.
#[derive(Debug, Default)]
pub(super) struct Confined {
    /// Words for the record.
    pub(super) words: Vec<String>,
    /// What's missing, and why.
    pub(super) missing: Vec<String>,
}

impl Confined {
    /// Whether the network is open to it.
    pub(super) fn has_network(&self) -> bool {
        !self.words.iter().any(|word| word == NO_NETWORK)
    }

    /// The words for the record.
    pub(super) fn layers(&self) -> String {
        if self.words.is_empty() { "none".to_owned() } else { self.words.join(" ") }
    }
}

/// Says what this system offers, by trying it in a thread that does nothing else.
#[must_use]
pub fn layers() -> Vec<Layer> {
    let tried = std::thread::Builder::new()
        .name("layers".to_owned())
        .spawn(|| confine(&Bounds { program: None, real: "/".as_ref(), opened: &[], home: None, network: false }));
    let confined = match tried.map(std::thread::JoinHandle::join) {
        Ok(Ok(confined)) => confined,
        _ => Confined { missing: vec!["it couldn't be tried".to_owned()], ..Confined::default() },
    };
    let layer = |name: &'static str, promise| {
        let held = confined.words.iter().find(|word| word.split(':').next() == Some(name));
        let missing = || {
            let own = confined.missing.iter().find(|text| text.starts_with(name)).or(confined.missing.first());
            // The layer's name stands before it already.
            let text = own.map_or("this system doesn't have it", |own| own.strip_prefix(name).unwrap_or(own));
            text.trim_start_matches([':', ' ']).to_owned()
        };
        Layer { name, promise, held: held.cloned().ok_or_else(missing) }
    };
    vec![
        layer("landlock", "a program reaches only the files it's given, and no process but its own"),
        layer("seccomp", "a program can't trace, mount, load, or speak to the system's buses and agents"),
        layer("no_new_privileges", "a program gains no rights by starting another"),
        layer(NO_NETWORK, "a program reaches no network unless the policy lets it"),
    ]
}

/// What's said where the system has a layer and keeps it from this process.
#[cfg(target_os = "linux")]
fn forbidden(error: &std::io::Error) -> String {
    format!(
        "this process may not use it ({error}): a filter of system calls stands before it, such as a service's or a container's"
    )
}

/// Restricts this thread for good, as far as the system can.
#[cfg(target_os = "linux")]
pub(super) fn confine(bounds: &Bounds<'_>) -> Confined {
    let mut confined = Confined::default();
    let privileges = || {
        rustix::thread::set_no_new_privs(true)?;
        rustix::thread::no_new_privs()
    };
    let privileges = privileges();
    let mut signals_held = false;
    match landlock::restrict(bounds) {
        Ok(held) => {
            signals_held = held.complete;
            if !held.complete {
                confined.missing.push(format!(
                    "landlock: version {} doesn't keep signals inside; version 6 does (Linux 6.12)",
                    held.version
                ));
            }
            confined.words.push(format!("landlock:{}", held.version));
        }
        Err(missing) => confined.missing.push(format!("landlock: {missing}")),
    }
    match capabilities::drop_most() {
        Ok(true) => confined.words.push("few_capabilities".to_owned()),
        Ok(false) => {}
        Err(error) => confined.missing.push(format!("few_capabilities: {error}")),
    }
    let filtered = seccomp::restrict(seccomp::Wanted { network: bounds.network, signals_held });
    match &filtered {
        Ok(()) => confined.words.push("seccomp".to_owned()),
        Err(missing) => confined.missing.push(format!("seccomp: {missing}")),
    }
    match privileges {
        Ok(true) => confined.words.push("no_new_privileges".to_owned()),
        Ok(false) | Err(_) => confined.missing.push("no_new_privileges: the system refuses".to_owned()),
    }
    if !bounds.network {
        match filtered {
            Ok(()) => confined.words.push(NO_NETWORK.to_owned()),
            Err(missing) => confined.missing.push(format!("{NO_NETWORK}: {missing}")),
        }
    }
    confined
}

/// There's nothing to confine a program with here.
#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_: &Bounds<'_>) -> Confined {
    Confined {
        missing: vec!["this system has no sandbox that opward can use; Linux has".to_owned()],
        ..Confined::default()
    }
}
