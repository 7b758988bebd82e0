//! What an agent that was talked into something tries with the tools that use values.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Home, put};

const PASSWORD: &str = "c4n4ry-of-use/attacks+1";

/// What a shell, an option parser, a path or an address would act on.
const HOSTILE: [&str; 52] = [
    "a;id",
    "a|id",
    "a&&id",
    "a\nid",
    "a\r\nid",
    "$(id)",
    "`id`",
    "${IFS}",
    "$HOME",
    "<(id)",
    ">out",
    "2>&1",
    "'",
    "\"",
    "\\!id",
    "-",
    "--",
    "-o",
    "--help",
    "-rf",
    "--exec=id",
    "\u{2013}x",
    "\u{2014}x",
    "\u{2212}x",
    "\u{ff0d}x",
    "a\0b",
    "a\u{200b}b",
    "a\u{202e}b",
    "a\tb",
    "",
    "..",
    ".",
    "../etc/passwd",
    "a/../../etc/passwd",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "~",
    "~/x",
    "\\\\host\\x",
    "C:\\x",
    "%2e%2e/etc",
    "..%2fetc",
    "a/..",
    "link",
    "link/passwd",
    "folder/link",
    "op://Prod/Database/password",
    "{{ op://Prod/Database/password }}",
    "{file}",
    "{}",
    "10",
];

fn policy(folder: &str, port: u16) -> String {
    format!(
        r#"
version = 1
[[rule]]
id = "agent"
principals = ["agent"]
actions = ["list", "use"]
paths = ["Prod/**"]
use.commands = ["typed"]
use.hosts = ["127.0.0.1:{port}", "169.254.169.254"]

[[command]]
name = "typed"
exe = "/bin/echo"
args = ["{{file}}", "--mode={{mode}}", "{{count}}", "{{word}}"]
params.file = {{ kind = "path", under = "{folder}" }}
params.mode = {{ kind = "enum", values = ["fast", "slow"] }}
params.count = {{ kind = "integer", min = 1, max = 9 }}
params.word = {{ kind = "regex", pattern = "[a-z]+[0-9]" }}
env.PASSWORD = "Prod/Database/password"
class = "parametrised"

[[http]]
name = "api"
base = "http://127.0.0.1:{port}/v1/"
methods = ["GET", "POST"]
paths = ["/v1/items/*"]
inject = {{ header = "Authorization", format = "Bearer {{}}", secret = "Prod/Database/password" }}
allow_private = true

[[http]]
name = "metadata"
base = "https://169.254.169.254/"
methods = ["GET"]
paths = ["/**"]
inject = {{ header = "Authorization", format = "Bearer {{}}", secret = "Prod/Database/password" }}
allow_private = true
"#
    )
}

/// A server that keeps each request's head and body, and answers what it's told.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub(crate) async fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (kept, answer) = (Arc::clone(&heard), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                tokio::spawn(async move {
                    let (mut read, mut piece) = (Vec::new(), [0; 4096]);
                    while !complete(&read) {
                        match stream.read(&mut piece).await {
                            Ok(0) | Err(_) => break,
                            Ok(count) => read.extend_from_slice(&piece[..count]),
                        }
                    }
                    let text = String::from_utf8_lossy(&read).into_owned();
                    let answered = answer(&text);
                    kept.lock().unwrap().push(text);
                    let _ = stream.write_all(answered.as_bytes()).await;
                });
            }
        });
        Self { address, heard }
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

/// Whether a request is there as a whole.
fn complete(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

pub(crate) fn answered(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

struct Scene {
    home: Home,
    folder: tempfile::TempDir,
    host: Host,
    trap: Host,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    fs::write(real.join("good.sql"), "x").unwrap();
    fs::create_dir(real.join("folder")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", real.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", real.join("folder/link")).unwrap();
    let trap = Host::start(|_| answered("200 OK", "", "trapped")).await;
    let there = trap.address;
    let host = Host::start(move |request| {
        if request.contains("/v1/items/redirect") {
            answered("302 Found", &format!("Location: http://{there}/stolen\r\nSet-Cookie: a=b\r\n"), "")
        } else {
            // As careless as a debugging endpoint.
            answered("200 OK", "X-Echo: yes\r\n", request)
        }
    })
    .await;
    let home = Home::new();
    home.furnish([put("Prod/Database/password", PASSWORD)]).await;
    home.policy(&policy(&real.display().to_string(), host.address.port()));
    Scene { home, folder, host, trap }
}

fn used(home: &Home) -> usize {
    home.records().iter().filter(|record| record["kind"] == "intent" && record["action"] == "use").count()
}

#[tokio::test]
async fn nothing_runs_outside_of_the_template() {
    let Scene { home, folder: _folder, .. } = scene().await;
    let agent = home.serve("agent").await;
    let good = json!({ "file": "good.sql", "mode": "fast", "count": 3, "word": "abc1" });
    let mut tried = 0;
    for parameter in ["file", "mode", "count", "word"] {
        for hostile in HOSTILE.map(Value::from).into_iter().chain([
            json!(-1),
            json!(1.5),
            json!(null),
            json!(["a"]),
            json!({"a": 1}),
        ]) {
            let mut params = good.clone();
            params[parameter] = hostile.clone();
            let answer = agent.call("run_command", json!({ "name": "typed", "params": params })).await;
            assert!(matches!(answer.code(), "invalid" | "denied"), "{parameter} = {hostile}: {}", answer.value);
            tried += 1;
        }
    }
    for more in ["env", "PATH", "LD_PRELOAD", "exe", "args", "cwd", "stdin", "file2", "__proto__"] {
        let mut params = good.clone();
        params[more] = json!("x");
        assert_eq!(agent.call("run_command", json!({ "name": "typed", "params": params })).await.code(), "invalid");
        let call = json!({ "name": "typed", "params": good, more: "x" });
        assert_eq!(agent.call("run_command", call).await.code(), "invalid");
        tried += 2;
    }
    assert!(tried >= 200, "{tried}");
    // A link is found out only when the file is opened, and by then it's recorded that the value was to be used.
    let outcomes = home.records();
    let ran = outcomes
        .iter()
        .filter(|record| record["kind"] == "outcome" && record["action"] == "use" && record["code"].is_null());
    assert_eq!(ran.count(), 0, "something ran");

    let ran = agent.call("run_command", json!({ "name": "typed", "params": good })).await.ok();
    assert!(ran["stdout"].as_str().unwrap().ends_with("/good.sql --mode=fast 3 abc1\n"), "{ran}");
    agent.end().await;
    assert!(!home.in_the_open().contains("c4n4ry"));
}

#[tokio::test]
async fn a_request_goes_to_its_host_and_nowhere_else() {
    let Scene { home, host, trap, folder: _folder } = scene().await;
    let agent = home.serve("agent").await;
    let elsewhere = trap.address;
    let ask = async |more: Value| {
        let mut call = json!({ "name": "api", "method": "GET", "path": "/v1/items/1" });
        for (key, value) in more.as_object().unwrap() {
            call[key] = value.clone();
        }
        agent.call("http_request", call).await
    };
    let paths = [
        format!("http://{elsewhere}/v1/items/1"),
        format!("//{elsewhere}/v1/items/1"),
        format!("/\\{elsewhere}/v1/items/1"),
        format!("@{elsewhere}/v1/items/1"),
        format!(":80@{elsewhere}/v1/items/1"),
        format!("/v1/items/1@{elsewhere}/../.."),
        "/v1/items/../../admin".to_owned(),
        "/v1/items/%2e%2e/admin".to_owned(),
        "/v1/items/..%2fadmin".to_owned(),
        "/v1/items/%252e%252e/admin".to_owned(),
        "/v1/items/1/2".to_owned(),
        "/v1/items/".to_owned(),
        "/v1/items//1".to_owned(),
        "/v1//items/1".to_owned(),
        "/V1/items/1".to_owned(),
        "/v2/items/1".to_owned(),
        "/".to_owned(),
        String::new(),
        "v1/items/1".to_owned(),
        "/v1/items/1?x=1".to_owned(),
        "/v1/items/1#x".to_owned(),
        "/v1/items/1 HTTP/1.1\r\nHost: evil".to_owned(),
        "/v1/items/1\r\n\r\nGET / HTTP/1.1".to_owned(),
        "/v1/items/a\0b".to_owned(),
        "/v1/items/a b".to_owned(),
        "/v1/items/{{ op://Prod/Database/password }}".to_owned(),
    ];
    let mut tried = 0;
    for path in paths.iter().map(String::as_str).chain(HOSTILE) {
        let answer = ask(json!({ "path": path })).await;
        assert!(matches!(answer.code(), "invalid" | "denied"), "{path}: {}", answer.value);
        tried += 1;
    }
    for method in ["DELETE", "PUT", "PATCH", "CONNECT", "TRACE", "get", "GET / HTTP/1.1\r\nX:", "", "OPTIONS", "HEAD"] {
        assert_eq!(ask(json!({ "method": method })).await.code(), "invalid", "{method}");
        tried += 1;
    }
    for bad in [
        json!({"a\r\nHost": "evil"}),
        json!({"a": "b\r\nHost: evil"}),
        json!({"a": "b\nc"}),
        json!({"a b": "c"}),
        json!({"": "c"}),
        json!({"a": "b\0c"}),
    ] {
        assert_eq!(ask(json!({ "headers": bad })).await.code(), "invalid", "{bad}");
        tried += 1;
    }
    for part in ["headers", "query"] {
        let answer = ask(json!({ part: { "x-a": "{{ op://Prod/Database/password }}" } })).await;
        assert_eq!(answer.code(), "invalid");
        tried += 1;
    }
    assert_eq!(ask(json!({ "method": "POST", "body": "op://Prod/Database/password" })).await.code(), "invalid");
    let metadata = agent.call("http_request", json!({ "name": "metadata", "method": "GET", "path": "/latest" })).await;
    assert_eq!(metadata.code(), "denied", "{}", metadata.value);
    assert!(tried >= 90, "{tried}");
    assert_eq!((host.heard(), trap.heard()), (Vec::new(), Vec::new()), "something was sent");
    assert_eq!(
        agent.call("http_request", json!({ "name": "none", "method": "GET", "path": "/" })).await.code(),
        "denied"
    );
    agent.end().await;
    assert!(!home.in_the_open().contains("c4n4ry"));
}

#[tokio::test]
async fn a_host_sees_the_rebuilt_request_and_the_agent_never_the_value() {
    let Scene { home, host, trap, folder: _folder } = scene().await;
    let agent = home.serve("agent").await;
    let headers = json!({
        "Authorization": "Bearer mine", "Cookie": "a=b", "Host": "evil.example", "Connection": "X-Hop", "X-Hop": "1",
        "X-Forwarded-For": "1.2.3.4", "Proxy-Authorization": "x", "X-Mine": "kept", "Transfer-Encoding": "chunked",
    });
    let call = json!({ "name": "api", "method": "POST", "path": "/v1/items/1", "headers": headers, "query": { "q": "a&b=c" }, "json": { "n": 1 } });
    let answer = agent.call("http_request", call).await.ok();
    assert_eq!(answer["status"], 200);
    let [sent] = host.heard().try_into().unwrap();
    let sent = sent.to_ascii_lowercase();
    let authorizations: Vec<&str> = sent.lines().filter(|line| line.starts_with("authorization:")).collect();
    assert_eq!(authorizations, [format!("authorization: bearer {}", PASSWORD.to_ascii_lowercase())]);
    assert!(sent.starts_with("post /v1/items/1?q=a%26b%3dc http/1.1\r\n"), "{sent}");
    assert!(
        sent.contains("x-mine: kept") && sent.ends_with("{\"n\":1}") && sent.contains("content-type: application/json")
    );
    for dropped in ["cookie:", "evil.example", "x-hop", "1.2.3.4", "proxy-authorization", "transfer-encoding"] {
        assert!(!sent.contains(dropped), "{dropped}: {sent}");
    }
    let body = answer["body"].as_str().unwrap();
    assert!(
        body.contains("[hidden by opward: Prod/Database/password is valid; use it through http_request]"),
        "{body}"
    );
    assert_eq!((&answer["headers"]["x-echo"], &answer["redactions"]), (&json!("yes"), &json!(1)));

    let moved =
        agent.call("http_request", json!({ "name": "api", "method": "GET", "path": "/v1/items/redirect" })).await.ok();
    assert_eq!((&moved["status"], moved["headers"].get("set-cookie")), (&json!(302), None), "{moved}");
    assert!(moved["headers"]["location"].as_str().unwrap().ends_with("/stolen"));
    assert_eq!(trap.heard(), Vec::<String>::new(), "a redirect was followed");
    let log = agent.end().await;
    assert!(!log.contains("c4n4ry") && !home.in_the_open().contains("c4n4ry"));
    assert_eq!(used(&home), 2);
}
