//! A stand-in for 1Password's program `op`, for tests: strict about what it's asked, with a state and faults.
//!
//! A test puts it into a folder under the name `op`. Beside it, `op-world.json` says what exists, who may see it, how
//! this `op` behaves where the real one's behaviour isn't known, and what goes wrong; `op-calls.jsonl` takes one line
//! per call. `README.md` describes both. It knows nothing of opward, and opward nothing of it.

#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own, which stands for somebody else's: it reads the clock and the environment, and \
              starts what `op run` is given"
)]
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "it runs for a few milliseconds, and a world in which an item is no object is the test's mistake"
)]

mod argv;
mod auth;
mod clock;
mod commands;
mod documents;
mod faults;
mod fields;
mod item;
mod items;
mod json;
mod limits;
mod lookup;
mod otp;
mod record;
mod references;
mod reply;
mod stdin;
mod template;
mod templates;
mod world;
mod write;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use record::Record;
use reply::{Reply, error_line};
use world::World;

/// What isn't a command of `op` at all ends with this code: a client that does it is wrong.
const UNEXPECTED: i32 = 97;

fn main() {
    let Some(home) = home() else {
        complain("the folder of the executable can't be found");
        std::process::exit(UNEXPECTED);
    };
    let mut record = Record::begin(&home);
    let exit = match World::read(&home) {
        Ok(world) => call(&home, world, &mut record),
        Err(problem) => {
            complain(&problem);
            UNEXPECTED
        }
    };
    record.end(exit);
    std::process::exit(exit);
}

/// Goes through one call, writes its answer, and gives its exit code.
fn call(home: &Path, mut world: World, record: &mut Record) -> i32 {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let parsed = argv::parse(&arguments, world.version());
    clock::sleep_ms(world.number("delay_ms", 0));
    let invocation = match parsed {
        Ok(invocation) => invocation,
        Err(refusal) => return emit(&refusal.into_reply(&world), None),
    };
    let fault = faults::take(home, &invocation, &mut world);
    if let Some(refusal) = faults::before(fault.as_ref(), &invocation, &world) {
        return emit(&refusal, None);
    }
    let stdin = stdin::read_for(&invocation, &world, record);
    let reply = World::change(home, |world| {
        faults::prepare(fault.as_ref(), &invocation, world);
        let before = world.clone();
        let reply = match commands::run(&invocation, &stdin, world) {
            Ok(stdout) => Reply::ok(stdout),
            Err(refusal) => refusal.into_reply(world),
        };
        faults::after_run(fault.as_ref(), &invocation, &before, world, &reply);
        reply
    });
    let reply = match reply {
        Ok(reply) => reply,
        Err(problem) => {
            complain(&problem);
            return UNEXPECTED;
        }
    };
    // What `op run` starts may take as long as it likes, so it runs with the world unlocked.
    let reply = reply.followed_by_its_program();
    emit(&faults::distort(fault.as_ref(), reply, &world), fault.as_ref())
}

/// Writes an answer out, as fast as the fault says.
fn emit(reply: &Reply, fault: Option<&faults::Fault>) -> i32 {
    // Who has stopped listening is no reason to say so.
    let _ = std::io::stderr().write_all(reply.stderr.as_bytes());
    let mut stdout = std::io::stdout();
    match fault.and_then(faults::Fault::bytes_per_second) {
        None => {
            let _ = stdout.write_all(&reply.stdout);
        }
        Some(rate) => {
            for byte in &reply.stdout {
                if stdout.write_all(std::slice::from_ref(byte)).and_then(|()| stdout.flush()).is_err() {
                    break;
                }
                clock::sleep_ms(1000 / rate.max(1));
            }
        }
    }
    let _ = stdout.flush();
    if fault.is_some_and(faults::Fault::stops_halfway) {
        faults::hang();
    }
    reply.exit
}

fn complain(problem: &str) {
    let _ = std::io::stderr().write_all(error_line(problem, 0).as_bytes());
}

/// The folder it was put into: it may have been found through PATH, so its own name doesn't say.
fn home() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_owned)
}
