//! What the process takes away from itself and from its neighbours, in two steps: what must come
//! before anything is read, and what the configuration has a say in.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Refusal;

/// One thing a process is protected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// No core dumps: a crash writes no memory to disk.
    CoreDumps,
    /// Other processes of the same user can't attach, nor read memory, environment or descriptors.
    Readers,
    /// Neither this process nor a child gains rights by executing a set-user-id program.
    NewPrivileges,
}

/// What became of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds: set, then read back.
    Held,
    /// It doesn't.
    Failed(Refusal),
    /// Left off, because a configured program can't be used otherwise.
    LeftOff,
    /// Left out on request, in a build for tests.
    #[cfg(debug_assertions)]
    LeftOut,
}

/// Who may read this process's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Nobody.
    Nobody,
    /// Tests that scan it for what shouldn't be there. Release builds don't have this.
    #[cfg(debug_assertions)]
    Tests,
}

/// Whether a child may have more rights than this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileges {
    /// None may.
    Inherited,
    /// A child must: one that runs under a group of its own, since 1Password's app answers `op` only then.
    OfPrograms,
    /// A child is a person's own command, and has all that the person has. It may have core dumps, too, if it asks for
    /// them: the limit on them that can't be raised again isn't touched.
    OfAPerson,
}

/// The first step, taken by [`harden`].
#[derive(Debug, Clone, Copy)]
#[must_use = "the second step is still to be taken"]
pub struct Hardened {
    core_dumps: Outcome,
    readers: Outcome,
}

/// What hardening came to, for `doctor` and the start record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a measure that failed is to be reported"]
pub struct Hardening {
    core_dumps: Outcome,
    readers: Outcome,
    new_privileges: Outcome,
}

impl Measure {
    /// The measure as one fixed word, for records and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CoreDumps => "core_dumps",
            Self::Readers => "readers",
            Self::NewPrivileges => "new_privileges",
        }
    }

    /// The measure as a promise to a person.
    #[must_use]
    pub const fn promise(self) -> &'static str {
        match self {
            Self::CoreDumps => "a crash writes no core dump",
            Self::Readers => "other processes of this user can't read its memory",
            Self::NewPrivileges => "neither it nor a child can gain privileges",
        }
    }
}

impl Outcome {
    /// The outcome as one fixed word, for records and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed(_) => "failed",
            Self::LeftOff => "left_off",
            #[cfg(debug_assertions)]
            Self::LeftOut => "left_out",
        }
    }

    /// Whether the measure holds.
    #[must_use]
    pub fn held(self) -> bool {
        self == Self::Held
    }
}

impl Hardening {
    /// Each measure with what became of it.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, Outcome)> + use<> {
        [
            (Measure::CoreDumps, self.core_dumps),
            (Measure::Readers, self.readers),
            (Measure::NewPrivileges, self.new_privileges),
        ]
        .into_iter()
    }

    /// Whether every measure holds.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.iter().all(|(_, outcome)| outcome.held())
    }
}

impl serde::Serialize for Hardening {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(measure, outcome)| (measure.word(), outcome.word())))
    }
}

/// Takes the measures that come first, and reports instead of failing.
///
/// It has to come first in `main`, before a secret is read. Afterwards most of `/proc/self` belongs
/// to root, so nothing should count on reading it.
pub fn harden(readers: Readers) -> Hardened {
    super::descriptors::keep_descriptors();
    Hardened {
        core_dumps: outcome(no_core_dumps()),
        readers: match readers {
            Readers::Nobody => outcome(no_readers()),
            #[cfg(debug_assertions)]
            Readers::Tests => Outcome::LeftOut,
        },
    }
}

impl Hardened {
    /// Takes the last measure, if it's wanted.
    ///
    /// It has to come before a thread is started: only threads started after it have it, too.
    pub fn finish(self, privileges: Privileges) -> Hardening {
        let new_privileges = match privileges {
            Privileges::Inherited => outcome(no_new_privileges()),
            Privileges::OfPrograms | Privileges::OfAPerson => Outcome::LeftOff,
        };
        let core_dumps = match privileges {
            Privileges::Inherited | Privileges::OfPrograms if self.core_dumps.held() => outcome(never_core_dumps()),
            Privileges::Inherited | Privileges::OfPrograms | Privileges::OfAPerson => self.core_dumps,
        };
        Hardening { core_dumps, readers: self.readers, new_privileges }
    }
}

fn outcome(result: Result<bool, Refusal>) -> Outcome {
    match result {
        Ok(true) => Outcome::Held,
        Ok(false) => Outcome::Failed(Refusal::NoEffect),
        Err(refusal) => Outcome::Failed(refusal),
    }
}

/// None by this process, which doesn't ask for them again.
fn no_core_dumps() -> Result<bool, Refusal> {
    limit_core_dumps(getrlimit(Resource::Core).maximum)?;
    Ok(getrlimit(Resource::Core).current == Some(0))
}

/// No core dumps by this process or a child, whatever those ask for.
///
/// # Errors
///
/// The system's.
pub fn never_core_dumps() -> Result<bool, Refusal> {
    limit_core_dumps(Some(0))?;
    let limit = getrlimit(Resource::Core);
    Ok((limit.current, limit.maximum) == (Some(0), Some(0)))
}

fn limit_core_dumps(maximum: Option<u64>) -> Result<(), Refusal> {
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum })?)
}

#[cfg(target_os = "linux")]
fn no_readers() -> Result<bool, Refusal> {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(dumpable_behavior()? == DumpableBehavior::NotDumpable)
}

#[cfg(target_os = "linux")]
fn no_new_privileges() -> Result<bool, Refusal> {
    use rustix::thread::{no_new_privs, set_no_new_privs};

    set_no_new_privs(true)?;
    Ok(no_new_privs()?)
}

#[cfg(not(target_os = "linux"))]
fn no_readers() -> Result<bool, Refusal> {
    Err(Refusal::Unsupported)
}

#[cfg(not(target_os = "linux"))]
fn no_new_privileges() -> Result<bool, Refusal> {
    Err(Refusal::Unsupported)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::super::{in_a_process_of_its_own, is_such_a_process};
    use super::*;

    // Hardening can't be undone and would blind the other tests, so it's tried in a child.

    #[test]
    fn a_hardened_process_holds_all_three() {
        in_a_process_of_its_own("memory::harden::tests::child_holds_all_three");
    }

    #[test]
    #[ignore = "run by the test above in a process of its own"]
    fn child_holds_all_three() {
        if !is_such_a_process() {
            return;
        }
        let hardening = harden(Readers::Nobody).finish(Privileges::Inherited);
        assert!(hardening.complete(), "{hardening:?}");
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
        assert_eq!(rustix::process::getrlimit(rustix::process::Resource::Core).maximum, Some(0));
        let json = serde_json::to_string(&hardening).unwrap();
        assert_eq!(json, r#"{"core_dumps":"held","readers":"held","new_privileges":"held"}"#);
    }

    #[test]
    fn what_a_program_needs_is_left_off_and_said() {
        in_a_process_of_its_own("memory::harden::tests::child_leaves_privileges");
    }

    #[test]
    #[ignore = "run by the test above in a process of its own"]
    fn child_leaves_privileges() {
        if !is_such_a_process() {
            return;
        }
        let before = rustix::thread::no_new_privs().unwrap();
        let hardening = harden(Readers::Nobody).finish(Privileges::OfPrograms);
        assert!(!hardening.complete());
        let json = serde_json::to_string(&hardening).unwrap();
        assert_eq!(json, r#"{"core_dumps":"held","readers":"held","new_privileges":"left_off"}"#);
        assert_eq!(rustix::thread::no_new_privs().unwrap(), before, "it was set all the same");
    }

    #[test]
    fn a_person_s_command_may_ask_for_core_dumps_and_opward_has_none() {
        in_a_process_of_its_own("memory::harden::tests::child_may_ask_for_core_dumps");
    }

    #[test]
    #[ignore = "run by the test above in a process of its own"]
    fn child_may_ask_for_core_dumps() {
        if !is_such_a_process() {
            return;
        }
        let before = getrlimit(Resource::Core).maximum;
        let hardening = harden(Readers::Nobody).finish(Privileges::OfAPerson);
        assert!(hardening.iter().any(|found| found == (Measure::CoreDumps, Outcome::Held)));
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), before));
    }

    #[test]
    #[cfg(debug_assertions)]
    fn a_process_for_scanning_tests_stays_readable_and_says_so() {
        in_a_process_of_its_own("memory::harden::tests::child_stays_readable");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[ignore = "run by the test above in a process of its own"]
    fn child_stays_readable() {
        if !is_such_a_process() {
            return;
        }
        let hardening = harden(Readers::Tests).finish(Privileges::Inherited);
        assert!(!hardening.complete());
        assert_eq!(hardening.iter().filter(|(_, outcome)| outcome.held()).count(), 2);
        assert!(hardening.iter().any(|found| found == (Measure::Readers, Outcome::LeftOut)));
        assert!(std::fs::File::open("/proc/self/mem").is_ok());
    }

    #[test]
    fn a_refusal_keeps_its_reason() {
        assert_eq!(outcome(Err(Refusal::Permission)), Outcome::Failed(Refusal::Permission));
        assert_eq!(outcome(Ok(false)), Outcome::Failed(Refusal::NoEffect));
    }
}
