//! Ending as the program ended: by its signal, so that whoever waits for opward sees what it would have seen.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use rustix::process::{Signal, getpid, kill_process};

use super::start::ourselves;
use super::word;

/// Ends this process by a signal, if the system lets it; comes back if it doesn't, with the status that shells give.
///
/// Signals that were listened to stay listened to for as long as a program runs, so this one is put in another's place,
/// which is opward once more, and ends itself.
#[must_use]
pub fn end_by(signal: i32) -> ExitCode {
    let _gone = ourselves().arg(word::END).arg(signal.to_string()).exec();
    status(signal)
}

/// What's done under that word.
#[must_use]
pub fn die(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let signal = arguments.into_iter().next().and_then(|text| text.to_str()?.parse().ok()).unwrap_or_default();
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = kill_process(getpid(), signal);
    }
    // It's ignored here, as it is in whoever started us.
    status(signal)
}

fn status(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX))
}
