//! What was asked, for tests that count.

use serde_json::{Map, Value, json};

use crate::call::Call;

/// The requests, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<(u64, Value)>,
    next: u64,
}

/// Which entry a request has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry(u64);

impl Journal {
    /// Notes a request before it's answered. What a token says is never kept.
    pub(crate) fn begin(&mut self, call: &Call, token_is_known: bool) -> Entry {
        let mut headers: Map<String, Value> =
            call.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let authorization = match (call.header("authorization"), token_is_known) {
            (None, _) => Value::Null,
            (Some(_), true) => json!("ok"),
            (Some(_), false) => json!("bad"),
        };
        headers.insert("authorization".to_owned(), authorization);
        let mut entry = json!({
            "method": call.method, "path": call.path, "query": call.query, "status": null, "headers": headers,
        });
        if let Some(entry) = entry.as_object_mut().filter(|_| !call.body.is_empty()) {
            let text = || json!(String::from_utf8_lossy(&call.body));
            entry.insert("body".to_owned(), serde_json::from_slice(&call.body).unwrap_or_else(|_| text()));
        }
        let id = self.next;
        self.next += 1;
        self.entries.push((id, entry));
        Entry(id)
    }

    /// Notes what a request was answered with; one without an answer keeps `null`.
    pub(crate) fn end(&mut self, Entry(id): Entry, status: u16) {
        let found = self.entries.iter_mut().find(|(known, _)| *known == id);
        if let Some(entry) = found.and_then(|(_, entry)| entry.as_object_mut()) {
            entry.insert("status".to_owned(), json!(status));
        }
    }

    pub(crate) fn show(&self) -> Value {
        self.entries.iter().map(|(_, entry)| entry.clone()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}
