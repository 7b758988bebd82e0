//! The server over HTTP: from the configuration to an address that's served.

mod certificate;
mod host;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use self::certificate::Certificate;
use self::host::Tools;
use super::figures::Counting;
use super::readiness::Prober;
use super::setup::{Setup, SetupError};
use super::told_to_end;
use super::wired::{Asked, Wired};
use crate::config::{HttpConfig, NotServed, TlsFiles};
use crate::memory;
use crate::model::{Clock, ErrorCode, PrincipalName, PublicError, Transport};
use crate::telemetry::metrics::{HttpMetrics, Metrics, PortFigures, Refusal};
use crate::transport::http::{self, Admission, Connections, Endpoint, Limits, Ready, Settings, TimedOut, Tls, accept};

/// What the command line says about a server over HTTP.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The address; with port 0 the system chooses one.
    pub address: SocketAddr,
    /// Who everybody on this machine is, without a bearer; `None` asks each for one.
    pub no_auth: Option<PrincipalName>,
}

/// Serves clients over HTTP until the process is told to end; `ready` is told where they find it.
///
/// # Errors
///
/// When the configuration can't be used, the address may not be served with it or can't be bound, or
/// the server fails.
pub async fn serve_http(setup: Setup, options: HttpOptions, ready: impl FnOnce(&str)) -> Result<(), SetupError> {
    let config = setup.config()?;
    let http = &config.http;
    http.exposure(options.address, options.no_auth.is_some()).map_err(not_served)?;
    let certificate = http.tls.as_ref().map(certificate).transpose()?;
    let admission = admission(http, options.no_auth.clone())?;
    let (listener, bound) = bind(options.address).await?;
    let operations = match http.metrics {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    make_room(http.limits.connections);
    if let Some(principal) = &options.no_auth {
        tracing::warn!("--no-auth: every program on this machine is {principal}, without showing anything");
    }
    let asked = Asked {
        principal: options.no_auth.as_ref(),
        transport: Transport::Http,
        protections: protections(certificate.is_some(), options.no_auth.is_none()),
    };
    let wired = Wired::wire(&setup, &config, asked).await?;
    // What the environment held is wiped: the sources have what's theirs.
    drop(setup);
    wired.watch_policy();
    wired.read_ahead();
    let tls = certificate.map(|(files, tls)| {
        wired.tasks.spawn(files.watch(tls.clone(), wired.stop.clone()));
        tls
    });
    let address = settings::address(http, bound);
    tracing::info!("listening on {address}");
    // Whoever hears of the server may tell it to end.
    let told = told_to_end();
    ready(&address);
    let served = Served { settings: settings::settings(http, bound, admission), limits: settings::limits(http) };
    served.run(&wired, listener, tls, operations, told).await;
    wired.close().await;
    Ok(())
}

/// What's served, and how.
struct Served {
    settings: Settings,
    limits: Limits,
}

impl Served {
    /// Serves until the process is `told` to end, and what was begun is answered.
    async fn run(
        self,
        wired: &Wired,
        listener: TcpListener,
        tls: Option<Tls>,
        operations: Option<(TcpListener, SocketAddr)>,
        told: impl Future<Output = ()>,
    ) {
        let stop = CancellationToken::new();
        let (http, connections) = (Arc::<HttpMetrics>::default(), Arc::<Connections>::default());
        let bearers = match &self.settings.admission {
            Admission::Bearers(bearers) => Some(bearers.clone()),
            Admission::Everybody(_) => None,
        };
        let tools = Tools::new(wired.broker.clone(), Arc::clone(&wired.door));
        let endpoint = Endpoint::new(tools, self.settings, Arc::clone(&http), &stop);
        let ready = ready(wired);
        let app = TowerToHyperService::new(endpoint.router(Arc::clone(&ready)));
        let main = accept(listener, tls, self.limits, app, Arc::clone(&connections), stop.clone());
        let figures = async {
            let Some((listener, bound)) = operations else { return };
            tracing::info!("figures at http://{bound}/metrics");
            let pull = counting(wired).pull(port(&connections, &endpoint));
            let figures = Arc::new(Metrics::new(Arc::clone(&http), pull));
            let app = TowerToHyperService::new(http::operations(figures, ready, Arc::clone(&http)));
            accept(listener, None, FIGURES, app, Arc::default(), stop.clone()).await;
        };
        let told = async {
            told.await;
            tracing::info!("told to end: requests under way are answered first");
            stop.cancel();
        };
        let prepare = async {
            if let Some(bearers) = &bearers
                && !bearers.prepare().await
            {
                tracing::warn!("not every issuer's keys could be had yet; its tokens are refused until they can");
            }
        };
        let sweep = Arc::clone(&endpoint).sweep(stop.clone());
        tokio::join!(main, figures, told, prepare, sweep, give_back(&connections, &stop));
        if let Some(bearers) = bearers {
            bearers.close().await;
        }
    }
}

/// Gives memory back once many connections are gone: the heap keeps what each of them had, otherwise.
async fn give_back(connections: &Connections, stop: &CancellationToken) {
    let mut given_back = 0;
    while tokio::time::timeout(LOOK, stop.cancelled()).await.is_err() {
        // Counted by those that are gone: many may come and go between two looks.
        let gone = connections.accepted().saturating_sub(connections.open());
        if gone.saturating_sub(given_back) >= MANY {
            given_back = gone;
            // Nobody waits for it, and it can't fail.
            let _given = tokio::task::spawn_blocking(memory::trim).await;
        }
    }
}

/// How often it's looked whether connections are gone.
const LOOK: Duration = Duration::from_secs(15);

/// How many make it worth giving their memory back.
const MANY: u64 = 256;

/// The listener for figures: few watch a server.
const FIGURES: Limits = Limits { connections: 64, ..Limits::DEFAULT };

fn admission(http: &HttpConfig, no_auth: Option<PrincipalName>) -> Result<Admission, SetupError> {
    match no_auth {
        Some(principal) => Ok(Admission::Everybody(principal)),
        None => settings::bearers(http, Clock::system()).map(Admission::Bearers).map_err(|error| {
            let hint = "mend [http] in opward.toml; `opward doctor` looks at all of it";
            SetupError::Other(PublicError::new(ErrorCode::Invalid, error.to_string(), hint))
        }),
    }
}

fn certificate(files: &TlsFiles) -> Result<(Certificate, Tls), SetupError> {
    Certificate::open(files.cert.clone(), files.key.clone()).map_err(|error| {
        let hint =
            "`[http] tls` names a PEM file with the certificate's chain, and one with its key that only you can read";
        SetupError::Other(PublicError::new(ErrorCode::Invalid, format!("TLS: {error}"), hint))
    })
}

/// The words for what protects requests, for the record of the start.
fn protections(tls: bool, bearers: bool) -> &'static [&'static str] {
    match (tls, bearers) {
        (true, true) => &["tls", "bearers"],
        (true, false) => &["tls"],
        (false, true) => &["bearers"],
        (false, false) => &[],
    }
}

fn ready(wired: &Wired) -> Ready {
    let prober = Prober::new(wired.audit.clone(), Arc::clone(&wired.policy), Arc::clone(&wired.custody));
    Arc::new(move || {
        let readiness = prober.readiness();
        (readiness.is_ready(), serde_json::to_string(&readiness).unwrap_or_default())
    })
}

fn counting(wired: &Wired) -> Counting {
    Counting {
        door: Arc::clone(&wired.door),
        custody: Arc::clone(&wired.custody),
        audit: wired.audit.clone(),
        policy: Arc::clone(&wired.policy),
    }
}

fn port(
    connections: &Arc<Connections>,
    endpoint: &Arc<Endpoint<Tools>>,
) -> impl Fn() -> PortFigures + Send + Sync + 'static {
    let (connections, endpoint) = (Arc::clone(connections), Arc::clone(endpoint));
    move || PortFigures {
        connections: connections.open(),
        sessions: u64::try_from(endpoint.open_sessions()).unwrap_or(u64::MAX),
        refused: vec![
            (Refusal::Connections, connections.refused_full()),
            (Refusal::Tls, connections.tls_failed()),
            (Refusal::Malformed, connections.malformed()),
            (Refusal::TooSlow, TOO_SLOW.map(|what| connections.timed_out(what)).iter().sum()),
            (Refusal::Draining, connections.timed_out(TimedOut::Drain)),
        ],
    }
}

/// What's too slow, where an idle connection isn't.
const TOO_SLOW: [TimedOut; 4] = [TimedOut::Handshake, TimedOut::FirstByte, TimedOut::Head, TimedOut::Write];

/// Asks the system for as many files as there may be connections, and some for all else.
fn make_room(connections: usize) {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(256);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
        let asked = setrlimit(Resource::Nofile, limit);
        if asked.is_err() || limit.current.is_some_and(|current| current < wanted) {
            tracing::warn!(
                "the system allows this process fewer open files than {connections} connections need; \
                 raise its limit (LimitNOFILE=, ulimit -n)"
            );
        }
    }
}

fn not_served(why: NotServed) -> SetupError {
    SetupError::Other(PublicError::new(ErrorCode::Invalid, why.to_string(), why.hint()))
}

/// How many connections may wait to be taken in. A client beyond that believes for a while that it's connected.
const WAITING: u32 = 4096;

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SetupError> {
    let bound = async {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // As the standard library does it: what a former server left behind keeps nobody from serving.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(WAITING)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bound.await.map_err(|error: std::io::Error| {
        let hint = if error.kind() == std::io::ErrorKind::AddrInUse {
            "another process serves it: end that one, or take another port; with port 0 the system chooses one"
        } else if error.kind() == std::io::ErrorKind::PermissionDenied {
            "ports below 1024 need a privilege: take a higher one, or let the service manager grant CAP_NET_BIND_SERVICE"
        } else {
            "the address must be one of this machine's own"
        };
        let message = format!("{address} can't be served: {}", error.kind());
        SetupError::Other(PublicError::new(ErrorCode::Invalid, message, hint))
    })
}
