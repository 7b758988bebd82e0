//! What's served over HTTP: the tools, for whoever asks.

use std::sync::Arc;

use rmcp::model::ClientRequest;

use crate::authz::{Door, Session};
use crate::broker::Broker;
use crate::tools::{Caller, Server, Toolbox};
use crate::transport::http::{Admitted, Host};

/// The tools, and the door that each request is taken to.
pub(super) struct Tools {
    server: Server,
    broker: Broker,
    door: Arc<Door>,
}

impl Tools {
    pub(super) fn new(broker: Broker, door: Arc<Door>) -> Self {
        Self { server: Server::hosted(Ok(())), broker, door }
    }
}

impl Host for Tools {
    type Handler = Server;

    fn handler(&self) -> Server {
        self.server.clone()
    }

    fn admit(&self, admitted: Admitted) -> http::Extensions {
        let session = Session::new(Arc::clone(&self.door), admitted.who);
        let session = session.in_vault(admitted.vault).for_request(admitted.id).holding(admitted.turn);
        let mut extensions = http::Extensions::new();
        extensions.insert(Caller { toolbox: Toolbox::new(self.broker.clone(), session) });
        extensions
    }

    fn answers_once(&self, request: &ClientRequest) -> bool {
        Server::answers_once(request)
    }
}
