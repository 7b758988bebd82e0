//! What this program is when an attack has it started once more: the program that a command runs, and the one that
//! looks at others from outside.

#[cfg(target_os = "linux")]
mod change;
mod inside;
mod linger;
mod peek;

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::super::output::Output;
use super::forms;
pub(super) use inside::{Kind, Report, Tried};
pub(super) use peek::{Looked, Process, Task};

/// The word that no command has, under which it's started.
pub(super) const WORD: &str = "attack-probe";

/// The most that's read from standard input.
const MOST_INPUT: u64 = 1 << 20;

/// How long the program stays at most that's looked at from outside.
const STAYS: Duration = Duration::from_secs(18);

/// Does what it was started for; `None`, if that's something else.
pub(in crate::cli) fn as_a_probe(command_line: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let words = command_line.into_iter().skip(1).map(|word| word.into_string().ok());
    let words: Vec<String> = words.collect::<Option<_>>()?;
    let (WORD, [task, rest @ ..]) = (words.first()?.as_str(), words.get(1..)?) else { return None };
    let output = Output::new(true);
    match task.as_str() {
        "forms" => {
            print_in(&forms::HIDDEN, output);
            output.note(given());
        }
        "misses" => print_in(&forms::MISSED, output),
        "arguments" => output.line(json!(rest)),
        "inside" => output.line(json!(inside::report(rest)?)),
        "waits" => {
            like_any_other();
            std::thread::sleep(STAYS);
        }
        linger::WORD => linger::linger(rest),
        "peek" => output.line(json!(peek::peek(&given()))),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

fn print_in(all: &[&str], output: Output) {
    let value = given();
    for form in all {
        output.line(format_args!("== {form} ==\n{}", forms::write(form, value.as_bytes())));
    }
}

fn given() -> String {
    let mut text = String::new();
    let _ = io::stdin().lock().take(MOST_INPUT).read_to_string(&mut text);
    text
}

/// Takes back what this program takes away from its neighbours at its start, since other programs don't.
fn like_any_other() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable);
}
