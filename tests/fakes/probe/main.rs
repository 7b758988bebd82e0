//! Says what a program finds when it's started, and tries what it shouldn't be able to do.
//!
//! What it's asked for is its first argument. It's a stand-in for whatever a policy may name, for `tests/runner.rs`.

#![allow(unsafe_code, reason = "it makes system calls that no library offers, to see them refused")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, clippy::exit)]
#![allow(clippy::indexing_slicing, clippy::as_conversions, clippy::pedantic, reason = "a program for tests")]

#[cfg(target_os = "linux")]
mod escapes;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod trees;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;

fn main() {
    let arguments: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let rest: Vec<&str> = arguments.iter().skip(2).map(String::as_str).collect();
    match arguments.get(1).map(String::as_str) {
        Some("dump") => dump(&arguments),
        Some("exit") => std::process::exit(rest[0].parse().unwrap()),
        #[cfg(target_os = "linux")]
        Some("signal") => {
            // SAFETY: it signals itself.
            unsafe { libc::raise(rest[0].parse().unwrap()) };
        }
        Some("bomb") => bomb(rest[0].parse().unwrap()),
        Some("both") => {
            print!("to out");
            std::io::stdout().flush().unwrap();
            std::io::stderr().write_all(b"to err").unwrap();
        }
        Some("leave") => {
            let home = std::env::var_os("HOME").unwrap();
            let folder = std::path::Path::new(&home).join("a/b");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("file"), "left").unwrap();
            print!("{}", home.to_string_lossy());
        }
        Some("read") => match std::fs::read_to_string(rest[0]) {
            Ok(text) => print!("{text}"),
            Err(error) => print!("refused {}", error.raw_os_error().unwrap_or_default()),
        },
        Some("write") => match std::fs::write(rest[0], rest[1]) {
            Ok(()) => print!("written"),
            Err(error) => print!("refused {}", error.raw_os_error().unwrap_or_default()),
        },
        #[cfg(target_os = "linux")]
        Some("escapes") => escapes::all(&rest),
        #[cfg(target_os = "linux")]
        Some("signals") => limits::signals(rest[0].parse().unwrap()),
        #[cfg(target_os = "linux")]
        Some("tree") => trees::grow(rest[0]),
        _ => std::process::exit(64),
    }
}

/// Everything a program is handed, as JSON.
fn dump(arguments: &[String]) {
    // Listed first, so that nothing of its own is open but the list.
    let mut descriptors = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        let number: i32 = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let to = std::fs::read_link(&path).unwrap().to_string_lossy().into_owned();
        if !to.ends_with("/fd") {
            descriptors.insert(number, to);
        }
    }
    let mut input = String::new();
    let _ = std::io::stdin().read_to_string(&mut input);
    let values: BTreeMap<i32, String> = descriptors
        .keys()
        .filter(|number| **number > 2)
        .map(|number| (*number, std::fs::read_to_string(format!("/proc/self/fd/{number}")).unwrap_or_default()))
        .collect();
    let environment: BTreeMap<String, String> =
        std::env::vars_os().map(|(name, value)| (text(&name), text(&value))).collect();
    let home = std::env::var_os("HOME").unwrap_or_default();
    let status: BTreeMap<String, String> = std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(":\t"))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default();
    let found = serde_json::json!({
        "arguments": arguments,
        "environment": environment,
        "descriptors": descriptors,
        "input": input,
        "values": values,
        "directory": std::env::current_dir().unwrap(),
        "exe": std::fs::read_link("/proc/self/exe").unwrap(),
        "in_home": std::fs::read_dir(&home).map(Iterator::count).ok(),
        "status": status,
        "core": core,
    });
    println!("{found}");
}

fn text(bytes: &std::ffi::OsStr) -> String {
    String::from_utf8_lossy(bytes.as_bytes()).into_owned()
}

/// Writes so many bytes that are neither text nor lines.
fn bomb(bytes: u64) {
    let block = vec![0xff_u8; 1 << 20];
    let mut out = std::io::stdout();
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len() as u64) as usize;
        if out.write_all(&block[..part]).is_err() {
            return;
        }
        left -= part as u64;
    }
}
