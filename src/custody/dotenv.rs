//! Reading `.env` files.
//!
//! `KEY=value`, `export KEY=value`, `#` comments, single quotes (verbatim), double quotes (with
//! `\n \r \t \\ \" \$`), both over several lines. Nothing is expanded here: where that's wanted, as in
//! what a person's command gets, [`Template`](super::Template) does it.

use std::iter::Peekable;
use std::str::CharIndices;

use super::value::SecretValue;
use crate::model::Reference;

/// One variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: SecretValue,
    /// The line it begins on, counted from 1.
    pub line: usize,
    /// How it's written.
    pub(super) quotes: Quotes,
}

/// How a value is written, which decides what a `$` in it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Quotes {
    /// Without quotes.
    None,
    /// `'…'`
    Single,
    /// `"…"`, with `\$` at these places of the value.
    Double(Vec<usize>),
}

/// Why a text isn't a `.env` file; the line counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DotenvError {
    /// Neither blank, nor a comment, nor `KEY=value`.
    #[error("line {0}: expected `KEY=value`")]
    NotAVariable(usize),
    /// A quote that isn't closed.
    #[error("line {0}: the quote that opens here is never closed")]
    OpenQuote(usize),
    /// Text after a closing quote.
    #[error("line {0}: only a comment can follow the closing quote")]
    AfterQuote(usize),
}

impl Variable {
    /// The reference that's its whole value, with or without `{{ }}` around it. A template's own
    /// variables (`$NAME`) aren't expanded, so there's none with one in it.
    #[must_use]
    pub fn reference(&self) -> Option<Reference> {
        let text = str::from_utf8(self.value.plaintext()).ok()?.trim();
        let text = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).map_or(text, str::trim);
        let is_one = text.starts_with("op://") && !text.contains(['$', '{', '}']);
        is_one.then(|| Reference::parse(text).ok()).flatten()
    }
}

/// Whether a text can name an environment variable.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Reads all variables, in order; a later one of the same name replaces an earlier one.
///
/// # Errors
///
/// The first line that isn't one of a `.env` file. No part of the text is in the error.
pub fn parse(text: &str) -> Result<Vec<Variable>, DotenvError> {
    let mut variables: Vec<Variable> = Vec::new();
    for variable in parse_each(text)? {
        variables.retain(|known| known.key != variable.key);
        variables.push(variable);
    }
    Ok(variables)
}

/// Reads all variables, in order, each as often as it's there.
///
/// # Errors
///
/// As for [`parse`].
pub fn parse_each(text: &str) -> Result<Vec<Variable>, DotenvError> {
    let mut reader = Reader { text, chars: text.char_indices().peekable(), line: 1 };
    let mut variables = Vec::new();
    while reader.chars.peek().is_some() {
        variables.extend(reader.line()?);
    }
    Ok(variables)
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn line(&mut self) -> Result<Option<Variable>, DotenvError> {
        self.skip_blanks();
        match self.peek() {
            None => return Ok(None),
            Some('\n' | '\r' | '#') => {
                self.rest_of_line();
                return Ok(None);
            }
            Some(_) => {}
        }
        let started = self.line;
        let mut key = self.take_while(|c| !matches!(c, '=' | '\n' | '\r')).trim();
        if let Some(rest) = key.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])) {
            key = rest.trim_start();
        }
        if !is_key(key) || self.chars.next_if(|(_, c)| *c == '=').is_none() {
            return Err(DotenvError::NotAVariable(started));
        }
        let key = key.to_owned();
        self.skip_blanks();
        let (value, quotes) = match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => (self.bare(), Quotes::None),
        };
        Ok(Some(Variable { key, value: SecretValue::new(value), line: started, quotes }))
    }

    fn bare(&mut self) -> String {
        let rest = self.rest_of_line();
        // A `#` begins a comment only after a blank, so that it can be part of a value.
        let end = rest
            .char_indices()
            .zip(std::iter::once(' ').chain(rest.chars()))
            .find(|((_, c), before)| *c == '#' && before.is_whitespace())
            .map_or(rest.len(), |((index, _), _)| index);
        rest.get(..end).unwrap_or(rest).trim_end().to_owned()
    }

    fn quoted(&mut self, quote: char) -> Result<(String, Quotes), DotenvError> {
        let mut dollars = Vec::new();
        let opened = self.line;
        self.next();
        // Sized once: a growing string would leave pieces of the value behind.
        let mut value = String::with_capacity(self.remaining().len());
        loop {
            match self.next() {
                None => return Err(DotenvError::OpenQuote(opened)),
                Some(c) if c == quote => break,
                Some('\\') if quote == '"' => match self.next() {
                    None => return Err(DotenvError::OpenQuote(opened)),
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some('$') => {
                        dollars.push(value.len());
                        value.push('$');
                    }
                    Some(c @ ('"' | '\\' | '\'')) => value.push(c),
                    Some(c) => value.extend(['\\', c]),
                },
                Some(c) => value.push(c),
            }
        }
        let closed = self.line;
        let after = self.rest_of_line().trim_start();
        let quotes = if quote == '"' { Quotes::Double(dollars) } else { Quotes::Single };
        if after.is_empty() || after.starts_with('#') {
            Ok((value, quotes))
        } else {
            Err(DotenvError::AfterQuote(closed))
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        let (_, c) = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn remaining(&mut self) -> &'a str {
        let start = self.chars.peek().map_or(self.text.len(), |(index, _)| *index);
        self.text.get(start..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        while self.chars.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\u{feff}')).is_some() {}
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.remaining();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        while self.chars.next_if(|(_, c)| wanted(*c)).is_some() {}
        rest.get(..length).unwrap_or_default()
    }

    /// Up to the end of the line, which is consumed too.
    fn rest_of_line(&mut self) -> &'a str {
        let rest = self.take_while(|c| c != '\n');
        self.next();
        rest.strip_suffix('\r').unwrap_or(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, DotenvError> {
        Ok(parse(text)?
            .into_iter()
            .map(|v| (v.key, String::from_utf8(v.value.plaintext().to_vec()).unwrap()))
            .collect())
    }

    fn one(text: &str) -> String {
        read(text).unwrap().remove(0).1
    }

    #[test]
    fn reads_what_people_write() {
        let text = "# a comment\n\nexport A=1\r\nB = two words  # said\n C='it\\n#' # x\nD=\"a\\n\\\"b\\\" \\$X $HOME\"\nE=\nF=a#b\n";
        let expected =
            [("A", "1"), ("B", "two words"), ("C", "it\\n#"), ("D", "a\n\"b\" $X $HOME"), ("E", ""), ("F", "a#b")];
        assert_eq!(read(text).unwrap(), expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn keeps_quoted_lines_together() {
        assert_eq!(one("KEY=\"-----BEGIN\nabc\n-----END\n\"\nX=1"), "-----BEGIN\nabc\n-----END\n");
        assert_eq!(one("KEY='a\nb'"), "a\nb");
        assert_eq!(one("export  KEY=v"), "v");
    }

    #[test]
    fn the_last_of_one_name_counts() {
        assert_eq!(read("A=1\nB=2\nA=3").unwrap(), [("B".into(), "2".into()), ("A".into(), "3".into())]);
    }

    #[test]
    fn says_which_line_is_wrong() {
        assert_eq!(read("A=1\nwhat?\n"), Err(DotenvError::NotAVariable(2)));
        assert_eq!(read("A=1\n\nB=\"x\ny"), Err(DotenvError::OpenQuote(3)));
        assert_eq!(read("A=\"x\" y"), Err(DotenvError::AfterQuote(1)));
        assert_eq!(read("1A=x"), Err(DotenvError::NotAVariable(1)));
        assert_eq!(read("exportA B=x"), Err(DotenvError::NotAVariable(1)));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[A \\\\\"'#=\n\r$é]{0,40}") {
            let _ = read(&text);
        }

        #[test]
        fn single_quotes_keep_everything(value in "[^']{0,40}") {
            prop_assert_eq!(one(&format!("K='{value}'")), value);
        }
    }
}
