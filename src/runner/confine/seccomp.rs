//! Which system calls a program can't make.
//!
//! A list of what's refused, not of what's allowed: which calls any program needs is nobody's to say. What's on it
//! reaches into other processes, changes the system, makes room for such things, or goes round what Landlock watches.

mod processes;

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    sock_filter,
};

/// Calls that are refused whatever their arguments.
const REFUSED: [i64; 57] = [
    // Into other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_perf_event_open,
    // Keys that the kernel keeps for the user.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Ways past a filter of system calls, and what attacks on the kernel are built from.
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    // The machine.
    libc::SYS_kexec_load,
    KEXEC_FILE_LOAD,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_mbind,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_set_mempolicy_home_node,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: [i64; 5] =
    [libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_uselib, libc::SYS__sysctl];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: [i64; 0] = [];

/// Not every C library for every architecture has this number.
#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: i64 = 320;
#[cfg(not(target_arch = "x86_64"))]
const KEXEC_FILE_LOAD: i64 = 294;

/// New namespaces, in which a user would be root.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The eighth, which only `unshare` makes; for `clone` the same bit is a part of a signal's number.
const TIME_NAMESPACE: i32 = 0x80;

/// Typing into a terminal on a user's behalf.
const TERMINAL_INPUT: [u32; 2] = [0x5412, 0x541C];

/// Leaves a call that asks for the personality without changing it, and the two usual ones.
const PERSONALITIES: [u32; 3] = [0xffff_ffff, 0, 8];

/// An old kind of raw socket.
const PACKETS: i32 = 10;

/// The kind of a socket without its flags.
const SOCKET_KIND: u64 = 0xf;

/// The number of `clone3`, on all architectures.
const CLONE3: u32 = 435;

/// The bit in a call's number that means the x32 interface, whose calls this filter doesn't know.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Refused = Result<(), seccompiler::BackendError>;
type Refuse<'a> = dyn FnMut(i64, Vec<SeccompCondition>) -> Refused + 'a;

/// What a filter depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Whether the network may be reached.
    pub(super) network: bool,
    /// Whether Landlock keeps signals inside.
    pub(super) signals_held: bool,
}

/// Restricts this thread, or says why it can't be.
pub(super) fn restrict(wanted: Wanted) -> Result<(), String> {
    let program = program(wanted).map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&program).map_err(|error| {
        let (seccompiler::Error::Prctl(refused) | seccompiler::Error::Seccomp(refused)) = &error else {
            return error.to_string();
        };
        match refused.raw_os_error() {
            Some(libc::ENOSYS | libc::EINVAL) => "this kernel doesn't have it".to_owned(),
            _ => super::forbidden(refused),
        }
    })
}

/// The filter. A call of another architecture ends the program.
fn program(wanted: Wanted) -> Result<BpfProgram, seccompiler::BackendError> {
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let here = std::env::consts::ARCH.try_into()?;
    let rules: BpfProgram = SeccompFilter::new(rules(wanted)?, SeccompAction::Allow, refused, here)?.try_into()?;
    // One filter and not two: the system takes its time over each. What's in front looks at the call's number and
    // falls through to the rest, whose jumps are all relative.
    let mut program = before_the_rules();
    program.extend(rules);
    Ok(program)
}

/// Two calls that don't get what the others do.
///
/// `clone3` isn't there: its flags are in memory, where a filter can't look; the libraries then use `clone`. And a
/// program that uses the x32 interface, through which it could make every refused call by another number, is ended.
fn before_the_rules() -> BpfProgram {
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let load = instruction(0x20, 0, 0, 0);
    let or_else_skip_one = |code, k| instruction(code, 0, 1, k);
    let answer = |action: SeccompAction| instruction(0x06, 0, 0, action.into());
    vec![
        load,
        #[cfg(target_arch = "x86_64")]
        or_else_skip_one(0x35, X32),
        #[cfg(target_arch = "x86_64")]
        answer(SeccompAction::KillProcess),
        or_else_skip_one(0x15, CLONE3),
        answer(SeccompAction::Errno(libc::ENOSYS.unsigned_abs())),
    ]
}

fn rules(wanted: Wanted) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.into_iter().chain(REFUSED_HERE).map(|call| (call, Vec::new())).collect();
    let mut refuse = |call: i64, conditions: Vec<SeccompCondition>| {
        SeccompRule::new(conditions).map(|rule| rules.entry(call).or_default().push(rule))
    };
    for namespace in NAMESPACES {
        refuse(libc::SYS_clone, vec![has_all(0, word(namespace))?])?;
        refuse(libc::SYS_unshare, vec![has_all(0, word(namespace))?])?;
    }
    refuse(libc::SYS_unshare, vec![has_all(0, word(TIME_NAMESPACE))?])?;
    for request in TERMINAL_INPUT {
        refuse(libc::SYS_ioctl, vec![is(1, u64::from(request))?])?;
    }
    let others = PERSONALITIES.iter().map(|known| is_not(0, u64::from(*known)));
    refuse(libc::SYS_personality, others.collect::<Result<_, _>>()?)?;
    processes::rules(wanted.signals_held, &mut refuse)?;
    sockets(wanted.network, &mut refuse)?;
    Ok(rules)
}

/// Sockets to the network only if it's allowed, and none to the system's own services: desktop bus, agents, daemons.
fn sockets(network: bool, refuse: &mut Refuse<'_>) -> Refused {
    let kind = |kind: i32| condition(1, SeccompCmpOp::MaskedEq(SOCKET_KIND), word(kind));
    if network {
        let families = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
        let others = families.into_iter().map(|family| is_not(0, word(family)));
        refuse(libc::SYS_socket, others.collect::<Result<_, _>>()?)?;
        // Raw sockets make packets of any sort; to netlink, which tells of addresses and routes, all are.
        for raw in [libc::SOCK_RAW, PACKETS] {
            refuse(libc::SYS_socket, vec![is_not(0, word(libc::AF_NETLINK))?, kind(raw)?])?;
        }
        refuse(libc::SYS_socket, vec![is(0, word(libc::AF_NETLINK))?, is_not(2, word(libc::NETLINK_ROUTE))?])?;
    } else {
        refuse(libc::SYS_socket, vec![condition(0, SeccompCmpOp::Ge, 0)?])?;
    }
    // A pair is for a program's own parts. One for datagrams could still be sent elsewhere, and a raw one is the same.
    refuse(libc::SYS_socketpair, vec![is_not(0, word(libc::AF_UNIX))?])?;
    for datagrams in [libc::SOCK_DGRAM, libc::SOCK_RAW] {
        refuse(libc::SYS_socketpair, vec![kind(datagrams)?])?;
    }
    Ok(())
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn is(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    condition(argument, SeccompCmpOp::Eq, value)
}

fn is_not(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    condition(argument, SeccompCmpOp::Ne, value)
}

fn has_all(argument: u8, bits: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    condition(argument, SeccompCmpOp::MaskedEq(bits), bits)
}

/// An argument as the lower half of a register, which is all that the kernel takes of these.
fn word(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}
