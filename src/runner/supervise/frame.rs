//! What opward and a supervisor tell each other, over a socket that nobody else has.
//!
//! A job is its plan as JSON, after its length, and then the values, whose lengths the plan's head gives. Reports are
//! lines of JSON.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::memory::Payload;
use crate::runner::job::{NotRun, Slot};
use crate::runner::prepared::Plan;

/// The most a job may have, with its values.
const MOST: u64 = 64 * 1024 * 1024;

/// What a supervisor says.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::runner) enum Report {
    /// The program wasn't started.
    Refused(NotRun),
    /// It ended, and everything it started.
    Ended {
        /// As shells have it.
        exit_code: i32,
        /// Whether a signal ended it.
        killed: bool,
        /// Whether it took too long.
        timed_out: bool,
        /// What confined it.
        layers: String,
        /// Whether something couldn't be ended or removed.
        left: bool,
    },
}

#[derive(Serialize)]
struct HeadOut<'a> {
    plan: &'a Plan,
    slots: Vec<(&'a Slot, u64)>,
}

#[derive(Deserialize)]
struct HeadIn {
    plan: Plan,
    slots: Vec<(Slot, u64)>,
}

/// Writes a job, in one buffer of the right size that's wiped.
pub(in crate::runner) fn job(plan: &Plan, secrets: &[(Slot, Payload)]) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = |value: &Payload| value.hand_over(|bytes| u64::try_from(bytes.len())).map_err(io::Error::other);
    let slots = secrets.iter().map(|(slot, value)| Ok((slot, length(value)?))).collect::<io::Result<Vec<_>>>()?;
    let values = slots.iter().fold(0_u64, |all, (_, length)| all.saturating_add(*length));
    let head = serde_json::to_vec(&HeadOut { plan, slots })?;
    let size = u32::try_from(head.len()).map_err(io::Error::other)?;
    let all = values.saturating_add(size.into()).saturating_add(4);
    if all > MOST {
        return Err(io::Error::other("the job is too large"));
    }
    let mut frame = Zeroizing::new(Vec::with_capacity(usize::try_from(all).map_err(io::Error::other)?));
    frame.extend(size.to_be_bytes());
    frame.extend(head);
    for (_, value) in secrets {
        value.hand_over(|bytes| frame.extend(bytes));
    }
    Ok(frame)
}

/// Reads a job.
pub(super) fn receive(mut from: impl Read) -> io::Result<(Plan, Vec<(Slot, Payload)>)> {
    let mut size = [0; 4];
    from.read_exact(&mut size)?;
    let head = exactly(&mut from, u32::from_be_bytes(size).into())?;
    let head: HeadIn = serde_json::from_slice(&head)?;
    let value = |(slot, length)| Ok((slot, Payload::new(exactly(&mut from, length)?)));
    let secrets = head.slots.into_iter().map(value).collect::<io::Result<_>>()?;
    Ok((head.plan, secrets))
}

/// Writes a report.
pub(super) fn report(to: &mut impl Write, report: &Report) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    to.write_all(&line)
}

fn exactly(from: &mut impl Read, length: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    if length > MOST {
        return Err(io::Error::other("the job is too large"));
    }
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(length).map_err(io::Error::other)?]);
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}
