//! Standard input, which `op` looks at only if it's a pipe.

use std::io::Read as _;

use rustix::fs::{FileType, fstat};

use crate::argv::Invocation;
use crate::record::Record;
use crate::world::World;

/// What came on standard input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stdin {
    /// Its text, if it was looked at.
    pub(crate) text: Option<String>,
}

/// What standard input is.
pub(crate) fn kind() -> &'static str {
    let stdin = std::io::stdin();
    let Ok(about) = fstat(&stdin) else { return "closed" };
    match FileType::from_raw_mode(about.st_mode) {
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::RegularFile => "file",
        FileType::CharacterDevice if rustix::termios::isatty(&stdin) => "tty",
        FileType::CharacterDevice => "null",
        _ => "other",
    }
}

/// Reads it to its end if the command takes it and it's what the command takes it from.
pub(crate) fn read_for(invocation: &Invocation, world: &World, record: &mut Record) -> Stdin {
    let kinds: &[&str] = match invocation.command() {
        "item create" | "inject" => &["fifo"],
        "item get" | "item delete" if invocation.argument(0) == "-" => &["fifo"],
        // Older ones know nothing of it and leave it lying.
        "item edit" if world.version() >= (2, 23, 0) => &["fifo"],
        // Node gives its children sockets, and 1Password's own package for it passes documents so.
        "document create" | "document edit" => &["fifo", "socket"],
        _ => &[],
    };
    let named = invocation.value("in-file") == Some("/dev/stdin");
    if !named && !kinds.contains(&kind()) {
        return Stdin::default();
    }
    let mut bytes = Vec::new();
    if std::io::stdin().read_to_end(&mut bytes).is_err() {
        return Stdin::default();
    }
    record.read(&bytes);
    Stdin { text: Some(String::from_utf8_lossy(&bytes).into_owned()) }
}
