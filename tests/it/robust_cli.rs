//! The command line, as a person and a script see it: what's printed where, and the status at the end.

#![allow(clippy::format_collect, clippy::string_slice, clippy::unwrap_used, reason = "a test's own tools")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support_robust::{ALL, Home, opward};

/// A command's end as a text, without what differs from run to run.
fn told(output: &Output, folder: &Path) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(folder.to_str().unwrap(), "[HOME]");
    let parts = [("stdout", text(&output.stdout)), ("stderr", text(&output.stderr))];
    let parts = parts.iter().filter(|(_, text)| !text.is_empty());
    let parts: String = parts.map(|(name, text)| format!("--- {name}\n{text}\n")).collect();
    format!("status {}\n{parts}", output.status.code().map_or("none".to_owned(), |code| code.to_string()))
}

/// Compares with a kept snapshot, which `INSTA_UPDATE=always` writes anew.
macro_rules! same {
    ($name:expr, $text:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]");
        settings.add_filter(r"(sha256:)?[0-9a-f]{64}", "[HASH]");
        settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[REQUEST]");
        settings.add_filter(r#""ms":\d+"#, r#""ms":[MS]"#);
        settings.add_filter(&regex_of(env!("CARGO_BIN_EXE_opward")), "[OPWARD]");
        settings.add_filter(&regex_of(concat!("opward/", env!("CARGO_PKG_VERSION"))), "opward/[VERSION]");
        settings.add_filter(&regex_of(concat!("opward ", env!("CARGO_PKG_VERSION"))), "opward [VERSION]");
        settings.add_filter(&format!("\"{}\"", regex_of(env!("CARGO_PKG_VERSION"))), "\"[VERSION]\"");
        settings.bind(|| insta::assert_snapshot!($name, $text));
    }};
}

fn regex_of(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '/' { c.to_string() } else { format!("\\{c}") }).collect()
}

/// Everything below a folder: names, contents and modes.
fn everything(folder: &Path) -> BTreeMap<String, (Vec<u8>, u32)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| path.is_file());
    let mode = |path: &Path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    entries.map(|path| (path.display().to_string(), (fs::read(&path).unwrap(), mode(&path)))).collect()
}

#[test]
fn help_and_usage() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| told(&opward(home.path()).args(arguments).output().unwrap(), home.path());
    same!("help", run(&["--help"]));
    same!("help_secret", run(&["secret", "--help"]));
    same!("help_put", run(&["secret", "put", "--help"]));
    same!("help_policy_explain", run(&["policy", "explain", "--help"]));
    same!("help_audit_show", run(&["audit", "show", "--help"]));
    same!("help_exposure", run(&["exposure", "--help"]));
    same!("version", run(&["--version"]));
    same!("usage", run(&["secret", "gte", "V/I"]));
    assert!(fs::read_dir(home.path()).unwrap().next().is_none(), "help wrote something");
}

#[test]
fn without_a_set_up_each_command_says_what_to_run() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| told(&opward(home.path()).args(arguments).output().unwrap(), home.path());
    same!("not_set_up_list", run(&["secret", "list"]));
    same!("not_set_up_audit", run(&["audit", "verify"]));
    same!("not_set_up_policy", run(&["policy", "check"]));
    let doctor = opward(home.path()).arg("doctor").output().unwrap();
    assert_eq!(doctor.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("opward init"));
    assert!(fs::read_dir(home.path()).unwrap().next().is_none());
}

#[test]
fn init_is_done_once_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("new/home");
    let run = |arguments: &[&str]| opward(&home).args(arguments).output().unwrap();
    same!("init", told(&run(&["init"]), &home));
    let before = everything(&home);
    assert_eq!(before.len(), 4);
    assert!(before.values().all(|(_, mode)| mode & 0o777 == 0o600), "{before:?}");
    for client in ["claude-code", "claude-desktop", "cursor", "vscode"] {
        same!(format!("init_{client}"), told(&run(&["init", "--client", client]), &home));
    }
    assert_eq!(everything(&home), before, "a second `init` changed something");
    // What one has changed stays as one has it, and what's gone is made again.
    fs::write(home.join("policy.toml"), "version = 1\n").unwrap();
    fs::remove_file(home.join("opward.toml")).unwrap();
    assert!(run(&["init"]).status.success());
    assert_eq!(fs::read_to_string(home.join("policy.toml")).unwrap(), "version = 1\n");
    assert_eq!(
        everything(&home)[home.join("opward.toml").to_str().unwrap()],
        before[home.join("opward.toml").to_str().unwrap()]
    );
}

#[test]
fn what_init_prints_for_a_client_starts_a_server_with_the_same_log() {
    let home = Home::new();
    let printed = home.run(&["init", "--client", "cursor"]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    let json: Value = serde_json::from_str(&printed[printed.find('{').unwrap()..]).unwrap();
    let server = &json["mcpServers"]["opward"];
    let arguments: Vec<&str> = server["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    // A client starts it in its own environment, which knows nothing of OPWARD_HOME.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut started = home.start(|command| {
        assert_eq!(server["command"], command.get_program().to_str().unwrap());
        *command = opward(home.folder());
        command.env_remove("OPWARD_HOME").env("HOME", elsewhere.path()).args(&arguments);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::null());
    });
    started.hello();
    assert!(started.call("list_secrets", &serde_json::json!({}))["secrets"].is_array());
    assert!(started.end().0.success());
    assert!(home.records().iter().any(|record| record["principal"] == "cursor"), "its records are somewhere else");
    assert!(fs::read_dir(elsewhere.path()).unwrap().next().is_none());
}

#[test]
fn secrets_from_the_first_to_the_archive() {
    let home = Home::new();
    let run = |arguments: &[&str]| told(&home.run(arguments), home.folder());
    let with = |arguments: &[&str], input: &str| told(&home.run_with(arguments, input.as_bytes()), home.folder());
    same!("secret_list_empty", run(&["secret", "list"]));
    same!("secret_put", with(&["secret", "put", "Staging/Stripe/credential", "--tag", "pay"], "sk_test_1"));
    same!("secret_put_json", with(&["secret", "put", "Staging/Db/password", "--category", "DATABASE", "--json"], "pw"));
    same!("secret_list", run(&["secret", "list"]));
    same!("secret_list_json", run(&["secret", "list", "--tag", "pay", "--json"]));
    same!("secret_describe", run(&["secret", "describe", "Staging/Stripe"]));
    same!("secret_get_json", run(&["secret", "get", "op://staging/stripe/credential", "--json"]));
    same!("secret_rotate", run(&["secret", "rotate", "Staging/Stripe/credential", "--length", "40"]));
    same!("secret_rotate_conflict", run(&["secret", "rotate", "Staging/Stripe/credential", "--if-version", "1"]));
    same!("secret_delete", run(&["secret", "delete", "Staging/Stripe"]));
    same!("secret_gone", run(&["secret", "get", "Staging/Stripe/credential"]));
    home.verify();
}

#[test]
fn values_go_in_and_come_out_byte_for_byte() {
    let home = Home::new();
    let longest = "ü".repeat(32 * 1024);
    for value in [
        "x",
        "no newline",
        "one\n",
        "two\n\n",
        "a\r\nb\r\n",
        " spaces ",
        "\u{2028}\u{1f600}",
        "-----BEGIN X-----\nabc\n-----END X-----\n",
        &longest,
    ] {
        assert!(home.run_with(&["secret", "put", "V/I/credential"], value.as_bytes()).status.success(), "{value:.40}");
        let got = home.run(&["secret", "get", "V/I/credential"]);
        assert!(got.status.success() && got.stderr.is_empty());
        assert!(
            got.stdout == value.as_bytes(),
            "{value:.40?} came out as {:.40?}",
            String::from_utf8_lossy(&got.stdout)
        );
        // The same through the other way in.
        assert!(home.run_with(&["secret", "rotate", "--stdin", "V/I/credential"], value.as_bytes()).status.success());
        assert!(home.run(&["secret", "get", "V/I/credential"]).stdout == value.as_bytes());
    }
    let told_of = |input: &[u8]| told(&home.run_with(&["secret", "put", "V/I/credential"], input), home.folder());
    same!("value_too_large", told_of(&vec![b'x'; 64 * 1024 + 1]));
    same!("value_far_too_large", told_of(&vec![b'x'; 1024 * 1024]));
    same!("value_not_text", told_of(b"\xff\xfe"));
    same!("value_empty", told_of(b""));
    assert!(home.run(&["secret", "get", "V/I/credential"]).stdout == longest.as_bytes(), "a refused value was stored");
}

#[test]
fn refusals_have_a_code_a_remedy_and_a_status() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    home.put("V/I/other", "the-value");
    home.write_policy(&format!(
        "{ALL}\n[[rule]]\nid = \"closed\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"V/I/other\"]\n"
    ));
    let run = |arguments: &[&str]| told(&home.run(arguments), home.folder());
    same!("refused_denied", run(&["secret", "get", "V/I/other"]));
    same!("refused_not_found", run(&["secret", "get", "V/Nothing/credential"]));
    same!("refused_path", run(&["secret", "get", "V//x"]));
    same!("refused_no_path", run(&["secret", "get"]));
    fs::rename(home.file("vault.kdbx"), home.file("away")).unwrap();
    same!("refused_source", run(&["secret", "get", "V/I/credential"]));
    fs::write(home.file("vault.kdbx"), b"no vault").unwrap();
    let broken = home.run(&["secret", "list"]);
    assert_eq!((broken.status.code(), broken.stdout.len()), (Some(5), 0), "{broken:?}");
    assert_eq!(fs::read(home.file("vault.kdbx")).unwrap(), b"no vault");
    fs::write(home.file("opward.toml"), "version = 1\npolicy = 3\n").unwrap();
    same!("refused_configuration", run(&["secret", "list"]));
}

#[test]
fn a_dotenv_file_becomes_fields() {
    let home = Home::new();
    let file = home.file("app.env");
    fs::write(&file, "# comment\nexport A=1\nB='two words'\nC=\"line\\nbreak\"\n").unwrap();
    let file = file.to_str().unwrap();
    let run = |arguments: &[&str]| told(&home.run(arguments), home.folder());
    let before = fs::read(home.file("vault.kdbx")).unwrap();
    same!("import_dry_run", run(&["secret", "import", file, "V/App", "--dry-run"]));
    assert_eq!(fs::read(home.file("vault.kdbx")).unwrap(), before, "a dry run stored something");
    same!("import", run(&["secret", "import", file, "V/App"]));
    assert_eq!(home.run(&["secret", "get", "V/App/B"]).stdout, b"two words");
    assert_eq!(home.run(&["secret", "get", "V/App/C"]).stdout, b"line\nbreak");
    fs::write(home.file("app.env"), "A=1\nthis is hunter2\n").unwrap();
    let bad = home.run(&["secret", "import", file, "V/App"]);
    assert!(!String::from_utf8_lossy(&bad.stderr).contains("hunter2"));
    same!("import_bad_line", told(&bad, home.folder()));
    same!("import_missing", run(&["secret", "import", "/nowhere/app.env", "V/App"]));
    home.write_policy("version = 1\n");
    fs::write(home.file("app.env"), "A=1\nB=2\n").unwrap();
    same!("import_denied", run(&["secret", "import", file, "V/App"]));
}

#[test]
fn policies_are_checked_and_explained() {
    let home = Home::new();
    let run = |arguments: &[&str]| told(&home.run(arguments), home.folder());
    same!("policy_check", run(&["policy", "check"]));
    same!("policy_check_json", run(&["policy", "check", "--json"]));
    let bad = home.file("bad.toml");
    fs::write(
        &bad,
        "version = 1\n[[rule]]\nid = \"x\"\nprincipels = [\"*\"]\nactions = [\"raed\"]\npaths = [\"**\"]\n",
    )
    .unwrap();
    same!("policy_check_bad", run(&["policy", "check", bad.to_str().unwrap()]));
    same!("policy_explain", run(&["policy", "explain", "claude-code", "read", "V/I/credential"]));
    same!("policy_explain_denied", run(&["policy", "explain", "claude-code", "use", "V/I/credential"]));
    same!("policy_explain_json", run(&["policy", "explain", "claude-code", "read", "V/I/credential", "--json"]));
    same!("policy_explain_misspelt", run(&["policy", "explain", "claude-code", "raed", "V/I/credential"]));
    let schema = home.run(&["policy", "schema"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert!(schema["properties"]["rule"].is_object(), "{schema}");
}

#[test]
fn the_log_is_shown_and_verified() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    home.run(&["secret", "get", "V/I/credential", "--reason", "a look"]);
    home.run(&["secret", "get", "V/None/credential"]);
    let run = |arguments: &[&str]| told(&home.run(arguments), home.folder());
    same!("audit_show", run(&["audit", "show"]));
    same!("audit_show_filtered", run(&["audit", "show", "--action", "read", "--kind", "intent"]));
    same!("audit_show_json", run(&["audit", "show", "--json", "-n", "2"]));
    same!("audit_verify", run(&["audit", "verify"]));
    same!("audit_verify_json", run(&["audit", "verify", "--json"]));
    same!("audit_missing", run(&["audit", "verify", "/nowhere/audit.jsonl"]));
    for (line, record) in home.records().iter().enumerate() {
        assert_eq!(record["seq"], line + 1);
    }
}

#[test]
fn the_doctor_says_how_things_are_and_changes_nothing() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    let before = everything(home.folder());
    let doctor = home.run(&["doctor", "--json"]);
    assert_eq!(everything(home.folder()), before);
    let report: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    for name in ["version", "configuration", "policy", "source", "audit log", "memory"] {
        assert!(checks.iter().any(|check| check["name"] == name), "{name} isn't looked at: {report}");
    }
    assert!(checks.iter().all(|check| ["good", "weak", "broken"].contains(&check["health"].as_str().unwrap())));
    fs::remove_file(home.file("vault.keyx")).unwrap();
    let broken = home.run(&["doctor"]);
    assert_eq!(broken.status.code(), Some(1));
    // A log with a torn end is told of, and left for the next record to put aside.
    let mut log = fs::read(home.file("audit.jsonl")).unwrap();
    log.extend_from_slice(b"{\"seq\":");
    fs::write(home.file("audit.jsonl"), &log).unwrap();
    home.run(&["doctor"]);
    assert_eq!(fs::read(home.file("audit.jsonl")).unwrap(), log, "the doctor changed the log");
}

#[test]
fn completions_and_the_manual_are_complete() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = opward(home.path()).args(["completions", shell]).output().unwrap();
        assert!(script.status.success() && script.stderr.is_empty());
        let script = String::from_utf8(script.stdout).unwrap();
        assert!(["rotate", "explain", "verify"].iter().all(|word| script.contains(word)), "{shell}");
    }
    let page = opward(home.path()).arg("man").output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.starts_with(".ie") || page.contains(".TH opward"), "{page:.200}");
}

#[test]
fn the_demo_tells_its_story_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |arguments: &[&str]| {
        let mut command = opward(&folder.path().join("unused"));
        command.env("TMPDIR", folder.path()).arg("demo").args(arguments).output().unwrap()
    };
    let told = demo(&[]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(String::from_utf8_lossy(&told.stdout).contains("the chain is intact"));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "the demo left something behind");

    let kept = folder.path().join("kept");
    let told = demo(&["--keep", kept.to_str().unwrap()]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(kept.join("vault.kdbx").exists() && kept.join("audit.jsonl").exists());
    let listed = opward(&kept).args(["secret", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("Staging/Stripe"));
    let before = everything(&kept);
    let again = demo(&["--keep", kept.to_str().unwrap()]);
    assert_eq!((again.status.code(), everything(&kept)), (Some(1), before), "the demo overwrote a folder");
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let home = Home::new();
    (0..3).for_each(|number| home.put(&format!("V/I{number}/credential"), "x"));
    let done = home.shell("\"$@\" | head -c 1 >/dev/null; exit 0", &["secret", "list"]);
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}
