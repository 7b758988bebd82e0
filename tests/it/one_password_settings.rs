//! What nobody could find out about 1Password is a setting of the stand-ins, and everything works under each.

use std::fs;

use serde_json::{Value, json};

use crate::support::one_password::{Kind, READER, Stage, clean, put, refused};
use crate::support::{Client, Home};

const GITHUB: &str = "githubaaaaaaaaaaaaaaaaaaaa";

const BUNDLE: &str = "[env_bundle.app]\nONE = \"Staging/GitHub/deploy token\"\nTWO = \"Staging/Orders DB/password\"\n\
    THREE = \"Production/Stripe\"\nFOUR = \"Staging/Old token/password\"\n";

/// Lists, reads, writes and reads back.
async fn everything_works(stage: &Stage, agent: &Client, under: &Value, number: usize) {
    let paths = agent.paths(json!({ "limit": 200 })).await;
    assert!(paths.contains(&"Staging/GitHub".to_owned()), "{under}: {paths:?}");
    assert!(!paths.iter().any(|path| path.contains("Old token")), "{under}: {paths:?}");
    let bundle = agent.call("get_env_bundle", json!({ "path": "app" })).await.ok();
    let expected = json!({ "ONE": "value-github-deploy-token", "TWO": "value-orders-password", "THREE": "value-production-credential" });
    assert_eq!((&bundle["env"], &bundle["missing"]), (&expected, &json!(["FOUR"])), "{under}");
    let (value, item) = (format!("value-{number}"), format!("Staging/Made under {number}"));
    let before = stage.far.items();
    put(agent, "Staging/GitHub", &value).await;
    assert_eq!(agent.read("Staging/GitHub/password").await, value, "{under}");
    assert_eq!(stage.far.value(GITHUB, "password").as_deref(), Some(value.as_str()), "{under}");
    let apart = |item: &Value| -> Vec<Value> {
        let fields = item["fields"].as_array().unwrap().iter().filter(|field| field["id"] != "password");
        fields.cloned().chain([item["urls"].clone(), item["tags"].clone()]).collect()
    };
    assert_eq!(apart(&before[GITHUB]), apart(&stage.far.items()[GITHUB]), "{under}");
    let new = json!({ "path": format!("{item}/Section/key"), "value": value, "tags": ["t"] });
    assert_eq!(agent.call("put_secret", new).await.ok()["version"], 1, "{under}");
    assert_eq!(agent.read(&format!("{item}/key")).await, value, "{under}");
    put(agent, &format!("{item}/Section/another"), "value-another").await;
    assert_eq!(agent.read(&format!("{item}/Section/another")).await, "value-another", "{under}");
    assert_eq!(refused(agent, "Nowhere/Item/field").await, "not_found", "{under}");
    assert_eq!(refused(agent, "Staging/archivedaaaaaaaaaaaaaaaaaa/password").await, "not_found", "{under}");
    assert_eq!(refused(agent, "Staging/Mess/token").await, "ambiguous", "{under}");
}

async fn under_each(kind: Kind, flips: &[Value]) {
    let stage = Stage::new(kind);
    stage.configure(BUNDLE);
    let reader = reader(&stage);
    for (number, flip) in flips.iter().enumerate() {
        match kind {
            Kind::Op => stage.far.op().change(|world| {
                world["settings"] = flip.clone();
                if let Some(version) = world["settings"].as_object_mut().unwrap().remove("version") {
                    world["version"] = version;
                }
            }),
            Kind::Connect => stage.far.connect().settings(flip),
        }
        let agent = stage.serve("agent").await;
        everything_works(&stage, &agent, flip, number).await;
        clean(&stage.home, &[&stage.far], [agent]).await;
    }
    // Who may only read is told so, however 1Password puts it.
    let flips = match kind {
        Kind::Op => [json!({ "write_denied": "401" }), json!({ "write_denied": "101", "exit_4xx": 4 })],
        Kind::Connect => [json!({ "missing_write_right_status": 403 }), json!({ "missing_write_right_status": 401 })],
    };
    for flip in flips {
        match kind {
            Kind::Op => stage.far.op().settings(&flip),
            Kind::Connect => stage.far.connect().settings(&flip),
        }
        let before = stage.far.items();
        let agent = reader.serve("agent").await;
        let answer = agent.call("put_secret", json!({ "path": "Staging/GitHub", "value": "value-x" })).await;
        assert_eq!(answer.code(), "source_unavailable", "{flip}");
        assert_eq!(stage.far.items(), before, "{flip}");
        clean(&reader, &[], [agent]).await;
    }
    stage.end([]).await;
}

/// A home beside it, whose token may only read.
fn reader(stage: &Stage) -> Home {
    let home = Home::empty();
    let source = stage.far.source(&home, "far", READER);
    home.write("opward.toml", format!("version = 1\n{source}").as_bytes());
    home.policy(&fs::read_to_string(stage.home.path("policy.toml")).unwrap());
    home
}

#[tokio::test]
async fn all_works_however_op_turns_out_to_behave() {
    let flips = [
        json!({ "batch_get": "one_bad_sinks_all", "vault_list": "short" }),
        json!({ "batch_get": "unsupported", "vault_list": "long" }),
        json!({ "list_needs_vault": true, "exit_4xx": 4, "edit_checks_version": true }),
        json!({ "read_ambiguous": "first", "read_archived_by_title": true, "read_archived_by_id": false }),
        json!({ "create_section_labels": true, "utc_offset_s": 50_400, "whoami": "not_signed_in" }),
        json!({ "version": "2.30.0", "edit_checks_version": true, "inject_cost": "per_reference" }),
        json!({ "version": "2.41.0", "list_needs_vault": true, "batch_get": "one_bad_sinks_all" }),
    ];
    under_each(Kind::Op, &flips).await;
}

#[tokio::test]
async fn all_works_however_connect_turns_out_to_behave() {
    let flips = [
        json!({ "missing_vault_status": 403, "out_of_scope_vault_status": 404, "put_compares_version": true }),
        json!({ "archived_listed": true, "archived_readable": true, "filter_case_sensitive": false }),
        json!({ "archived_listed": true, "archived_readable": false, "filter_escapes": "none" }),
        json!({ "archived_listed": false, "put_unknown_fields": "keep", "notes_survive_put": true }),
        json!({ "files_survive_put": false, "patch_supported": false, "put_compares_version": false }),
        json!({ "patch_adds_sections": true, "patch_supported": true, "echo_generate": true }),
        json!({ "zone_offset_minutes": 780, "server_version": "1.5.0", "notes_survive_put": false }),
        json!({ "zone_offset_minutes": -660, "server_version": null, "sync_status": "TOKEN_NEEDED" }),
    ];
    under_each(Kind::Connect, &flips).await;
}

#[tokio::test]
async fn an_op_that_is_too_old_is_told_of_and_asked_nothing() {
    let stage = Stage::new(Kind::Op);
    stage.far.op().change(|world| world["version"] = json!("2.29.1"));
    let agent = stage.serve("agent").await;
    let list = agent.call("list_secrets", json!({})).await;
    assert_eq!(list.code(), "source_unavailable");
    assert!(list.text().contains("2.30.0"), "{}", list.text());
    let before = stage.far.items();
    let write = json!({ "path": "Staging/GitHub/password", "value": "value-x" });
    assert_eq!(agent.call("put_secret", write).await.code(), "source_unavailable");
    assert_eq!((stage.far.items(), stage.far.changed()), (before, 0));
    stage.end([agent]).await;
}
