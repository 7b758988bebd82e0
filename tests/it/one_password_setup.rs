//! Ways to 1Password are found, asked for, written down and looked at, and no token shows anywhere.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test's own tools")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support_robust::{Home, code, opward};

const TOKEN: &str = "ops_eyJjYW5hcnkiOiI4ZjFkMmMifQ";
const CONNECT_TOKEN: &str = "eyJjYW5hcnkiOiI4ZjFkMmMifQ.e30.canary";

const APP: &str = "\n[[source]]\nname = \"mine\"\nkind = \"op\"\nvaults = [\"Mine\"]\n";

/// Runs a command in an empty home with something on its standard input.
fn run(home: &Path, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let file = home.with_extension("in");
    fs::write(&file, input).unwrap();
    let mut command = opward(home);
    command.args(arguments).envs(variables.iter().copied()).stdin(fs::File::open(&file).unwrap());
    command.output().unwrap()
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>())
        .unwrap_or_default()
        .iter()
        .filter(|path| path.is_file())
        .map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(file).unwrap()))
        .collect();
    files.sort();
    files
}

fn checks(output: &Output) -> Vec<Value> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["checks"].as_array().unwrap().clone()
}

#[test]
fn a_piped_token_goes_into_a_file_of_its_own_and_nowhere_else() {
    for (kind, token, more) in
        [("op", TOKEN, &[][..]), ("connect", CONNECT_TOKEN, &["--url", "http://127.0.0.1:9"][..])]
    {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let arguments = [&["init", "--source", kind, "--client", "claude-code"][..], more].concat();
        let made = run(&home, &[], &arguments, &format!("{token}\n"));
        let told = shown(&made);
        assert!(!told.contains(token), "{told}");
        assert!(told.contains("claude mcp add"), "{told}");
        assert_eq!(made.status.code(), Some(1), "nothing answers there, and that's said: {told}");
        let file = home.join(format!("{kind}.token"));
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), (token, 0o600));
        let config = fs::read_to_string(home.join("opward.toml")).unwrap();
        assert!(config.contains(&format!("token_file = \"{kind}.token\"")) && !config.contains(token), "{config}");
        assert_eq!(mode(&home.join("opward.toml")), 0o600);
        // What was written is a configuration, and the usual policy.
        let doctor = run(&home, &[], &["doctor", "--json"], "");
        let good = |name: &str| checks(&doctor).iter().any(|check| check["name"] == name && check["health"] == "good");
        assert!(good("configuration") && good("policy"), "{}", shown(&doctor));
        assert!(!shown(&doctor).contains(token));
        let before = files(&home);
        let again = run(&home, &[], &arguments, "other\n");
        assert_eq!((again.status.code(), files(&home)), (Some(1), before), "{}", shown(&again));
    }
}

#[test]
fn a_token_that_is_there_is_named_and_not_copied() {
    type Case = (&'static [&'static str], &'static [(&'static str, &'static str)], &'static str);
    let cases: [Case; 6] = [
        (&["--source", "op", "--token-file", "/t/op"], &[], "token_file = \"/t/op\""),
        (&["--source", "op", "--token-env", "MINE"], &[("MINE", TOKEN)], "token_env = \"MINE\""),
        (&["--source", "op"], &[("OP_SERVICE_ACCOUNT_TOKEN", TOKEN)], "token_env = \"OP_SERVICE_ACCOUNT_TOKEN\""),
        (
            &["--source", "connect"],
            &[("OP_CONNECT_TOKEN", CONNECT_TOKEN), ("OP_CONNECT_HOST", "http://127.0.0.1:9")],
            "url = \"http://127.0.0.1:9\"\ntoken_env = \"OP_CONNECT_TOKEN\"",
        ),
        (&["--source", "op", "--app"], &[], "# account ="),
        (&["--source", "op", "--account", "my.1password.com"], &[], "account = \"my.1password.com\""),
    ];
    for (arguments, variables, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let made = run(&home, variables, &[&["init"], arguments].concat(), "");
        for (name, content) in files(&home) {
            let text = String::from_utf8_lossy(&content);
            assert!(!text.contains(TOKEN) && !text.contains(CONNECT_TOKEN), "{name}: {}", shown(&made));
        }
        let config = fs::read_to_string(home.join("opward.toml")).unwrap();
        assert!(config.contains(expected), "{config}");
        let all = config + &shown(&made);
        assert!(!all.contains(TOKEN) && !all.contains(CONNECT_TOKEN), "{all}");
    }
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let cases: [(&[&str], &str, &str); 9] = [
        (&["--source", "op"], "", "there's no token"),
        (&["--source", "op"], "two\nlines\n", "isn't a token"),
        (&["--source", "op"], CONNECT_TOKEN, "a Connect server's token"),
        (&["--source", "connect", "--url", "http://127.0.0.1:9"], TOKEN, "a service account's token"),
        (&["--source", "connect"], CONNECT_TOKEN, "OP_CONNECT_HOST"),
        (&["--source", "op", "--url", "http://127.0.0.1:9"], TOKEN, "--source connect"),
        (&["--source", "connect", "--app"], CONNECT_TOKEN, "--source op"),
        (&["--source", "op", "--password"], TOKEN, "--source local"),
        (&["--token-env", "X"], "", "--source op or connect"),
    ];
    for (arguments, input, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let refused = run(&home, &[], &[&["init"], arguments].concat(), input);
        let told = shown(&refused);
        assert!(!refused.status.success() && told.contains(expected), "{arguments:?}: {told}");
        assert!(!told.contains(TOKEN) && !told.contains(CONNECT_TOKEN), "{told}");
        assert!(!home.exists(), "{arguments:?} made something");
    }
}

#[test]
fn a_token_that_is_there_already_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("op.token"), "mine").unwrap();
    let before = files(folder.path());
    let refused = run(folder.path(), &[], &["init", "--source", "op"], TOKEN);
    assert!(shown(&refused).contains("is there already"), "{}", shown(&refused));
    assert_eq!(files(folder.path()), before);
}

#[test]
fn the_right_to_gain_privileges_is_given_up_unless_the_app_needs_it() {
    let home = Home::new();
    let started = |home: &Home| home.records().into_iter().rfind(|record| record["kind"] == "start").unwrap();
    let server = home.serve();
    assert_eq!(server.status("NoNewPrivs"), 1);
    server.end();
    assert!(started(&home).to_string().contains("new_privileges"), "{}", started(&home));
    let doctor = String::from_utf8(home.run(&["doctor"]).stdout).unwrap();
    assert!(doctor.contains("✓ memory         neither it nor a child can gain privileges"), "{doctor}");

    let config = fs::read_to_string(home.file("opward.toml")).unwrap();
    fs::write(home.file("opward.toml"), config.clone() + APP).unwrap();
    let server = home.serve();
    let begun_with = fs::read_to_string("/proc/self/status").unwrap().contains("NoNewPrivs:\t1");
    assert_eq!(server.status("NoNewPrivs") == 1, begun_with, "the app would refuse `op`");
    server.end();
    assert!(!started(&home).to_string().contains("new_privileges"), "{}", started(&home));
    let doctor = String::from_utf8(home.run(&["doctor"]).stdout).unwrap();
    assert!(doctor.contains("! memory         left off for the 1Password app: neither it nor a child"), "{doctor}");
    assert!(doctor.contains("every program started there may use `op`"), "{doctor}");

    let with_a_token = APP.replace("vaults", "token_env = \"NOT_SET\"\nvaults");
    fs::write(home.file("opward.toml"), config + &with_a_token).unwrap();
    assert_eq!(home.serve().status("NoNewPrivs"), 1, "a service account needs no app");
}

#[test]
fn a_source_without_its_token_is_down_and_the_others_are_not() {
    let home = Home::new();
    home.put("V/I/credential", "home-value");
    let config = fs::read_to_string(home.file("opward.toml")).unwrap();
    let open = home.file("open.token");
    fs::write(&open, TOKEN).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let more = "\n[[source]]\nname = \"work\"\nkind = \"op\"\ntoken_file = \"open.token\"\nvaults = [\"Work\"]\n";
    fs::write(home.file("opward.toml"), config + more).unwrap();
    let mut server = home.serve();
    assert_eq!(server.get("V/I/credential")["value"], "home-value");
    let refused = server.get("Work/Stripe/credential");
    assert_eq!(code(&refused), "source_unavailable", "{refused}");
    let (_, _, said) = server.end();
    assert!(said.contains("chmod 600") && !said.contains(TOKEN), "{said}");
    assert!(!refused.to_string().contains("open.token"), "where it is, is the owner's business: {refused}");
    let doctor = home.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    assert!(shown(&doctor).contains("chmod 600") && !shown(&doctor).contains(TOKEN), "{}", shown(&doctor));
}

#[test]
fn a_token_in_the_environment_will_do_and_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("OP_SERVICE_ACCOUNT_TOKEN", TOKEN)];
    let doctor = run(folder.path(), &variables, &["doctor", "--json"], "");
    let told = shown(&doctor);
    let named = |name: &str, text: &str| {
        checks(&doctor).iter().any(|check| check["name"] == name && check["finding"].as_str().unwrap().contains(text))
    };
    assert!(named("configuration", "the environment names a way"), "{told}");
    assert!(named("environment", "OP_SERVICE_ACCOUNT_TOKEN"), "{told}");
    assert!(!told.contains(TOKEN), "{told}");
    let listed = run(folder.path(), &variables, &["secret", "list"], "");
    assert!(!shown(&listed).contains("isn't set up") && !shown(&listed).contains(TOKEN), "{}", shown(&listed));
}

#[test]
fn references_in_the_environment_are_a_bundle() {
    let home = Home::new();
    home.put("Production/Stripe/credential", "sk_1");
    let mut server = home.serve_with(|command| {
        command.env("OP_STRIPE_KEY_REF", "op://Production/Stripe/credential").env("OP_BAD_REF", "canary-11aa");
        command.stderr(Stdio::piped());
    });
    let bundle = server.call("get_env_bundle", &json!({ "path": "environment" }));
    assert_eq!(bundle["env"], json!({ "STRIPE_KEY": "sk_1" }), "{bundle}");
    server.end();
    let doctor = home.opward().arg("doctor").env("OP_BAD_REF", "canary-11aa").output().unwrap();
    assert!(shown(&doctor).contains("OP_BAD_REF") && !shown(&doctor).contains("canary"), "{}", shown(&doctor));
}

#[test]
fn a_template_of_references_becomes_a_bundle() {
    let home = Home::new();
    home.put("Production/Stripe/credential", "sk_1");
    let template = home.file("app.env");
    fs::write(&template, "# checkout\nSTRIPE=\"op://Production/Stripe/credential\"\nGONE={{ op://V/I/F }}\n").unwrap();
    let template = template.to_str().unwrap();
    let config = home.file("opward.toml");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::read_to_string(&config).unwrap();
    let shown_only = home.run(&["secret", "import", template, "--as-bundle", "checkout", "--dry-run"]);
    assert!(shown_only.status.success() && fs::read_to_string(&config).unwrap() == before);
    let added = home.run(&["secret", "import", template, "--as-bundle", "checkout"]);
    assert!(added.status.success(), "{}", shown(&added));
    let after = fs::read_to_string(&config).unwrap();
    assert!(after.starts_with(&before) && after.ends_with("GONE = \"op://V/I/F\"\n"), "{after}");
    assert_eq!(mode(&config), 0o640);
    let bundle = home.serve().call("get_env_bundle", &json!({ "path": "checkout" }));
    assert_eq!((&bundle["env"]["STRIPE"], &bundle["missing"]), (&json!("sk_1"), &json!(["GONE"])), "{bundle}");
    let again = home.run(&["secret", "import", template, "--as-bundle", "checkout"]);
    assert!(!again.status.success() && fs::read_to_string(&config).unwrap() == after, "{}", shown(&again));
    fs::write(template, "PLAIN=canary-77\n").unwrap();
    let refused = home.run(&["secret", "import", template, "--as-bundle", "other"]);
    let told = shown(&refused);
    assert!(!refused.status.success() && told.contains("PLAIN") && !told.contains("canary"), "{told}");
    assert!(told.contains("secret import FILE"), "{told}");
    let neither = home.run(&["secret", "import", template]);
    assert_eq!(neither.status.code(), Some(2), "{}", shown(&neither));
}
