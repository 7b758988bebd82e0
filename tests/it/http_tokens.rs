//! Who a bearer is, and what's said to those who have none that counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::http::{AUDIENCE, Ask, Draft, Hosted, ISSUER, Key, Reply, call, issuer, jwks, now, token, tokens};
use crate::support::{Home, policy, put};

const METADATA: &str = "https://vault.example.com/.well-known/oauth-protected-resource/mcp";

/// Everything that's ever shown as a token.
struct Shown(Vec<String>);

/// A server on which each of three principals may read a value of their own.
async fn start(key: &Key, more: &str) -> (Home, Hosted) {
    let rule =
        |who: &str, what: &str| format!("principals = [\"{who}\"]\nactions = [\"read\"]\npaths = [\"{what}/**\"]");
    let rules = [rule("ann", "Ann"), rule("bob", "Bob"), rule("idp:carol", "Carol")];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let values = ["Ann", "Bob", "Carol"].map(|name| put(&format!("{name}/Api/credential"), &format!("of-{name}")));
    let home = Home::with(&policy(&rules), values).await;
    home.write("keys.json", jwks(&[key]).as_bytes());
    let http = format!(
        "[http]\nurl = \"{AUDIENCE}\"\naccess_log = true\nlimits = {{ requests = \"100000/1s\" }}\n{}{}{more}",
        tokens(&["ann", "bob"]),
        issuer("principal_prefix = \"idp:\"\nscopes = [\"opward\", \"agent\"]")
    );
    let hosted = home.host(&http).await;
    (home, hosted)
}

/// A token of carol's that's right in every way, to be changed.
fn good(key: &Key) -> Draft {
    key.draft("carol").claim("scope", json!("agent opward other"))
}

fn read(path: &str) -> Ask {
    call("get_secret", &json!({ "path": path }))
}

fn calls(home: &Home) -> usize {
    home.requests().len()
}

/// What the challenge says, by name.
fn challenge(reply: &Reply) -> Vec<(String, String)> {
    let text = reply.header("www-authenticate").unwrap_or_else(|| panic!("{reply:?}"));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap().to_owned())
    };
    text.strip_prefix("Bearer ").unwrap().split(", ").map(pair).collect()
}

fn says(challenge: &[(String, String)], name: &str) -> Option<String> {
    challenge.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
}

impl Shown {
    /// Checks that nothing of any token stands in a text: not the whole, nor a part that's its own.
    fn none_in(&self, text: &str, what: &str) {
        for token in &self.0 {
            let parts = token.split('.').filter(|part| part.len() >= 20);
            for part in parts {
                let part = part.get(part.len() - 20..).unwrap();
                assert!(!text.contains(part), "a part of a token stands in {what}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_is_its_principals_and_opens_what_that_one_may_have() {
    let key = Key::new("one");
    let (home, hosted) = start(&key, "").await;
    let bearers =
        [("ann", "Ann", token("ann")), ("bob", "Bob", token("bob")), ("idp:carol", "Carol", key.sign(&good(&key)))];
    for (principal, own, bearer) in &bearers {
        for (_, other, _) in &bearers {
            let before = calls(&home);
            let path = format!("{other}/Api/credential");
            let code = hosted.code(bearer, &path).await;
            assert_eq!(code, if own == other { "none" } else { "denied" }, "{principal} {path}");
            let records = home.requests().split_off(before);
            assert!(
                !records.is_empty() && records.iter().all(|record| record["principal"] == *principal),
                "{records:?}"
            );
        }
        assert_eq!(hosted.read(bearer, &format!("{own}/Api/credential")).await, format!("of-{own}"));
    }
    // The scheme is read without regard to case; more than one header isn't read at all.
    let ask = read("Ann/Api/credential");
    let lower = ask.clone().header("authorization", &format!("bearer {}", token("ann")));
    assert_eq!(hosted.ask(&lower).await.status, 200);
    let both = ask.bearer(&token("ann")).header("Authorization", &format!("Bearer {}", token("bob")));
    assert_eq!(hosted.ask(&both).await.status, 401);
    let shown = Shown(bearers.map(|(_, _, bearer)| bearer).to_vec());
    shown.none_in(&(hosted.stop().await + &home.in_the_open()), "the log or the records");
}

/// Tokens that prove nothing, each for one reason.
fn bad(key: &Key) -> Vec<(&'static str, String)> {
    let stranger = Key::new("one");
    let sign = |draft: Draft| key.sign(&draft);
    let claim = |name: &str, value: Value| key.sign(&good(key).claim(name, value));
    let whole = key.sign(&good(key));
    let (signed, signature) = whole.rsplit_once('.').unwrap();
    let others = sign(good(key).claim("sub", json!("ann")));
    let unsigned = good(key).header("alg", json!("none")).signed();
    vec![
        ("a static one nobody has", token("nobody")),
        ("a static one, cut", token("ann").split_at(30).0.to_owned()),
        ("a static one, longer", token("ann") + "A"),
        ("a static one in capitals", token("ann").to_uppercase()),
        ("a digest in the place of its token", "7".repeat(64)),
        ("no signature", format!("{signed}.")),
        ("alg none", format!("{unsigned}.")),
        ("alg none with a signature", format!("{unsigned}.{signature}")),
        ("HS256 over a public key", key.sign(&good(key).header("alg", json!("HS256")))),
        ("another token's claims", format!("{}.{signature}", others.rsplit_once('.').unwrap().0)),
        ("a stranger's signature", stranger.sign(&good(key))),
        ("a key of its own in the header", stranger.sign(&good(key).header("jwk", json!({ "kty": "OKP" })))),
        ("an unknown key", key.sign(&good(key).header("kid", json!("two")))),
        ("critical extensions", key.sign(&good(key).header("crit", json!(["exp"])))),
        ("an ID token", key.sign(&good(key).header("typ", json!("JWT")).claim("nonce", json!("n")))),
        ("no type", key.sign(&good(key).header("typ", None))),
        ("another issuer", claim("iss", json!("https://evil.example.com/"))),
        ("another audience", claim("aud", json!("https://other.example.com/mcp"))),
        ("two audiences", claim("aud", json!([AUDIENCE, "https://other.example.com/mcp"]))),
        ("expired", sign(good(key).claim("iat", json!(now() - 900)).claim("exp", json!(now() - 300)))),
        ("not valid yet", claim("nbf", json!(now() + 300))),
        ("valid for ages", claim("exp", json!(now() + 864_000))),
        ("without an end", sign(good(key).claim("exp", None))),
        ("its end as text", claim("exp", json!((now() + 300).to_string()))),
        ("no principal", sign(good(key).claim("sub", None))),
        ("a wildcard as principal", claim("sub", json!("*"))),
        ("bound to a key", claim("cnf", json!({ "jkt": "x" }))),
        ("too long", claim("pad", json!("x".repeat(9000)))),
    ]
}

#[tokio::test]
async fn a_bad_token_is_told_where_good_ones_come_from_and_nothing_else() {
    let key = Key::new("one");
    let (home, hosted) = start(&key, "").await;
    let before = calls(&home);
    let ask = read("Carol/Api/credential");
    let mut answers = BTreeSet::new();
    let tokens = bad(&key);
    for (what, bearer) in &tokens {
        let reply = hosted.ask(&ask.clone().bearer(bearer)).await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "unauthenticated"), "{what}");
        let challenge = challenge(&reply);
        assert_eq!(says(&challenge, "error").as_deref(), Some("invalid_token"), "{what}");
        assert_eq!(says(&challenge, "resource_metadata").as_deref(), Some(METADATA), "{what}");
        assert_eq!(says(&challenge, "scope").as_deref(), Some("agent opward"), "{what}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        answers.insert(reply.text().to_owned());
    }
    assert_eq!(answers.len(), 1, "nobody is told what was wrong");
    // What isn't a bearer at all.
    for value in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a,b", "Bearer é"] {
        let reply = hosted.ask(&ask.clone().header("Authorization", value)).await;
        assert_eq!(reply.status, 401, "{value:?}");
    }
    // Who shows nothing isn't told of an error (RFC 6750, 3.1).
    let none = hosted.ask(&ask).await;
    assert_eq!((none.status, says(&challenge(&none), "error")), (401, None));
    assert_eq!(says(&challenge(&none), "resource_metadata").as_deref(), Some(METADATA));
    assert_eq!(calls(&home), before, "nobody asked for anything");
    let shown = Shown(tokens.into_iter().filter(|(what, _)| *what != "too long").map(|(_, bearer)| bearer).collect());
    let said = hosted.stop().await;
    assert!(said.contains("status=401"), "the access log is on: {said}");
    shown.none_in(&said, "the log");
    shown.none_in(&(home.in_the_open() + answers.first().unwrap()), "the records or an answer");
}

#[tokio::test]
async fn a_token_that_lacks_a_scope_is_told_which() {
    let key = Key::new("one");
    let (home, hosted) = start(&key, "").await;
    let before = calls(&home);
    for scopes in
        [json!("agent"), json!("opward"), json!(""), json!("opward:agent"), json!("OPWARD AGENT"), Value::Null]
    {
        let draft =
            if scopes.is_null() { good(&key).claim("scope", None) } else { good(&key).claim("scope", scopes.clone()) };
        let reply = hosted.ask(&read("Carol/Api/credential").bearer(&key.sign(&draft))).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "denied"), "{scopes}");
        let challenge = challenge(&reply);
        assert_eq!(says(&challenge, "error").as_deref(), Some("insufficient_scope"), "{scopes}");
        assert_eq!(says(&challenge, "scope").as_deref(), Some("agent opward"), "{scopes}");
        assert_eq!(says(&challenge, "resource_metadata").as_deref(), Some(METADATA), "{scopes}");
    }
    assert_eq!(calls(&home), before);
    hosted.stop().await;
}

#[tokio::test]
async fn a_token_in_an_address_or_a_body_is_none_and_is_never_logged() {
    let key = Key::new("one");
    let (home, hosted) = start(&key, "").await;
    let before = calls(&home);
    let bearer = key.sign(&good(&key));
    let shown = Shown(vec![bearer.clone(), token("ann")]);
    let mut answers = String::new();
    for token in &shown.0 {
        for target in [format!("/mcp?access_token={token}"), format!("/mcp?{token}"), format!("/mcp?x=y&token={token}")]
        {
            for ask in [read("Ann/Api/credential"), read("Ann/Api/credential").bearer(token)] {
                let reply = hosted.ask(&ask.to(&target)).await;
                assert_eq!(reply.status, 400);
                answers.push_str(&reply.all());
            }
        }
        for target in [format!("/{token}"), format!("/mcp/{token}"), format!("/livez/{token}?{token}")] {
            let reply = hosted.ask(&read("Ann/Api/credential").to(&target)).await;
            assert_eq!(reply.status, 404);
            answers.push_str(&reply.all());
        }
        let form = Ask::new("POST", "/mcp").header("Content-Type", "application/x-www-form-urlencoded");
        let reply = hosted.ask(&form.body(format!("access_token={token}"))).await;
        assert_eq!(reply.status, 415);
        for (name, value) in [
            ("Cookie", format!("token={token}")),
            ("X-Api-Key", token.clone()),
            ("Proxy-Authorization", format!("Bearer {token}")),
        ] {
            let reply = hosted.ask(&read("Ann/Api/credential").header(name, &value)).await;
            assert_eq!(reply.status, 401, "{name}");
            answers.push_str(&reply.all());
        }
        // Where a client's own words are recorded, a token isn't among them: it's in the header alone.
        assert_eq!(hosted.ask(&call("list_vaults", &json!({})).bearer(token)).await.status, 200);
    }
    assert!(calls(&home) > before);
    let said = hosted.stop().await;
    shown.none_in(&answers, "an answer");
    shown.none_in(&said, "the log");
    shown.none_in(&home.in_the_open(), "the records");
}

#[tokio::test]
async fn a_key_that_is_no_longer_listed_counts_no_more_and_a_new_one_does() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let (home, hosted) = start(&old, "").await;
    let [of_old, of_new] = [&old, &new].map(|key| key.sign(&good(key)));
    let status = async |bearer: &str| hosted.ask(&read("Carol/Api/credential").bearer(bearer)).await.status;
    assert_eq!((status(&of_old).await, status(&of_new).await), (200, 401));
    // Written in one step, as whoever changes it should.
    home.write("keys.next", jwks(&[&new]).as_bytes());
    std::fs::rename(home.path("keys.next"), home.path("keys.json")).unwrap();
    let changed = async {
        // Asking is what makes the server look; how often it does is its own affair.
        while status(&of_old).await == 200 || status(&of_new).await != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(15), changed).await.expect("the new list is in force");
    assert_eq!((status(&of_old).await, status(&of_new).await), (401, 200));
    hosted.stop().await;
}

#[tokio::test]
async fn a_token_counts_until_its_end_and_no_longer() {
    let key = Key::new("one");
    let (home, hosted) = start(&key, "").await;
    // Within the leeway of a few seconds, so that it ends while we look on. It was seen, and was good, before that.
    let bearer = key.sign(&good(&key).claim("exp", json!(now() - 2)));
    let status = async || hosted.ask(&read("Carol/Api/credential").bearer(&bearer)).await.status;
    assert_eq!(status().await, 200);
    let ends = async {
        while status().await == 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(15), ends).await.expect("it ends");
    assert_eq!(status().await, 401);
    hosted.stop().await;
    let block = tokens(&["eve"]) + "expires = 2020-01-01T00:00:00Z\n";
    let hosted = home.host(&format!("[http]\n{}{block}", tokens(&["ann"]))).await;
    assert_eq!(hosted.ask(&read("Ann/Api/credential").bearer(&token("ann"))).await.status, 200);
    assert_eq!(hosted.ask(&read("Ann/Api/credential").bearer(&token("eve"))).await.status, 401);
    hosted.stop().await;
}

#[tokio::test]
async fn the_metadata_is_at_both_paths_and_says_what_a_client_needs() {
    let key = Key::new("one");
    let (_home, hosted) = start(&key, "").await;
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        let reply = hosted.ask(&Ask::new("GET", path)).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}");
        let expected = json!({
            "resource": AUDIENCE,
            "authorization_servers": [ISSUER],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["agent", "opward"],
            "resource_name": "opward",
        });
        assert_eq!(reply.json(), expected, "{path}");
        assert_eq!(hosted.ask(&Ask::new("GET", path).header("Host", "evil.test")).await.status, 403);
        assert_eq!(hosted.ask(&Ask::new("GET", path).header("Origin", "https://evil.test")).await.status, 403);
        assert_eq!(hosted.ask(&Ask::new("POST", path)).await.status, 405);
    }
    for path in [
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        assert_eq!(hosted.ask(&Ask::new("GET", path)).await.status, 404, "{path}");
    }
    hosted.stop().await;
    // With static tokens alone there's nobody to be sent to.
    let home = Home::new();
    let hosted = home.host(&format!("[http]\n{}", tokens(&["ann"]))).await;
    assert_eq!(hosted.ask(&Ask::new("GET", "/.well-known/oauth-protected-resource/mcp")).await.status, 404);
    let reply = hosted.ask(&read("Ann/Api/credential")).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer realm=\"opward\"")));
    hosted.stop().await;
}
