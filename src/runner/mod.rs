//! Starts one program, confined, and ends all it started.
//!
//! There's no shell anywhere: a program gets an array of arguments, an environment made from nothing, and the
//! descriptors it's meant to have.
//!
//! A program isn't opward's own child. In between stands a *supervisor*: opward started once more, hardened
//! first thing, which knows this one job and nothing else. It's the parent of last resort for everything below it, so
//! whatever the program leaves behind, detached or not, comes back to it and is ended. It does so when the program
//! ends, when its time is up, and when the socket to opward closes, be it that nobody waits for the answer any more
//! or that opward is gone.
//!
//! What confines the program holds for a thread and what that starts: the supervisor has a thread restrict itself
//! and start the program, and stays free itself. So nothing runs between `fork` and `exec`.
//!
//! - `job`: what's asked, and how it ended.
//! - `place`, `program`, `parameter`: what a path really leads to, and whether others could change that.
//! - `prepared`: a job whose paths have all been opened.
//! - `handed`: values on their way into a program.
//! - `home`: a private, empty folder for one run.
//! - `confine`: Landlock, system-call filter, capabilities, no new privileges.
//! - `supervise`: the supervisor itself; `supervised`: opward's side of it; `spare`: where supervisors come from.

mod confine;
mod handed;
mod home;
mod job;
mod listen;
mod parameter;
mod place;
mod prepared;
mod processes;
mod program;
mod spare;
mod supervise;
mod supervised;
pub mod terminal;

pub use confine::{Layer, layers, package_of, readable_by_all};
pub use job::{Argument, Ended, Job, NotRun, Output, Sandbox, Slot};
pub use prepared::look_at_places;
pub use program::{look_at, real_name};
pub use spare::{make_ready, supervised_by};
pub use supervise::supervise;
pub use supervised::run;

/// The argument, and the only one, with which opward is started as a supervisor.
pub const SUPERVISE: &str = "supervise";
