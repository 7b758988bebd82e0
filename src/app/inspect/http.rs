//! What's wise and unwise about serving over HTTP, as it's configured.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Check, certificate};
use crate::config::{HttpConfig, HttpUrl, IssuerConfig, KeysPlace, TokenConfig};
use crate::policy::read_trusted;

const NAME: &str = "http";

/// How long before its end something is worth a warning.
const SOON: Duration = Duration::from_hours(14 * 24);

/// The largest file of keys or certificates, in bytes.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

/// Looks at everything under `[http]`; nothing, where nothing is configured.
pub(super) fn http(http: &HttpConfig, now: Option<Timestamp>) -> Vec<Check> {
    if *http == HttpConfig::default() {
        return Vec::new();
    }
    let mut checks = vec![reach(http)];
    if !http.has_bearers() {
        checks.push(Check::weak(
            NAME,
            "nobody can sign in: there's neither a token nor an issuer",
            "`opward token new --principal NAME` makes a token, and prints what to paste into opward.toml",
        ));
    }
    checks.extend(tokens(&http.tokens, now));
    for issuer in &http.issuers {
        checks.push(keys(issuer));
        checks.extend(names(issuer));
    }
    if let Some(files) = &http.tls {
        // A proxy checks the certificate, if at all, under a name of its own.
        let host = http.url.as_ref().filter(|_| !http.is_behind_proxy()).map(HttpUrl::host);
        checks.extend(certificate::certificate(files, host, now));
    }
    checks.extend(http.metrics.filter(|address| !address.ip().to_canonical().is_loopback()).map(|address| {
        Check::weak(
            NAME,
            format!("the figures at {address} can be read from other machines, without signing in"),
            "no name and no value is among them, but how much is asked and refused: serve 127.0.0.1, or let only the \
             monitoring reach that port",
        )
    }));
    checks
}

/// What clients call the server, and whether what's configured fits that.
fn reach(http: &HttpConfig) -> Check {
    let Some(url) = &http.url else {
        return Check::good(NAME, "for clients on this machine, at the address it's started with");
    };
    let way = match (http.is_behind_proxy(), http.tls.is_some(), url.is_https()) {
        (true, true, _) => "through a proxy, encrypted up to here",
        (true, false, _) => "through a proxy",
        (false, true, true) => "directly, encrypted",
        (false, false, false) => "on this machine",
        (false, false, true) => {
            return Check::weak(
                NAME,
                format!("{url}: clients encrypt, and nothing here decrypts"),
                "under [http], write tls = { cert = \"cert.pem\", key = \"key.pem\" }, or, if TLS ends at a proxy, \
                 behind_proxy = true and trusted_proxies = [\"ADDRESS\"]: until then only this machine is served",
            );
        }
        (false, true, false) => {
            return Check::weak(
                NAME,
                format!("{url}: clients don't encrypt, and with `tls` nothing else is served"),
                "write https:// in `url`, or leave `tls` out",
            );
        }
    };
    Check::good(NAME, format!("{url}, {way}"))
}

fn tokens(tokens: &[TokenConfig], now: Option<Timestamp>) -> Vec<Check> {
    let mut checks = Vec::new();
    if tokens.is_empty() {
        return checks;
    }
    let left = |token: &TokenConfig| now.zip(token.expires).map(|(now, end)| end.duration_since(now));
    let ended = |token: &&TokenConfig| left(token).is_some_and(|left| !left.is_positive());
    let over: Vec<&str> = tokens.iter().filter(ended).map(|token| token.principal.as_str()).collect();
    let live = || tokens.iter().filter(|token| !ended(token));
    let soonest = live().filter(|token| token.expires.is_some()).min_by_key(|token| token.expires);
    let endless = live().filter(|token| token.expires.is_none()).count();
    let mut finding = format!("{} token(s)", live().count());
    if endless > 0 {
        finding = format!("{finding}, {endless} without an end");
    }
    let ends_soon = soonest.and_then(left).is_some_and(|left| left.unsigned_abs() < SOON);
    if let Some((token, end)) = soonest.and_then(|token| Some((token, token.expires?))) {
        finding = format!("{finding}; the next to end is of {}, at {end:.0}", token.principal);
    }
    checks.push(if ends_soon {
        Check::weak(NAME, finding, "`opward token new` makes its successor; both may be configured for a while")
    } else {
        Check::good(NAME, finding)
    });
    if !over.is_empty() {
        let finding = format!("{} token(s) that ended: {}", over.len(), over.join(", "));
        checks.push(Check::weak(
            NAME,
            finding,
            "they're refused: take them out, and make new ones where they're needed",
        ));
    }
    if tokens.iter().any(|token| token.principal.as_str() == super::super::PERSON) {
        checks.push(Check::weak(
            NAME,
            format!("a token is for the principal `{}`", super::super::PERSON),
            "that's the name of people at this machine's command line: what rules allow them, whoever has the token may \
             do from anywhere; give it a name of its own",
        ));
    }
    checks
}

/// An issuer, and its keys where they're in a file.
fn keys(issuer: &IssuerConfig) -> Check {
    let name = &issuer.issuer;
    match &issuer.keys {
        KeysPlace::Url(url) => Check::good(NAME, format!("tokens of {name}; its keys are asked for at {url}")),
        KeysPlace::File(file) => match count(file) {
            Ok(0) => Check::broken(NAME, format!("{name}: there's no key in {}", file.display()), WHAT_KEYS_ARE),
            Ok(keys) => Check::good(NAME, format!("tokens of {name}; {keys} key(s) in {}", file.display())),
            Err(why) => Check::broken(NAME, format!("{name}: {why}"), WHAT_KEYS_ARE),
        },
    }
}

const WHAT_KEYS_ARE: &str = "without its keys none of its tokens is accepted: save what its `jwks_uri` answers there";

fn count(file: &Path) -> Result<usize, String> {
    #[derive(Deserialize)]
    struct Keys {
        keys: Vec<serde::de::IgnoredAny>,
    }
    let text = read_trusted(file, MAX_BYTES).map_err(|error| error.to_string())?;
    let keys = serde_json::from_str::<Keys>(&text);
    keys.map(|keys| keys.keys.len()).map_err(|_| format!("{} holds no set of keys", file.display()))
}

fn names(issuer: &IssuerConfig) -> Option<Check> {
    issuer.principal_prefix.is_empty().then(|| {
        Check::weak(
            NAME,
            format!("{}: its names are taken as they are", issuer.issuer),
            "somebody there could be called like a token's principal or like `cli`, and be allowed the same: write \
             principal_prefix = \"idp:\" and use those names in the policy",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;
    use crate::config::{Config, Dirs};

    fn checks_of(folder: &Path, text: &str) -> Vec<Check> {
        let text = format!("version = 1\n[[source]]\nname = \"home\"\nkind = \"local\"\n{text}\n");
        let config = Config::parse(&text, &folder.join("opward.toml"), &Dirs::in_one(folder)).unwrap();
        http(&config.http, "2026-12-01T10:00:00Z".parse().ok())
    }

    fn told(text: &str) -> Vec<(Health, String)> {
        checks_of(Path::new("/o"), text).into_iter().map(|check| (check.health, check.finding)).collect()
    }

    fn token(principal: &str, digit: char, expires: &str) -> String {
        let expires = if expires.is_empty() { String::new() } else { format!("expires = {expires}") };
        let digest: String = std::iter::repeat_n(digit, 64).collect();
        format!("[[http.token]]\nprincipal = \"{principal}\"\nsha256 = \"{digest}\"\n{expires}\n")
    }

    #[test]
    fn says_nothing_where_nothing_is_configured() {
        assert!(told("").is_empty());
        assert!(told("[http]").is_empty());
    }

    #[test]
    fn counts_tokens_and_warns_before_and_after_their_end() {
        let (far, near) = ("2027-12-01T00:00:00Z", "2026-12-05T00:00:00Z");
        let good = token("a", '1', "") + &token("b", '2', far);
        let found = told(&good);
        let expected = "2 token(s), 1 without an end; the next to end is of b, at 2027-12-01T00:00:00Z";
        assert!(found.contains(&(Health::Good, expected.to_owned())), "{found:?}");
        let found = told(&(good + &token("c", '3', near) + &token("d", '4', "2026-12-01T10:00:00Z")));
        let expected = "3 token(s), 1 without an end; the next to end is of c, at 2026-12-05T00:00:00Z";
        assert!(found.contains(&(Health::Weak, expected.to_owned())), "{found:?}");
        assert!(found.contains(&(Health::Weak, "1 token(s) that ended: d".to_owned())), "{found:?}");
        assert!(!told(&token("a", '1', "")).iter().any(|(health, _)| *health != Health::Good));
        let found = told(&token("cli", '1', ""));
        assert!(found.iter().any(|(health, text)| *health == Health::Weak && text.contains("`cli`")), "{found:?}");
    }

    #[test]
    fn says_how_far_it_reaches_and_what_is_missing_for_more() {
        let first = |http: &str| {
            let found = told(&format!("[http]\n{http}\n{}", token("a", '1', "")));
            found.into_iter().next().unwrap()
        };
        assert_eq!(first("").0, Health::Good);
        assert_eq!(first("url = \"http://127.0.0.1:8787/mcp\"").0, Health::Good);
        let proxy = "behind_proxy = true\ntrusted_proxies = [\"10.0.0.7\"]";
        let tls = "tls = { cert = \"c\", key = \"k\" }";
        let public = "url = \"https://vault.example.com/mcp\"";
        assert_eq!(
            first(&format!("{public}\n{proxy}")),
            (Health::Good, "https://vault.example.com/mcp, through a proxy".to_owned())
        );
        assert_eq!(first(&format!("{public}\n{tls}")).0, Health::Good);
        let (health, text) = first(public);
        assert!(health == Health::Weak && text.contains("nothing here decrypts"), "{text}");
        assert_eq!(first("url = \"https://localhost:8787/mcp\"").0, Health::Weak);
        assert_eq!(first(&format!("url = \"http://localhost:8787/mcp\"\n{tls}")).0, Health::Weak);
    }

    #[test]
    fn warns_of_figures_for_everybody_and_of_nobody_who_could_sign_in() {
        let found = told("[http]\nmetrics = \"0.0.0.0:9464\"");
        assert!(found.iter().any(|(health, text)| *health == Health::Weak && text.contains("0.0.0.0:9464")));
        assert!(found.iter().any(|(health, text)| *health == Health::Weak && text.contains("nobody can sign in")));
        let found = told("[http]\nmetrics = \"127.0.0.1:9464\"");
        assert!(!found.iter().any(|(_, text)| text.contains("9464")), "{found:?}");
    }

    #[test]
    fn looks_into_files_of_keys() {
        let folder = tempfile::tempdir().unwrap();
        let found = |keys: Option<&str>, prefix: &str| {
            let file = folder.path().join("keys.json");
            match keys {
                Some(keys) => std::fs::write(&file, keys).unwrap(),
                None => drop(std::fs::remove_file(&file)),
            }
            let issuer = "[[http.issuer]]\nissuer = \"https://idp\"\naudience = \"a\"\njwks_file = \"keys.json\"";
            let checks = checks_of(folder.path(), &format!("{issuer}\nprincipal_prefix = \"{prefix}\""));
            checks.iter().map(|check| check.health).collect::<Vec<_>>()
        };
        assert_eq!(found(Some("{\"keys\":[{\"kty\":\"OKP\"}]}"), "idp:"), [Health::Good, Health::Good]);
        assert_eq!(found(Some("{\"keys\":[{}]}"), ""), [Health::Good, Health::Good, Health::Weak]);
        for bad in [Some("{\"keys\":[]}"), Some("{}"), Some("no"), None] {
            assert_eq!(found(bad, "idp:"), [Health::Good, Health::Broken], "{bad:?}");
        }
    }
}
