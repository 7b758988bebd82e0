//! Sends requests: the way to hosts, deadlines, and what's said when nothing comes back.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use reqwest::Client;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_rustls::rustls;

use super::address::Reach;
use super::answer::Answer;
use super::error::NotSent;
use super::request::{Outgoing, Rebuilt, forbidden};
use super::resolve::{Blocked, Guard, Lookup, System, Unresolved};

/// Sends requests. Cloning it is cheap: clones share their connections.
#[derive(Clone)]
pub struct Sender(Arc<Ways>);

/// The ways to hosts. Each reach has its own connections, so that none is used again by a request that might not have
/// opened it.
struct Ways {
    lookup: Arc<dyn Lookup>,
    public: OnceCell<Client>,
    any: OnceCell<Client>,
    private: OnceCell<Client>,
    /// Authorities besides the system's.
    #[cfg(test)]
    authorities: Vec<reqwest::Certificate>,
}

/// The longest that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept. Its buffers hold what was last sent until then.
const IDLE: Duration = Duration::from_secs(15);

/// The most unused connections to one host.
const MOST_IDLE: usize = 4;

/// The most headers of an answer.
const MOST_HEADERS: usize = 256;

/// What's said where a request may have been carried out.
const UNKNOWN: &str = "whether the request was carried out isn't known";

/// What's said where it can't have been.
const NOTHING_SENT: &str = "nothing was sent";

impl Sender {
    /// Makes a sender. Nothing of the environment steers it, but for the system's list of authorities, which is read when
    /// the first request needs it.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Ways::new(Arc::new(System))))
    }

    /// Sends a request, once. Redirects are answers like any other.
    ///
    /// # Errors
    ///
    /// When it wasn't sent, or came to nothing.
    pub async fn send(&self, request: Outgoing) -> Result<Answer, NotSent> {
        let (timeout, most) = (request.timeout, request.most_answer);
        let rebuilt = request.rebuild()?;
        let sent = tokio::time::timeout(timeout, self.0.exchange(rebuilt, most)).await;
        sent.unwrap_or_else(|_| {
            Err(NotSent::Unreachable(format!("the host didn't answer in full within {timeout:?}; {UNKNOWN}")))
        })
    }
}

#[cfg(test)]
impl Sender {
    /// A sender that asks a test for addresses, and trusts its authorities as well.
    pub(super) fn looking_up(lookup: Arc<impl Lookup>, authorities: Vec<reqwest::Certificate>) -> Self {
        Self(Arc::new(Ways { authorities, ..Ways::new(lookup) }))
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl Ways {
    fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self {
            lookup,
            public: OnceCell::new(),
            any: OnceCell::new(),
            private: OnceCell::new(),
            #[cfg(test)]
            authorities: Vec::new(),
        }
    }

    async fn exchange(&self, rebuilt: Rebuilt, most: usize) -> Result<Answer, NotSent> {
        let Rebuilt { request, reach, left_out } = rebuilt;
        let client = self.client(reach).await?;
        let (method, host) = (request.method().clone(), request.url().host_str().unwrap_or_default().to_owned());
        let response = client.execute(request).await.map_err(|error| {
            let (what, error) = explain(&error, reach);
            tracing::info!(host, what, "a request came to nothing");
            error
        })?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(NotSent::unreachable("the host answered in another protocol than HTTP"));
        }
        Answer::read(response, &method, left_out, most).await
    }

    async fn client(&self, reach: Reach) -> Result<&Client, NotSent> {
        let kept = match reach {
            Reach::Public => &self.public,
            Reach::Any => &self.any,
            Reach::Private => &self.private,
        };
        kept.get_or_try_init(|| async {
            let builder = self.builder(reach);
            // The system's authorities are read from files.
            let built = spawn_blocking(move || builder.build()).await;
            built.ok().and_then(Result::ok).ok_or_else(|| {
                tracing::warn!("TLS can't be set up: is there a list of certificate authorities?");
                NotSent::NoConnection(format!(
                    "no encrypted connection can be made from this machine: the owner has to install a list of \
                     certificate authorities; {NOTHING_SENT}",
                ))
            })
        })
        .await
    }

    fn builder(&self, reach: Reach) -> reqwest::ClientBuilder {
        let builder = Client::builder()
            .user_agent(concat!("opward/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guard::new(Arc::clone(&self.lookup), reach))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .http1_max_headers(MOST_HEADERS);
        #[cfg(test)]
        let builder = builder.tls_certs_merge(self.authorities.clone());
        match reach {
            Reach::Public | Reach::Any => builder.https_only(true),
            // What's never encrypted needs no authorities.
            Reach::Private => builder.tls_certs_only([]),
        }
    }
}

/// What became of a request that got no answer: for the log and for the caller.
fn explain(error: &reqwest::Error, reach: Reach) -> (&'static str, NotSent) {
    let unsent = |what: &'static str| (what, NotSent::NoConnection(format!("{what}; {NOTHING_SENT}")));
    let lost = |what: &'static str| (what, NotSent::Unreachable(format!("{what}; {UNKNOWN}")));
    if caused_by::<Blocked>(error).is_some() {
        ("the host is at an address that may not be reached", forbidden(reach))
    } else if caused_by::<Unresolved>(error).is_some() {
        unsent("the host's name can't be resolved")
    } else if error.is_connect() && error.is_timeout() {
        unsent("connecting to the host took too long")
    } else if let Some(cause) = caused_by::<rustls::Error>(error) {
        if matches!(cause, rustls::Error::InvalidCertificate(_)) {
            unsent("the host's certificate isn't trusted")
        } else if error.is_connect() {
            unsent("no encrypted connection to the host comes about")
        } else {
            lost("the encrypted connection broke before an answer")
        }
    } else if error.is_connect() {
        unsent("the host can't be connected to")
    } else if caused_by::<hyper::Error>(error).is_some_and(hyper::Error::is_parse_too_large) {
        lost("the answer has too many headers, or too long ones")
    } else {
        lost("the connection broke before an answer, or the answer wasn't HTTP")
    }
}

/// The cause of a type, however deep.
fn caused_by<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // Such an error's source is its content's source.
        let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match content {
            Some(content) => Some(content),
            None => error.source(),
        };
    }
    None
}
