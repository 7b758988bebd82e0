//! A secret in 1Password has many spellings and one path, which is what's decided on.

use serde_json::{Value, json};

use crate::support::one_password::{EVERYTHING, Kind, Stage, both_ways, login, refused, seed};
use crate::support::{everyone, policy};

both_ways! {
    every_spelling_means_the_same_secret,
    what_several_bear_is_ambiguous_and_its_ids_are_not,
    a_title_that_no_path_can_carry_goes_by_its_id,
    a_denied_path_is_denied_in_every_spelling,
}

async fn every_spelling_means_the_same_secret(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let spellings: [(&str, &[&str], &str); 7] = [
        (
            "Staging/GitHub/password",
            &[
                "Staging/GitHub/password",
                "STAGING/gitHUB/Password",
                "Staging/GitHub",
                "op://Staging/GitHub/password",
                "op://staging/github/PASSWORD",
                "Staging/githubaaaaaaaaaaaaaaaaaaaa/password",
                "op://stagingvault2xxxxxxxxxxxxx/githubaaaaaaaaaaaaaaaaaaaa/password",
                "stagingvault2xxxxxxxxxxxxx/GitHub",
            ],
            "value-github-password",
        ),
        (
            "Staging/GitHub/Tokens/deploy token",
            &[
                "Staging/GitHub/Tokens/deploy token",
                "Staging/GitHub/deploy token",
                "op://Staging/GitHub/Section_k2lqgmnbx3e5r7t9w2y4u6i8oa/deploy token",
                "staging/github/TOKENS/Deploy Token",
                "op://Staging/GitHub/Tokens/deploy token",
                "Staging/GitHub/z3vb5dh5xqqc3oikk4qszbfl7a",
                "Staging/GitHub/Tokens/z3vb5dh5xqqc3oikk4qszbfl7a",
            ],
            "value-github-deploy-token",
        ),
        (
            "Staging/Caf\u{e9}%2FBar (New & Title)/password",
            &[
                "Staging/Caf\u{e9}%2FBar (New & Title)/password",
                "staging/CAF\u{c9}%2fbar (new & title)",
                "Staging/oddtitleaaaaaaaaaaaaaaaaaa/password",
            ],
            "value-odd-title",
        ),
        (
            "Staging/Caf\u{e9}%2FBar (New & Title)/AOL%2FAIM",
            &["Staging/oddtitleaaaaaaaaaaaaaaaaaa/AOL%2FAIM", "Staging/oddtitleaaaaaaaaaaaaaaaaaa/aim"],
            "value-odd-label",
        ),
        ("Staging/Stripe/credential", &["Staging/Stripe", "op://Staging/Stripe/credential"], "value-stripe-credential"),
        ("Production/Stripe/credential", &["Production/Stripe"], "value-production-credential"),
        (
            "Staging/Runbook/notesPlain",
            &["Staging/Runbook/notesPlain", "Staging/runbook/notesplain"],
            "value-runbook-line-1\nvalue-runbook-line-2\n\n",
        ),
    ];
    for (path, all, value) in spellings {
        for spelling in all {
            let answer = agent.call("get_secret", json!({ "path": spelling })).await.ok();
            assert_eq!((&answer["path"], &answer["value"]), (&json!(path), &json!(value)), "{spelling}");
        }
    }
    let code = agent.read("Staging/GitHub/one-time password?attribute=otp").await;
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
    assert_eq!(refused(&agent, "Staging/GitHub/gone").await, "not_found");
    stage.end([agent]).await;
}

async fn what_several_bear_is_ambiguous_and_its_ids_are_not(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    for twins in ["Staging/Twin", "staging/TWIN/password", "op://Staging/Twin/password"] {
        let answer = agent.call("get_secret", json!({ "path": twins })).await;
        assert_eq!(answer.code(), "ambiguous");
        let told = answer.text();
        assert!(told.contains("twin1aaaaaaaaaaaaaaaaaaaaa") && told.contains("twin2aaaaaaaaaaaaaaaaaaaaa"), "{told}");
    }
    assert_eq!(agent.read("Staging/twin1aaaaaaaaaaaaaaaaaaaaa").await, "value-twin-one");
    assert_eq!(agent.read("Staging/twin2aaaaaaaaaaaaaaaaaaaaa/password").await, "value-twin-two");
    let written = agent.call("put_secret", json!({ "path": "Staging/Twin/password", "value": "value-x" })).await;
    assert_eq!(written.code(), "ambiguous");
    // One item with everything that's there twice: sections, fields, names that differ in case alone.
    for twice in ["Staging/Mess/token", "Staging/Mess/Keys/token", "Staging/Mess/key"] {
        assert_eq!(refused(&agent, twice).await, "ambiguous", "{twice}");
    }
    for (alone, value) in [
        ("Staging/Mess/casea", "value-mess-key-upper"),
        ("Staging/Mess/caseb", "value-mess-key-lower"),
        ("Staging/Mess/nolabel3kq6ndd2vbh5x3sgx2u", "value-mess-unlabelled"),
        ("Staging/Mess/password", "value-mess-password"),
        ("Staging/Mess/nameless", "value-mess-nameless"),
    ] {
        assert_eq!(agent.read(alone).await, value, "{alone}");
    }
    stage.end([agent]).await;
}

async fn a_title_that_no_path_can_carry_goes_by_its_id(kind: Kind) {
    let mut world = seed();
    let strange = ["a\u{202e}b", "line\nbreak", "\u{7f}", "qwertyuiopasdfghjklzxcvbnm"];
    for (number, title) in strange.iter().enumerate() {
        let id = format!("strange{number}");
        let new = login(&id, title, "stagingvault2xxxxxxxxxxxxx", &format!("value-strange-{number}"));
        world["items"].as_array_mut().unwrap().push(new);
    }
    let stage = Stage::of(kind, &world, "", &crate::support::one_password::all());
    let agent = stage.serve("agent").await;
    let paths = agent.paths(json!({ "limit": 100 })).await;
    for number in 0..strange.len() {
        let path = format!("Staging/{:a<26}", format!("strange{number}"));
        assert!(paths.contains(&path), "{path} in {paths:?}");
        assert_eq!(agent.read(&path).await, format!("value-strange-{number}"));
    }
    // A title in the shape of an id is no id.
    assert_eq!(refused(&agent, "Staging/qwertyuiopasdfghjklzxcvbnm").await, "not_found");
    stage.end([agent]).await;
}

async fn a_denied_path_is_denied_in_every_spelling(kind: Kind) {
    let deny = "id = \"never\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\", \"write\", \"rotate\"]\n\
        paths = [\"Staging/GitHub/Tokens/*\", \"Staging/Caf\u{e9}%2FBar*/**\", \"Production/Stripe/credential\"]";
    let stage = Stage::of(kind, &seed(), "", &policy(&[&everyone(&EVERYTHING), deny]));
    let agent = stage.serve("agent").await;
    for path in [
        "Staging/GitHub/Tokens/deploy token",
        "staging/github/deploy TOKEN",
        "op://stagingvault2xxxxxxxxxxxxx/githubaaaaaaaaaaaaaaaaaaaa/z3vb5dh5xqqc3oikk4qszbfl7a",
        "Staging/githubaaaaaaaaaaaaaaaaaaaa/Tokens/z3vb5dh5xqqc3oikk4qszbfl7a",
        "Staging/oddtitleaaaaaaaaaaaaaaaaaa",
        "Staging/oddtitleaaaaaaaaaaaaaaaaaa/aim",
        "production/stripe",
        "productionvault2xxxxxxxxxx/prodstripeaaaaaaaaaaaaaaaa/credential",
    ] {
        for (tool, arguments) in [
            ("get_secret", json!({ "path": path })),
            ("put_secret", json!({ "path": path, "value": "value-mine" })),
            ("rotate_and_store", json!({ "path": path })),
        ] {
            let answer = agent.call(tool, arguments).await;
            let rule = &answer.value["error"]["rule"];
            assert!(answer.code() == "denied" && *rule == json!("never"), "{tool} {path}: {}", answer.text());
        }
    }
    assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
    assert_eq!(stage.far.changed(), 0);
    let reads: Vec<Value> = stage.home.records();
    assert!(reads.iter().any(|record| record.to_string().contains("never")), "refusals are recorded");
    stage.end([agent]).await;
}
