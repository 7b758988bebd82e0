use http::Request;

use super::*;

const OWN_HOSTS: [(&str, bool); 14] = [
    ("vault.example.com", true),
    ("VAULT.example.COM", true),
    ("vault.example.com:443", true),
    ("127.0.0.1:8444", true),
    ("[::1]:8444", true),
    ("127.0.0.1", false),
    ("127.0.0.1:8445", false),
    ("vault.example.com.", false),
    ("vault.example.com.evil.test", false),
    ("evil.test", false),
    ("vault.example.com:8080", false),
    ("vault.example.com@evil.test", false),
    (" vault.example.com", false),
    ("", false),
];

const ORIGINS: [(Option<&str>, bool); 14] = [
    (None, true),
    (Some("https://app.example.com"), true),
    (Some("https://app.example.com:443"), true),
    (Some("HTTPS://App.Example.com"), true),
    (Some("http://localhost:3000"), true),
    (Some("null"), false),
    (Some(""), false),
    (Some("http://app.example.com"), false),
    (Some("https://app.example.com:8443"), false),
    (Some("https://app.example.com.evil.test"), false),
    (Some("https://evil.test"), false),
    (Some("http://localhost"), false),
    (Some("https://app.example.com, https://evil.test"), false),
    (Some("https://app.example.com/"), false),
];

const TYPES: [(Option<&str>, bool); 8] = [
    (Some("application/json"), true),
    (Some("Application/JSON; charset=UTF-8"), true),
    (Some("application/json;charset=utf-16"), false),
    (Some("text/plain"), false),
    (Some("text/plain; application/json"), false),
    (Some("application/x-www-form-urlencoded"), false),
    (Some("multipart/form-data"), false),
    (None, false),
];

fn gate() -> Gate {
    let hosts = ["vault.example.com", "127.0.0.1:8444", "[::1]:8444"];
    let origins = ["https://app.example.com", "http://localhost:3000"];
    Gate::new(hosts.map(str::to_owned), origins.map(str::to_owned))
}

fn head(method: &str, headers: &[(&str, &str)]) -> Parts {
    let request = headers.iter().fold(Request::builder().method(method).uri("/mcp"), |request, (name, value)| {
        request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
    });
    request.body(()).unwrap().into_parts().0
}

/// What comes of a request, in the order in which it's decided.
fn verdict(head: &Parts) -> Result<Wanted, Refused> {
    gate().pass(head)?;
    wanted(head)
}

#[test]
fn host_origin_method_and_type_are_decided_on_in_this_order() {
    let methods = ["POST", "GET", "DELETE", "OPTIONS", "PUT", "HEAD", "PATCH", "TRACE", "CONNECT"];
    let mut served = 0;
    for (host, own) in OWN_HOSTS {
        for (origin, listed) in ORIGINS {
            for method in methods {
                for (kind, is_json) in TYPES {
                    let mut headers = vec![("host", host), ("accept", "application/json, text/event-stream")];
                    headers.extend(origin.map(|origin| ("origin", origin)));
                    headers.extend(kind.map(|kind| ("content-type", kind)));
                    let expected = match method {
                        _ if !own => Err(Refused::Host),
                        _ if !listed => Err(Refused::Origin),
                        "POST" if !is_json => Err(Refused::ContentType),
                        "POST" => Ok(Wanted::Message),
                        "GET" => Ok(Wanted::Stream),
                        "DELETE" => Ok(Wanted::End),
                        "OPTIONS" => Ok(Wanted::Preflight),
                        _ => Err(Refused::Method("GET, POST, DELETE, OPTIONS")),
                    };
                    let told = verdict(&head(method, &headers));
                    served += usize::from(told.is_ok());
                    assert_eq!(told, expected, "{method} {host:?} {origin:?} {kind:?}");
                }
            }
        }
    }
    // Five hosts, five origins; POST with two types, and three methods with any of eight.
    assert_eq!(served, 5 * 5 * (2 + 3 * 8));
}

#[test]
fn a_host_is_named_once_and_by_all_in_the_same_way() {
    let refused = |headers: &[(&str, &str)]| gate().pass(&head("POST", headers)).unwrap_err();
    assert_eq!(refused(&[]), Refused::HostMissing);
    assert_eq!(refused(&[("host", "vault.example.com"), ("host", "vault.example.com")]), Refused::HostMissing);
    let origin = ("origin", "https://app.example.com");
    assert_eq!(refused(&[("host", "vault.example.com"), origin, origin]), Refused::Origin);
    let absolute = |uri: &str| {
        let request = Request::builder().method("POST").uri(uri).header("host", "vault.example.com");
        gate().pass(&request.body(()).unwrap().into_parts().0).map(|_| ())
    };
    assert_eq!(absolute("https://vault.example.com/mcp"), Ok(()));
    assert_eq!(absolute("https://evil.test/mcp"), Err(Refused::Host));
}

#[test]
fn nothing_stands_after_the_path() {
    for uri in ["/mcp?access_token=opw_x", "/mcp?"] {
        let request = Request::builder().method("POST").uri(uri).header("content-type", "application/json");
        assert_eq!(wanted(&request.body(()).unwrap().into_parts().0), Err(Refused::Query), "{uri}");
    }
}

#[test]
fn a_body_is_json_said_once_and_plain() {
    let json = ("content-type", "application/json");
    assert_eq!(wanted(&head("POST", &[json, json])), Err(Refused::ContentType));
    assert_eq!(wanted(&head("POST", &[json, ("content-encoding", "gzip")])), Err(Refused::ContentEncoding));
    assert_eq!(wanted(&head("POST", &[json])), Ok(Wanted::Message));
}

#[test]
fn an_answer_has_a_type_that_is_welcome() {
    let told = |accept: &str| wanted(&head("POST", &[("content-type", "application/json"), ("accept", accept)]));
    for welcome in
        ["application/json", "*/*", "application/*", "text/html, Application/JSON;q=0.1", "application/json;q=x"]
    {
        assert_eq!(told(welcome), Ok(Wanted::Message), "{welcome}");
    }
    for not in ["text/event-stream", "application/json;q=0", "application/json; q=0.000", "application/jsonp", "json"] {
        assert_eq!(told(not), Err(Refused::Accept), "{not}");
    }
    assert_eq!(wanted(&head("GET", &[("accept", "application/json")])), Err(Refused::Accept));
}
