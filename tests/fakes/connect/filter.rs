//! The `filter` parameter: `attribute operator "value"`.

use crate::answer::{Refusal, invalid};
use crate::settings::{Escapes, Settings};

/// A condition on a text.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) attribute: String,
    contains: bool,
    value: String,
    case_sensitive: bool,
}

impl Filter {
    /// Reads a filter on some attributes. An empty one is none.
    pub(crate) fn parse(filter: &str, attributes: &[&str], settings: &Settings) -> Result<Option<Self>, Refusal> {
        if filter.is_empty() {
            return Ok(None);
        }
        Self::read(filter, attributes, settings).map(Some).ok_or_else(|| invalid("Invalid filter"))
    }

    fn read(filter: &str, attributes: &[&str], settings: &Settings) -> Option<Self> {
        let (attribute, rest) = filter.trim().split_once(' ')?;
        let (operator, value) = rest.trim_start().split_once(' ')?;
        if !attributes.contains(&attribute) {
            return None;
        }
        let contains = match operator {
            "eq" => false,
            "co" => true,
            _ => return None,
        };
        let value = unquote(value.trim_start(), settings.filter_escapes)?;
        let case_sensitive = settings.filter_case_sensitive;
        Some(Self { attribute: attribute.to_owned(), contains, value, case_sensitive })
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        let fold = |text: &str| if self.case_sensitive { text.to_owned() } else { text.to_lowercase() };
        let (text, value) = (fold(text), fold(&self.value));
        if self.contains { text.contains(&value) } else { text == value }
    }
}

/// The text between two quotation marks that enclose all of it.
fn unquote(quoted: &str, escapes: Escapes) -> Option<String> {
    match escapes {
        Escapes::Json => serde_json::from_str(quoted).ok(),
        Escapes::None => {
            let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
            (!text.contains('"')).then(|| text.to_owned())
        }
    }
}
