use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn said(levels: Option<&str>, speak: impl FnOnce()) -> String {
    said_as(Format::Text, levels, speak)
}

fn said_as(format: Format, levels: Option<&str>, speak: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = subscriber(levels, format, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, speak);
    lines.text()
}

const LOUDEST: [&str; 5] = [
    "trace",
    "rmcp=trace",
    "trace,rmcp=trace,rmcp::service=trace",
    "rmcp[serve_inner]=trace",
    "rmcp::service=trace,off",
];

const FORMATS: [Format; 2] = [Format::Text, Format::Json];

#[test]
fn no_wish_raises_a_dependency_above_its_cap() {
    for (levels, format) in LOUDEST.into_iter().flat_map(|levels| FORMATS.map(|format| (levels, format))) {
        let text = said_as(format, Some(levels), || {
            tracing::warn!(target: "rmcp::service", "k4n4ry");
            tracing::info!(target: "rmcp", "k4n4ry");
            tracing::debug!(target: "hyper::proto", "k4n4ry");
            tracing::trace!(target: "rustls", "k4n4ry");
            tracing::trace!(target: "keepass::db", "k4n4ry");
            tracing::debug!(target: "tokio", "k4n4ry");
            let _inside = tracing::info_span!(target: "rmcp::service", "span", value = "k4n4ry").entered();
            tracing::error!(target: "opward", "inside");
        });
        assert!(!text.contains("k4n4ry"), "{levels}: {text}");
    }
    let loud = said(Some("trace"), || {
        tracing::error!(target: "rmcp::service", "an error");
        tracing::info!(target: "hyper", "an info");
        tracing::info!(target: "rmcpx", "another crate");
    });
    for line in ["an error", "an info", "another crate"] {
        assert!(loud.contains(line), "{loud}");
    }
}

#[test]
fn the_user_decides_below_the_caps() {
    let speak = || {
        tracing::info!(target: "opward::policy", "loaded");
        tracing::debug!(target: "opward::policy", "detail");
    };
    assert!(said(None, speak).contains("loaded"));
    assert!(!said(None, speak).contains("detail"));
    assert!(said(Some("opward=debug"), speak).contains("detail"));
    assert!(said(Some(" "), speak).contains("loaded"));
    assert_eq!(said(Some("off"), speak), "");
    assert_eq!(said(Some("warn"), speak), "");
    assert_eq!(subscriber(Some("opward=loud,,["), Format::Text, io::stderr).err(), Some(LevelsError(())));
}

#[test]
fn a_field_cannot_break_out_of_its_line() {
    let text = said(None, || tracing::info!(target: "opward", client = %"a\nERROR forged\u{1b}[2J", "hello"));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

fn parsed(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_json_line_has_everything_in_its_place() {
    let text = said_as(Format::Json, Some("debug"), || {
        let outer = tracing::info_span!("outer", request = "r-1", trace = tracing::field::Empty, other = "k4n4ry");
        let _outer = outer.clone().entered();
        outer.record("trace", "t-1");
        let _inner = tracing::info_span!("inner", count = 1).entered();
        tracing::warn!(target: "opward::it", count = 3, share = 0.5, sure = true, who = ?"a", "{} of {}", 1, 2);
    });
    let mut lines = parsed(&text);
    let timestamp = lines[0].as_object_mut().unwrap().remove("timestamp").unwrap();
    assert!(timestamp.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
    assert_eq!(
        lines,
        [serde_json::json!({
            "level": "warn", "target": "opward::it", "message": "1 of 2", "request": "r-1", "trace": "t-1",
            "fields": { "count": 3, "share": 0.5, "sure": true, "who": "\"a\"" },
        })]
    );
}

#[test]
fn nothing_breaks_out_of_a_json_line() {
    let evil = "a\nERROR forged\u{1b}[2J\u{202e}\u{85}\"},{\u{7f}\0";
    let text = said_as(Format::Json, None, || {
        let _in = tracing::info_span!("request", request = evil).entered();
        tracing::info!(target: "opward", client = evil, shown = %evil, "{evil}");
    });
    assert!(text.ends_with('\n') && text.lines().count() == 1, "{text}");
    assert!(!text.trim_end_matches('\n').contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
    let line = &parsed(&text)[0];
    assert_eq!(line["message"], evil);
    assert_eq!(line["request"], evil);
    assert_eq!(line["fields"], serde_json::json!({ "client": evil, "shown": evil }));
}

#[test]
fn an_access_line_says_who_asked_for_what_and_how_it_ended() {
    use crate::model::{PrincipalName, RequestId};

    let principal = PrincipalName::parse("ci-deploy").unwrap();
    let trace = TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01").map(|it| it.trace);
    let access = Access {
        refused: None,
        request: RequestId::new(),
        trace,
        route: metrics::Route::Mcp,
        method: metrics::Method::GetSecret,
        status: 200,
        took: std::time::Duration::from_nanos(1_234_567),
        principal: Some(&principal),
    };
    let line = |levels| parsed(&said_as(Format::Json, Some(levels), || access.log()));
    let [line] = &line("warn")[..] else { panic!() };
    assert_eq!(line["request"], access.request.to_string());
    assert_eq!(line["trace"], "0af7651916cd43dd8448eb211c80319c");
    let fields = serde_json::json!({
        "route": "mcp", "method": "get_secret", "status": 200, "ms": 1.235, "principal": "ci-deploy",
    });
    assert_eq!(line["fields"], fields);
    let text = said(Some("warn"), || Access { principal: None, trace: None, ..access }.log());
    assert!(text.contains("get_secret") && !text.contains("principal") && !text.contains("trace"), "{text}");
    assert_eq!(said(Some("info,access=off"), || access.log()), "");
}

/// The whole protocol crate at work, at the loudest setting: none of what passes through it is said.
#[test]
fn nothing_of_a_message_is_logged() {
    for (levels, format) in LOUDEST.into_iter().flat_map(|levels| FORMATS.map(|format| (levels, format))) {
        let text = said_as(format, Some(levels), || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(session());
        });
        assert!(!text.contains("k4n4ry"), "{levels}: {text}");
    }
}

/// Says the canary in every kind of message: arguments, results, errors, notifications, cancellations.
async fn session() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(server);
    let serving = tokio::spawn(async move {
        use rmcp::ServiceExt as _;
        Parrot.serve((input, output)).await.unwrap().waiting().await.unwrap();
    });
    for line in [
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"k4n4ry","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{"_meta":{"a":"k4n4ry"}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good","arguments":{"text":"k4n4ry"}}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"bad","arguments":{"text":"k4n4ry"}}}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"k4n4ry","params":{"text":"k4n4ry"}}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"k4n4ry":1}}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"k4n4ry"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9,"reason":"k4n4ry"}}"#,
        "k4n4ry",
    ] {
        client.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
    client.shutdown().await.unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.unwrap();
    assert!(answers.contains("k4n4ry"), "the canary never passed: {answers}");
    serving.await.unwrap();
}

struct Parrot;

impl rmcp::ServerHandler for Parrot {
    async fn call_tool(
        &self,
        request: rmcp::model::CallToolRequestParams,
        _context: rmcp::service::RequestContext<rmcp::RoleServer>,
    ) -> Result<rmcp::model::CallToolResponse, rmcp::ErrorData> {
        use rmcp::model::{CallToolResult, ContentBlock};

        let text = serde_json::to_string(&request.arguments).unwrap();
        match request.name.as_ref() {
            "good" => Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into()),
            _ => Err(rmcp::ErrorData::internal_error(text, None)),
        }
    }
}
