//! What's done, how often, and what may come of it.

/// Something that's done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    List,
    Describe,
    Get,
    GetToggled,
    Put,
    Bundle,
    Check,
    ByHeader,
    Resources,
    Completion,
    Discover,
    /// What's somebody else's, by its path.
    Foreign,
    /// The same, with the vault in a header.
    ForeignHeader,
    ForeignResource,
    ForeignCompletion,
    ForeignCursor,
    ForeignSession,
    /// Goes away before the answer.
    Leave,
    /// Takes a request back within a session.
    TakeBack,
    /// A session of the older lifecycle, from its beginning to its end.
    Session,
    /// Without a good token.
    Stranger,
}

impl Deed {
    pub(super) const ALL: [Self; 21] = [
        Self::List,
        Self::Describe,
        Self::Get,
        Self::GetToggled,
        Self::Put,
        Self::Bundle,
        Self::Check,
        Self::ByHeader,
        Self::Resources,
        Self::Completion,
        Self::Discover,
        Self::Foreign,
        Self::ForeignHeader,
        Self::ForeignResource,
        Self::ForeignCompletion,
        Self::ForeignCursor,
        Self::ForeignSession,
        Self::Leave,
        Self::TakeBack,
        Self::Session,
        Self::Stranger,
    ];

    /// How often, of all.
    fn weight(self) -> u64 {
        match self {
            Self::Get => 25,
            Self::List => 18,
            Self::Describe => 10,
            Self::Bundle | Self::Foreign | Self::ByHeader | Self::Leave => 6,
            Self::GetToggled => 5,
            Self::Put | Self::Stranger | Self::ForeignHeader | Self::Session => 3,
            Self::Check
            | Self::Resources
            | Self::Completion
            | Self::Discover
            | Self::ForeignResource
            | Self::ForeignCompletion
            | Self::ForeignCursor
            | Self::ForeignSession
            | Self::TakeBack => 2,
        }
    }

    /// Whether that's something that may come of it.
    pub(super) fn may_end_in(self, outcome: &str) -> bool {
        let may = match self {
            Self::List
            | Self::Describe
            | Self::Get
            | Self::Put
            | Self::Bundle
            | Self::Check
            | Self::ByHeader
            | Self::Resources
            | Self::Completion
            | Self::Discover
            | Self::ForeignCompletion
            | Self::Session => &["ok"][..],
            Self::GetToggled => &["ok", "denied"],
            Self::Foreign | Self::ForeignHeader => &["denied", "not_found"],
            Self::ForeignResource => &["an error"],
            // A place to go on from is no secret, and shows only what's one's own behind it.
            Self::ForeignCursor => &["ok", "invalid"],
            Self::ForeignSession => &["http 404"],
            Self::Leave => &["left"],
            Self::TakeBack => &["taken back", "answered before"],
            Self::Stranger => &["http 401"],
        };
        may.contains(&outcome)
    }

    /// What must have come of it at least once.
    pub(super) fn must_have_seen(self) -> &'static [&'static str] {
        match self {
            Self::GetToggled => &["ok", "denied"],
            Self::ForeignSession => &["http 404"],
            Self::Stranger => &["http 401"],
            Self::Leave => &["left"],
            Self::ForeignResource => &["an error"],
            Self::Foreign | Self::ForeignHeader | Self::ForeignCursor | Self::TakeBack => &[],
            Self::List
            | Self::Describe
            | Self::Get
            | Self::Put
            | Self::Bundle
            | Self::Check
            | Self::ByHeader
            | Self::Resources
            | Self::Completion
            | Self::Discover
            | Self::ForeignCompletion
            | Self::Session => &["ok"],
        }
    }
}

/// Chance, which takes the same course from the same beginning (`SplitMix64`).
pub(super) struct Mix(u64);

impl Mix {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below that.
    pub(super) fn below(&mut self, most: usize) -> usize {
        let most = u64::try_from(most).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % most).unwrap_or_default()
    }

    pub(super) fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(self.below(of.len()))
    }

    pub(super) fn deed(&mut self) -> Deed {
        let all = Deed::ALL.iter().map(|deed| deed.weight()).sum::<u64>();
        let mut at = self.next() % all;
        for deed in Deed::ALL {
            match at.checked_sub(deed.weight()) {
                Some(rest) => at = rest,
                None => return deed,
            }
        }
        Deed::Get
    }
}
