//! What it costs to run a program: plain, through the runner without a sandbox, and with one.
//!
//! `cargo bench --bench runner` prints medians of runs in turn, and their ratios. On a machine that does other things, the fastest tenth
//! says more.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use opward::runner::{Job, Sandbox, run, supervised_by};

/// Runs of each kind.
const ROUNDS: usize = 300;

/// What's waited before each run, so that none pays for what an earlier one leaves to be done, the start of the next
/// supervisor: calls of agents are further apart.
const PAUSE: Duration = Duration::from_millis(20);

fn main() {
    supervised_by(PathBuf::from(env!("CARGO_BIN_EXE_opward")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("/bin/true, {ROUNDS} runs of each in turn, {PAUSE:?} apart:");
    show(&measured(&runtime));
}

fn show(taken: &[Vec<Duration>; 3]) {
    let at = |kind: usize, part: usize| {
        let all = taken.get(kind).unwrap();
        all.get(all.len() / part).unwrap().as_secs_f64() * 1e3
    };
    for (kind, name) in ["plain spawn", "runner, no sandbox", "runner, sandbox"].into_iter().enumerate() {
        let (median, fast) = (at(kind, 2), at(kind, 10));
        let (times, fast_times) = (median / at(0, 2), fast / at(0, 10));
        println!(
            "  {name:18}  median {median:.3} ms, {times:.2} times  fastest tenth {fast:.3} ms, {fast_times:.2} times"
        );
    }
}

/// What each kind took, from the fastest to the slowest.
fn measured(runtime: &tokio::runtime::Runtime) -> [Vec<Duration>; 3] {
    let mut taken: [Vec<Duration>; 3] = std::array::from_fn(|_| Vec::new());
    for round in 0..ROUNDS + 20 {
        for (kind, taken) in taken.iter_mut().enumerate() {
            std::thread::sleep(PAUSE);
            let begun = Instant::now();
            runtime.block_on(async {
                match kind {
                    0 => plain().await,
                    1 => through_the_runner(Sandbox::Off).await,
                    _ => through_the_runner(Sandbox::Prefer).await,
                }
            });
            if round >= 20 {
                taken.push(begun.elapsed());
            }
        }
    }
    for taken in &mut taken {
        taken.sort_unstable();
    }
    taken
}

async fn plain() {
    let output = tokio::process::Command::new("/bin/true").output().await.unwrap();
    assert!(output.status.success());
}

async fn through_the_runner(sandbox: Sandbox) {
    let job = Job {
        exe: PathBuf::from("/bin/true"),
        pinned: None,
        may_be_script: false,
        arguments: Vec::new(),
        variables: Vec::new(),
        secrets: Vec::new(),
        directory: None,
        may_read: Vec::new(),
        may_write: Vec::new(),
        network: false,
        timeout: Duration::from_secs(10),
        sandbox,
    };
    let ended = run(job, |_, _| {}).await.unwrap();
    assert_eq!(ended.exit_code, 0);
}
