//! What's counted elsewhere and read when somebody wants to see it.
//!
//! Telemetry knows none of those who count. Whoever wires the program puts their figures into these.

use super::words::{Part, Refusal};
use crate::model::{Action, Answered, Decided, Looked, QuotaWindow, SourceKind, Standing, Times};

/// All figures that aren't HTTP's own, at one moment.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Requests at the door, by what they were for and what came of them.
    pub decisions: Vec<((Action, Decided), u64)>,
    /// The cache of values.
    pub cache: CacheFigures,
    /// The sources, by kind.
    pub sources: Vec<SourceFigures>,
    /// The audit log.
    pub audit: AuditFigures,
    /// How the parts stand.
    pub standing: Vec<(Part, Standing)>,
    /// The port.
    pub port: PortFigures,
}

/// The port that's served.
#[derive(Debug, Clone, Default)]
pub struct PortFigures {
    /// Connections that are open.
    pub connections: u64,
    /// Sessions that are open.
    pub sessions: u64,
    /// Connections that were turned away before there was a request, by why.
    pub refused: Vec<(Refusal, u64)>,
}

/// The cache of values.
#[derive(Debug, Clone)]
pub struct CacheFigures {
    /// Opened values, by where they came from.
    pub looked: Vec<(Looked, u64)>,
    /// What lies in it.
    pub entries: u64,
    /// What had to make room before its time.
    pub evicted: u64,
}

/// All sources of a kind.
#[derive(Debug, Clone)]
pub struct SourceFigures {
    /// The kind.
    pub kind: SourceKind,
    /// How often they were asked, by what came of it.
    pub answered: Vec<(Answered, u64)>,
    /// How long that took.
    pub took: Times,
    /// For each limited window: requests left of the source with the least left, and its limit.
    pub quotas: Vec<(QuotaWindow, u32, u32)>,
    /// How many of them were told to wait.
    pub paused: u64,
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct AuditFigures {
    /// Records that were written, and how long each took from being asked for.
    pub appends: Times,
    /// Records that couldn't be written.
    pub failures: u64,
    /// Records that wait to be written.
    pub under_way: u64,
}
