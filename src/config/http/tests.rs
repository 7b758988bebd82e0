//! What `[http]` says, and what's never shown of it.

use std::time::Duration;

use super::*;
use crate::config::{Config, Dirs};
use crate::model::{SigningAlgorithm, TokenDigest};
use crate::policy::Diagnostics;

const GOOD: &str = include_str!("../../../fixtures/configs/good/http.toml");

fn parse(text: &str) -> Result<Config, Diagnostics> {
    Config::parse(text, Path::new("/etc/o/opward.toml"), &Dirs::in_one(Path::new("/home/o")))
}

fn with(http: &str) -> Result<HttpConfig, Diagnostics> {
    parse(&format!("version = 1\n[[source]]\nname = \"home\"\nkind = \"local\"\n{http}\n")).map(|config| config.http)
}

#[test]
fn reads_everything_it_can_say() {
    let http = parse(GOOD).unwrap().http;
    assert_eq!(http.url.as_ref().map(HttpUrl::as_str), Some("https://vault.example.com/mcp"));
    let hosts: Vec<String> = http.allowed_hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["vault.internal:8443", "[2001:db8::1]:8443", "10.0.0.7"]);
    assert_eq!(http.allowed_origins.last().map(AllowedOrigin::as_str), Some("vscode-webview://0a1b2c"));
    let tls = TlsFiles { cert: "/etc/o/tls/cert.pem".into(), key: "/etc/opward/key.pem".into() };
    assert_eq!(http.tls, Some(tls), "relative to the configuration's folder");
    let proxies: Vec<String> = http.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "2001:db8::7/128"]);
    assert!(http.is_behind_proxy() && http.access_log && http.has_bearers());
    assert_eq!(http.metrics, Some("127.0.0.1:9464".parse().unwrap()));
    let HttpLimits { connections, sessions, sessions_per_principal, requests, burst, concurrent } = http.limits;
    assert_eq!((connections, sessions, sessions_per_principal, concurrent), (500, 50, 5, 4));
    assert_eq!((requests.to_string().as_str(), burst.get()), ("10/1s", 15));
    let [first, second] = http.tokens.as_slice() else { panic!("{:?}", http.tokens) };
    assert_eq!(first.principal, second.principal, "a principal may have several tokens");
    assert_eq!(first.expires, Some("2027-01-31T00:00:00Z".parse().unwrap()));
    assert_eq!(second.sha256.as_bytes()[..3], [0x60, 0x30, 0x3a]);
    assert_eq!(second.expires, None);
}

#[test]
fn an_issuer_is_strict_by_default() {
    let http = parse(GOOD).unwrap().http;
    let [okta, test] = http.issuers.as_slice() else { panic!("{:?}", http.issuers) };
    assert_eq!(
        (okta.issuer.as_str(), okta.audience.as_str()),
        ("https://idp.example.com/", "https://vault.example.com/mcp")
    );
    assert_eq!(okta.algorithms, SigningAlgorithm::DEFAULT);
    assert_eq!((okta.principal_claim.as_str(), okta.max_lifetime), ("sub", Duration::from_hours(1)));
    assert_eq!((okta.principal_prefix.as_str(), okta.scopes.join(" ")), ("okta:", "opward vault.read".to_owned()));
    assert_eq!(test.audience, "opward-tests");
    assert_eq!(test.keys, KeysPlace::File("/etc/o/keys.json".into()));
    assert_eq!(test.algorithms, [SigningAlgorithm::EdDsa, SigningAlgorithm::Rs512]);
    assert_eq!(
        (test.principal_claim.as_str(), test.max_lifetime),
        ("https://example.com/user", Duration::from_mins(10))
    );
    assert!(test.scopes.is_empty());
}

#[test]
fn says_nothing_and_accepts_nobody_by_default() {
    let http = with("").unwrap();
    assert_eq!(http, HttpConfig::default());
    assert_eq!(with("[http]").unwrap(), http);
    assert!(!http.has_bearers() && !http.is_behind_proxy() && !http.access_log);
    let HttpLimits { connections, sessions, sessions_per_principal, requests, burst, concurrent } = http.limits;
    assert_eq!((connections, sessions, sessions_per_principal, concurrent), (10_000, 1_000, 100, 16));
    assert_eq!((requests.to_string().as_str(), burst.get()), ("100/1s", 200));
}

#[test]
fn what_a_limit_implies_follows_it() {
    let limits = |text: &str| with(&format!("[http]\nlimits = {{ {text} }}")).unwrap().limits;
    assert_eq!(limits("requests = \"5/1m\"").burst.get(), 10, "not the 200 that go with 100/1s");
    assert_eq!(limits("requests = \"5/1m\", burst = 1").burst.get(), 1);
    assert_eq!(limits("sessions = 20").sessions_per_principal, 20);
    assert_eq!(limits("sessions = 200").sessions_per_principal, 100);
}

#[test]
fn a_token_is_written_as_it_is_read() {
    let token = |expires: Option<&str>| {
        let principal = crate::model::PrincipalName::parse("a.b_c-d@e:f+1").unwrap();
        TokenConfig::new(principal, TokenDigest::of_bytes([0xa5; 32]), expires.map(|time| time.parse().unwrap()))
    };
    for token in [token(None), token(Some("2027-01-31T12:34:56Z"))] {
        assert_eq!(with(&token.to_string()).unwrap().tokens, [token]);
    }
}

#[test]
fn names_of_two_issuers_cannot_clash() {
    let two = |one: &str, other: &str| {
        let issuer = |name: &str, prefix: &str| {
            let prefix = if prefix.is_empty() { String::new() } else { format!("principal_prefix = \"{prefix}\"") };
            format!("[[http.issuer]]\nissuer = \"https://{name}\"\naudience = \"x\"\njwks_file = \"k\"\n{prefix}\n")
        };
        with(&(issuer("a", one) + &issuer("b", other))).is_ok()
    };
    assert!(two("a:", "b:"));
    for (one, other) in [("", ""), ("", "b:"), ("a:", ""), ("a:", "a:"), ("a", "ab"), ("ab", "a")] {
        assert!(!two(one, other), "{one} {other}");
    }
}

const CANARY: &str = "canary-5f0c1d";

#[test]
fn no_problem_shows_a_token_or_a_password_wherever_it_was_written() {
    for line in [
        "[[http.token]]\nprincipal = \"ci\"\nsha256 = \"opw_§\"",
        "[[http.token]]\nprincipal = \"ci\"\nsha256 = \"§\"",
        "[[http.token]]\nprincipal = \"ci\"\nsha256 = [\"§\"]",
        "[[http.token]]\nprincipal = \"ci\"\nsha256 = § ",
        "[[http.token]]\nprincipal = \"ci\"\ntoken = \"§\"",
        "[[http.token]]\nprincipal = \"ci\"\nbearer = \"§\"",
        "[[http.token]]\nprincipal = \"opw_§\"",
        "[[http.token]]\nprincipal = \"ci\"\nexpires = \"opw_§\"",
        "[[http.token]]\nopw_§ = \"ci\"",
        "[[http.token]]\nopw_§§§",
        "[http]\ntoken = \"opw_§§§\"",
        "[http]\ntoken = [\"opw_§§§\"]",
        "[http]\ntoken = [\"§\"]",
        "[http]\nbearer = \"opw_§§§\"",
        "# opw_§§§\n[http]\nx = 1",
        "[http]\nurl = \"https://u:§@vault\"",
        "[http]\nurl = \"https://vault/mcp?token=§\"",
        "[http]\nurl = \"https://vault/mcp#§\"",
        "[[http.issuer]]\nissuer = \"https://u:§@idp\"",
        "[[http.issuer]]\njwks_url = \"https://u:§@idp/jwks\"",
    ] {
        // Where the file isn't TOML, only what looks like a token can be told from the rest.
        let line = if line.contains("= § ") { line.replace('§', "opw_§§") } else { line.to_owned() };
        let line = line.replace('§', CANARY);
        let problems = with(&line).err().unwrap_or_else(|| panic!("{line}"));
        let shown = format!("{problems} {problems:?} {}", problems.render(true));
        assert!(!shown.contains(CANARY), "{line}\n{shown}");
    }
}
