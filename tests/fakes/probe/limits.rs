//! Attempts to change what other processes may have, to what they have: nothing changes where they get through.

use std::fs;

use crate::escapes::{Attempts, call, in_a_child};

/// A limit that's asked for and set is as it was.
fn limit(of: i64) -> Result<(), i32> {
    let mut limits = [0_u64; 2];
    let at = limits.as_mut_ptr() as i64;
    call(libc::SYS_prlimit64, &[of, libc::RLIMIT_NOFILE as i64, 0, at])?;
    call(libc::SYS_prlimit64, &[of, libc::RLIMIT_NOFILE as i64, at, 0])
}

fn move_to_its_processors(of: i64) -> Result<(), i32> {
    let mut mask = [0_u64; 128];
    let (at, size) = (mask.as_mut_ptr() as i64, size_of_val(&mask) as i64);
    call(libc::SYS_sched_getaffinity, &[of, size, at])?;
    call(libc::SYS_sched_setaffinity, &[of, size, at])
}

fn schedule_anew(of: i64) -> Result<(), i32> {
    let mut attributes = [0_u32; 14];
    let (at, size) = (attributes.as_mut_ptr() as i64, size_of_val(&attributes) as i64);
    call(libc::SYS_sched_getattr, &[of, at, size, 0])?;
    call(libc::SYS_sched_setattr, &[of, at, 0])
}

/// Makes all attempts on the supervisor and on opward.
pub(crate) fn all(attempts: &mut Attempts, parent: i64, opward: i64) {
    let none = [0_i32];
    let none = none.as_ptr() as i64;
    attempts.add("limit the parent", limit(parent));
    attempts.add("limit opward", limit(opward));
    attempts.add("bind the parent to processors", move_to_its_processors(parent));
    attempts.add("bind opward to processors", move_to_its_processors(opward));
    let threads = fs::read_dir(format!("/proc/{opward}/task")).unwrap().flatten();
    let threads: Vec<i64> = threads.filter_map(|thread| thread.file_name().to_str()?.parse().ok()).collect();
    // Some may have ended meanwhile.
    let bound = threads.iter().any(|thread| move_to_its_processors(*thread).is_ok());
    attempts.add("bind a thread of opward to processors", if bound { Ok(()) } else { Err(libc::EPERM) });
    attempts.add("schedule opward otherwise", call(libc::SYS_sched_setscheduler, &[opward, 0, none]));
    attempts.add("give opward another priority", call(libc::SYS_sched_setparam, &[opward, none]));
    attempts.add("schedule opward anew", schedule_anew(opward));
    // The call itself gives what's left to 20.
    // SAFETY: numbers only.
    let rank = |which: i64, who: i64| 20 - unsafe { libc::syscall(libc::SYS_getpriority, which, who) };
    attempts.add("rank the parent", call(libc::SYS_setpriority, &[0, parent, rank(0, parent)]));
    attempts.add("rank opward", call(libc::SYS_setpriority, &[0, opward, rank(0, opward)]));
    attempts.add("rank the parent's group", call(libc::SYS_setpriority, &[1, parent, rank(1, parent)]));
    attempts.add("rank the user", in_a_child(|| call(libc::SYS_setpriority, &[2, 0, 19])));
    attempts.add("rank opward's files", call(libc::SYS_ioprio_set, &[1, opward, 0]));
    attempts.add("rank the user's files", call(libc::SYS_ioprio_set, &[3, 0, 0]));
    attempts.add("join the parent's group", in_a_child(|| call(libc::SYS_setpgid, &[0, parent])));
}

/// Makes files signal somebody, and signals opward by its threads and its group: what Landlock closes at the end, and
/// what's refused in front without it.
pub(crate) fn signals(opward: i64) {
    let mut attempts = Attempts::default();
    let parent = std::os::unix::process::parent_id() as i64;
    let mut pipe = [0_i32; 2];
    // SAFETY: there's room for two.
    unsafe { libc::pipe(pipe.as_mut_ptr()) };
    let file = pipe[0] as i64;
    let owner = [2_i32, parent as i32];
    attempts.add("own a file", call(libc::SYS_fcntl, &[file, libc::F_SETOWN as i64, parent]));
    attempts.add("own a file, extended", call(libc::SYS_fcntl, &[file, 15, owner.as_ptr() as i64]));
    attempts.add("choose a file's signal", call(libc::SYS_fcntl, &[file, 10, libc::SIGKILL as i64]));
    let mut pair = [0_i32; 2];
    // SAFETY: there's room for two.
    unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()) };
    let parents = [parent as i32];
    for (name, request) in [("own a socket", 0x8901), ("own a socket, as of old", 0x8902)] {
        attempts.add(name, call(libc::SYS_ioctl, &[pair[0] as i64, request, parents.as_ptr() as i64]));
    }
    attempts.add("join the parent's group", in_a_child(|| call(libc::SYS_setpgid, &[0, parent])));
    attempts.add("signal the parent's group", call(libc::SYS_kill, &[-parent, 0]));
    // SAFETY: numbers only.
    let group = unsafe { libc::getpgid(opward as i32) } as i64;
    attempts.add("signal opward's group", call(libc::SYS_kill, &[-group, 0]));
    let threads = fs::read_dir(format!("/proc/{opward}/task")).unwrap().flatten();
    let threads: Vec<i64> = threads.filter_map(|thread| thread.file_name().to_str()?.parse().ok()).collect();
    for (name, number) in [("signal a thread", libc::SYS_tkill), ("signal by a thread", libc::SYS_kill)] {
        let reached = threads.iter().any(|thread| call(number, &[*thread, 0]).is_ok());
        attempts.add(name, if reached { Ok(()) } else { Err(libc::EPERM) });
    }
    attempts.add("signal its own group", call(libc::SYS_kill, &[0, 0]));
    attempts.say();
}
