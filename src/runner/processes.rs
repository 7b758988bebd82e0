//! All processes, by the system's own list.

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process, and what it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) parent: Option<Pid>,
    pub(super) session: Option<Pid>,
}

/// Every process that hasn't ended; none on systems without `/proc`.
pub(super) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let process = |entry: fs::DirEntry| {
        let pid = number(entry.file_name().to_str()?)?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name, in brackets, may have anything in it. State, parent, group and session follow.
        let mut fields = stat.rsplit_once(") ")?.1.split_ascii_whitespace();
        if matches!(fields.next(), Some("Z" | "X")) {
            return None;
        }
        let (parent, session) = (number(fields.next()?), number(fields.nth(1)?));
        Some(Process { pid, parent, session })
    };
    entries.flatten().filter_map(process).collect()
}

/// Ends what's in a session and what's below that, and says whether there was anything.
pub(super) fn end_session(session: Pid) -> bool {
    let all = all();
    let members = all.iter().filter(|process| process.session == Some(session) && process.pid != session);
    let mut found: HashSet<Pid> = members.map(|process| process.pid).collect();
    let mut ahead: Vec<Pid> = found.iter().copied().collect();
    while let Some(parent) = ahead.pop() {
        let children = all.iter().filter(|process| process.parent == Some(parent)).map(|process| process.pid);
        ahead.extend(children.filter(|child| found.insert(*child)));
    }
    for pid in &found {
        let _ = kill_process(*pid, Signal::KILL);
    }
    !found.is_empty()
}

/// A process's number from text.
pub(super) fn number(text: &str) -> Option<Pid> {
    text.parse().ok().filter(|number| *number > 0).and_then(Pid::from_raw)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_among_them_with_its_parent_and_session() {
        let own = rustix::process::getpid();
        let found = all().into_iter().find(|process| process.pid == own).unwrap();
        assert_eq!(found.parent, rustix::process::getppid());
        let session = rustix::process::getsid(None).ok().filter(|_| found.session.is_some());
        assert_eq!(found.session, session);
    }

    #[test]
    fn only_numbers_above_zero_are_processes() {
        assert_eq!(number("17"), Pid::from_raw(17));
        assert_eq!([number("0"), number("-1"), number(""), number("self")], [None; 4]);
    }
}
