//! What an agent tries with requests that it may send.

use std::borrow::Borrow;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::agent::{Agent, Answer};
use super::finding::{Attacker, Finding};
use super::tools::gave;
use super::world::World;

/// Entries of the policy that lead where no value may go, whatever the policy says of them.
const FORBIDDEN: [(&str, &str); 5] = [
    ("metadata", "/latest/meta-data"),
    ("metadata-v6", "/latest/meta-data"),
    ("metadata-mapped", "/latest/meta-data"),
    ("nowhere", "/v1/x"),
    ("private", "/v1/x"),
];

/// Makes every attempt of this kind.
pub(super) async fn attack(world: &World) -> Result<Vec<Finding>, Failure> {
    world.attempted(async |agent| attempts(world, agent).await).await
}

async fn attempts(world: &World, agent: &Agent) -> Result<Vec<Finding>, Failure> {
    Ok(vec![
        elsewhere(world, agent).await?,
        places(world, agent).await?,
        slots(world, agent).await?,
        echoed(world, agent).await?,
    ])
}

/// Paths and hosts that the entry doesn't have.
async fn elsewhere(world: &World, agent: &Agent) -> Result<Finding, Failure> {
    let trap = world.trap.port();
    let paths = [
        "/v2/keys".to_owned(),
        "/".to_owned(),
        "/v1/../v2/keys".to_owned(),
        "/v1/%2e%2e/v2/keys".to_owned(),
        "/v1/..%2fv2".to_owned(),
        "/v1/./x".to_owned(),
        "/v1//x".to_owned(),
        "/v1\\..\\v2".to_owned(),
        "v1/x".to_owned(),
        "/v1/x?key=1".to_owned(),
        "/v1/x#y".to_owned(),
        "/v1/x y".to_owned(),
        "/v1/x\r\nHost: elsewhere".to_owned(),
        "/v1/\u{0}".to_owned(),
        "/v1/x;@elsewhere".to_owned(),
        format!("http://127.0.0.1:{trap}/v1/x"),
        format!("//127.0.0.1:{trap}/v1/x"),
        format!("@127.0.0.1:{trap}/v1/x"),
        format!("/v1/@127.0.0.1:{trap}/../../x"),
        format!(":{trap}/v1/x"),
    ];
    let (mut attempts, mut by) = (0, Vec::new());
    for path in &paths {
        let answer = agent.tries("http_request", request("GET", path, json!({}))).await?;
        attempts += 1;
        // A path that's the entry's own by every reading may be sent.
        let stays = answer.text_at("/body").contains(&format!("\"uri\":\"{path}\"")) && path.starts_with("/v1/");
        by.extend(gave(&format!("path {path:?}"), &answer, &world.canaries, !stays));
    }
    for method in ["PUT", "DELETE", "CONNECT", "TRACE", "get", "GET / HTTP/1.1\r\nX:", ""] {
        let answer = agent.tries("http_request", request(method, "/v1/x", json!({}))).await?;
        attempts += 1;
        by.extend(gave(&format!("method {method:?}"), &answer, &world.canaries, true));
    }
    // What would say where it goes is left out, and what breaks a line is refused.
    for headers in [
        json!({ "Host": format!("127.0.0.1:{trap}") }),
        json!({ "X-Forwarded-Host": "elsewhere", "Forwarded": "host=elsewhere" }),
        json!({ "Proxy-Authorization": "x", "Connection": "Authorization", "Transfer-Encoding": "chunked" }),
        json!({ "X-A": "b\r\nHost: elsewhere" }),
        json!({ "X-A\r\nHost": "elsewhere" }),
        json!({ ":authority": "elsewhere" }),
    ] {
        let answer = agent.tries("http_request", request("GET", "/v1/x", json!({ "headers": headers }))).await?;
        attempts += 1;
        by.extend(gave(&format!("headers {headers}"), &answer, &world.canaries, false));
        by.extend(other_host(&answer, world.echo.port()));
    }
    let away = agent.tries("http_request", request("GET", "/v1/away", json!({}))).await?;
    by.extend(gave("a redirect", &away, &world.canaries, false));
    by.extend((away.value.get("status") != Some(&json!(302))).then(|| "a redirect was followed".to_owned()));
    by.extend(trapped(world.trapped.load(Ordering::Relaxed)));
    Ok(Finding::judged(
        Attacker::Agent,
        "a request goes to the host and paths its policy names and nowhere else, redirected or not",
        attempts + 1,
        by,
    ))
}

/// Places that no policy can open.
async fn places(world: &World, agent: &Agent) -> Result<Finding, Failure> {
    let (mut attempts, mut by) = (0, Vec::new());
    for (name, path) in FORBIDDEN {
        let mut asked = request("GET", path, json!({}));
        if let Some(asked) = asked.as_object_mut() {
            asked.insert("name".to_owned(), json!(name));
        }
        let answer = agent.tries("http_request", asked).await?;
        attempts += 1;
        by.extend(gave(name, &answer, &world.canaries, true));
        by.extend(dialled(name, &answer));
    }
    by.extend(trapped(world.trapped.load(Ordering::Relaxed)));
    Ok(Finding::judged(
        Attacker::Agent,
        "a machine's metadata is never dialled, even if the policy says so, nor a private network unless it does",
        attempts,
        by,
    ))
}

/// Credentials and references of the agent's own.
async fn slots(world: &World, agent: &Agent) -> Result<Finding, Failure> {
    let reference = "{{ op://Closed/Database/password }}";
    let mut by = Vec::new();
    let refused = [
        json!({ "body": reference }),
        json!({ "body": { "deep": [{ "er": reference }] } }),
        json!({ "body": "OP://Closed/Api/credential" }),
        json!({ "query": { "q": reference } }),
        json!({ "query": { reference: "q" } }),
        json!({ "headers": { "X-A": reference } }),
    ];
    for more in &refused {
        let method = if more.get("body").is_some() { "POST" } else { "GET" };
        let answer = agent.tries("http_request", request(method, "/v1/x", more.clone())).await?;
        by.extend(gave(&more.to_string(), &answer, &world.canaries, true));
    }
    let own = ["Authorization", "authorization", "Cookie", "X-Api-Key"];
    for name in own {
        let headers = json!({ "headers": { name: "Bearer of-my-own" } });
        let answer = agent.tries("http_request", request("GET", "/v1/x", headers)).await?;
        by.extend(gave(name, &answer, &world.canaries, false));
        let sent = sent(&answer, "authorization");
        by.extend(
            (name.eq_ignore_ascii_case("authorization") && sent.iter().any(|value| value.contains("of-my-own")))
                .then(|| format!("{name} of the agent's own was sent")),
        );
    }
    Ok(Finding::judged(
        Attacker::Agent,
        "the value goes into its one slot and nowhere else; a reference elsewhere is refused, a credential left out",
        refused.len() + own.len(),
        by,
    ))
}

/// A service that tells back what it was sent.
async fn echoed(world: &World, agent: &Agent) -> Result<Finding, Failure> {
    let (mut attempts, mut by) = (0, Vec::new());
    for name in ["api", "query", "basic"] {
        let mut asked = request("GET", "/v1/echo", json!({ "query": { "q": "x" } }));
        if let Some(asked) = asked.as_object_mut() {
            asked.insert("name".to_owned(), json!(name));
        }
        let answer = agent.tries("http_request", asked).await?;
        attempts += 1;
        by.extend(gave(&format!("the echo of {name}"), &answer, &world.canaries, false));
        by.extend(not_sent(name, &answer));
    }
    Ok(Finding::judged(
        Attacker::Agent,
        "a value that a service tells back is hidden, in headers and bodies, and no cookie comes back",
        attempts,
        by,
    ))
}

fn request(method: &str, path: &str, more: impl Borrow<Value>) -> Value {
    let mut all = more.borrow().as_object().cloned().unwrap_or_default();
    for (name, value) in [("name", "api"), ("method", method), ("path", path)] {
        all.insert(name.to_owned(), json!(value));
    }
    Value::Object(all)
}

/// What the service says it was sent under a header's name.
fn sent(answer: &Answer, header: &str) -> Vec<String> {
    let told: Value = serde_json::from_str(answer.text_at("/body")).unwrap_or_default();
    let headers = told.get("headers").and_then(Value::as_array).cloned().unwrap_or_default();
    let named = headers.iter().filter(|pair| pair.get(0) == Some(&json!(header)));
    named.filter_map(|pair| pair.get(1)?.as_str().map(str::to_owned)).collect()
}

fn other_host(answer: &Answer, port: u16) -> Option<String> {
    let hosts = sent(answer, "host");
    let wrong = !answer.refused && hosts != [format!("127.0.0.1:{port}")];
    wrong.then(|| format!("the service was told it's {hosts:?}"))
}

fn trapped(requests: usize) -> Option<String> {
    (requests > 0).then(|| format!("{requests} request(s) came to a place that nobody may reach"))
}

/// A place that was dialled is answered with what came of that.
fn dialled(name: &str, answer: &Answer) -> Option<String> {
    let said_no = answer.refused && answer.code() == "denied";
    (!said_no).then(|| format!("{name} was dialled, or may have been: {}", answer.code()))
}

/// An echo that was refused, or in which nothing had to be hidden, proves nothing.
fn not_sent(name: &str, answer: &Answer) -> Option<String> {
    let hidden = answer.value.get("redactions").and_then(Value::as_u64).unwrap_or_default();
    (answer.refused || hidden == 0)
        .then(|| format!("{name}: nothing was sent that could be hidden: {}", answer.code()))
        .or_else(|| answer.value.pointer("/headers/set-cookie").map(|_| format!("{name}: a cookie came back")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(refused: bool, value: Value) -> Answer {
        Answer { text: value.to_string(), value, refused }
    }

    #[test]
    fn a_place_that_may_have_been_dialled_breaks_the_promise() {
        let denied = answer(true, json!({ "error": { "code": "denied" } }));
        assert_eq!(dialled("x", &denied), None);
        let unreachable = answer(true, json!({ "error": { "code": "source_unavailable" } }));
        assert!(dialled("x", &unreachable).is_some());
        assert!(dialled("x", &answer(false, json!({ "status": 200 }))).is_some());
        assert!(trapped(1).is_some() && trapped(0).is_none());
    }

    #[test]
    fn another_host_or_a_cookie_breaks_the_promise() {
        let told = |host: &str| {
            let body = json!({ "headers": [["host", host]] }).to_string();
            answer(false, json!({ "status": 200, "body": body }))
        };
        assert_eq!(other_host(&told("127.0.0.1:80"), 80), None);
        assert!(other_host(&told("elsewhere"), 80).is_some());
        assert_eq!(not_sent("x", &answer(false, json!({ "redactions": 2, "headers": {} }))), None);
        assert!(not_sent("x", &answer(false, json!({ "redactions": 0 }))).is_some());
        assert!(
            not_sent("x", &answer(false, json!({ "redactions": 1, "headers": { "set-cookie": "a=b" } }))).is_some()
        );
    }
}
