//! The handle that handlers would talk to a client with, where there's no client to talk to.
//!
//! A request that's answered with one document has no stream on which anything else could be sent. Its handler gets a
//! handle all the same, because the crate's context has one; only the crate can make it, and it does so for a service
//! that it runs. This is that service's transport: nothing ever comes in, and what goes out goes nowhere.

use std::convert::Infallible;
use std::future::{pending, ready};

use rmcp::service::{Peer, RunningService, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly};
use rmcp::transport::Transport;
use rmcp::{RoleServer, Service};

/// A service that's never asked anything, for the sake of its handle.
#[derive(Debug)]
pub(super) struct Standing<S: Service<RoleServer>>(RunningService<RoleServer, S>);

struct Nobody;

impl<S: Service<RoleServer>> Standing<S> {
    pub(super) fn start(service: S) -> Self {
        Self(serve_directly(service, Nobody, None))
    }

    pub(super) fn peer(&self) -> &Peer<RoleServer> {
        self.0.peer()
    }
}

impl Transport<RoleServer> for Nobody {
    type Error = Infallible;

    fn send(
        &mut self,
        _message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        ready(Ok(()))
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleServer>>> + Send {
        pending()
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        ready(Ok(()))
    }
}
