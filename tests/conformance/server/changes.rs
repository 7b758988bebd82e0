//! Telling those who listen that a list has changed. None really does: the suite asks for the message.

use rmcp::service::SubscriptionContext;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::fixtures::{Call, modern};

/// Which list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Tools,
    Prompts,
}

/// From whoever changes something to whoever listens.
#[derive(Debug)]
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(16))
    }

    /// Tells everybody who listens; a client with a session, in which it called for the change, too.
    pub(crate) async fn announce(&self, change: Change, call: &Call) {
        // An error says that nobody listens.
        let _ = self.0.send(change);
        if !modern(&call.context) {
            let peer = &call.context.peer;
            let _ = match change {
                Change::Tools => peer.notify_tool_list_changed().await,
                Change::Prompts => peer.notify_prompt_list_changed().await,
            };
        }
    }

    /// Passes changes on to a listener until it goes.
    pub(crate) async fn tell(&self, listener: &SubscriptionContext) {
        let mut changes = self.0.subscribe();
        loop {
            let change = tokio::select! {
                () = listener.cancelled() => return,
                change = changes.recv() => change,
            };
            // What the listener didn't ask for is refused by the sink.
            let _ = match change {
                Ok(Change::Tools) => listener.sink().notify_tool_list_changed().await,
                Ok(Change::Prompts) => listener.sink().notify_prompt_list_changed().await,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
        }
    }
}
