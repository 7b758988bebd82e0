//! Opward as a process of its own that can be killed or be another user's: this test program, started once more.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use opward::runner::{Output, Sandbox, run};

use crate::support::{job, opward, probe};

/// The command that starts it: it runs the probe with these arguments, and passes on what that says.
pub(crate) fn command(arguments: &str, sandbox: &str) -> Command {
    command_at(&std::env::current_exe().unwrap(), arguments, sandbox)
}

pub(crate) fn command_at(test_program: &std::path::Path, arguments: &str, sandbox: &str) -> Command {
    let mut command = Command::new(test_program);
    command
        .args(["driver::drive", "--exact", "--ignored", "--nocapture", "--test-threads=1", "--quiet"])
        .env_clear()
        .env("DRIVE", arguments)
        .env("DRIVE_SANDBOX", sandbox)
        .env("OPWARD_TEST_SUPERVISOR", opward())
        .env("OPWARD_TEST_PROBE", probe())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Runs it to its end; what the probe said is among the lines.
pub(crate) fn told(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Starts it, and waits for so many numbers of processes.
pub(crate) fn started(mut command: Command, processes: usize) -> (Child, Vec<i32>) {
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let numbers = lines.map_while(Result::ok).filter_map(|line| line.trim().parse().ok()).take(processes).collect();
    (child, numbers)
}

#[test]
#[ignore = "other tests start it as a process of its own"]
fn drive() {
    let Some(arguments) = std::env::var_os("DRIVE").and_then(|text| text.into_string().ok()) else { return };
    let own = std::process::id().to_string();
    let arguments: Vec<&str> =
        arguments.split('\n').map(|argument| if argument == "OPWARD" { own.as_str() } else { argument }).collect();
    // A file that whoever started opward left open.
    let left_open = std::fs::File::open("/dev/full").unwrap();
    rustix::io::fcntl_setfd(&left_open, rustix::io::FdFlags::empty()).unwrap();
    let _ = opward::memory::harden(opward::memory::Readers::Nobody).finish(opward::memory::Privileges::OfPrograms);
    let mut job = job(&arguments);
    if std::env::var_os("DRIVE_READY").is_some() {
        opward::runner::make_ready();
        opward::runner::make_ready();
        println!("\n{own}");
        std::thread::sleep(Duration::from_mins(3));
        return;
    }
    job.timeout = Duration::from_mins(10);
    job.variables.extend(std::env::var_os("DRIVE_MARK").map(|mark| ("MARK".to_owned(), mark)));
    job.sandbox = match std::env::var("DRIVE_SANDBOX").as_deref() {
        Ok("require") => Sandbox::Require,
        Ok("off") => Sandbox::Off,
        _ => Sandbox::Prefer,
    };
    match std::env::var("DRIVE_WITHOUT").as_deref() {
        Ok("landlock") => without(&LANDLOCK, libc::ENOSYS),
        Ok("the right to use landlock") => without(&LANDLOCK, libc::EPERM),
        Ok("the right to use seccomp") => without(&[libc::SYS_seccomp], libc::EPERM),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(run(job, |which, piece| {
        if which == Output::Out {
            let text = String::from_utf8_lossy(piece);
            print!("{text}");
            std::io::Write::flush(&mut std::io::stdout()).unwrap();
        }
    }));
    let ended = match ended {
        Ok(ended) => ended,
        Err(refused) => return println!("\nrefused {refused:?}"),
    };
    println!("\nlayers {}", ended.layers);
    println!("ended {}", ended.exit_code);
}

const LANDLOCK: [i64; 3] =
    [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];

/// Makes this process and all it starts meet this error when they make these calls.
fn without(calls: &[i64], error: i32) {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};

    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    let refused = SeccompAction::Errno(error.unsigned_abs());
    let here = std::env::consts::ARCH.try_into().unwrap();
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, refused, here).unwrap().try_into().unwrap();
    apply_filter_all_threads(&filter).unwrap();
}
