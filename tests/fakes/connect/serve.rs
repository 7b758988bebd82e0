//! From a request's bytes to an answer's, with all that can go wrong on the way.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::Response;
use serde_json::json;
use tokio::time::sleep;

use crate::answer::{Answer, Content, Refusal};
use crate::call::Call;
use crate::faults::{Fault, Twist};
use crate::journal::Entry;
use crate::line::{Shape, Switch};
use crate::state::State;
use crate::{api, control};

type Shared = Arc<Mutex<State>>;

/// The longest request it reads.
const LONGEST_BODY: usize = 64 << 20;

/// The whole server.
pub(crate) fn service(state: State) -> IntoMakeServiceWithConnectInfo<Router, Switch> {
    let router = Router::new().fallback(serve).with_state(Arc::new(Mutex::new(state)));
    router.into_make_service_with_connect_info()
}

async fn serve(
    Extract(state): Extract<Shared>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return Answer::from(Refusal::new(413, "Request entity too large")).into_response();
    };
    let call = Call::new(&parts, body.into());
    if call.path.starts_with("/_fake/") {
        return control::handle(&mut lock(&state), &call).into_response();
    }
    let (entry, fault, latency) = begin(&mut lock(&state), &call);
    if latency > 0 {
        sleep(Duration::from_millis(latency)).await;
    }
    match fault {
        Some(Fault::Delay(milliseconds)) => sleep(Duration::from_millis(milliseconds)).await,
        Some(Fault::HangBeforeHeaders) => pending().await,
        _ => {}
    }
    let (answer, shape) = {
        let mut state = lock(&state);
        let (mut answer, shape) = act(&mut state, &call, fault);
        if let Some(version) = &state.world.settings.server_version {
            answer = answer.with_header("1Password-Connect-Version", version.clone());
        }
        // No answer, no status.
        if shape != Shape::Reset {
            state.journal.end(entry, answer.status);
        }
        (answer, shape)
    };
    // Nobody is to use an unsound connection again.
    let answer = if shape == Shape::Sound { answer } else { answer.with_header("connection", "close") };
    switch.set(shape);
    answer.into_response()
}

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn begin(state: &mut State, call: &Call) -> (Entry, Option<Fault>, u64) {
    let known = api::token(state, call).is_ok();
    let entry = state.journal.begin(call, known);
    let target = match &call.query {
        Some(query) => format!("{}?{query}", call.path),
        None => call.path.clone(),
    };
    (entry, state.faults.take(&call.method, &target), state.world.settings.latency_ms)
}

/// What's answered, and how it's sent.
fn act(state: &mut State, call: &Call, fault: Option<Fault>) -> (Answer, Shape) {
    let mut done = |twist: Option<&Twist>| api::handle(state, call, twist);
    match fault {
        None | Some(Fault::Delay(_) | Fault::HangBeforeHeaders) => (done(None), Shape::Sound),
        Some(Fault::Twist(twist)) => (done(Some(&twist)), Shape::Sound),
        Some(Fault::Answer(answer)) => (answer, Shape::Sound),
        Some(Fault::Reset) => (Answer::no_content(), Shape::Reset),
        Some(Fault::ResetAfterCommit) => (done(None), Shape::Reset),
        Some(Fault::HangAfterHeaders) => (done(None), Shape::HangAfterHeaders),
        Some(Fault::SlowBody(rate)) => (done(None), Shape::Slow(rate)),
        Some(Fault::TruncatedBody) => {
            let answer = done(None);
            let half = length(&answer) / 2;
            (answer, Shape::CutAfter(half))
        }
        Some(Fault::WrongJson) => (wrong(done(None)), Shape::Sound),
        Some(Fault::BrokenJson) => (broken(done(None)), Shape::Sound),
        Some(Fault::HugeBody { bytes, declared }) => {
            let answer = done(None);
            let (status, headers) = (answer.status, answer.headers.clone());
            let content = Content::Padded { json: answer.into_json(), bytes, declared };
            (Answer { status, headers, content }, Shape::Sound)
        }
        Some(Fault::Conflict) => (Refusal::new(409, "Conflict").into(), Shape::Sound),
        Some(Fault::NoAccess) => {
            let vault = call.segments().get(2).copied().unwrap_or_default().to_owned();
            let message = format!("Authorization: token does not have access to vault {vault}");
            (Refusal::new(403, message).into(), Shape::Sound)
        }
        Some(Fault::Delete500) => (Refusal::new(500, "Something went wrong").into(), Shape::Sound),
    }
}

fn length(answer: &Answer) -> usize {
    match &answer.content {
        Content::Nothing => 0,
        Content::Json(json) | Content::Padded { json, .. } => json.to_string().len(),
        Content::Text { text, .. } => text.len(),
        Content::Bytes(bytes) => bytes.len(),
    }
}

/// The same success with JSON of another shape: an object for a list, a list for an object.
fn wrong(answer: Answer) -> Answer {
    let (status, headers) = (answer.status, answer.headers.clone());
    let json = if answer.into_json().is_array() {
        json!({ "message": "canary-wrong-shape" })
    } else {
        json!(["canary-wrong-shape"])
    };
    Answer { status: if status == 204 { 200 } else { status }, headers, content: Content::Json(json) }
}

/// The same success with half of its JSON.
fn broken(answer: Answer) -> Answer {
    let (status, headers) = (answer.status, answer.headers.clone());
    let text = answer.into_json().to_string();
    let text = text.chars().take(text.chars().count() / 2).collect();
    let content = Content::Text { kind: "application/json", text };
    Answer { status: if status == 204 { 200 } else { status }, headers, content }
}
