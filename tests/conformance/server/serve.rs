//! Behind which transport the fixtures are.

use std::error::Error;
use std::io::Write as _;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::service::TowerToHyperService;
use opward::model::PrincipalName;
use opward::telemetry::metrics::HttpMetrics;
use opward::transport::http::{
    Admission, Admitted, Allowance, Connections, Endpoint, Gate, Host, Limits, Resource, SessionLimits, Settings,
    accept,
};
use rmcp::model::ClientRequest;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::fixtures::Fixtures;
use crate::tools;

const PATH: &str = "/mcp";

impl Host for Fixtures {
    type Handler = Self;

    fn handler(&self) -> Self {
        self.clone()
    }

    /// No fixture asks who is calling.
    fn admit(&self, _admitted: Admitted) -> http::Extensions {
        http::Extensions::new()
    }

    fn answers_once(&self, request: &ClientRequest) -> bool {
        if let ClientRequest::CallToolRequest(request) = request {
            return tools::answers_once(&request.params.name);
        }
        !matches!(request, ClientRequest::InitializeRequest(_) | ClientRequest::SubscriptionsListenRequest(_))
    }
}

/// Serves through opward's transport, as `opward serve --http … --no-auth` has it.
pub(crate) async fn ours(
    listener: TcpListener,
    fixtures: Fixtures,
    stop: CancellationToken,
) -> Result<(), Box<dyn Error>> {
    let hosts = announce(&listener)?;
    let origins = hosts.iter().map(|host| format!("http://{host}")).collect::<Vec<_>>();
    let settings = Settings {
        gate: Gate::new(hosts, origins),
        resource: Resource {
            url: None,
            scheme: "http",
            path: PATH.to_owned(),
            authorization_servers: Vec::new(),
            scopes: Vec::new(),
        },
        admission: Admission::Everybody(PrincipalName::parse("conformance")?),
        trusted_proxies: Vec::new(),
        only_proxies: false,
        quota: Allowance {
            requests: NonZeroU32::MIN.saturating_add(999),
            per: Duration::from_secs(1),
            burst: NonZeroU32::MIN.saturating_add(999),
            concurrent: NonZeroUsize::MIN.saturating_add(63),
        },
        sessions: SessionLimits { all: 1000, per_principal: 1000, idle: Duration::from_mins(5) },
        access_log: false,
    };
    let endpoint = Endpoint::new(fixtures, settings, Arc::new(HttpMetrics::new()), &stop);
    let router = endpoint.router(Arc::new(|| (true, "{}".to_owned())));
    let sweeper = tokio::spawn(endpoint.sweep(stop.clone()));
    let service = TowerToHyperService::new(router);
    let limits = Limits { drain: Duration::from_secs(1), ..Limits::default() };
    accept(listener, None, limits, service, Arc::new(Connections::default()), stop).await;
    sweeper.await?;
    Ok(())
}

/// Serves through the protocol crate's own transport.
pub(crate) async fn the_crates(
    listener: TcpListener,
    fixtures: Fixtures,
    stop: CancellationToken,
) -> Result<(), Box<dyn Error>> {
    announce(&listener)?;
    let config = StreamableHttpServerConfig::default().with_cancellation_token(stop.child_token());
    let service =
        StreamableHttpService::new(move || Ok(fixtures.clone()), Arc::new(LocalSessionManager::default()), config);
    let router = axum::Router::new().nest_service(PATH, service);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

/// Says where the server is; gives the names by which it may be called.
fn announce(listener: &TcpListener) -> Result<Vec<String>, Box<dyn Error>> {
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "listening on http://{address}{PATH}")?;
    Ok(vec![address.to_string(), format!("localhost:{}", address.port())])
}
