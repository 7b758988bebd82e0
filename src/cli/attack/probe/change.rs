//! Changes to other processes that the system allows among those of one user. Each sets what is so already, so nothing
//! changes where one gets through.

use std::io;

use rustix::process::{Pid, Resource, getpgid, getpriority_process, prlimit, setpgid, setpriority_process};
use rustix::thread::{sched_getaffinity, sched_setaffinity};

use super::inside::{Kind, Report};

/// Limits whose change would end what a process can do.
const LIMITS: [(&str, Resource); 2] = [("open files", Resource::Nofile), ("size of files", Resource::Fsize)];

/// Tries each on a process.
pub(super) fn changes(report: &mut Report, who: &str, pid: Pid) {
    for (what, resource) in LIMITS {
        // There's no way to ask for another's limits but to set them, so these are this program's own: opward leaves
        // them as they are.
        let set = prlimit(Some(pid), resource, rustix::process::getrlimit(resource));
        report.tries(Kind::Limits, format!("{who}'s limit of {what}"), set.map_err(io::Error::from));
    }
    let rank = getpriority_process(Some(pid)).and_then(|rank| setpriority_process(Some(pid), rank));
    report.tries(Kind::Limits, format!("{who}'s rank"), rank.map_err(io::Error::from));
    let bound = sched_getaffinity(Some(pid)).and_then(|processors| sched_setaffinity(Some(pid), &processors));
    report.tries(Kind::Limits, format!("{who}'s processors"), bound.map_err(io::Error::from));
    // What's in the same group is signalled with it. One in another session can't be joined by anybody.
    let own = getpgid(None);
    let joined = getpgid(Some(pid)).and_then(|group| setpgid(None, Some(group)));
    if let (Ok(()), Ok(own)) = (joined, own) {
        let _ = setpgid(None, Some(own));
    }
    report.tries(Kind::Limits, format!("{who}'s group"), joined.map_err(io::Error::from));
}
