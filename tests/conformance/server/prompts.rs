//! The prompts.

use rmcp::model::{
    ContentBlock, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt, PromptArgument, PromptMessage,
    ResourceContents, Role,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use crate::content::PNG;
use crate::rounds::{ask, filled, form};

pub(crate) fn all() -> Vec<Prompt> {
    let required = |name: &str, what: &str| PromptArgument::new(name).with_description(what).with_required(true);
    let prompt = |name: &str, what: &str, arguments: Vec<PromptArgument>| {
        Prompt::new(name, Some(what), (!arguments.is_empty()).then_some(arguments))
    };
    vec![
        prompt("test_simple_prompt", "A prompt without arguments", vec![]),
        prompt(
            "test_prompt_with_arguments",
            "A prompt with arguments",
            vec![required("arg1", "First test argument"), required("arg2", "Second test argument")],
        ),
        prompt(
            "test_prompt_with_embedded_resource",
            "A prompt with a resource in it",
            vec![required("resourceUri", "URI of the resource to embed")],
        ),
        prompt("test_prompt_with_image", "A prompt with an image in it", vec![]),
        prompt("test_input_required_result_prompt", "A prompt that asks for its context", vec![]),
    ]
}

pub(crate) fn get(
    request: &GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name)).and_then(Value::as_str);
        value.ok_or_else(|| ErrorData::invalid_params(format!("{name} is missing"), None))
    };
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![user(ContentBlock::text("This is a simple prompt for testing."))],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            vec![user(ContentBlock::text(format!("Prompt with arguments: arg1='{first}', arg2='{second}'")))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = ResourceContents::text("Embedded resource content for testing.", argument("resourceUri")?);
            vec![
                user(ContentBlock::resource(resource.with_mime_type("text/plain"))),
                user(ContentBlock::text("Please process the embedded resource above.")),
            ]
        }
        "test_prompt_with_image" => vec![
            user(ContentBlock::image(PNG, "image/png")),
            user(ContentBlock::text("Please analyze the image above.")),
        ],
        "test_input_required_result_prompt" => {
            let answers = request.input_responses.as_ref();
            let told =
                filled(answers, "user_context").and_then(|content| content.get("context")).and_then(Value::as_str);
            let Some(told) = told else {
                let question = form("user_context", "What context should the prompt use?", "context", "string");
                return ask(context, vec![question], None).map(GetPromptResponse::from);
            };
            vec![user(ContentBlock::text(format!("Use this context: {told}")))]
        }
        _ => return Err(ErrorData::invalid_params("there's no such prompt", None)),
    };
    Ok(GetPromptResult::new(messages).into())
}

/// What the argument of a prompt may go on to be.
pub(crate) fn completions(begun: &str) -> Vec<String> {
    ["paris", "park", "party", "test"].into_iter().filter(|word| word.starts_with(begun)).map(str::to_owned).collect()
}

fn user(content: ContentBlock) -> PromptMessage {
    PromptMessage::new(Role::User, content)
}
