use proptest::prelude::*;
use rmcp::model::GetExtensions as _;
use serde_json::json;

use super::*;

fn read_text(text: &str) -> Incoming {
    read(text.as_bytes())
}

fn refusal(text: &str) -> (Option<RequestId>, i32) {
    let Incoming::Refused(refusal) = read_text(text) else { panic!("{text} was taken") };
    (refusal.id, refusal.code.0)
}

/// Everything of a request that a handler can see.
fn seen(id: &RequestId, request: &ClientRequest) -> String {
    let meta = request.extensions().get::<RequestMetaObject>();
    format!("{id:?} {meta:?} {request:?}").replace("Extensions", "")
}

fn by_rmcp(text: &str) -> Option<String> {
    let message = serde_json::from_slice::<RxJsonRpcMessage<RoleServer>>(text.as_bytes());
    let Ok(JsonRpcMessage::Request(request)) = message else { return None };
    Some(seen(&request.id, &request.request))
}

fn by_us(text: &str) -> Option<String> {
    let Incoming::Request(id, request) = read_text(text) else { return None };
    Some(seen(&id, &request))
}

fn is_quick(text: &str) -> bool {
    serde_json::from_slice::<Named<ToolCall>>(text.as_bytes()).is_ok()
}

#[test]
fn values_without_their_names_are_no_call() {
    let batch = r#"["2.0",1,"tools/call",{"name":"echo","arguments":{}}]"#;
    assert_eq!(refusal(batch), (None, ErrorCode::INVALID_REQUEST.0));
    let positional = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[{},"echo",{}]}"#;
    assert_eq!(refusal(positional), (Some(RequestId::Number(1)), ErrorCode::INVALID_PARAMS.0));
}

#[test]
fn what_clients_write_takes_the_quick_way_and_means_the_same() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a\u0000b\nü"}}}"#,
        r#"{"method":"tools/call","params":{"name":"echo"},"jsonrpc":"2.0","id":"x-1"}"#,
        r#"{"jsonrpc":"2.0","id":-5,"method":"tools/call","params":{"name":"","arguments":null,"_meta":null}}"#,
        r#"{"jsonrpc":"2.0","id":9223372036854775807,"method":"tools/call","params":{"name":"a","arguments":{"n":[1.5,1e300,-0.0,18446744073709551615,{"":null}]}}}"#,
        r#"{"jsonrpc":"2.0","id":0,"method":"tools\/call","params":{"name":"a","_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"arguments":{}}}"#,
        "  {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"e\"}}\r",
    ] {
        assert!(is_quick(text), "{text}");
        assert_eq!(by_us(text), by_rmcp(text), "{text}");
        assert!(by_us(text).is_some(), "{text}");
    }
}

#[test]
fn what_is_not_the_usual_shape_takes_the_long_way_and_means_the_same() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"a"}}"#,
        r#"{"jsonrpc":"2.0","id":1e2,"method":"tools/call","params":{"name":"a"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","more":[1]},"extra":true}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","requestState":"s"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"c","_meta":{"progressToken":"p"}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
    ] {
        assert!(!is_quick(text), "{text}");
        assert_eq!(by_us(text), by_rmcp(text), "{text}");
        assert!(by_us(text).is_some(), "{text}");
    }
}

#[test]
fn a_key_named_twice_is_refused_where_rmcp_takes_the_last() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"path":"x","path":"y"}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"k":{"x":1,"x":1}}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"a"}}"#,
    ] {
        assert_eq!(refusal(text), (None, -32600), "{text}");
    }
}

#[test]
fn what_is_not_json_is_a_parse_error_without_an_id() {
    for line in [
        &b"not json"[..],
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"\xff\"}}",
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\0",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\0b\"}}",
        b"{\"a\":\"\\ud800\"}",
        b"\xc0\x80",
        b"{} {}",
    ] {
        let Incoming::Refused(refusal) = read(line) else { panic!("{line:?} was taken") };
        assert_eq!((refusal.id, refusal.code.0), (None, -32700), "{line:?}");
    }
    let deep =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(refusal(&deep), (None, -32700));
}

#[test]
fn json_that_is_no_message_is_an_invalid_request() {
    let one = Some(RequestId::Number(1));
    for (text, id) in [
        (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#, None),
        ("[]", None),
        ("1", None),
        ("null", None),
        (r#"{"foo":"bar"}"#, None),
        (r#"{"jsonrpc":"2.0","id":1}"#, one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","result":{}}"#, one.clone()),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#, one.clone()),
        (r#"{"id":1,"method":"tools/list"}"#, one),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#, None),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, None),
        (r#"{"jsonrpc":"2.0","id":{},"method":"tools/list"}"#, None),
        (r#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"tools/call","params":{"name":"a"}}"#, None),
    ] {
        assert_eq!(refusal(text), (id, -32600), "{text}");
    }
}

#[test]
fn unknown_methods_and_unfitting_parameters_are_answered_under_their_id() {
    for (params, method, code) in [
        ("[1,2]", "no/such", -32601),
        ("\"x\"", "no/such", -32601),
        ("{}", "no/such", -32601),
        ("null", "", -32601),
        (r#"{"_meta":5}"#, "no/such", -32601),
        ("[1]", "tools/call", -32602),
        ("{}", "tools/call", -32602),
        (r#"{"name":5}"#, "tools/call", -32602),
        (r#"{"name":"a","arguments":[]}"#, "tools/call", -32602),
        (r#"{"name":"a","_meta":5}"#, "tools/call", -32602),
        (r#"{"cursor":5}"#, "tools/list", -32602),
        ("5", "ping", -32602),
        ("{}", "initialize", -32602),
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{params}}}"#);
        assert_eq!(refusal(&text), (Some(RequestId::String("q".into())), code), "{text}");
    }
}

#[test]
fn notifications_and_answers_are_never_answered() {
    for text in [
        "",
        " \t\r",
        r#"{"jsonrpc":"2.0","method":"no/such"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/custom","params":[1]}"#,
        r#"{"method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a"}}"#,
        r#"{"jsonrpc":"2.0","id":{},"result":5}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":5}"#,
    ] {
        assert!(matches!(read_text(text), Incoming::Nothing), "{text}");
    }
    assert!(matches!(read_text(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), Incoming::Other(_)));
    assert!(matches!(read_text(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Incoming::Other(_)));
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"r"}}"#;
    assert!(matches!(read_text(cancelled), Incoming::Cancelled(RequestId::Number(7), _)));
}

/// JSON values a client may put anywhere.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("tools/call")),
        Just(json!("2.0")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{0,2}|progressToken|name", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-c]{1,2}|progressToken|path", value(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// Messages near a tool call: each part right, wrong or missing.
fn near_call() -> impl Strategy<Value = String> {
    let part = |right: BoxedStrategy<Value>| prop_oneof![8 => right.prop_map(Some), 1 => value().prop_map(Some), 1 => Just(None)];
    let params = (
        part(".{0,6}".prop_map(Value::from).boxed()),
        part(object().boxed()),
        part(object().boxed()),
        prop::option::weighted(0.1, ("requestState|inputResponses|task|x", value())),
    )
        .prop_map(|(name, arguments, meta, extra)| {
            let mut params = Map::new();
            let parts = [("name", name), ("arguments", arguments), ("_meta", meta)];
            params.extend(parts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
            params.extend(extra);
            Value::Object(params)
        })
        .boxed();
    let id = prop_oneof![any::<i64>().prop_map(Value::from), ".{0,4}".prop_map(Value::from)].boxed();
    let method = prop_oneof![6 => Just("tools/call"), 1 => Just("tools/list"), 1 => Just("ping"), 1 => Just("x")]
        .prop_map(Value::from)
        .boxed();
    (part(Just(json!("2.0")).boxed()), part(id), part(method), part(params), any::<prop::sample::Index>()).prop_map(
        |(version, id, method, params, first)| {
            let mut parts = vec![("jsonrpc", version), ("id", id), ("method", method), ("params", params)];
            let turn = first.index(parts.len());
            parts.rotate_left(turn);
            let written: Vec<String> =
                parts.into_iter().filter_map(|(key, value)| Some(format!("\"{key}\":{}", value?))).collect();
            format!("{{{}}}", written.join(","))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_request_means_what_rmcp_reads(text in near_call()) {
        let theirs = by_rmcp(&text).filter(|seen| !seen.contains("CustomRequest("));
        prop_assert_eq!(by_us(&text), theirs);
    }

    #[test]
    fn the_quick_way_agrees_with_the_long_way(text in near_call()) {
        if let Ok(Named(call)) = serde_json::from_slice::<Named<ToolCall>>(text.as_bytes()) {
            let Incoming::Request(id, request) = call.into_request() else { panic!() };
            let Incoming::Request(long_id, long) = read_any(text.as_bytes()) else { panic!("{text}") };
            prop_assert_eq!(seen(&id, &request), seen(&long_id, &long));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }
}
