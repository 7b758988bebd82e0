//! What `op` complains of, sorted by what follows from it.
//!
//! A complaint holds names that people chose: an item may be called `(429) Too Many Requests`. So a
//! phrase counts only where nothing but `op`'s own words can stand: at the beginning of the first
//! line marked as an error, after the few openings that are known. Names in quotation marks are
//! looked past only if they're ids, since nothing else was asked for.

use std::time::Duration;

use zeroize::Zeroizing;

use super::invocation::is_id;

/// What's wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Complaint {
    /// The desktop app doesn't answer.
    AppUnreachable,
    /// Somebody else was changing the item.
    Conflict,
    /// It knows us and refuses.
    Forbidden,
    /// The connection broke after something may have been sent.
    Interrupted,
    /// There's no such vault or item, or it isn't granted.
    Missing,
    /// No connection was made.
    Offline,
    /// It took the dash that stands for the pipe for a name.
    PipeUnread,
    /// A person turned the request down.
    PromptDismissed,
    /// No person answered.
    PromptUnanswered,
    /// Too many requests, with the time it names.
    RateLimited(Option<Duration>),
    /// The document isn't one it takes.
    Rejected,
    /// 1Password itself has a problem.
    ServerTrouble,
    /// Nobody is signed in.
    SignedOut,
    /// A sign-in has run out.
    SessionExpired,
    /// The document is larger than it takes.
    TooLarge,
    /// The token isn't one.
    TokenMalformed,
    /// The token, or the session, doesn't count any more.
    TokenRefused,
    /// Something that isn't known.
    Unknown,
    /// It doesn't know the command.
    Usage,
    /// It wants to be told which vault.
    VaultNeeded,
}

/// What begins the lines that `op` marks as errors.
const MARK: &str = "[error] ";

/// The longest wait that's believed.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// What a complaint begins with, and what it then is.
const BEGINNINGS: [(&str, Complaint); 34] = [
    ("a vault query must be provided", Complaint::VaultNeeded),
    ("accepts ", Complaint::Usage),
    ("account is not signed in", Complaint::SignedOut),
    ("authorization denied", Complaint::PromptDismissed),
    ("authorization prompt dismissed", Complaint::PromptDismissed),
    ("authorization timeout", Complaint::PromptUnanswered),
    ("connecting to desktop app", Complaint::AppUnreachable),
    ("could not find session token for account", Complaint::SignedOut),
    ("couldn't validate the item", Complaint::Rejected),
    ("dial tcp", Complaint::Offline),
    ("failed to decodesa", Complaint::TokenMalformed),
    ("found no accounts for filter", Complaint::SignedOut),
    ("invalid argument ", Complaint::Usage),
    ("invalid json in piped input", Complaint::Rejected),
    ("no account found for filter", Complaint::SignedOut),
    ("no accounts configured", Complaint::SignedOut),
    ("password item requires ps value", Complaint::Rejected),
    ("provide the item category", Complaint::Rejected),
    ("read: context deadline exceeded", Complaint::Interrupted),
    ("requestdelegatedsession", Complaint::AppUnreachable),
    ("required flag", Complaint::Usage),
    ("response: unsupportedclienttype", Complaint::AppUnreachable),
    ("session expired", Complaint::SessionExpired),
    ("too many requests", Complaint::RateLimited(None)),
    ("unknown command", Complaint::Usage),
    ("unknown flag", Complaint::Usage),
    ("unknown shorthand flag", Complaint::Usage),
    ("validation: (", Complaint::Rejected),
    ("you are not authorized", Complaint::Forbidden),
    ("you are not currently signed in", Complaint::SignedOut),
    ("you aren't authorized", Complaint::Forbidden),
    ("you do not have permission", Complaint::Forbidden),
    ("your session has expired", Complaint::SessionExpired),
    ("you've reached the maximum number", Complaint::RateLimited(None)),
];

/// What a failed request of Go's network library begins with.
const REQUESTS: [&str; 5] =
    ["get \"https://", "post \"https://", "put \"https://", "patch \"https://", "delete \"https://"];

/// Openings that say where something went wrong, with a word of `op`'s own in brackets.
const LAYERS: [&str; 5] = ["authentication: (", "authorization: (", "network: (", "server: (", "validation: ("];

/// Whether a text has a line that `op` marks as an error.
pub(super) fn is_error(stderr: &[u8]) -> bool {
    let mark = MARK.as_bytes();
    stderr
        .split(|&byte| byte == b'\n')
        .any(|line| line.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark)))
}

/// Sorts a complaint. What isn't known is [`Complaint::Unknown`], whatever words are in it.
pub(super) fn classify(stderr: &[u8]) -> Complaint {
    let text = Zeroizing::new(String::from_utf8_lossy(stderr).to_ascii_lowercase());
    let message = message(&text);
    let cause = after_openings(message);
    about_an_id(cause).or_else(|| of_a_server(cause)).or_else(|| by_beginning(cause)).unwrap_or_else(|| {
        // It names the line of the document it stumbled over.
        if message.starts_with("unable to process line ") { Complaint::Rejected } else { Complaint::Unknown }
    })
}

/// The first message marked as an error, without its date; else the whole text.
fn message(text: &str) -> &str {
    let mut starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let marked = starts.find_map(|at| text.get(at..)?.strip_prefix(MARK));
    match marked {
        // `2006/01/02 15:04:05 `
        Some(line) => line.get(20..).filter(|_| dated(line)).unwrap_or(line),
        None => text.trim_start(),
    }
}

fn dated(line: &str) -> bool {
    let date = line.bytes().take(20);
    line.len() > 20
        && date.zip(*b"dddd/dd/dd dd:dd:dd ").all(
            |(byte, form)| {
                if form == b'd' { byte.is_ascii_digit() } else { byte == form }
            },
        )
}

/// What follows the openings that say where something went wrong and not what.
fn after_openings(mut message: &str) -> &str {
    loop {
        let rest = message
            .strip_prefix("error initializing client: ")
            .or_else(|| after_line_number(message))
            .or_else(|| after_item(message, "could not get item "));
        match rest {
            Some(rest) => message = rest,
            None => return message,
        }
    }
}

/// `unable to process line 1: `
fn after_line_number(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unable to process line ")?;
    let (number, rest) = rest.split_once(": ")?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(rest)
}

/// `could not get item <vault>/<item>: `
fn after_item<'a>(message: &'a str, opening: &str) -> Option<&'a str> {
    let (item, rest) = message.strip_prefix(opening)?.split_once(": ")?;
    item.split('/').all(is_id).then_some(rest)
}

/// `"<id>" isn't an item …`, `could not find item <id> …`
fn about_an_id(message: &str) -> Option<Complaint> {
    let asked_for =
        |name: &str| if name == "-" { Some(Complaint::PipeUnread) } else { is_id(name).then_some(Complaint::Missing) };
    if let Some((name, rest)) = message.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        let absent = rest.starts_with(" isn't an item") || rest.starts_with(" isn't a vault");
        return if absent { asked_for(name) } else { None };
    }
    for opening in ["could not find item ", "could not resolve item uuid for item ", "could not find vault "] {
        if let Some(rest) = message.strip_prefix(opening) {
            return asked_for(rest.split([' ', ':', ',', '.', '\n']).next()?);
        }
    }
    None
}

/// `(403) Forbidden: …`, alone or behind layers.
fn of_a_server(message: &str) -> Option<Complaint> {
    let (mut rest, mut signing_in) = (message, false);
    while LAYERS.iter().any(|layer| rest.starts_with(layer)) {
        signing_in |= rest.starts_with("authentication: (");
        if let Some(status) = rest.strip_prefix("server: ").and_then(status) {
            return Some(of_status(status, signing_in, rest));
        }
        let (layer, next) = rest.split_once("), ")?;
        if layer.contains("decodesa") {
            return Some(Complaint::TokenMalformed);
        }
        if layer.starts_with("validation: (") {
            return Some(Complaint::Rejected);
        }
        rest = next;
    }
    if REQUESTS.iter().any(|request| rest.starts_with(request)) || rest.starts_with("dial tcp") {
        return Some(of_the_network(rest));
    }
    status(rest).map(|status| of_status(status, signing_in, rest))
}

/// A status in brackets, at the beginning.
fn status(message: &str) -> Option<u16> {
    let (digits, _) = message.strip_prefix('(')?.split_once(')')?;
    (digits.len() == 3).then(|| digits.parse().ok())?
}

fn of_status(status: u16, signing_in: bool, message: &str) -> Complaint {
    match status {
        401 | 403 if signing_in => Complaint::TokenRefused,
        // 101 is 1Password's own, for a right that's missing.
        101 | 401 | 403 => Complaint::Forbidden,
        400 | 422 => Complaint::Rejected,
        404 | 410 => Complaint::Missing,
        409 => Complaint::Conflict,
        413 => Complaint::TooLarge,
        429 => Complaint::RateLimited(wait(message)),
        500..=599 => Complaint::ServerTrouble,
        _ => Complaint::Unknown,
    }
}

fn of_the_network(message: &str) -> Complaint {
    // The address in front has no name in it. A connection that wasn't made carried nothing.
    let not_made = ["dial tcp", "no such host", "connection refused", "proxyconnect", "x509:", "tls: "];
    if not_made.iter().any(|word| message.contains(word)) { Complaint::Offline } else { Complaint::Interrupted }
}

fn by_beginning(message: &str) -> Option<Complaint> {
    let (_, complaint) = BEGINNINGS.iter().find(|(beginning, _)| message.starts_with(beginning))?;
    let limited = matches!(complaint, Complaint::RateLimited(_));
    Some(if limited { Complaint::RateLimited(wait(message)) } else { *complaint })
}

/// How long to wait: `retry in 59 minutes`, `try again in 1 hour 5 minutes`. At times the number is
/// missing.
fn wait(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("retry in ").or_else(|| message.split_once("try again in "))?;
    let mut words = rest.split([' ', ',', '.', '\n']).filter(|word| !word.is_empty() && *word != "and");
    let mut seconds: Option<u64> = None;
    while let (Some(number), Some(unit)) = (words.next(), words.next()) {
        let number = if matches!(number, "a" | "an") { Some(1) } else { number.parse::<u64>().ok() };
        let (Some(number), Some(unit)) = (number, length(unit)) else { break };
        seconds = Some(seconds.unwrap_or_default().saturating_add(number.saturating_mul(unit)));
    }
    seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn length(unit: &str) -> Option<u64> {
    match unit.strip_suffix('s').unwrap_or(unit) {
        "second" | "sec" => Some(1),
        "minute" | "min" => Some(60),
        "hour" => Some(3600),
        "day" => Some(86_400),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
