//! Rules that deserve a second look, and those that don't.

use super::*;

fn lint(rules: &str) -> Vec<(String, WarningKind)> {
    let policy = Policy::parse(&format!("version = 1\n{rules}"), "p").unwrap_or_else(|error| panic!("{error}"));
    let warnings = policy.lint("2026-11-20T10:00:00Z".parse().ok());
    warnings.into_iter().map(|warning| (warning.about.name().to_owned(), warning.kind)).collect()
}

fn rule(id: &str, rest: &str) -> String {
    let mut text = format!("[[rule]]\nid = \"{id}\"\n{rest}\n");
    for (key, usual) in [("principals", "[\"p\"]"), ("actions", "[\"read\"]"), ("paths", "[\"V/I\"]")] {
        if !rest.contains(key) {
            text = format!("{text}{key} = {usual}\n");
        }
    }
    text
}

#[test]
fn a_careful_policy_gets_no_warning() {
    let text = include_str!("../../../fixtures/policies/good/everything.toml");
    assert_eq!(lint(&text.replace("version = 1", "")), []);
    let text = include_str!("../../../fixtures/policies/good/starter.toml");
    assert_eq!(lint(&text.replace("version = 1", "")), []);
}

#[test]
fn wide_rules_are_named() {
    use WarningKind::Wide;
    for wide in [
        "paths = [\"**\"]",
        "paths = [\"*\"]",
        "paths = [\"V\", \"*/**\"]",
        "paths = [\"*/*/*\"]",
        "actions = [\"write\"]\nprincipals = [\"*\"]",
        "actions = [\"delete\"]\nprincipals = [\"p\", \"*\"]",
    ] {
        assert_eq!(lint(&rule("r", wide)), [("r".to_owned(), Wide)], "{wide}");
    }
    for fine in [
        "paths = [\"**/public\"]",
        "paths = [\"**\"]\nactions = [\"list\"]",
        "paths = [\"*/*/*/*\"]",
        "principals = [\"*\"]",
        "paths = [\"**\"]\ntags = [\"x\"]",
        "paths = [\"**\"]\neffect = \"deny\"",
    ] {
        assert_eq!(lint(&rule("r", fine)), [], "{fine}");
    }
}

#[test]
fn rules_that_never_match_are_named() {
    use WarningKind::NeverMatches;
    for never in [
        "paths = [\"a/b/c/d/e\"]",
        "paths = [\"a/**/b/c/d/e\"]",
        "when.expires = 2026-11-20T10:00:00Z",
        "when.expires = 2027-01-01T00:00:00Z\nwhen.not_before = 2028-01-01T00:00:00Z",
        "when.source_ip = [\"10.0.0.0/8\"]\nwhen.transport = [\"stdio\"]",
        "paths = [\"V/abcdefghijklmnopqrstuvwxy2\"]",
    ] {
        assert_eq!(lint(&rule("r", never)), [("r".to_owned(), NeverMatches)], "{never}");
    }
    assert_eq!(lint(&rule("r", "paths = [\"a/**/b/c/d\"]")), []);
}

#[test]
fn rules_wholly_denied_are_named_and_others_are_not() {
    use WarningKind::Shadowed;
    let deny = |rest: &str| rule("no", &format!("effect = \"deny\"\n{rest}"));
    for (allow, deny, expected) in [
        ("", deny(""), true),
        ("", deny("paths = [\"v/**\"]\nprincipals = [\"*\"]"), true),
        ("", deny("paths = [\"V/*\"]"), true),
        ("paths = [\"V/**\"]", deny("paths = [\"V\"]"), true),
        ("paths = [\"V/**\"]", deny("paths = [\"V/*\"]"), true),
        ("paths = [\"V/a*\"]", deny("paths = [\"V/*/**\"]"), true),
        ("paths = [\"**/x\"]", deny("paths = [\"**\"]"), true),
        ("principals = [\"ci-1\"]", deny("principals = [\"ci-*\"]"), true),
        ("", deny("actions = [\"write\"]"), false),
        ("", deny("tags = [\"x\"]"), false),
        ("", deny("when.transport = [\"stdio\"]"), false),
        ("", deny("paths = [\"V/I/f\"]"), false),
        ("principals = [\"p\", \"q\"]", deny(""), false),
        ("paths = [\"**/x\"]", deny("paths = [\"*/x\"]"), false),
    ] {
        let warned = lint(&format!("{}{deny}", rule("yes", allow))).contains(&("yes".to_owned(), Shadowed));
        assert_eq!(warned, expected, "{allow} / {deny}");
    }
}

#[test]
fn two_denies_can_shadow_a_rule_together() {
    let rules = rule("yes", "actions = [\"read\", \"write\"]")
        + &rule("a", "effect = \"deny\"")
        + &rule("b", "effect = \"deny\"\nactions = [\"write\"]");
    assert_eq!(lint(&rules), [("yes".to_owned(), WarningKind::Shadowed)]);
}

#[test]
fn the_same_rule_twice_is_named() {
    let rules = rule("a", "reason = \"x\"") + &rule("b", "paths = [\"v/i\"]") + &rule("c", "tags = [\"x\"]");
    assert_eq!(lint(&rules), [("b".to_owned(), WarningKind::Duplicate)]);
}

const COMMAND: &str = "[[command]]\nname = \"c\"\nexe = \"/usr/bin/psql\"\nclass = \"sealed\"\nstdin = \"V/I/f\"\n";
const HTTP: &str = "[[http]]\nname = \"h\"\nbase = \"https://api.example.com/\"\nmethods = [\"GET\"]\npaths = [\"/**\"]\n\
    inject = { query = \"key\", secret = \"V/I/f\" }\n";

fn using(rest: &str) -> String {
    rule("r", &format!("actions = [\"use\"]\n{rest}"))
}

#[test]
fn a_rule_that_could_deliver_and_does_not_is_named() {
    assert_eq!(lint(&using("")), [("r".to_owned(), WarningKind::NoDelivery)]);
    assert_eq!(lint(&using("use.run = \"masked\"")), []);
    assert_eq!(lint(&using("effect = \"deny\"")), []);
}

#[test]
fn getting_at_everything_is_wide_however_it_is_done() {
    use WarningKind::Wide;
    assert_eq!(lint(&using("use.run = \"masked\"\npaths = [\"**\"]")), [("r".to_owned(), Wide)]);
    let trusted = COMMAND.replace("\"sealed\"", "\"trusted-code\"\naccept_exposure = true");
    let rules = using("use.commands = [\"c\"]\npaths = [\"**\"]");
    assert_eq!(lint(&format!("{trusted}{rules}")), [("r".to_owned(), Wide)]);
    assert_eq!(lint(&format!("{COMMAND}{rules}")), []);
}

#[test]
fn risky_and_unused_deliveries_are_named() {
    let named = using("use.commands = [\"c\"]");
    let one = |kind| [("c".to_owned(), kind)];
    assert_eq!(lint(COMMAND), one(WarningKind::Unused));
    assert_eq!(lint(&format!("{COMMAND}{named}")), []);
    let asked = COMMAND.replace("sealed", "parametrised");
    assert_eq!(lint(&format!("{asked}{named}")), one(WarningKind::Unlimited));
    assert_eq!(lint(&format!("{asked}{named}limit.rate = \"5/1h\"\n")), []);
    assert_eq!(lint(&format!("{asked}output = \"exit-code\"\n{named}")), []);
    let home = COMMAND.replace("/usr/bin", "/home/o/bin");
    assert_eq!(lint(&format!("{home}{named}")), one(WarningKind::Unpinned));
    assert_eq!(lint(&format!("{home}sha256 = \"{}\"\n{named}", "0a".repeat(32))), []);
    assert_eq!(lint(&format!("{COMMAND}sandbox = \"off\"\n{named}")), one(WarningKind::Unconfined));
    assert_eq!(lint(HTTP), [("h".to_owned(), WarningKind::Unused)]);
    let named = using("use.hosts = [\"api.example.com\"]");
    assert_eq!(lint(&format!("{HTTP}{named}")), []);
    let open = HTTP.replace("https:", "http:");
    let named = using("use.hosts = [\"api.example.com:80\"]");
    assert_eq!(lint(&format!("{open}allow_private = true\n{named}")), [("h".to_owned(), WarningKind::Unencrypted)]);
}

#[test]
fn a_deny_that_closes_some_deliveries_shadows_only_rules_that_open_no_more() {
    use WarningKind::Shadowed;
    let rules = format!("{COMMAND}{}", using("use.commands = [\"c\"]"));
    for (deny, expected) in [("", true), ("use.commands = [\"c\"]", true), ("use.run = \"masked\"", false)] {
        let deny = rule("no", &format!("effect = \"deny\"\nactions = [\"use\"]\n{deny}"));
        assert_eq!(lint(&format!("{rules}{deny}")).contains(&("r".to_owned(), Shadowed)), expected, "{deny}");
    }
}

fn steered(program: &str, folder: &std::path::Path, class: &str) -> Vec<Warning> {
    let command = COMMAND.replace("/usr/bin/psql", program).replace("sealed", class);
    let taking = format!("args = [\"-f\", \"{{file}}\"]\nparams.file = {{ kind = \"path\", under = {folder:?} }}\n");
    let text = format!("version = 1\n{command}{taking}{}", using("use.commands = [\"c\"]\nlimit.rate = \"1/1h\""));
    let warnings = Policy::parse(&text, "p").unwrap_or_else(|error| panic!("{error}")).lint(None);
    warnings.into_iter().filter(|warning| warning.kind == WarningKind::Steered).collect()
}

#[test]
fn whoever_writes_a_sealed_commands_files_is_asked_after() {
    let home = tempfile::tempdir().unwrap();
    // A stranger's folder is open whoever runs this, root included.
    std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let (roots, absent) = (std::path::Path::new("/usr/share"), home.path().join("none"));
    let said = |program, folder| -> String {
        let warnings = steered(program, folder, "sealed");
        assert!(warnings.len() < 2, "{warnings:?}");
        warnings.into_iter().map(|warning| warning.message).collect()
    };
    assert_eq!(said("/bin/cat", roots), "");
    assert!(said("/bin/cat", home.path()).contains("the user that runs opward can write"));
    assert!(said("/bin/cat", &absent).contains("isn't there"));
    let client = |folder| said("/usr/lib/postgresql/16/bin/psql", folder);
    assert!(client(roots).ends_with("who can write there decides what runs, and can get the value"));
    assert!(client(home.path()).contains("get the value, and the user that runs opward can"));
    assert!(client(&absent).contains("(which isn't there"));
    assert_eq!(steered("/bin/cat", home.path(), "parametrised"), [], "it says itself that its caller can learn of it");
}
