//! What another program of the same user sees of opward.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::super::failure::Failure;
use super::finding::{Attacker, Finding};
use super::probe::{self, Looked, Process, Task};
use super::process;
use super::world::World;

/// How long a command may take to be there.
const PATIENCE: Duration = Duration::from_secs(15);

const OTHERS: &str = "other processes of the user can't read the server's memory or environment";
const ARGUMENTS: &str = "nothing is passed as an argument";
const CORE: &str = "core dumps are off";
const WHILE_IT_RUNS: &str = "a command's value is its own while it runs";
const UNSUPPORTED: &str = "this program can't be run as a command, most likely because nothing may be executed in the folder for temporary files, so no supervisor could be looked at";
const ROOT: &str = "root reads nothing";

/// What became of the command that's there to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// It was seen running.
    Seen,
    /// It wasn't, though it could have been.
    Unseen,
    /// It can't be run here.
    Unsupported,
}

/// Makes every attempt of this kind, from a thread of its own: as root, both sides of it are without root's rights, so
/// that it's seen what one program of a user can do to another.
pub(super) async fn attack(world: &Arc<World>) -> Result<Vec<Finding>, Failure> {
    if !cfg!(target_os = "linux") {
        let why = "this system has no way for a process to keep others of the same user out";
        return Ok(vec![Finding::cannot_hold(Attacker::Shell, OTHERS, why, "use Linux, or another user for agents")]);
    }
    let (done, findings) = oneshot::channel();
    let world = Arc::clone(world);
    let started = std::thread::Builder::new().name("shell".to_owned()).spawn(move || {
        let attacked = give_up_rights().and_then(|()| super::super::block_on(as_a_user(&world)));
        // Nobody waits any more only if the attack has failed elsewhere.
        let _ = done.send(attacked.flatten());
    });
    started.map_err(|error| unstarted(&error.to_string()))?;
    let mut findings = findings.await.unwrap_or_else(|_| Err(unstarted("it ended")))?;
    findings.extend(as_root().await?);
    Ok(findings)
}

/// What root sees of this very process, which keeps others out as a server does, where root is who attacks.
async fn as_root() -> Result<Option<Finding>, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let itself = process::process("itself", rustix::process::getpid().as_raw_nonzero().get());
    Ok(Some(root(&look(&["-".to_owned()], &[itself]).await?)))
}

async fn as_a_user(world: &World) -> Result<Vec<Finding>, Failure> {
    let agent = world.agent().await?;
    let seen = async {
        let server = agent.process().and_then(|number| i32::try_from(number).ok());
        let program = running(&world.token).await;
        let named =
            [("the server", server), ("the supervisor", program.and_then(process::parent)), ("the program", program)];
        let processes: Vec<Process> =
            named.into_iter().filter_map(|(name, number)| Some(process::process(name, number?))).collect();
        let looked = look(&[world.in_variable.value.clone(), world.closed.value.clone()], &processes).await;
        // It has been seen, and would stay.
        if let Some(program) = program.and_then(Pid::from_raw) {
            let _ = kill_process(program, Signal::KILL);
        }
        let looked = looked?;
        Ok::<_, Failure>((server.and_then(process::core_limit), program.is_some(), looked))
    };
    let (ran, seen) = tokio::join!(agent.tries("run_command", json!({ "name": "waits" })), seen);
    let ((limit, program, looked), ran) = (seen?, ran?);
    let waiting = match (ran.code() == "unsupported", program && !ran.refused) {
        (true, _) => Waiting::Unsupported,
        (false, true) => Waiting::Seen,
        (false, false) => Waiting::Unseen,
    };
    let mut findings = judge(&looked, waiting);
    findings.push(core(limit.as_deref()));
    world.part(agent).await?;
    Ok(findings)
}

async fn look(needles: &[String], processes: &[Process]) -> Result<Vec<Looked>, Failure> {
    let mut all = Vec::new();
    for needle in needles {
        all.extend(peek(&Task { needle: needle.clone(), processes: processes.to_vec() }).await?);
    }
    Ok(all)
}

/// Root's programs have rights that a user's don't have; without them, root is a user like others. It holds for this
/// thread and for what that starts.
#[cfg(target_os = "linux")]
fn give_up_rights() -> Result<(), Failure> {
    use rustix::thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets};
    use rustix::thread::{set_capabilities, set_capabilities_secure_bits};
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let none = CapabilitySet::empty();
    let without = || {
        set_capabilities_secure_bits(CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED)?;
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
    };
    without().map_err(|error| unstarted(&format!("root's rights can't be given up: {error}")))
}

#[cfg(not(target_os = "linux"))]
fn give_up_rights() -> Result<(), Failure> {
    Ok(())
}

/// Waits for the command that stays a while.
async fn running(token: &str) -> Option<i32> {
    let until = Instant::now() + PATIENCE;
    loop {
        match process::named(token, "waits").as_slice() {
            [] if Instant::now() > until => return None,
            [] => tokio::time::sleep(Duration::from_millis(5)).await,
            [number, ..] => return Some(*number),
        }
    }
}

/// Starts the program that looks.
async fn peek(task: &Task) -> Result<Vec<Looked>, Failure> {
    let failed = |error: std::io::Error| unstarted(&error.to_string());
    let program = std::env::current_exe().map_err(failed)?;
    #[expect(clippy::disallowed_methods, reason = "who looks in from outside is a process of its own")]
    let mut command = Command::new(program);
    command.args([probe::WORD, "peek"]).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child: Child = command.spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(json!(task).to_string().as_bytes()).await.map_err(failed)?;
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    let looked: Option<Vec<Looked>> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    looked.ok_or_else(|| unstarted("it said nothing"))
}

fn unstarted(why: &str) -> Failure {
    Failure::invalid(format!("the program that looks in from outside can't be started: {why}"), "")
}

/// Opward and its supervisor show nothing; a program that it runs is like any other of the user's.
fn judge(looked: &[Looked], waiting: Waiting) -> Vec<Finding> {
    let opwards: Vec<&Looked> = looked.iter().filter(|looked| looked.name != "the program").collect();
    let is_open = |looked: &&&Looked| looked.open && looked.part != "cmdline";
    let mut by: Vec<String> =
        opwards.iter().filter(is_open).map(|looked| format!("{}: {}", looked.name, looked.part)).collect();
    by.sort_unstable();
    by.dedup();
    let expected: &[&str] = match waiting {
        Waiting::Seen | Waiting::Unseen => &["the server", "the supervisor"],
        Waiting::Unsupported => &["the server"],
    };
    let is_missing = |name: &&&str| !opwards.iter().any(|looked| looked.name == **name);
    by.extend(expected.iter().filter(is_missing).map(|name| format!("{name} wasn't seen, so nothing was tried on it")));
    let attempts = opwards.iter().filter(|looked| looked.part != "cmdline").count();
    let arguments: Vec<&Looked> = looked.iter().filter(|looked| looked.part == "cmdline").collect();
    let shown = arguments.iter().filter(|looked| looked.found).map(|looked| looked.name.clone()).collect();
    let found = looked.iter().filter(|looked| looked.name == "the program" && looked.found);
    let mut found: Vec<&str> = found.map(|looked| looked.part.as_str()).collect();
    found.sort_unstable();
    found.dedup();
    let why = match (waiting, found.is_empty()) {
        (Waiting::Unsupported, _) => UNSUPPORTED.to_owned(),
        (Waiting::Unseen, _) => "no program was seen running, so nothing was tried".to_owned(),
        (Waiting::Seen, true) => {
            "nothing was found this time, but the system lets programs of one user look at each other".to_owned()
        }
        (Waiting::Seen, false) => {
            format!("programs of one user may look at each other; found in its {}", found.join(", "))
        }
    };
    // Whatever was open is, but what's closed is only half of the promise.
    let others = if waiting == Waiting::Unsupported && by.is_empty() {
        let remedy = "set TMPDIR to a folder of yours where programs may be executed, and attack again";
        Finding::cannot_hold(Attacker::Shell, OTHERS, UNSUPPORTED, remedy)
    } else {
        Finding::judged(Attacker::Shell, OTHERS, attempts, by)
    };
    vec![
        others,
        Finding::judged(Attacker::Shell, ARGUMENTS, arguments.len(), shown),
        Finding::cannot_hold(
            Attacker::Shell,
            WHILE_IT_RUNS,
            why,
            "prefer stdin or fd to env, which stays as long as the program does; run agents in a sandbox or as another user",
        ),
    ]
}

fn core(limit: Option<&str>) -> Finding {
    let by = match limit {
        Some("0") => None,
        Some(other) => Some(format!("a crash may write {other} bytes")),
        None => Some("the limit can't be read, so nothing is known".to_owned()),
    };
    Finding::judged(Attacker::Shell, CORE, 1, by.into_iter().collect())
}

fn root(looked: &[Looked]) -> Finding {
    let opwards = looked.iter().filter(|looked| looked.name != "the program" && looked.part != "cmdline");
    let mut open: Vec<&str> = opwards.filter(|looked| looked.open).map(|looked| looked.part.as_str()).collect();
    open.sort_unstable();
    open.dedup();
    let why = format!("you're root, and to root nothing is promised; open: {}", open.join(", "));
    Finding::cannot_hold(Attacker::Shell, ROOT, why, "don't run opward, or agents, as root")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(name: &str, part: &str, open: bool, found: bool) -> Looked {
        Looked { name: name.to_owned(), part: part.to_owned(), open, found }
    }

    fn closed() -> Vec<Looked> {
        let parts = ["environ", "maps", "mem", "descriptors", "copied descriptors"];
        let mut all = Vec::new();
        for name in ["the server", "the supervisor"] {
            all.extend(parts.map(|part| looked(name, part, false, false)));
            all.push(looked(name, "cmdline", true, false));
        }
        all.push(looked("the program", "environ", true, true));
        all
    }

    #[test]
    fn a_promise_holds_only_if_both_sides_were_tried() {
        for missing in ["the server", "the supervisor"] {
            let seen: Vec<Looked> = closed().into_iter().filter(|looked| looked.name != missing).collect();
            for waiting in [Waiting::Seen, Waiting::Unseen] {
                assert!(judge(&seen, waiting)[0].is_broken(), "{missing} {waiting:?}");
            }
        }
        let server: Vec<Looked> = closed().into_iter().filter(|looked| looked.name == "the server").collect();
        let finding = &judge(&server, Waiting::Unsupported)[0];
        assert!(matches!(finding.verdict, super::super::finding::Verdict::CannotHold { .. }), "{finding:?}");
        assert!(judge(&[], Waiting::Unsupported)[0].is_broken(), "not even the server was looked at");
        let mut open = server;
        open[0].open = true;
        assert!(judge(&open, Waiting::Unsupported)[0].is_broken());
    }

    #[test]
    fn whatever_of_the_server_can_be_seen_breaks_the_promise() {
        assert!(!judge(&closed(), Waiting::Seen).iter().any(Finding::is_broken));
        for at in 0..closed().len() - 1 {
            let mut seen = closed();
            if seen[at].part == "cmdline" {
                seen[at].found = true;
            } else {
                seen[at].open = true;
            }
            let broken = judge(&seen, Waiting::Seen).iter().filter(|finding| finding.is_broken()).count();
            assert_eq!(broken, 1, "{:?}", seen[at]);
        }
        assert!(judge(&[], Waiting::Unseen).iter().any(Finding::is_broken), "nothing was looked at");
    }

    #[test]
    fn a_limit_that_is_not_zero_breaks_the_promise() {
        assert!(!core(Some("0")).is_broken());
        assert!(core(Some("unlimited")).is_broken() && core(None).is_broken());
    }
}
