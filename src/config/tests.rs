//! Configurations and what's read from them.

use super::*;

const FULL: &str = r#"
version = 1
policy = "rules/policy.toml"
[[source]]
name = "home"
kind = "local"
[[source]]
name = "team"
kind = "local"
file = "/srv/team.kdbx"
key_file = "keys/team.keyx"
vaults = ["Staging", "Production"]
blocked_vaults = ["HR"]
rename = { Production = "Team Production" }
[cache]
ttl = 0
stale_if_error = "2h"
max_items = 5
[fields]
api_key = ["api_key", "apikey", "key"]
[env_bundle.checkout]
DATABASE_URL = "Production/PostgreSQL/connection_string"
STRIPE_KEY = "op://Production/Stripe/credential"
[audit]
file = "log.jsonl"
durability = "fsync"
"#;

fn dirs() -> Dirs {
    Dirs::in_one(Path::new("/home/o"))
}

fn parse(text: &str) -> Result<Config, Diagnostics> {
    Config::parse(text, Path::new("/etc/o/opward.toml"), &dirs())
}

#[test]
fn reads_everything_it_can_say() {
    let config = parse(FULL).unwrap();
    assert_eq!(config.policy, Path::new("/etc/o/rules/policy.toml"));
    let [SourceConfig::Local(home), SourceConfig::Local(team)] = config.sources.as_slice() else { panic!() };
    assert_eq!(home.file, Path::new("/home/o/vault.kdbx"));
    assert_eq!(home.key_file, KeyFile::IfThere("/home/o/vault.keyx".into()));
    assert_eq!(team.key_file, KeyFile::Named("/etc/o/keys/team.keyx".into()));
    let names = |names: &[Name]| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(team.vaults.only().map(names), Some(vec!["Staging".to_owned(), "Production".to_owned()]));
    assert_eq!(names(team.vaults.never()), ["HR"]);
    assert!(home.vaults.only().is_none());
    assert_eq!(team.rename[&Name::new("Production").unwrap()].as_str(), "Team Production");
    assert_eq!(
        config.cache,
        CacheConfig { ttl: Duration::ZERO, stale_if_error: Duration::from_hours(2), max_items: 5 }
    );
    assert_eq!(config.fields[&Category::ApiCredential].len(), 3);
    assert_eq!(
        config.env_bundles["checkout"].entries().map(|(key, _)| key).collect::<Vec<_>>(),
        ["DATABASE_URL", "STRIPE_KEY"]
    );
    assert_eq!(config.audit, AuditConfig { file: "/home/o/log.jsonl".into(), durability: Durability::Fsync });
    assert_eq!(config.shared_folder(), Path::new("/home/o"));
}

#[test]
fn says_little_by_default() {
    let config = parse("version = 1\n[[source]]\nname = \"home\"\nkind = \"local\"\n").unwrap();
    assert_eq!(config.policy, Path::new("/etc/o/policy.toml"));
    assert_eq!(config.cache, CacheConfig::default());
    assert_eq!(config.audit, AuditConfig { file: "/home/o/audit.jsonl".into(), durability: Durability::Write });
}

#[test]
fn a_named_file_comes_before_the_environment_and_that_before_the_usual_place() {
    let environment = Environment::of_texts([("OPWARD_CONFIG", "/env/c.toml")]);
    let locate = |named: Option<&str>, environment: &Environment| {
        Config::locate(named.map(Path::new), environment, &dirs()).unwrap().0
    };
    assert_eq!(locate(Some("/n.toml"), &environment), Path::new("/n.toml"));
    assert_eq!(locate(None, &environment), Path::new("/env/c.toml"));
    assert_eq!(locate(None, &Environment::default()), Path::new("/home/o/opward.toml"));
    let relative = Environment::of_texts([("OPWARD_CONFIG", "c.toml")]);
    assert!(Config::locate(None, &relative, &dirs()).is_err());
}

#[test]
fn without_a_file_it_says_which_command_makes_one() {
    let home = tempfile::tempdir().unwrap();
    let dirs = Dirs::in_one(home.path());
    let error = Config::load(None, &Environment::default(), &dirs).unwrap_err();
    assert!(matches!(error, ConfigError::NotSetUp { .. }));
    assert!(error.to_string().contains("opward init"), "{error}");
    let named = home.path().join("other.toml");
    let error = Config::load(Some(&named), &Environment::default(), &dirs).unwrap_err();
    assert!(matches!(error, ConfigError::Read(ReadError::Missing { .. })));
}

#[cfg(unix)]
#[test]
fn a_file_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(FILE_NAME);
    std::fs::write(&file, FULL).unwrap();
    let load = || Config::load(None, &Environment::default(), &Dirs::in_one(home.path()));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(load(), Err(ConfigError::Read(ReadError::Writable { .. }))));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load().is_ok());
}

const ONE_PASSWORD: &str = include_str!("../../fixtures/configs/good/onepassword.toml");

fn count(number: u32) -> Option<std::num::NonZeroU32> {
    std::num::NonZeroU32::new(number)
}

#[test]
fn reads_each_way_to_1password() {
    let config = parse(ONE_PASSWORD).unwrap();
    let [
        SourceConfig::Op(work),
        SourceConfig::Op(side),
        SourceConfig::Op(mine),
        SourceConfig::Op(terminal),
        SourceConfig::Connect(cluster),
        SourceConfig::Connect(elsewhere),
    ] = config.sources.as_slice()
    else {
        panic!("{:?}", config.sources)
    };
    assert_eq!(work.command.as_deref(), Some(Path::new("/usr/bin/op")));
    let file = TokenPlace::File("/etc/o/op.token".into());
    assert_eq!(work.sign_in, OpSignIn::ServiceAccount { token: file }, "relative to the configuration's folder");
    assert_eq!((work.timeout, work.limits.requests_per_day), (Some(Duration::from_secs(20)), count(50_000)));
    let variable = TokenPlace::Variable("SIDE_BUSINESS_TOKEN".to_owned());
    assert_eq!(side.sign_in, OpSignIn::ServiceAccount { token: variable });
    assert_eq!(
        (side.limits.reads_per_hour, side.limits.writes_per_hour, side.limits.requests_per_day),
        (count(500), count(100), count(1_000)),
        "what isn't said is the smallest that's published"
    );
    assert_eq!(mine.sign_in, OpSignIn::App { account: Some("my.1password.com".to_owned()) });
    assert_eq!(mine.limits, RequestLimits::default(), "people aren't counted");
    let (account, variable) = ("my.1password.com".to_owned(), "OP_SESSION_my".to_owned());
    assert_eq!(terminal.sign_in, OpSignIn::Session { account, variable });
    assert_eq!(cluster.url.as_ref().map(ConnectUrl::as_str), Some("http://localhost:8080"));
    assert_eq!(cluster.token, TokenPlace::File("/etc/opward/connect.token".into()));
    assert_eq!((cluster.limits.reads_per_hour, cluster.limits.requests_per_day), (None, count(20_000)));
    assert!(!cluster.allow_permanent_delete);
    assert_eq!((&elsewhere.url, &elsewhere.token), (&None, &TokenPlace::Variable(CONNECT_TOKEN.to_owned())));
    assert!(config.asks_the_app());
}

#[test]
fn a_source_without_the_app_does_not_ask_it() {
    let of = |more: &str| parse(&format!("version = 1\n[[source]]\nname = \"a\"\n{more}\n")).unwrap().asks_the_app();
    assert!(of("kind = \"op\""));
    assert!(!of("kind = \"op\"\ntoken_file = \"t\""));
    assert!(!of("kind = \"op\"\naccount = \"my\"\nsession_env = \"S\""));
    assert!(!of("kind = \"connect\""));
    assert!(!of("kind = \"local\""));
}

const CANARY: &str = "canary-5f0c1d";

#[test]
fn no_problem_shows_a_token_wherever_it_was_written() {
    for line in [
        "token = \"§\"",
        "token = §",
        "\"token\" = '§'",
        "token_file = \"ops_§\"",
        "token_env = \"eyJ§\"",
        "token_env = \"§ §\"",
        "password = \"§\"",
        "connect_token = [\"§\"]",
        "account = \"ops_§\"",
        "command = \"ops_§\"",
        "url = \"eyJ§\"",
        "kind = \"ops_§\"",
        "ops = ops_eyJ§§§",
        "# ops_eyJ§§§\nunknown = 1",
        "url = \"https://u:§@connect\"",
    ] {
        let line = line.replace('§', CANARY);
        for kind in ["op", "connect", "local"] {
            let kind = if line.starts_with("kind") { String::new() } else { format!("kind = \"{kind}\"\n") };
            let text = format!("version = 1\n[[source]]\nname = \"a\"\n{kind}{line}\n");
            let Err(problems) = parse(&text) else { panic!("{text}") };
            let shown = format!("{problems} {problems:?} {}", problems.render(true));
            assert!(!shown.contains(CANARY), "{text}{shown}");
        }
    }
}

#[test]
fn the_environment_will_do_where_there_is_no_file() {
    let home = tempfile::tempdir().unwrap();
    let dirs = Dirs::in_one(home.path());
    let load = |variables: &[(&'static str, &'static str)]| {
        Config::load(None, &Environment::of_texts(variables.iter().copied()), &dirs)
    };
    let connect = load(&[(CONNECT_HOST, "http://c"), (CONNECT_TOKEN, "t"), (SERVICE_ACCOUNT_TOKEN, "ops_t")]).unwrap();
    assert_eq!(connect.origin, Origin::Environment);
    assert_eq!(connect.policy, home.path().join("policy.toml"));
    let [SourceConfig::Connect(source)] = connect.sources.as_slice() else { panic!("{:?}", connect.sources) };
    assert_eq!((source.name.as_str(), &source.url), ("connect", &None));
    let op = load(&[(CONNECT_TOKEN, "t"), (SERVICE_ACCOUNT_TOKEN, "ops_t")]).unwrap();
    let [SourceConfig::Op(source)] = op.sources.as_slice() else { panic!("{:?}", op.sources) };
    let token = TokenPlace::Variable(SERVICE_ACCOUNT_TOKEN.to_owned());
    assert_eq!((source.name.as_str(), &source.sign_in), ("op", &OpSignIn::ServiceAccount { token }));
    assert_eq!(source.limits.requests_per_day, count(1_000));
    assert!(matches!(load(&[(CONNECT_HOST, "http://c")]), Err(ConfigError::NotSetUp { .. })));
    assert!(matches!(load(&[(SERVICE_ACCOUNT_TOKEN, "")]), Err(ConfigError::NotSetUp { .. })));
    // A file that's named but missing is a mistake, whatever the environment says.
    let all = Environment::of_texts([(SERVICE_ACCOUNT_TOKEN, "ops_t")]);
    let named = Config::load(Some(&home.path().join("other.toml")), &all, &dirs);
    assert!(matches!(named, Err(ConfigError::Read(ReadError::Missing { .. }))));
}

#[test]
fn references_in_the_environment_make_a_bundle() {
    let variables = [
        ("OP_STRIPE_KEY_REF", "op://Production/Stripe/credential"),
        ("OP_1ST_REF", "op://V/I/F"),
        ("OP_REF", "op://V/I/F"),
        ("OP_PLAIN_REF", CANARY),
        ("OP_SHORT_REF", "op://Production"),
        ("STRIPE_REF", "op://V/I/F"),
    ];
    let environment = Environment::of_texts(variables);
    let config = parse(FULL).unwrap().with_references(&environment);
    let bundle: Vec<_> =
        config.env_bundles[ENVIRONMENT_BUNDLE].entries().map(|(key, at)| (key, at.to_string())).collect();
    assert_eq!(bundle, [("STRIPE_KEY", "Production/Stripe/credential".to_owned())]);
    let notes: Vec<_> = config.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("OP_PLAIN_REF ") && notes[1].starts_with("OP_SHORT_REF "), "{notes:?}");
    assert!(!format!("{notes:?}{:?}", config.notes).contains(CANARY));
}

#[test]
fn a_configured_bundle_wins_over_the_environment_and_says_so() {
    let text = FULL.replace("[env_bundle.checkout]", "[env_bundle.environment]");
    let environment = Environment::of_texts([("OP_STRIPE_KEY_REF", "op://Other/Stripe/credential")]);
    let config = parse(&text).unwrap().with_references(&environment);
    assert_eq!(config.env_bundles[ENVIRONMENT_BUNDLE], parse(&text).unwrap().env_bundles[ENVIRONMENT_BUNDLE]);
    assert_eq!(config.notes, [Note::Overridden { variables: 1 }]);
}
