//! The words that figures are counted by.

use super::action::Action;
use super::closed::{Closed, Word, closed};

closed! {
    /// How the door dealt with a request.
    Decided {
        /// Allowed, and recorded.
        Allowed = "allowed",
        /// No rule allows it, or one forbids it.
        Denied = "denied",
        /// An argument held a value that its caller was never given.
        Leaked = "leaked",
        /// Too often.
        RateLimited = "rate_limited",
        /// A rule wants to hear why, and nothing was said.
        ReasonRequired = "reason_required",
        /// It never came to a decision, or the decision couldn't be recorded.
        Failed = "failed",
    }
}

closed! {
    /// A kind of source. Figures name kinds: a source's own name is its owner's text.
    SourceKind {
        /// A KDBX file.
        Local = "local",
        /// 1Password through its command line program.
        Op = "op",
        /// 1Password through a Connect server.
        Connect = "connect",
    }
}

closed! {
    /// What came of asking a source.
    Answered {
        /// It did what was asked.
        Ok = "ok",
        /// Somebody else changed it meanwhile.
        Conflict = "conflict",
        /// It knows us and refuses.
        Forbidden = "forbidden",
        /// It can't keep such a value.
        Invalid = "invalid",
        /// It has no such thing.
        Missing = "missing",
        /// It says that it was asked too often.
        RateLimited = "rate_limited",
        /// It can't be written to.
        ReadOnly = "read_only",
        /// More than it keeps.
        TooLarge = "too_large",
        /// It didn't answer, or not as it should.
        Unavailable = "unavailable",
        /// It can't do this.
        Unsupported = "unsupported",
        /// It wasn't asked, because its limits leave nothing to ask with.
        Withheld = "withheld",
    }
}

closed! {
    /// Where an opened value came from.
    Looked {
        /// The cache.
        Hit = "hit",
        /// Its source, which may have had none.
        Miss = "miss",
        /// The cache, past its time, because the source couldn't answer.
        Stale = "stale",
    }
}

closed! {
    /// What a limit of requests is counted over.
    QuotaWindow {
        /// Requests that read, within an hour.
        ReadsHour = "reads_hour",
        /// Requests that write, within an hour.
        WritesHour = "writes_hour",
        /// Requests of either kind, within a day.
        RequestsDay = "requests_day",
    }
}

impl Answered {
    /// Whether the source is in trouble, whatever it was asked for.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }
}

impl Closed for Action {
    const COUNT: usize = Self::ALL.len();

    fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter()
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|action| *action == self).unwrap_or_default()
    }
}

impl Word for Action {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}
