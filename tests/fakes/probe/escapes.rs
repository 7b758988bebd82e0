//! Attempts to reach what isn't the program's. Each says `through`, or which error it met.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io::Read as _;
use std::mem::size_of_val;

/// What came of attempts.
#[derive(Default)]
pub(crate) struct Attempts(BTreeMap<&'static str, String>);

impl Attempts {
    pub(crate) fn add(&mut self, name: &'static str, result: Result<(), i32>) {
        self.0.insert(name, result.map_or_else(|errno| format!("{errno}"), |()| "through".to_owned()));
    }

    pub(crate) fn say(&self) {
        println!("{}", serde_json::to_string(&self.0).unwrap());
    }
}

/// Makes all attempts. `places` are: a file outside, a folder outside, a program outside, a Unix socket, an abstract
/// socket, a TCP port, the number of opward's process.
pub(crate) fn all(places: &[&str]) {
    let [file, folder, program, socket, abstract_name, port, opward] = places else { std::process::exit(64) };
    let mut attempts = Attempts::default();
    let parent = std::os::unix::process::parent_id() as libc::pid_t;
    let opward: libc::pid_t = opward.parse().unwrap();
    let port: u16 = port.parse().unwrap();
    crate::limits::all(&mut attempts, parent as i64, opward as i64);
    let mut attempt = |name: &'static str, result: Result<(), i32>| attempts.add(name, result);

    attempt("trace the parent", call(libc::SYS_ptrace, &[libc::PTRACE_SEIZE as i64, parent as i64, 0, 0]));
    attempt("trace opward", call(libc::SYS_ptrace, &[libc::PTRACE_SEIZE as i64, opward as i64, 0, 0]));
    for (name, what) in [
        ("read the parent's environment", "environ"),
        ("read the parent's memory map", "maps"),
        ("read the parent's files", "fd"),
    ] {
        attempt(name, look(&format!("/proc/{parent}/{what}")));
    }
    attempt("read the parent's memory", memory(parent));
    attempt("read opward's environment", look(&format!("/proc/{opward}/environ")));
    attempt("read opward's files", look(&format!("/proc/{opward}/fd")));
    attempt("read opward's memory", memory(opward));
    let threads = fs::read_dir(format!("/proc/{parent}/task")).unwrap().flatten();
    let threads: Vec<libc::pid_t> = threads.filter_map(|t| t.file_name().to_str()?.parse().ok()).collect();
    let through = threads.iter().find(|thread| memory_of(&format!("/proc/{parent}/task/{thread}/mem")).is_ok());
    attempt("read a thread's memory of the parent", if through.is_some() { Ok(()) } else { Err(libc::EACCES) });
    attempt("copy the parent's memory", copy_memory(parent));
    attempt("take a file of the parent's", take_file(parent));
    attempt("signal the parent", call(libc::SYS_kill, &[parent as i64, 0]));
    attempt("signal opward", call(libc::SYS_kill, &[opward as i64, 0]));
    let signalled = threads.iter().any(|t| call(libc::SYS_tgkill, &[parent as i64, *t as i64, 0]).is_ok());
    attempt("signal a thread of the parent", if signalled { Ok(()) } else { Err(libc::EPERM) });
    attempt("signal everything", call(libc::SYS_kill, &[-1, 0]));
    attempt("compare with the parent", call(libc::SYS_kcmp, &[std::process::id() as i64, parent as i64, 0, 0, 0]));

    attempt("connect to a socket in the file system", unix(socket, false));
    attempt("connect to an abstract socket", unix(abstract_name, true));
    attempt("send through a pair", through_a_pair(&format!("{socket}.datagrams")));
    attempt("connect by TCP", tcp(port));
    attempt("send by UDP", udp(port));
    attempt("listen by TCP", std::net::TcpListener::bind("127.0.0.1:0").map(drop).map_err(errno));
    attempt("ask netlink", open_socket(libc::AF_NETLINK, libc::SOCK_RAW, 0));
    attempt("open a raw socket", open_socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP));
    attempt("open a packet socket", open_socket(libc::AF_PACKET, libc::SOCK_RAW, 0));
    attempt("reach the host of a machine", open_socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0));

    attempt("read a file outside", fs::read(file).map(drop).map_err(errno));
    attempt("read the system's passwords", fs::read("/etc/shadow").map(drop).map_err(errno));
    attempt("write a file outside", fs::OpenOptions::new().append(true).open(file).map(drop).map_err(errno));
    attempt("make a file outside", fs::File::create(format!("{folder}/made")).map(drop).map_err(errno));
    attempt(
        "make a file in memory outside",
        fs::File::create(format!("/dev/shm/probe-{parent}")).map(drop).map_err(errno),
    );
    attempt("shorten a file outside", truncate(&format!("{folder}/shortened")));
    attempt("remove a file outside", fs::remove_file(format!("{folder}/removed")).map_err(errno));
    attempt("list a folder outside", fs::read_dir(folder).map(drop).map_err(errno));
    attempt("run a program outside", std::process::Command::new(program).status().map(drop).map_err(errno));
    attempt("read the machine's memory", fs::File::open("/dev/mem").map(drop).map_err(errno));
    attempt("read the kernel's log", fs::File::open("/dev/kmsg").map(drop).map_err(errno));
    let home = std::env::var("HOME").unwrap();
    attempt("link a file outside into its home", fs::hard_link(file, format!("{home}/linked")).map_err(errno));
    let _ = std::os::unix::fs::symlink(file, format!("{home}/link"));
    attempt("read through a link of its own", fs::read(format!("{home}/link")).map(drop).map_err(errno));
    attempt("make a device", device(&format!("{home}/device")));

    let mut buffer = [0_u8; 256];
    let at = buffer.as_mut_ptr() as i64;
    attempt("use the kernel's keys", call(libc::SYS_keyctl, &[0, -3, 0]));
    attempt("add a key", call(libc::SYS_add_key, &[0, 0, 0, 0, -3]));
    attempt("use io_uring", call(libc::SYS_io_uring_setup, &[1, at]));
    attempt("load a program into the kernel", call(libc::SYS_bpf, &[0, at, 48]));
    attempt("watch page faults", call(libc::SYS_userfaultfd, &[1]));
    attempt("count events", call(libc::SYS_perf_event_open, &[at, 0, -1, -1, 0]));
    attempt("make a user namespace", call(libc::SYS_unshare, &[libc::CLONE_NEWUSER as i64]));
    attempt("make a mount namespace", call(libc::SYS_unshare, &[libc::CLONE_NEWNS as i64]));
    attempt("make a process in a namespace", clone(libc::CLONE_NEWUSER | libc::SIGCHLD));
    attempt("make a process by clone3", call(libc::SYS_clone3, &[0, 0]));
    attempt("enter a namespace", call(libc::SYS_setns, &[0, 0]));
    attempt("mount", call(libc::SYS_mount, &[0, at, 0, 0, 0]));
    attempt("open a tree to mount", call(libc::SYS_open_tree, &[-100, at, 0]));
    attempt("change the root", call(libc::SYS_chroot, &[c"/".as_ptr() as i64]));
    attempt("open by handle", call(libc::SYS_open_by_handle_at, &[-100, at, 0]));
    attempt("load a module", call(libc::SYS_finit_module, &[-1, at, 0]));
    attempt("type into the terminal", call(libc::SYS_ioctl, &[0, 0x5412, at]));
    attempt("switch off random addresses", call(libc::SYS_personality, &[0x0040000]));
    attempt("become root or somebody else", become_another());
    attempt("allow core dumps", core_dumps());
    #[cfg(target_arch = "x86_64")]
    {
        attempt("use the x32 interface", in_a_child(|| call(0x4000_0000 | libc::SYS_getpid, &[])));
        attempt("use the 32-bit interface", in_a_child(int80));
    }
    let _ = fs::remove_file(format!("/dev/shm/probe-{parent}"));
    attempts.say();
}

fn errno(error: std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(-1)
}

fn last() -> i32 {
    errno(std::io::Error::last_os_error())
}

fn outcome(returned: i64) -> Result<(), i32> {
    if returned < 0 { Err(last()) } else { Ok(()) }
}

pub(crate) fn call(number: i64, arguments: &[i64]) -> Result<(), i32> {
    let of = |index: usize| arguments.get(index).copied().unwrap_or_default();
    // SAFETY: pointers among the arguments are to memory of this program, or null.
    outcome(unsafe { libc::syscall(number, of(0), of(1), of(2), of(3), of(4), of(5)) })
}

fn look(path: &str) -> Result<(), i32> {
    if path.ends_with("/fd") {
        // Root may list their numbers; where they lead is what counts.
        return fs::read_link(format!("{path}/0")).map(drop).map_err(errno);
    }
    let mut byte = [0_u8];
    fs::File::open(path).and_then(|mut file| file.read(&mut byte)).map(drop).map_err(errno)
}

fn memory(of: libc::pid_t) -> Result<(), i32> {
    memory_of(&format!("/proc/{of}/mem"))
}

fn memory_of(path: &str) -> Result<(), i32> {
    fs::File::open(path).map(drop).map_err(errno)
}

fn copy_memory(of: libc::pid_t) -> Result<(), i32> {
    let mut byte = [0_u8];
    let local = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: 0x1000 as *mut libc::c_void, iov_len: 1 };
    // SAFETY: one byte is copied into one byte.
    outcome(unsafe { libc::process_vm_readv(of, &local, 1, &remote, 1, 0) } as i64)
}

fn take_file(of: libc::pid_t) -> Result<(), i32> {
    // SAFETY: numbers only.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, of, 0) };
    call(libc::SYS_pidfd_getfd, &[pidfd, 0, 0])
}

fn open_socket(family: i32, kind: i32, protocol: i32) -> Result<(), i32> {
    // SAFETY: numbers only.
    outcome(unsafe { libc::socket(family, kind, protocol) } as i64)
}

fn address(name: &str, is_abstract: bool) -> (libc::sockaddr_un, libc::socklen_t) {
    // SAFETY: all zero is a valid address.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let start = usize::from(is_abstract);
    for (to, from) in address.sun_path[start..].iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    (address, (2 + start + name.len()) as libc::socklen_t)
}

fn unix(name: &str, is_abstract: bool) -> Result<(), i32> {
    let (address, length) = address(name, is_abstract);
    // SAFETY: the address is as long as said.
    unsafe {
        let socket = libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0);
        outcome(socket as i64)?;
        outcome(libc::connect(socket, (&raw const address).cast(), length) as i64)
    }
}

fn through_a_pair(name: &str) -> Result<(), i32> {
    let (address, length) = address(name, false);
    let mut pair = [0_i32; 2];
    // SAFETY: the pair has room for two, and the address is as long as said.
    unsafe {
        outcome(libc::socketpair(libc::AF_UNIX, libc::SOCK_DGRAM, 0, pair.as_mut_ptr()) as i64)?;
        outcome(libc::sendto(pair[0], c"x".as_ptr().cast(), 1, 0, (&raw const address).cast(), length) as i64)
    }
}

fn tcp(port: u16) -> Result<(), i32> {
    std::net::TcpStream::connect(("127.0.0.1", port)).map(drop).map_err(errno)
}

fn udp(port: u16) -> Result<(), i32> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").map_err(errno)?;
    socket.send_to(b"x", ("127.0.0.1", port)).map(drop).map_err(errno)
}

fn truncate(path: &str) -> Result<(), i32> {
    let path = CString::new(path).unwrap();
    // SAFETY: the path ends with a zero.
    outcome(unsafe { libc::truncate(path.as_ptr(), 0) } as i64)
}

fn device(path: &str) -> Result<(), i32> {
    let path = CString::new(path).unwrap();
    // SAFETY: the path ends with a zero.
    outcome(unsafe { libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o600, libc::makedev(1, 3)) } as i64)
}

fn clone(flags: i32) -> Result<(), i32> {
    // SAFETY: without memory of its own, as with fork; the child ends at once.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags as i64, 0, 0, 0, 0) };
    if child == 0 {
        // SAFETY: nothing is left to be done.
        unsafe { libc::_exit(0) };
    }
    outcome(child)
}

fn become_another() -> Result<(), i32> {
    // SAFETY: numbers only.
    let to = if unsafe { libc::getuid() } == 0 { 12345 } else { 0 };
    in_a_child(|| call(libc::SYS_setresuid, &[to, to, to]))
}

fn core_dumps() -> Result<(), i32> {
    let limit = libc::rlimit { rlim_cur: 1, rlim_max: 1 };
    debug_assert_eq!(size_of_val(&limit), 16);
    // SAFETY: the limit is read only.
    outcome(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &limit) } as i64)
}

/// Tries something that may end the process. A signal counts as an error of 1000 and its number.
pub(crate) fn in_a_child(work: impl FnOnce() -> Result<(), i32>) -> Result<(), i32> {
    let mut status = 0;
    // SAFETY: this program has one thread, and the status is a number.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(work().err().unwrap_or(0));
        }
        libc::waitpid(child, &raw mut status, 0);
    }
    if libc::WIFSIGNALED(status) {
        return Err(1000 + libc::WTERMSIG(status));
    }
    match libc::WEXITSTATUS(status) {
        0 => Ok(()),
        errno => Err(errno),
    }
}

/// Asks for the process's number by the 32-bit interface.
#[cfg(target_arch = "x86_64")]
fn int80() -> Result<(), i32> {
    let mut number: i64 = 20;
    // SAFETY: the call takes no arguments and touches no memory.
    unsafe { std::arch::asm!("int 0x80", inlateout("rax") number) };
    outcome(number.min(0))
}
