//! The local peer: whoever started this process.
//!
//! The operating system has already decided that this user may run the program and read its files,
//! and the standard streams belong to the process that started it. What that process says it is
//! proves nothing, so the name comes from the command line its human wrote into the client's
//! configuration.

use std::sync::Arc;

use super::Authenticated;
use crate::model::{Principal, PrincipalName, Transport};

/// The client at the other end of the standard streams, under the name its human gave it.
#[must_use]
pub fn standard_streams(name: PrincipalName) -> Authenticated {
    local(name, Transport::Stdio)
}

/// The person at the command line, under the given name (`cli`).
#[must_use]
pub fn command_line(name: PrincipalName) -> Authenticated {
    local(name, Transport::Cli)
}

fn local(name: PrincipalName, transport: Transport) -> Authenticated {
    Authenticated { principal: Principal { name, transport, source_ip: None, claims: Arc::default() } }
}
