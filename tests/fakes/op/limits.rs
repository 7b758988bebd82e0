//! What a command costs in requests, and the end of a service account's allowance.

use serde_json::{Value, json};

use crate::auth::{Identity, Kind};
use crate::faults;
use crate::lookup::is_id;
use crate::reply::Refusal;
use crate::world::World;

/// Requests of each kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
}

impl Cost {
    pub(crate) fn reads(reads: u64) -> Self {
        Self { reads, writes: 0 }
    }

    /// Reading one item: its vault and itself have to be found first, unless both are ids.
    pub(crate) fn item(vault: Option<&str>, item: &str) -> Self {
        let ids = vault.is_some_and(is_id) && is_id(item);
        Self::reads(if ids { 1 } else { 3 })
    }

    pub(crate) fn item_list(vault: Option<&str>, vaults: usize) -> Self {
        Self::reads(match vault {
            None => 1 + u64::try_from(vaults).unwrap_or_default(),
            Some(vault) if is_id(vault) => 2,
            Some(_) => 3,
        })
    }

    pub(crate) fn create(vault: Option<&str>) -> Self {
        Self { reads: u64::from(!vault.is_some_and(is_id)), writes: 1 }
    }

    pub(crate) fn change(vault: Option<&str>) -> Self {
        Self { reads: if vault.is_some_and(is_id) { 4 } else { 5 }, writes: 1 }
    }
}

/// Takes a command's requests from what's left, as far as it reaches.
pub(crate) fn charge(who: &Identity, cost: Cost, world: &mut World) -> Result<(), Refusal> {
    count(world.part_mut("spent"), cost);
    if who.kind != Kind::ServiceAccount || !world.part("limits").is_object() {
        return Ok(());
    }
    let left = |key: &str| world.part("limits").get(key).and_then(Value::as_u64);
    let (reads, writes) = (left("reads_left"), left("writes_left"));
    let short = reads.is_some_and(|left| left < cost.reads) || writes.is_some_and(|left| left < cost.writes);
    for (key, left, used) in [("reads_left", reads, cost.reads), ("writes_left", writes, cost.writes)] {
        if let (Some(left), Some(place)) = (left, world.part_mut("limits").get_mut(key)) {
            *place = json!(left.saturating_sub(used));
        }
    }
    if short { Err(faults::named("429", world)) } else { Ok(()) }
}

fn count(spent: &mut Value, cost: Cost) {
    let used = |key: &str| spent.get(key).and_then(Value::as_u64).unwrap_or_default();
    *spent = json!({ "reads": used("reads") + cost.reads, "writes": used("writes") + cost.writes });
}

/// What `op service-account ratelimit` shows.
pub(crate) fn table(world: &World) -> Value {
    let limits = world.part("limits");
    let row = |kind: &str, action: &str, limit: (&str, u64), left: &str| {
        let limit = limits.get(limit.0).and_then(Value::as_u64).unwrap_or(limit.1);
        let remaining = limits.get(left).and_then(Value::as_u64).unwrap_or(limit);
        let used = limit.saturating_sub(remaining);
        let reset = if used == 0 { json!(0) } else { limits.get("reset_s").cloned().unwrap_or(json!(3600)) };
        json!({ "type": kind, "action": action, "limit": limit, "used": used, "remaining": remaining, "reset": reset })
    };
    json!([
        row("token", "write", ("writes_limit", 100), "writes_left"),
        row("token", "read", ("reads_limit", 1000), "reads_left"),
        row("account", "read_write", ("account_limit", 1000), "account_left"),
    ])
}
