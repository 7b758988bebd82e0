//! The walls between the stages, as the compiler sees them.
//!
//! Each file in `ui/` is compiled against the library that this test was built with. A line that ends with
//! `//~ E0451` must be refused with that code, and no other line may be refused at all; so a file that's refused for
//! another reason than the one meant fails. `passes.rs` has no mark: it does rightly what the others do wrongly.

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that starts the compiler"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A line, counted from 1, and the code of the error on it.
type Refusals = BTreeSet<(usize, String)>;

#[test]
fn no_proof_is_forged_or_spent_twice_and_no_plaintext_read_outside_custody() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 8, "{files:?}");
    let libraries = &libraries();
    let refused: Vec<(PathBuf, Refusals, Refusals)> = std::thread::scope(|scope| {
        let compiling: Vec<_> =
            files.iter().map(|file| (file, scope.spawn(move || compile(file, libraries)))).collect();
        compiling.into_iter().map(|(file, task)| (file.clone(), marked(file), task.join().unwrap())).collect()
    });
    for (file, marked, refused) in refused {
        let is_control = file.ends_with("passes.rs");
        assert_eq!(marked.is_empty(), is_control, "{} has no mark, or the control has one", file.display());
        let missing: Vec<_> = marked.difference(&refused).collect();
        let other: Vec<_> = refused.difference(&marked).collect();
        assert!(
            missing.is_empty() && other.is_empty(),
            "{}: let through {missing:?}, refused {other:?}",
            file.display()
        );
    }
}

/// The errors a file says it has.
fn marked(file: &Path) -> Refusals {
    let text = fs::read_to_string(file).unwrap();
    let marks = text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, line.split_once("//~ ")?.1)));
    marks.flat_map(|(line, codes)| codes.split(' ').map(move |code| (line, code.to_owned()))).collect()
}

/// A library's name and its file.
type Libraries = [(&'static str, PathBuf); 3];

/// What compiles with libraries that were built for each other, and with no others.
const PROBE: &str = "fn written<T: serde::Serialize>() {}
fn main() { written::<opward::custody::Revealed>(); written::<serde_json::Value>(); }";

/// The library as it was last built, with those it was built with: other builds leave theirs beside them.
fn libraries() -> Libraries {
    let opward = built("opward").remove(0);
    let folder = tempfile::tempdir().unwrap();
    let probe = folder.path().join("probe.rs");
    fs::write(&probe, PROBE).unwrap();
    let pairs = built("serde")
        .into_iter()
        .flat_map(|serde| built("serde_json").into_iter().map(move |json| (serde.clone(), json)));
    let mut sets = pairs.map(|(serde, json)| [("opward", opward.clone()), ("serde", serde), ("serde_json", json)]);
    sets.find(|libraries| rustc(&probe, libraries).status.success()).expect("libraries that go together")
}

fn rustc(file: &Path, libraries: &Libraries) -> Output {
    let out = tempfile::tempdir().unwrap();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--error-format=json", "--cap-lints=allow"]);
    rustc.arg("-L").arg(format!("dependency={}", folder().display())).arg("--out-dir").arg(out.path()).arg(file);
    for (name, library) in libraries {
        rustc.arg("--extern").arg(format!("{name}={}", library.display()));
    }
    rustc.output().unwrap()
}

/// The errors the compiler finds.
fn compile(file: &Path, libraries: &Libraries) -> Refusals {
    let said = String::from_utf8(rustc(file, libraries).stderr).unwrap();
    let messages = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let errors = messages.filter(|message| message["level"] == "error" && !message["spans"][0].is_null());
    let mut refused = Refusals::new();
    for error in errors {
        let code = error["code"]["code"].as_str().unwrap_or("none").to_owned();
        for span in error["spans"].as_array().unwrap().iter().filter(|span| span["is_primary"] == true) {
            refused.insert((usize::try_from(span["line_start"].as_u64().unwrap()).unwrap(), code.clone()));
        }
    }
    refused
}

/// The folder that cargo put this test and all libraries into.
fn folder() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// A library as it was built each time, the last first.
fn built(name: &str) -> Vec<PathBuf> {
    let prefix = format!("lib{name}-");
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let mut built: Vec<_> = entries
        .filter(|entry| {
            let file = PathBuf::from(entry.file_name());
            file.extension().is_some_and(|kind| kind == "rlib") && file.to_str().unwrap().starts_with(&prefix)
        })
        .collect();
    built.sort_by_key(|entry| std::cmp::Reverse(entry.metadata().unwrap().modified().unwrap()));
    built.into_iter().map(|entry| entry.path()).collect()
}
