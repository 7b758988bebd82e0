//! What's made of what `op` prints.

use super::*;
use crate::custody::source::onepassword::backend::{Backend as _, Removal};

const ROWS: &str = r#"[
  {"id": "itemitemitemitemitemitem01", "title": "A", "vault": {"id": "vaultvaultvaultvaultvault1"}},
  {"id": "itemitemitemitemitemitem02", "title": "B", "vault": {"id": "vaultvaultvaultvaultvault2"}},
  {"id": "itemitemitemitemitemitem03", "title": "C", "vault": {"id": "vaultvaultvaultvaultvault3"}}
]"#;

const NEEDS_A_VAULT: &str = "fail 'a vault query must be provided when this command is called by a service account'";

fn both() -> [VaultId; 2] {
    [VaultId::new(VAULT), VaultId::new(OTHER)]
}

#[tokio::test]
async fn all_vaults_are_listed_at_once_and_only_the_ones_meant_are_kept() {
    let fake = Fake::answering(&[("item list --format json", ROWS)]);
    let items = fake.client().items(&both()).await.unwrap();
    assert_eq!(ids(&items), [item_id(1), item_id(2)]);
    assert_eq!(fake.calls().len(), 1);
    assert_eq!(fake.client().items(&[]).await.map(|items| items.len()).ok(), Some(0));
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn a_vault_is_named_once_it_is_known_to_be_wanted() {
    let script = format!(
        "case \"$*\" in 'item list --format json') {NEEDS_A_VAULT} ;;
         'vault list --format json') echo '[{{\"id\": \"{VAULT}\", \"name\": \"A\"}}]'; exit ;;
         'item list --vault {VAULT} --format json') echo '[{}]'; exit ;;
         'item list --vault {OTHER} --format json') fail '\"{OTHER}\" isn'\\''t a vault in this account. Specify the vault with its ID or name.' ;; esac",
        item_json(ITEM, VAULT)
    );
    let fake = Fake::new(&script);
    let client = fake.client();
    assert_eq!(ids(&client.items(&both()).await.unwrap()), [ITEM]);
    assert_eq!(ids(&client.items(&both()).await.unwrap()), [ITEM]);
    let calls = fake.calls();
    assert_eq!(calls.iter().filter(|call| *call == "item list --format json").count(), 1, "{calls:?}");
    // Where a vault isn't there, it's looked whether that's so.
    assert_eq!(calls.len(), 7);
}

#[tokio::test]
async fn a_vault_that_is_listed_and_denied_is_not_an_empty_one() {
    let fake = Fake::new(&format!(
        "case \"$*\" in 'vault list --format json') echo '[{{\"id\": \"{VAULT}\", \"name\": \"A\"}}]'; exit ;;
         'item list'*) fail '(404) Not Found: The requested resource was not found.' ;; esac"
    ));
    let failure = fake.client().items(&[VaultId::new(VAULT)]).await.unwrap_err();
    assert!(matches!(failure, Failure::Unclear { .. }), "{failure:?}");
}

#[tokio::test]
async fn two_of_many_vaults_are_listed_by_themselves() {
    let vaults: Vec<_> =
        (1..=9).map(|n| format!(r#"{{"id": "vaultvaultvaultvaultvault{n}", "name": "{n}"}}"#)).collect();
    let one = format!("item list --vault {VAULT} --format json");
    let other = format!("item list --vault {OTHER} --format json");
    let list = format!("[{}]", vaults.join(","));
    let fake = Fake::answering(&[("vault list --format json", &list), (&one, "[]"), (&other, "[]")]);
    let client = fake.client();
    assert_eq!(client.vaults().await.unwrap().len(), 9);
    client.items(&both()).await.unwrap();
    let mut calls = fake.calls().split_off(1);
    calls.sort_unstable();
    assert_eq!(calls, [one, other]);
}

#[tokio::test]
async fn many_items_come_from_one_process() {
    let script = format!(
        "case \"$*\" in 'item get - --format json') cat >\"$here/input\"; echo '{}'; echo '{}'; echo '{}'; exit ;; esac",
        item_json(&item_id(2), VAULT),
        item_json(&item_id(1), VAULT),
        item_json(&item_id(77), VAULT)
    );
    let fake = Fake::new(&script);
    let client = fake.client();
    let items = client.read_batch(&keys(1..4)).await.unwrap();
    assert_eq!(ids(&items), [item_id(1), item_id(2)], "what wasn't asked for isn't taken");
    assert_eq!(fake.calls(), ["item get - --format json"]);
    let sent: serde_json::Value = serde_json::from_str(&fake.read("input")).unwrap();
    let row = |number| serde_json::json!({"id": item_id(number), "vault": {"id": VAULT}});
    assert_eq!(sent, serde_json::json!([row(1), row(2), row(3)]));
    // Each process gets as many as it can give in time.
    client.read_batch(&keys(1..60)).await.unwrap();
    assert_eq!(fake.calls().len(), 3);
    assert_eq!(client.read_batch(&[]).await.unwrap().len(), 0);
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn what_a_batch_gave_before_it_failed_is_kept() {
    let script = format!(
        "case \"$1 $2\" in 'item get') cat >/dev/null; echo '{}'; printf '{{\"id\": \"item'; fail '(500) Internal Server Error' ;; esac",
        item_json(&item_id(2), VAULT)
    );
    let fake = Fake::new(&script);
    assert_eq!(ids(&fake.client().read_batch(&keys(1..4)).await.unwrap()), [item_id(2)]);
}

#[tokio::test]
async fn batches_that_do_not_work_are_given_up() {
    for (complaint, tries) in [
        ("\"-\" isn'\\''t an item. Specify the item with its UUID, name, or domain.", 1),
        ("unknown command \"get\"", 1),
        ("something new", 3),
        ("(503) Service Unavailable", 9),
    ] {
        let fake = Fake::new(&format!("case \"$1 $2\" in 'item get') fail '{complaint}' ;; esac"));
        let client = fake.client();
        for _ in 0..9 {
            assert!(client.read_batch(&keys(1..4)).await.unwrap().is_empty());
        }
        assert_eq!(fake.calls().len(), tries, "{complaint}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_failure() {
    let item = item_json(ITEM, VAULT);
    let (title, other) = (item_json(&item_id(2), VAULT), item_json(ITEM, OTHER));
    let marked = "printf '[ERROR] 2026/11/21 10:11:12 (409) Conflict: Internal server conflict\\n' >&2";
    let unclear: [String; 9] = [
        "exit 0".into(),
        "echo; exit 0".into(),
        "echo oops >&2; exit 0".into(),
        "echo '{\"title\": \"x\"}'; exit".into(),
        format!("echo '[{item}]'; exit"),
        format!("printf '%s' '{}'; exit", item.strip_suffix('}').unwrap()),
        format!("printf '{{\"id\": \"{ITEM}\", \"title\": \"\\377\"}}'; exit"),
        format!("echo '{title}'; exit"),
        format!("echo '{other}'; exit"),
    ];
    for script in unclear {
        let fake = Fake::new(&format!("case \"$1\" in item) {script} ;; esac"));
        let failure = fake.client().read(&key()).await;
        assert!(matches!(failure, Err(Failure::Unclear { .. })), "{script}: {failure:?}");
    }
    let conflicts = [
        format!("echo '{item}'; {marked}; exit 0"),
        format!("{marked}; exit 0"),
        format!("echo '{item}'; {marked}; exit 4"),
    ];
    for script in conflicts {
        let fake = Fake::new(&format!("case \"$1\" in item) {script} ;; esac"));
        assert!(matches!(fake.client().read(&key()).await, Err(Failure::Conflict)), "{script}");
        if !script.starts_with("echo") {
            assert_eq!(fake.client().remove(&key()).await, Err(Failure::Conflict), "{script}");
        }
    }
    let warned =
        Fake::new(&format!("case \"$1\" in item) echo '{item}'; echo 'a newer version is out' >&2; exit ;; esac"));
    assert!(warned.client().read(&key()).await.is_ok());
}

#[tokio::test]
async fn nothing_that_op_says_gets_into_a_failure() {
    for complaint in [
        "canary",
        "(403) canary",
        "(500) canary",
        "canary: canary",
        "unable to process line 1: canary",
        "found no accounts for filter canary",
        "connecting to desktop app: canary",
        "(429) canary: retry in 5 minutes",
        "Get \"https://canary\": canary",
    ] {
        let fake = Fake::new(&format!("case \"$1\" in item) echo canary; fail '{complaint}' ;; esac"));
        for failure in
            [fake.client().read(&key()).await.err().unwrap(), fake.client().remove(&key()).await.err().unwrap()]
        {
            assert!(!format!("{failure} {failure:?}").contains("canary"), "{failure:?}");
            assert_ne!(failure, Failure::Missing);
        }
    }
}

#[tokio::test]
async fn items_are_archived_and_never_destroyed() {
    let fake = Fake::new("case \"$*\" in *--archive) exit ;; esac");
    let client = fake.client();
    assert_eq!(client.removal(), Removal::Archives);
    assert_eq!(client.remove(&key()).await, Ok(()));
}

#[tokio::test]
async fn only_a_service_account_is_asked_for_its_limits() {
    let row = r#"[{"type": "token", "action": "read", "limit": 1000, "used": 1, "remaining": 999, "reset": 60}]"#;
    let fake = Fake::answering(&[("service-account ratelimit --format json", row)]);
    assert_eq!(fake.client().rate_limits().await.unwrap().len(), 1);
    let app = OpClient::new(fake.settings(SignIn::App { account: None }), &fake.tasks);
    assert!(matches!(app.rate_limits().await, Err(Failure::Unsupported(_))));
    assert_eq!(fake.calls().len(), 1);
}

#[test]
fn the_client_says_nothing_of_its_credential() {
    let fake = Fake::new("");
    let mut settings = fake.settings(service_account());
    settings.environment = OpEnvironment::from_lookup(|_| Some("http://user:canary@proxy".into()));
    assert!(!format!("{:?}", OpClient::new(settings, &fake.tasks)).contains("canary"));
}
