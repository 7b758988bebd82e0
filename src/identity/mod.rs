//! Who is asking, as proven to this process, never as claimed by a client.
//!
//! The only door into the rest of the program: [`Authenticated`] can't be made anywhere else. At the
//! standard streams and the command line it follows from how the process was started; over HTTP a
//! bearer token proves it, and [`Bearers`] judges those.

mod bearer;
mod cache;
mod figures;
mod jwt;
mod local;
mod rejection;
mod setup;
mod static_token;
mod time;

pub use bearer::Bearers;
pub use figures::{BearerCounts, BearerFigures};
pub use jwt::{Issuer, KeySetError, KeysFrom, LoadError, ReadKeys};
pub use local::{command_line, standard_streams, unauthenticated};
pub use rejection::{Rejection, Why};
pub use setup::{BearersError, IssuerError};
pub use static_token::{NewToken, RandomError, StaticToken};

use crate::model::Principal;

/// A principal whose identity was established.
///
/// ```compile_fail,E0451
/// # let principal: opward::model::Principal = todo!();
/// let forged = opward::identity::Authenticated { principal };
/// ```
#[derive(Debug)]
pub struct Authenticated {
    principal: Principal,
}

impl Authenticated {
    /// Takes anybody's word, as no transport does.
    #[cfg(test)]
    pub(crate) fn assumed(principal: Principal) -> Self {
        Self { principal }
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}
