//! Arguments with parameters in them: `--file={file}`.

use super::command::Part;

/// The longest name of a parameter.
const LONGEST_NAME: usize = 64;

/// Why a text can't be an argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("an argument can't hold control or invisible characters")]
    Character,
    #[error("`{{` isn't closed: a parameter is written {{name}}, and a brace itself as {{{{")]
    Open,
    #[error("`}}` closes nothing: a brace itself is written }}}}")]
    Close,
    #[error("`{{{0}}}` isn't a parameter: its name has letters, digits, `_` or `-`; a brace itself is written {{{{")]
    Name(String),
}

/// Whether a text can be the name of a parameter.
pub(super) fn is_name(text: &str) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.len() <= LONGEST_NAME && text.bytes().all(part)
}

/// Reads an argument. Neighbouring texts are one part, and none is empty.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, TemplateError> {
    if text.chars().any(|c| c != '\\' && crate::model::is_refused(c)) {
        return Err(TemplateError::Character);
    }
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        if let Some(after) = brace.strip_prefix("{{") {
            plain.push('{');
            rest = after;
        } else if let Some(after) = brace.strip_prefix("}}") {
            plain.push('}');
            rest = after;
        } else if let Some(after) = brace.strip_prefix('{') {
            let (name, after) = after.split_once('}').ok_or(TemplateError::Open)?;
            if !is_name(name) {
                return Err(TemplateError::Name(name.to_owned()));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Parameter(name.to_owned()));
            rest = after;
        } else {
            return Err(TemplateError::Close);
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// An argument as it's written.
pub(super) fn written(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Part::Parameter(name) => format!("{{{name}}}"),
    };
    parts.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn braces_stand_for_parameters_or_for_themselves() {
        let text = |text: &str| Part::Text(text.to_owned());
        let parameter = |name: &str| Part::Parameter(name.to_owned());
        for (written, parts) in [
            ("-X", vec![text("-X")]),
            ("", vec![text("")]),
            ("{file}", vec![parameter("file")]),
            ("--f={file}.sql", vec![text("--f="), parameter("file"), text(".sql")]),
            ("{a}{b}", vec![parameter("a"), parameter("b")]),
            ("{{{a}}}", vec![text("{"), parameter("a"), text("}")]),
            ("{{\"x\": 1}}", vec![text("{\"x\": 1}")]),
            ("a\\b", vec![text("a\\b")]),
        ] {
            assert_eq!(parse(written), Ok(parts), "{written}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for (written, error) in [
            ("{", TemplateError::Open),
            ("{a", TemplateError::Open),
            ("}", TemplateError::Close),
            ("a}b", TemplateError::Close),
            ("{}", TemplateError::Name(String::new())),
            ("{a b}", TemplateError::Name("a b".to_owned())),
            ("{-a}", TemplateError::Name("-a".to_owned())),
            ("{a{b}}", TemplateError::Name("a{b".to_owned())),
            ("a\0", TemplateError::Character),
            ("a\nb", TemplateError::Character),
            ("\u{202e}", TemplateError::Character),
        ] {
            assert_eq!(parse(written), Err(error), "{written:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same_way(text in "[a{}\\-]{0,12}") {
            if let Ok(parts) = parse(&text) {
                prop_assert_eq!(written(&parts), text);
            }
        }
    }
}
