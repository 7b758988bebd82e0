//! The local peer: whoever started this process, or may reach its loopback address.
//!
//! The operating system has already decided that this user may run the program and read its files,
//! and the standard streams belong to the process that started it. What that process says it is
//! proves nothing, so the name comes from the command line its human wrote into the client's
//! configuration.

use std::net::IpAddr;
use std::sync::Arc;

use super::Authenticated;
use crate::model::{Principal, PrincipalName, Transport};

/// The client at the other end of the standard streams, under the name its human gave it.
#[must_use]
pub fn standard_streams(name: PrincipalName) -> Authenticated {
    local(name, Transport::Stdio, None)
}

/// The person at the command line, under the given name (`cli`).
#[must_use]
pub fn command_line(name: PrincipalName) -> Authenticated {
    local(name, Transport::Cli, None)
}

/// Whoever reaches a server that was told to ask nobody for a token (`--no-auth`).
///
/// The caller sees to it that such a server listens on a loopback address only.
#[must_use]
pub fn unauthenticated(name: PrincipalName, peer: IpAddr) -> Authenticated {
    local(name, Transport::Http, Some(peer))
}

fn local(name: PrincipalName, transport: Transport, source_ip: Option<IpAddr>) -> Authenticated {
    Authenticated { principal: Principal { name, transport, source_ip, claims: Arc::default() } }
}
