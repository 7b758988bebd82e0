//! Attempts to get out: each is refused, and as it should be. The same attempts without a sandbox show that they're
//! real.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use opward::runner::{Sandbox, layers};
use rustix::io::Errno;

use crate::driver;
use crate::support::{job, opward, probe, ran};

const EPERM: i32 = Errno::PERM.raw_os_error();
const ENOENT: i32 = Errno::NOENT.raw_os_error();
const EACCES: i32 = Errno::ACCESS.raw_os_error();
const ENOSYS: i32 = Errno::NOSYS.raw_os_error();
const EXDEV: i32 = Errno::XDEV.raw_os_error();
/// Ended by the signal for a bad system call.
const SIGSYS: i32 = 1031;
/// As the 32-bit interface is met where the kernel has none.
const SIGSEGV: i32 = 1011;

/// How each attempt must end: with one of these errors.
const TABLE: &[(&str, &[i32])] = &[
    ("trace the parent", &[EPERM]),
    ("trace opward", &[EPERM]),
    ("read the parent's environment", &[EACCES, EPERM]),
    ("read the parent's memory map", &[EACCES, EPERM]),
    ("read the parent's files", &[EACCES, EPERM]),
    ("read the parent's memory", &[EACCES, EPERM]),
    ("read opward's environment", &[EACCES, EPERM]),
    ("read opward's files", &[EACCES, EPERM]),
    ("read opward's memory", &[EACCES, EPERM]),
    ("read a thread's memory of the parent", &[EACCES, EPERM]),
    ("copy the parent's memory", &[EPERM]),
    ("take a file of the parent's", &[EPERM]),
    ("signal the parent", &[EPERM]),
    ("signal opward", &[EPERM]),
    ("signal a thread of the parent", &[EPERM]),
    ("signal everything", &[EPERM]),
    ("compare with the parent", &[EPERM]),
    ("limit the parent", &[EPERM]),
    ("limit opward", &[EPERM]),
    ("bind the parent to processors", &[EPERM]),
    ("bind opward to processors", &[EPERM]),
    ("bind a thread of opward to processors", &[EPERM]),
    ("schedule opward otherwise", &[EPERM]),
    ("give opward another priority", &[EPERM]),
    ("schedule opward anew", &[EPERM]),
    ("rank the parent", &[EPERM]),
    ("rank opward", &[EPERM]),
    ("rank the parent's group", &[EPERM]),
    ("rank the user", &[EPERM]),
    ("rank opward's files", &[EPERM]),
    ("rank the user's files", &[EPERM]),
    ("join the parent's group", &[EPERM]),
    ("connect to a socket in the file system", &[EPERM]),
    ("connect to an abstract socket", &[EPERM]),
    ("send through a pair", &[EPERM]),
    ("connect by TCP", &[EPERM]),
    ("send by UDP", &[EPERM]),
    ("listen by TCP", &[EPERM]),
    ("ask netlink", &[EPERM]),
    ("open a raw socket", &[EPERM]),
    ("open a packet socket", &[EPERM]),
    ("reach the host of a machine", &[EPERM]),
    ("read a file outside", &[EACCES]),
    ("read the system's passwords", &[EACCES]),
    ("write a file outside", &[EACCES]),
    ("make a file outside", &[EACCES]),
    ("make a file in memory outside", &[EACCES]),
    ("shorten a file outside", &[EACCES]),
    ("remove a file outside", &[EACCES]),
    ("list a folder outside", &[EACCES]),
    ("run a program outside", &[EACCES]),
    ("read the machine's memory", &[EACCES, ENOENT]),
    ("read the kernel's log", &[EACCES, ENOENT]),
    ("link a file outside into its home", &[EXDEV, EACCES, EPERM]),
    ("read through a link of its own", &[EACCES]),
    ("make a device", &[EACCES, EPERM]),
    ("use the kernel's keys", &[EPERM]),
    ("add a key", &[EPERM]),
    ("use io_uring", &[EPERM]),
    ("load a program into the kernel", &[EPERM]),
    ("watch page faults", &[EPERM]),
    ("count events", &[EPERM]),
    ("make a user namespace", &[EPERM]),
    ("make a mount namespace", &[EPERM]),
    ("make a process in a namespace", &[EPERM]),
    ("make a process by clone3", &[ENOSYS]),
    ("enter a namespace", &[EPERM]),
    ("mount", &[EPERM]),
    ("open a tree to mount", &[EPERM]),
    ("change the root", &[EPERM]),
    ("open by handle", &[EPERM]),
    ("load a module", &[EPERM]),
    ("type into the terminal", &[EPERM]),
    ("switch off random addresses", &[EPERM]),
    ("become root or somebody else", &[EPERM]),
    ("allow core dumps", &[EPERM]),
    #[cfg(target_arch = "x86_64")]
    ("use the x32 interface", &[SIGSYS]),
    #[cfg(target_arch = "x86_64")]
    ("use the 32-bit interface", &[SIGSYS, SIGSEGV]),
];

/// Of those, what the program may do if its job has the network.
const NETWORK: [&str; 4] = ["connect by TCP", "send by UDP", "listen by TCP", "ask netlink"];

/// What goes through without a sandbox, for root and for others: that these are attempts at all.
const REAL: [&str; 31] = [
    "signal opward",
    "limit the parent",
    "limit opward",
    "bind the parent to processors",
    "bind opward to processors",
    "bind a thread of opward to processors",
    "schedule opward otherwise",
    "give opward another priority",
    "schedule opward anew",
    "rank the parent",
    "rank opward",
    "rank the parent's group",
    "rank the user",
    "rank opward's files",
    "join the parent's group",
    "connect to a socket in the file system",
    "connect to an abstract socket",
    "send through a pair",
    "connect by TCP",
    "send by UDP",
    "listen by TCP",
    "ask netlink",
    "read a file outside",
    "write a file outside",
    "make a file outside",
    "make a file in memory outside",
    "shorten a file outside",
    "remove a file outside",
    "list a folder outside",
    "run a program outside",
    "read through a link of its own",
];

/// What lies outside of a program's bounds, and is open to everybody otherwise.
struct Outside {
    folder: tempfile::TempDir,
    _sockets: (UnixListener, UnixListener, UnixDatagram),
    network: TcpListener,
    abstract_name: String,
}

impl Outside {
    fn new() -> Self {
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o777)).tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        for name in ["file", "shortened", "removed"] {
            fs::File::create(folder.path().join(name)).unwrap().write_all(b"outside").unwrap();
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o666)).unwrap();
        }
        fs::copy("/bin/true", folder.path().join("program")).unwrap();
        let abstract_name = format!("opward-test-{:x}", rand::random::<u64>());
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let datagrams = UnixDatagram::bind(folder.path().join("socket.datagrams")).unwrap();
        for name in ["socket", "socket.datagrams"] {
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o777)).unwrap();
        }
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let in_the_abstract = UnixListener::bind_addr(&address).unwrap();
        let network = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { folder, _sockets: (listener, in_the_abstract, datagrams), network, abstract_name }
    }

    /// The probe's arguments. `OPWARD` becomes the number of the process that stands for opward.
    fn arguments(&self, opward: &str) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let port = self.network.local_addr().unwrap().port().to_string();
        let folder = self.folder.path().to_str().unwrap().to_owned();
        let name = self.abstract_name.clone();
        vec!["escapes".to_owned(), path("file"), folder, path("program"), path("socket"), name, port, opward.to_owned()]
    }

    fn check_untouched(&self) {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["file", "program", "removed", "shortened", "socket", "socket.datagrams"]);
        assert_eq!(fs::read_to_string(self.folder.path().join("shortened")).unwrap(), "outside");
    }
}

fn parsed(told: &str) -> BTreeMap<String, String> {
    let line = told.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no answer: {told}"));
    serde_json::from_str(line).unwrap()
}

fn check(found: &BTreeMap<String, String>, network: bool) {
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let mut known: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(names, known);
    let mut wrong = BTreeMap::new();
    for (name, errors) in TABLE.iter().copied() {
        let met = found[name].as_str();
        let right = if network && NETWORK.contains(&name) {
            met == "through"
        } else {
            errors.iter().any(|error| met == error.to_string())
        };
        if !right {
            wrong.insert(name, met);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn this_system_has_every_layer() {
    let layers = layers();
    assert_eq!(
        layers.iter().map(|layer| layer.name).collect::<Vec<_>>(),
        ["landlock", "seccomp", "no_new_privileges", "no_network"]
    );
    assert!(layers.iter().all(|layer| layer.held.is_ok()), "{layers:#?}");
}

#[test]
fn no_attempt_gets_through() {
    let outside = Outside::new();
    let told = driver::told(driver::command(&outside.arguments("OPWARD").join("\n"), "require"));
    check(&parsed(&told), false);
    outside.check_untouched();
}

#[test]
fn the_same_attempts_get_through_without_a_sandbox() {
    let outside = Outside::new();
    let told = driver::told(driver::command(&outside.arguments("OPWARD").join("\n"), "off"));
    let found = parsed(&told);
    let refused: Vec<_> = REAL.iter().filter(|name| found[**name] != "through").collect();
    assert!(refused.is_empty(), "{refused:?} in {found:#?}");
}

#[tokio::test]
async fn with_the_network_only_the_network_is_open() {
    let outside = Outside::new();
    let arguments = outside.arguments(&std::process::id().to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut job = job(&arguments);
    job.network = true;
    job.sandbox = Sandbox::Require;
    let ran = ran(job).await.unwrap();
    assert!(!ran.ended.layers.contains("no_network"), "{:?}", ran.ended);
    check(&parsed(&ran.out), true);
    outside.check_untouched();
}

/// As root, the tests above are about a program with root's rights. This one is about everybody else's.
#[test]
fn no_attempt_of_a_plain_user_gets_through_either() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // Where the tests lie, others may not be let in.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let test_program = std::env::current_exe().unwrap();
    let copied = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        fs::copy(from, &to).unwrap();
        to
    };
    let test_program = copied(&test_program, "test");
    let (opward, probe) = (copied(&opward(), "opward"), copied(&probe(), "probe"));
    let outside = Outside::new();
    for (sandbox, refused) in [("require", true), ("off", false)] {
        let mut driver = driver::command_at(&test_program, &outside.arguments("OPWARD").join("\n"), sandbox);
        driver
            .env("OPWARD_TEST_SUPERVISOR", &opward)
            .env("OPWARD_TEST_PROBE", &probe)
            .current_dir("/")
            .uid(54_321)
            .gid(54_321);
        let found = parsed(&driver::told(driver));
        if refused {
            check(&found, false);
            outside.check_untouched();
        } else {
            let refused: Vec<_> = REAL.iter().filter(|name| found[**name] != "through").collect();
            assert!(refused.is_empty(), "{refused:?} in {found:#?}");
        }
    }
}

/// What holds without Landlock, by the other layers.
const WITHOUT_LANDLOCK: [&str; 12] = [
    "trace the parent",
    "read the parent's environment",
    "read the parent's memory",
    "read opward's memory",
    "read a thread's memory of the parent",
    "signal the parent",
    "signal opward",
    "signal a thread of the parent",
    "signal everything",
    "connect to an abstract socket",
    "connect by TCP",
    "make a user namespace",
];

/// Ways to have something signalled that's above the program.
const SIGNALLED: [&str; 10] = [
    "own a file",
    "own a file, extended",
    "choose a file's signal",
    "own a socket",
    "own a socket, as of old",
    "join the parent's group",
    "signal the parent's group",
    "signal opward's group",
    "signal a thread",
    "signal by a thread",
];

#[test]
fn where_landlock_does_not_hold_signals_none_leaves_by_a_group_a_thread_or_a_file() {
    for sandbox in ["prefer", "off"] {
        let mut driver = driver::command("signals\nOPWARD", sandbox);
        driver.env("DRIVE_WITHOUT", "landlock");
        let found = parsed(&driver::told(driver));
        let expected = if sandbox == "off" { "through" } else { "1" };
        for way in SIGNALLED {
            assert_eq!(found[way], expected, "{sandbox}, {way}: {found:#?}");
        }
        assert_eq!(found["signal its own group"], "through");
    }
}

#[test]
fn a_missing_layer_is_said_and_where_all_are_required_nothing_runs() {
    let outside = Outside::new();
    let told = |sandbox: &str| {
        let mut driver = driver::command(&outside.arguments("OPWARD").join("\n"), sandbox);
        driver.env("DRIVE_WITHOUT", "landlock");
        driver::told(driver)
    };
    let refused = told("require");
    assert!(refused.contains("refused Sandbox(\"landlock: this kernel doesn't have it"), "{refused}");
    outside.check_untouched();

    let preferred = told("prefer");
    let layers = preferred.lines().find_map(|line| line.strip_prefix("layers ")).unwrap();
    assert!(!layers.contains("landlock") && layers.contains("seccomp") && layers.contains("no_network"), "{layers}");
    let found = parsed(&preferred);
    let through: Vec<_> = WITHOUT_LANDLOCK.iter().filter(|name| found[**name] == "through").collect();
    assert!(through.is_empty(), "{through:?} in {found:#?}");
    assert_eq!(found["read a file outside"], "through");
}
