//! Requests and answers: connections, deadlines, bounds, and the two retries that cost nothing.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::address::Address;
use super::answer::{Answer, CHECK_ADDRESS, CHECK_SERVER, Refusal, Spurious, TRY_AGAIN};
use super::bearer::Bearer;
use super::body::{self, BodyError};
use super::error::ConnectSetupError;
use super::health::ConnectVersion;
use crate::custody::source::onepassword::failure::Failure;

/// The way to one server.
pub(super) struct Wire {
    http: Client,
    address: Address,
    bearer: Bearer,
    timeout: Duration,
}

/// What's asked.
pub(super) struct Ask {
    method: Method,
    url: String,
    body: Option<Zeroizing<Vec<u8>>>,
    /// The most bytes of a good answer.
    most: usize,
    with_token: bool,
}

/// The longest that connecting may take; a short deadline leaves half of itself for the answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept: shorter than servers and proxies commonly do, so that a
/// request seldom meets one that's just being closed.
const IDLE: Duration = Duration::from_secs(20);

/// The first wait before a spurious refusal is asked again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// How often it's asked again.
const RETRIES: usize = 3;

impl Ask {
    /// Asks for something that takes the token, and at most so many bytes.
    pub(super) fn get(url: String, most: usize) -> Self {
        Self { method: Method::GET, url, body: None, most, with_token: true }
    }

    /// Asks for the server's own state, which takes none.
    pub(super) fn state(url: String) -> Self {
        Self { with_token: false, ..Self::get(url, body::NOTE) }
    }

    /// Sends an item, or what's to be changed in it; an item comes back.
    pub(super) fn send(method: Method, url: String, json: Zeroizing<Vec<u8>>) -> Self {
        Self { method, url, body: Some(json), most: body::ITEM, with_token: true }
    }

    /// Destroys something.
    pub(super) fn delete(url: String) -> Self {
        Self { method: Method::DELETE, ..Self::get(url, body::NOTE) }
    }
}

impl Wire {
    /// Makes a client of its own: nothing of the environment steers it, and no other source shares it.
    pub(super) fn new(address: Address, bearer: Bearer, timeout: Duration) -> Result<Self, ConnectSetupError> {
        let http = Client::builder()
            .user_agent(concat!("opward/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout / 2))
            .pool_idle_timeout(IDLE);
        // A server without encryption has no certificate, and a container with one has no list of
        // authorities, often enough.
        let http = if address.is_encrypted() { http.https_only(true) } else { http.tls_certs_only([]) };
        let http = http.build().map_err(|_| ConnectSetupError::Certificates)?;
        Ok(Self { http, address, bearer, timeout })
    }

    /// Where the server is.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Asks, and again where a refusal may be the server's own mistake. All of it ends by one
    /// deadline. Gives successes only.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, Failure> {
        let deadline = Instant::now() + self.timeout;
        let mut waits =
            ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_max_times(RETRIES).with_jitter().build();
        let mut token_doubted = false;
        loop {
            let answer = self.attempt(ask, deadline).await?;
            let Some(refusal) = answer.refusal else { return Ok(answer) };
            // The server refused before it did anything, so a write can be sent again as well.
            let again = match refusal.may_be_spurious() {
                Some(Spurious::Rights) => waits.next(),
                Some(Spurious::Token) if !token_doubted => {
                    token_doubted = true;
                    Some(FIRST_WAIT)
                }
                Some(Spurious::Token) | None => None,
            };
            match again.filter(|wait| Instant::now() + *wait < deadline) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(refusal.into_failure()),
            }
        }
    }

    async fn attempt(&self, ask: &Ask, deadline: Instant) -> Result<Answer, Failure> {
        let request = self.request(ask)?.timeout(deadline.saturating_duration_since(Instant::now()));
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        let status = response.status();
        let version = ConnectVersion::of(response.headers());
        if matches!(status, StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT) {
            let body = body::read(response, ask.most).await.map_err(|error| unread(&error, ask.most))?;
            return Ok(Answer { status, version, body, refusal: None });
        }
        let refusal = refusal(ask, response).await;
        Ok(Answer { status, version, body: Zeroizing::default(), refusal: Some(refusal) })
    }

    fn request(&self, ask: &Ask) -> Result<RequestBuilder, Failure> {
        let json = HeaderValue::from_static("application/json");
        let mut request = self.http.request(ask.method.clone(), &ask.url).header(ACCEPT, &json);
        if ask.with_token {
            let Some(bearer) = self.bearer.header() else {
                return Err(Failure::Unreachable {
                    detail: "the token can't be sent".to_owned(),
                    remedy: CHECK_ADDRESS,
                });
            };
            request = request.header(AUTHORIZATION, bearer);
        }
        if let Some(body) = &ask.body {
            request = request.header(CONTENT_TYPE, json).body(body.to_vec());
        }
        Ok(request)
    }
}

/// Reads a refusal. Its status counts even where its text can't be had.
async fn refusal(ask: &Ask, response: Response) -> Refusal {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = body::read(response, body::NOTE).await.unwrap_or_default();
    Refusal::of(&ask.method, status, &headers, &body)
}

/// The failure of a request that got no answer.
fn unanswered(error: &reqwest::Error) -> Failure {
    let unreachable = |what: &str, remedy| Failure::Unreachable { detail: what.to_owned(), remedy };
    if error.is_builder() {
        unreachable("the request can't be sent to this address", CHECK_ADDRESS)
    } else if error.is_dns() {
        unreachable("the Connect server's host name can't be resolved", CHECK_ADDRESS)
    } else if error.is_connect() && error.is_timeout() {
        unreachable("connecting to the Connect server took too long", CHECK_SERVER)
    } else if error.is_connect() && says(error, &["certificate"]) {
        unreachable(
            "the Connect server's certificate isn't trusted here",
            "ask the owner to check the name in the source's `url`, and to add the certificate's authority to this machine's",
        )
    } else if error.is_connect() && says(error, &["tls", "corrupt message", "handshake"]) {
        unreachable("no encrypted connection to the Connect server comes about", CHECK_ADDRESS)
    } else if error.is_connect() {
        unreachable("the Connect server can't be connected to", CHECK_SERVER)
    } else if error.is_timeout() {
        unclear("the Connect server didn't answer in time", CHECK_SERVER)
    } else {
        unclear("the connection to the Connect server broke before an answer", TRY_AGAIN)
    }
}

/// The failure of an answer that began well.
fn unread(error: &BodyError, most: usize) -> Failure {
    match error {
        BodyError::TooLong => unclear(
            &format!("the answer has more than {} KiB, and was left unread", most >> 10),
            "ask the owner to check that the source's `url` is a Connect server's; if it is, an item or a vault is larger than opward reads",
        ),
        BodyError::Broken(error) if error.is_timeout() => {
            unclear("the Connect server's answer didn't end in time", CHECK_SERVER)
        }
        BodyError::Broken(_) => unclear("the Connect server's answer broke off", TRY_AGAIN),
    }
}

/// The failure of an answer that isn't what Connect would say.
pub(super) fn unexpected(what: &str) -> Failure {
    unclear(what, CHECK_ADDRESS)
}

fn unclear(what: &str, remedy: &'static str) -> Failure {
    Failure::Unclear { detail: what.to_owned(), remedy }
}

/// Whether an error or a cause of it holds one of these words.
fn says(error: &reqwest::Error, words: &[&str]) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string().to_ascii_lowercase();
        if words.iter().any(|word| text.contains(word)) {
            return true;
        }
        cause = error.source();
    }
    false
}
