//! A value shows up in the answer that delivers it, and nowhere else: not on any stream, not in any file, not in any
//! form, whatever goes wrong and however much is logged.

#![allow(clippy::format_collect, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test's own tools")]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::json;

use crate::support_robust::{Home, call, code};

/// Letters that look the same in each encoding would hide which one leaked; these don't, and they need escapes.
fn canary(name: &str) -> String {
    format!("cAnArY/{name}+\"ü\\\n%&{:016x}", rand::random::<u64>())
}

/// The forms in which a value could be written somewhere. The middle stands for all of it, so that a part is found too.
fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let base64 = |shift: usize| {
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&value.as_bytes()[shift..]);
        // The last characters depend on what follows.
        text.as_bytes()[..text.len() - 3].to_vec()
    };
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = value
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let json = serde_json::to_string(value).unwrap();
    vec![
        ("plain", value.as_bytes().to_vec()),
        ("its end, which needs no escape", value.as_bytes()[value.len() - 16..].to_vec()),
        ("JSON", json.trim_matches('"').as_bytes().to_vec()),
        ("debug", format!("{value:?}").trim_matches('"').as_bytes().to_vec()),
        ("bytes", format!("{:?}", value.as_bytes()).trim_matches(['[', ']']).as_bytes().to_vec()),
        ("base64", base64(0)),
        ("base64", base64(1)),
        ("base64", base64(2)),
        ("HEX", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("URL", url.into_bytes()),
        ("reversed", value.bytes().rev().collect()),
    ]
}

fn check_clean(place: &str, bytes: &[u8], canaries: &[String]) {
    for canary in canaries {
        for (form, needle) in forms(canary) {
            let found = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{place} has a value in the form {form}");
        }
    }
}

fn check_folder(folder: &Path, canaries: &[String]) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += check_folder(&path, canaries);
        } else {
            files += 1;
            check_clean(&path.display().to_string(), &fs::read(&path).unwrap(), canaries);
        }
    }
    files
}

#[test]
fn no_flow_and_no_failure_leaks_a_value() {
    let home = Home::new();
    let canaries: Vec<String> = ["cli", "put", "again", "rotate", "conflict", "denied", "note", "early", "env", "bad"]
        .into_iter()
        .map(canary)
        .collect();
    let [cli, put, again, rotate, conflict, denied, note, early, env, bad] = &canaries[..] else { unreachable!() };
    home.put("V/Cli/credential", cli);
    home.write_policy(&format!(
        "{}\n[[rule]]\nid = \"no\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\", \"write\"]\npaths = [\"Closed/**\"]\n",
        crate::support_robust::ALL
    ));

    let mut server = home.start(|command| {
        command.env("OPWARD_LOG", "trace").args(["--log", "trace"]);
        if cfg!(debug_assertions) {
            command.env("OPWARD_TEST_READABLE", "1");
        }
    });
    // Before anything was agreed, and in places where no value belongs.
    server.write(&call(90, "put_secret", &json!({ "path": "V/Early/credential", "value": early })));
    server.line();
    server.hello();
    let value = |path: &str, value: &String| json!({ "path": path, "value": value });
    assert_eq!(server.get("V/Cli/credential")["value"], **cli);
    assert_eq!(code(&server.call("put_secret", &value("V/Put/credential", put))), "none");
    assert_eq!(code(&server.call("put_secret", &value("V/Put/credential", again))), "none");
    assert_eq!(code(&server.call("rotate_and_store", &value("V/Put/credential", rotate))), "none");
    assert_eq!(server.get("V/Put/credential")["value"], **rotate);
    let mut stale = value("V/Put/credential", conflict);
    stale["if_version"] = json!(1);
    assert_eq!(code(&server.call("put_secret", &stale)), "conflict");
    assert_eq!(code(&server.call("rotate_and_store", &stale)), "conflict");
    assert_eq!(code(&server.call("put_secret", &value("Closed/X/credential", denied))), "denied");
    assert_eq!(code(&server.call("put_secret", &value("not a path", bad))), "invalid");
    assert_eq!(
        code(&server.call("put_secret", &json!({ "path": "V/Put", "value": bad, "category": "nonsense" }))),
        "invalid"
    );
    assert_eq!(code(&server.call("put_secret", &json!({ "path": "V/Put", "value": [bad] }))), "invalid");
    assert_eq!(code(&server.call("put_secret", &json!({ "path": "V/Put", "vlaue": bad }))), "invalid");
    assert_eq!(code(&server.call("put_secret", &value("V/Big/credential", &bad.repeat(5_000)))), "too_large");
    let dotenv = format!("KEY='{note}'\n");
    assert_eq!(code(&server.call("put_secret", &value("V/Note/notesPlain", &dotenv))), "none");
    assert_eq!(server.call("get_env_bundle", &json!({ "path": "V/Note" }))["env"]["KEY"], **note);
    assert_eq!(code(&server.call("describe_secret", &json!({ "path": "V/Put" }))), "none");
    assert_eq!(code(&server.call("check_access", &json!({ "path": "V/Put/credential", "action": "read" }))), "none");
    assert_eq!(code(&server.call("delete_secret", &json!({ "path": "V/Put" }))), "none");

    // What other processes of this machine can see.
    let pid = server.pid().as_raw_nonzero();
    for name in ["cmdline", "environ", "comm"] {
        check_clean(name, &fs::read(format!("/proc/{pid}/{name}")).unwrap(), &canaries);
    }
    // Failures of the vault and of the log, with a value on its way.
    fs::rename(home.file("vault.kdbx"), home.file("elsewhere")).unwrap();
    assert_ne!(code(&server.call("put_secret", &value("V/Gone/credential", bad))), "none");
    fs::write(home.file("vault.kdbx"), b"this is no vault").unwrap();
    assert_ne!(code(&server.call("put_secret", &value("V/Gone/credential", bad))), "none");
    fs::rename(home.file("elsewhere"), home.file("vault.kdbx")).unwrap();
    fs::rename(home.file("audit.jsonl"), home.file("log")).unwrap();
    server.call("put_secret", &value("V/Gone/credential", bad));
    fs::rename(home.file("log"), home.file("audit.jsonl")).unwrap();
    // Lines that are no messages.
    server.write(&format!("{{\"jsonrpc\":\"2.0\",\"id\":70,\"method\":\"{}\"}}", bad.replace(['"', '\\', '\n'], "")));
    server.line();
    let (status, rest, said) = server.end();
    assert!(status.success() && rest.is_empty(), "{status} {rest}");
    assert!(said.len() > 100, "nothing was logged, so nothing was checked");
    check_clean("standard error", said.as_bytes(), &canaries);

    // People have the same door, and as little to see.
    fs::write(home.file("import.env"), "").unwrap();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("import.env");
    fs::write(&file, format!("GOOD='{env}'\nAlso bad=\"{bad}\"\n")).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["secret", "import", file, "V/Env"][..],
        &["secret", "import", "--dry-run", file, "V/Env"],
        &["secret", "put", "Closed/X/credential"],
        &["secret", "put", "not a path"],
        &["secret", "rotate", "--stdin", "V/Cli/credential", "--if-version", "99"],
        &["secret", "list", "--json"],
        &["secret", "describe", "V/Cli", "--json"],
        &["audit", "show", "--json"],
        &["audit", "verify", "--json"],
        &["doctor", "--json"],
        &["policy", "check"],
    ] {
        let done = home.run_with(&[arguments, &["--log", "trace"]].concat(), bad.as_bytes());
        check_clean(&format!("{arguments:?} on stdout"), &done.stdout, &canaries);
        check_clean(&format!("{arguments:?} on stderr"), &done.stderr, &canaries);
    }
    assert!(check_folder(home.folder(), &canaries) >= 5);
}

#[test]
fn the_check_itself_sees_each_form() {
    let canary = canary("self");
    for (form, needle) in forms(&canary) {
        let hidden = [b"something before ", &needle[..], b" and after"].concat();
        let caught = std::panic::catch_unwind(|| check_clean("here", &hidden, std::slice::from_ref(&canary)));
        assert!(caught.is_err(), "{form} isn't seen");
    }
}

#[test]
fn no_command_takes_a_value_as_an_argument() {
    let home = Home::new();
    for arguments in [
        &["secret", "put", "V/I/credential", "hunter2-on-argv"][..],
        &["secret", "put", "V/I/credential", "--value", "hunter2-on-argv"],
        &["secret", "put", "V/I/credential", "--value=hunter2-on-argv"],
        &["secret", "rotate", "V/I/credential", "--value", "hunter2-on-argv"],
        &["secret", "rotate", "V/I/credential", "hunter2-on-argv"],
        &["init", "--password", "hunter2-on-argv"],
    ] {
        let done = home.run(arguments);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {done:?}");
        assert!(done.stdout.is_empty(), "{arguments:?}");
    }
}
