//! Sending a request to a place that the policy names, with the value it names.

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::{Broker, Done};
use super::asked::of_request;
use super::{Opened, notes};
use crate::audit::CameTo;
use crate::authz::{Call, Refusal};
use crate::egress::{Answer, NotSent, Outgoing, PlainPath, Slot};
use crate::memory::Payload;
use crate::model::{Action, ErrorCode, PublicError};
use crate::policy::{HttpEntry, Inject};

/// The most bytes of an answer's body that are passed on.
const MOST_ANSWER: usize = 256 * 1024;

/// The caller's part of a request.
#[derive(Debug, Default)]
pub struct Asking {
    /// The entry's name.
    pub name: String,
    /// The method.
    pub method: String,
    /// The path, absolute on the entry's host.
    pub path: String,
    /// The query.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Responded {
    /// The status.
    pub status: u16,
    /// The headers that are passed on, with values hidden.
    pub headers: Map<String, Value>,
    /// The body, with values hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How often something was hidden.
    pub redactions: u64,
    /// Whether there was more of it.
    pub truncated: bool,
    /// The caller's headers that weren't sent: they'd say where the request goes, or as whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub left_out: Vec<String>,
    /// Why there's no body, and which headers are withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Broker {
    /// Sends a request to a place of the policy.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn send_request(&self, call: &Call, asking: Asking) -> Result<Done<Responded>, Refusal> {
        let Some(entry) = call.http_entry(&asking.name) else {
            return Err(call.deny_delivery().await);
        };
        let delivery = entry.delivery();
        let references = [&entry.secret];
        let wanted = self.secrets(call, &delivery, &references).await?;
        let (method, path) = match permitted(&entry, &asking) {
            Ok(permitted) => permitted,
            Err(error) => return Err(call.fail(Action::Use, None, error).await),
        };
        let asked = self.asked(call, of_request(&method, path.as_str(), &asking.query)).await;
        let opened = self.open_for(call, &delivery, asked.as_ref(), wanted).await?;
        let Some(payload) = opened.payloads().pop() else { return Err(Refusal::internal()) };
        let outgoing = outgoing(&entry, method, path, asking, payload);
        match self.0.sender.send(outgoing).await {
            Ok(answer) => {
                let body = responded(&opened, answer);
                let came_to = CameTo::Status(body.status);
                Ok(Done { body, settled: opened.done(came_to, None).await? })
            }
            Err(not_sent) => {
                tracing::warn!(entry = %entry.name, %not_sent, "a request came to nothing");
                Err(opened.refused(explained(&not_sent)).await)
            }
        }
    }
}

/// The method and the path, if the entry has them.
fn permitted(entry: &HttpEntry, asking: &Asking) -> Result<(http::Method, PlainPath), PublicError> {
    let invalid =
        |message: String| PublicError::new(ErrorCode::Invalid, message, "list_actions shows what each entry permits");
    let path = PlainPath::parse(&asking.path).map_err(|error| invalid(error.to_string()))?;
    let method = http::Method::from_bytes(asking.method.as_bytes())
        .ok()
        .filter(|method| entry.methods.contains(method))
        .ok_or_else(|| {
            invalid(format!("the entry doesn't permit this method, only {}", notes::listed(&entry.methods)))
        })?;
    if !entry.permits(&method, path.as_str()) {
        return Err(invalid(format!(
            "the entry doesn't permit this path, only {}: `*` stands for what's in one segment, `**` for any segments, and \
             a `/` at the end makes another path",
            notes::listed(&entry.paths)
        )));
    }
    Ok((method, path))
}

fn outgoing(entry: &HttpEntry, method: http::Method, path: PlainPath, asking: Asking, secret: Payload) -> Outgoing {
    let slot = match &entry.inject {
        Inject::Header { name, format } => Slot::Header { name: name.to_string(), format: format.clone() },
        Inject::Query { name } => Slot::Query { name: name.clone() },
        Inject::Basic { username } => Slot::Basic { username: username.clone() },
    };
    Outgoing {
        base: entry.base.clone(),
        method,
        any_method: [http::Method::PUT, http::Method::PATCH, http::Method::DELETE]
            .iter()
            .all(|method| entry.methods.contains(method)),
        path,
        query: asking.query,
        headers: asking.headers,
        body: asking.body.map(Bytes::from),
        slot,
        secret,
        allow_private: entry.allow_private,
        timeout: entry.timeout,
        most_answer: MOST_ANSWER,
    }
}

fn responded(opened: &Opened, answer: Answer) -> Responded {
    let Answer { status, headers, headers_withheld, body, truncated, body_withheld, left_out } = answer;
    let redactor = opened.redactor("http_request");
    let mut redactions = 0;
    let mut hidden = |text: &[u8], goes_on: bool| {
        let redactor = redactor.as_ref()?;
        let (text, count) = if goes_on { redactor.apply_to_beginning(text) } else { redactor.apply(text) };
        redactions += count;
        Some(text)
    };
    let shown = shown_headers(&headers, &mut |text| hidden(text, false));
    let mut missing = headers_withheld.iter().map(ToString::to_string).collect::<Vec<_>>();
    missing.retain(|name| hidden(name.as_bytes(), false).is_some_and(|shown| shown == name.as_bytes()));
    let (body, why) = match body_withheld {
        Some(withheld) => (None, Some(withheld.to_string())),
        None => match hidden(&body, truncated).map(|body| as_text(body, truncated)) {
            None => (None, Some("the value is too short to be hidden, so there's neither body nor headers".to_owned())),
            Some(None) => (None, Some(notes::not_text(&headers).to_owned())),
            Some(text) => (text, None),
        },
    };
    let notes: Vec<String> = why.into_iter().chain(notes::withheld(&missing)).collect();
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    let left_out = left_out.iter().map(ToString::to_string).collect();
    Responded { status: status.as_u16(), headers: shown, body, redactions, truncated, left_out, note }
}

/// A body as text, if it is text. What was cut off may have been cut within a character.
fn as_text(body: Vec<u8>, truncated: bool) -> Option<String> {
    match String::from_utf8(body) {
        Ok(text) => Some(text),
        Err(error) if truncated && error.utf8_error().error_len().is_none() => {
            Some(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(_) => None,
    }
}

fn shown_headers(headers: &HeaderMap, hidden: &mut impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Map<String, Value> {
    let shown = headers.keys().filter_map(|name| {
        let values: Vec<&[u8]> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
        // A name can be as revealing as what it names.
        if hidden(name.as_str().as_bytes())? != name.as_str().as_bytes() {
            return None;
        }
        let text = hidden(&values.join(b", ".as_slice()))?;
        Some((name.to_string(), String::from_utf8_lossy(&text).into_owned().into()))
    });
    shown.collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else keeps an answer away, there's none")]
fn explained(not_sent: &NotSent) -> PublicError {
    match not_sent {
        NotSent::Invalid(why) => PublicError::new(ErrorCode::Invalid, why.clone(), "nothing was sent"),
        NotSent::Forbidden(why) => {
            PublicError::new(ErrorCode::Denied, why.clone(), "nothing was sent; tell the owner, who wrote the entry")
        }
        NotSent::NoConnection(why) => {
            let hint = "try again in a while; if it stays so, tell the owner, who wrote the entry";
            PublicError::new(ErrorCode::SourceUnavailable, why.clone(), hint)
        }
        other => PublicError::new(
            ErrorCode::SourceUnavailable,
            other.to_string(),
            "it may have been carried out all the same; look before you send it again",
        ),
    }
}
