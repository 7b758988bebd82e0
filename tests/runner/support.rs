//! What the tests share: jobs, and what comes of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opward::runner::{Argument, Ended, Job, NotRun, Output, Sandbox, run, supervised_by};

/// How long something may take that happens at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A program that ran.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) ended: Ended,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Opward itself, which supervises.
pub(crate) fn opward() -> PathBuf {
    std::env::var_os("OPWARD_TEST_SUPERVISOR").map_or_else(|| env!("CARGO_BIN_EXE_opward").into(), PathBuf::from)
}

/// The program that says what it finds.
pub(crate) fn probe() -> PathBuf {
    if let Some(probe) = std::env::var_os("OPWARD_TEST_PROBE") {
        return probe.into();
    }
    let probe = Path::new(env!("CARGO_BIN_EXE_opward")).with_file_name("examples").join("probe");
    assert!(probe.exists(), "build it first: cargo build --example probe");
    probe
}

/// A job for that program, confined as far as the system can, with time enough.
pub(crate) fn job(arguments: &[&str]) -> Job {
    supervised_by(opward());
    Job {
        exe: probe(),
        pinned: None,
        may_be_script: false,
        arguments: arguments.iter().map(|text| Argument::Text(text.into())).collect(),
        variables: Vec::new(),
        secrets: Vec::new(),
        directory: None,
        may_read: Vec::new(),
        may_write: Vec::new(),
        network: false,
        timeout: PATIENCE,
        sandbox: Sandbox::Prefer,
    }
}

/// Runs a job and keeps all it says.
pub(crate) async fn ran(job: Job) -> Result<Ran, NotRun> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = run(job, |which, piece| match which {
        Output::Out => out.extend_from_slice(piece),
        Output::Err => err.extend_from_slice(piece),
    });
    let ended = ended.await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Ran { ended, out: text(out), err: text(err) })
}

/// Looks again and again until something is so.
pub(crate) fn until(what: &str, within: Duration, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        std::thread::yield_now();
    }
}

/// Whether a process is there that hasn't ended.
pub(crate) fn lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        !matches!(state, Some('Z' | 'X') | None)
    })
}

/// The processes whose environment has a variable of this value, whoever started them.
pub(crate) fn with_variable(mark: &str) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let marked = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == format!("MARK={mark}").as_bytes()))
    };
    processes.filter(marked).filter(|pid| lives(*pid)).collect()
}
