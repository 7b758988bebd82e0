//! Starts the program from a thread that has restricted itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use rustix::process::Pid;

use crate::memory::Payload;
use crate::runner::confine::{Bounds, Confined, confine};
use crate::runner::handed::{self, Reserved};
use crate::runner::home::Home;
use crate::runner::job::{NotRun, Sandbox, Slot};
use crate::runner::prepared::{Plan, Prepared};

/// A program that runs.
pub(super) struct Started {
    pub(super) program: Pid,
    pub(super) confined: Confined,
}

/// Opens everything, and starts the program.
pub(super) fn start(plan: &Plan, secrets: Vec<(Slot, Payload)>, home: &Home) -> Result<Started, NotRun> {
    let reserved = Reserved::hold().map_err(|error| NotRun::system("no descriptor is free", error))?;
    let prepared = plan.prepare()?;
    let mut command = prepared.command(home);
    let mut files = Vec::new();
    for (slot, value) in &secrets {
        match slot {
            Slot::Variable(name) => value.hand_over(|bytes| {
                command.env(name, OsStr::from_bytes(bytes));
            }),
            Slot::StandardInput => {
                command.stdin(Stdio::from(handed::to_read(value)?));
            }
            Slot::Descriptor(number) => files.push((*number, handed::for_descriptor(value)?)),
        }
    }
    drop(secrets);
    let placed = reserved.place(files)?;
    // Its own end: once it has started the program, nothing confined is left in this process for the program to
    // reach, and what reaches it in the meantime is refused by the layers themselves.
    let started = std::thread::scope(|scope| {
        let restricted = || restrict_and_spawn(plan, &prepared, home, command);
        let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, restricted);
        let thread = thread.map_err(|error| NotRun::system("no thread could be started", error))?;
        thread.join().unwrap_or_else(|_| Err(NotRun::System("the program couldn't be started".to_owned())))
    });
    drop(placed);
    started
}

fn restrict_and_spawn(plan: &Plan, prepared: &Prepared, home: &Home, mut command: Command) -> Result<Started, NotRun> {
    let confined = match plan.sandbox {
        Sandbox::Off => Confined::default(),
        Sandbox::Prefer | Sandbox::Require => confine(&Bounds {
            program: Some(prepared.program.opened()),
            real: prepared.program.real(),
            opened: &prepared.opened,
            home: Some(home.path()),
            network: plan.network,
        }),
    };
    if plan.sandbox == Sandbox::Require && !confined.missing.is_empty() {
        return Err(NotRun::Sandbox(confined.missing.join("; ")));
    }
    // That a program has no network is the policy's word, not a wish. Where there's no sandbox at all it's `doctor`
    // that says so.
    if cfg!(target_os = "linux") && plan.sandbox == Sandbox::Prefer && !plan.network && confined.has_network() {
        let why = confined.missing.join("; ");
        return Err(NotRun::Sandbox(format!(
            "the program may not reach the network, and nothing would hold it: {why}"
        )));
    }
    let child = command.spawn().map_err(|error| prepared.not_started(&error))?;
    let program = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let program = program.ok_or_else(|| NotRun::System("the program has no number".to_owned()))?;
    Ok(Started { program, confined })
}
