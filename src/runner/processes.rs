//! Processes, by the system's own list.
//!
//! A group or a session has no number here when who leads it is outside of this process's namespace, as the one that
//! starts a container often is. The system's own calls give a zero for that, which is no [`Pid`].

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, Signal, getpid, kill_process};

/// A process, and what it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) parent: Option<Pid>,
    pub(super) group: Option<Pid>,
    pub(super) session: Option<Pid>,
}

/// Whether the system's list is of the processes this one can see and signal.
pub(super) fn are_listed() -> bool {
    fs::read_link("/proc/self").is_ok_and(|own| own.to_str().and_then(number) == Some(getpid()))
}

/// Every process that hasn't ended; none on systems without `/proc`.
pub(super) fn all() -> Vec<Process> {
    // In another namespace the numbers are other processes'.
    if !are_listed() {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| of(number(entry.file_name().to_str()?)?)).collect()
}

/// A process that hasn't ended.
#[cfg(target_os = "linux")]
pub(super) fn of(pid: Pid) -> Option<Process> {
    read(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

#[cfg(target_os = "linux")]
fn read(pid: Pid, stat: &str) -> Option<Process> {
    // The name, in brackets, may have anything in it. State, parent, group and session follow.
    let mut fields = stat.rsplit_once(") ")?.1.split_ascii_whitespace();
    if matches!(fields.next(), Some("Z" | "X")) {
        return None;
    }
    let (parent, group, session) = (number(fields.next()?), number(fields.next()?), number(fields.next()?));
    Some(Process { pid, parent, group, session })
}

/// A process that hasn't ended.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(pid: Pid) -> Option<Process> {
    use rustix::process::{getpgid, getppid, getsid};

    let parent = getppid().filter(|_| pid == getpid());
    Some(Process { pid, parent, group: Some(getpgid(Some(pid)).ok()?), session: getsid(Some(pid)).ok() })
}

/// A process's threads; none where they aren't shown.
pub(super) fn threads(of: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir(format!("/proc/{of}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| number(entry.file_name().to_str()?)).collect()
}

/// This process's group.
pub(super) fn own_group() -> Option<Pid> {
    of(getpid())?.group
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
    fn this_process_is_among_them_with_its_parent() {
        let own = all().into_iter().find(|process| process.pid == getpid());
        assert_eq!(own, of(getpid()));
        assert_eq!(own.unwrap().parent, rustix::process::getppid());
    }

    #[test]
    fn the_thread_that_asks_is_among_its_process_s_threads() {
        let thread = std::thread::spawn(|| threads(getpid()).contains(&rustix::thread::gettid()));
        assert!(thread.join().unwrap());
    }

    #[test]
    fn what_is_led_from_outside_the_namespace_has_no_number() {
        let [pid, parent, group] = [17, 4, 5].map(Pid::from_raw);
        let pid = pid.unwrap();
        let inside = Process { pid, parent, group, session: parent };
        assert_eq!(read(pid, "17 (a) R 1 (b) S 4 5 4 0 -1 4194304\n"), Some(inside));
        let outside = Process { pid, parent: None, group: None, session: None };
        assert_eq!(read(pid, "17 (sh) S 0 0 0 0 -1 4194304\n"), Some(outside));
        assert_eq!([read(pid, "17 (sh) Z 4 5 4 0"), read(pid, "17 (sh) S 4"), read(pid, "")], [None; 3]);
    }

    #[test]
    fn only_numbers_above_zero_are_processes() {
        assert_eq!(number("17"), Pid::from_raw(17));
        assert_eq!([number("0"), number("-1"), number(""), number("self")], [None; 4]);
    }
}
