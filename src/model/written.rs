//! A path before it's known whether it leaves its vault out, and the vault that's then meant.

use super::name::{Name, NameError};
use super::path::{self, MAX_PATH_BYTES, PathError};
use super::reference::{Attribute, FieldSelector, Reference, split_attribute};

/// A path as a caller wrote it.
///
/// A plain path of two segments may be `Vault/Item` or, where the connection has a default vault,
/// `Item/field` in that. Every other path says its vault: three and four segments, and whatever
/// begins with `op://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// It can mean one thing only.
    Whole(Reference),
    /// Two segments, and what's asked about the second.
    Short(Name, Name, Option<Attribute>),
}

/// The vault that a path means which leaves its vault out: by name or id, as the caller wrote it.
///
/// It's a default and no authority: it changes what a path means, never who may have what that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultVault(Name);

/// Why a text can't name a default vault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefaultVaultError {
    /// It isn't UTF-8.
    #[error("a vault's name is UTF-8; its 26-character id works everywhere")]
    NotUtf8,
    /// Longer than any path.
    #[error("a vault's name has at most {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// A path, where a name belongs.
    #[error("this names one vault, so a `/` in its name is written `%2F`")]
    Slash,
    /// It isn't a name.
    #[error("the vault: {0}")]
    Name(#[from] NameError),
}

impl Written {
    /// Reads a path or an `op://` reference.
    ///
    /// # Errors
    ///
    /// Says what's wrong and in which segment.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (text, plain) = text.strip_prefix("op://").map_or((text, true), |text| (text, false));
        let (path, attribute) = split_attribute(text)?;
        let names = path::split(path)?;
        match <[Name; 2]>::try_from(names) {
            Ok([first, second]) if plain => Ok(Self(Form::Short(first, second, attribute))),
            Ok(names) => Reference::of_names(names.into(), attribute).map(|reference| Self(Form::Whole(reference))),
            Err(names) => Reference::of_names(names, attribute).map(|reference| Self(Form::Whole(reference))),
        }
    }

    /// Whether it may leave its vault out.
    #[must_use]
    pub fn may_be_short(&self) -> bool {
        matches!(self.0, Form::Short(..))
    }

    /// What it means if it says its vault.
    ///
    /// # Errors
    ///
    /// When it asks for a one-time code and names no field.
    pub fn whole(self) -> Result<Reference, PathError> {
        match self.0 {
            Form::Whole(reference) => Ok(reference),
            Form::Short(vault, item, attribute) => Reference::of_names(vec![vault, item], attribute),
        }
    }

    /// What it means if it leaves its vault out: the field of an item in `vault`.
    ///
    /// # Errors
    ///
    /// When the path gets too long.
    pub fn within(self, vault: &DefaultVault) -> Result<Reference, PathError> {
        match self.0 {
            Form::Whole(reference) => Ok(reference),
            Form::Short(item, field, attribute) => {
                let DefaultVault(vault) = vault.clone();
                let bytes = [&vault, &item, &field].map(|name| name.escaped().len()).iter().sum::<usize>() + 2;
                if bytes > MAX_PATH_BYTES {
                    return Err(PathError::TooLong(bytes));
                }
                Ok(Reference { vault, item, field: FieldSelector::Field(field), attribute })
            }
        }
    }
}

impl DefaultVault {
    /// Reads the value of an `X-Vault-ID` header: a vault's name as a path writes it, or its id.
    ///
    /// # Errors
    ///
    /// Says which rule of the path syntax it breaks. Nothing is repaired.
    pub fn parse(value: &[u8]) -> Result<Self, DefaultVaultError> {
        if value.len() > MAX_PATH_BYTES {
            return Err(DefaultVaultError::TooLong);
        }
        let text = std::str::from_utf8(value).map_err(|_| DefaultVaultError::NotUtf8)?;
        if text.contains('/') {
            return Err(DefaultVaultError::Slash);
        }
        Ok(Self(Name::unescape(text)?))
    }

    /// The name or id.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vault(text: &str) -> DefaultVault {
        DefaultVault::parse(text.as_bytes()).unwrap()
    }

    fn within(text: &str) -> String {
        Written::parse(text).unwrap().within(&vault("Prod")).map_or_else(|why| why.to_string(), |r| r.to_string())
    }

    #[test]
    fn only_a_plain_path_of_two_segments_can_leave_its_vault_out() {
        for (written, meant) in [
            ("A/B", "Prod/A/B"),
            ("A/B?attribute=otp", "Prod/A/B?attribute=otp"),
            ("A%2FB/C", "Prod/A%2FB/C"),
            ("op://A/B", "A/B"),
            ("A/B/C", "A/B/C"),
            ("A/B/C/D?attr=otp", "A/B/C/D?attribute=otp"),
            ("op://A/B/C", "A/B/C"),
        ] {
            assert_eq!(within(written), meant);
        }
        for bad in ["", "A", "op://A", "A/", "/A", "A/B/C/D/E", "A?attribute=otp", "op://A/B?attribute=otp"] {
            assert!(Written::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_vault_does_not_make_a_path_longer_than_paths_are() {
        let written = format!("{}/{}", "a".repeat(254), "b".repeat(254));
        assert!(Written::parse(&written).unwrap().within(&vault("Pr")).is_ok());
        assert_eq!(Written::parse(&written).unwrap().within(&vault("Prod")), Err(PathError::TooLong(514)));
    }

    #[test]
    fn a_header_is_one_canonical_name() {
        assert_eq!(vault("A%2FB").name().as_str(), "A/B");
        assert_eq!(vault("Größe").name().as_str(), "Größe");
        for bad in ["", ".", "..", "A/B", "A\\B", "A\tB", "%2e", "50%", "e\u{301}", "a\u{202e}b", "x?attribute=otp"] {
            assert!(DefaultVault::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(DefaultVault::parse(b"a\xff"), Err(DefaultVaultError::NotUtf8));
        assert_eq!(DefaultVault::parse(&[b'a'; MAX_PATH_BYTES + 1]), Err(DefaultVaultError::TooLong));
    }

    proptest! {
        #[test]
        fn without_a_default_it_means_what_it_always_meant(text in "(op://)?[aB%25F/é?.]{0,16}(\\?attr=otp)?") {
            prop_assert_eq!(Written::parse(&text).and_then(Written::whole), Reference::parse(&text));
        }

        #[test]
        fn a_default_touches_nothing_that_says_its_vault(text in "(op://)?[ab]{1,2}(/[ab]{1,2}){0,4}(\\?attr=otp)?") {
            if let Ok(written) = Written::parse(&text) {
                let short = !text.starts_with("op://") && text.matches('/').count() == 1;
                prop_assert_eq!(written.may_be_short(), short);
                let within = written.clone().within(&vault("Prod")).unwrap();
                if short {
                    prop_assert_eq!(within, Reference::parse(&format!("Prod/{text}")).unwrap());
                } else {
                    prop_assert_eq!(within, Reference::parse(&text).unwrap());
                }
            }
        }

        #[test]
        fn reading_a_header_never_panics(value in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = DefaultVault::parse(&value);
        }
    }
}
