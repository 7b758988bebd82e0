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
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = subscriber(levels, move || writer.clone()).unwrap();
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

#[test]
fn no_wish_raises_a_dependency_above_its_cap() {
    for levels in LOUDEST {
        let text = said(Some(levels), || {
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
    assert_eq!(subscriber(Some("opward=loud,,["), io::stderr).err(), Some(LevelsError(())));
}

#[test]
fn a_field_cannot_break_out_of_its_line() {
    let text = said(None, || tracing::info!(target: "opward", client = %"a\nERROR forged\u{1b}[2J", "hello"));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// The whole protocol crate at work, at the loudest setting: none of what passes through it is said.
#[test]
fn nothing_of_a_message_is_logged() {
    for levels in LOUDEST {
        let text = said(Some(levels), || {
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
