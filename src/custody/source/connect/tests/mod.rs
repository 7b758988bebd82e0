//! The client against a server on the loopback: what it sends, and what it makes of good answers.
//! `faults.rs` has the bad ones.

mod faults;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::server::{Reply, Seen, Server, error, reply};
use super::*;
use crate::custody::source::onepassword::backend::{Backend, Command, Cost, ItemKey, Removal};
use crate::custody::source::onepassword::document::Document;
use crate::custody::source::onepassword::failure::Failure;
use crate::model::{FieldId, ItemId, VaultId};

const TOKEN: &str = "k4n4ry.token-K4N4RY";
const VAULT: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";
const ITEM: &str = "hfnjvi6aymbsnfc2xeeoheizda";
const FILE: &str = "6r65pjq33banznomn7q22sj44e";

fn client(url: String, timeout: Duration) -> ConnectClient {
    ConnectClient::new(ConnectSettings { url, token: SecretValue::new(TOKEN.to_owned()), timeout }).unwrap()
}

fn patient(server: &Server) -> ConnectClient {
    client(server.url(), Duration::from_secs(20))
}

fn key() -> ItemKey {
    ItemKey { vault: VaultId::new(VAULT), item: ItemId::new(ITEM) }
}

/// The id of the `n`th vault.
fn vault(n: usize) -> String {
    format!("vault{n:021}")
}

fn item(id: &str, vault: &str) -> Value {
    json!({"id": id, "title": "Mail", "category": "LOGIN", "version": 3, "vault": {"id": vault}})
}

fn document(value: &Value) -> Document {
    Document::parse(&Zeroizing::new(value.to_string().into_bytes())).unwrap()
}

fn contents(document: &Document) -> Value {
    serde_json::from_slice(&document.to_json()).unwrap()
}

/// Answers like a Connect server whose vaults all hold one item.
fn well_behaved(request: &Seen) -> Reply {
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["heartbeat"]) => reply(200, "."),
        ("GET", ["health"]) => reply(
            200,
            &json!({"name": "1Password Connect API", "version": "1.8.1", "dependencies": [
                {"service": "sync", "status": "TOKEN_NEEDED"},
                {"service": "sqlite", "status": "ACTIVE", "message": "k4n4ry"},
            ]})
            .to_string(),
        ),
        ("GET", ["v1", "vaults"]) => reply(200, &json!([{"id": VAULT, "name": "Work", "items": 1}]).to_string()),
        ("GET", ["v1", "vaults", vault, "items"]) => reply(200, &json!([item(ITEM, vault)]).to_string()),
        ("GET", ["v1", "vaults", _, "items", id, "files"]) => reply(
            200,
            &json!([{"id": FILE, "name": "a.pem", "size": 9, "section": {"id": "s1"},
                "content_path": format!("/v1/vaults/{VAULT}/items/{id}/files/{FILE}/content")}])
            .to_string(),
        ),
        ("DELETE", _) => Reply::Whole(server::head(204, "")),
        (_, ["v1", "vaults", vault, "items"]) => reply(200, &item(ITEM, vault).to_string()),
        (_, ["v1", "vaults", vault, "items", id]) => reply(200, &item(id, vault).to_string()),
        _ => error(404, "no such route"),
    }
}

#[tokio::test]
async fn lists_and_reads_by_id_over_one_connection() {
    let server = Server::start(well_behaved).await;
    let client = patient(&server);

    let vaults = client.vaults().await.unwrap();
    assert_eq!((vaults[0].id.as_str(), vaults[0].name.as_str(), vaults.len()), (VAULT, "Work", 1));
    let items = client.items(&[VaultId::new(VAULT)]).await.unwrap();
    assert_eq!(items.iter().map(contents).collect::<Vec<_>>(), [item(ITEM, VAULT)]);
    assert_eq!(contents(&client.read(&key()).await.unwrap()), item(ITEM, VAULT));
    assert!(client.read_batch(&[key()]).await.unwrap().is_empty());

    let paths: Vec<String> = server.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    let items = format!("GET /v1/vaults/{VAULT}/items");
    let expected = ["GET /v1/vaults", &items, &format!("{items}/{ITEM}")];
    assert_eq!(paths, expected);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn says_who_it_is_and_asks_for_nothing_unusual() {
    let server = Server::start(well_behaved).await;
    patient(&server).vaults().await.unwrap();

    let head = &server.seen()[0].head;
    let mut lines: Vec<&str> = head.lines().skip(1).filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    let token = format!("authorization: bearer {}", TOKEN.to_ascii_lowercase());
    let host = format!("host: {}", server.address);
    let agent = concat!("user-agent: opward/", env!("CARGO_PKG_VERSION"));
    assert_eq!(lines, ["accept: application/json", &token, &host, agent]);
}

#[tokio::test]
async fn writes_whole_items_and_single_values() {
    let server = Server::start(well_behaved).await;
    let client = patient(&server);
    let new = json!({"id": "", "title": "Mail \"1\"", "category": "LOGIN", "vault": {"id": VAULT}});

    assert_eq!(client.create(&VaultId::new(VAULT), &document(&new)).await, Ok(ItemId::new(ITEM)));
    assert_eq!(client.replace(&key(), &document(&item(ITEM, VAULT))).await, Ok(()));
    let value = SecretValue::new("new \"value\"\n".to_owned());
    assert_eq!(client.set_value(&key(), &FieldId::new("password"), &value).await, Some(Ok(())));
    assert_eq!(client.remove(&key()).await, Ok(()));

    let seen = server.seen();
    let sent = |n: usize| serde_json::from_str::<Value>(&seen[n].body).unwrap();
    assert_eq!((sent(0), sent(1)), (new, item(ITEM, VAULT)));
    assert_eq!(sent(2), json!([{"op": "replace", "path": "/fields/password/value", "value": "new \"value\"\n"}]));
    let lines: Vec<String> = seen.iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    let (items, one) = (format!("/v1/vaults/{VAULT}/items"), format!("/v1/vaults/{VAULT}/items/{ITEM}"));
    assert_eq!(lines, [format!("POST {items}"), format!("PUT {one}"), format!("PATCH {one}"), format!("DELETE {one}")]);
    assert!(seen[..3].iter().all(|seen| seen.head.contains("content-type: application/json\r\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_vaults_four_at_a_time() {
    let (asked, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let four = Arc::new(std::sync::Barrier::new(4));
    let counts = (Arc::clone(&asked), Arc::clone(&most));
    let server = Server::start(move |request| {
        let now = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
        counts.1.fetch_max(now, Ordering::SeqCst);
        // Nobody is answered before four have asked.
        tokio::task::block_in_place(|| four.wait());
        counts.0.fetch_sub(1, Ordering::SeqCst);
        well_behaved(request)
    })
    .await;
    let vaults: Vec<VaultId> = (0..12).map(|n| VaultId::new(&vault(n))).collect();

    let items = patient(&server).items(&vaults).await.unwrap();

    assert_eq!(items.len(), 12);
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!(server.seen().len(), 12);
}

/// Lists two vaults, of which the second is refused in some way, and listed or not by then.
async fn list_with_one_refused(status: u16, still_listed: bool) -> Result<usize, Failure> {
    let listed: Vec<Value> =
        (0..=usize::from(still_listed)).map(|n| json!({"id": vault(n), "name": n.to_string()})).collect();
    let listed = Value::from(listed).to_string();
    let second = vault(1);
    let server = Server::start(move |request| match request.path.as_str() {
        "/v1/vaults" => reply(200, &listed),
        path if path.contains(&second) => error(status, "vault x is not there"),
        _ => well_behaved(request),
    })
    .await;
    patient(&server).items(&[VaultId::new(&vault(0)), VaultId::new(&vault(1))]).await.map(|items| items.len())
}

#[tokio::test]
async fn a_vault_that_vanished_between_two_lists_is_left_out() {
    for status in [403, 404] {
        assert_eq!(list_with_one_refused(status, false).await, Ok(1), "{status}");
    }
}

#[tokio::test]
async fn a_vault_that_is_there_and_refused_fails_the_whole_list() {
    assert!(matches!(list_with_one_refused(403, true).await, Err(Failure::Forbidden { .. })));
    assert!(matches!(list_with_one_refused(404, true).await, Err(Failure::Unclear { .. })));
    assert!(matches!(list_with_one_refused(500, false).await, Err(Failure::Unclear { .. })));
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_missing_without_a_request() {
    let server = Server::start(well_behaved).await;
    let client = patient(&server);
    let climbing = ItemKey { item: ItemId::new("../../../../metrics"), ..key() };

    assert_eq!(client.read(&climbing).await.err(), Some(Failure::Missing));
    assert_eq!(client.remove(&climbing).await, Err(Failure::Missing));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn health_is_asked_for_without_the_token() {
    let server = Server::start(well_behaved).await;

    let health = patient(&server).health().await.unwrap();

    let part = |service: &str, state| Dependency { service: service.to_owned(), state };
    let parts = vec![part("sync", DependencyState::TokenNeeded), part("sqlite", DependencyState::Active)];
    assert_eq!(health, ConnectHealth { version: ConnectVersion::parse("1.8.1"), dependencies: Some(parts) });
    let seen = server.seen();
    assert_eq!(seen.iter().map(|seen| seen.path.as_str()).collect::<Vec<_>>(), ["/heartbeat", "/health"]);
    assert!(!seen.iter().any(|seen| seen.head.contains("authorization")));
}

#[tokio::test]
async fn a_server_that_shows_only_its_heartbeat_is_there() {
    let server = Server::scripted([reply(200, ".\n"), error(404, "")]).await;
    let health = patient(&server).health().await.unwrap();
    assert_eq!(health, ConnectHealth { version: ConnectVersion::parse("1.8.1"), dependencies: None });

    let other = Server::scripted([reply(200, "<html>welcome</html>")]).await;
    assert!(matches!(patient(&other).health().await, Err(Failure::Unclear { .. })));
}

#[tokio::test]
async fn debug_output_has_the_address_and_no_token() {
    let server = Server::start(well_behaved).await;
    let client = patient(&server);
    client.vaults().await.unwrap();
    let text = format!("{client:?}");
    assert!(text.contains(&server.url()), "{text}");
    assert!(!text.to_lowercase().contains("k4n4ry"), "{text}");
}

#[test]
fn removing_destroys_and_each_request_is_counted() {
    let client = client("http://localhost".to_owned(), Duration::from_secs(1));
    assert_eq!(client.removal(), Removal::Destroys);
    assert_eq!(client.cost(Command::Items(100)), Cost { reads: 100, writes: 0 });
    // The items of a batch are read, and counted, one by one.
    assert_eq!(client.cost(Command::ReadBatch(100)), Cost::default());
    assert_eq!(client.cost(Command::Replace), Cost { reads: 0, writes: 1 });
}
