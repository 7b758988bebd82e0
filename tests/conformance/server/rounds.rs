//! Tools and a prompt that are told what they need in rounds, as the protocol without sessions has it: an answer says
//! what's missing, and the client asks again with it.

use std::time::Duration;

use rmcp::model::{
    CallToolResponse, ClientCapabilities, InputRequest, InputRequests, InputRequiredResult, InputResponses, SealOptions,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::asking::parsed;
use crate::content::says;
use crate::fixtures::Call;

/// How long a client may take from one round to the next.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the client is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Elicitation,
    Sampling,
    Roots,
}

/// A question, under the name that its answer will have.
type Question = (&'static str, Need, Value);

impl Need {
    fn offered(self, context: &RequestContext<RoleServer>) -> bool {
        context.client_capabilities().is_some_and(|client| match self {
            Self::Elicitation => client.elicitation.is_some(),
            Self::Sampling => client.sampling.is_some(),
            Self::Roots => client.roots.is_some(),
        })
    }

    /// Refuses a client that doesn't offer this.
    pub(crate) fn demanded(self, context: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
        if self.offered(context) {
            return Ok(());
        }
        let name = match self {
            Self::Elicitation => "elicitation",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        };
        let missing: ClientCapabilities = parsed(json!({ name: {} }))?;
        Err(ErrorData::missing_required_client_capability(missing))
    }
}

/// A form with one required field.
pub(crate) fn form(name: &'static str, message: &str, field: &str, kind: &str) -> Question {
    let asked = json!({
        "method": "elicitation/create",
        "params": {
            "mode": "form",
            "message": message,
            "requestedSchema": { "type": "object", "properties": { field: { "type": kind } }, "required": [field] },
        },
    });
    (name, Need::Elicitation, asked)
}

fn sample(name: &'static str, prompt: &str, most: u32) -> Question {
    let asked = json!({
        "method": "sampling/createMessage",
        "params": {
            "messages": [{ "role": "user", "content": { "type": "text", "text": prompt } }],
            "maxTokens": most,
        },
    });
    (name, Need::Sampling, asked)
}

fn roots(name: &'static str) -> Question {
    (name, Need::Roots, json!({ "method": "roots/list", "params": {} }))
}

/// Asks, if the client offers to be asked all that.
pub(crate) fn ask(
    context: &RequestContext<RoleServer>,
    questions: Vec<Question>,
    state: Option<String>,
) -> Result<InputRequiredResult, ErrorData> {
    let mut asked = InputRequests::new();
    for (name, need, request) in questions {
        need.demanded(context)?;
        let request: InputRequest = parsed(request)?;
        asked.insert(name.to_owned(), request);
    }
    Ok(InputRequiredResult::new(Some(asked), state))
}

/// What was filled into a form; `None` if it isn't there, was declined or is nothing like an answer.
pub(crate) fn filled<'a>(answers: Option<&'a InputResponses>, name: &str) -> Option<&'a Value> {
    let answer = answers?.get(name)?;
    (answer.get("action")?.as_str()? == "accept").then_some(answer)?.get("content")
}

/// What a client gave back for a question that isn't a form: an object with this key.
fn given<'a>(answers: Option<&'a InputResponses>, name: &str, key: &str) -> Option<&'a Value> {
    answers?.get(name)?.get(key)
}

fn word<'a>(content: &'a Value, field: &str) -> Option<&'a str> {
    content.get(field).and_then(Value::as_str)
}

impl Call {
    fn answers(&self) -> Option<&InputResponses> {
        self.request.input_responses.as_ref()
    }

    fn asks(&self, questions: Vec<Question>) -> Result<CallToolResponse, ErrorData> {
        ask(&self.context, questions, None).map(CallToolResponse::from)
    }

    /// Asks, and has the client carry something until it answers.
    fn asks_carrying(&self, questions: Vec<Question>, carried: &Value) -> Result<CallToolResponse, ErrorData> {
        let options = SealOptions::new().associated_data(self.request.name.as_bytes()).ttl(PATIENCE);
        let sealed = self.server.states().seal_with(carried.to_string().as_bytes(), &options);
        ask(&self.context, questions, Some(sealed)).map(CallToolResponse::from)
    }

    /// What the client carried, if it's from this tool, unchanged and not too old.
    fn carried(&self) -> Result<Option<Value>, ErrorData> {
        let Some(sealed) = &self.request.request_state else { return Ok(None) };
        let invalid = || ErrorData::invalid_params("the requestState is not one of this tool's, or is too old", None);
        let opened = self.server.states().open_with(sealed, self.request.name.as_bytes()).map_err(|_| invalid())?;
        serde_json::from_slice(&opened).map(Some).map_err(|_| invalid())
    }
}

pub(crate) fn needs_sampling(call: &Call) -> Result<CallToolResponse, ErrorData> {
    Need::Sampling.demanded(&call.context)?;
    Ok(says("the client offers sampling"))
}

pub(crate) fn elicitation(call: &Call) -> Result<CallToolResponse, ErrorData> {
    match filled(call.answers(), "user_name").and_then(|content| word(content, "name")) {
        Some(name) => Ok(says(format!("Hello, {name}!"))),
        None => call.asks(vec![form("user_name", "What is your name?", "name", "string")]),
    }
}

pub(crate) fn sampling(call: &Call) -> Result<CallToolResponse, ErrorData> {
    match given(call.answers(), "capital_question", "content") {
        Some(content) => Ok(says(content.to_string())),
        None => call.asks(vec![sample("capital_question", "What is the capital of France?", 100)]),
    }
}

pub(crate) fn list_roots(call: &Call) -> Result<CallToolResponse, ErrorData> {
    match given(call.answers(), "client_roots", "roots") {
        Some(roots) => Ok(says(format!("The roots are {roots}"))),
        None => call.asks(vec![roots("client_roots")]),
    }
}

/// For `test_input_required_result_request_state` and `…_tampered_state`, which differ in what the client does.
pub(crate) fn state(call: &Call) -> Result<CallToolResponse, ErrorData> {
    let carried = call.carried()?;
    let confirmed = filled(call.answers(), "confirm").and_then(|content| content.get("ok")).and_then(Value::as_bool);
    if carried.is_some() && confirmed.is_some() {
        return Ok(says("state-ok"));
    }
    let question = form("confirm", "Please confirm", "ok", "boolean");
    call.asks_carrying(vec![question], &json!({ "asked": "confirm" }))
}

pub(crate) fn several(call: &Call) -> Result<CallToolResponse, ErrorData> {
    let carried = call.carried()?;
    let name = filled(call.answers(), "user_name").and_then(|content| word(content, "name"));
    let greeting = given(call.answers(), "greeting", "content");
    let folders = given(call.answers(), "client_roots", "roots");
    if let (Some(_), Some(name), Some(greeting), Some(folders)) = (carried, name, greeting, folders) {
        return Ok(says(format!("{name}: {greeting}; {folders}")));
    }
    let questions = vec![
        form("user_name", "What is your name?", "name", "string"),
        sample("greeting", "Generate a greeting", 50),
        roots("client_roots"),
    ];
    call.asks_carrying(questions, &json!({ "asked": "everything" }))
}

pub(crate) fn multi_round(call: &Call) -> Result<CallToolResponse, ErrorData> {
    let carried = call.carried()?;
    let known = carried.as_ref().and_then(|carried| word(carried, "name"));
    let name = filled(call.answers(), "step1").and_then(|content| word(content, "name"));
    let color = filled(call.answers(), "step2").and_then(|content| word(content, "color"));
    match (carried.is_some(), known, name, color) {
        (true, Some(name), _, Some(color)) => Ok(says(format!("{name} likes {color}"))),
        (true, Some(name), ..) | (true, None, Some(name), _) => {
            let question = form("step2", "Step 2: What is your favorite color?", "color", "string");
            call.asks_carrying(vec![question], &json!({ "name": name }))
        }
        _ => {
            let question = form("step1", "Step 1: What is your name?", "name", "string");
            call.asks_carrying(vec![question], &json!({}))
        }
    }
}

/// Asks what the client can be asked.
pub(crate) fn capabilities(call: &Call) -> Result<CallToolResponse, ErrorData> {
    if call.answers().is_some_and(|answers| !answers.is_empty()) {
        return Ok(says("answered"));
    }
    let mut questions =
        vec![form("user_name", "What is your name?", "name", "string"), sample("greeting", "Greet", 50)];
    questions.retain(|(_, need, _)| need.offered(&call.context));
    if questions.is_empty() {
        Need::Elicitation.demanded(&call.context)?;
    }
    call.asks(questions)
}
