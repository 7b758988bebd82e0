//! An item's fields, as far as they're known.

use super::item::Field;

/// The fields of an item: those it has, or those an item of its category usually has.
///
/// 1Password's lists carry no fields, so an item that was only listed has none that may be shown. A
/// policy still has to decide about it, and does so on those it most likely has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// The fields it has, in its source's order.
    Known(Vec<Field>),
    /// The fields it may have: nobody has looked.
    Supposed(Vec<Field>),
}

impl Fields {
    /// Whether the item was looked at.
    #[must_use]
    pub fn are_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// The fields it has; none as long as they're only supposed.
    #[must_use]
    pub fn known(&self) -> &[Field] {
        match self {
            Self::Known(fields) => fields,
            Self::Supposed(_) => &[],
        }
    }

    /// The fields a policy decides about, whether known or supposed.
    #[must_use]
    pub fn decided_on(&self) -> &[Field] {
        match self {
            Self::Known(fields) | Self::Supposed(fields) => fields,
        }
    }

    /// Others in their place, known as far as these are.
    #[must_use]
    pub fn with(&self, fields: Vec<Field>) -> Self {
        match self {
            Self::Known(_) => Self::Known(fields),
            Self::Supposed(_) => Self::Supposed(fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FieldId, FieldType, Name, SecretPath};

    #[test]
    fn what_is_only_supposed_is_decided_on_and_never_shown() {
        let field = Field {
            id: FieldId::new("password"),
            name: Name::new("password").unwrap(),
            section: None,
            section_id: None,
            kind: FieldType::Concealed,
            purpose: None,
            path: SecretPath::parse("Vault/Item/password").unwrap(),
            title_path: None,
        };
        let supposed = Fields::Supposed(vec![field.clone()]);
        assert_eq!((supposed.known(), supposed.decided_on().len(), supposed.are_known()), (&[][..], 1, false));
        let known = Fields::Known(vec![field]);
        assert_eq!((known.known(), known.are_known()), (known.decided_on(), true));
        assert!(!supposed.with(Vec::new()).are_known() && known.with(Vec::new()).are_known());
    }
}
