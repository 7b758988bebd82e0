//! A program that leaves another behind, as far away from itself as it can.

use std::process::{Command, Stdio};
use std::time::Duration;

/// The word under which it's started.
pub(super) const WORD: &str = "linger";

/// Longer than anything that's attacked here.
const LONG: Duration = Duration::from_mins(1);

/// Starts a process that's nobody's child, in no group and no session of its maker's; says whether it could.
pub(super) fn leave_behind(token: &str) -> bool {
    start(token, "first").is_some_and(|mut first| first.wait().is_ok_and(|status| status.success()))
}

/// Is that process, or the one in between.
pub(super) fn linger(words: &[String]) {
    // It fails only for the leader of a group, and then the next one does it.
    let _ = rustix::process::setsid();
    match words {
        [token, generation] if generation == "first" => drop(start(token, "second")),
        _ => std::thread::sleep(LONG),
    }
}

#[expect(clippy::disallowed_methods, reason = "an attack tries what a confined program could")]
fn start(token: &str, generation: &str) -> Option<std::process::Child> {
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(program);
    command.args([super::WORD, WORD, token, generation]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}
