//! Commands, entries and deliveries as a file and a request have them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::http::Method;

use super::super::{DenyReason, Policy, Verdict};
use super::*;
use crate::model::{
    Action, Category, Delivery, Principal, PrincipalName, Request, RequestId, SecretPath, Target, Transport, kind,
};

const EVERYTHING: &str = include_str!("../../../fixtures/policies/good/everything.toml");
const SMALL: &str = r#"
version = 1
[[command]]
name = "c"
exe = "/usr/bin/psql"
class = "sealed"
stdin = "V/I/f"
[[http]]
name = "h"
base = "https://h.example/api/"
methods = ["GET"]
paths = ["/api/*"]
inject = { query = "key", secret = "V/I/f" }
limit.rate = "5/1m"
"#;

fn policy(rules: &str) -> Policy {
    Policy::parse(&format!("{SMALL}{rules}"), "p").unwrap_or_else(|problems| panic!("{problems}"))
}

fn rule(id: &str, rest: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nprincipals = [\"*\"]\nactions = [\"use\"]\npaths = [\"**\"]\n{rest}\n")
}

fn who() -> Principal {
    Principal {
        name: PrincipalName::parse("p").unwrap(),
        transport: Transport::Stdio,
        source_ip: None,
        claims: Arc::default(),
    }
}

fn target() -> Target {
    Target {
        path: SecretPath::parse("V/I/f").unwrap(),
        title_path: None,
        place: None,
        category: Category::Login,
        tags: [].into(),
    }
}

fn now() -> Option<jiff::Timestamp> {
    "2026-11-20T10:00:00Z".parse().ok()
}

fn decide(policy: &Policy, delivery: Option<&str>) -> Verdict<kind::Use> {
    let request = match delivery.map(|spelled| Delivery::parse(spelled).unwrap()) {
        Some(delivery) => Request::delivering(RequestId::new(), target(), None, delivery),
        None => Request::new(RequestId::new(), target(), None),
    };
    policy.decide(&who(), &request, now())
}

fn open(policy: &Policy) -> Vec<String> {
    policy.deliveries(&who(), &target(), now()).iter().map(ToString::to_string).collect()
}

#[test]
fn a_command_is_read_whole() {
    let policy = Policy::parse(EVERYTHING, "p").unwrap_or_else(|problems| panic!("{problems}"));
    let command = policy.command("migrate").unwrap();
    assert_eq!(command.exe, Path::new("/usr/bin/psql"));
    assert_eq!(command.sha256.unwrap()[..3], [0x9f, 0x86, 0xd0]);
    let args: Vec<String> = command.written_args().collect();
    assert_eq!(args, ["-X", "-h", "db.internal", "-v", "step={step}", "--set={{{mode}}}", "-f", "{file}"]);
    let secrets: Vec<String> = command.secrets().map(ToString::to_string).collect();
    assert_eq!(secrets, ["Staging/Database/password", "Staging/Database/seed", "Staging/Database/certificate/key"]);
    assert_eq!(command.delivery().to_string(), "trusted-code:migrate");
    assert_eq!((command.output, command.sandbox), (CommandOutput::ExitCode, SandboxWish::Require));
    assert_eq!((command.timeout, command.network), (Duration::from_mins(5), true));
    let entry = policy.http_entry("metrics").unwrap();
    assert_eq!(entry.host(), "metrics.internal:9090");
    assert_eq!(entry.inject, Inject::Basic { username: "opward".to_owned() });
    let rule = policy.rules().find(|rule| rule.id().as_str() == "claude-reads-staging").unwrap();
    assert_eq!(rule.rotate_within(), Some(Duration::from_hours(24)));
    assert_eq!(rule.uses().hosts(), ["api.stripe.com", "metrics.internal:9090"]);
}

#[test]
fn what_a_file_leaves_out_is_the_careful_choice() {
    let policy = policy("");
    let command = policy.command("c").unwrap();
    assert_eq!((command.output, command.sandbox), (CommandOutput::Redact, SandboxWish::Prefer));
    assert_eq!((command.timeout, command.network), (Duration::from_mins(1), false));
    assert!(command.cwd.is_none() && command.read.is_empty() && command.write.is_empty());
    let entry = policy.http_entry("h").unwrap();
    assert_eq!((entry.allow_private, entry.timeout), (false, Duration::from_secs(30)));
}

#[test]
fn an_entry_permits_its_methods_on_its_paths_below_its_base() {
    let policy = policy("");
    let entry = policy.http_entry("h").unwrap();
    assert!(entry.permits(&Method::GET, "/api/x"));
    for (method, path) in [
        (Method::POST, "/api/x"),
        (Method::GET, "/api/x/y"),
        (Method::GET, "/api/"),
        (Method::GET, "/x"),
        (Method::GET, "/api/%2e%2e"),
        (Method::GET, "/api/.."),
        (Method::GET, "api/x"),
        (Method::OPTIONS, "/api/x"),
    ] {
        assert!(!entry.permits(&method, path), "{method} {path}");
    }
}

#[test]
fn a_slash_at_the_end_of_a_path_is_part_of_it() {
    let policy = Policy::parse(
        "version = 1\n[[http]]\nname = \"h\"\nbase = \"https://a.example/api/\"\nmethods = [\"GET\"]\n\
         paths = [\"/api/\", \"/api/all/\", \"/api/below/**\"]\ninject = { query = \"key\", secret = \"V/I/f\" }\n",
        "p",
    );
    let policy = policy.unwrap();
    let entry = policy.http_entry("h").unwrap();
    for (path, expected) in [
        ("/api/", true),
        ("/api", false),
        ("/api/all/", true),
        ("/api/all", false),
        ("/api/below", true),
        ("/api/below/", true),
        ("/api/below/x/", true),
        ("/api/below//", false),
    ] {
        assert_eq!(entry.permits(&Method::GET, path), expected, "{path}");
    }
}

/// What's read here and what's sent there agree: an entry that passes can be used.
#[test]
fn no_value_goes_into_a_header_that_a_request_cannot_have_it_in() {
    for (name, fits) in [
        ("X-Api-Key", true),
        ("Cookie", true),
        ("Private-Token", true),
        ("Host", false),
        ("X-Forwarded-Access-Token", false),
        ("proxy_authorization", false),
        ("Range", false),
        ("X-HTTP-Method", false),
        ("Content-Type", false),
    ] {
        let text = format!(
            "version = 1\n[[http]]\nname = \"h\"\nbase = \"https://a.example/\"\nmethods = [\"GET\"]\npaths = [\"/x\"]\n\
             inject = {{ header = \"{name}\", format = \"{{}}\", secret = \"V/I/f\" }}\n"
        );
        assert_eq!(Policy::parse(&text, "p").is_ok(), fits, "{name}");
    }
}

#[test]
fn a_rule_opens_what_it_names_and_nothing_else() {
    for (uses, expected) in [
        ("", &[][..]),
        ("use.commands = [\"c\"]", &["command:c"]),
        ("use.hosts = [\"h.example\"]", &["http:h"]),
        ("use.run = \"masked\"", &["run"]),
        ("use.run = \"unmasked\"", &["run", "run-unmasked"]),
        ("use.commands = [\"c\"]\nuse.run = \"masked\"", &["command:c", "run"]),
    ] {
        let policy = policy(&rule("r", uses));
        assert_eq!(open(&policy), expected, "{uses}");
        for delivery in ["command:c", "http:h", "run", "run-unmasked", "trusted-code:c", "command:h", "http:c"] {
            let allowed = matches!(decide(&policy, Some(delivery)), Verdict::Allow(_));
            assert_eq!(allowed, expected.contains(&delivery), "{uses} {delivery}");
        }
        assert!(matches!(decide(&policy, None), Verdict::Deny(DenyReason::NoRule)));
        let listed = policy.survey(&who(), now()).actions(&target()).contains(Action::Use);
        assert_eq!(listed, !expected.is_empty());
        assert_eq!(policy.outlook(&who(), Action::Use, &target(), now()).is_ok(), listed);
    }
}

#[test]
fn a_deny_closes_what_it_names_or_all() {
    let all = rule("all", "use.commands = [\"c\"]\nuse.hosts = [\"h.example\"]\nuse.run = \"unmasked\"");
    for (denied, left) in [
        ("", &[][..]),
        ("use.commands = [\"c\"]", &["http:h", "run", "run-unmasked"]),
        ("use.run = \"unmasked\"", &["command:c", "http:h", "run"]),
        ("use.run = \"masked\"", &["command:c", "http:h"]),
    ] {
        let policy = policy(&format!("{all}{}", rule("no", &format!("effect = \"deny\"\n{denied}"))));
        assert_eq!(open(&policy), left, "{denied}");
        assert_eq!(policy.outlook(&who(), Action::Use, &target(), now()).is_ok(), !left.is_empty());
    }
}

#[test]
fn an_entrys_rate_binds_those_who_use_it() {
    let policy = policy(&rule("r", "limit.rate = \"30/1h\"\nuse.commands = [\"c\"]\nuse.hosts = [\"h.example\"]"));
    let rates = |delivery| match decide(&policy, Some(delivery)) {
        Verdict::Allow(grant) => {
            let rates = grant.obligations().rates.iter();
            rates.map(|(rule, rate)| format!("{rule} {rate}")).collect::<Vec<_>>()
        }
        Verdict::Deny(reason) => panic!("{reason}"),
    };
    assert_eq!(rates("http:h"), ["r 30/1h", "http:h 5/1m"]);
    assert_eq!(rates("command:c"), ["r 30/1h"]);
}

#[test]
fn the_hash_names_what_is_delivered_to_and_how() {
    let one = policy(&rule("r", "use.commands = [\"c\"]"));
    for (from, to) in [
        ("/usr/bin/psql", "/usr/bin/psql2"),
        ("class = \"sealed\"", "class = \"parametrised\""),
        ("class = \"sealed\"", "class = \"sealed\"\nnetwork = true"),
        ("class = \"sealed\"", "class = \"sealed\"\nargs = [\"-x\"]"),
        ("stdin = \"V/I/f\"", "stdin = \"V/I/g\""),
        ("h.example/", "i.example/"),
        ("\"GET\"", "\"GET\", \"POST\""),
        ("query = \"key\"", "query = \"kez\""),
        ("5/1m", "6/1m"),
        ("use.commands = [\"c\"]", "use.run = \"masked\""),
        ("use.commands = [\"c\"]", "use.commands = [\"c\"]\nafter_read.rotate_within = \"1d\""),
    ] {
        let text = format!("{SMALL}{}", rule("r", "use.commands = [\"c\"]"));
        assert!(text.contains(from));
        let other = Policy::parse(&text.replace(from, to), "p").unwrap_or_else(|problems| panic!("{problems}"));
        assert_ne!(one.hash(), other.hash(), "{to}");
    }
    // What's said in other words is the same.
    let text = format!("{SMALL}{}", rule("r", "use.commands = [\"c\", \"c\"]"));
    let text = text.replace("class = \"sealed\"", "class = \"sealed\"\ntimeout = \"60s\"\noutput = \"redact\"");
    assert_eq!(Policy::parse(&text, "p").unwrap().hash(), one.hash());
}

#[test]
fn a_policy_that_delivers_to_nothing_has_the_name_it_always_had() {
    let text = format!("version = 1\n{}", rule("r", "").replace("use", "read"));
    let policy = Policy::parse(&text, "p").unwrap();
    assert_eq!(
        policy.canonical(),
        r#"{"rules":[{"actions":["read"],"effect":"allow","id":"r","paths":["**"],"principals":["*"]}],"version":1}"#
    );
}

#[test]
fn plain_http_is_named_with_its_port_so_that_neither_opens_the_other() {
    let plain = "[[http]]\nname = \"p\"\nbase = \"http://h.example/api/\"\nmethods = [\"GET\"]\npaths = [\"/api/*\"]\n\
        inject = { query = \"key\", secret = \"V/I/f\" }\nallow_private = true\n";
    let open = |hosts: &str| open(&policy(&format!("{plain}{}", rule("r", &format!("use.hosts = [{hosts}]")))));
    assert_eq!(open("\"h.example\""), ["http:h"]);
    assert_eq!(open("\"h.example:80\""), ["http:p"]);
    assert_eq!(open("\"h.example\", \"h.example:80\""), ["http:h", "http:p"]);
}
