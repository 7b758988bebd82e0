//! The house rules that no compiler holds: who imports whom, and what is absent from everywhere but one place.
//!
//! `src/README.md` has the table in words. Unit tests (`tests.rs`, `tests/` and `#[cfg(test)] mod tests` at a file's
//! end) are left out: they may start processes, print why they skip, and make what a later stage would be handed.

#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that reads ASCII words")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which module may import which; `app` may import all, and each itself.
const MAY_IMPORT: [(&str, &str); 19] = [
    ("model", ""),
    ("memory", ""),
    ("redact", "model"),
    ("runner", "model memory"),
    ("egress", "model memory"),
    ("policy", "model"),
    ("state", "model"),
    ("telemetry", "model"),
    ("audit", "model state"),
    ("identity", "model state"),
    ("approval", "model policy state audit"),
    ("authz", "model identity policy approval audit state"),
    ("custody", "model memory redact authz"),
    ("broker", "model memory policy authz custody redact runner egress audit state"),
    ("tools", "model identity authz broker"),
    ("transport", "model identity approval tools telemetry"),
    ("config", "model policy"),
    ("cli", "app config model"),
    ("main", "cli memory"),
];

/// What may stand only in a few places: the text, and those places (a folder ends with `/`).
const ONLY_IN: [(&str, &[&str]); 20] = [
    // Neither by its full name nor under another one.
    ("process::Command", &[]),
    ("Command as", &[]),
    // The demo and the attack on itself are their own clients, and clients start servers; the attack is also the program
    // that tries to get out, and the one that looks in from outside. 1Password is asked through its program. The runner
    // starts what the policy names.
    (
        "Command::new",
        &[
            "cli/attack/probe/linger.rs",
            "cli/attack/shell.rs",
            "cli/stage/client.rs",
            "custody/source/op/process.rs",
            "runner/",
        ],
    ),
    ("SystemTime::now", &["model/clock.rs"]),
    ("Timestamp::now", &[]),
    ("Zoned::now", &[]),
    // Hardening comes before the configuration is read.
    ("env::var", &[]),
    ("env::vars", &[]),
    ("env::var_os", &["main.rs"]),
    ("env::vars_os", &["config/environment.rs"]),
    ("env::set_var", &[]),
    ("io::stdout", &["cli/output.rs", "transport/stdio/pipes.rs"]),
    ("print!(", &[]),
    ("println!(", &[]),
    ("unsafe {", &["memory/"]),
    ("unsafe impl", &["memory/"]),
    ("unbounded_channel", &[]),
    ("channel::unbounded", &[]),
    ("expose_secret", &["custody/value.rs"]),
    // A plaintext that has left custody is read where it's put to use.
    ("hand_over(", &["runner/", "egress/"]),
];

/// What decides must be a pure function: these words would say that it isn't.
const PURE: (&str, [&str; 7]) =
    ("policy/decide.rs", ["std::fs", "std::io", "std::net", "tokio", "Clock", "Instant", "env::"]);

/// The most lines of a file, tests included.
const MOST_LINES: usize = 400;

/// A file of the product: its path below `src`, and its code without comments and unit tests.
struct Source {
    path: String,
    code: String,
    lines: usize,
}

#[test]
fn modules_import_only_what_stands_below_them() {
    let mut wrong = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for source in product() {
        let from = source.module();
        if from == "app" || from == "lib" {
            continue;
        }
        let allowed = MAY_IMPORT.iter().find(|(module, _)| *module == from);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("src/{} is in no module of the table", source.path));
        for to in imports(&source.code) {
            if to != from && !allowed.split(' ').any(|module| module == to) {
                wrong.insert(format!("src/{} imports {to}, which {from} may not", source.path));
            }
            seen.insert((from.to_owned(), to));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Were the scan blind, all of the above would be empty words.
    for known in [("tools", "broker"), ("broker", "custody"), ("cli", "app"), ("custody", "memory"), ("main", "memory")]
    {
        assert!(seen.contains(&(known.0.to_owned(), known.1.to_owned())), "{known:?} wasn't seen");
    }
}

#[test]
fn every_module_of_the_crate_is_in_the_table() {
    let lib = fs::read_to_string(root().join("lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules.filter(|module| *module != "app") {
        assert!(MAY_IMPORT.iter().any(|(known, _)| *known == module), "{module} isn't in the table");
    }
}

#[test]
fn what_belongs_in_one_place_is_nowhere_else() {
    let sources = product();
    let mut wrong = Vec::new();
    for (text, places) in ONLY_IN {
        for source in &sources {
            let allowed = places.iter().any(|place| covers(place, &source.path));
            let lines = source.code.lines().filter(|line| contains_word(line, text));
            wrong.extend(
                lines.filter(|_| !allowed).map(|line| format!("src/{}: {} ({text})", source.path, line.trim())),
            );
        }
        for place in places {
            let used = sources.iter().any(|source| covers(place, &source.path) && source.code.contains(text));
            assert!(used, "{place} no longer has {text}: take it from the list");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn deciding_does_nothing_but_compute() {
    let (place, words) = PURE;
    let sources = product();
    let decide = sources.iter().find(|source| source.path == place).unwrap();
    for word in words {
        assert!(!contains_word(&decide.code, word), "src/{place} names {word}");
    }
}

#[test]
fn no_file_is_too_long_to_read_in_one_go() {
    let mut lengths: Vec<usize> = product().iter().map(|source| source.lines).collect();
    for source in product() {
        assert!(source.lines <= MOST_LINES, "src/{} has {} lines: split it", source.path, source.lines);
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    assert!(median <= 150, "half of the files have more than {median} lines");
}

impl Source {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let path = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        // By the house's rule, unit tests are the last thing in a file.
        let product = text.split("#[cfg(test)]\n").scan(false, |tests, part| {
            let first = part.lines().find(|line| !line.starts_with("#["));
            // The part before the first `#[cfg(test)]` may itself begin with anything.
            *tests |= part.as_ptr() != text.as_ptr()
                && first.is_some_and(|line| line.starts_with("mod ") || line.starts_with("fn "));
            (!*tests).then_some(part)
        });
        let product = product.collect::<String>();
        let code = product.lines().map(|line| line.split("// ").next().unwrap_or(line));
        let code = code.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        Self { path, code, lines: text.lines().count() }
    }

    /// The module a file belongs to: its first folder, or its own name.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// The modules that a text names after `crate::` or `opward::`, in braces or not.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "opward::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            let names = match rest.strip_prefix('{') {
                // `use crate::{a::B, c}`: only the first word of each part matters.
                Some(braced) => braced.split('}').next().unwrap_or_default().split(',').collect(),
                None => vec![rest],
            };
            for name in names {
                let name = name.trim_start();
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
                found.insert(name[..end].to_owned());
            }
        }
    }
    found.remove("");
    found
}

fn covers(place: &str, path: &str) -> bool {
    if place.ends_with('/') { path.starts_with(place) } else { path == place }
}

/// Whether a text stands in a line and isn't the end of a longer word, as `print!(` is of `eprint!(`.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let closed = word.ends_with(|c: char| c.is_ascii_alphanumeric());
        !joined(before) && (!closed || !joined(after))
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of the product below `src`.
fn product() -> Vec<Source> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "tests" || name == "tests.rs" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source::read(&path));
            }
        }
    }
    assert!(found.len() > 100, "only {} files were found", found.len());
    found
}
