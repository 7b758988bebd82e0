//! Who is asking, as proven to this process, never as claimed by a client.
//!
//! The only door into the rest of the program: [`Authenticated`] can't be made anywhere else.

mod local;

pub use local::{command_line, standard_streams};

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
    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}
