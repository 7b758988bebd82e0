//! Canonical paths: how a secret and an item are named inside opward.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use super::name::{Name, NameError};

/// The longest path, in bytes of its written form.
pub const MAX_PATH_BYTES: usize = 512;

/// The canonical path of one secret: `Vault/Item/field` or `Vault/Item/Section/field`.
///
/// It can only be parsed or be put together from [`Name`]s, so a value of this type is well formed
/// everywhere. Cloning is cheap; order and equality are those of the written text.
#[derive(Clone)]
pub struct SecretPath(Arc<Inner>);

/// The canonical path of one item: `Vault/Item`.
#[derive(Clone)]
pub struct ItemPath(Arc<Inner>);

struct Inner {
    text: Box<str>,
    matching: Box<str>,
}

/// Why a text isn't a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// Longer than [`MAX_PATH_BYTES`].
    #[error("a path has at most {MAX_PATH_BYTES} bytes; this one has {0}")]
    TooLong(usize),
    /// The wrong number of segments.
    #[error("a path is `Vault/Item`, `Vault/Item/field` or `Vault/Item/Section/field`; this has {0} segment(s)")]
    Segments(usize),
    /// One segment isn't a name; the number counts from 1.
    #[error("segment {0} of the path: {1}")]
    Segment(usize, NameError),
    /// An attribute other than the one-time code.
    #[error("the only attribute is `?attribute=otp` (or `?attr=otp`)")]
    Attribute,
    /// A key in another format than it's kept in.
    #[error("keys come in the format they're kept in: leave out `?ssh-format=`")]
    SshFormat,
    /// A query on a path that names an item.
    #[error("`?attribute=otp` needs a path that names a field")]
    AttributeOnItem,
}

impl Inner {
    fn from_names(names: &[&Name]) -> Result<Arc<Self>, PathError> {
        let text = names.iter().map(|n| n.escaped()).collect::<Vec<_>>().join("/");
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong(text.len()));
        }
        let matching = names.iter().map(|n| n.matching()).collect::<Vec<_>>().join("/");
        Ok(Arc::new(Self { text: text.into(), matching: matching.into() }))
    }
}

/// Splits a written path into names.
pub(crate) fn split(text: &str) -> Result<Vec<Name>, PathError> {
    if text.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong(text.len()));
    }
    text.split('/')
        .enumerate()
        .map(|(index, segment)| Name::unescape(segment).map_err(|error| PathError::Segment(index + 1, error)))
        .collect()
}

fn names(text: &str) -> impl Iterator<Item = Name> + '_ {
    // A path's text was made from names, so each segment decodes to one again; were that ever
    // untrue, the segment would be left out and the caller would see a shorter path.
    text.split('/').filter_map(|segment| Name::unescape(segment).ok())
}

impl SecretPath {
    /// Reads a canonical path of three or four segments.
    ///
    /// # Errors
    ///
    /// Says what's wrong and in which segment.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let names = split(text)?;
        let names: Vec<&Name> = names.iter().collect();
        match names.len() {
            3 | 4 => Inner::from_names(&names).map(Self),
            other => Err(PathError::Segments(other)),
        }
    }

    /// The item this secret belongs to.
    #[must_use]
    pub fn item(&self) -> ItemPath {
        ItemPath(Arc::new(Inner { text: head(&self.0.text).into(), matching: head(&self.0.matching).into() }))
    }

    /// The path of the same section and field in another item.
    ///
    /// # Errors
    ///
    /// [`PathError::TooLong`] when the written form is too long.
    pub fn under(&self, item: &ItemPath) -> Result<Self, PathError> {
        match self.names().get(2..) {
            Some([section, field]) => item.field(Some(section), field),
            Some([field]) => item.field(None, field),
            _ => Err(PathError::Segments(2)),
        }
    }
}

/// The first two segments.
fn head(text: &str) -> &str {
    let end = text.match_indices('/').nth(1).map_or(text.len(), |(index, _)| index);
    text.get(..end).unwrap_or(text)
}

impl ItemPath {
    /// Puts an item's path together.
    ///
    /// # Errors
    ///
    /// [`PathError::TooLong`] when the written form is too long.
    pub fn new(vault: &Name, item: &Name) -> Result<Self, PathError> {
        Inner::from_names(&[vault, item]).map(Self)
    }

    /// Reads a path of two segments.
    ///
    /// # Errors
    ///
    /// Says what's wrong and in which segment.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        match split(text)?.as_slice() {
            [vault, item] => Self::new(vault, item),
            other => Err(PathError::Segments(other.len())),
        }
    }

    /// The path of one of the item's fields.
    ///
    /// # Errors
    ///
    /// [`PathError::TooLong`] when the written form is too long.
    pub fn field(&self, section: Option<&Name>, field: &Name) -> Result<SecretPath, PathError> {
        let mut text = self.0.text.to_string();
        let mut matching = self.0.matching.to_string();
        for name in section.into_iter().chain([field]) {
            text.push('/');
            text.push_str(&name.escaped());
            matching.push('/');
            matching.push_str(&name.matching());
        }
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong(text.len()));
        }
        Ok(SecretPath(Arc::new(Inner { text: text.into(), matching: matching.into() })))
    }
}

macro_rules! text_semantics {
    ($type:ident) => {
        impl $type {
            /// The path as it's written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0.text
            }

            /// The `op://` reference to the same thing.
            #[must_use]
            pub fn reference(&self) -> String {
                format!("op://{}", self.0.text)
            }

            /// The form patterns are matched against: segments joined by `/`, without regard to
            /// case, a `/` inside a name replaced by a character no name can hold.
            #[must_use]
            pub fn matching(&self) -> &str {
                &self.0.matching
            }

            /// The decoded names, from the vault down.
            #[must_use]
            pub fn names(&self) -> Vec<Name> {
                names(&self.0.text).collect()
            }
        }
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.0.text == other.0.text
            }
        }
        impl Eq for $type {}
        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.text.hash(state);
            }
        }
        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $type {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.text.cmp(&other.0.text)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0.text, f)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0.text)
            }
        }
        impl FromStr for $type {
            type Err = PathError;
            fn from_str(text: &str) -> Result<Self, PathError> {
                Self::parse(text)
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0.text)
            }
        }
    };
}

text_semantics!(SecretPath);
text_semantics!(ItemPath);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_fields_with_and_without_a_section() {
        let path = SecretPath::parse("Prod/Stripe/credential").unwrap();
        assert_eq!(path.item().as_str(), "Prod/Stripe");
        let other = ItemPath::parse("Staging/A%2FB").unwrap();
        assert_eq!(path.under(&other).unwrap().as_str(), "Staging/A%2FB/credential");
        assert_eq!(path.reference(), "op://Prod/Stripe/credential");
        let path = SecretPath::parse("Prod/A%2FB/Extra/key").unwrap();
        assert_eq!(path.item().names()[1].as_str(), "A/B");
        assert_eq!(path.matching().split('/').count(), 4);
    }

    #[test]
    fn refuses_what_is_not_canonical() {
        for bad in ["", "/", "a", "a/b", "a//c", "/a/b", "a/b/", "a/b/c/d/e", "a/./c", "a/../c", "a/b%2e/c", "a/b/c\n"]
        {
            assert!(SecretPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(SecretPath::parse(&format!("a/b/{}", "c".repeat(509))).is_err());
        assert!(SecretPath::parse(&format!("a/b/{}", "c".repeat(508))).is_ok());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_undoes_display(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(path) = SecretPath::parse(&text) {
                prop_assert_eq!(SecretPath::parse(path.as_str()).unwrap(), path);
            }
        }

        #[test]
        fn parse_after_display_is_the_identity(names in proptest::collection::vec("[a-bA%/é ?.]{1,4}", 3..=4)) {
            let names: Result<Vec<Name>, _> = names.iter().map(|n| Name::new(n)).collect();
            prop_assume!(names.is_ok());
            let names = names.unwrap();
            let item = ItemPath::new(&names[0], &names[1]).unwrap();
            let section = (names.len() == 4).then(|| &names[2]);
            let path = item.field(section, names.last().unwrap()).unwrap();
            let again = SecretPath::parse(&path.to_string()).unwrap();
            prop_assert_eq!(&again, &path);
            prop_assert_eq!(again.matching(), path.matching());
            prop_assert_eq!(again.names(), names);
            prop_assert_eq!(again.item(), item);
        }
    }
}
