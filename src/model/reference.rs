//! What a caller writes to name a secret, an item or a part of the tree.

use std::fmt;
use std::str::FromStr;

use super::name::Name;
use super::path::{self, PathError, SecretPath};

/// A parsed path or `op://` reference, before the catalog has resolved it.
///
/// It's well formed, but its spelling is the caller's: names may differ in case from the stored
/// ones and 26-character ids may stand in for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// A vault's name or id.
    pub vault: Name,
    /// An item's title or id.
    pub item: Name,
    /// Which of the item's fields, if the text said.
    pub field: FieldSelector,
    /// What about the field is asked for, if not its value.
    pub attribute: Option<Attribute>,
}

/// The part of a reference after the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldSelector {
    /// Two segments: the item itself or, where one value is meant, its default field.
    Default,
    /// Three segments.
    Field(Name),
    /// Four segments: a section and a field in it.
    InSection(Name, Name),
}

/// What a query after the path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The current one-time code, never its seed.
    Otp,
}

impl Reference {
    /// Reads `Vault/Item[/Section][/field]`, with or without `op://` and `?attribute=otp`.
    ///
    /// # Errors
    ///
    /// Says what's wrong and in which segment.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (path, attribute) = split_attribute(text.strip_prefix("op://").unwrap_or(text))?;
        Self::of_names(path::split(path)?, attribute)
    }

    /// Two to four names, and what's asked about the last.
    pub(super) fn of_names(names: Vec<Name>, attribute: Option<Attribute>) -> Result<Self, PathError> {
        let count = names.len();
        let mut names = names.into_iter();
        let (Some(vault), Some(item), third, fourth, None) =
            (names.next(), names.next(), names.next(), names.next(), names.next())
        else {
            return Err(PathError::Segments(count));
        };
        let field = match (third, fourth) {
            (Some(section), Some(field)) => FieldSelector::InSection(section, field),
            (Some(field), None) => FieldSelector::Field(field),
            (None, _) if attribute.is_some() => return Err(PathError::AttributeOnItem),
            (None, _) => FieldSelector::Default,
        };
        Ok(Self { vault, item, field, attribute })
    }

    /// Whether it may mean the secret at a path, as far as that can be told without a catalog: an id may be anything's,
    /// and an item's default field any of its fields.
    #[must_use]
    pub fn may_mean(&self, path: &SecretPath) -> bool {
        let names = path.names();
        let same =
            |own: &Name, name: Option<&Name>| own.is_id() || name.is_some_and(|name| own.matching() == name.matching());
        let section = if names.len() == 4 { names.get(2) } else { None };
        same(&self.vault, names.first())
            && same(&self.item, names.get(1))
            && match &self.field {
                FieldSelector::Default => true,
                FieldSelector::Field(own) => same(own, names.last()),
                FieldSelector::InSection(own_section, own) => same(own, names.last()) && same(own_section, section),
            }
    }
}

pub(super) fn split_attribute(text: &str) -> Result<(&str, Option<Attribute>), PathError> {
    if text.contains("?ssh-format=") {
        return Err(PathError::SshFormat);
    }
    let found = ["?attribute=", "?attr="].into_iter().find_map(|marker| text.split_once(marker));
    match found {
        None => Ok((text, None)),
        Some((path, "otp" | "totp")) => Ok((path, Some(Attribute::Otp))),
        Some(_) => Err(PathError::Attribute),
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vault.escaped(), self.item.escaped())?;
        match &self.field {
            FieldSelector::Default => {}
            FieldSelector::Field(field) => write!(f, "/{}", field.escaped())?,
            FieldSelector::InSection(section, field) => write!(f, "/{}/{}", section.escaped(), field.escaped())?,
        }
        match self.attribute {
            None => Ok(()),
            Some(Attribute::Otp) => f.write_str("?attribute=otp"),
        }
    }
}

impl FromStr for Reference {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

/// The beginning of paths, to narrow a list: `Staging/` is everything in that vault, `Staging/Str`
/// everything there whose name begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPrefix(Box<str>);

impl PathPrefix {
    /// The beginning of every path.
    #[must_use]
    pub fn everything() -> Self {
        Self("".into())
    }

    /// Reads a prefix of one to four segments; the last may be incomplete or empty.
    ///
    /// # Errors
    ///
    /// Says what's wrong and in which segment.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let text = text.strip_prefix("op://").unwrap_or(text);
        let (whole, open) = text.strip_suffix('/').map_or((text, false), |whole| (whole, true));
        let names = path::split(whole)?;
        if names.len() > 4 {
            return Err(PathError::Segments(names.len()));
        }
        let mut matching = names.iter().map(Name::matching).collect::<Vec<_>>().join("/");
        if open {
            matching.push('/');
        }
        Ok(Self(matching.into()))
    }

    /// Whether a path in its matching form begins so.
    #[must_use]
    pub fn covers(&self, matching: &str) -> bool {
        matching.starts_with(&*self.0)
    }

    /// The prefix in the matching form.
    #[must_use]
    pub fn matching(&self) -> &str {
        &self.0
    }
}

/// Whether a text has the shape of an id: 26 lower-case letters and digits.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

impl Name {
    /// Whether this name has the shape of a 26-character id.
    #[must_use]
    pub fn is_id(&self) -> bool {
        is_id(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reference_and_a_path_are_the_same_thing() {
        let plain = Reference::parse("V/I/S/F").unwrap();
        assert_eq!(Reference::parse("op://V/I/S/F").unwrap(), plain);
        assert_eq!(plain.field, FieldSelector::InSection(Name::new("S").unwrap(), Name::new("F").unwrap()));
    }

    #[test]
    fn may_mean_what_it_names_and_what_its_ids_could() {
        let means = |reference: &str, path: &str| {
            Reference::parse(reference).unwrap().may_mean(&SecretPath::parse(path).unwrap())
        };
        for reference in
            ["prod/stripe", "op://Prod/Stripe/KEY", "Prod/abcdefghijklmnopqrstuvwxyz/key", "Prod/Stripe/key?attr=otp"]
        {
            assert!(means(reference, "Prod/Stripe/key") && means(reference, "Prod/Stripe/A/key"), "{reference}");
            assert!(!means(reference, "Staging/Stripe/key"), "{reference}");
        }
        assert!(means("Prod/Stripe/A/key", "Prod/Stripe/a/key") && !means("Prod/Stripe/A/key", "Prod/Stripe/key"));
        for other in ["Prod/Stripe/other", "Prod/Stripe/A/key", "Prod/Database", "Prod/Database/key"] {
            assert!(!means(other, "Prod/Stripe/B/key"), "{other}");
        }
    }

    #[test]
    fn asks_for_the_one_time_code() {
        for text in ["op://V/I/otp?attribute=otp", "V/I/otp?attr=otp"] {
            assert_eq!(Reference::parse(text).unwrap().attribute, Some(Attribute::Otp), "{text}");
        }
        assert_eq!(Reference::parse("V/I/otp?attribute=value"), Err(PathError::Attribute));
        assert_eq!(Reference::parse("V/I?attribute=otp"), Err(PathError::AttributeOnItem));
    }

    #[test]
    fn a_question_mark_is_part_of_a_name() {
        assert_eq!(Reference::parse("V/What now?/F").unwrap().item.as_str(), "What now?");
    }

    #[test]
    fn refuses_too_few_and_too_many_segments() {
        for bad in ["", "V", "op://V", "V/I/S/F/X", "op:///I/F", "op://op://V/I/F"] {
            assert!(Reference::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_ends_where_its_text_does() {
        let open = PathPrefix::parse("staging/").unwrap();
        assert!(open.covers("staging/stripe/credential") && !open.covers("staging2/x/y"));
        assert!(PathPrefix::parse("Staging/Str").unwrap().covers("staging/stripe/credential"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_undoes_display(text in "(op://)?[aB%25F/é?.]{0,16}(\\?attr=otp)?") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference);
            }
        }

        #[test]
        fn parsing_arbitrary_text_never_panics(text in any::<String>()) {
            let _ = Reference::parse(&text);
            let _ = PathPrefix::parse(&text);
        }
    }
}
