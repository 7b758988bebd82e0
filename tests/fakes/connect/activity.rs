//! The server's own record of what was done with items, newest first.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Answer, Outcome, invalid};
use crate::call::Call;
use crate::item::now;

/// The record.
#[derive(Debug, Default)]
pub(crate) struct Activity(Vec<Value>);

impl Activity {
    pub(crate) fn add(&mut self, call: &Call, succeeded: bool, vault: &str, item: Option<(&str, Option<u64>)>) {
        let action = match call.method.as_str() {
            "POST" => "CREATE",
            "PUT" | "PATCH" => "UPDATE",
            "DELETE" => "DELETE",
            _ => "READ",
        };
        let mut resource = json!({ "type": "VAULT", "vault": { "id": vault } });
        if let Some((item, version)) = item {
            resource = json!({ "type": "ITEM", "vault": { "id": vault }, "item": { "id": item } });
            if let (Some(resource), Some(version)) = (resource.as_object_mut(), version) {
                resource.insert("itemVersion".to_owned(), json!(version));
            }
        }
        self.0.push(json!({
            "requestId": Uuid::now_v7(),
            "timestamp": now(),
            "action": action,
            "result": if succeeded { "SUCCESS" } else { "DENY" },
            "actor": {
                "id": "01890000-0000-7000-8000-000000000001",
                "account": "FAKEACCOUNTAAAAAAAAAAAAAAA",
                "jti": "faketokenaaaaaaaaaaaaaaaaa",
                "userAgent": call.header("user-agent").unwrap_or_default(),
                "requestIp": "127.0.0.1",
            },
            "resource": resource,
        }));
    }

    pub(crate) fn show(&self, call: &Call) -> Outcome {
        let number = |name: &str, usual: usize| match call.parameter(name)? {
            None => Ok(usual),
            Some(text) => text.parse().map_err(|_| invalid(format!("Invalid {name}"))),
        };
        let (limit, offset) = (number("limit", 50)?, number("offset", 0)?);
        let shown: Vec<Value> = self.0.iter().rev().skip(offset).take(limit).cloned().collect();
        let range = format!("{}-{}/{}", offset + 1, offset + shown.len(), self.0.len());
        Ok(Answer::json(Value::Array(shown)).with_header("Content-Range", range))
    }
}
