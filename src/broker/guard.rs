//! Arguments that hold a value which the caller was never given.

use std::borrow::Cow;

use super::Broker;
use crate::authz::{Call, Refusal};
use crate::custody::{Recognised, fingerprint};
use crate::model::{Action, ErrorCode, PublicError, SecretPath};

/// A text in a caller's arguments, at whatever depth.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    /// The argument it's in, or part of.
    pub argument: &'a str,
    /// The text.
    pub text: Cow<'a, str>,
}

/// The argument that holds a value to be stored.
const VALUE: &str = "value";

/// So many of the paths whose values a text holds are looked up. Whoever has more of them is no longer believed.
const LOOKED_UP: usize = 64;

impl Broker {
    /// Refuses a request whose arguments hold a value that its caller doesn't have by right: one that neither was shown
    /// to it nor came from it. It's a leak, or one who spreads it. Nothing else is done with arguments before.
    ///
    /// That holds for what's to be stored as well, be it where it is already: who stores a value is from then on taken
    /// to know it. Only what a person stores at the command line is theirs. `is_known` says which arguments the tool
    /// has, since no other is named to the caller.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn guard(
        &self,
        call: &Call,
        action: Action,
        told: &[Told<'_>],
        is_known: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), Refusal> {
        let stores = matches!(action, Action::Write | Action::Rotate);
        let is_short = |told: &Told<'_>| told.argument == VALUE && fingerprint::can_be_guessed(&told.text);
        let bytes = told.iter().map(|told| told.text.len()).sum();
        let with_short = call.take_text(action, bytes, stores && told.iter().any(is_short)).await?;
        let is_own = stores && call.is_at_the_command_line();
        let told: Vec<&Told<'_>> = told.iter().filter(|told| !is_own || told.argument != VALUE).collect();
        let texts: Vec<&str> = told.iter().map(|told| told.text.as_ref()).collect();
        match self.0.custody.recognise(&texts, call.principal(), with_short).await {
            Ok(None) => Ok(()),
            Ok(Some(recognised)) => Box::pin(self.judge(call, action, &told, recognised, is_known)).await,
            Err(too_much) => {
                let hint = "send less at once; many escapes, or encodings within each other, take the most";
                let error = PublicError::new(ErrorCode::Invalid, too_much.to_string(), hint);
                Err(call.fail(action, None, error).await)
            }
        }
    }

    async fn judge(
        &self,
        call: &Call,
        action: Action,
        told: &[&Told<'_>],
        recognised: Recognised,
        is_known: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), Refusal> {
        let mut given: Vec<SecretPath> = Vec::new();
        for path in recognised.paths().into_iter().take(LOOKED_UP) {
            if call.was_given(&path).await {
                given.push(path);
            }
        }
        let Some((text, targets)) = recognised.stranger(&given) else { return Ok(()) };
        let argument = told.get(text).map(|told| told.argument).filter(|name| is_known(name));
        Err(call.refuse_leak(action, argument, &targets).await)
    }
}
