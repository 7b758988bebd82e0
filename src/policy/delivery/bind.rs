//! What a caller gives for parameters → a program's arguments, or what's wrong with it.
//!
//! There's no shell between a caller and a program, so an argument can't become two. What's left to refuse is a value
//! that a program would take for something else than its author meant: an option, a path elsewhere, another line.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::command::{Command, Parameter, Part};

mod text;

use text::Flaw;

/// One argument, bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// As it is.
    Text(String),
    /// Something below a directory; whoever opens it makes sure that no link leads out.
    Under {
        /// The directory, absolute.
        root: PathBuf,
        /// The way from there: plain names with `/` between them.
        relative: String,
        /// What stands before it in the argument.
        before: String,
        /// What stands after it.
        after: String,
    },
}

/// Why a command can't be run with what its caller gave. It names the parameter and never what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// A parameter wasn't given.
    #[error("the parameter `{0}` is missing")]
    Missing(String),
    /// Something was given that the command doesn't have.
    #[error("{0}")]
    Unknown(String),
    /// What was given isn't of the parameter's type.
    #[error("the parameter `{parameter}` must be {expected}")]
    Type {
        /// The parameter.
        parameter: String,
        /// What it must be.
        expected: &'static str,
    },
    /// What was given can't stand for the parameter.
    #[error("the parameter `{parameter}` {why}")]
    Refused {
        /// The parameter.
        parameter: String,
        /// What's wrong, in a sentence about the parameter.
        why: String,
    },
}

impl Command {
    /// Puts what a caller gave into the arguments.
    ///
    /// # Errors
    ///
    /// The first thing that's wrong with it.
    pub fn bind(&self, params: &Map<String, Value>) -> Result<Vec<Bound>, BindError> {
        if let Some(unknown) = params.keys().find(|name| !self.params.contains_key(*name)) {
            return Err(self.unknown(unknown));
        }
        self.args.iter().map(|parts| self.argument(parts, params)).collect()
    }

    fn argument(&self, parts: &[Part], params: &Map<String, Value>) -> Result<Bound, BindError> {
        let mut before = String::new();
        let mut under: Option<(PathBuf, String)> = None;
        let mut after = String::new();
        for part in parts {
            let text = if under.is_some() { &mut after } else { &mut before };
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Parameter(name) => {
                    let parameter = self.params.get(name).ok_or_else(|| BindError::Missing(name.clone()))?;
                    let given = params.get(name).ok_or_else(|| BindError::Missing(name.clone()))?;
                    let value = admit(name, parameter, given)?;
                    let begins = text.is_empty() && under.is_none();
                    if begins && text::begins_with_dash(&value) {
                        return Err(refused(name, Flaw::Dash.to_string()));
                    }
                    match parameter {
                        Parameter::Path { under: root } if under.is_none() => under = Some((root.clone(), value)),
                        // The reader refuses two paths in one argument.
                        Parameter::Path { .. } => return Err(refused(name, Flaw::SecondPath.to_string())),
                        Parameter::Enum { .. } | Parameter::Regex { .. } | Parameter::Integer { .. } => {
                            text.push_str(&value);
                        }
                    }
                }
            }
        }
        Ok(match under {
            None => Bound::Text(before),
            Some((root, relative)) => Bound::Under { root, relative, before, after },
        })
    }

    /// A name that a caller made up is only repeated if it could be one.
    fn unknown(&self, name: &str) -> BindError {
        let known: Vec<String> = self.params.keys().map(|name| format!("`{name}`")).collect();
        let known = match known.as_slice() {
            [] => "this command has no parameters".to_owned(),
            known => format!("this command has {}", known.join(", ")),
        };
        let what = if super::template::is_name(name) { format!("`{name}`") } else { "one of the names".to_owned() };
        BindError::Unknown(format!("{what} isn't a parameter: {known}"))
    }
}

/// What a caller gave, if it can stand for the parameter.
fn admit(name: &str, parameter: &Parameter, given: &Value) -> Result<String, BindError> {
    let wrong = |expected| BindError::Type { parameter: name.to_owned(), expected };
    let flawed = |flaw: Flaw| refused(name, flaw.to_string());
    match parameter {
        Parameter::Integer { min, max } => {
            let number = whole_number(given).ok_or_else(|| wrong("a whole number"))?;
            if (*min..=*max).contains(&number) {
                Ok(number.to_string())
            } else {
                Err(refused(name, format!("must be from {min} to {max}")))
            }
        }
        Parameter::Path { .. } => {
            let path = given.as_str().ok_or_else(|| wrong("a text"))?;
            text::plain(path).and_then(|()| text::path(path)).map_err(flawed)?;
            Ok(path.to_owned())
        }
        Parameter::Enum { values } => {
            let word = given.as_str().ok_or_else(|| wrong("a text"))?;
            text::plain(word).map_err(flawed)?;
            if values.iter().any(|value| value == word) { Ok(word.to_owned()) } else { Err(flawed(Flaw::NotListed)) }
        }
        Parameter::Regex { pattern } => {
            let word = given.as_str().ok_or_else(|| wrong("a text"))?;
            text::plain(word).map_err(flawed)?;
            if pattern.is_match(word) { Ok(word.to_owned()) } else { Err(flawed(Flaw::NoMatch)) }
        }
    }
}

/// A JSON number without a fraction, or its one spelling as a text.
fn whole_number(given: &Value) -> Option<i64> {
    match given {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse::<i64>().ok().filter(|number| number.to_string() == *text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn refused(name: &str, why: String) -> BindError {
    BindError::Refused { parameter: name.to_owned(), why }
}

pub(super) use text::{begins_with_dash, plain};

#[cfg(test)]
mod tests;
