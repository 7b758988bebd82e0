//! Where tokens for this server come from: the protected resource's metadata of RFC 9728.

use http::header::HeaderValue;
use serde_json::json;

/// What the well-known path begins with; the resource's own path follows.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What's said about the resource that this server is.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its canonical URI; `None` is by whatever listed name it's called.
    pub url: Option<String>,
    /// How it's reached, where that isn't said by the URI.
    pub scheme: &'static str,
    /// The path of the protocol's address.
    pub path: String,
    /// Who gives tokens for it. Where nobody does, there's no metadata.
    pub authorization_servers: Vec<String>,
    /// What a token must at least be good for.
    pub scopes: Vec<String>,
}

impl Resource {
    /// The paths at which the metadata is: the resource's own, and the root's.
    pub(super) fn metadata_paths(&self) -> [String; 2] {
        [format!("{WELL_KNOWN}{}", self.path), WELL_KNOWN.to_owned()]
    }

    /// The scopes as a token and a challenge have them.
    pub(super) fn scope(&self) -> String {
        self.scopes.join(" ")
    }

    /// The metadata's address, for a request to a host that the gate has let pass.
    pub(super) fn metadata_url(&self, host: Option<&HeaderValue>) -> Option<String> {
        if self.authorization_servers.is_empty() {
            return None;
        }
        let resource = self.url(host)?;
        let base = resource.strip_suffix(&self.path)?;
        Some(format!("{base}{WELL_KNOWN}{}", self.path))
    }

    /// The metadata, if there's any.
    pub(super) fn metadata(&self, host: Option<&HeaderValue>) -> Option<String> {
        if self.authorization_servers.is_empty() {
            return None;
        }
        let mut metadata = json!({
            "resource": self.url(host)?,
            "authorization_servers": self.authorization_servers,
            "bearer_methods_supported": ["header"],
            "resource_name": "opward",
        });
        if let (false, Some(metadata)) = (self.scopes.is_empty(), metadata.as_object_mut()) {
            metadata.insert("scopes_supported".to_owned(), json!(self.scopes));
        }
        Some(metadata.to_string())
    }

    fn url(&self, host: Option<&HeaderValue>) -> Option<String> {
        if let Some(url) = &self.url {
            return Some(url.clone());
        }
        let host = host?.to_str().ok()?;
        Some(format!("{}://{host}{}", self.scheme, self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(url: Option<&str>) -> Resource {
        Resource {
            url: url.map(str::to_owned),
            scheme: "http",
            path: "/mcp".to_owned(),
            authorization_servers: vec!["https://idp.example".to_owned()],
            scopes: vec!["opward".to_owned()],
        }
    }

    #[test]
    fn the_metadata_names_the_resource_and_who_gives_tokens() {
        let host = HeaderValue::from_static("127.0.0.1:8000");
        let named = resource(Some("https://vault.example.com/mcp"));
        let metadata: serde_json::Value = serde_json::from_str(&named.metadata(Some(&host)).unwrap()).unwrap();
        assert_eq!(metadata["resource"], "https://vault.example.com/mcp");
        assert_eq!(metadata["authorization_servers"], json!(["https://idp.example"]));
        assert_eq!(metadata["scopes_supported"], json!(["opward"]));
        assert_eq!(
            named.metadata_url(Some(&host)).unwrap(),
            "https://vault.example.com/.well-known/oauth-protected-resource/mcp"
        );
        let local = resource(None);
        assert_eq!(
            local.metadata_url(Some(&host)).unwrap(),
            "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"
        );
    }

    #[test]
    fn where_nobody_gives_tokens_there_is_none() {
        let own = Resource { authorization_servers: Vec::new(), ..resource(None) };
        assert_eq!((own.metadata(None), own.metadata_url(None)), (None, None));
    }
}
