//! Making, changing and removing items.

use serde_json::{Value, json};

use crate::fake_op::{GITHUB, READER_TOKEN, STAGING, TOKEN};
use crate::{Answer, Op, Stdin};

const EDIT: [&str; 6] = ["item", "edit", GITHUB, "--vault", STAGING, "--format=json"];

fn edit(op: &Op, document: &Value) -> Answer {
    op.run_with(&EDIT, &Stdin::Pipe(&document.to_string()))
}

fn create(op: &Op, document: &Value) -> Answer {
    op.run_with(&["item", "create", "-", "--vault", STAGING, "--format=json"], &Stdin::Pipe(&document.to_string()))
}

fn github(op: &Op) -> Value {
    op.json(&["item", "get", GITHUB, "--vault", STAGING])
}

fn field<'a>(item: &'a Value, id: &str) -> &'a Value {
    item["fields"].as_array().unwrap().iter().find(|field| field["id"] == id).unwrap_or(&Value::Null)
}

#[test]
fn an_edit_replaces_the_item() {
    let op = Op::new();
    let mut document = github(&op);
    document["fields"][1]["value"] = json!("value-new");
    document["fields"].as_array_mut().unwrap().retain(|field| field["id"] != "notesPlain" && field["id"] != "username");
    document["tags"] = json!(["other"]);
    let reply: Value = serde_json::from_str(edit(&op, &document).text()).unwrap();
    assert_eq!(reply["version"], 5, "the reply has the new version");
    assert_eq!(field(&reply, "password")["value"], "value-new");
    let changed = reply["updated_at"].as_str().unwrap();
    assert!(changed.ends_with("-07:00") && changed.contains('.'), "{changed} isn't local with microseconds");
    let stored = github(&op);
    assert!(stored["updated_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(field(&stored, "username"), &Value::Null, "what wasn't sent is gone");
    assert_eq!(field(&stored, "notesPlain")["value"], "canary-github-notes\nsecond line\n", "but for the notes");
    assert_eq!(stored["tags"], json!(["other"]));
    let history = &field(&stored, "password")["password_details"]["history"];
    assert_eq!(history.as_array().unwrap().len(), 3);
    assert_eq!(history[0], "value-github-password");
    op.settings(&json!({ "utc_offset_s": 3600 }));
    let reply: Value = serde_json::from_str(edit(&op, &github(&op)).text()).unwrap();
    assert!(reply["updated_at"].as_str().unwrap().ends_with("+01:00"));
}

#[test]
fn half_a_document_is_refused() {
    let op = Op::new();
    let partial = json!({ "fields": [{ "id": "password", "type": "CONCEALED", "value": "x" }] });
    assert!(edit(&op, &partial).error(1).contains("Item updatedAt must be > 1970-01-01"));
    assert_eq!(op.run_with(&EDIT, &Stdin::Pipe("{]")).error(1), "invalid JSON in piped input");
    let template = [&EDIT[..], &["--template=x"]].concat();
    let both = op.run_with(&template, &Stdin::Pipe("")).error(1);
    assert_eq!(both, "cannot edit from template and stdin at the same time");
    assert_eq!(op.fake.item(GITHUB).unwrap()["version"], 4);
}

#[test]
fn what_is_no_pipe_or_comes_too_early_is_ignored() {
    for (op, from_file) in [(Op::new(), true), (Op::new().version("2.22.0"), false)] {
        let mut document = github(&op);
        document["title"] = json!("Renamed");
        let document = document.to_string();
        let answer = op.run_with(&EDIT, &if from_file { Stdin::File(&document) } else { Stdin::Pipe(&document) });
        assert_eq!(answer.exit, Some(0));
        assert_eq!(op.fake.item(GITHUB).unwrap()["title"], "GitHub");
        assert_eq!(op.fake.item(GITHUB).unwrap()["version"], 4);
    }
}

#[test]
fn an_edit_destroys_passkeys_and_what_it_does_not_know() {
    let op = Op::new();
    let words = ["item", "get", "With passkey", "--vault", STAGING];
    let mut item = op.json(&words);
    assert!(item["passkeys"].is_array(), "who looks can see that there are some");
    item["fields"].as_array_mut().unwrap().push(json!({ "id": "odd", "type": "HOLOGRAM", "value": "lost" }));
    let id = item["id"].as_str().unwrap();
    op.run_with(&["item", "edit", id, "--vault", STAGING], &Stdin::Pipe(&item.to_string()));
    let after = op.json(&words);
    assert_eq!((&after["passkeys"], &after["version"]), (&Value::Null, &json!(2)));
    assert_eq!(field(&after, "odd")["type"], "UNKNOWN");
    assert_eq!(field(&after, "odd").get("value"), None);
}

#[test]
fn whether_an_edit_compares_versions_is_a_setting() {
    let op = Op::new();
    let mut document = github(&op);
    document["version"] = json!(1);
    assert_eq!(edit(&op, &document).exit, Some(0));
    op.settings(&json!({ "edit_checks_version": true }));
    assert!(edit(&op, &document).error(1).contains("(409) Conflict"));
    assert_eq!(edit(&op, &github(&op)).exit, Some(0));
}

#[test]
fn assignments_edit_single_fields() {
    let op = Op::new();
    let run = |words: &[&str]| -> Value {
        let words: Vec<&str> =
            ["item", "edit", "GitHub", "--vault=Staging"].into_iter().chain(words.iter().copied()).collect();
        op.json(&words)
    };
    let item = run(&["username[text]=someone", "My\\.Part.a\\=b[url]=https://x", "plain=secret", "--tags=b,a"]);
    assert_eq!(item["additional_information"], "someone");
    assert_eq!(item["tags"], json!(["a", "b"]));
    let fields = item["fields"].as_array().unwrap();
    let new = fields.iter().find(|field| field["label"] == "a=b").unwrap();
    assert_eq!((&new["type"], &new["section"]["label"]), (&json!("URL"), &json!("My.Part")));
    assert!(new["section"]["id"].as_str().unwrap().starts_with("Section_"));
    assert_eq!(fields.last().unwrap()["type"], "CONCEALED");
    let item = run(&["My\\.Part.a\\=b[delete]", "--favorite=false", "--tags=", "--url=https://new"]);
    assert!(!item.to_string().contains("My.Part"), "an empty section goes too");
    assert_eq!((&item["favorite"], &item["tags"]), (&Value::Null, &Value::Null));
    assert_eq!(item["urls"], json!([{ "primary": true, "href": "https://new" }]));
    assert_eq!(item["version"], 6);
}

#[test]
fn a_new_item_has_its_categorys_fields() {
    let op = Op::new();
    let document = json!({
        "title": "New",
        "category": "LOGIN",
        "tags": ["t"],
        "sections": [{ "id": "s", "label": "Part" }],
        "fields": [
            { "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": "value-new" },
            { "type": "STRING", "label": "extra", "value": "e", "section": { "id": "s" } },
        ],
        "passkeys": ["dropped"],
    });
    let reply: Value = serde_json::from_str(create(&op, &document).text()).unwrap();
    assert_eq!(reply["version"], 1);
    assert_eq!(reply["sections"], json!([{ "id": "s" }]), "labels are for edits");
    assert!(reply["created_at"].as_str().unwrap().ends_with("-07:00"));
    let id = reply["id"].as_str().unwrap();
    let stored = op.json(&["item", "get", id, "--vault", STAGING]);
    assert_eq!(field(&stored, "username")["purpose"], "USERNAME");
    assert_eq!(stored["sections"], json!([{ "id": "s", "label": "Part" }]));
    assert_eq!(stored.get("passkeys"), None);
    assert_eq!(
        stored["fields"].as_array().unwrap().iter().filter(|field| field["id"].as_str().unwrap().len() == 26).count(),
        1
    );
    op.settings(&json!({ "create_section_labels": true }));
    let reply: Value = serde_json::from_str(create(&op, &document).text()).unwrap();
    assert_eq!(reply["sections"], stored["sections"]);
    assert_ne!(reply["id"], stored["id"]);
}

#[test]
fn what_no_template_can_make_is_refused_or_lost() {
    let op = Op::new();
    let password = json!({ "title": "x", "category": "PASSWORD", "fields": [{ "label": "a", "value": "b" }] });
    assert!(create(&op, &password).error(1).contains("Password item requires ps value"));
    let none = json!({ "title": "x" });
    assert_eq!(create(&op, &none).error(1), "provide the item category with '--category' flag");
    let words = ["item", "create", "-", "--vault", STAGING, "--category=login"];
    let twice = op.run_with(&words, &Stdin::Pipe(&json!({ "title": "x", "category": "LOGIN" }).to_string())).error(1);
    assert!(twice.starts_with("unable to process line 1: cannot provide the item category with both"), "{twice}");
    let both = op.run_with(&[&words[..], &["--template=x"]].concat(), &Stdin::Pipe("")).error(1);
    assert_eq!(both, "cannot create an item from template and stdin at the same time");
    assert!(create(&op, &json!({ "category": "NONSENSE" })).error(1).contains("isn't a valid item category"));
    let sso = json!({ "category": "LOGIN", "fields": [{ "id": "s", "type": "SSO_LOGIN", "value": "x" }] });
    assert!(create(&op, &sso).error(1).contains("ItemValidator"));
    let key = json!({ "category": "SSH_KEY", "title": "k", "fields": [{ "id": "private_key", "type": "SSHKEY", "value": "lost" }] });
    let reply = create(&op, &key);
    assert_eq!(reply.exit, Some(0));
    assert!(!reply.text().contains("lost"));
}

#[test]
fn a_dry_run_changes_nothing() {
    let op = Op::new();
    let before = op.fake.world()["items"].clone();
    op.ok(&["item", "edit", GITHUB, "--vault", STAGING, "--title=x", "--dry-run"]);
    op.ok(&["item", "create", "--category=login", "--vault", STAGING, "--title=x", "--dry-run", "--generate-password"]);
    assert_eq!(op.fake.world()["items"], before);
}

#[test]
fn who_may_only_read_is_refused() {
    let op = Op::new().signed_in(&[("OP_SERVICE_ACCOUNT_TOKEN", READER_TOKEN)]);
    let words = ["item", "delete", GITHUB, "--vault", STAGING];
    assert!(op.error(&words).starts_with("(403) Forbidden"));
    assert!(op.error(&["item", "edit", GITHUB, "--vault", STAGING, "--title=x"]).starts_with("(403) Forbidden"));
    assert!(op.error(&["item", "create", "--category=login", "--vault", STAGING]).starts_with("(403) Forbidden"));
    op.settings(&json!({ "write_denied": "101" }));
    assert!(op.error(&words).contains("you do not have permission"));
    op.settings(&json!({ "write_denied": "401", "exit_4xx": 4 }));
    assert!(op.run(&words).error(4).starts_with("(401) Unauthorized"));
}

#[test]
fn removed_is_archived_or_gone() {
    let op = Op::new();
    assert_eq!(op.ok(&["item", "delete", "Stripe", "--vault", STAGING, "--archive"]), "");
    assert!(op.error(&["item", "get", "Stripe", "--vault", STAGING]).contains("isn't an item"));
    assert_eq!(op.json(&["item", "get", "stripeaaaaaaaaaaaaaaaaaaaa", "--vault", STAGING])["state"], "ARCHIVED");
    assert_eq!(op.ok(&["item", "rm", GITHUB, "--vault", STAGING]), "");
    let gone = op.error(&["item", "get", GITHUB, "--vault", STAGING]);
    assert_eq!(
        gone,
        format!("could not find item {GITHUB} in vault {STAGING}, because it has been deleted or archived.")
    );
    let twins = r#"[{"id":"twin1aaaaaaaaaaaaaaaaaaaaa"},{"id":"twin2aaaaaaaaaaaaaaaaaaaaa"}]"#;
    assert_eq!(op.run_with(&["item", "delete", "-", "--vault", STAGING], &Stdin::Pipe(twins)).exit, Some(0));
    assert!(op.error(&["item", "get", "Twin", "--vault", STAGING]).contains("isn't an item"));
}

#[test]
fn documents_hold_files() {
    let op = Op::new().signed_in(&[("OP_SERVICE_ACCOUNT_TOKEN", TOKEN)]);
    let words = ["document", "create", "", "--vault=Staging", "--title=Doc", "--file-name=a.txt", "--format=json"];
    let made: Value = serde_json::from_str(op.run_with(&words, &Stdin::Pipe("content")).text()).unwrap();
    let id = made["uuid"].as_str().unwrap();
    assert_eq!(op.ok(&["document", "get", id]), "content");
    assert_eq!(op.ok(&["read", "-n", "op://Staging/Doc/a.txt?attribute=content"]), "content");
    assert_eq!(op.json(&["document", "list", "--vault=Staging"]).as_array().unwrap().len(), 1);
    op.run_with(&["document", "edit", id, "", "--file-name=b.txt"], &Stdin::Pipe("other"));
    op.ok(&["document", "get", id, "--output=./out"]);
    assert_eq!(std::fs::read_to_string(op.fake.home().join("out")).unwrap(), "other");
    op.ok(&["document", "delete", id]);
    assert_eq!(op.json(&["document", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn there_is_a_template_for_each_category() {
    let op = Op::new();
    let list = op.json(&["item", "template", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 22);
    for template in list.as_array().unwrap() {
        let shown = op.json(&["item", "template", "get", template["name"].as_str().unwrap()]);
        assert!(!field(&shown, "notesPlain").is_null(), "{shown}");
    }
    let api = op.json(&["item", "template", "get", "API Credential"]);
    assert_eq!(
        field(&api, "credential"),
        &json!({ "id": "credential", "type": "CONCEALED", "label": "credential", "value": "" })
    );
    assert!(op.error(&["item", "template", "get", "Nonsense"]).contains("isn't a valid item category"));
}
