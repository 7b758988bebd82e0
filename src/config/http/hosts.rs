//! The hosts and origins that requests may name.

use std::fmt;

use url::{Host, Url};

/// What a request's `Host` may say: a name or an address, and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    name: Box<str>,
    port: Option<u16>,
}

/// Where a page may be from whose requests are answered: `scheme://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin(Box<str>);

/// Why a text isn't a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAHost {
    /// Something else.
    #[error("a host is a name or an address, perhaps with a port: vault.internal, 10.0.0.7:8443 or [2001:db8::1]:8443")]
    Malformed,
    /// A pattern.
    #[error("every host is named: with patterns, a page could come in under a name of its own")]
    Pattern,
    /// With a scheme or a path.
    #[error("a host stands without a scheme and without a path")]
    Url,
    /// Another way to write the same.
    #[error("this isn't its usual form, and requests would never match it")]
    NotCanonical {
        /// The usual form.
        usual: String,
    },
}

/// Why a text isn't an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnOrigin {
    /// Something else.
    #[error("an origin is a scheme and a host, perhaps with a port: https://app.example.com")]
    Malformed,
    /// `null`.
    #[error("`null` is what every sandboxed page and every local file says, whoever made it: it can't be allowed")]
    Null,
    /// `*`, or another pattern.
    #[error("every origin is named: with patterns, pages of strangers could use a visitor's connection")]
    Pattern,
    /// Something after the host and the port.
    #[error("an origin ends with its host or port: no `/` and no path")]
    Path,
    /// Another way to write the same.
    #[error("browsers write this origin in another form, so it would never match")]
    NotCanonical {
        /// The usual form.
        usual: String,
    },
}

impl AllowedHost {
    /// Reads a host.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn parse(text: &str) -> Result<Self, NotAHost> {
        if text.contains('*') {
            return Err(NotAHost::Pattern);
        }
        if text.contains('/') {
            return Err(NotAHost::Url);
        }
        let (name, port) = split_port(text).ok_or(NotAHost::Malformed)?;
        let host = Host::parse(name).map_err(|_| NotAHost::Malformed)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if matches!(&host, Host::Domain(name) if name.is_empty() || !name.chars().all(plain)) {
            return Err(NotAHost::Malformed);
        }
        let port_text = port.map(|port| format!(":{port}")).unwrap_or_default();
        let usual = format!("{host}{port_text}");
        if usual != text {
            return Err(NotAHost::NotCanonical { usual });
        }
        Ok(Self { name: host.to_string().into(), port })
    }

    /// The name or address, an IPv6 address in brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port; `None` is the one that clients leave out.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

/// The name, and the port behind it.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end =
        if text.starts_with('[') { text.find(']')?.checked_add(1)? } else { text.find(':').unwrap_or(text.len()) };
    let (name, rest) = text.split_at_checked(end)?;
    match rest.strip_prefix(':') {
        None => rest.is_empty().then_some((name, None)),
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Some((name, Some(port.parse().ok().filter(|port| *port != 0)?)))
        }
        Some(_) => None,
    }
}

impl AllowedOrigin {
    /// Reads an origin.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        if text.eq_ignore_ascii_case("null") {
            return Err(NotAnOrigin::Null);
        }
        if text.contains('*') {
            return Err(NotAnOrigin::Pattern);
        }
        let (scheme, rest) = text.split_once("://").ok_or(NotAnOrigin::Malformed)?;
        if rest.contains(['/', '?', '#']) {
            return Err(NotAnOrigin::Path);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
        let is_web = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
        if rest.is_empty() || rest.contains('@') || !(is_scheme && rest.chars().all(plain) || is_web) {
            return Err(NotAnOrigin::Malformed);
        }
        if is_web {
            let url = Url::parse(text).map_err(|_| NotAnOrigin::Malformed)?;
            let usual = url.origin().ascii_serialization();
            if usual != text {
                return Err(NotAnOrigin::NotCanonical { usual });
            }
        }
        Ok(Self(text.into()))
    }

    /// The origin, as a request's `Origin` writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NotAHost {
    /// What to write instead, where that's known.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        if let Self::NotCanonical { usual } = self { Some(format!("write {usual}")) } else { None }
    }
}

impl NotAnOrigin {
    /// What to write instead, where that's known.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        if let Self::NotCanonical { usual } = self { Some(format!("write {usual}")) } else { None }
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_with_and_without_ports() {
        for (text, name, port) in [
            ("vault.internal", "vault.internal", None),
            ("vault_1.internal:8443", "vault_1.internal", Some(8443)),
            ("10.0.0.7:80", "10.0.0.7", Some(80)),
            ("[2001:db8::1]", "[2001:db8::1]", None),
            ("[2001:db8::1]:8443", "[2001:db8::1]", Some(8443)),
        ] {
            let host = AllowedHost::parse(text).unwrap();
            assert_eq!((host.name(), host.port(), host.to_string().as_str()), (name, port, text));
        }
    }

    #[test]
    fn refuses_what_no_request_would_say() {
        for text in
            ["", ":80", "a:", "a:b", "a:0", "a:+1", "a:99999", "a b", "a@b", "::1", "[::1", "[::1]x", "[v]", "a?"]
        {
            assert_eq!(AllowedHost::parse(text), Err(NotAHost::Malformed), "{text}");
        }
        for text in ["*", "*.internal", "vault.*:80"] {
            assert_eq!(AllowedHost::parse(text), Err(NotAHost::Pattern), "{text}");
        }
        for text in ["https://vault.internal", "vault.internal/mcp"] {
            assert_eq!(AllowedHost::parse(text), Err(NotAHost::Url), "{text}");
        }
        for (text, usual) in [
            ("Vault.Internal", "vault.internal"),
            ("[2001:DB8:0::1]:80", "[2001:db8::1]:80"),
            ("a:0080", "a:80"),
            ("127.1", "127.0.0.1"),
            ("büro", "xn--bro-hoa"),
        ] {
            assert_eq!(AllowedHost::parse(text), Err(NotAHost::NotCanonical { usual: usual.to_owned() }), "{text}");
        }
    }

    #[test]
    fn reads_origins_as_browsers_and_editors_write_them() {
        for text in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "http://localhost:6274",
            "http://[::1]:6274",
            "vscode-webview://0a1b2c",
            "chrome-extension://abcdefghijklmnop",
        ] {
            assert_eq!(AllowedOrigin::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_origins_that_are_anybodys_or_nobodys() {
        for text in ["null", "Null", "NULL"] {
            assert_eq!(AllowedOrigin::parse(text), Err(NotAnOrigin::Null), "{text}");
        }
        for text in ["*", "https://*.example.com"] {
            assert_eq!(AllowedOrigin::parse(text), Err(NotAnOrigin::Pattern), "{text}");
        }
        for text in ["", "app.example.com", "https://", "https://u@a", "Vscode://a", "://a", "https://a b", "x://ä"] {
            assert_eq!(AllowedOrigin::parse(text), Err(NotAnOrigin::Malformed), "{text}");
        }
        for text in ["https://app.example.com/", "https://a/x", "https://a?x", "x://a/"] {
            assert_eq!(AllowedOrigin::parse(text), Err(NotAnOrigin::Path), "{text}");
        }
        for (text, usual) in [
            ("https://App.example.com", "https://app.example.com"),
            ("HTTPS://a", "https://a"),
            ("https://a:443", "https://a"),
        ] {
            assert_eq!(AllowedOrigin::parse(text), Err(NotAnOrigin::NotCanonical { usual: usual.to_owned() }));
        }
    }
}
