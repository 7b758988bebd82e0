//! Which files a program reaches; and that neither its signals nor its looks at other processes go anywhere.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus, PathBeneath,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, Scope, make_bitflags,
};
use rustix::fs::{Mode, OFlags, open};

use super::Bounds;
use super::readable::{MACHINE, PROGRAMS, READABLE_DEVICES, WRITABLE_DEVICES, package_of, settings};
use crate::runner::prepared::Access;

/// The version that's asked for. What a kernel doesn't have is left out, and said.
const WANTED: ABI = ABI::V7;

/// The first version that keeps signals inside, and so the first that's complete.
const COMPLETE: ABI = ABI::V6;

/// What Landlock came to.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) version: i32,
    /// Whether signals are kept inside, too.
    pub(super) complete: bool,
}

/// Restricts this thread, or says why it can't be.
pub(super) fn restrict(bounds: &Bounds<'_>) -> Result<Held, String> {
    let failed = |error: landlock::RulesetError| error.to_string();
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let run = read | AccessFs::Execute;
    let ruleset = Ruleset::default();
    // Making it asks the system which version it has; the answer is all there is to tell why it has none.
    let answer = std::io::Error::last_os_error();
    let mut ruleset = ruleset
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))
        .map_err(failed)?
        .scope(Scope::from_all(WANTED))
        .map_err(failed)?;
    if !bounds.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(WANTED)).map_err(failed)?;
    }
    let mut ruleset = ruleset.create().map_err(failed)?;
    for (paths, access) in [(PROGRAMS.as_slice(), run), (&MACHINE, read), (&READABLE_DEVICES, read)] {
        for path in paths {
            ruleset = allow_path(ruleset, Path::new(path), access)?;
        }
    }
    for path in settings() {
        ruleset = allow_path(ruleset, &path, read)?;
    }
    for path in WRITABLE_DEVICES {
        ruleset = allow_path(ruleset, Path::new(path), read | AccessFs::WriteFile | AccessFs::Truncate)?;
    }
    if let Some(package) = package_of(bounds.real) {
        ruleset = allow_path(ruleset, &package, run)?;
    }
    if let Some(program) = bounds.program {
        ruleset = allow(ruleset, program, run)?;
    }
    for (opened, access) in bounds.opened {
        let access = match access {
            Access::Read => read,
            Access::Run => run,
            Access::Change => change(),
        };
        ruleset = allow(ruleset, opened, access)?;
    }
    if let Some(home) = bounds.home {
        // What a program was given the means to make there, it may run.
        ruleset = allow_path(ruleset, home, change() | AccessFs::Execute)?;
    }
    let status = ruleset.restrict_self().map_err(failed)?;
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => {
            Ok(Held { version: number(effective_abi), complete: effective_abi >= COMPLETE })
        }
        LandlockStatus::NotEnabled => {
            Err("this kernel has it switched off; add it to the boot parameter lsm=".to_owned())
        }
        LandlockStatus::NotImplemented if answer.raw_os_error() != Some(libc::ENOSYS) => Err(super::forbidden(&answer)),
        LandlockStatus::NotImplemented => Err("this kernel doesn't have it; Linux 5.13 was the first".to_owned()),
    }
}

/// Everything that can be done with files, but no devices and no sockets.
fn change() -> BitFlags<AccessFs> {
    let never = make_bitflags!(AccessFs::{MakeChar | MakeBlock | MakeSock | IoctlDev | Execute});
    AccessFs::from_all(WANTED) & !never
}

/// Allows something by its path; what isn't there needs no rule.
fn allow_path(ruleset: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, String> {
    match open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(opened) => allow(ruleset, &opened, access),
        Err(_) => Ok(ruleset),
    }
}

/// Allows something that's opened. Of what can't be done with a file, nothing is allowed: the library sees to that.
fn allow(ruleset: RulesetCreated, opened: &OwnedFd, access: BitFlags<AccessFs>) -> Result<RulesetCreated, String> {
    ruleset.add_rule(PathBeneath::new(opened.as_fd(), access)).map_err(|error| error.to_string())
}

fn number(abi: ABI) -> i32 {
    // No more than what was asked for.
    let known = [(1, ABI::V1), (2, ABI::V2), (3, ABI::V3), (4, ABI::V4), (5, ABI::V5), (6, ABI::V6), (7, WANTED)];
    known.into_iter().filter(|(_, version)| *version <= abi).map(|(number, _)| number).max().unwrap_or_default()
}
