//! The vocabulary: paths, patterns, items, principals, actions, requests, time, figures and the caller's errors.
//!
//! Nothing here does I/O and nothing here can hold a secret's value. Every other module speaks in
//! these types, so each of them can only be made by parsing: one request is parsed once, and the
//! one thing that comes out is decided on, recorded, fetched and shown.

mod action;
mod clock;
mod closed;
mod counted;
mod delivery;
mod fields;
mod figures;
mod header;
mod item;
mod name;
mod path;
mod pattern;
mod principal;
mod public_error;
mod reference;
mod request;
mod signing;
mod standing;
mod strict_json;
mod token;
mod written;

pub use action::{Action, ActionKind, kind};
pub use clock::Clock;
pub(crate) use closed::closed;
pub use closed::{Closed, Word};
pub use counted::{Answered, Decided, Looked, QuotaWindow, SourceKind};
pub use delivery::{Delivery, DeliveryError, DeliveryName, DeliveryNameError, Output};
pub use fields::Fields;
pub use figures::{Count, Counts, Gauge, Times, Timings, UnderWay};
pub use header::HeaderRole;
pub(crate) use header::one_spelling;
pub use item::{Category, Field, FieldId, FieldType, Item, ItemId, Purpose, SourceName, Tag, VaultId};
pub use name::{Name, NameError, fold};
pub(crate) use name::{is_plain_name, is_refused};
pub use path::{ItemPath, MAX_PATH_BYTES, PathError, SecretPath};
pub use pattern::{NamePattern, PathPattern, PatternError, PatternSegment, Wildcard};
pub use principal::{Principal, PrincipalName, PrincipalNameError, Transport};
pub use public_error::{ErrorCode, PublicError};
pub use reference::{Attribute, FieldSelector, PathPrefix, Reference};
pub use request::{ClientName, Place, PolicyHash, Reason, ReasonError, Request, RequestId, RuleId, Target};
pub use signing::SigningAlgorithm;
pub use standing::{LastTry, Standing};
pub(crate) use strict_json::StrictJson;
pub use token::{TOKEN_PREFIX, TokenDigest, TokenDigestError};
pub use written::{DefaultVault, DefaultVaultError, Written};
