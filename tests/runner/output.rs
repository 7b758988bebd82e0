//! What programs say reaches whoever runs them, in pieces, and never fills memory.

use opward::runner::{Output, Sandbox, run};

use crate::support::{job, ran};

#[tokio::test]
async fn both_outputs_are_told_apart() {
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let mut job = job(&["both"]);
        job.sandbox = sandbox;
        let ran = ran(job).await.unwrap();
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("to out", "to err"));
    }
}

#[tokio::test]
async fn a_flood_of_output_is_handed_over_whole_and_costs_no_memory() {
    const BYTES: u64 = 1 << 30;
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let mut job = job(&["bomb", &BYTES.to_string()]);
        job.sandbox = sandbox;
        job.timeout = std::time::Duration::from_mins(2);
        let before = resident();
        let (mut bytes, mut largest, mut most) = (0_u64, 0, 0);
        let ended = run(job, |which, piece| {
            assert_eq!(which, Output::Out);
            bytes += u64::try_from(piece.len()).unwrap();
            largest = largest.max(piece.len());
            if bytes % (64 << 20) < 70_000 {
                most = most.max(resident());
            }
        });
        assert_eq!(ended.await.unwrap().exit_code, 0);
        assert_eq!(bytes, BYTES);
        assert!(largest <= 64 * 1024, "{largest}");
        // Other tests run in this process at the same time.
        assert!(most < before + 32 * 1024, "from {before} to {most} KiB");
    }
}

/// This process's memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
