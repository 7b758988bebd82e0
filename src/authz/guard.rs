//! What becomes of a request that carries a value its caller was never given.

use super::call::{About, Call};
use super::denial;
use super::refusal::Refusal;
use crate::model::{Action, Decided, Target, Transport};
use crate::state::Taken;

impl Call {
    /// Whether what the request stores was typed by a person, or piped by one, who is at their own vault.
    #[must_use]
    pub fn is_at_the_command_line(&self) -> bool {
        self.who.principal().transport == Transport::Cli
    }

    /// Counts the text of a request that's to be looked through: whether it's also compared with values that can be
    /// guessed, which for one principal has a limit. Beyond it, nothing can be stored that could be one: whoever brings
    /// a value has it from then on, and this one wouldn't be recognised.
    ///
    /// # Errors
    ///
    /// The recorded refusal of one who passed on such values too often, or sent too much text.
    pub async fn take_text(&self, action: Action, bytes: usize, stores_short: bool) -> Result<bool, Refusal> {
        let error = match self.door.leaks.take(self.principal(), bytes) {
            Ok(Taken::Whole) => return Ok(true),
            Ok(Taken::WithoutShort(wait)) if stores_short => denial::sent_too_much(wait),
            Ok(Taken::WithoutShort(_)) => return Ok(false),
            Err(wait) => denial::leaked_too_often(wait),
        };
        Err(self.refuse(About::nothing(action), &[], error, Decided::RateLimited).await)
    }

    /// Ends a request that carries a value its caller was never given: that's a leak, or one who spreads it.
    ///
    /// `argument` names where it was, by a word of the tool's schema.
    pub async fn refuse_leak(&self, action: Action, argument: Option<&str>, targets: &[Target]) -> Refusal {
        let listable = targets.iter().find(|target| self.may_list(std::slice::from_ref(target)));
        let target = listable.or(targets.first());
        let error = denial::leaked(argument, listable.map(|target| &target.path));
        let about = target.map_or_else(|| About::nothing(action), |target| About::secret(action, target));
        let refusal = self.refuse(about, &[], error, Decided::Leaked).await;
        let path = target.map_or("a vault that isn't seen", |target| target.path.as_str());
        let who = self.principal();
        tracing::warn!(principal = %who, path, "a request held a value that its caller was never given: rotate it");
        if self.door.leaks.leak(who) {
            tracing::warn!(principal = %who, "that was the fifth: nothing more is taken from it for ten minutes");
        }
        refusal
    }
}
