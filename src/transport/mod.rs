//! How bytes come in and go out. A transport knows the protocol's framing and nothing of secrets.

pub mod stdio;
