//! What went wrong with `op`, in our own words, and what a person can do about it.

use std::time::Duration;

use super::classify::Complaint;
use super::invocation::Asked;
use super::process::Stopped;
use super::settings::SignIn;
use super::version::Version;
use crate::custody::source::onepassword::failure::Failure;

/// What a request was, as far as its failure depends on it.
pub(super) struct Circumstances<'a> {
    /// What it does in 1Password.
    pub(super) asked: Asked,
    /// Who asked.
    pub(super) sign_in: &'a SignIn,
    /// How long it was given.
    pub(super) limit: Duration,
}

/// What to do where nothing better is known.
const DOCTOR: &str = "ask the owner to run `opward doctor`, which says why";

/// What to do about the network.
const NETWORK: &str = "ask the owner whether this machine reaches 1Password, then try again";

/// What to do about a prompt.
const PROMPT: &str = "ask the owner to unlock the 1Password app and to allow the request it shows, then try again";

/// What to do about the app.
const APP: &str = "ask the owner to start the 1Password app and to turn on its integration with the 1Password CLI";

/// What to do about a sign-in on the command line.
const SIGN_IN: &str = "ask the owner to sign in again with `op signin`, and to hand opward the new session";

/// What to do about a service account's token.
const TOKEN: &str = "ask the owner to put a valid service account token where the configuration says";

/// The failure behind a process that was stopped.
pub(super) fn stopped(stopped: Stopped, circumstances: &Circumstances<'_>) -> Failure {
    let limit = circumstances.limit.as_secs_f32();
    match stopped {
        Stopped::NoTurn => unreachable(
            format!("for {limit} s, as many processes of op as may run were still running"),
            "try again in a moment",
        ),
        Stopped::NotStarted(kind) => unreachable(format!("op can't be started: {kind}"), DOCTOR),
        Stopped::TooSlow if circumstances.sign_in.may_prompt() => {
            unclear(format!("op didn't answer within {limit} s; the 1Password app may be showing a prompt"), PROMPT)
        }
        Stopped::TooSlow => unclear(format!("op didn't answer within {limit} s"), NETWORK),
        Stopped::TooMuch => unclear("op answered with more than 16 MiB".to_owned(), DOCTOR),
        Stopped::Interrupted => interrupted(),
    }
}

/// The failure behind a complaint.
pub(super) fn complaint(complaint: Complaint, circumstances: &Circumstances<'_>) -> Failure {
    let writes = circumstances.asked == Asked::Write;
    match complaint {
        Complaint::AppUnreachable => unreachable("op can't reach the 1Password app".to_owned(), APP),
        Complaint::Conflict => Failure::Conflict,
        Complaint::Forbidden => Failure::Forbidden {
            detail: if writes { "1Password doesn't allow this change" } else { "1Password doesn't allow this to be read" }
                .to_owned(),
        },
        Complaint::Interrupted => unclear("the connection to 1Password broke".to_owned(), NETWORK),
        Complaint::Missing => Failure::Missing,
        Complaint::Offline => unreachable("op can't connect to 1Password".to_owned(), NETWORK),
        Complaint::PipeUnread => Failure::Unsupported("op doesn't read what it's sent on a pipe"),
        Complaint::PromptDismissed => unreachable("the prompt of the 1Password app was dismissed".to_owned(), PROMPT),
        Complaint::PromptUnanswered => unreachable("nobody answered the 1Password app's prompt".to_owned(), PROMPT),
        Complaint::RateLimited(retry_after) => Failure::RateLimited { retry_after },
        Complaint::Rejected if writes => Failure::Rejected { detail: "1Password doesn't take the item in this form" },
        Complaint::Rejected => unclear("1Password rejected a request to read".to_owned(), DOCTOR),
        Complaint::ServerTrouble => unclear("1Password has a problem of its own".to_owned(), "try again in a moment"),
        Complaint::SessionExpired | Complaint::SignedOut => signed_out(complaint, circumstances.sign_in),
        Complaint::TokenMalformed => unreachable("the token isn't a service account's".to_owned(), TOKEN),
        Complaint::TokenRefused => match circumstances.sign_in {
            SignIn::ServiceAccount(_) => unreachable(
                "1Password refuses the service account's token: it was revoked, has expired, or its account was deleted"
                    .to_owned(),
                TOKEN,
            ),
            SignIn::App { .. } => unreachable("1Password refuses the sign-in".to_owned(), PROMPT),
            SignIn::Session { .. } => unreachable("1Password refuses the session".to_owned(), SIGN_IN),
        },
        Complaint::TooLarge => Failure::TooLarge,
        Complaint::Unknown => unclear("op failed in a way that isn't known".to_owned(), DOCTOR),
        Complaint::Usage => Failure::Unsupported("this version of op doesn't know the command"),
        Complaint::VaultNeeded => Failure::Unsupported("op wants to be told which vault"),
    }
}

/// A version that's too old.
pub(super) fn too_old(found: Version) -> Failure {
    unreachable(
        format!("op is version {found}, and {} or newer is needed", Version::MINIMUM),
        "ask the owner to update the 1Password CLI (op) to version 2.30.0 or newer",
    )
}

/// A program that doesn't say which version it is.
pub(super) fn no_version() -> Failure {
    unreachable(
        "the program found as op doesn't say which version it is".to_owned(),
        "ask the owner to check that `command` in the configuration, or the first op in PATH, is the 1Password CLI",
    )
}

/// An answer of another form.
pub(super) fn not_understood() -> Failure {
    unclear("op answered in a form that isn't known".to_owned(), DOCTOR)
}

/// A vault that's listed and then said not to be there.
pub(super) fn denied_vault() -> Failure {
    unclear("op lists a vault and denies having it".to_owned(), "try again in a moment")
}

/// A process whose end nobody saw.
pub(super) fn interrupted() -> Failure {
    unclear("op was interrupted".to_owned(), "try again in a moment")
}

fn signed_out(complaint: Complaint, sign_in: &SignIn) -> Failure {
    let expired = complaint == Complaint::SessionExpired;
    match sign_in {
        SignIn::ServiceAccount(_) => unreachable("op doesn't take the token for a sign-in".to_owned(), TOKEN),
        SignIn::App { .. } => unreachable("op isn't signed in through the 1Password app".to_owned(), APP),
        SignIn::Session { .. } if expired => unreachable("the session of op has run out".to_owned(), SIGN_IN),
        SignIn::Session { .. } => unreachable("op isn't signed in to the account".to_owned(), SIGN_IN),
    }
}

fn unclear(detail: String, remedy: &'static str) -> Failure {
    Failure::Unclear { detail, remedy }
}

fn unreachable(detail: String, remedy: &'static str) -> Failure {
    Failure::Unreachable { detail, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::value::SecretValue;

    #[test]
    fn a_change_that_may_have_been_made_is_never_called_undone() {
        let token = SignIn::ServiceAccount(SecretValue::new("ops_x".to_owned()));
        let writing = Circumstances { asked: Asked::Write, sign_in: &token, limit: Duration::from_secs(30) };
        for maybe in [Complaint::Interrupted, Complaint::ServerTrouble, Complaint::Unknown] {
            assert!(matches!(complaint(maybe, &writing), Failure::Unclear { .. }), "{maybe:?}");
        }
        for maybe in [Stopped::TooSlow, Stopped::TooMuch, Stopped::Interrupted] {
            assert!(matches!(stopped(maybe, &writing), Failure::Unclear { .. }), "{maybe:?}");
        }
        for undone in [Complaint::Offline, Complaint::TokenRefused, Complaint::SignedOut] {
            assert!(matches!(complaint(undone, &writing), Failure::Unreachable { .. }), "{undone:?}");
        }
        for undone in [Stopped::NoTurn, Stopped::NotStarted(std::io::ErrorKind::NotFound)] {
            assert!(matches!(stopped(undone, &writing), Failure::Unreachable { .. }), "{undone:?}");
        }
    }

    #[test]
    fn a_prompt_that_hangs_is_said_to_be_one() {
        let app = SignIn::App { account: None };
        let circumstances = Circumstances { asked: Asked::Read, sign_in: &app, limit: Duration::from_mins(2) };
        let Failure::Unclear { detail, remedy } = stopped(Stopped::TooSlow, &circumstances) else { panic!() };
        assert!(detail.contains("120 s") && detail.contains("prompt"), "{detail}");
        assert_eq!(remedy, PROMPT);
    }

    #[test]
    fn the_remedy_for_an_old_version_names_the_one_that_is_needed() {
        let Failure::Unreachable { detail, remedy } = too_old(Version::parse(b"2.22.0").unwrap()) else { panic!() };
        assert!(detail.contains("2.22.0") && detail.contains(&Version::MINIMUM.to_string()), "{detail}");
        assert!(remedy.contains(&Version::MINIMUM.to_string()), "{remedy}");
    }
}
