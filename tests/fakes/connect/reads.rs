//! What can be read.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Content, Outcome, Refusal};
use crate::call::Call;
use crate::faults::Twist;
use crate::filter::Filter;
use crate::item::{Item, decode, text};
use crate::state::State;
use crate::world::Token;
use crate::writes;

pub(crate) fn vaults(state: &State, call: &Call, token: &Token) -> Outcome {
    // The specification says `name`; two of the official clients say `title`.
    let filter = filter(state, call, &["name", "title"])?;
    let granted =
        state.world.vaults.iter().filter(|vault| text(vault, "id").is_some_and(|id| token.vaults.contains_key(id)));
    let named = granted
        .filter(|vault| filter.as_ref().is_none_or(|filter| filter.holds(text(vault, "name").unwrap_or_default())));
    Ok(Answer::json(named.map(|vault| state.world.show_vault(vault)).collect()))
}

pub(crate) fn vault(state: &State, id: &str) -> Outcome {
    let vault = state.world.vault(id).map(|vault| state.world.show_vault(vault));
    vault.map(Answer::json).ok_or_else(|| Refusal::new(404, format!("vault {id} not found")))
}

pub(crate) fn items(state: &State, call: &Call, vault: &str) -> Outcome {
    let filter = filter(state, call, &["title", "tag"])?;
    let fits = |item: &Item| match &filter {
        None => true,
        Some(filter) if filter.attribute == "tag" => item.tags().any(|tag| filter.holds(tag)),
        Some(filter) => filter.holds(item.title()),
    };
    let archived = state.world.settings.archived_listed;
    let listed = state.list(vault).into_iter().filter(|item| archived || !item.is_put_away());
    Ok(Answer::json(listed.filter(fits).map(|item| item.overview()).collect()))
}

pub(crate) fn item(state: &mut State, vault: &str, id: &str, twist: Option<&Twist>) -> Outcome {
    let answer = Answer::json(find(state, vault, id)?.details());
    if let Some(Twist::VersionBump { field, value }) = twist {
        writes::meddle(state, id, field, value);
    }
    Ok(answer)
}

pub(crate) fn files(state: &mut State, call: &Call, vault: &str, item: &str) -> Outcome {
    let inline = call.flag("inline_files")?;
    let item = find(state, vault, item)?;
    let files = item.files().filter_map(|file| file.as_object().cloned());
    let shown: Result<Vec<Value>, Refusal> = files.map(|file| show_file(state, file, inline)).collect();
    shown.map(|shown| Answer::json(Value::Array(shown)))
}

pub(crate) fn file(state: &mut State, call: &Call, vault: &str, item: &str, id: &str) -> Outcome {
    let inline = call.flag("inline_files")?;
    let file = find_file(state, vault, item, id)?;
    show_file(state, file, inline).map(Answer::json)
}

pub(crate) fn content(state: &mut State, vault: &str, item: &str, id: &str) -> Outcome {
    let file = find_file(state, vault, item, id)?;
    let name = text(&file, "name").unwrap_or(id).replace('"', "");
    let bytes = content_of(state, &file);
    let answer = Answer { status: 200, headers: Vec::new(), content: Content::Bytes(bytes) };
    Ok(answer.with_header("Content-Disposition", format!("attachment; filename=\"{name}\"")))
}

fn filter(state: &State, call: &Call, attributes: &[&str]) -> Result<Option<Filter>, Refusal> {
    let filter = call.parameter("filter")?.unwrap_or_default();
    Filter::parse(&filter, attributes, &state.world.settings)
}

fn find(state: &mut State, vault: &str, id: &str) -> Result<Item, Refusal> {
    let readable = state.world.settings.archived_readable;
    let item = state.read(vault, id).filter(|item| readable || !item.is_put_away());
    item.ok_or_else(|| Refusal::new(404, format!("item {id} not found")))
}

fn find_file(state: &mut State, vault: &str, item: &str, id: &str) -> Result<Map<String, Value>, Refusal> {
    let item = find(state, vault, item)?;
    item.file(id).ok_or_else(|| Refusal::new(404, format!("file {id} not found")))
}

fn content_of(state: &State, file: &Map<String, Value>) -> Vec<u8> {
    text(file, "id").and_then(|id| state.world.files.get(id)).map(|content| decode(content)).unwrap_or_default()
}

fn show_file(state: &State, mut file: Map<String, Value>, inline: bool) -> Result<Value, Refusal> {
    if inline {
        let content = content_of(state, &file);
        if content.len() > state.world.settings.max_inline_file_size_kb * 1024 {
            let path = text(&file, "content_path").unwrap_or_default();
            let message = format!("File is too large to inline in request. Use the {path} endpoint instead.");
            return Err(Refusal::new(413, message));
        }
        file.insert("content".to_owned(), json!(BASE64_STANDARD.encode(content)));
    }
    Ok(Value::Object(file))
}
