//! A way to 1Password: what's there is found, what's missing is asked for, and all of it checked.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use zeroize::Zeroizing;

use super::files::{folder, write_new};
use super::{Args, Kind, Places, configure, quoted, told};
use crate::app::{self, Health, Setup, TokenFor};
use crate::cli::doctor;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::config::{CONNECT_HOST, CONNECT_TOKEN, ConnectUrl, SERVICE_ACCOUNT_TOKEN};

/// How 1Password is asked from now on.
struct Way {
    kind: Kind,
    url: Option<ConnectUrl>,
    sign_in: SignIn,
}

/// What opens it.
enum SignIn {
    /// The desktop app.
    App(Option<String>),
    /// A token in a file that's there.
    File(PathBuf),
    /// A token in a variable.
    Variable(String),
    /// A token that was typed or piped, for a file of its own.
    New(Zeroizing<String>),
}

/// More than any token has.
const MOST_BYTES: u64 = 16 * 1024;

pub(super) fn make(args: &Args, places: &Places, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    if places.config.exists() {
        told(false, "the configuration", &places.config, output);
        return Err(Failure::invalid(
            format!("{} is there already, and init never changes it", places.config.display()),
            "add a [[source]] to it by hand (README, \"With 1Password\"), or name another file with --config",
        ));
    }
    let way = Way { kind: args.source, url: url(args, setup, output)?, sign_in: sign_in(args, setup, output)? };
    let token = token_file(args.source, places);
    if let SignIn::New(text) = &way.sign_in {
        folder(&token)?;
        if !write_new(&token, text)? {
            return Err(Failure::invalid(
                format!("{} is there already", token.display()),
                "name it with --token-file, or move it away; nothing was made",
            ));
        }
        told(true, "the token's file", &token, output);
    }
    configure(places, &source(&way, &token), output)?;
    check(setup, output)
}

/// Looks whether it works, as `doctor` would.
fn check(setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let checks = crate::cli::block_on(app::inspect(setup))?;
    let about = |name: &str| matches!(name, "source" | "sources" | "environment" | "configuration");
    let mut ended = ExitCode::SUCCESS;
    for check in checks.iter().filter(|check| about(check.name)) {
        doctor::print(check, output);
        if check.health == Health::Broken {
            ended = ExitCode::FAILURE;
        }
    }
    Ok(ended)
}

fn token_file(kind: Kind, places: &Places) -> PathBuf {
    let name = if kind == Kind::Connect { "connect.token" } else { "op.token" };
    places.config.parent().unwrap_or(Path::new("/")).join(name)
}

fn url(args: &Args, setup: &Setup, output: Output) -> Result<Option<ConnectUrl>, Failure> {
    if args.source != Kind::Connect || args.url.is_some() {
        return Ok(args.url.clone());
    }
    let (text, from) = match setup.environment().text(CONNECT_HOST) {
        Some(text) => (text.to_owned(), CONNECT_HOST),
        None if io::stdin().is_terminal() => {
            (ask("address of the Connect server (http://localhost:8080): ", output)?, "that")
        }
        None => {
            let hint = "say it with --url, such as --url http://localhost:8080; nothing was made";
            return Err(Failure::invalid(format!("there's no --url, and {CONNECT_HOST} isn't set"), hint));
        }
    };
    let text = if text.is_empty() { "http://localhost:8080" } else { text.as_str() };
    let parsed = ConnectUrl::parse(text);
    parsed.map(Some).map_err(|error| Failure::invalid(format!("{from} is {error}"), "nothing was made"))
}

fn ask(question: &str, output: Output) -> Result<String, Failure> {
    output.prompt(question);
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| unreadable(&error))?;
    Ok(line.trim().to_owned())
}

fn sign_in(args: &Args, setup: &Setup, output: Output) -> Result<SignIn, Failure> {
    let (usual, purpose, asked) = if args.source == Kind::Connect {
        (CONNECT_TOKEN, TokenFor::Connect, "token of the Connect server: ")
    } else {
        (SERVICE_ACCOUNT_TOKEN, TokenFor::ServiceAccount, "token of the service account (none for the 1Password app): ")
    };
    if args.app || args.account.is_some() {
        return Ok(SignIn::App(args.account.clone()));
    }
    if let Some(file) = &args.token_file {
        return Ok(SignIn::File(std::path::absolute(file).unwrap_or_else(|_| file.clone())));
    }
    if let Some(name) = &args.token_env {
        return Ok(SignIn::Variable(name.clone()));
    }
    if setup.environment().text(usual).is_some() {
        output.note(format!("found a token in {usual}: it's named, not copied; --token-file names a file instead"));
        return Ok(SignIn::Variable(usual.to_owned()));
    }
    let text = typed_or_piped(asked)?;
    if text.is_empty() {
        // Who answers a prompt with nothing means the app; an empty pipe is more likely a mistake.
        if args.source == Kind::Op && io::stdin().is_terminal() {
            return Ok(SignIn::App(None));
        }
        let hint = "use --token-file or --token-env, or pipe the token to this command; with op, --app signs in \
                    through the 1Password app; nothing was made";
        return Err(Failure::invalid("there's no token", hint));
    }
    app::check_token(&text, purpose)?;
    Ok(SignIn::New(text))
}

/// A token typed without echo, or the line on stdin.
fn typed_or_piped(question: &str) -> Result<Zeroizing<String>, Failure> {
    let text = if io::stdin().is_terminal() {
        Zeroizing::new(rpassword::prompt_password(question).map_err(|error| unreadable(&error))?)
    } else {
        let mut text = Zeroizing::new(String::with_capacity(32 * 1024));
        io::stdin().lock().take(MOST_BYTES).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
        text
    };
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::invalid(format!("stdin can't be read: {}", error.kind()), "use --token-file or --token-env")
}

/// The `[[source]]` it's written down as.
fn source(way: &Way, token: &Path) -> String {
    let (name, what) = match way.kind {
        Kind::Connect => ("connect", "1Password, through a Connect server"),
        Kind::Local | Kind::Op => ("op", "1Password, through its `op` program"),
    };
    let mut lines =
        vec!["[[source]]".to_owned(), format!("name = \"{name}\""), noted(&format!("kind = \"{name}\""), what)];
    lines.extend(way.url.as_ref().map(|url| format!("url = {}", quoted(Path::new(url.as_str())))));
    lines.push(match &way.sign_in {
        SignIn::App(None) => noted("# account = \"my.1password.com\"", "where the 1Password app has several"),
        SignIn::App(Some(account)) => {
            noted(&format!("account = {}", quoted(Path::new(account))), "in the 1Password app")
        }
        SignIn::File(file) => format!("token_file = {}", quoted(file)),
        SignIn::Variable(name) => noted(&format!("token_env = \"{name}\""), "of the environment the server starts in"),
        SignIn::New(_) => noted(
            &format!("token_file = {}", quoted(Path::new(token.file_name().unwrap_or(token.as_os_str())))),
            "in this folder; only you can read it",
        ),
    });
    if way.kind == Kind::Op && !matches!(way.sign_in, SignIn::App(_)) {
        lines.push(noted("# plan = \"business\"", "1Password's limits; the smallest if it isn't said"));
    }
    lines.push(noted("# vaults = [\"Staging\"]", "only these; better still, grant no others"));
    lines.push(noted("# blocked_vaults = [\"HR\"]", "never these, whatever the policy says"));
    lines.join("\n") + "\n"
}

/// A line with a comment behind it, in the column where the others are.
fn noted(line: &str, note: &str) -> String {
    format!("{line:<39} # {note}")
}
