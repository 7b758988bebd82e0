//! Who is asking: the variables of Connect win over a service account's token, that over a session, and that over
//! the desktop app.

use std::env;

use serde_json::Value;

use crate::argv::Invocation;
use crate::faults;
use crate::reply::Refusal;
use crate::world::{World, text};

/// Who is asking, and what they may.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) kind: Kind,
    /// The account, as `op account list` has it.
    pub(crate) account: Value,
    /// The vaults and what may be done in each; without any, everything.
    rights: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    ServiceAccount,
    Session,
    Desktop,
}

impl Identity {
    pub(crate) fn sees(&self, vault: &str) -> bool {
        self.rights.as_ref().is_none_or(|rights| rights.get(vault).is_some())
    }

    pub(crate) fn may_write(&self, vault: &str) -> bool {
        self.rights.as_ref().is_none_or(|rights| text(rights, vault).contains('w'))
    }
}

/// Signs in with what the environment has.
pub(crate) fn sign_in(invocation: &Invocation, world: &World) -> Result<Identity, Refusal> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("OP_CONNECT_HOST"), variable("OP_CONNECT_TOKEN")) {
        (None, None) => {}
        (Some(_), Some(token)) => return connect(invocation, &token, world),
        _ => return Err(Refusal::new("both OP_CONNECT_HOST and OP_CONNECT_TOKEN must be set to use Connect")),
    }
    if let Some(token) = variable("OP_SERVICE_ACCOUNT_TOKEN") {
        return service_account(&token, invocation, world);
    }
    let sessions: Vec<(String, String)> =
        env::vars().filter(|(name, _)| name == "OP_SESSION" || name.starts_with("OP_SESSION_")).collect();
    if invocation.value("session").is_some() || !sessions.is_empty() {
        return session(&sessions, invocation, world);
    }
    desktop(invocation, world)
}

/// Whether the app shows a prompt now, and nobody is there to answer it.
pub(crate) fn waits_for_a_person(invocation: &Invocation, world: &World) -> bool {
    let asks_the_app = env::vars().all(|(name, value)| {
        let other = ["OP_CONNECT_HOST", "OP_CONNECT_TOKEN", "OP_SERVICE_ACCOUNT_TOKEN"].contains(&name.as_str());
        (!other || value.is_empty()) && name != "OP_SESSION" && !name.starts_with("OP_SESSION_")
    });
    let signs_in = !matches!(invocation.command(), "--version" | "account list");
    signs_in && asks_the_app && invocation.value("session").is_none() && world.word("desktop", "off") == "hang"
}

fn connect(invocation: &Invocation, token: &str, world: &World) -> Result<Identity, Refusal> {
    let works = match invocation.command() {
        "run" | "inject" | "read" => true,
        "item get" => invocation.value("format") == Some("json"),
        _ => false,
    };
    if !works {
        let text = format!(
            "\"op {}\" doesn't work with Connect. Unset OP_CONNECT_HOST and OP_CONNECT_TOKEN to use it.",
            invocation.command()
        );
        return Err(Refusal::new(text));
    }
    let known = world.part("connect").get("tokens").and_then(|tokens| tokens.get(token));
    let known = known.ok_or_else(|| Refusal::new("error initializing client: Invalid bearer token"))?;
    Ok(Identity { kind: Kind::Connect, account: Value::Null, rights: known.get("vaults").cloned() })
}

fn service_account(token: &str, invocation: &Invocation, world: &World) -> Result<Identity, Refusal> {
    if world.version() < (2, 18, 0) {
        return desktop(invocation, world);
    }
    let known = world.part("tokens").get(token).filter(|_| token.starts_with("ops_"));
    let known = known.ok_or_else(|| faults::named("bad_token", world))?;
    if known["deleted"] == true {
        return Err(faults::named("revoked", world));
    }
    // A service account sees what it was granted, and nothing if that was nothing.
    let rights = known.get("vaults").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let account = known.get("account").or(world.list("accounts").first()).cloned().unwrap_or_default();
    Ok(Identity { kind: Kind::ServiceAccount, account, rights: Some(rights) })
}

fn session(sessions: &[(String, String)], invocation: &Invocation, world: &World) -> Result<Identity, Refusal> {
    let account = account(invocation, world)?.or_else(|| {
        // Without a word about the account, a session that names its user decides.
        let users: Vec<&str> = sessions.iter().filter_map(|(name, _)| name.strip_prefix("OP_SESSION_")).collect();
        let of_user = |account: &&Value| {
            users.contains(&text(account, "user_uuid")) || users.contains(&text(account, "shorthand"))
        };
        let accounts = world.list("accounts").iter();
        accounts.clone().find(of_user).or(accounts.clone().next()).cloned()
    });
    let Some(account) = account else {
        return Err(Refusal::new("account is not signed in"));
    };
    let own =
        [format!("OP_SESSION_{}", text(&account, "user_uuid")), format!("OP_SESSION_{}", text(&account, "shorthand"))];
    let given = invocation.value("session").or_else(|| {
        let of = |wanted: &str| sessions.iter().find(|(name, _)| name == wanted).map(|(_, token)| token.as_str());
        own.iter().find_map(|name| of(name)).or_else(|| of("OP_SESSION"))
    });
    let Some(given) = given else {
        return Err(Refusal::new("account is not signed in"));
    };
    let known = world.part("sessions").get(given);
    let known = known.filter(|known| {
        [text(&account, "user_uuid"), text(&account, "account_uuid")].contains(&text(known, "account"))
    });
    match known {
        None => Err(Refusal::new("account is not signed in")),
        Some(known) if known["expired"] == true => {
            Err(Refusal::new("session expired, sign in to create a new session"))
        }
        Some(_) => Ok(Identity { kind: Kind::Session, rights: account.get("vaults").cloned(), account }),
    }
}

fn desktop(invocation: &Invocation, world: &World) -> Result<Identity, Refusal> {
    let account = account(invocation, world)?.or_else(|| world.list("accounts").first().cloned());
    let how = world.word("desktop", "off");
    let Some(account) = account else {
        return Err(Refusal::new("No accounts configured for use with 1Password CLI."));
    };
    match how {
        "ok" => Ok(Identity { kind: Kind::Desktop, rights: account.get("vaults").cloned(), account }),
        "dismissed" => Err(initializing("authorization prompt dismissed, please try again")),
        "timeout" => Err(initializing("authorization timeout")),
        "locked" => Err(initializing(
            "RequestDelegatedSession: cannot setup session. Unable to decrypt, because the app is locked",
        )),
        "unreachable" => {
            Err(initializing("connecting to desktop app: cannot connect to 1Password app, make sure it is running"))
        }
        _ => Err(initializing("You are not currently signed in. Please run `op signin --help` for instructions")),
    }
}

fn initializing(text: &str) -> Refusal {
    Refusal::new(format!("error initializing client: {text}"))
}

/// The account that a flag or the environment names.
fn account(invocation: &Invocation, world: &World) -> Result<Option<Value>, Refusal> {
    let variable = env::var("OP_ACCOUNT").ok().filter(|name| !name.is_empty());
    let Some(wanted) = invocation.value("account").map(str::to_owned).or(variable) else { return Ok(None) };
    let host = |address: &str| {
        let address = address.strip_prefix("https://").unwrap_or(address);
        address.trim_end_matches('/').to_ascii_lowercase()
    };
    let found = world.list("accounts").iter().find(|account| {
        let keys = ["email", "user_uuid", "account_uuid", "shorthand"];
        keys.iter().any(|key| text(account, key) == wanted) || host(text(account, "url")) == host(&wanted)
    });
    let missing = || {
        let (head, quote) = if world.version() < (2, 30, 0) {
            ("no account found for filter", "")
        } else {
            ("found no accounts for filter", "\"")
        };
        Refusal::new(format!("{head} {quote}{wanted}{quote}"))
    };
    found.cloned().map(Some).ok_or_else(missing)
}
