//! Where the time comes from.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// The only source of wall-clock time in the program.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System,
    Fixed(Arc<Mutex<Option<Timestamp>>>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands still until it's moved; `None` is a clock that can't be read.
    #[must_use]
    pub fn fixed(at: Option<Timestamp>) -> Self {
        Self(Kind::Fixed(Arc::new(Mutex::new(at))))
    }

    /// The time, or `None` if the machine's clock shows one that can't be represented.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
            Kind::System => Timestamp::try_from(SystemTime::now()).ok(),
            Kind::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a fixed clock forward; the machine's clock isn't moved.
    pub fn advance(&self, by: Duration) {
        if let Kind::Fixed(at) = &self.0 {
            let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
            *at = at.and_then(|time| time.checked_add(by).ok());
        }
    }

    /// Sets a fixed clock to any time, back as well; the machine's clock isn't set.
    pub fn set(&self, to: Option<Timestamp>) {
        if let Kind::Fixed(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }
}
