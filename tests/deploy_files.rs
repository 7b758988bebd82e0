//! The files in `deploy` and the clients' example: what they say is what the program and each other take.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it doesn't expect"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use opward::config::{Config, Dirs, Exposure};
use opward::model::{Category, Principal, PrincipalName, SecretPath, Target, Transport};
use opward::policy::Policy;

/// The address at which `compose.yaml` has the server.
const INSIDE: &str = "0.0.0.0:8080";

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn config(text: &str) -> Config {
    let dirs = Dirs::in_one(Path::new("/var/lib/opward"));
    Config::parse(text, Path::new("/etc/opward/opward.toml"), &dirs).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Takes in what's only offered: lines that begin with `#` and no blank.
fn with_all_that_is_offered(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(offered) if !offered.is_empty() && !offered.starts_with(' ') => offered.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_configuration_can_be_used_as_it_is_and_with_all_that_it_offers() {
    let text = file("deploy/opward.toml");
    let plain = config(&text);
    assert_eq!(plain.http.exposure(INSIDE.parse().unwrap(), false), Ok(Exposure::Proxy));
    assert_eq!((plain.sources.len(), plain.http.tokens.len(), plain.http.issuers.len()), (1, 1, 0));
    let whole = config(&with_all_that_is_offered(&text));
    assert_eq!((whole.sources.len(), whole.http.tokens.len(), whole.http.issuers.len()), (2, 1, 1));
    assert!(whole.http.tls.is_some());
    assert_eq!(whole.http.limits, plain.http.limits, "the limits that are shown are those that hold anyway");
}

#[test]
fn nobody_has_the_token_of_the_example() {
    let config = config(&file("deploy/opward.toml"));
    assert_eq!(config.http.tokens[0].sha256.as_bytes(), &[0; 32], "a digest of a known text would let people in");
}

#[test]
fn the_proxy_that_is_trusted_is_the_one_there_is() {
    let config = config(&file("deploy/opward.toml"));
    let trusted: Vec<String> = config.http.trusted_proxies.iter().map(|net| net.addr().to_string()).collect();
    let compose = file("deploy/compose.yaml");
    let caddy = compose.split_once("\n  caddy:").unwrap().1.split_once("\nnetworks:").unwrap().0;
    assert!(caddy.contains(&format!("ipv4_address: {}\n", trusted.join(""))), "{trusted:?}");
    let port = INSIDE.rsplit_once(':').unwrap().1;
    assert!(file("deploy/Caddyfile").contains(&format!("reverse_proxy opward:{port} ")));
    assert!(file("deploy/Containerfile").contains(&format!("\"--http\", \"{INSIDE}\"")));
    let url = config.http.url.unwrap();
    assert!(file("deploy/Caddyfile").contains(&format!(
        "@agents path {path} /.well-known/oauth-protected-resource /.well-known/oauth-protected-resource{path}\n",
        path = url.path()
    )));
}

#[test]
fn one_compiler_builds_everywhere() {
    let toolchain = file("rust-toolchain.toml");
    let version = toolchain.split_once("channel = \"").unwrap().1.split_once('"').unwrap().0;
    assert!(file("deploy/Containerfile").contains(&format!("rust:{version}-bookworm AS build")), "{version}");
    assert!(file("deploy/compose.yaml").contains(concat!("image: opward:", env!("CARGO_PKG_VERSION"), "\n")));
}

/// What an option of the unit says, in all its lines.
fn of_the_unit(option: &str) -> Vec<String> {
    let unit = file("deploy/opward.service");
    let said = unit.lines().filter_map(|line| line.strip_prefix(option)?.strip_prefix('='));
    said.flat_map(|said| said.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_service_may_confine_the_commands_it_runs() {
    let calls = of_the_unit("SystemCallFilter");
    for needed in ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"] {
        assert!(calls.iter().any(|call| call == needed), "{needed} in {calls:?}");
    }
    // A list that's taken away from, after it has been made.
    assert_eq!(calls.iter().position(|call| call.starts_with('~')), Some(calls.len() - 2), "{calls:?}");
    assert!(of_the_unit("MemoryDenyWriteExecute").is_empty(), "commands inherit it, and runtimes end of it");
    assert_eq!(of_the_unit("NoNewPrivileges"), ["true"]);
}

/// What's permitted over HTTP, at a time and from an address.
fn permitted(who: &str, team: Option<&str>, from: &str, path: &str, time: &str) -> String {
    let policy = Policy::parse(&file("deploy/policy.toml"), "policy.toml").unwrap_or_else(|error| panic!("{error}"));
    let claims: BTreeMap<String, String> = team.map(|team| ("team".to_owned(), team.to_owned())).into_iter().collect();
    let who = Principal {
        name: PrincipalName::parse(who).unwrap(),
        transport: Transport::Http,
        source_ip: from.parse().ok(),
        claims: Arc::new(claims),
    };
    let target = Target {
        path: SecretPath::parse(path).unwrap(),
        title_path: None,
        place: None,
        category: Category::ApiCredential,
        tags: [].into(),
    };
    let actions = policy.survey(&who, time.parse().ok()).actions(&target);
    actions.iter().map(|action| action.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_policy_says_what_its_comments_say() {
    const NOW: &str = "2026-12-01T10:00:00Z";
    const LATER: &str = "2027-02-01T00:00:00Z";
    let (runner, elsewhere) = ("10.20.3.4", "203.0.113.9");
    let (deploy, stripe) = ("Production/Deploy/key", "Staging/Stripe/key");
    for (who, team, from, path, time, expected) in [
        ("ci-deploy", None, runner, deploy, NOW, "list describe read"),
        ("ci-deploy", None, elsewhere, deploy, NOW, ""),
        ("ci-deploy", None, runner, deploy, LATER, ""),
        ("ci-deploy", None, runner, "Production/Other/key", NOW, ""),
        ("idp:ann", Some("payments"), elsewhere, stripe, NOW, "list describe read rotate"),
        ("idp:ann", Some("search"), elsewhere, stripe, NOW, "list describe"),
        ("idp:ann", None, elsewhere, "Staging/Other/key", NOW, "list describe"),
        ("idp:ann", Some("payments"), runner, deploy, NOW, ""),
        ("cli", None, runner, stripe, NOW, "list describe"),
    ] {
        assert_eq!(permitted(who, team, from, path, time), expected, "{who} {team:?} {from} {path} {time}");
    }
}

/// Every text in a JSON document.
fn texts(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(items) => items.iter().flat_map(texts).collect(),
        serde_json::Value::Object(members) => members.values().flat_map(texts).collect(),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Vec::new(),
    }
}

#[test]
fn no_client_is_shown_a_token_in_a_file() {
    let example: serde_json::Value = serde_json::from_str(&file("mcp-config.example.json")).unwrap();
    let bearers: Vec<&str> = texts(&example).into_iter().filter(|text| text.starts_with("Bearer ")).collect();
    assert!(!bearers.is_empty());
    for bearer in bearers {
        assert!(bearer.starts_with("Bearer ${") && bearer.ends_with('}'), "{bearer}");
    }
    assert!(example["mcpServers"]["opward-team"]["url"].as_str().unwrap().starts_with("https://"));
}
