//! Patterns: how a policy names paths and principals.

use std::fmt;

use super::name::{self, NameError};
use super::path::MAX_PATH_BYTES;

/// A pattern over paths: `*` is any run of characters inside one segment, `**` is zero or more
/// whole segments, and everything else stands for itself, without regard to case.
///
/// A pattern covers a path if it matches the path or any of its ancestors.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    written: Box<str>,
    segments: Box<[PatternSegment]>,
}

/// One segment of a [`PathPattern`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PatternSegment {
    /// A segment without `*`, in the matching form.
    Literal(Box<str>),
    /// A segment with at least one `*`.
    Wildcard(Wildcard),
    /// `**`: zero or more whole segments.
    AnyDepth,
}

/// Literal pieces with any run of characters between each two of them, in the matching form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wildcard(Box<[Box<str>]>);

/// A pattern over principals' names: `*` is any run of characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NamePattern {
    written: Box<str>,
    wildcard: Wildcard,
}

/// Why a text isn't a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Nothing, or nothing between two slashes.
    #[error("a pattern's segments can't be empty")]
    Empty,
    /// A character other glob languages give a meaning.
    #[error("`{0}` has no meaning in a pattern; only `*` and `**` do")]
    Special(char),
    /// `**` next to other characters.
    #[error("`**` stands for whole segments, so it must be alone between slashes")]
    PartialAnyDepth,
    /// A literal part that no name can contain.
    #[error("no path can match: {0}")]
    Name(NameError),
    /// Longer than any path.
    #[error("a pattern has at most {MAX_PATH_BYTES} bytes")]
    TooLong,
}

impl PathPattern {
    /// Reads a pattern as a policy file writes it.
    ///
    /// # Errors
    ///
    /// Says what can't stand in a pattern.
    pub fn parse(written: &str) -> Result<Self, PatternError> {
        if written.len() > MAX_PATH_BYTES {
            return Err(PatternError::TooLong);
        }
        let segments = written.split('/').map(PatternSegment::parse).collect::<Result<_, _>>()?;
        Ok(Self { written: written.into(), segments })
    }

    /// The pattern as it's written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The parsed segments.
    #[must_use]
    pub fn segments(&self) -> &[PatternSegment] {
        &self.segments
    }

    /// Whether the pattern matches the path or one of its ancestors; `matching` is a path in its
    /// matching form, of at least one segment.
    #[must_use]
    pub fn covers(&self, matching: &str) -> bool {
        let path: Vec<&str> = matching.split('/').collect();
        covers(&self.segments, &path, false)
    }

    /// Whether the pattern speaks of something below this one path, which it names in full.
    #[must_use]
    pub fn names_below(&self, matching: &str) -> bool {
        let mut path = matching.split('/');
        let mut own = self.segments.iter();
        path.all(|segment| matches!(own.next(), Some(PatternSegment::Literal(literal)) if **literal == *segment))
            && own.next().is_some()
    }

    /// Whether the pattern covers the path, or could cover something below it.
    #[must_use]
    pub fn reaches_into(&self, matching: &str) -> bool {
        let path: Vec<&str> = matching.split('/').collect();
        reaches_into(&self.segments, &path)
    }
}

fn reaches_into(pattern: &[PatternSegment], path: &[&str]) -> bool {
    let (Some((first, rest)), Some((segment, below))) = (pattern.split_first(), path.split_first()) else {
        // Either an ancestor was matched, or what's left of the pattern speaks of what's below.
        return true;
    };
    match first {
        PatternSegment::Literal(literal) => **literal == **segment && reaches_into(rest, below),
        PatternSegment::Wildcard(wildcard) => wildcard.matches(segment) && reaches_into(rest, below),
        // Any number of segments, so whatever follows may be found further below.
        PatternSegment::AnyDepth => true,
    }
}

/// `consumed` says whether an ancestor of at least one segment has been walked already.
fn covers(pattern: &[PatternSegment], path: &[&str], consumed: bool) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return consumed;
    };
    if *first == PatternSegment::AnyDepth && covers(rest, path, consumed) {
        return true;
    }
    let Some((segment, below)) = path.split_first() else {
        return false;
    };
    match first {
        PatternSegment::Literal(literal) => **literal == **segment && covers(rest, below, true),
        PatternSegment::Wildcard(wildcard) => wildcard.matches(segment) && covers(rest, below, true),
        PatternSegment::AnyDepth => covers(pattern, below, true),
    }
}

impl PatternSegment {
    fn parse(written: &str) -> Result<Self, PatternError> {
        if written == "**" {
            return Ok(Self::AnyDepth);
        }
        if written.is_empty() {
            return Err(PatternError::Empty);
        }
        if written.contains("**") {
            return Err(PatternError::PartialAnyDepth);
        }
        refuse_special(written)?;
        let decoded = name::decode(written).map_err(PatternError::Name)?;
        refuse_unnameable(&decoded)?;
        if matches!(&*decoded, "." | "..") {
            return Err(PatternError::Name(NameError::Dots));
        }
        // `*` can't be escaped, so every `*` of the decoded text is the pattern's own.
        let folded = name::matching(&decoded);
        Ok(if folded.contains('*') { Self::Wildcard(Wildcard::new(&folded)) } else { Self::Literal(folded.into()) })
    }
}

fn refuse_special(written: &str) -> Result<(), PatternError> {
    match written.chars().find(|c| matches!(c, '?' | '[' | ']' | '{' | '}' | '\\')) {
        Some(special) => Err(PatternError::Special(special)),
        None => Ok(()),
    }
}

fn refuse_unnameable(decoded: &str) -> Result<(), PatternError> {
    match decoded.chars().find(|&c| name::is_refused(c)) {
        Some(character) => Err(PatternError::Name(NameError::Character(character))),
        None => Ok(()),
    }
}

impl Wildcard {
    fn new(folded: &str) -> Self {
        Self(folded.split('*').map(Into::into).collect())
    }

    /// The literal pieces; between each two of them stands a `*`.
    #[must_use]
    pub fn pieces(&self) -> &[Box<str>] {
        &self.0
    }

    /// Whether a folded text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else {
            return text.is_empty();
        };
        let Some((last, middle)) = rest.split_last() else {
            return **first == *text;
        };
        let Some(mut remaining) = text.strip_prefix(&**first).and_then(|text| text.strip_suffix(&**last)) else {
            return false;
        };
        for piece in middle {
            let Some((_, after)) = remaining.split_once(&**piece) else {
                return false;
            };
            remaining = after;
        }
        true
    }
}

impl NamePattern {
    /// Reads a principal pattern as a policy file writes it.
    ///
    /// # Errors
    ///
    /// Says what can't stand in a pattern.
    pub fn parse(written: &str) -> Result<Self, PatternError> {
        if written.is_empty() {
            return Err(PatternError::Empty);
        }
        if written.len() > MAX_PATH_BYTES {
            return Err(PatternError::TooLong);
        }
        refuse_special(written)?;
        refuse_unnameable(written)?;
        Ok(Self { written: written.into(), wildcard: Wildcard::new(written) })
    }

    /// The pattern as it's written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The whole name if there's no `*` in it.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        (!self.written.contains('*')).then_some(&*self.written)
    }

    /// Whether a principal's name matches; names are compared as bytes, with regard to case.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.wildcard.matches(name)
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.written, f)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Debug for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.written, f)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::super::SecretPath;
    use super::*;

    fn covers(pattern: &str, path: &str) -> bool {
        PathPattern::parse(pattern).unwrap().covers(SecretPath::parse(path).unwrap().matching())
    }

    #[test]
    fn a_pattern_covers_what_lies_below_it() {
        for pattern in ["Staging", "Staging/*", "Staging/**", "**", "staging/stripe", "*/*/credential", "**/credential"]
        {
            assert!(covers(pattern, "Staging/Stripe/credential"), "{pattern}");
        }
        for pattern in
            ["Staging/Stripe/credential/**/x", "Stag", "*/credential", "Staging/Stripe/cred", "Staging/*/*/*"]
        {
            assert!(!covers(pattern, "Staging/Stripe/credential"), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_reaches_into_an_item_if_it_could_cover_a_field() {
        let reaches = |pattern: &str| PathPattern::parse(pattern).unwrap().reaches_into("staging/stripe");
        for pattern in ["Staging", "Staging/**", "**/token", "staging/*/token", "*/Stripe/API/token", "Staging/Stripe"]
        {
            assert!(reaches(pattern), "{pattern}");
        }
        for pattern in ["Stag", "Staging/Str", "Production/**", "*/Strip/**", "Stripe/**"] {
            assert!(!reaches(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_names_a_field_of_an_item_it_names() {
        let names = |pattern: &str| PathPattern::parse(pattern).unwrap().names_below("staging/stripe");
        assert!(names("Staging/Stripe/token") && names("staging/stripe/**"));
        for pattern in ["Staging/Stripe", "Staging/*/token", "**/token", "Staging/Other/token", "Staging"] {
            assert!(!names(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_star_stays_inside_its_segment_and_its_name() {
        assert!(covers("P/stripe-*/x", "P/stripe-live/x"));
        assert!(!covers("P/*e/x", "P/Stripe/live/x"));
        assert!(covers("P/*F/x", "P/abcf/x"));
        assert!(!covers("P/*F/x", "P/a%2F/x"), "the escape isn't part of the name");
        assert!(covers("P/a%2F*/x", "P/a%2Fb/x"));
        assert!(covers("P/*ab*b/x", "P/aabb/x") && !covers("P/ab*ba/x", "P/aba/x"));
    }

    #[test]
    fn refuses_other_glob_languages() {
        for bad in ["", "a//b", "/a", "a?", "[a]", "{a,b}", "a\\b", "a**", "**b/c", "***", "a/../b", "%41", "a\n"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["*", "**/**", "a*b*c", "Ünïcode/*"] {
            assert!(PathPattern::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn principals_are_compared_exactly() {
        let ci = NamePattern::parse("ci-*").unwrap();
        assert!(ci.matches("ci-deploy") && !ci.matches("CI-deploy") && !ci.matches("xci-"));
        assert!(NamePattern::parse("*").unwrap().matches("anyone"));
    }
}
