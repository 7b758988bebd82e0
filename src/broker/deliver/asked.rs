//! What's recorded of what a delivery is asked to do.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::super::Broker;
use crate::audit::AskedWords;
use crate::authz::Call;
use crate::custody::Recognised;
use crate::policy::{Command, Part as Piece};

/// What stands where a value would.
const LEFT_OUT: &str = "[left out: it holds a value]";

/// A part of it that its caller wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// What stands before it.
    before: String,
    /// As it was written.
    written: String,
    /// As it's recorded.
    shown: String,
}

impl Broker {
    /// What's recorded of it: no value, not even one that its caller was given.
    pub(super) async fn asked(&self, call: &Call, parts: Vec<Part>) -> Option<AskedWords> {
        let texts: Vec<&str> = parts.iter().map(|part| part.written.as_str()).collect();
        let with_values: HashSet<usize> = match self.0.custody.recognise(&texts, call.principal(), true).await {
            Ok(recognised) => recognised.iter().flat_map(Recognised::texts).collect(),
            // What can't be looked through may hold any.
            Err(_) => (0..texts.len()).collect(),
        };
        AskedWords::of(&joined(&parts, &with_values))
    }
}

fn joined(parts: &[Part], with_values: &HashSet<usize>) -> String {
    let mut text = String::new();
    for (number, part) in parts.iter().enumerate() {
        text.push_str(&part.before);
        text.push_str(if with_values.contains(&number) { LEFT_OUT } else { &part.shown });
    }
    text
}

/// A request's method and path, and the names of its query's parameters: what's given for them may be anything.
pub(super) fn of_request(method: &http::Method, path: &str, query: &[(String, String)]) -> Vec<Part> {
    let mut parts = vec![Part { before: format!("{method} "), written: path.to_owned(), shown: path.to_owned() }];
    let mut seen = HashSet::new();
    for (name, _) in query.iter().filter(|(name, _)| seen.insert(name)) {
        let before = if parts.len() == 1 { "?" } else { "," };
        parts.push(Part { before: before.to_owned(), written: name.clone(), shown: escaped(name) });
    }
    parts
}

/// A command's parameters, in the order in which its arguments have them.
pub(super) fn of_command(command: &Command, params: &Map<String, Value>) -> Vec<Part> {
    let named = command.args.iter().flatten().filter_map(|piece| match piece {
        Piece::Parameter(name) => Some(name),
        Piece::Text(_) => None,
    });
    let mut seen = HashSet::new();
    let given = named.filter(|name| seen.insert(*name)).filter_map(|name| Some((name, params.get(name)?)));
    given
        .enumerate()
        .map(|(number, (name, given))| {
            let written = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
            let before = format!("{}{name}=", if number == 0 { "" } else { " " });
            Part { before, shown: quoted(&written), written }
        })
        .collect()
}

/// A program's name, as it was called.
pub(super) fn of_program(name: &OsStr) -> Vec<Part> {
    let name = name.to_string_lossy().into_owned();
    vec![Part { before: String::new(), shown: name.clone(), written: name }]
}

/// A name of a query in which `,` and `?` are the record's own.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~[]".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a text can't fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// A text that ends where it ends: what has spaces in it, or nothing, stands in quotes.
fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == '"') {
        Value::from(text).to_string()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn plainly(parts: &[Part]) -> String {
        joined(parts, &HashSet::new())
    }

    #[test]
    fn of_a_query_only_the_names_are_told_and_each_once() {
        let query =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "v4lue".to_owned())).collect::<Vec<_>>();
        let told = |names: &[&str]| plainly(&of_request(&http::Method::POST, "/v1/refunds", &query(names)));
        assert_eq!(told(&[]), "POST /v1/refunds");
        assert_eq!(told(&["limit", "starting_after", "limit"]), "POST /v1/refunds?limit,starting_after");
        assert_eq!(told(&["expand[]", "a,b", "x y\n?", "é"]), "POST /v1/refunds?expand[],a%2Cb,x%20y%0A%3F,%C3%A9");
    }

    #[test]
    fn parameters_are_told_in_the_order_of_the_arguments() {
        let policy = r#"
            version = 1
            [[command]]
            name = "migrate"
            exe = "/usr/bin/psql"
            class = "parametrised"
            args = ["--mode={mode}", "{note}", "-f", "{file}", "{mode}"]
            params.file = { kind = "path", under = "/srv" }
            params.mode = { kind = "integer", min = 0, max = 9 }
            params.note = { kind = "regex", pattern = ".*" }
            env.PGPASSWORD = "A/B/c"
            [[rule]]
            id = "r"
            principals = ["a"]
            actions = ["use"]
            paths = ["A"]
            use.commands = ["migrate"]
        "#;
        let policy = Policy::parse(policy, "policy.toml").unwrap();
        let command = policy.command("migrate").unwrap();
        let told = |params: Value| plainly(&of_command(command, params.as_object().unwrap()));
        let params = serde_json::json!({ "file": "003_x.sql", "mode": 1, "note": "two words=\"x\"" });
        assert_eq!(told(params), r#"mode=1 note="two words=\"x\"" file=003_x.sql"#);
        assert_eq!(told(serde_json::json!({ "file": "a", "mode": "2", "note": "" })), r#"mode=2 note="" file=a"#);
    }

    #[test]
    fn a_part_with_a_value_is_left_out_and_the_others_are_not() {
        let parts = of_request(&http::Method::GET, "/v1/s3cret", &[("a".to_owned(), String::new())]);
        assert_eq!(joined(&parts, &HashSet::from([0])), format!("GET {LEFT_OUT}?a"));
        assert_eq!(joined(&of_program(OsStr::new("npm")), &HashSet::from([0])), LEFT_OUT);
    }
}
