//! Resources: what there is and what this principal may do, as documents; and completion of paths.

use std::borrow::Cow;

use rmcp::ErrorData;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, CompletionInfo, ListResourceTemplatesResult, ListResourcesResult,
    ReadResourceResponse, ReadResourceResult, Reference as CompletionOf, Resource, ResourceContents, ResourceTemplate,
};
use serde::Serialize;

use super::server::protocol_error;
use super::{Toolbox, guarded, invalid};
use crate::authz::{Call, Refusal, Settled};
use crate::broker::{Done, ListQuery, Listed};
use crate::model::{Action, ClientName, PathPrefix, Reference};

const SECRETS: &str = "opward://secrets";
const MY_POLICY: &str = "opward://policy/mine";
const ONE_SECRET: &str = "opward://secrets/{+path}";
const JSON: &str = "application/json";

/// How many items `opward://secrets` shows; more are a matter for list_secrets' pages.
const MAX_ITEMS: usize = 500;

pub(super) fn list() -> ListResourcesResult {
    let secrets = resource(SECRETS, "secrets", "Secrets", "The secrets you may know of; never values.");
    let policy = resource(MY_POLICY, "policy", "My policy", "The rules that speak of you.");
    ListResourcesResult::with_all_items(vec![secrets, policy])
}

fn resource(uri: &str, name: &str, title: &str, description: &str) -> Resource {
    Resource::new(uri, name).with_title(title).with_description(description).with_mime_type(JSON)
}

pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = ResourceTemplate::new(ONE_SECRET, "secret")
        .with_title("Secret")
        .with_description("One secret's metadata by path; never a value.")
        .with_mime_type(JSON);
    ListResourceTemplatesResult::with_all_items(vec![template])
}

#[derive(Serialize)]
struct Secrets {
    secrets: Vec<Listed>,
    more: bool,
}

pub(super) async fn read(toolbox: &Toolbox, uri: &str, client: ClientName) -> Result<ReadResourceResponse, ErrorData> {
    let call = toolbox.session.call(client, None);
    guarded::text(toolbox, &call, Action::Describe, "uri", uri).await.map_err(refused)?;
    let text = match uri {
        SECRETS => {
            let query = ListQuery { limit: MAX_ITEMS, ..ListQuery::default() };
            let Done { body, settled } = toolbox.broker.list(&call, &query).await.map_err(refused)?;
            document(&Secrets { more: body.more_after.is_some(), secrets: body.secrets }, &settled)?
        }
        MY_POLICY => {
            let pending = call.look(Action::Describe).await.map_err(refused)?;
            let rules = call.rules();
            document(&rules, &pending.done().await.map_err(|error| refused(error.into()))?)?
        }
        other => match other.strip_prefix("opward://secrets/").map(|path| Reference::parse(&expanded(path))) {
            Some(Ok(reference)) => {
                let Done { body, settled } = toolbox.broker.describe(&call, &reference).await.map_err(refused)?;
                document(&body, &settled)?
            }
            Some(Err(error)) => return Err(refused(unreadable(&call, error.to_string()).await)),
            None => return Err(ErrorData::resource_not_found("there's no such resource", None)),
        },
    };
    let contents = ResourceContents::text(text, uri).with_mime_type(JSON);
    let result = ReadResourceResult::new(vec![contents]);
    Ok(result.with_ttl_ms(0).with_cache_scope(rmcp::model::CacheScope::Private).into())
}

/// Undoes what a client's expansion of the template did to a path: blanks and everything beyond
/// ASCII are percent-encoded, while `%2F` and `%25`, which a path writes itself, stay as they are.
/// What isn't such an encoding is left for the path's own reader to refuse.
fn expanded(encoded: &str) -> Cow<'_, str> {
    if !encoded.contains('%') {
        return Cow::Borrowed(encoded);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let byte = rest.first_chunk::<3>().copied().and_then(triplet);
        match byte {
            Some(byte) if !matches!(byte, b'/' | b'%') => {
                decoded.push(byte);
                rest = rest.get(3..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(decoded).map_or(Cow::Borrowed(encoded), Cow::Owned)
}

fn triplet([percent, high, low]: [u8; 3]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    (percent == b'%').then_some(())?;
    Some((digit(high)? << 4) | digit(low)?)
}

async fn unreadable(call: &Call, why: String) -> Refusal {
    call.fail(Action::Describe, None, invalid(why, "list_secrets shows the paths there are")).await
}

/// A document can be shown once what led to it is recorded.
fn document<T: Serialize>(body: &T, _proof: &Settled) -> Result<String, ErrorData> {
    serde_json::to_string(body).map_err(|_| ErrorData::internal_error("the document couldn't be written as JSON", None))
}

fn refused(refusal: Refusal) -> ErrorData {
    protocol_error(&refusal.into_error())
}

/// Completes the `path` of the resource template, which is also how clients complete a tool's path.
pub(super) async fn complete(
    toolbox: &Toolbox,
    request: &CompleteRequestParams,
    client: ClientName,
) -> Result<CompleteResult, ErrorData> {
    let about_path = matches!(&request.r#ref, CompletionOf::Resource(template) if template.uri == ONE_SECRET)
        && request.argument.name == "path";
    if !about_path {
        return Ok(CompleteResult::default());
    }
    let call = toolbox.session.call(client, None);
    guarded::text(toolbox, &call, Action::List, "path", &request.argument.value).await.map_err(refused)?;
    let prefix = match request.argument.value.as_str() {
        "" => PathPrefix::everything(),
        // A text that can't begin a path has no completions.
        text => match PathPrefix::parse(text) {
            Ok(prefix) => prefix,
            Err(_) => return Ok(CompleteResult::default()),
        },
    };
    let Done { body, settled } =
        toolbox.broker.complete(&call, &prefix, CompletionInfo::MAX_VALUES).await.map_err(refused)?;
    shown(body, &settled)
}

fn shown(values: Vec<String>, _proof: &Settled) -> Result<CompleteResult, ErrorData> {
    CompletionInfo::new(values).map(CompleteResult::new).map_err(|why| ErrorData::internal_error(why, None))
}

#[cfg(test)]
mod tests {
    use super::expanded;

    #[test]
    fn what_a_template_encodes_is_undone_and_a_paths_own_escapes_stay() {
        for (encoded, path) in [
            ("V/I", "V/I"),
            ("V/Root%20CA", "V/Root CA"),
            ("V/A%2FB%20100%25", "V/A%2FB 100%25"),
            ("V/%C3%A9", "V/é"),
            ("V/%252F", "V/%252F"),
            ("V/%2", "V/%2"),
            ("V/%ff", "V/%ff"),
            ("V/%é", "V/%é"),
        ] {
            assert_eq!(expanded(encoded), path);
        }
    }
}
