//! What tests steer the server with: `/_fake/…`, open to all.
//!
//! | request | does |
//! |---|---|
//! | `GET /_fake/requests` | the requests so far, in order: method, path, query, status (`null` without an answer), headers, body |
//! | `DELETE /_fake/requests` | forgets them |
//! | `GET /_fake/world` | all there is now, as a world's JSON |
//! | `PUT /_fake/item` | changes an item behind everybody's back, one version on, or adds it |
//! | `DELETE /_fake/item?id=…` | destroys it so |
//! | `PUT /_fake/vault` | changes or adds a vault |
//! | `PUT /_fake/token` | changes or adds a token: `{"token":"…","vaults":{}}` |
//! | `DELETE /_fake/token?token=…` | revokes it |
//! | `PUT /_fake/settings` | changes the settings it names |
//! | `POST /_fake/faults` | appends a list of faults |
//! | `DELETE /_fake/faults` | takes them all away |

use serde_json::Value;

use crate::answer::{Answer, Outcome, Refusal, invalid};
use crate::call::Call;
use crate::item::Item;
use crate::state::State;

/// Does what a test asks.
pub(crate) fn handle(state: &mut State, call: &Call) -> Answer {
    match steer(state, call) {
        Ok(answer) => answer,
        Err(refusal) => refusal.into(),
    }
}

fn steer(state: &mut State, call: &Call) -> Outcome {
    match (call.method.as_str(), call.segments().as_slice()) {
        ("GET", ["_fake", "requests"]) => return Ok(Answer::json(state.journal.show())),
        ("DELETE", ["_fake", "requests"]) => state.journal.clear(),
        ("GET", ["_fake", "world"]) => {
            return serde_json::to_value(&state.world).map(Answer::json).map_err(|error| invalid(error.to_string()));
        }
        ("PUT", ["_fake", "item"]) => return put_item(state, read(call)?),
        ("DELETE", ["_fake", "item"]) => {
            let id = call.parameter("id")?.unwrap_or_default();
            state.world.remove(&id).ok_or_else(|| Refusal::new(404, format!("item {id} not found")))?;
        }
        ("PUT", ["_fake", "vault"]) => state.world.put_vault(read(call)?).map_err(invalid)?,
        ("PUT", ["_fake", "token"]) => state.world.put_token(read(call)?),
        ("DELETE", ["_fake", "token"]) => {
            let token = call.parameter("token")?.unwrap_or_default();
            state.world.tokens.retain(|known| known.token != token);
        }
        ("PUT", ["_fake", "settings"]) => {
            state.world.settings = state.world.settings.merge(&call.json()?).map_err(invalid)?;
        }
        ("POST", ["_fake", "faults"]) => state.faults.append(&call.json()?).map_err(invalid)?,
        ("DELETE", ["_fake", "faults"]) => state.faults.clear(),
        _ => return Err(Refusal::new(404, "no such control")),
    }
    Ok(Answer::json(Value::Bool(true)))
}

fn put_item(state: &mut State, item: Item) -> Outcome {
    let mut item = state.world.complete(item).map_err(invalid)?;
    if let Some(stored) = state.world.items.iter().find(|stored| stored.id() == item.id()) {
        item.set_version(stored.version() + 1);
        item.touch();
    }
    state.world.put(item.clone());
    Ok(Answer::json(Value::Object(item.0)))
}

fn read<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body).map_err(|error| invalid(error.to_string()))
}
