//! Tokens, good and bad.

#![expect(clippy::string_slice, clippy::wildcard_enum_match_arm, reason = "tests that cut ASCII and know their keys")]

mod corpus;
mod flips;
mod goods;
mod keys_served;
mod minting;
mod naive;
mod time;
