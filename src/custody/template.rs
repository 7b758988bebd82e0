//! Variables whose values are references, or texts with references in them.
//!
//! As 1Password documents `op run`: in a `.env` file, `$NAME` and `${NAME}` stand for variables of the environment and
//! for earlier ones of the file, but not in `'…'` and not as `\$`; `${NAME:-default}` has a default. Then a value that
//! begins with `op://` is one reference, and `{{ op://… }}` stands for a value in the middle of a text, any number of
//! times. Braces around anything but a reference are text, because other programs have templates, too.

use zeroize::Zeroizing;

use super::dotenv::{Quotes, Variable, is_key};
use super::release::Lease;
use super::value::SecretValue;
use crate::memory::Payload;
use crate::model::kind::Use;
use crate::model::{PathError, Reference};

/// What a variable will hold: texts and references, one after the other.
#[derive(Debug)]
pub struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// A text may be somebody's secret, written into the file in place of a reference.
    Text(SecretValue),
    Reference(Reference),
}

/// Why a value isn't a template. Nothing of the value is in it but a variable's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// No reference, though it begins like one.
    #[error("not a secret reference: {0}")]
    Reference(#[from] PathError),
    /// `{{` without `}}`.
    #[error("the `{{{{` before a reference is never closed with `}}}}`")]
    Open,
    /// `${` without `}`, or something else between them.
    #[error(
        "`${{` is followed by a variable's name and `}}`, or by NAME:-DEFAULT}}; a plain `$` is written `\\$`, or in '…'"
    )]
    Expansion,
    /// A variable inside a reference that has no value.
    #[error("the variable {0} inside the reference isn't set; ${{{0}:-DEFAULT}} gives it a default")]
    Unset(String),
    /// A variable in a text that has no value. It may be part of somebody's password, so it isn't named.
    #[error(
        "what follows a `$` in it is no variable that's set; ${{NAME:-DEFAULT}} gives one a default, and a plain `$` is written `\\$`, or in '…'"
    )]
    UnsetInText,
}

/// The text of a variable of a `.env` file, with the values of the variables in it.
#[derive(Debug)]
pub struct Expanded(SecretValue);

impl Expanded {
    /// Puts the values of variables in their places.
    ///
    /// # Errors
    ///
    /// A variable that isn't set, or none where one should be.
    pub fn of(variable: &Variable, variables: impl Fn(&str) -> Option<String>) -> Result<Self, TemplateError> {
        let text = str::from_utf8(variable.value.plaintext()).unwrap_or_default();
        let (kept, unescapes): (&[usize], _) = match &variable.quotes {
            Quotes::Single => return Ok(Self(SecretValue::new(text.to_owned()))),
            Quotes::Double(kept) => (kept, false),
            Quotes::None => (&[], true),
        };
        let is_reference = text.trim_start().starts_with("op://");
        let expanded = expanded(
            text,
            |at, done| {
                // A value without quotes still has its backslashes.
                kept.contains(&at) || unescapes && done.ends_with('\\') && done.pop().is_some()
            },
            &variables,
        );
        match expanded {
            Err(TemplateError::Unset(_)) if !is_reference => Err(TemplateError::UnsetInText),
            expanded => Ok(Self(SecretValue::new(expanded?))),
        }
    }

    /// The text, for variables that come later in the file. Whoever takes it wipes it.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(self.0.plaintext()).into_owned())
    }
}

impl Template {
    /// Reads the text of a variable of a `.env` file.
    ///
    /// # Errors
    ///
    /// What's wrong with the first reference that's no good.
    pub fn of(text: &Expanded) -> Result<Self, TemplateError> {
        Self::parse(str::from_utf8(text.0.plaintext()).unwrap_or_default())
    }

    /// Reads one reference, as a variable of the environment holds it.
    ///
    /// # Errors
    ///
    /// What's wrong with it.
    pub fn of_reference(text: &str, variables: impl Fn(&str) -> Option<String>) -> Result<Self, TemplateError> {
        let text = expanded(text.trim(), |_, _| false, &variables)?;
        Ok(Self(vec![Part::Reference(Reference::parse(&text)?)]))
    }

    /// The references in it, in their order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Reference(reference) => Some(reference),
        })
    }

    /// Puts values into the places of its references; `None` if one has none.
    #[must_use]
    pub fn fill<'a>(&self, lease: impl Fn(&Reference) -> Option<&'a Lease<Use>>) -> Option<Payload> {
        let pieces = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.plaintext()),
            Part::Reference(reference) => lease(reference).map(Lease::plaintext),
        });
        let pieces = pieces.collect::<Option<Vec<&[u8]>>>()?;
        // Sized once: a buffer that grows leaves pieces of values behind.
        let mut filled = Zeroizing::new(Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum()));
        for piece in pieces {
            filled.extend_from_slice(piece);
        }
        Some(Payload::new(filled))
    }

    fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.trim_start().starts_with("op://") {
            return Ok(Self(vec![Part::Reference(Reference::parse(text.trim())?)]));
        }
        let (mut parts, mut rest, mut from) = (Vec::new(), text, 0);
        // `from` is where to look on in `rest`, whose beginning is text that's already been looked at.
        while let Some(at) = rest.get(from..).and_then(|ahead| ahead.find("{{")).map(|at| from + at) {
            let (before, inside) = (rest.get(..at), rest.get(at + 2..));
            let (Some(before), Some(inside)) = (before, inside) else { break };
            if !inside.trim_start().starts_with("op://") {
                // The second brace may be the first of a pair.
                from = at + 1;
                continue;
            }
            let (inside, after) = inside.split_once("}}").ok_or(TemplateError::Open)?;
            parts.push(Part::Text(SecretValue::new(before.to_owned())));
            parts.push(Part::Reference(Reference::parse(inside.trim())?));
            (rest, from) = (after, 0);
        }
        parts.push(Part::Text(SecretValue::new(rest.to_owned())));
        Ok(Self(parts))
    }
}

/// A text with the values of the variables in it. `keeps` tells of each `$`, by its place, whether it's only that; it
/// sees what comes before.
fn expanded(
    text: &str,
    mut keeps: impl FnMut(usize, &mut String) -> bool,
    variables: &impl Fn(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        if keeps(text.len() - after.len() - 1, &mut done) {
            done.push('$');
            rest = after;
            continue;
        }
        if let Some(braced) = after.strip_prefix('{') {
            let (inside, behind) = braced.split_once('}').ok_or(TemplateError::Expansion)?;
            let (name, default) = match inside.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            if !is_key(name) {
                return Err(TemplateError::Expansion);
            }
            let value = variables(name).or_else(|| default.map(str::to_owned));
            done.push_str(&value.ok_or_else(|| TemplateError::Unset(name.to_owned()))?);
            rest = behind;
            continue;
        }
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        if is_key(name) {
            done.push_str(&variables(name).ok_or_else(|| TemplateError::Unset(name.to_owned()))?);
            rest = behind;
        } else {
            // A dollar that begins no name is one.
            done.push('$');
            rest = after;
        }
    }
    done.push_str(rest);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::dotenv;
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "APP_ENV").then(|| "Staging".to_owned())
    }

    /// Reads what stands behind `K=` in a file.
    fn of_file(value: &str) -> Result<Template, TemplateError> {
        let variable = dotenv::parse(&format!("K={value}")).unwrap().remove(0);
        Template::of(&Expanded::of(&variable, environment)?)
    }

    fn read(value: &str) -> Result<Template, TemplateError> {
        of_file(value)
    }

    /// Texts as they are, references in angle brackets.
    fn shown(value: &str) -> String {
        let parts = read(value).unwrap().0;
        let show = |part: &Part| match part {
            Part::Text(text) => String::from_utf8(text.plaintext().to_vec()).unwrap(),
            Part::Reference(reference) => format!("<{reference}>"),
        };
        parts.iter().map(show).collect()
    }

    #[test]
    fn a_value_is_a_reference_or_a_text_with_references() {
        for (value, expected) in [
            ("op://V/I/f", "<V/I/f>"),
            ("\" op://V/My item/S/f \"", "<V/My item/S/f>"),
            ("op://V/I/otp?attribute=otp", "<V/I/otp?attribute=otp>"),
            ("{{ op://V/I/f }}", "<V/I/f>"),
            ("{{op://V/I/f}}", "<V/I/f>"),
            ("postgres://{{ op://V/I/u }}:{{op://V/I/p}}@h/db", "postgres://<V/I/u>:<V/I/p>@h/db"),
            ("{{{ op://V/I/f }}}", "{<V/I/f>}"),
            ("see op://V/I/f", "see op://V/I/f"),
            ("V/I/f", "V/I/f"),
            ("{{ .Values.x }}", "{{ .Values.x }}"),
            ("{{ $1 }", "{{ $1 }"),
            ("é{{ op://V/I/f }}é", "é<V/I/f>é"),
            ("", ""),
        ] {
            assert_eq!(shown(value), expected, "{value:?}");
        }
    }

    #[test]
    fn variables_are_expanded_but_where_quotes_or_a_backslash_forbid_it() {
        for (value, expected) in [
            ("op://$APP_ENV/db/password", "<Staging/db/password>"),
            ("op://${APP_ENV}-eu/db/p", "<Staging-eu/db/p>"),
            ("op://${APP_ENV:-dev}/db/p", "<Staging/db/p>"),
            ("op://${NOT_SET:-dev}/db/p", "<dev/db/p>"),
            ("$APP_ENV {{ op://$APP_ENV/db/p }}", "Staging <Staging/db/p>"),
            ("\"${APP_ENV}: {{ op://V/I/f }}\"", "Staging: <V/I/f>"),
            ("${NOT_SET:-}x", "x"),
            ("'$APP_ENV {{ op://V/I/f }}'", "$APP_ENV <V/I/f>"),
            ("\"\\$APP_ENV $APP_ENV \\${APP_ENV}\"", "$APP_ENV Staging ${APP_ENV}"),
            ("\\$APP_ENV $APP_ENV", "$APP_ENV Staging"),
            ("\"op://V/\\$APP_ENV/p\"", "<V/$APP_ENV/p>"),
            ("a$ $$ $1 é$", "a$ $$ $1 é$"),
            ("op://V/I/a$", "<V/I/a$>"),
            ("op://V/I/$1", "<V/I/$1>"),
        ] {
            assert_eq!(shown(value), expected, "{value:?}");
        }
    }

    #[test]
    fn a_bad_one_is_explained_without_being_quoted() {
        let unset = TemplateError::Unset("NOT_SET".to_owned());
        assert_eq!(read("op://$NOT_SET/db/p").unwrap_err(), unset);
        assert_eq!(read("{{ op://V/canary").unwrap_err(), TemplateError::Open);
        let error = read("pa$c4nary").unwrap_err();
        assert_eq!(error, TemplateError::UnsetInText);
        assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
        for bad in ["op://${APP_ENV/db/p", "op://${1}/db/p", "op://${}/db/p", "op://${A B}/db/p"] {
            assert_eq!(read(bad).unwrap_err(), TemplateError::Expansion, "{bad}");
        }
        for bad in
            ["op://canary", "op://V//canary", "x {{ op://canary }}", "op://V/I/S/F/canary", "\"op://V/canary\\n/f\""]
        {
            let error = read(bad).unwrap_err();
            assert!(matches!(error, TemplateError::Reference(_)), "{bad}: {error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_what_is_no_reference(text in "[{}$ aé:/op-]{0,40}") {
            let quoted = format!("'{text}'");
            if let Ok(template) = read(&quoted) && template.references().next().is_none() {
                prop_assert_eq!(shown(&quoted), text.as_str());
            }
            let _ = (read(&text.replace(['"'], "")), read(&format!("\"{text}\"")));
        }
    }
}
