//! Nothing that 1Password told stays in the real server's memory, whichever way it was asked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::robust_memory::{canary, check};
use crate::support::one_password::{Far, Kind, item, seed};
use crate::support_robust::{Home, code};

const STAGING: &str = "stagingvault2xxxxxxxxxxxxx";

/// A home whose only source is this 1Password.
fn home_of(far: &Far) -> Home {
    let home = Home::new();
    let (token, way) = match far {
        Far::Op(op) => (crate::fake_op::TOKEN, format!("kind = \"op\"\ncommand = {:?}", op.command)),
        Far::Connect(connect) => (connect.token.as_str(), format!("kind = \"connect\"\nurl = {:?}", connect.url)),
    };
    let config = format!(
        "version = 1\npolicy = \"policy.toml\"\n[[source]]\nname = \"far\"\n{way}\ntoken_file = \"far.token\"\n\
         [audit]\nfile = {:?}\n",
        home.file("audit.jsonl")
    );
    for (name, text) in [("opward.toml", config.as_str()), ("far.token", token)] {
        fs::write(home.file(name), text).unwrap();
        fs::set_permissions(home.file(name), Permissions::from_mode(0o600)).unwrap();
    }
    home
}

fn world(values: &[String]) -> Value {
    let mut world = seed();
    let [wanted, user, notes, old, other, overview, ..] = values else { unreachable!() };
    let fields = json!([
        { "id": "username", "type": "STRING", "purpose": "USERNAME", "label": "username", "value": user },
        { "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": wanted,
          "password_details": { "strength": "GOOD", "history": [old] } },
        { "id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain", "value": notes },
        { "id": "token", "type": "CONCEALED", "label": "token", "value": other },
    ]);
    let mut new = item("memory", "Memory", STAGING, &fields);
    new["category"] = json!("LOGIN");
    new["additional_information"] = json!(overview);
    world["items"].as_array_mut().unwrap().push(new);
    world
}

fn nothing_stays(kind: Kind) {
    let values: Vec<String> = (0..7).map(|_| canary()).collect();
    let all: Vec<&str> = values.iter().map(String::as_str).collect();
    let folder = tempfile::tempdir().unwrap();
    let far = Far::start(kind, &folder.path().join("far"), &world(&values));
    let home = home_of(&far);
    let mut server = home.serve_with(|command| {
        command.env("OPWARD_TEST_READABLE", "1").env("OPWARD_LOG", "trace");
    });
    assert_eq!(code(&server.call("list_secrets", &json!({}))), "none");
    check(&server, &all, "after the list");
    assert_eq!(code(&server.call("describe_secret", &json!({ "path": "Staging/Memory" }))), "none");
    check(&server, &all, "after the description");
    assert_eq!(server.get("Staging/Memory")["value"], *values[0]);
    check(&server, &all, "after a get from 1Password");
    assert_eq!(server.get("Staging/Memory")["value"], *values[0]);
    check(&server, &all, "after a get from the cache");
    assert_eq!(code(&server.put("Staging/Memory/token", &values[6])), "none");
    check(&server, &all, "after a change");
    assert_eq!(code(&server.put("Staging/New one/credential", &values[6])), "none");
    check(&server, &all, "after a new item");
    assert_eq!(server.get("Staging/New one/credential")["value"], *values[6]);
    check(&server, &all, "after all of it");
}

#[test]
fn nothing_that_op_printed_stays_in_memory() {
    nothing_stays(Kind::Op);
}

#[test]
fn nothing_that_connect_answered_stays_in_memory() {
    nothing_stays(Kind::Connect);
}
