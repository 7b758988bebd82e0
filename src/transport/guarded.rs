//! A handler that answers even when it panics.

use std::borrow::Cow;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use rmcp::model::{ClientNotification, ClientRequest, ProtocolVersion, ServerConfig, ServerResult};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler, Service};

/// The handler, shared by the service loop and the short way past it.
///
/// The service loop forgets a request whose handler panicked: the client would wait for ever. Here it's answered as an
/// internal error. The panic's text goes nowhere, since it may hold anything.
#[derive(Debug)]
pub(super) struct Guarded<H>(pub(super) Arc<H>);

impl<H> Clone for Guarded<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H: ServerHandler> Service<RoleServer> for Guarded<H> {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let mut handling = pin!(async move { self.0.handle_request(request, context).await });
        poll_fn(move |cx| {
            // A handler that panicked is never polled again, so nobody sees the state it left.
            catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx)))
                .unwrap_or_else(|_| Poll::Ready(Err(ErrorData::internal_error("internal error", None))))
        })
        .await
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.handle_notification(notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        Service::get_info(self.0.as_ref())
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Service::supported_protocol_versions(self.0.as_ref())
    }
}
