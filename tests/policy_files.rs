//! The files in `fixtures`: good ones are read, bad ones show exactly what's expected beside them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it doesn't expect"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use opward::config::{Config, Dirs};
use opward::model::{Action, Category, Principal, PrincipalName, SecretPath, Tag, Target, Transport};
use opward::policy::Policy;

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_str().unwrap().to_owned()
}

fn policy_problems(file: &Path, text: &str) -> Option<String> {
    Policy::parse(text, &name(file)).err().map(|problems| format!("{problems}\n"))
}

fn config_problems(file: &Path, text: &str) -> Option<String> {
    let dirs = Dirs::in_one(Path::new("/home/o"));
    Config::parse(text, Path::new(&name(file)), &dirs).err().map(|problems| format!("{problems}\n"))
}

type Read = fn(&Path, &str) -> Option<String>;

const BAD: [(&str, Read, usize); 2] = [("policies/bad", policy_problems, 25), ("configs/bad", config_problems, 25)];

#[test]
fn bad_files_show_what_is_expected_beside_them() {
    for (folder, read, at_least) in BAD {
        let files = files(folder);
        assert!(files.len() >= at_least);
        for (file, text) in files {
            let shown = read(&file, &text).unwrap_or_else(|| panic!("{} was accepted", file.display()));
            let expected = fs::read_to_string(file.with_extension("expected")).unwrap_or_default();
            assert_eq!(shown, expected, "{}", file.display());
        }
    }
}

/// Run this after a deliberate change, then read the difference.
#[test]
#[ignore = "writes the expected files anew"]
fn write_what_bad_files_show() {
    for (folder, read, _) in BAD {
        for (file, text) in files(folder) {
            fs::write(file.with_extension("expected"), read(&file, &text).unwrap()).unwrap();
        }
    }
}

#[test]
fn good_files_are_read() {
    for (file, text) in files("policies/good") {
        assert_eq!(policy_problems(&file, &text), None);
    }
    for (file, text) in files("configs/good") {
        assert_eq!(config_problems(&file, &text), None);
    }
}

/// Every permitted (principal, action, path) over a grid that the good policies speak about.
fn permitted(policy: &Policy) -> Vec<String> {
    let principals = ["claude-code", "ci-1", "cli", "ops", "p"];
    let paths =
        ["Staging/Stripe/password", "Production/Stripe/public-key", "Production/A/b", "Büro/A%2FB/100%25x", "V/I/f"];
    let times = ["2026-11-20T10:00:00Z", "2026-11-20T23:00:00Z", "2030-01-01T10:00:00Z"];
    let mut permitted = Vec::new();
    for (name, transport) in principals.into_iter().flat_map(|name| Transport::ALL.map(|transport| (name, transport))) {
        let claims = [("team", "payments"), ("env", "staging")];
        let who = Principal {
            name: PrincipalName::parse(name).unwrap(),
            transport,
            source_ip: "10.1.2.3".parse().ok(),
            claims: std::sync::Arc::new(claims.map(|(claim, value)| (claim.to_owned(), value.to_owned())).into()),
        };
        for (path, time) in paths.into_iter().flat_map(|path| times.map(|time| (path, time))) {
            let target = Target {
                path: SecretPath::parse(path).unwrap(),
                title_path: None,
                place: None,
                category: Category::ApiCredential,
                tags: [Tag::new("agent").unwrap(), Tag::new("größe").unwrap()].into(),
            };
            let actions = policy.survey(&who, time.parse().ok()).actions(&target);
            let said = |action: Action| format!("{name} {} {action} {path} {time}", transport.as_str());
            permitted.extend(actions.iter().map(said));
        }
    }
    permitted
}

/// A policy is a list of rules, so a file cut between two rules is a policy too. What protects
/// against a cut is the order these files are written in, and should be: denies before allows, and
/// in a rule what narrows it before its `paths`, without which there's no rule.
#[test]
fn a_policy_cut_short_at_any_byte_is_refused_or_permits_no_more() {
    let mut refused = BTreeMap::new();
    for (file, text) in files("policies/good") {
        let whole = permitted(&Policy::parse(&text, "").unwrap());
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            let (cut, rest) = text.split_at(end);
            match Policy::parse(cut, "") {
                Err(_) => *refused.entry(name(&file)).or_insert(0) += 1,
                Ok(policy) => {
                    // Nothing half-written is ever read as something shorter: what's left is whole lines.
                    let line = cut.rsplit('\n').next().unwrap_or_default().trim();
                    let between =
                        line.is_empty() || line.starts_with('#') || rest.trim_start_matches('\r').starts_with('\n');
                    assert!(between, "{} cut at {end}", file.display());
                    // `tables.toml` is there to show what the order can't be when keys stand in tables of their own.
                    if name(&file) == "tables.toml" {
                        continue;
                    }
                    let left = permitted(&policy);
                    assert!(left.iter().all(|one| whole.contains(one)), "{} cut at {end}", file.display());
                }
            }
        }
    }
    assert!(refused.values().sum::<usize>() > 500, "{refused:?}");
}
