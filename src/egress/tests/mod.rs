//! Requests to servers in this process that show every byte they get.

mod answers;
mod astray;
mod coded;
mod elsewhere;
mod environment;
mod rebuilt;
mod server;
mod tls;

use std::time::Duration;

use http::Method;
use url::Url;
use zeroize::Zeroizing;

use super::{Outgoing, PlainPath, Slot};
use crate::memory::Payload;

const VALUE: &str = "k4n4ry-9f2e";

/// A request to a base, by GET for `/`, with the value as a bearer token.
fn outgoing(base: &str) -> Outgoing {
    Outgoing {
        base: Url::parse(base).unwrap_or_else(|error| panic!("{base}: {error}")),
        method: Method::GET,
        any_method: false,
        path: PlainPath::parse("/").unwrap(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        slot: Slot::Header { name: "Authorization".to_owned(), format: "Bearer {}".to_owned() },
        secret: Payload::new(Zeroizing::new(VALUE.as_bytes().to_vec())),
        allow_private: true,
        timeout: Duration::from_secs(20),
        most_answer: 1 << 20,
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
