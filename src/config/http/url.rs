//! Addresses of the web, kept exactly as they're written.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// Where clients find this server: the canonical URI that tokens are made for.
///
/// Others compare it byte for byte, so it's refused unless it's already in its one normal form.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

/// An address of an issuer: `https`, or `http` on this machine. What's written is kept, byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerUrl {
    text: Box<str>,
    url: Url,
}

/// Why a text isn't such an address. It quotes nothing but an address without credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnHttpUrl {
    /// Something else altogether.
    #[error("not an address such as https://vault.example.com/mcp")]
    Malformed,
    /// Another scheme, or none.
    #[error("an address begins with https://, or with http:// on this machine")]
    Scheme,
    /// A name or password before the host.
    #[error("an address carries no name and no password")]
    Credentials,
    /// `?…` or `#…`.
    #[error("an address ends with its path: no `?` and no `#`")]
    Extra,
    /// `http` to another machine.
    #[error("http:// is for this machine only: on a network, others could read the tokens")]
    Unencrypted,
    /// Another way to write the same address.
    #[error("clients compare this address byte for byte, and this isn't its usual form")]
    NotCanonical {
        /// The usual form.
        usual: String,
    },
    /// A path that can't be served, or is served with something else.
    #[error("{0}")]
    Path(&'static str),
}

/// The path where none is written.
const USUAL_PATH: &str = "/mcp";

/// What else the server answers there.
const TAKEN: [&str; 4] = ["/livez", "/readyz", "/metrics", "/.well-known"];

impl HttpUrl {
    /// Reads an address; without a path it ends with `/mcp`.
    ///
    /// # Errors
    ///
    /// What it lacks, has too much of, or how it's usually written.
    pub fn parse(text: &str) -> Result<Self, NotAnHttpUrl> {
        let mut url = web_address(text)?;
        if text.contains(['?', '#']) {
            return Err(NotAnHttpUrl::Extra);
        }
        check_path(text, &url)?;
        let written = if url.path() == "/" { format!("{text}/") } else { text.to_owned() };
        if url.as_str() != written {
            let usual = url.as_str().trim_end_matches('/').to_owned();
            return Err(NotAnHttpUrl::NotCanonical { usual });
        }
        if url.path() == "/" {
            url.set_path(USUAL_PATH);
        }
        Ok(Self(url))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether clients encrypt what they send there.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it's on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_this_machine(&self.0)
    }

    /// The host, an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, where it isn't the scheme's own.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.0.port()
    }

    /// The path, from its first `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Scheme, host and port, as browsers name the place a page is from.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl IssuerUrl {
    /// Reads an issuer's name, which is an address without `?` and `#`.
    ///
    /// # Errors
    ///
    /// What it lacks or has too much of.
    pub fn parse_name(text: &str) -> Result<Self, NotAnHttpUrl> {
        if text.contains(['?', '#']) {
            return Err(NotAnHttpUrl::Extra);
        }
        Self::parse_keys(text)
    }

    /// Reads the address of an issuer's keys, which may ask a question (`?`).
    ///
    /// # Errors
    ///
    /// What it lacks or has too much of.
    pub fn parse_keys(text: &str) -> Result<Self, NotAnHttpUrl> {
        let url = web_address(text)?;
        if text.contains('#') {
            return Err(NotAnHttpUrl::Extra);
        }
        Ok(Self { text: text.into(), url })
    }

    /// What's written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address to ask.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// An address that's encrypted or stays on this machine, and that no parser had to repair.
fn web_address(text: &str) -> Result<Url, NotAnHttpUrl> {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    if !(lower.starts_with("http://") || lower.starts_with("https://")) {
        return Err(NotAnHttpUrl::Scheme);
    }
    // Before anything else: what's refused for another reason may be shown.
    let authority = text.split(['?', '#']).next().unwrap_or(text);
    if authority.contains('@') {
        return Err(NotAnHttpUrl::Credentials);
    }
    let would_be_repaired = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let dots = authority.split('/').any(|segment| matches!(segment, "." | ".."));
    let url = Url::parse(text).ok().filter(|_| !dots && !text.contains(would_be_repaired));
    let url = url.filter(Url::has_host).ok_or(NotAnHttpUrl::Malformed)?;
    if url.scheme() == "http" && !is_this_machine(&url) {
        return Err(NotAnHttpUrl::Unencrypted);
    }
    Ok(url)
}

fn check_path(text: &str, url: &Url) -> Result<(), NotAnHttpUrl> {
    let path = url.path();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '.' | '_' | '~');
    if text.ends_with('/') {
        return Err(NotAnHttpUrl::Path("an address ends without `/`, and without a path it's the one of /mcp"));
    }
    if !path.chars().all(plain) || path.contains("//") {
        return Err(NotAnHttpUrl::Path("a path has letters, digits, `-`, `.`, `_` and `~` between single `/`"));
    }
    let taken = |taken: &str| path.strip_prefix(taken).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if TAKEN.into_iter().any(taken) {
        return Err(NotAnHttpUrl::Path("that path answers something else: take another, such as /mcp"));
    }
    Ok(())
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical().is_loopback(),
        None => false,
    }
}

impl NotAnHttpUrl {
    /// What to write instead, where that's known.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        if let Self::NotCanonical { usual } = self { Some(format!("write {usual}")) } else { None }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_canonical_uri_byte_for_byte() {
        for (text, host, port, path, origin) in [
            ("https://vault.example.com/mcp", "vault.example.com", None, "/mcp", "https://vault.example.com"),
            ("https://v.example:8443/a/b-1.x_~", "v.example", Some(8443), "/a/b-1.x_~", "https://v.example:8443"),
            ("https://[2001:db8::1]/mcp", "[2001:db8::1]", None, "/mcp", "https://[2001:db8::1]"),
            ("http://127.0.0.1:8787/mcp", "127.0.0.1", Some(8787), "/mcp", "http://127.0.0.1:8787"),
            ("http://[::1]:1/x", "[::1]", Some(1), "/x", "http://[::1]:1"),
            ("http://op.localhost/x", "op.localhost", None, "/x", "http://op.localhost"),
        ] {
            let url = HttpUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.to_string().as_str()), (text, text));
            assert_eq!((url.host(), url.port(), url.path()), (host, port, path));
            assert_eq!(url.origin(), origin);
            assert_eq!((url.is_https(), url.is_loopback()), (text.starts_with("https"), text.starts_with("http:")));
        }
        assert_eq!(HttpUrl::parse("https://vault.example.com").unwrap().as_str(), "https://vault.example.com/mcp");
    }

    #[test]
    fn refuses_every_other_way_to_write_an_address_and_says_the_usual_one() {
        for (text, usual) in [
            ("HTTPS://vault.example.com/mcp", "https://vault.example.com/mcp"),
            ("https://Vault.Example.com/mcp", "https://vault.example.com/mcp"),
            ("https://vault.example.com:443/mcp", "https://vault.example.com/mcp"),
            ("https://vault.example.com:443", "https://vault.example.com"),
            ("https://büro.example/mcp", "https://xn--bro-hoa.example/mcp"),
            ("http://127.1/mcp", "http://127.0.0.1/mcp"),
            ("http://0x7f000001:80/mcp", "http://127.0.0.1/mcp"),
            ("https://[0:0::1]/mcp", "https://[::1]/mcp"),
        ] {
            assert_eq!(HttpUrl::parse(text), Err(NotAnHttpUrl::NotCanonical { usual: usual.to_owned() }), "{text}");
            assert!(HttpUrl::parse(usual).is_ok(), "{usual}");
        }
    }

    #[test]
    fn refuses_what_is_no_way_to_a_server() {
        use NotAnHttpUrl::{Credentials, Extra, Malformed, Path, Scheme, Unencrypted};
        let path = |error: &NotAnHttpUrl| matches!(error, Path(_));
        for (text, expected) in [
            ("", Scheme),
            ("vault.example.com", Scheme),
            ("ftp://vault.example.com", Scheme),
            ("https://", Malformed),
            ("https://a b/mcp", Malformed),
            ("https://a/mcp\n", Malformed),
            ("https://a\\mcp", Malformed),
            ("https://a/x/../mcp", Malformed),
            ("https://a:99999/mcp", Malformed),
            ("https://u:p@a/mcp", Credentials),
            ("https://u@a?x", Credentials),
            ("https://a/mcp?tenant=1", Extra),
            ("https://a/mcp#x", Extra),
            ("http://vault.example.com/mcp", Unencrypted),
            ("http://10.0.0.1/mcp", Unencrypted),
            ("http://0.0.0.0/mcp", Unencrypted),
            ("http://localhost.example/mcp", Unencrypted),
        ] {
            assert_eq!(HttpUrl::parse(text), Err(expected), "{text}");
        }
        for text in [
            "https://a/",
            "https://a/mcp/",
            "https://a//mcp",
            "https://a/%6dcp",
            "https://a/m{c}p",
            "https://a/livez",
            "https://a/readyz/x",
            "https://a/metrics",
            "https://a/.well-known/mcp",
        ] {
            assert!(path(&HttpUrl::parse(text).unwrap_err()), "{text}");
        }
        assert!(HttpUrl::parse("https://a/livezz").is_ok());
    }

    #[test]
    fn an_issuer_keeps_its_spelling_and_only_its_keys_may_ask() {
        let issuer = IssuerUrl::parse_name("https://IdP.example.com/").unwrap();
        assert_eq!((issuer.as_str(), issuer.url().as_str()), ("https://IdP.example.com/", "https://idp.example.com/"));
        let keys = "https://idp.example.com/keys?p=sign%20in";
        assert_eq!(IssuerUrl::parse_name(keys), Err(NotAnHttpUrl::Extra));
        assert_eq!(IssuerUrl::parse_keys(keys).unwrap().as_str(), keys);
        assert_eq!(IssuerUrl::parse_keys("https://idp.example.com/#k"), Err(NotAnHttpUrl::Extra));
        assert_eq!(IssuerUrl::parse_keys("http://idp.example.com/"), Err(NotAnHttpUrl::Unencrypted));
        assert_eq!(IssuerUrl::parse_keys("https://u:p@idp.example.com/"), Err(NotAnHttpUrl::Credentials));
        assert!(IssuerUrl::parse_keys("http://localhost:9000/jwks").is_ok());
    }
}
