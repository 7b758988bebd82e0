//! Whether a document can be sent back without losing what isn't in it.

use serde_json::Value;

use super::Document;
use super::fields::is_known_kind;
use super::head::text;
use crate::custody::source::onepassword::failure::Failure;
use crate::model::Category;

impl Document {
    /// Refuses an item that a write of the whole would damage: 1Password destroys passkeys so, loses
    /// SSH keys, and nobody knows what becomes of kinds it doesn't name.
    pub(in crate::custody::source::onepassword) fn check_can_be_replaced(&self) -> Result<(), Failure> {
        let fields = self.list("fields");
        let has_passkey =
            |json: &Value| json.as_object().is_some_and(|json| json.keys().any(|key| is_about_passkeys(key)));
        if has_passkey(&self.0) || fields.iter().any(has_passkey) {
            return Err(Failure::Unsupported(
                "the item holds a passkey, which 1Password destroys when the item is written",
            ));
        }
        let kind = |field: &Value| text(field, "type").unwrap_or_default().to_ascii_uppercase();
        let mut kinds = fields.iter().map(kind);
        if self.category() == Category::SshKey || kinds.clone().any(|kind| kind == "SSHKEY") {
            return Err(Failure::Unsupported("1Password loses SSH keys when their item is written"));
        }
        if kinds.any(|kind| !is_known_kind(&kind)) {
            return Err(Failure::Unsupported("the item holds a kind of field that might not survive a write"));
        }
        Ok(())
    }
}

fn is_about_passkeys(key: &str) -> bool {
    key.to_ascii_lowercase().contains("passkey")
}
