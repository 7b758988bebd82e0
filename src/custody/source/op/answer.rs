//! What's read of `op`'s answers besides items.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::invocation::is_id;
use crate::custody::source::onepassword::backend::RemoteVault;
use crate::model::{ItemId, VaultId};

/// One of a service account's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// What's limited: `token`, by the hour, or `account`, by the day.
    pub scope: LimitScope,
    /// Which requests count.
    pub counts: Counted,
    /// How many are allowed.
    pub limit: u64,
    /// How many have been made.
    pub used: u64,
    /// How many are left.
    pub remaining: u64,
    /// When it begins anew; `None` before the first request.
    pub reset: Option<Duration>,
}

/// Whom a limit holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitScope {
    /// This service account, within an hour.
    Token,
    /// All service accounts together, within a day.
    Account,
}

/// Which requests a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Those that read.
    Reads,
    /// Those that write.
    Writes,
    /// All of them.
    All,
}

#[derive(Deserialize)]
struct VaultRow {
    id: String,
    name: String,
    description: Option<String>,
}

/// Reads a list of vaults; `None` if it's none.
pub(super) fn vaults(json: &[u8]) -> Option<Vec<RemoteVault>> {
    let rows: Vec<VaultRow> = serde_json::from_slice(json).ok()?;
    let vault = |row: VaultRow| {
        let VaultRow { id, name, description } = row;
        is_id(&id).then(|| RemoteVault { id: VaultId::new(&id), name, description })
    };
    rows.into_iter().map(vault).collect()
}

/// Reads the id of an item that was made; `None` if there's none.
pub(super) fn id(json: &[u8]) -> Option<ItemId> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    let made: Made = serde_json::from_slice(json).ok()?;
    is_id(&made.id).then(|| ItemId::new(&made.id))
}

/// Reads a service account's limits; `None` if they aren't any. Rows of other kinds are left out.
pub(super) fn rate_limits(json: &[u8]) -> Option<Vec<RateLimit>> {
    let rows: Vec<Value> = serde_json::from_slice(json).ok()?;
    Some(rows.iter().filter_map(rate_limit).collect())
}

fn rate_limit(row: &Value) -> Option<RateLimit> {
    let number = |key| row.get(key).and_then(Value::as_u64);
    let scope = match row.get("type")?.as_str()? {
        "token" => LimitScope::Token,
        "account" => LimitScope::Account,
        _ => return None,
    };
    let counts = match row.get("action")?.as_str()? {
        "read" => Counted::Reads,
        "write" => Counted::Writes,
        "read_write" => Counted::All,
        _ => return None,
    };
    let reset = number("reset").filter(|&seconds| seconds > 0).map(Duration::from_secs);
    let (limit, used, remaining) = (number("limit")?, number("used")?, number("remaining")?);
    Some(RateLimit { scope, counts, limit, used, remaining, reset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_vaults_of_every_version() {
        let json = br#"[
            {"id": "abcdefghijklmnopqrstuvwx12", "name": "Production", "content_version": 7},
            {"id": "abcdefghijklmnopqrstuvwx34", "name": "A/B \"c\"", "content_version": 1, "items": 3,
             "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z"}
        ]"#;
        let names: Vec<_> = vaults(json).unwrap().into_iter().map(|vault| vault.name).collect();
        assert_eq!(names, ["Production", "A/B \"c\""]);
        assert_eq!(vaults(b"[]"), Some(Vec::new()));
    }

    #[test]
    fn knows_what_is_no_list_of_vaults() {
        for bad in [
            "",
            "{}",
            "[{}]",
            "null",
            r#"[{"id": "--help", "name": "x"}]"#,
            r#"[{"id": "abcdefghijklmnopqrstuvwx12"}]"#,
        ] {
            assert_eq!(vaults(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(vaults(b"[{\"id\": \"abcdefghijklmnopqrstuvwx12\", \"name\": \"\xff\"}]"), None);
    }

    #[test]
    fn reads_limits_and_leaves_out_what_it_does_not_know() {
        let json = br#"[
            {"type": "token", "action": "read", "limit": 1000, "used": 12, "remaining": 988, "reset": 3540},
            {"type": "token", "action": "write", "limit": 100, "used": 0, "remaining": 100, "reset": 0},
            {"type": "account", "action": "read_write", "limit": 1000, "used": 12, "remaining": 988, "reset": null},
            {"type": "moon", "action": "read", "limit": 1, "used": 0, "remaining": 1, "reset": 1}
        ]"#;
        let limits = rate_limits(json).unwrap();
        let [reads, writes, all] = &limits[..] else { panic!("{limits:?}") };
        assert_eq!((reads.counts, reads.used, reads.reset), (Counted::Reads, 12, Some(Duration::from_mins(59))));
        assert_eq!((writes.counts, writes.remaining, writes.reset), (Counted::Writes, 100, None));
        assert_eq!((all.scope, all.counts, all.limit), (LimitScope::Account, Counted::All, 1000));
        assert_eq!(rate_limits(b"{}"), None);
    }
}
