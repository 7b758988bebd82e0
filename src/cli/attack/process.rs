//! The processes of this machine, as anybody sees them.

use std::fs;

use super::probe::Process;

/// Those with both of these words among their arguments.
pub(super) fn named(token: &str, task: &str) -> Vec<i32> {
    all()
        .filter(|number| {
            words(*number).iter().any(|word| word == token) && words(*number).iter().any(|word| word == task)
        })
        .collect()
}

/// A process's parent.
pub(super) fn parent(number: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name may have blanks and brackets in it; nothing behind it has.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// A process's arguments.
pub(super) fn words(number: i32) -> Vec<String> {
    let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The most a process may leave behind when it crashes, in bytes, as the system says it.
pub(super) fn core_limit(number: i32) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{number}/limits")).ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max core file size"))?;
    line.split_whitespace().nth(4).map(str::to_owned)
}

/// Names a process.
pub(super) fn process(name: &str, number: i32) -> Process {
    Process { name: name.to_owned(), number }
}

fn all() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
