//! What an agent gets of an answer that holds a value, wherever it has it cut, and what it's told of the rest.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Client, Home, put};
use crate::use_attacks::{Host, answered};

const VALUE: &str = "c4n4ry-4eC39HqLyjWDarjtT1zdp7dc";

/// How much of a body is passed on.
const MOST: usize = 256 * 1024;

fn policy(port: u16, script: &str) -> String {
    format!(
        r#"
version = 1
[[rule]]
id = "agent"
principals = ["agent"]
actions = ["list", "use"]
paths = ["Prod/**"]
use.commands = ["stops"]
use.hosts = ["127.0.0.1:{port}"]

[[http]]
name = "api"
base = "http://127.0.0.1:{port}/v1/"
methods = ["GET", "POST"]
paths = ["/v1/", "/v1/items/*", "/v1/lists/"]
inject = {{ header = "Authorization", format = "Bearer {{}}", secret = "Prod/Api/credential" }}
allow_private = true

[[http]]
name = "beyond-ascii"
base = "http://127.0.0.1:{port}/v1/"
methods = ["GET"]
paths = ["/v1/**"]
inject = {{ header = "Authorization", format = "Bearer {{}}", secret = "Prod/Umlaut/credential" }}
allow_private = true

[[command]]
name = "stops"
exe = "{script}"
env.TOKEN = "Prod/Api/credential"
class = "trusted-code"
accept_exposure = true
timeout = "1s"
"#
    )
}

/// A host that shows whom it was asked by, after as much as it's told to say before that.
fn echo(request: &str) -> String {
    let token = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or_default();
    let before = |path: &str| {
        let from = request.strip_prefix(path)?.split(' ').next()?;
        from.parse().ok().map(|count| "-".repeat(count))
    };
    let range = request.lines().find_map(|line| line.strip_prefix("range: bytes="));
    if let Some(filler) = before("GET /v1/items/plain?n=") {
        answered("200 OK", "", &format!("{filler}{token}."))
    } else if let Some(filler) = before("GET /v1/items/base64?n=") {
        answered("200 OK", "", &format!("{filler}{}.", STANDARD.encode(token)))
    } else if let Some((from, to)) = range.and_then(|range| range.split_once('-')) {
        let from: usize = from.parse().unwrap();
        answered("206 Partial Content", "", &token[from..=to.parse::<usize>().unwrap_or(token.len() - 1)])
    } else if request.starts_with("GET /v1/items/part ") {
        answered("206 Partial Content", "Content-Range: bytes 0-9/31\r\n", &token[..10])
    } else {
        let headers = format!(
            "Set-Cookie: a=b\r\nWWW-Authenticate: Basic\r\nX-Long: {}\r\nLink: <{}>\r\n",
            "y".repeat(20_000),
            "z".repeat(9000)
        );
        answered("200 OK", &headers, &format!("{{\"key\": \"{token}\"}}"))
    }
}

struct Scene {
    home: Home,
    agent: Client,
    host: Host,
    _folder: tempfile::TempDir,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().canonicalize().unwrap().join("stops.sh");
    fs::write(&script, "#!/bin/sh\nprintf 'the token is %.25s' \"$TOKEN\"\nexec sleep 60\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let host = Host::start(echo).await;
    let home = Home::new();
    home.furnish([put("Prod/Api/credential", VALUE), put("Prod/Umlaut/credential", "c4n4ry-gr\u{fc}\u{df}e")]).await;
    home.policy(&policy(host.address.port(), &script.display().to_string()));
    let agent = home.serve("agent").await;
    Scene { home, agent, host, _folder: folder }
}

impl Scene {
    async fn get(&self, more: Value) -> Value {
        let mut call = json!({ "name": "api", "method": "GET", "path": "/v1/items/1" });
        for (key, value) in more.as_object().unwrap() {
            call[key] = value.clone();
        }
        self.agent.call("http_request", call).await.ok()
    }

    async fn end(self) {
        let log = self.agent.end().await;
        assert!(!log.contains("c4n4ry") && !self.home.in_the_open().contains("c4n4ry"));
    }
}

#[tokio::test]
async fn wherever_an_answer_ends_nothing_of_the_value_is_seen() {
    let scene = scene().await;
    let encoded = STANDARD.encode(VALUE);
    for (form, text, step) in [("plain", VALUE, 1), ("base64", encoded.as_str(), 3)] {
        for seen in (1..=text.len()).step_by(step).chain([text.len() - 1, text.len() + 1]) {
            let answer = scene.get(json!({ "path": format!("/v1/items/{form}"), "query": { "n": MOST - seen } })).await;
            let rest = answer["body"].as_str().unwrap().trim_start_matches('-');
            assert!(rest.is_empty() || rest.starts_with("[hidden by opward"), "{form}, {seen} within: {rest}");
            assert_eq!(answer["truncated"], json!(seen <= text.len()), "{form}, {seen} within");
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn no_answer_comes_in_parts() {
    let scene = scene().await;
    for name in ["Range", "range", "If-Range", "Request-Range", "X-MS-Range"] {
        let answer = scene.get(json!({ "headers": { name: "bytes=0-20" } })).await;
        assert_eq!((&answer["status"], &answer["left_out"]), (&json!(200), &json!([name.to_lowercase()])));
        let sent = scene.host.heard().concat().to_ascii_lowercase();
        assert!(!sent.contains("bytes=0-20"), "{sent}");
    }
    let part = scene.get(json!({ "path": "/v1/items/part" })).await;
    assert_eq!((&part["status"], part.get("body")), (&json!(206), None));
    assert!(part["note"].as_str().unwrap().contains("only a part"), "{part}");
    scene.end().await;
}

#[tokio::test]
async fn what_is_withheld_is_named() {
    let scene = scene().await;
    let answer = scene.get(json!({})).await;
    assert_eq!(answer["note"], "headers withheld: set-cookie, www-authenticate, x-long");
    assert!(answer["headers"].get("link").is_some() && answer["body"].is_string(), "{answer}");
    scene.end().await;
}

#[tokio::test]
async fn a_path_may_end_with_a_slash_and_a_refusal_says_what_may_be_asked_for() {
    let scene = scene().await;
    for path in ["/v1/", "/v1/lists/"] {
        assert_eq!(scene.get(json!({ "path": path })).await["status"], 200, "{path}");
    }
    for path in ["/v1/lists", "/v1/items/", "/v1/items/1/"] {
        let call = json!({ "name": "api", "method": "GET", "path": path });
        let refused = scene.agent.call("http_request", call).await;
        assert_eq!(refused.code(), "invalid", "{path}");
        let said = refused.value.to_string();
        assert!(said.contains("only /v1/, /v1/items/*, /v1/lists/") && said.contains("at the end"), "{said}");
    }
    let refused = scene.agent.call("http_request", json!({ "name": "api", "method": "PUT", "path": "/v1/" })).await;
    assert!(refused.value.to_string().contains("only GET, POST"), "{}", refused.value);
    scene.end().await;
}

#[tokio::test]
async fn what_would_be_another_request_or_come_back_unhidden_is_not_sent() {
    let scene = scene().await;
    let post = |more: Value| {
        let mut call = json!({ "name": "api", "method": "POST", "path": "/v1/items/1" });
        for (key, value) in more.as_object().unwrap() {
            call[key] = value.clone();
        }
        call
    };
    for call in [
        post(json!({ "body": "_method=DELETE" })),
        post(json!({ "json": { "_method": "DELETE" } })),
        post(json!({ "query": { "_method[]": "DELETE" } })),
        post(json!({ "query": { " _method": "DELETE" } })),
        post(json!({ "json": { "id": 12_345_678_901_234_567_890_123.0 } })),
        json!({ "name": "beyond-ascii", "method": "GET", "path": "/v1/" }),
    ] {
        let refused = scene.agent.call("http_request", call.clone()).await;
        assert_eq!(refused.code(), "invalid", "{call}: {}", refused.value);
    }
    assert_eq!(scene.host.heard(), Vec::<String>::new());
    let sent = scene.agent.call("http_request", post(json!({ "json": { "method": "card" } }))).await;
    assert_eq!(sent.ok()["status"], 200);
    scene.end().await;
}

#[tokio::test]
async fn of_a_command_that_was_ended_nothing_of_the_value_is_seen() {
    let scene = scene().await;
    let ran = scene.agent.call("run_command", json!({ "name": "stops" })).await.ok();
    assert_eq!((&ran["timed_out"], &ran["stdout"]), (&json!(true), &json!("the token is ")), "{ran}");
    scene.end().await;
}
