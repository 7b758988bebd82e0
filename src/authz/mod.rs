//! The door: identity, policy, approval, limit and record come together here, and out comes a
//! [`Permit`] or a [`Refusal`].
//!
//! The order never changes: decide, ask what still has to be said, count, record. If the record
//! can't be written there is no permit, so nothing is opened.

mod call;
mod denial;
mod door;
mod exposure;
mod figures;
mod guard;
mod permit;
mod refusal;
mod view;

pub use call::{Call, Delivering};
pub use door::{Door, Held, Session};
pub use exposure::{Deadlines, Exposed};
pub use figures::Figures;
pub use permit::{Pending, Permit, Settled};
pub use refusal::Refusal;
pub use view::{Access, RulesOfMine, Visible};
