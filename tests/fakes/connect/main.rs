//! A strict, stateful stand-in for a 1Password Connect server, for tests and for 1Password's own clients.
//!
//! ```text
//! fake_connect [--world FILE.json] [--token TOKEN]
//! ```
//!
//! It binds a free port of 127.0.0.1, prints `{"url":"…","token":"…"}` on one line, and serves until its
//! standard input ends. It refuses what the real server refuses; what nobody could confirm about that one is a
//! switch in [`settings`], what can go wrong is in [`faults`], and tests steer it through [`control`].

#![expect(clippy::disallowed_methods, reason = "a program for tests, which lives by the real clock")]

mod activity;
mod answer;
mod api;
mod call;
mod check;
mod control;
mod faults;
mod field;
mod filter;
mod generate;
mod item;
mod journal;
mod line;
mod otp;
mod patch;
mod reads;
mod serve;
mod settings;
mod state;
mod world;
mod writes;

use std::error::Error;
use std::io::{self, Read as _, Write as _};

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::line::Lines;
use crate::state::State;
use crate::world::World;

/// The token of the world that's built in.
const TOKEN: &str = "fake.connect.token";

struct Arguments {
    world: Option<String>,
    token: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let token = arguments.token.unwrap_or_else(|| TOKEN.to_owned());
    let world = match arguments.world {
        Some(file) => World::parse(&std::fs::read(file)?, &token)?,
        None => World::built_in(&token)?,
    };
    // What's still being answered, or hangs, is dropped with the runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(run(world, token));
    runtime.shutdown_background();
    served
}

async fn run(world: World, token: String) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = serve::service(State::new(world));
    let mut stdout = io::stdout();
    writeln!(stdout, r#"{{"url":"{url}","token":{}}}"#, serde_json::json!(token))?;
    stdout.flush()?;
    tokio::select! {
        served = axum::serve(Lines::new(listener), service) => served?,
        () = stdin_ends() => {}
    }
    Ok(())
}

/// Waits for the end of standard input, in a thread that nobody waits for.
async fn stdin_ends() {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _ = ended.send(());
    });
    let _ = end.await;
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { world: None, token: None };
        while let Some(argument) = given.next() {
            let place = match argument.as_str() {
                "--world" => &mut arguments.world,
                "--token" => &mut arguments.token,
                other => return Err(format!("unknown argument {other}; usage: [--world FILE.json] [--token TOKEN]")),
            };
            *place = Some(given.next().ok_or_else(|| format!("{argument} needs a value"))?);
        }
        Ok(arguments)
    }
}
