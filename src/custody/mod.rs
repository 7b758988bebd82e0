//! The only code that sees plaintext.
//!
//! Values come in from a source, lie sealed in the cache, and go out through a [`Lease`], which
//! only a spent permit gives. `tools` and `transport` can't even name this module.

mod cache;
mod catalog;
pub mod dotenv;
mod error;
mod figures;
pub mod fingerprint;
mod locks;
mod open;
mod otp;
mod recognise;
mod release;
mod seal;
pub mod source;
mod template;
mod value;
mod vault;

pub use cache::{Cache, CacheFigures, CacheSettings, Cached};
pub use catalog::{Catalog, CatalogClash, FieldAliases, Outage, ReadUp, Resolved, SourceView, Unresolved, VaultEntry};
pub use error::SourceError;
pub use figures::{Figures, KindFigures, Quota};
pub use recognise::Recognised;
pub use release::{Lease, Revealed, redactor};
pub use seal::{BrokenSeal, Sealed, Sealer};
pub use template::{Expanded, Template, TemplateError};
pub use value::{MAX_VALUE_BYTES, SecretValue};
pub use vault::{Custody, NewValue, Versions};
