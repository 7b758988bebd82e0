//! What a policy lets be done with a value that isn't shown: commands and HTTP entries.

mod bind;
mod canonical;
mod catalog;
mod command;
mod http;
mod program;
mod read;
mod set;
mod shape;
mod template;
mod uses;
mod variable;

pub use bind::{BindError, Bound};
pub(super) use canonical::{commands as canonical_commands, entries as canonical_entries, of_rate as canonical_rate};
pub(super) use catalog::Deliveries;
pub use command::{Class, Command, CommandOutput, Parameter, Part, SandboxWish};
pub use http::{HttpEntry, Inject};
pub(super) use program::is_client;
#[cfg(test)]
pub(super) use read::{COMMAND_KEYS, HTTP_KEYS, USE_KEYS};
pub(super) use read::{Read as ReadDeliveries, read_deliveries, read_uses};
pub(super) use set::DeliverySet;
pub use uses::Uses;

#[cfg(test)]
mod tests;
