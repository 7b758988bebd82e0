//! A `.env` file on its way into a vault.

use std::io::Read as _;
use std::path::Path;
use std::{fs, io};

use zeroize::Zeroizing;

use crate::broker::NewSecret;
use crate::custody::dotenv;
use crate::model::{Category, ErrorCode, PublicError, Reference};

/// The largest `.env` file, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The variables of a file, in its order.
#[derive(Debug)]
pub struct EnvFile(Vec<Variable>);

/// One variable.
#[derive(Debug)]
pub struct Variable(dotenv::Variable);

impl EnvFile {
    /// Reads a file. What's said when it can't be used ends in `otherwise`: what didn't happen then.
    ///
    /// # Errors
    ///
    /// When it can't be read or a line isn't one of a `.env` file; nothing of its text is quoted.
    pub fn read(file: &Path, otherwise: &'static str) -> Result<Self, PublicError> {
        Self::read_with(file, otherwise, dotenv::parse)
    }

    /// Reads a file, with each variable as often as it's in there: a later one may be made of an earlier of its name.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub(super) fn read_each(file: &Path, otherwise: &'static str) -> Result<Self, PublicError> {
        Self::read_with(file, otherwise, dotenv::parse_each)
    }

    fn read_with(
        file: &Path,
        otherwise: &'static str,
        parse: impl FnOnce(&str) -> Result<Vec<dotenv::Variable>, dotenv::DotenvError>,
    ) -> Result<Self, PublicError> {
        let invalid = |message: String| PublicError::new(ErrorCode::Invalid, message, otherwise);
        let name = file.display();
        let opened = match fs::File::open(file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(invalid(format!("there's no file {name}")));
            }
            Err(error) => return Err(invalid(format!("{name}: {}", error.kind()))),
        };
        // It may be a pipe, whose length nothing tells. Buffers that it outgrows are wiped by the allocator.
        let mut text = Zeroizing::new(String::new());
        let read = opened.take(MAX_BYTES + 1).read_to_string(&mut text);
        read.map_err(|error| invalid(format!("{name}: {}", error.kind())))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > MAX_BYTES) {
            return Err(invalid(format!("{name}: larger than {MAX_BYTES} bytes")));
        }
        let variables = parse(&text).map_err(|error| invalid(format!("{name}: {error}")))?;
        Ok(Self(variables.into_iter().map(Variable).collect()))
    }

    /// The variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter()
    }

    /// The variables' names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Variable::key)
    }
}

impl IntoIterator for EnvFile {
    type Item = Variable;
    type IntoIter = std::vec::IntoIter<Variable>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Variable {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// The reference it holds, with or without `{{ }}` around it: that's no secret.
    pub(super) fn reference(&self) -> Option<Reference> {
        self.0.reference()
    }

    /// What it is to custody.
    pub(super) fn of_custody(&self) -> &dotenv::Variable {
        &self.0
    }

    pub(super) fn into_secret(self) -> NewSecret {
        NewSecret::of(self.0.value, Some(Category::ApiCredential))
    }
}
