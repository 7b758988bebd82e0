//! What an attack came to.

use serde::Serialize;

/// Who attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Attacker {
    /// An agent with opward's tools and nothing else.
    Agent,
    /// A program that opward runs.
    Program,
    /// Another program of the same user.
    Shell,
    /// Somebody who changes what opward's files are.
    Files,
}

/// One promise, and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) attacker: Attacker,
    /// The promise, in the words of `SECURITY.md` where it has it.
    pub(super) promise: &'static str,
    /// How often it was attacked.
    pub(super) attempts: usize,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
}

/// Whether it held.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It did.
    Held,
    /// It's no promise on this machine, or to this attacker.
    CannotHold {
        /// Why.
        why: String,
        /// What can be done.
        remedy: String,
    },
    /// It was promised, and it didn't.
    Broken {
        /// Which attempts got through.
        by: Vec<String>,
    },
}

impl Attacker {
    pub(super) const ALL: [Self; 4] = [Self::Agent, Self::Program, Self::Shell, Self::Files];

    /// A heading.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Agent => "An agent that was talked into something, with only opward's tools",
            Self::Program => "A program that opward runs, and that tries to get out",
            Self::Shell => "Another program of the same user",
            Self::Files => "Files that others changed, a log that can't be written",
        }
    }
}

impl Finding {
    /// It held if nothing got through. A promise that nobody attacked didn't hold, for nothing is known of it.
    pub(super) fn judged(attacker: Attacker, promise: &'static str, attempts: usize, by: Vec<String>) -> Self {
        let verdict = match (attempts, by.is_empty()) {
            (0, _) => Verdict::Broken { by: vec!["no attempt could be made".to_owned()] },
            (_, true) => Verdict::Held,
            (_, false) => Verdict::Broken { by },
        };
        Self { attacker, promise, attempts, verdict }
    }

    /// Not promised.
    pub(super) fn cannot_hold(
        attacker: Attacker,
        promise: &'static str,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let verdict = Verdict::CannotHold { why: why.into(), remedy: remedy.into() };
        Self { attacker, promise, attempts: 1, verdict }
    }
    #[cfg(test)]
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.verdict, Verdict::Broken { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_holds_only_if_it_was_attacked_and_nothing_got_through() {
        let judged = |attempts, by: &[&str]| {
            Finding::judged(Attacker::Agent, "a promise", attempts, by.iter().map(ToString::to_string).collect())
        };
        assert_eq!(judged(3, &[]).verdict, Verdict::Held);
        assert!(judged(0, &[]).is_broken(), "nobody attacked it");
        assert!(judged(3, &["one way"]).is_broken());
        assert!(!Finding::cannot_hold(Attacker::Shell, "a promise", "why", "what to do").is_broken());
    }
}
