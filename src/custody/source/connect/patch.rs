//! The smallest write there is: one field's value.

use reqwest::Method;
use serde::Serialize;
use zeroize::Zeroizing;

use super::ConnectClient;
use crate::custody::source::onepassword::backend::ItemKey;
use crate::custody::source::onepassword::failure::Failure;
use crate::custody::value::SecretValue;
use crate::model::FieldId;

/// A change as RFC 6902 has it. Connect addresses fields by their ids.
#[derive(Serialize)]
struct Replace<'a> {
    op: &'static str,
    path: String,
    value: &'a str,
}

/// The most bytes that a byte of text takes in JSON: `\u0000`.
const WIDEST: usize = 6;

impl ConnectClient {
    /// Sets one field's value and leaves all else in the item alone, what this program doesn't
    /// understand included.
    ///
    /// None of 1Password's own programs does it this way, so only reading back tells what came of it.
    pub(super) async fn patch_value(
        &self,
        item: &ItemKey,
        field: &FieldId,
        value: &SecretValue,
    ) -> Result<(), Failure> {
        self.change(Method::PATCH, item, patch(field, value)?).await
    }
}

fn patch(field: &FieldId, value: &SecretValue) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let id = field.as_str();
    // How the server would read an escaped id is anybody's guess.
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        return Err(Failure::Unsupported("the field's id can't be written in a path; nothing was written"));
    }
    let value = std::str::from_utf8(value.plaintext())
        .map_err(|_| Failure::Rejected { detail: "1Password keeps only text; nothing was written" })?;
    let path = format!("/fields/{id}/value");
    // Large enough from the start: a buffer that grows leaves copies behind.
    let mut json = Zeroizing::new(Vec::with_capacity(64 + path.len() + WIDEST * value.len()));
    let patch = [Replace { op: "replace", path, value }];
    serde_json::to_writer(&mut *json, &patch).map_err(|_| Failure::Unsupported("the value can't be sent"))?;
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> SecretValue {
        SecretValue::new(value.to_owned())
    }

    #[test]
    fn names_the_field_by_its_id_and_keeps_every_character() {
        let json = patch(&FieldId::new("TOTP_obe3-1"), &text("a\"b\\c\n\u{0}\u{1f}é")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let expected = serde_json::json!([
            {"op": "replace", "path": "/fields/TOTP_obe3-1/value", "value": "a\"b\\c\n\u{0}\u{1f}é"}
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn never_grows_its_buffer() {
        let id = FieldId::new(&"x".repeat(200));
        let json = patch(&id, &text(&"\u{1}".repeat(1000))).unwrap();
        assert_eq!(json.capacity(), 64 + "/fields//value".len() + 200 + WIDEST * 1000);
    }

    #[test]
    fn refuses_ids_and_values_that_cannot_be_carried() {
        for id in ["", "a/b", "a~b", "..", "é", "a b"] {
            assert!(matches!(patch(&FieldId::new(id), &text("v")), Err(Failure::Unsupported(_))), "{id}");
        }
        let binary = SecretValue::from_bytes(vec![0xff]);
        assert!(matches!(patch(&FieldId::new("a"), &binary), Err(Failure::Rejected { .. })));
    }
}
