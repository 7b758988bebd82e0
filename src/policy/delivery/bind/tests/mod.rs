//! What callers give, good and bad.

use std::sync::{Arc, LazyLock};

use serde_json::json;

use super::super::super::Policy;
use super::*;

mod corpus;
mod naive;

/// A command with a parameter of each kind, and one whose author lets anything pass.
const POLICY: &str = r#"
version = 1
[[command]]
name = "tool"
exe = "/usr/bin/psql"
class = "parametrised"
env.PGPASSWORD = "V/I/f"
args = ["-f", "{file}", "--mode={mode}", "{mode}", "{table}", "{any}", "--n={n}", "--in={file}:{any}", "{{{table}}}"]
params.file = { kind = "path", under = "/srv/migrations" }
params.mode = { kind = "enum", values = ["full", "quick check"] }
params.table = { kind = "regex", pattern = "[a-z_][a-z0-9_]*|x" }
params.any = { kind = "regex", pattern = "(?s).*" }
params.n = { kind = "integer", min = -5, max = 100 }
"#;

/// Read once: compiling expressions takes longer than binding.
fn tool() -> Arc<Command> {
    static TOOL: LazyLock<Arc<Command>> = LazyLock::new(|| {
        let policy = Policy::parse(POLICY, "p").unwrap_or_else(|problems| panic!("{problems}"));
        Arc::clone(policy.command("tool").unwrap())
    });
    Arc::clone(&TOOL)
}

fn good() -> Map<String, Value> {
    let good = json!({ "file": "2026/001.sql", "mode": "full", "table": "users", "any": "a=b; c", "n": 7 });
    good.as_object().unwrap().clone()
}

/// The usual parameters with one of them replaced.
fn with(name: &str, value: Value) -> Map<String, Value> {
    let mut params = good();
    params.insert(name.to_owned(), value);
    params
}

#[test]
fn each_parameter_stands_in_its_argument_and_nowhere_else() {
    let text = |text: &str| Bound::Text(text.to_owned());
    let under = |before: &str, after: &str| Bound::Under {
        root: PathBuf::from("/srv/migrations"),
        relative: "2026/001.sql".to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let expected = [
        text("-f"),
        under("", ""),
        text("--mode=full"),
        text("full"),
        text("users"),
        text("a=b; c"),
        text("--n=7"),
        under("--in=", ":a=b; c"),
        text("{users}"),
    ];
    assert_eq!(tool().bind(&good()).unwrap(), expected);
}

#[test]
fn what_its_author_meant_passes() {
    let tool = tool();
    for (name, value) in [
        ("file", json!("a")),
        ("file", json!("a b/c (1).sql")),
        ("file", json!(".hidden/x.y.z")),
        ("file", json!("größe/中文_1+2=3@x,y")),
        ("file", json!("...")),
        ("mode", json!("quick check")),
        ("table", json!("_a9")),
        ("any", json!("--x=1").as_str().map(|_| json!("x --y")).unwrap()),
        ("any", json!("$(id) `id` ; | & > < * ? ~ # % ' \"")),
        ("n", json!(-5)),
        ("n", json!("-5")),
        ("n", json!("0")),
        ("n", json!(100)),
    ] {
        let bound = tool.bind(&with(name, value.clone()));
        assert!(bound.is_ok(), "{name} {value}: {bound:?}");
    }
}

#[test]
fn parameters_are_those_that_are_declared_and_each_is_needed() {
    let tool = tool();
    for name in ["file", "mode", "table", "any", "n"] {
        let mut params = good();
        params.remove(name);
        assert_eq!(tool.bind(&params), Err(BindError::Missing(name.to_owned())));
    }
    let error = tool.bind(&with("fil", json!("x"))).unwrap_err().to_string();
    assert_eq!(error, "`fil` isn't a parameter: this command has `any`, `file`, `mode`, `n`, `table`");
    let error = tool.bind(&with("x\u{1b}[2J canary-5b1f", json!("x"))).unwrap_err().to_string();
    assert!(error.starts_with("one of the names isn't a parameter"), "{error}");
    assert!(!error.contains("canary"));
}

#[test]
fn a_negative_number_is_no_option() {
    let text = POLICY.replace("min = -5", "min = 0").replace("\"--n={n}\"", "\"{n}\"");
    let policy = Policy::parse(&text, "p").unwrap_or_else(|problems| panic!("{problems}"));
    assert!(policy.command("tool").unwrap().bind(&with("n", json!(-1))).is_err());
    let refused = Policy::parse(&POLICY.replace("\"--n={n}\"", "\"{n}\""), "p").unwrap_err().to_string();
    assert!(refused.contains("can't begin with a dash"), "{refused}");
}

#[test]
fn an_error_names_the_parameter_and_not_what_was_given() {
    let tool = tool();
    for (name, value) in [
        ("file", json!("../canary-9d2c")),
        ("mode", json!("canary-9d2c")),
        ("table", json!("canary-9d2c")),
        ("any", json!("-canary-9d2c")),
        ("n", json!("canary-9d2c")),
        ("n", json!({ "canary-9d2c": "canary-9d2c" })),
    ] {
        let error = tool.bind(&with(name, value)).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
