//! How a command ends when it doesn't do what it was asked.

use std::borrow::Cow;
use std::process::ExitCode;

use super::output::{Output, Style};
use crate::app::SetupError;
use crate::config::ConfigError;
use crate::model::{ErrorCode, PublicError};

/// An error for the person at the terminal: the same codes as everywhere, and a remedy.
#[derive(Debug)]
pub(super) struct Failure {
    code: ErrorCode,
    message: String,
    hint: Cow<'static, str>,
}

impl Failure {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }

    /// Something about the command's own files or arguments.
    pub(super) fn invalid(message: impl Into<String>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Invalid, message, hint)
    }

    /// Prints it and gives the exit status that goes with its code.
    pub(super) fn report(&self, output: Output) -> ExitCode {
        let mark = output.paint_note(Style::Bad, "error:");
        output.note(format!("{mark} {}: {}", self.code, self.message));
        if !self.hint.is_empty() {
            output.note(format!("  {} {}", output.paint_note(Style::Dim, "hint:"), self.hint));
        }
        ExitCode::from(status(self.code))
    }
}

/// 1 is any other failure, and 2 belongs to the argument parser.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these four differ from the rest")]
const fn status(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::Denied | ErrorCode::ApprovalDenied => 3,
        ErrorCode::NotFound => 4,
        ErrorCode::SourceUnavailable => 5,
        _ => 1,
    }
}

impl From<PublicError> for Failure {
    fn from(error: PublicError) -> Self {
        let message = match &error.rule {
            Some(rule) => format!("{} (rule `{rule}`)", error.message),
            None => error.message.into_owned(),
        };
        Self { code: error.code, message, hint: in_commands(error.hint) }
    }
}

/// A hint for whoever calls tools, for who has commands instead.
fn in_commands(mut hint: Cow<'static, str>) -> Cow<'static, str> {
    for (tool, command) in [
        ("list_secrets", "`opward secret list`"),
        ("describe_secret", "`opward secret describe`"),
        ("rotate_and_store", "`opward secret rotate`"),
    ] {
        if hint.contains(tool) {
            hint = hint.replace(tool, command).into();
        }
    }
    hint
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Other(error) => error.into(),
            SetupError::Config(ConfigError::NotSetUp { file }) => Self::new(
                ErrorCode::SourceUnavailable,
                format!("opward isn't set up yet: there's no {}", file.display()),
                "run `opward init`",
            ),
            SetupError::Config(ConfigError::Invalid(diagnostics)) => Self::invalid(
                format!("the configuration has mistakes\n{}", diagnostics.render(false)),
                "`opward doctor` looks at everything",
            ),
            SetupError::Config(error) => Self::invalid(error.to_string(), "`opward doctor` looks at everything"),
        }
    }
}
