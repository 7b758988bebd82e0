//! Reads a TOML document key by key and notes every mistake instead of stopping at the first.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostics::Problems;

/// What's said about what belongs to a later version.
pub(crate) const NOT_YET: &str = "not supported by this version";

/// A value with its place in the file.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    /// The value.
    pub(crate) value: T,
    /// Its bytes in the file.
    pub(crate) span: Range<usize>,
}

/// One table of the document: the keys it may have are named when it's opened, all others are noted.
pub(crate) struct Section<'d, 'i> {
    name: &'static str,
    table: &'d DeTable<'i>,
    span: Range<usize>,
}

/// Parses a document; what isn't TOML is noted.
///
/// Keys given twice leave a usable document behind, so reading goes on and finds the other mistakes
/// too. After any other syntax error the rest would only be guesses.
pub(crate) fn document<'i>(text: &'i str, problems: &mut Problems) -> Option<Spanned<DeTable<'i>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut usable = true;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        if error.message().starts_with("duplicate key") {
            problems.add(span, "this key is given twice", "the second time");
        } else {
            problems.add(span, format!("not TOML: {}", error.message()), "here");
            usable = false;
        }
    }
    usable.then_some(document)
}

impl<'d, 'i> Section<'d, 'i> {
    /// Opens the document's top level.
    pub(crate) fn root(
        document: &'d Spanned<DeTable<'i>>,
        name: &'static str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Self {
        Self::open(document.get_ref(), 0..0, name, known, problems)
    }

    /// Opens a table; `name` is how errors call it.
    pub(crate) fn open(
        table: &'d DeTable<'i>,
        span: Range<usize>,
        name: &'static str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Self {
        Self::open_with_later(table, span, name, known, &[], problems)
    }

    /// Opens a table; `later` are the keys that later versions know and this one refuses.
    pub(crate) fn open_with_later(
        table: &'d DeTable<'i>,
        span: Range<usize>,
        name: &'static str,
        known: &[&str],
        later: &[&str],
        problems: &mut Problems,
    ) -> Self {
        for key in table.keys().filter(|key| !known.contains(&&**key.get_ref())) {
            if later.contains(&&**key.get_ref()) {
                problems.add(key.span(), format!("`{}` is {NOT_YET}", key.get_ref()), "for later");
                continue;
            }
            let help = Some(suggestion(key.get_ref(), known.iter().copied()).map_or_else(
                || format!("{name} has the keys {}", list(known)),
                |meant| format!("did you mean `{meant}`?"),
            ));
            problems.add_with_help(key.span(), format!("unknown key `{}` in {name}", key.get_ref()), "not known", help);
        }
        Self { name, table, span }
    }

    /// The table's place.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The place of a key, where it stands in the table.
    pub(crate) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).map(|(key, _)| key.span())
    }

    /// A value of any kind.
    pub(crate) fn value(&self, key: &str) -> Option<&'d Spanned<DeValue<'i>>> {
        self.table.get(key)
    }

    /// Every key with its value, in alphabetical order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Placed<&'d str>, &'d Spanned<DeValue<'i>>)> {
        self.table.iter().map(|(key, value)| (Placed { value: &**key.get_ref(), span: key.span() }, value))
    }

    /// Notes that a key is missing.
    pub(crate) fn missing(&self, key: &str, help: &str, problems: &mut Problems) {
        let message = format!("{} lacks `{key}`", self.name);
        problems.add_with_help(self.span(), message, "here", Some(help.to_owned()));
    }

    /// A text.
    pub(crate) fn string(&self, key: &str, problems: &mut Problems) -> Option<Placed<&'d str>> {
        let value = self.value(key)?;
        as_string(value, key, problems)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, key: &str, problems: &mut Problems) -> Option<Placed<bool>> {
        let value = self.value(key)?;
        match value.get_ref().as_bool() {
            Some(boolean) => Some(Placed { value: boolean, span: value.span() }),
            None => wrong(value, key, "`true` or `false`", problems),
        }
    }

    /// A whole number from 0 up.
    pub(crate) fn integer(&self, key: &str, problems: &mut Problems) -> Option<Placed<u64>> {
        let value = self.value(key)?;
        let parsed = value.get_ref().as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        match parsed {
            Some(number) => Some(Placed { value: number, span: value.span() }),
            None => wrong(value, key, "a whole number from 0 up", problems),
        }
    }

    /// A list of texts with at least one in it.
    pub(crate) fn strings(&self, key: &str, problems: &mut Problems) -> Option<Placed<Vec<Placed<&'d str>>>> {
        let value = self.value(key)?;
        let Some(array) = value.get_ref().as_array() else {
            return wrong(value, key, "a list of texts, such as [\"…\"]", problems);
        };
        if array.is_empty() {
            let help = "leave the key out, or name at least one";
            problems.add_with_help(value.span(), format!("`{key}` is empty"), "nothing in it", Some(help.to_owned()));
            return None;
        }
        let texts: Vec<_> = array.iter().filter_map(|value| as_string(value, key, problems)).collect();
        Some(Placed { value: texts, span: value.span() })
    }

    /// A table inside this one.
    pub(crate) fn table(
        &self,
        key: &str,
        name: &'static str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Option<Section<'d, 'i>> {
        let (key_place, value) = self.table.get_key_value(key)?;
        match value.get_ref().as_table() {
            // The span of a table made by dotted keys is that of its first key; the key is what people see.
            Some(table) => Some(Section::open(table, key_place.span(), name, known, problems)),
            None => wrong(value, key, "a table", problems),
        }
    }

    /// A table inside this one whose keys are the author's own; it has at least one.
    pub(crate) fn free_table(&self, key: &str, problems: &mut Problems) -> Option<Section<'d, 'i>> {
        let (key_place, value) = self.table.get_key_value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            return wrong(value, key, "a table", problems);
        };
        if table.is_empty() {
            let help = "leave the key out, or name at least one".to_owned();
            problems.add_with_help(key_place.span(), format!("`{key}` is empty"), "nothing in it", Some(help));
        }
        Some(Section { name: "a table", table, span: key_place.span() })
    }

    /// A list of tables, `[[key]]`.
    pub(crate) fn tables(&self, key: &str, problems: &mut Problems) -> Vec<Placed<&'d DeTable<'i>>> {
        self.tables_headed(key, key, problems)
    }

    /// A list of tables; `head` is how it's written where it stands inside another one.
    pub(crate) fn tables_headed(&self, key: &str, head: &str, problems: &mut Problems) -> Vec<Placed<&'d DeTable<'i>>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            wrong::<()>(value, key, &format!("a list of tables; write [[{head}]]"), problems);
            return Vec::new();
        };
        if array.is_empty() {
            let help = format!("leave the key out, or write [[{head}]]");
            problems.add_with_help(value.span(), format!("`{key}` is empty"), "nothing in it", Some(help));
        }
        let mut tables = Vec::with_capacity(array.len());
        for element in array {
            match element.get_ref().as_table() {
                Some(table) => tables.push(Placed { value: table, span: element.span() }),
                None => {
                    wrong::<()>(element, key, &format!("a table; write [[{head}]]"), problems);
                }
            }
        }
        tables
    }
}

/// A text where one is expected.
pub(crate) fn as_string<'d>(
    value: &'d Spanned<DeValue<'_>>,
    key: &str,
    problems: &mut Problems,
) -> Option<Placed<&'d str>> {
    match value.get_ref().as_str() {
        Some(text) => Some(Placed { value: text, span: value.span() }),
        None => wrong(value, key, "a text in quotes", problems),
    }
}

/// Notes that a value is of another kind than its key needs.
pub(crate) fn wrong<T>(value: &Spanned<DeValue<'_>>, key: &str, expected: &str, problems: &mut Problems) -> Option<T> {
    let found = format!("this is {}", kind(value.get_ref()));
    problems.add(value.span(), format!("`{key}` must be {expected}"), found);
    None
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known word nearest to what was written, if one is near.
pub(crate) fn suggestion<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = written.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= word.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// What to say about a word that isn't one of a closed set.
pub(crate) fn meant(written: &str, known: &[&str]) -> String {
    suggestion(written, known.iter().copied())
        .map_or_else(|| format!("one of {}", list(known)), |word| format!("did you mean `{word}`?"))
}

/// Words for a sentence: `a`, `b` and `c`.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
