//! A log that can't be written: nothing is opened, everybody is told why, and it ends when there's room again.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test's own tools")]

use std::fs;

use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::json;

use crate::support_robust::{Home, Server, code, is_root};

/// Every kind of request that could open or change something, and those that only look.
fn all_refused(server: &mut Server, why: &str) {
    let path = json!({ "path": "V/I/credential" });
    for (tool, arguments) in [
        ("get_secret", path.clone()),
        ("put_secret", json!({ "path": "V/I/credential", "value": "new-value" })),
        ("rotate_and_store", path.clone()),
        ("get_env_bundle", json!({ "path": "V/I" })),
        ("delete_secret", json!({ "path": "V/I" })),
        ("list_secrets", json!({})),
        ("describe_secret", json!({ "path": "V/I" })),
        ("list_vaults", json!({})),
    ] {
        let answer = server.call(tool, &arguments);
        assert_eq!(code(&answer), "audit_unavailable", "{tool}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{tool}: {message}");
        assert!(!answer["error"]["hint"].as_str().unwrap().is_empty(), "{tool} says no remedy");
        assert!(!answer.to_string().contains("the-value"), "{tool} opened something");
    }
}

fn home() -> Home {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    home
}

#[test]
fn a_folder_in_the_logs_place_opens_nothing() {
    let home = home();
    fs::remove_file(home.file("audit.jsonl")).unwrap();
    fs::create_dir(home.file("audit.jsonl")).unwrap();
    let vault = fs::read(home.file("vault.kdbx")).unwrap();
    let mut server = home.serve();
    all_refused(&mut server, "it isn't a regular file");
    assert!(server.end().0.success());
    assert_eq!(fs::read(home.file("vault.kdbx")).unwrap(), vault, "the vault was changed");
    let get = home.run(&["secret", "get", "V/I/credential"]);
    assert_eq!((get.status.code(), get.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8_lossy(&get.stderr).contains("audit_unavailable"));
}

#[test]
fn a_log_whose_rights_were_taken_opens_nothing() {
    if is_root() {
        println!("NOT CHECKED: root may write to any file");
        return;
    }
    let home = home();
    fs::set_permissions(home.file("audit.jsonl"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    all_refused(&mut home.serve(), "permission denied");
}

#[test]
fn a_full_disk_opens_nothing_until_there_is_room_again() {
    let home = home();
    let vault = fs::read(home.file("vault.kdbx")).unwrap();
    let mut server = home.serve();
    assert_eq!(server.get("V/I/credential")["value"], "the-value");
    // For the server, every file is now as large as it may be: the system answers as on a full disk,
    // and sends the signal that ends a program which hasn't thought of it.
    let before = prlimit(Some(server.pid()), Resource::Fsize, Rlimit { current: Some(1), maximum: None }).unwrap();
    for _ in 0..3 {
        all_refused(&mut server, "the file has the largest size allowed");
    }
    assert_eq!(fs::read(home.file("vault.kdbx")).unwrap(), vault, "the vault was changed");
    prlimit(Some(server.pid()), Resource::Fsize, before).unwrap();
    assert_eq!(server.get("V/I/credential")["value"], "the-value");
    assert_eq!(server.put("V/I/credential", "next")["version"], 2);
    assert!(server.end().0.success());
    home.verify();
}

#[test]
fn a_full_disk_stops_a_person_at_the_command_line_too() {
    let home = home();
    let vault = fs::read(home.file("vault.kdbx")).unwrap();
    // `ulimit -f` counts blocks; none at all leaves no room for a single byte.
    let script = "ulimit -f 0; exec \"$@\" </dev/null";
    let done = home.shell(script, &["secret", "get", "V/I/credential"]);
    assert_eq!((done.status.code(), done.stdout.len()), (Some(1), 0), "{done:?}");
    assert!(String::from_utf8_lossy(&done.stderr).contains("audit_unavailable"), "{done:?}");
    assert_eq!(fs::read(home.file("vault.kdbx")).unwrap(), vault);
    home.verify();
}

#[test]
fn a_broken_chain_opens_nothing_and_its_first_bad_line_is_named() {
    let home = home();
    home.put("V/J/credential", "other");
    let file = home.file("audit.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len();
    // The last record is what a start reads, so a break there is seen at once.
    let broken = text.replace(lines[last - 1], &lines[last - 1].replace("V/J", "V/X"));
    assert_ne!(broken, text);
    fs::write(&file, broken).unwrap();
    let mut server = home.serve();
    all_refused(&mut server, &format!("broken at line {last}"));
    assert!(server.end().0.success());

    let verified = home.run(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(1));
    let said = String::from_utf8(verified.stdout).unwrap();
    assert!(said.contains("broken") && said.contains(&format!("line {last}")), "{said}");
    let doctor = home.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains(&format!("line {last}")));

    // A break further up isn't looked for at each start, but `verify` names it.
    let broken = text.replace(lines[1], &lines[1].replace("V/I", "V/X"));
    assert_ne!(broken, text);
    fs::write(&file, broken).unwrap();
    let verified = home.run(&["audit", "verify", "--json"]);
    assert_eq!(verified.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert!(report.to_string().contains("\"line\":2"), "{report}");
}

#[test]
fn something_else_that_writes_to_the_log_while_its_in_use_is_noticed() {
    use std::io::Write as _;
    let home = home();
    let mut server = home.serve();
    assert_eq!(server.get("V/I/credential")["value"], "the-value");
    let mut log = fs::OpenOptions::new().append(true).open(home.file("audit.jsonl")).unwrap();
    log.write_all(b"{\"seq\":1}\n").unwrap();
    all_refused(&mut server, "something other than opward wrote to the audit log");
}
