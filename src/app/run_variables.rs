//! The variables of a command, from its environment and from files.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::env_file::EnvFile;
use super::run::NOT_RUN;
use crate::config::Environment;
use crate::custody::{Expanded, Template, TemplateError};
use crate::model::{ErrorCode, PublicError};

/// All that a command gets besides what's in its environment already.
#[derive(Debug)]
pub(super) struct Variables(Vec<Variable>);

/// One variable.
#[derive(Debug)]
pub(super) struct Variable {
    name: String,
    place: Place,
    template: Template,
}

/// Where a variable was found.
#[derive(Debug, Clone)]
enum Place {
    Environment,
    File(PathBuf, usize),
}

impl Variables {
    /// Reads the files, and those variables of the environment that hold a reference and nothing else. The same name
    /// in a file counts for more than in the environment, and in a later file for more than in an earlier one.
    ///
    /// # Errors
    ///
    /// A file that can't be read, or every variable whose reference is no good.
    pub(super) fn read(files: &[PathBuf], environment: &Environment, without: &[String]) -> Result<Self, PublicError> {
        // What opens vaults would end up in messages and in the log.
        let known = |name: &str| {
            let value = environment.text(name).filter(|_| !without.iter().any(|withheld| withheld == name));
            value.map(str::to_owned)
        };
        let mut held = BTreeMap::new();
        for name in environment.names().filter(|name| !without.iter().any(|withheld| withheld == name)) {
            if let Some(text) = environment.text(name).filter(|text| text.starts_with("op://")) {
                held.insert(name.to_owned(), (Place::Environment, Template::of_reference(text, known)));
            }
        }
        for file in files {
            let mut earlier: BTreeMap<String, Zeroizing<String>> = BTreeMap::new();
            for variable in EnvFile::read_each(file, NOT_RUN)? {
                let known = |name: &str| earlier.get(name).map(|text| text.to_string()).or_else(|| known(name));
                let text = Expanded::of(variable.of_custody(), known);
                let template = text.as_ref().map_err(Clone::clone).and_then(Template::of);
                if let Ok(text) = text {
                    earlier.insert(variable.key().to_owned(), text.text());
                }
                let place = Place::File(file.clone(), variable.of_custody().line);
                held.insert(variable.key().to_owned(), (place, template));
            }
        }
        let (mut variables, mut problems) = (Vec::with_capacity(held.len()), Vec::new());
        for (name, (place, template)) in held {
            match template {
                Ok(template) => variables.push(Variable { name, place, template }),
                Err(error) => problems.push((Shown { name: &name, place: &place }.to_string(), error)),
            }
        }
        if problems.is_empty() { Ok(Self(variables)) } else { Err(unreadable(&problems)) }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter()
    }

    /// Their names, in the same order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|variable| variable.name.as_str())
    }
}

impl Variable {
    /// Whether a value is asked for.
    pub(super) fn asks(&self) -> bool {
        self.template.references().next().is_some()
    }

    pub(super) fn template(&self) -> &Template {
        &self.template
    }
}

fn unreadable(problems: &[(String, TemplateError)]) -> PublicError {
    let lines = problems.iter().map(|(variable, error)| format!("\n  {variable}: {error}"));
    let message = format!("{} secret reference(s) can't be read{}", problems.len(), lines.collect::<String>());
    PublicError::new(ErrorCode::Invalid, message, NOT_RUN)
}

/// A variable's name and place, as messages show them.
struct Shown<'a> {
    name: &'a str,
    place: &'a Place,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment's names may be anything.
        write!(f, "{} ", self.name.escape_debug())?;
        match self.place {
            Place::Environment => f.write_str("(environment)"),
            Place::File(file, line) => write!(f, "({}:{line})", Path::display(file)),
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown { name: &self.name, place: &self.place }.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    #[test]
    fn a_later_file_comes_before_an_earlier_and_both_before_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let one = file(folder.path(), "one", "A=op://V/one/f\nB=op://V/one/f\n\nC=plain\n");
        let two = file(folder.path(), "two", "# two\nB=op://V/${WHERE}/f\nE=\n");
        let environment = Environment::of_texts([
            ("A", "op://V/environment/f"),
            ("D", "op://V/environment/f"),
            ("F", "see op://V/environment/f"),
            ("WHERE", "two"),
            ("HELD", "op://V/held/f"),
        ]);
        let variables = Variables::read(&[one.clone(), two.clone()], &environment, &["HELD".to_owned()]).unwrap();
        let shown = variables.all().map(|variable| {
            let references: Vec<_> = variable.template().references().map(ToString::to_string).collect();
            format!("{variable} {}", references.join(" "))
        });
        let (one, two) = (one.display(), two.display());
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                format!("A ({one}:1) V/one/f"),
                format!("B ({two}:2) V/two/f"),
                format!("C ({one}:4) "),
                "D (environment) V/environment/f".to_owned(),
                format!("E ({two}:3) "),
            ]
        );
    }

    #[test]
    fn a_variable_is_made_of_earlier_ones_of_its_file_and_of_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let one = file(folder.path(), "one", "A=one\nA=$A-$B\nC=op://$A/I/f\nB=late\nD=$C\n");
        let two = file(folder.path(), "two", "E=\"op://${A:-none}/$B/f\"\n");
        let environment = Environment::of_texts([("B", "environment")]);
        let variables = Variables::read(&[one, two], &environment, &[]).unwrap();
        let references = |variable: &Variable| {
            let references = variable.template().references().map(ToString::to_string);
            format!("{} {}", variable.name, references.collect::<String>())
        };
        assert_eq!(
            variables.all().map(references).collect::<Vec<_>>(),
            ["A ", "B ", "C one-environment/I/f", "D one-environment/I/f", "E none/environment/f"]
        );
    }

    #[test]
    fn all_that_are_no_good_are_named_and_none_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let bad =
            file(folder.path(), "bad", "A=op://c4nary\nB=op://V/I/f\nC=\"{{ op://V/c4nary\"\nD=op://$T/c4nary/f\n");
        let environment = Environment::of_texts([("X", "op://V//c4nary"), ("T", "t0ken")]);
        let error = Variables::read(&[bad], &environment, &["T".to_owned()]).unwrap_err();
        for named in ["A (", "bad:1)", "C (", "bad:3)", "D (", "bad:4)", "X (environment)", "4 secret references"] {
            let named = named.replace("references", "reference(s)");
            assert!(error.message.contains(&named), "{named}: {}", error.message);
        }
        assert!(!error.message.contains("B (") && !format!("{error:?}").contains("c4nary"), "{error:?}");
        assert!(!format!("{error:?}").contains("t0ken"), "{error:?}");
        assert!(Variables::read(&[folder.path().join("none")], &environment, &[]).is_err());
    }
}
