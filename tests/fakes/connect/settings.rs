//! What couldn't be confirmed about the real server, as switches.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The switches, each with its default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub(crate) struct Settings {
    /// The status for a vault that doesn't exist: 403 or 404.
    pub(crate) missing_vault_status: Hidden,
    /// The status for a vault that exists and isn't the token's: 403 or 404.
    pub(crate) out_of_scope_vault_status: Hidden,
    /// The status for a write with a token that may only read: 401 or 403.
    pub(crate) missing_write_right_status: NoRight,
    /// Whether PUT refuses a document whose `version` isn't the stored one, with 409.
    pub(crate) put_compares_version: bool,
    /// Whether lists hold archived items.
    pub(crate) archived_listed: bool,
    /// Whether an archived item can be read by its id.
    pub(crate) archived_readable: bool,
    /// Whether filters tell upper case from lower case.
    pub(crate) filter_case_sensitive: bool,
    /// What a backslash means in a filter's value.
    pub(crate) filter_escapes: Escapes,
    /// What PUT does to fields of unknown kinds, and to what an item holds that Connect doesn't show (`_hidden`).
    pub(crate) put_unknown_fields: Unknown,
    /// Whether PUT without the notes leaves them in place.
    pub(crate) notes_survive_put: bool,
    /// Whether PUT without the files leaves them in place.
    pub(crate) files_survive_put: bool,
    /// Whether there's PATCH at all.
    pub(crate) patch_supported: bool,
    /// Whether adding a field with PATCH also makes the section that it names.
    pub(crate) patch_adds_sections: bool,
    /// Whether replies repeat `generate` and `recipe`.
    pub(crate) echo_generate: bool,
    /// The server's time zone, in which it reads dates: minutes east of Greenwich.
    pub(crate) zone_offset_minutes: i32,
    /// The largest file that goes into JSON, in KiB.
    pub(crate) max_inline_file_size_kb: usize,
    /// What the version header says; none before 1.3.0.
    pub(crate) server_version: Option<String>,
    /// What `/health` says of the synchronisation: `ACTIVE`, `TOKEN_NEEDED`.
    pub(crate) sync_status: String,
    /// How long each request takes, in milliseconds.
    pub(crate) latency_ms: u64,
}

/// How a vault that can't be seen is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub(crate) enum Hidden {
    NotInScope,
    NotFound,
}

/// How a write without the right to it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub(crate) enum NoRight {
    Unauthorized,
    Forbidden,
}

/// What a backslash means in a filter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Escapes {
    /// What it means in a JSON string.
    Json,
    /// Itself: a quotation mark can't be asked for.
    None,
}

/// What becomes of things that Connect doesn't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unknown {
    Keep,
    Destroy,
}

impl Settings {
    /// Takes over the settings named in an object.
    pub(crate) fn merge(&self, change: &Value) -> Result<Self, String> {
        let change = change.as_object().ok_or("settings are an object")?;
        let mut merged = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(all) = merged.as_object_mut() {
            all.extend(change.clone());
        }
        serde_json::from_value(merged).map_err(|error| error.to_string())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            missing_vault_status: Hidden::NotFound,
            out_of_scope_vault_status: Hidden::NotInScope,
            missing_write_right_status: NoRight::Unauthorized,
            put_compares_version: false,
            archived_listed: false,
            archived_readable: true,
            filter_case_sensitive: true,
            filter_escapes: Escapes::Json,
            put_unknown_fields: Unknown::Destroy,
            notes_survive_put: false,
            files_survive_put: true,
            patch_supported: true,
            patch_adds_sections: false,
            echo_generate: false,
            zone_offset_minutes: 0,
            max_inline_file_size_kb: 100,
            server_version: Some("1.8.1".to_owned()),
            sync_status: "ACTIVE".to_owned(),
            latency_ms: 0,
        }
    }
}

impl TryFrom<u16> for Hidden {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        match status {
            403 => Ok(Self::NotInScope),
            404 => Ok(Self::NotFound),
            _ => Err("it's 403 or 404"),
        }
    }
}

impl From<Hidden> for u16 {
    fn from(hidden: Hidden) -> Self {
        match hidden {
            Hidden::NotInScope => 403,
            Hidden::NotFound => 404,
        }
    }
}

impl TryFrom<u16> for NoRight {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        match status {
            401 => Ok(Self::Unauthorized),
            403 => Ok(Self::Forbidden),
            _ => Err("it's 401 or 403"),
        }
    }
}

impl From<NoRight> for u16 {
    fn from(no_right: NoRight) -> Self {
        match no_right {
            NoRight::Unauthorized => 401,
            NoRight::Forbidden => 403,
        }
    }
}
