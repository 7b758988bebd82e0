//! What the two ways to 1Password share: its items' JSON, what's listed, how values are written
//! back, and how many requests may be made.
//!
//! A [`backend::Backend`] asks 1Password in its own way and knows nothing of the rest.

pub(in crate::custody::source) mod backend;
pub(in crate::custody::source) mod document;
pub(in crate::custody::source) mod failure;
