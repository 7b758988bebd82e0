//! Measures and tries `opward serve --http` from outside, with clients in a process of their own.
//!
//! | command | |
//! |---|---|
//! | `compare` | how fast it is beside the protocol crate's bare echo server |
//! | `idle` | what ten thousand idle connections and a thousand sessions cost, and whether it's given back |
//! | `slow` | how soon slow clients are closed, and what an honest one feels of them |
//! | `soak` | whether ten principals, at once and at random, ever see anything of each other |
//!
//! `benches/http.sh` builds what it needs and runs the first three. Each prints what it saw as JSON on standard
//! output, and ends with a failure if what's wanted doesn't hold (`compare` only with `--hold`).

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a measuring tool, not the product"
)]

mod ask;
mod compare;
mod figures;
mod home;
mod honest;
mod idle;
mod server;
mod slow;
mod soak;
mod tokens;
mod wire;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

/// Why something can't be measured.
type Failure = Box<dyn Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

/// Measures and tries `opward serve --http` from outside.
#[derive(Parser)]
enum Options {
    /// How fast it is beside a bare echo server.
    Compare(compare::Options),
    /// What idle connections and sessions cost.
    Idle(idle::Options),
    /// How soon slow clients are closed.
    Slow(slow::Options),
    /// Whether principals ever see anything of each other.
    Soak(soak::Options),
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::from).and_then(|runtime| {
            runtime.block_on(async {
                server::raise_file_limit()?;
                match options {
                    Options::Compare(options) => compare::run(&options).await,
                    Options::Idle(options) => idle::run(&options).await,
                    Options::Slow(options) => slow::run(&options).await,
                    Options::Soak(options) => soak::run(&options).await,
                }
            })
        });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("http_load: {error}");
            ExitCode::from(2)
        }
    }
}
