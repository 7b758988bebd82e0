//! Who may ask what: the server's paths, and the order in which it refuses.
//!
//! First the path and method, then the token, then the shape of ids, then whether the vault is there for this
//! token, then the right to write, and only then what's asked.

use serde_json::json;

use crate::answer::{Answer, Outcome, Refusal, invalid};
use crate::call::Call;
use crate::faults::Twist;
use crate::item::{Item, is_id};
use crate::reads;
use crate::settings::{Hidden, NoRight, Settings};
use crate::state::State;
use crate::world::{Right, Token};
use crate::{patch, writes};

/// What a path names.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Heartbeat,
    Health,
    Metrics,
    Activity,
    Vaults,
    Vault(&'a str),
    Items(&'a str),
    Item(&'a str, &'a str),
    Files(&'a str, &'a str),
    File(&'a str, &'a str, &'a str),
    Content(&'a str, &'a str, &'a str),
}

/// Does what's asked, or refuses it.
pub(crate) fn handle(state: &mut State, call: &Call, twist: Option<&Twist>) -> Answer {
    match answer(state, call, twist) {
        Ok(answer) => answer,
        Err(refusal) => refusal.into(),
    }
}

/// The token that a request shows, if it's one that's known.
pub(crate) fn token<'a>(state: &'a State, call: &Call) -> Result<&'a Token, Refusal> {
    let Some(shown) = call.header("authorization") else { return Err(Refusal::new(401, "Invalid token signature")) };
    let Some(shown) = shown.strip_prefix("Bearer ") else { return Err(Refusal::new(401, "Invalid bearer token")) };
    state.world.token(shown).ok_or_else(|| Refusal::new(401, "Invalid token signature"))
}

fn answer(state: &mut State, call: &Call, twist: Option<&Twist>) -> Outcome {
    let segments = call.segments();
    let place = Place::of(&segments).ok_or_else(|| Refusal::new(404, "404 page not found"))?;
    let method = call.method.as_str();
    if !place.methods().contains(&method) || (method == "PATCH" && !state.world.settings.patch_supported) {
        return Err(Refusal::new(405, "Method not allowed"));
    }
    if let Some(answer) = root(place, &state.world.settings) {
        return Ok(answer);
    }
    let token = token(state, call)?.clone();
    let outcome = place.check_ids().and_then(|()| place.check_access(state, &token, method)).and_then(|()| {
        match (method, place) {
            ("POST", Place::Items(vault)) => writes::create(state, call, vault, twist),
            ("PUT", Place::Item(vault, item)) => writes::replace(state, call, vault, item, twist),
            ("PATCH", Place::Item(vault, item)) => patch::patch(state, call, vault, item, twist),
            ("DELETE", Place::Item(vault, item)) => writes::delete(state, vault, item, twist),
            (_, Place::Vaults) => reads::vaults(state, call, &token),
            (_, Place::Vault(vault)) => reads::vault(state, vault),
            (_, Place::Items(vault)) => reads::items(state, call, vault),
            (_, Place::Item(vault, item)) => reads::item(state, vault, item, twist),
            (_, Place::Files(vault, item)) => reads::files(state, call, vault, item),
            (_, Place::File(vault, item, file)) => reads::file(state, call, vault, item, file),
            (_, Place::Content(vault, item, file)) => reads::content(state, vault, item, file),
            (_, Place::Heartbeat | Place::Health | Place::Metrics | Place::Activity) => state.activity.show(call),
        }
    });
    note(state, call, place, outcome.is_ok());
    outcome
}

/// What's answered without a token.
fn root(place: Place<'_>, settings: &Settings) -> Option<Answer> {
    match place {
        Place::Heartbeat => Some(Answer::text("text/plain; charset=utf-8", ".")),
        Place::Metrics => Some(Answer::text(
            "text/plain; version=0.0.4; charset=utf-8",
            "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\ngo_goroutines 12\n",
        )),
        Place::Health => Some(Answer::json(json!({
            "name": "1Password Connect API",
            "version": settings.server_version.as_deref().unwrap_or("1.2.0"),
            "dependencies": [
                { "service": "sync", "status": settings.sync_status },
                { "service": "sqlite", "status": "ACTIVE", "message": "Connected to /home/opuser/.op/data/1password.sqlite" },
                { "service": "account_123", "status": "ACTIVE" },
            ],
        }))),
        Place::Activity
        | Place::Vaults
        | Place::Vault(_)
        | Place::Items(_)
        | Place::Item(..)
        | Place::Files(..)
        | Place::File(..)
        | Place::Content(..) => None,
    }
}

fn note(state: &mut State, call: &Call, place: Place<'_>, succeeded: bool) {
    let Some(vault) = place.vault() else { return };
    let item = place.item().map(|item| (item, state.world.item(vault, item).map(Item::version)));
    state.activity.add(call, succeeded, vault, item);
}

impl<'a> Place<'a> {
    fn of(segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            ["heartbeat"] => Self::Heartbeat,
            ["health"] => Self::Health,
            ["metrics"] => Self::Metrics,
            ["v1", "activity"] => Self::Activity,
            ["v1", "vaults"] => Self::Vaults,
            ["v1", "vaults", vault] => Self::Vault(vault),
            ["v1", "vaults", vault, "items"] => Self::Items(vault),
            ["v1", "vaults", vault, "items", item] => Self::Item(vault, item),
            ["v1", "vaults", vault, "items", item, "files"] => Self::Files(vault, item),
            ["v1", "vaults", vault, "items", item, "files", file] => Self::File(vault, item, file),
            ["v1", "vaults", vault, "items", item, "files", file, "content"] => Self::Content(vault, item, file),
            _ => return None,
        })
    }

    fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Items(_) => &["GET", "POST"],
            Self::Item(..) => &["GET", "PUT", "PATCH", "DELETE"],
            Self::Heartbeat
            | Self::Health
            | Self::Metrics
            | Self::Activity
            | Self::Vaults
            | Self::Vault(_)
            | Self::Files(..)
            | Self::File(..)
            | Self::Content(..) => &["GET"],
        }
    }

    fn vault(self) -> Option<&'a str> {
        match self {
            Self::Heartbeat | Self::Health | Self::Metrics | Self::Activity | Self::Vaults => None,
            Self::Vault(vault)
            | Self::Items(vault)
            | Self::Item(vault, _)
            | Self::Files(vault, _)
            | Self::File(vault, ..)
            | Self::Content(vault, ..) => Some(vault),
        }
    }

    fn item(self) -> Option<&'a str> {
        match self {
            Self::Heartbeat
            | Self::Health
            | Self::Metrics
            | Self::Activity
            | Self::Vaults
            | Self::Vault(_)
            | Self::Items(_) => None,
            Self::Item(_, item) | Self::Files(_, item) | Self::File(_, item, _) | Self::Content(_, item, _) => {
                Some(item)
            }
        }
    }

    fn check_ids(self) -> Result<(), Refusal> {
        if self.vault().is_some_and(|vault| !is_id(vault)) {
            return Err(invalid("Invalid Vault UUID"));
        }
        if self.item().is_some_and(|item| !is_id(item)) {
            return Err(invalid("Invalid Item UUID"));
        }
        Ok(())
    }

    fn check_access(self, state: &State, token: &Token, method: &str) -> Result<(), Refusal> {
        let Some(vault) = self.vault() else { return Ok(()) };
        let settings = &state.world.settings;
        let right = token.vaults.get(vault);
        let hidden = match (state.world.vault(vault), right) {
            (None, _) => settings.missing_vault_status,
            (Some(_), None) => settings.out_of_scope_vault_status,
            (Some(_), Some(Right::Read)) if method != "GET" => {
                return Err(no_write_access(settings.missing_write_right_status, method, vault));
            }
            (Some(_), Some(_)) => return Ok(()),
        };
        Err(match hidden {
            Hidden::NotInScope => Refusal::new(403, format!("vault {vault} is not in scope")),
            Hidden::NotFound => Refusal::new(404, format!("vault {vault} not found")),
        })
    }
}

fn no_write_access(status: NoRight, method: &str, vault: &str) -> Refusal {
    let action = match method {
        "POST" => "create",
        "DELETE" => "delete",
        _ => "update",
    };
    match status {
        NoRight::Unauthorized => {
            Refusal::new(401, "Unauthorized Request, token does not have write access to the Vault")
        }
        NoRight::Forbidden => Refusal::new(
            403,
            format!("Authorization: token does not have permission to perform {action} on vault {vault}"),
        ),
    }
}
