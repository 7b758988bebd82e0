//! Whatever happens to a write on its way, it ends in what's true, and that's what is told.

use serde_json::{Value, json};

use crate::support::Client;
use crate::support::one_password::{Kind, On, Stage, all, both_ways, seed};

const GITHUB: &str = "githubaaaaaaaaaaaaaaaaaaaa";
const NEW: &str = "value-new";

both_ways! {
    a_conflict_is_tried_again,
    an_answer_that_is_lost_is_found_out,
    reads_that_lag_are_waited_for,
    a_version_that_moved_in_between_shows,
    a_version_that_moved_in_between_is_a_conflict_where_it_is_compared,
    an_item_is_made_once_even_if_the_answer_is_lost,
    a_deletion_whose_answer_is_lost_is_found_out,
}

fn stored(stage: &Stage) -> (u64, String) {
    (stage.far.items()[GITHUB]["version"].as_u64().unwrap(), stage.far.value(GITHUB, "password").unwrap())
}

/// Puts a value where something is wrong with writes.
async fn put_amid(stage: &Stage, agent: &Client, times: u64, op: Value, connect: Value) -> crate::support::Answer {
    assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
    stage.far.fault(On::Edit, times, &op, &connect);
    let answer = agent.call("put_secret", json!({ "path": "Staging/GitHub", "value": NEW })).await;
    stage.far.heal();
    answer
}

async fn a_conflict_is_tried_again(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let answer = put_amid(&stage, &agent, 1, json!("conflict_once"), json!("conflict_once")).await.ok();
    assert_eq!(answer["version"], 5);
    assert_eq!((stored(&stage), stage.far.changed()), ((5, NEW.to_owned()), 2));
    assert_eq!(agent.read("Staging/GitHub").await, NEW);
    stage.end([agent]).await;
}

async fn an_answer_that_is_lost_is_found_out(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let answer = put_amid(&stage, &agent, 1, json!("commit_then_fail"), json!("reset_after_commit")).await.ok();
    assert_eq!(answer["version"], 5);
    assert_eq!((stored(&stage), stage.far.changed()), ((5, NEW.to_owned()), 1), "it was made, so it isn't made again");
    assert_eq!(agent.read("Staging/GitHub").await, NEW);
    stage.end([agent]).await;
}

async fn reads_that_lag_are_waited_for(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let stale = json!({ "stale_reads": 3 });
    let answer = put_amid(&stage, &agent, 1, stale.clone(), stale).await.ok();
    assert_eq!((answer["version"].as_u64(), stored(&stage)), (Some(5), (5, NEW.to_owned())));
    assert_eq!((agent.read("Staging/GitHub").await.as_str(), stage.far.changed()), (NEW, 1));
    stage.end([agent]).await;
}

async fn a_version_that_moved_in_between_shows(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
    stage.far.fault(On::Edit, 1, &json!("version_bump"), &json!("version_bump"));
    let rotate = json!({ "path": "Staging/GitHub", "value": NEW });
    let answer = agent.call("rotate_and_store", rotate).await.ok();
    assert_eq!((&answer["previous_version"], &answer["version"]), (&json!(4), &json!(6)), "another's is in between");
    assert_eq!(stored(&stage), (6, NEW.to_owned()));
    assert_eq!(agent.read("Staging/GitHub").await, NEW);
    if kind == Kind::Connect {
        // What isn't sent isn't undone.
        assert_eq!(stage.far.value(GITHUB, "notesPlain").as_deref(), Some("changed by somebody else"));
    }
    stage.end([agent]).await;
}

async fn a_version_that_moved_in_between_is_a_conflict_where_it_is_compared(kind: Kind) {
    let stage = Stage::new(kind);
    match kind {
        Kind::Op => stage.far.op().settings(&json!({ "edit_checks_version": true })),
        Kind::Connect => {
            stage.far.connect().settings(&json!({ "put_compares_version": true, "patch_supported": false }));
            let whole = json!({ "on": { "method": "PUT" }, "times": 1, "do": "version_bump" });
            stage.far.connect().fault(&whole);
        }
    }
    let agent = stage.serve("agent").await;
    let answer = put_amid(&stage, &agent, 1, json!("version_bump"), json!({ "delay_ms": 1 })).await;
    assert_eq!(answer.code(), "conflict");
    assert_eq!(stored(&stage).1, "value-github-password", "another's change isn't undone");
    assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
    stage.end([agent]).await;
}

async fn an_item_is_made_once_even_if_the_answer_is_lost(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let before = stage.far.items().len();
    for (number, (op, connect)) in [
        (json!("commit_then_fail"), json!("reset_after_commit")),
        (json!("conflict_once"), json!("conflict_once")),
        (json!({ "delay_ms": 10 }), json!({ "missing_after_create": 2 })),
    ]
    .iter()
    .enumerate()
    {
        stage.far.fault(On::Create, 1, op, connect);
        let (path, value) = (format!("Staging/Made {number}"), format!("value-made {number}"));
        let answer = agent.call("put_secret", json!({ "path": path, "value": value })).await.ok();
        stage.far.heal();
        assert_eq!((&answer["version"], &answer["created"]), (&json!(1), &json!(true)), "{op}");
        assert_eq!(agent.read(&path).await, value);
        assert_eq!(stage.far.items().len(), before + number + 1, "{op}");
    }
    stage.end([agent]).await;
}

async fn a_deletion_whose_answer_is_lost_is_found_out(kind: Kind) {
    let more = if kind == Kind::Connect { "allow_permanent_delete = true\n" } else { "" };
    let stage = Stage::of(kind, &seed(), more, &all());
    let agent = stage.serve("agent").await;
    for (path, op, connect) in [
        ("Staging/GitHub", "commit_then_fail", "reset_after_commit"),
        ("Staging/Stripe", "conflict_once", "delete_500"),
    ] {
        stage.far.fault(On::Delete, 1, &json!(op), &json!(connect));
        agent.call("delete_secret", json!({ "path": path })).await.ok();
        stage.far.heal();
        assert_eq!(agent.call("describe_secret", json!({ "path": path })).await.code(), "not_found");
    }
    for id in [GITHUB, "stripeaaaaaaaaaaaaaaaaaaaa"] {
        assert!(stage.far.items().get(id).is_none_or(|item| item["state"] == "ARCHIVED"), "{id}");
    }
    stage.end([agent]).await;
}

/// What was accepted may yet be seen, and so may a version that somebody says there is: it takes a while to be given up.
#[tokio::test]
async fn what_never_comes_is_given_up_and_told() {
    let lost = async |kind| {
        let stage = Stage::new(kind);
        let agent = stage.serve("agent").await;
        let answer = put_amid(&stage, &agent, 1, json!("accepted_but_lost"), json!("accepted_but_lost")).await;
        assert_eq!(answer.code(), "source_unavailable");
        assert!(answer.text().contains("wasn't stored"), "{}", answer.text());
        assert_eq!((stored(&stage), stage.far.changed()), ((4, "value-github-password".to_owned()), 1));
        assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
        stage.end([agent]).await;
    };
    let later = async |kind| {
        let stage = Stage::new(kind);
        let agent = stage.serve("agent").await;
        let ahead = json!({ "path": "Staging/GitHub", "value": "value-x", "if_version": 99 });
        assert_eq!(agent.call("put_secret", ahead).await.code(), "conflict");
        assert_eq!((stored(&stage).0, stage.far.changed()), (4, 0));
        stage.end([agent]).await;
    };
    tokio::join!(lost(Kind::Op), lost(Kind::Connect), later(Kind::Op), later(Kind::Connect));
}
