//! What an agent puts into arguments: values it was never given, and what no tool expects.

use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::super::failure::Failure;
use super::agent::Answer;
use super::canary::Canaries;
use super::finding::{Attacker, Finding};
use super::tools::{gave, shows, with};
use super::world::World;

/// After so many leaks nothing more is taken from somebody, so the next go to another server.
const LEAKS: usize = 5;

/// One argument of a tool, with a value in it.
struct Leak {
    tool: String,
    name: String,
    arguments: Value,
}

/// Passes on a value that it wasn't given, as somebody does who has it from elsewhere.
pub(super) async fn attack(world: &World) -> Result<Finding, Failure> {
    let leaks = leaks(&tools(world).await?, &world.closed.value);
    let parts = futures_util::future::join_all(leaks.chunks(LEAKS).map(|leaks| pass_on(world, leaks))).await;
    let parts = parts.into_iter().collect::<Result<Vec<Vec<String>>, _>>()?;
    Ok(Finding::judged(
        Attacker::Agent,
        "an argument that holds a value its caller was never given is refused, by every tool",
        leaks.len(),
        parts.concat(),
    ))
}

/// What no tool expects: everything is refused, and the server goes on.
pub(super) async fn rubbish(world: &World) -> Result<Finding, Failure> {
    let agent = world.agent().await?;
    let (mut attempts, mut by) = (0, Vec::new());
    let deep = (0..100).fold(json!("deep"), |inner, _| json!([inner]));
    let long = "A/".repeat(100_000);
    let all = [json!(7), json!([]), json!({ "$ref": "op://Closed/Database/password" }), deep, json!(long)];
    for tool in agent.tools().await? {
        for (name, _) in properties(&tool).into_iter().filter(|(_, kind)| *kind == "string") {
            for rubbish in &all {
                let answer = agent.tries(&tool.name, with(plausible(&tool), name, rubbish.clone())).await?;
                attempts += 1;
                by.extend(shows(&format!("{} `{name}`", tool.name), &answer, &world.canaries));
            }
        }
    }
    let unknown = agent.tries("read_all_secrets", json!({})).await?;
    by.extend((!unknown.refused).then(|| "a tool that isn't there answered".to_owned()));
    let after = agent.tries("list_vaults", json!({})).await?;
    by.extend((after.refused && after.code() != "rate_limited").then(|| "the server no longer answers".to_owned()));
    world.part(agent).await?;
    let promise = "whatever a message holds, it gives nothing away and the server goes on";
    Ok(Finding::judged(Attacker::Agent, promise, attempts + 1, by))
}

async fn tools(world: &World) -> Result<Vec<Tool>, Failure> {
    let agent = world.agent().await?;
    let tools = agent.tools().await;
    world.part(agent).await?;
    tools
}

async fn pass_on(world: &World, leaks: &[Leak]) -> Result<Vec<String>, Failure> {
    let agent = world.agent().await?;
    let mut by = Vec::new();
    for Leak { tool, name, arguments } in leaks {
        let answer = agent.tries(tool, arguments.clone()).await?;
        by.extend(taken(&format!("{tool} `{name}`"), &answer, &world.canaries));
    }
    world.part(agent).await?;
    Ok(by)
}

/// It has to be refused for what it holds, and not by chance for something else.
fn taken(attempt: &str, answer: &Answer, canaries: &Canaries) -> Option<String> {
    let otherwise =
        || (answer.code() != "denied").then(|| format!("{attempt} is refused for another reason: {}", answer.code()));
    gave(attempt, answer, canaries, true).or_else(otherwise)
}

/// One text of each tool, the reason where it takes one, and everything that may have texts in it.
fn leaks(tools: &[Tool], value: &str) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for tool in tools {
        let all = properties(tool);
        let text = all.iter().find(|(name, _)| *name == "reason").or(all.iter().find(|(_, kind)| *kind == "string"));
        let deeper = all.iter().filter(|(name, kind)| *kind != "string" || matches!(*name, "value" | "body" | "path"));
        let mut chosen: Vec<&(&str, &str)> = text.into_iter().chain(deeper).collect();
        chosen.sort_unstable();
        chosen.dedup();
        for (name, kind) in chosen {
            let told = match *kind {
                "array" => json!([value]),
                "object" => json!({ "x": { "y": [value] } }),
                _ => json!(format!("see: {value}")),
            };
            let arguments = with(plausible(tool), name, told);
            leaks.push(Leak { tool: tool.name.to_string(), name: (*name).to_owned(), arguments });
        }
    }
    leaks
}

/// A tool's arguments, with their types.
fn properties(tool: &Tool) -> Vec<(&str, &str)> {
    let properties = tool.input_schema.get("properties").and_then(Value::as_object);
    let kind = |schema: &Value| -> Option<&'static str> {
        let named = schema.get("type")?;
        let is = |word: &str| named == word || named.as_array().is_some_and(|all| all.contains(&json!(word)));
        ["string", "array", "object"].into_iter().find(|word| is(word))
    };
    // What has no type, or one that's named elsewhere, takes a text.
    let all = properties.into_iter().flatten();
    all.filter_map(|(name, schema)| {
        let typed = schema.get("type").is_some();
        let kind = if typed { kind(schema)? } else { "string" };
        Some((name.as_str(), kind))
    })
    .collect()
}

/// Arguments that a tool would take.
fn plausible(tool: &Tool) -> Value {
    let usual = |name: &str| match name {
        "path" if tool.name == "http_request" => json!("/v1/x"),
        "path" => json!("Open/Readable/password"),
        "name" if tool.name == "http_request" => json!("api"),
        "name" => json!("waits-not"),
        "method" => json!("GET"),
        "action" => json!("read"),
        "if_version" => json!(999),
        _ => json!("x"),
    };
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    Value::Object(names.map(|name| (name.to_owned(), usual(name))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::super::canary::Canary;
    use super::*;

    #[test]
    fn a_value_that_is_taken_or_refused_by_chance_breaks_the_promise() {
        let canaries = Canaries::new([Canary::new("the value")]);
        let answer = |refused, code: &str| {
            let value = json!({ "error": { "code": code } });
            Answer { text: value.to_string(), value, refused }
        };
        assert_eq!(taken("x", &answer(true, "denied"), &canaries), None);
        for code in ["invalid", "not_found", "rate_limited", ""] {
            assert!(taken("x", &answer(true, code), &canaries).is_some(), "{code}");
        }
        assert!(taken("x", &answer(false, ""), &canaries).is_some());
    }
}
