//! What can go wrong, and when.
//!
//! A rule is `{ "on": { "method": "GET" or null, "path": "part of path?query" or null }, "times": n or null, "do": … }`.
//! Each request takes the first rule that fits it and its kind of fault; `times` is how many requests a rule is for,
//! null or missing means all (but once for the `once` and `first` ones).
//!
//! | `do` | what happens | was it done? |
//! |---|---|---|
//! | `{"status":429,"message":"…","headers":{"Retry-After":"7"}}` | this answer; `"body"` gives it raw | no |
//! | `{"html":502}` | a proxy's page | no |
//! | `"reset"` | the connection is gone, no answer | no |
//! | `"reset_after_commit"` | the same | yes |
//! | `{"hang":"before_headers"}` | no byte, ever | no |
//! | `{"hang":"after_headers"}` | the headers and no body | yes |
//! | `{"slow_body_bytes_per_s":1}` | the body drips | yes |
//! | `"truncated_body"` | half of the body, then the end | yes |
//! | `"wrong_json"` | JSON of another shape | yes |
//! | `"broken_json"` | JSON that stops in the middle, at its proper length | yes |
//! | `{"huge_body":bytes}` | the right JSON, padded with blanks, in chunks; with `"declared":true` its length is told | yes |
//! | `{"delay_ms":n}` | the right answer, later | yes |
//! | `{"stale_reads":n}` | on a write: the item reads and lists as before, for n reads of it | yes |
//! | `{"missing_after_create":n}` | on POST: the new item isn't there for n reads of it | yes |
//! | `"conflict_once"` | on a write: 409 | no |
//! | `"version_bump"` | somebody else changes the item: before a write, or after a read if `on.method` is `"GET"`; `{"version_bump":{"field":"<id>","value":"…"}}` says what | yes |
//! | `"accepted_but_lost"` | on a write: the answer of success | no |
//! | `"spurious_403"` | the token seems to have no access to the vault | no |
//! | `"first_request_401"` | the token seems wrong | no |
//! | `"delete_500"` | on DELETE: "Something went wrong" | no |

use serde_json::{Map, Value};

use crate::answer::{Answer, Content, Refusal};

/// A fault and the requests it's for.
#[derive(Debug)]
struct Rule {
    method: Option<String>,
    path: Option<String>,
    /// How many requests it's still for; none means all.
    left: Option<u64>,
    fault: Fault,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This is answered, and nothing done.
    Answer(Answer),
    Reset,
    ResetAfterCommit,
    HangBeforeHeaders,
    HangAfterHeaders,
    SlowBody(u32),
    TruncatedBody,
    WrongJson,
    BrokenJson,
    HugeBody {
        bytes: usize,
        declared: bool,
    },
    Delay(u64),
    Conflict,
    NoAccess,
    Delete500,
    Twist(Twist),
}

/// What goes wrong beneath an answer that looks right.
#[derive(Debug, Clone)]
pub(crate) enum Twist {
    StaleReads(u64),
    MissingAfterCreate(u64),
    /// Somebody else sets this field to this value.
    VersionBump {
        field: String,
        value: String,
    },
    AcceptedButLost,
}

/// The rules, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Rule>);

impl Faults {
    /// Appends rules: all of them, or none if one can't be read.
    pub(crate) fn append(&mut self, rules: &Value) -> Result<(), String> {
        let rules = rules.as_array().ok_or("faults are a list")?;
        let rules: Vec<Rule> = rules.iter().map(Rule::parse).collect::<Result<_, _>>()?;
        self.0.extend(rules);
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault of this request.
    pub(crate) fn take(&mut self, method: &str, target: &str) -> Option<Fault> {
        let rule = self.0.iter_mut().find(|rule| rule.fits(method, target))?;
        let fault = rule.fault.clone();
        if let Some(left) = &mut rule.left {
            *left -= 1;
        }
        self.0.retain(|rule| rule.left != Some(0));
        Some(fault)
    }
}

impl Rule {
    fn parse(rule: &Value) -> Result<Self, String> {
        let rule = object(rule, "a fault", &["on", "times", "do"])?;
        let fault = rule.get("do").ok_or("a fault needs `do`")?;
        let nothing = Value::Object(Map::new());
        let on = rule.get("on").filter(|on| !on.is_null()).unwrap_or(&nothing);
        let on = object(on, "`on`", &["method", "path"])?;
        let word = |key: &str| match on.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(word)) => Ok(Some(word.clone())),
            Some(_) => Err(format!("`on.{key}` is a text or null")),
        };
        let once = matches!(fault.as_str(), Some("conflict_once" | "first_request_401"));
        let left = match rule.get("times") {
            None | Some(Value::Null) => once.then_some(1),
            Some(times) => Some(times.as_u64().filter(|times| *times > 0).ok_or("`times` is 1 or more, or null")?),
        };
        Ok(Self { method: word("method")?, path: word("path")?, left, fault: Fault::parse(fault)? })
    }

    fn fits(&self, method: &str, target: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|part| target.contains(part))
            && self.fault.concerns(method, self.method.is_some())
    }
}

impl Fault {
    fn parse(fault: &Value) -> Result<Self, String> {
        let number = |value: &Value| value.as_u64().ok_or_else(|| format!("{value} is no count"));
        let Some(fault) = fault.as_object() else {
            return Self::named(fault.as_str().unwrap_or_default()).ok_or_else(|| format!("unknown fault {fault}"));
        };
        if let Some(bytes) = fault.get("huge_body") {
            let declared = fault.get("declared").and_then(Value::as_bool).unwrap_or_default();
            let bytes = usize::try_from(number(bytes)?).map_err(|error| error.to_string())?;
            return Ok(Self::HugeBody { bytes, declared });
        }
        if let Some(status) = fault.get("status") {
            return answer(small(status)?, fault).map(Self::Answer);
        }
        let mut keys = fault.iter();
        let (Some((key, value)), None) = (keys.next(), keys.next()) else {
            return Err("a fault has one key".to_owned());
        };
        Ok(match key.as_str() {
            "html" => Self::Answer(page(small(value)?)),
            "hang" => match value.as_str() {
                Some("before_headers") => Self::HangBeforeHeaders,
                Some("after_headers") => Self::HangAfterHeaders,
                _ => return Err("it hangs before_headers or after_headers".to_owned()),
            },
            "slow_body_bytes_per_s" => {
                Self::SlowBody(u32::try_from(number(value)?.max(1)).map_err(|error| error.to_string())?)
            }
            "delay_ms" => Self::Delay(number(value)?),
            "stale_reads" => Self::Twist(Twist::StaleReads(number(value)?)),
            "missing_after_create" => Self::Twist(Twist::MissingAfterCreate(number(value)?)),
            "version_bump" => {
                let change = object(value, "version_bump", &["field", "value"])?;
                let word = |key: &str| change.get(key).and_then(Value::as_str).map(str::to_owned);
                let (field, value) = word("field").zip(word("value")).ok_or("version_bump needs field and value")?;
                Self::Twist(Twist::VersionBump { field, value })
            }
            other => return Err(format!("unknown fault {other}")),
        })
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "reset" => Self::Reset,
            "reset_after_commit" => Self::ResetAfterCommit,
            "truncated_body" => Self::TruncatedBody,
            "wrong_json" => Self::WrongJson,
            "broken_json" => Self::BrokenJson,
            "conflict_once" => Self::Conflict,
            "version_bump" => Self::Twist(Twist::VersionBump {
                field: "notesPlain".to_owned(),
                value: "changed by somebody else".to_owned(),
            }),
            "accepted_but_lost" => Self::Twist(Twist::AcceptedButLost),
            "spurious_403" => Self::NoAccess,
            "first_request_401" => Self::Answer(Refusal::new(401, "Invalid bearer token").into()),
            "delete_500" => Self::Delete500,
            _ => return None,
        })
    }

    /// Whether it can happen to such a request.
    fn concerns(&self, method: &str, method_named: bool) -> bool {
        let write = matches!(method, "POST" | "PUT" | "PATCH" | "DELETE");
        match self {
            Self::Conflict | Self::Twist(Twist::StaleReads(_) | Twist::AcceptedButLost) => write,
            Self::Twist(Twist::MissingAfterCreate(_)) => method == "POST",
            Self::Twist(Twist::VersionBump { .. }) => (write && method != "POST") || (method_named && method == "GET"),
            Self::Delete500 => method == "DELETE",
            Self::Answer(_)
            | Self::Reset
            | Self::ResetAfterCommit
            | Self::HangBeforeHeaders
            | Self::HangAfterHeaders
            | Self::SlowBody(_)
            | Self::TruncatedBody
            | Self::WrongJson
            | Self::BrokenJson
            | Self::HugeBody { .. }
            | Self::Delay(_)
            | Self::NoAccess => true,
        }
    }
}

fn object<'a>(value: &'a Value, what: &str, keys: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let object = value.as_object().ok_or_else(|| format!("{what} is an object"))?;
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(unknown) => Err(format!("{what} has no {unknown}")),
        None => Ok(object),
    }
}

fn small(value: &Value) -> Result<u16, String> {
    value.as_u64().and_then(|status| u16::try_from(status).ok()).ok_or_else(|| format!("{value} is no status"))
}

fn answer(status: u16, fault: &Map<String, Value>) -> Result<Answer, String> {
    let message = fault.get("message").and_then(Value::as_str).unwrap_or_default();
    let mut answer = Answer::from(Refusal::new(status, message));
    if let Some(body) = fault.get("body") {
        let text = body.as_str().ok_or("`body` is a text")?.to_owned();
        answer.content = Content::Text { kind: "application/json", text };
    }
    if let Some(headers) = fault.get("headers") {
        for (name, value) in headers.as_object().ok_or("`headers` is an object")? {
            answer = answer.with_header(name, value.as_str().ok_or("a header is a text")?);
        }
    }
    Ok(answer)
}

/// What a proxy says when the server behind it doesn't.
fn page(status: u16) -> Answer {
    let text = format!(
        "<html>\r\n<head><title>{status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>{status} Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    Answer { status, ..Answer::text("text/html", text) }
}
