//! The line that each call leaves behind, so that a test can say how often and how `op` was asked.
//!
//! It's written when the call begins, and what's known only at the end is put in then: a call that was killed
//! has its line all the same.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use rustix::process::{getpid, test_kill_process_group};
use serde_json::json;

use crate::stdin;

/// The room kept for what comes at the end: `"`, 64 digits and `"`, and two numbers.
const ROOM: [(&str, usize); 3] = [("\"stdin_sha256\":", 66), ("\"exit\":", 6), ("\"ms\":", 12)];

/// The line of this call.
pub(crate) struct Record {
    place: Option<(File, u64)>,
    began: Instant,
    stdin_sha256: Option<String>,
}

/// Whether this process has a group of its own. Not asked for its number: a group that's led from outside a container
/// has none there.
fn leads_a_group() -> bool {
    test_kill_process_group(getpid()).is_ok()
}

impl Record {
    /// Writes the line as far as it's known.
    pub(crate) fn begin(home: &Path) -> Self {
        let mut record = Self { place: None, began: Instant::now(), stdin_sha256: None };
        let words: Vec<_> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        let environment: BTreeMap<_, _> = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let known = json!({
            "argv": words,
            "env": environment,
            "stdin_kind": stdin::kind(),
            "pgid_is_own": leads_a_group(),
            "pid": getpid().as_raw_nonzero().get(),
        });
        let known = known.to_string();
        let open = known.strip_suffix('}').unwrap_or(&known);
        let rest = record.rest(None);
        let Ok(file) =
            OpenOptions::new().create(true).append(false).truncate(false).write(true).open(home.join("op-calls.jsonl"))
        else {
            return record;
        };
        if file.lock().is_err() {
            return record;
        }
        if let Ok(at) = file.metadata().map(|about| about.len()) {
            let line = format!("{open},{rest}}}\n");
            if file.write_all_at(line.as_bytes(), at).is_ok() {
                let offset = u64::try_from(open.len() + 1).unwrap_or_default();
                record.place = file.try_clone().ok().map(|file| (file, at + offset));
            }
        }
        let _ = file.unlock();
        record
    }

    /// Takes down what came on standard input, by its digest only.
    pub(crate) fn read(&mut self, stdin: &[u8]) {
        let digits = digest(&SHA256, stdin).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.stdin_sha256 = Some(digits);
        self.put(None);
    }

    /// Completes the line.
    pub(crate) fn end(&self, exit: i32) {
        self.put(Some(exit));
    }

    fn put(&self, exit: Option<i32>) {
        if let Some((file, at)) = &self.place {
            let _ = file.write_all_at(self.rest(exit).as_bytes(), *at);
        }
    }

    /// The end of the line, always of the same length.
    fn rest(&self, exit: Option<i32>) -> String {
        let null = || "null".to_owned();
        let values = [
            self.stdin_sha256.as_ref().map_or_else(null, |digits| format!("\"{digits}\"")),
            exit.map_or_else(null, |exit| exit.to_string()),
            exit.map_or_else(null, |_| self.began.elapsed().as_millis().to_string()),
        ];
        let parts = ROOM.iter().zip(values).map(|((name, room), value)| format!("{name}{value:<room$}"));
        parts.collect::<Vec<_>>().join(",")
    }
}
