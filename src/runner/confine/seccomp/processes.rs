//! Calls that reach other processes by their numbers: signals, limits, and who gets the processor.
//!
//! The program's supervisor and opward are its user's own, so the system would let it change them. It would do so for
//! good: a limit of a supervisor's ends what it can do for the program's end, one of opward's outlasts the program.

use rustix::process::{Pid, getpid, getppid};
use seccompiler::SeccompCmpOp;

use super::{Refuse, Refused, condition, is, is_not, word};
use crate::runner::processes;

/// Calls that send a signal to a process or open a file for it, by the number in front.
const SIGNALS: [i64; 6] = [
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
];

/// Calls about one process, whose number stands in front; zero is the caller itself. Libraries pass zero, but for
/// threads that are to get the processor before others, which takes rights that no program here has.
const ONLY_ITSELF: [i64; 4] =
    [libc::SYS_prlimit64, libc::SYS_sched_setscheduler, libc::SYS_sched_setparam, libc::SYS_sched_setattr];

/// Calls about a process, a group or all processes of a user, and which kind of these is the user's.
const RANKS: [(i64, i32); 2] = [(libc::SYS_setpriority, 2), (libc::SYS_ioprio_set, 3)];

/// Commands of `fcntl` that say who's sent a signal about a file, and which: `F_SETOWN`, `F_SETSIG`, `F_SETOWN_EX`.
const OWNERS: [u64; 3] = [8, 10, 15];

/// The same by `ioctl`, for sockets: `FIOSETOWN`, `SIOCSPGRP`.
const SOCKET_OWNERS: [u64; 2] = [0x8901, 0x8902];

/// The most threads that are told apart from a program's own.
const MOST_THREADS: usize = 200;

/// Refuses what would reach above the program.
pub(super) fn rules(signals_held: bool, refuse: &mut Refuse<'_>) -> Refused {
    let opward = getppid();
    let threads = opward.map(processes::threads).unwrap_or_default();
    signals(opward, refuse)?;
    if !signals_held {
        signals_without_landlock(opward, &threads, refuse)?;
    }
    for call in ONLY_ITSELF {
        refuse(call, vec![is_not(0, 0)?])?;
    }
    for (call, user) in RANKS {
        refuse(call, vec![is_not(1, 0)?])?;
        refuse(call, vec![is(0, word(user))?])?;
    }
    processors(opward, &threads, refuse)?;
    // In the supervisor's group, everything that's said of the program's own would be said of the supervisor.
    refuse(libc::SYS_setpgid, vec![is(1, of(getpid()))?])
}

/// No signals to what watches over the program.
///
/// From its version 6 on Landlock keeps signals inside. The thread that's restricted here is inside, too, and one
/// signal to it could end its whole process; so it's kept out by its numbers while it's there.
fn signals(opward: Option<Pid>, refuse: &mut Refuse<'_>) -> Refused {
    for pid in [getpid(), rustix::thread::gettid()].into_iter().chain(opward) {
        for call in SIGNALS {
            refuse(call, vec![is(0, of(pid))?])?;
        }
        refuse(libc::SYS_kill, vec![is(0, of_group(pid))?])?;
    }
    // All processes of the user.
    refuse(libc::SYS_kill, vec![is(0, word(-1))?])
}

/// What Landlock would do from its version 6 on, as far as it can be said by numbers: threads that opward starts
/// later on have none yet.
fn signals_without_landlock(opward: Option<Pid>, threads: &[Pid], refuse: &mut Refuse<'_>) -> Refused {
    // It also takes a folder of `/proc` for a process, whose number a filter can't see.
    refuse(libc::SYS_pidfd_send_signal, vec![condition(0, SeccompCmpOp::Ge, 0)?])?;
    for thread in threads.iter().take(MOST_THREADS) {
        for call in [libc::SYS_kill, libc::SYS_tkill, libc::SYS_rt_sigqueueinfo] {
            refuse(call, vec![is(0, of(*thread))?])?;
        }
    }
    if let Some(group) = opward.and_then(processes::of).and_then(|opward| opward.group) {
        refuse(libc::SYS_kill, vec![is(0, of_group(group))?])?;
    }
    for command in OWNERS {
        refuse(libc::SYS_fcntl, vec![is(1, command)?])?;
    }
    for request in SOCKET_OWNERS {
        refuse(libc::SYS_ioctl, vec![is(1, request)?])?;
    }
    Ok(())
}

/// Nothing above the program is moved to another processor.
///
/// Not by zero alone, as the calls above: a C library makes a thread that's bound to a processor by telling the system
/// of that thread's number, and OpenMP gives up where that's refused.
fn processors(opward: Option<Pid>, threads: &[Pid], refuse: &mut Refuse<'_>) -> Refused {
    if threads.len() > MOST_THREADS {
        return refuse(libc::SYS_sched_setaffinity, vec![is_not(0, 0)?]);
    }
    for pid in [getpid()].iter().chain(&opward).chain(threads) {
        refuse(libc::SYS_sched_setaffinity, vec![is(0, of(*pid))?])?;
    }
    Ok(())
}

fn of(pid: Pid) -> u64 {
    word(pid.as_raw_nonzero().get())
}

fn of_group(group: Pid) -> u64 {
    word(-group.as_raw_nonzero().get())
}
