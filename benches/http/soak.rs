//! Whether ten principals, at once and at random, ever see anything of each other.
//!
//! Each has a vault of its own, and in its names and in its values a word that's in nobody else's: its canaries. All
//! bytes that come to it are searched for the others'. Meanwhile values change, the policy changes, tokens are
//! renewed, clients go away in the middle, and strangers knock. Afterwards the log must verify, and neither it nor
//! standard error nor any other file may hold a value or a token.

mod files;
mod mix;
mod tally;
mod watch;
mod worker;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::mix::Mix;
use self::tally::Tally;
use self::worker::Worker;
use self::world::World;
use crate::Result;
use crate::figures::{mib, number, round};
use crate::server::{Server, command};
use crate::tokens::random;

/// How many clients each principal has.
const CLIENTS: u64 = 4;

/// How often the policy changes, and how often signed tokens are renewed.
const RELOAD: Duration = Duration::from_secs(3);
const RENEW: Duration = Duration::from_secs(10);

/// The least part of the wanted requests that counts as a soak.
const ENOUGH: f64 = 0.6;

/// Whether principals ever see anything of each other.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The program to try.
    #[arg(long)]
    opward: PathBuf,
    /// For how long.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// How many requests a second.
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// Where chance begins; given, clients do the same again.
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) async fn run(options: &Options) -> Result<bool> {
    let seed = options.seed.map_or_else(|| Ok(u64::from_le_bytes(random()?)), Result::Ok)?;
    let world = World::new(&options.opward)?;
    let arguments = ["--log", "info", "serve", "--http", "127.0.0.1:0"];
    let home = world.home.path();
    let server = Server::start(&options.opward, &arguments, Some(&home), world.home.beside("opward.log"), None)?;
    let address = server.address;
    let world = Arc::new(world);
    let tally = Arc::new(Tally::default());
    watch::prove_it_bites(&world)?;

    let stop = Arc::new(AtomicBool::new(false));
    let mut working = JoinSet::new();
    let pace = Duration::from_millis(1000 * CLIENTS * number_of(&world) / options.rate.max(1));
    for owner in world.owners() {
        for client in 0..CLIENTS {
            let mix = Mix::new(seed ^ (owner_seed(owner) << 8 | client));
            let worker = Worker::new(Arc::clone(&world), Arc::clone(&tally), owner, address, mix);
            working.spawn(worker.work(pace, Arc::clone(&stop)));
        }
    }
    let began = Instant::now();
    let resident = mib(server.resident_kib()?);
    change_things(&world, began + Duration::from_secs(options.seconds)).await?;
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = working.join_next().await {
        done??;
    }
    let took = began.elapsed();
    let resident = [resident, mib(server.resident_kib()?)];
    let log = server.log.clone();
    if !server.end()? {
        tally.finding("the server didn't end well".to_owned());
    }
    let verified = command(&options.opward, Some(&home)).args(["audit", "verify"]).output()?;
    if !verified.status.success() {
        tally.finding(format!("the audit log doesn't verify: {}", String::from_utf8_lossy(&verified.stderr)));
    }
    let looked_at = files::search(&world, &log, &tally)?;
    let wanted = number(usize::try_from(options.seconds.saturating_mul(options.rate))?);
    tally.check_mix();
    if number(tally.requests()) < wanted * ENOUGH {
        tally.finding(format!("only {} requests, where {wanted} were wanted", tally.requests()));
    }
    let well = tally.findings() == 0;
    let report = json!({
        "seed": seed, "seconds": round(took.as_secs_f64()), "requests": tally.requests(),
        "requests_per_s": round(number(tally.requests()) / took.as_secs_f64()),
        "principals": world.owners().len(), "what_came": tally.report(), "files": looked_at,
        "audit": String::from_utf8_lossy(&verified.stdout).trim(),
        "rss_mib": resident.map(round), "findings": tally.findings(), "first_findings": tally.first_findings(),
        "held": well,
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(well)
}

/// Changes the policy and renews tokens until the end.
async fn change_things(world: &World, end: Instant) -> Result<()> {
    let mut ticks = interval(RELOAD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    let mut denies = false;
    while Instant::now() + RELOAD < end {
        ticks.tick().await;
        world.set_policy(denies)?;
        denies = !denies;
        if renewed.elapsed() >= RENEW {
            renewed = Instant::now();
            world.renew_tokens()?;
        }
    }
    sleep(end.saturating_duration_since(Instant::now())).await;
    Ok(())
}

fn number_of(world: &World) -> u64 {
    u64::try_from(world.owners().len()).unwrap_or(u64::MAX)
}

fn owner_seed(owner: usize) -> u64 {
    u64::try_from(owner).unwrap_or_default()
}
