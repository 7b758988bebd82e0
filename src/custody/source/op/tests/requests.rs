//! What `op` is started with, and when.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::*;
use crate::custody::source::onepassword::backend::{Backend as _, Command as Asks, Cost};

/// Notes down what stands on its standard input, if that's a pipe.
const INPUT: &str = "if [ -p /dev/stdin ]; then cat >\"$here/input\"; else echo none >\"$here/input\"; fi\n";

#[tokio::test]
async fn each_request_is_one_command_line_and_one_document_at_most() {
    let item = document(&item_json(ITEM, VAULT));
    let sent = String::from_utf8(item.to_json().to_vec()).unwrap();
    let script = format!(
        "case \"$1 $2\" in 'vault list'|'item list'|'service-account ratelimit') {INPUT} echo '[]'; exit ;;
         'item get'|'item create'|'item edit') {INPUT} echo '{}'; exit ;; 'item delete') {INPUT} exit ;; esac",
        item_json(ITEM, VAULT)
    );
    let fake = Fake::new(&script);
    let client = fake.client();
    let (vault, key) = (VaultId::new(VAULT), key());
    let none = "none\n".to_owned();
    let made = |call: String, input: &str| {
        assert_eq!((fake.calls().pop(), fake.read("input").as_str()), (Some(call), input));
    };
    client.vaults().await.unwrap();
    made("vault list --format json".into(), &none);
    client.items(std::slice::from_ref(&vault)).await.unwrap();
    made(format!("item list --vault {VAULT} --format json"), &none);
    client.items(&[vault.clone(), VaultId::new(OTHER)]).await.unwrap();
    made("item list --format json".into(), &none);
    client.read(&key).await.unwrap();
    made(format!("item get {ITEM} --vault {VAULT} --format json"), &none);
    assert_eq!(client.create(&vault, &item).await, Ok(ItemId::new(ITEM)));
    made(format!("item create --vault {VAULT} --format json -"), &sent);
    client.replace(&key, &item).await.unwrap();
    made(format!("item edit {ITEM} --vault {VAULT} --format json"), &sent);
    client.remove(&key).await.unwrap();
    made(format!("item delete {ITEM} --vault {VAULT} --archive"), &none);
    client.rate_limits().await.unwrap();
    made("service-account ratelimit --format json".into(), &none);
    assert_eq!(fake.calls().len(), 8);
    assert!(!fake.read("calls").contains("canary"));
    assert_eq!(fake.read("calls").matches("--version").count(), 1);
}

#[tokio::test]
async fn a_process_knows_little_and_one_credential() {
    let token = || SecretValue::new(TOKEN.to_owned());
    let account = || Account::new("family").unwrap();
    let ours = [
        "OP_BIOMETRIC_UNLOCK_ENABLED",
        "OP_CACHE",
        "OP_INTEGRATION_BUILDNUMBER",
        "OP_INTEGRATION_ID",
        "OP_INTEGRATION_NAME",
        "PATH",
    ];
    let app = [
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "OP_CONFIG_DIR",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "XDG_CURRENT_DESKTOP",
        "XDG_SESSION_CLASS",
        "XDG_SESSION_ID",
        "XDG_SESSION_TYPE",
    ];
    let variants: [(SignIn, &[&str], &str); 4] = [
        (
            SignIn::ServiceAccount(token()),
            &["OP_LOAD_DESKTOP_APP_SETTINGS", "OP_SERVICE_ACCOUNT_TOKEN"],
            "vault list --format json",
        ),
        (
            SignIn::Session { account: account(), token: token() },
            &["OP_CONFIG_DIR", "OP_LOAD_DESKTOP_APP_SETTINGS", "OP_SESSION_family"],
            "vault list --format json --account=family",
        ),
        (SignIn::App { account: Some(account()) }, &app, "vault list --format json --account=family"),
        (SignIn::App { account: None }, &app, "vault list --format json"),
    ];
    for (sign_in, added, line) in variants {
        let fake = Fake::new(
            "case \"$1\" in --version) env >\"$here/version.env\" ;; vault) env >\"$here/env\"; echo '[]'; exit ;; esac",
        );
        let mut settings = fake.settings(sign_in);
        settings.search_path.push(":.:relative:");
        // An environment in which everything is set.
        settings.environment = OpEnvironment::from_lookup(|name| Some(OsString::from(format!("given {name}"))));
        let client = OpClient::new(settings, &fake.tasks);
        client.vaults().await.unwrap();
        assert_eq!(fake.calls(), [line]);
        let variables = |file| -> BTreeMap<String, String> {
            let text = fake.read(file);
            // What the shell adds.
            let lines =
                text.lines().filter(|line| !["PWD", "OLDPWD", "SHLVL", "_"].contains(&line.split('=').next().unwrap()));
            lines
                .map(|line| line.split_once('=').unwrap())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        let child = variables("env");
        let given: Vec<_> = child
            .iter()
            .filter(|(name, value)| **value == format!("given {name}"))
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(
            given.contains(&"HOME") && given.contains(&"XDG_CONFIG_HOME") && given.contains(&"HTTPS_PROXY"),
            "{given:?}"
        );
        assert!(given.iter().all(|name| !name.starts_with("OP_") || *name == "OP_CONFIG_DIR"), "{given:?}");
        let mut rest: Vec<&str> = child.keys().map(String::as_str).filter(|name| !given.contains(name)).collect();
        rest.extend(given.into_iter().filter(|name| added.contains(name)));
        rest.sort_unstable();
        let mut expected = [&ours[..], added].concat();
        expected.sort_unstable();
        assert_eq!(rest, expected);
        assert_eq!(child["OP_CACHE"], "false");
        assert_eq!(child["OP_BIOMETRIC_UNLOCK_ENABLED"], added.contains(&"DISPLAY").to_string());
        assert!(child["PATH"].split(':').all(|folder| folder.starts_with('/')), "{}", child["PATH"]);
        let credentials: Vec<_> =
            child.iter().filter(|(_, value)| *value == TOKEN).map(|(name, _)| name.as_str()).collect();
        let signs_in = |name: &&str| name.ends_with("_TOKEN") || name.starts_with("OP_SESSION");
        assert_eq!(credentials, added.iter().copied().filter(|name| signs_in(name)).collect::<Vec<_>>());
        let unsigned = variables("version.env");
        assert!(unsigned.values().all(|value| !value.contains("canary")), "{:?}", unsigned.keys());
        assert!(!unsigned.contains_key("DISPLAY") && unsigned["OP_BIOMETRIC_UNLOCK_ENABLED"] == "false");
    }
}

#[tokio::test]
async fn the_version_is_asked_for_once_and_beside_the_first_request() {
    // Neither ends before the other has begun.
    let fake = Fake::new(
        "case \"$1\" in --version) read go <\"$here/gate\" ;; vault) [ -e \"$here/open\" ] || { touch \"$here/open\"; echo go >\"$here/gate\"; }; echo '[]'; exit ;; esac",
    );
    let client = fake.client();
    timely(client.vaults()).await.unwrap();
    timely(client.vaults()).await.unwrap();
    assert_eq!(fake.read("calls").matches("--version").count(), 1);
    assert_eq!(client.version().await.unwrap().to_string(), "2.30.3");
}

#[tokio::test]
async fn an_old_version_is_named_and_gets_no_document() {
    let fake = Fake::new(
        "case \"$1\" in --version) cat \"$here/version\"; exit ;; vault) echo '[]'; exit ;; item) cat >/dev/null; echo '{}'; exit ;; esac",
    );
    fs::write(fake.file("version"), "2.29.3\n").unwrap();
    let client = fake.client();
    let item = document(&item_json(ITEM, VAULT));
    let Err(Failure::Unreachable { detail, remedy }) = client.create(&VaultId::new(VAULT), &item).await else {
        panic!()
    };
    assert!(detail.contains("2.29.3") && remedy.contains("2.30.0"), "{detail}; {remedy}");
    assert!(matches!(client.vaults().await, Err(Failure::Unreachable { .. })));
    assert_eq!(fake.calls(), [""; 0], "what's known to be too old isn't asked");
    // Nobody has to restart anything after an update.
    fs::write(fake.file("version"), "2.31.0\n").unwrap();
    assert_eq!(client.vaults().await, Ok(Vec::new()));
    fs::write(fake.file("version"), "1Password\n").unwrap();
    let Err(Failure::Unreachable { detail, .. }) = fake.client().vaults().await else { panic!() };
    assert!(detail.contains("which version"), "{detail}");
}

#[tokio::test]
async fn a_program_that_others_can_write_is_not_started() {
    use std::os::unix::fs::PermissionsExt as _;
    let fake = Fake::answering(&[("vault list --format json", "[]")]);
    fs::set_permissions(fake.file("op"), fs::Permissions::from_mode(0o777)).unwrap();
    let Err(Failure::Unreachable { detail, remedy }) = fake.client().vaults().await else { panic!() };
    assert!(detail.contains("others") && remedy.contains("chmod go-w"), "{detail}; {remedy}");
    assert_eq!(fake.read("calls"), "");
}

#[tokio::test]
async fn a_request_costs_what_1password_counts() {
    let vaults = format!(
        r#"[{{"id": "{VAULT}", "name": "A"}}, {{"id": "{OTHER}", "name": "B"}}, {{"id": "{ITEM}", "name": "C"}}, {{"id": "{}", "name": "D"}}]"#,
        "d".repeat(26)
    );
    let fake = Fake::answering(&[("vault list --format json", &vaults)]);
    let client = fake.client();
    let reads = |reads| Cost { reads, writes: 0 };
    let table = [
        (Asks::Vaults, reads(1)),
        (Asks::Items(0), reads(0)),
        (Asks::Items(1), reads(2)),
        (Asks::Items(3), reads(4)),
        (Asks::Read, reads(1)),
        (Asks::ReadBatch(20), reads(20)),
        (Asks::Create, Cost { reads: 0, writes: 1 }),
        (Asks::Replace, Cost { reads: 4, writes: 1 }),
        (Asks::Remove, Cost { reads: 4, writes: 1 }),
    ];
    for (asks, cost) in table {
        assert_eq!(client.cost(asks), cost, "{asks:?}");
    }
    // All together it asks for each vault there is, and there are four.
    client.vaults().await.unwrap();
    assert_eq!((client.cost(Asks::Items(2)), client.cost(Asks::Items(3))), (reads(4), reads(5)));
    let app = OpClient::new(fake.settings(SignIn::App { account: None }), &fake.tasks);
    for (asks, _) in table {
        assert_eq!(app.cost(asks), Cost::default(), "{asks:?}");
    }
}
