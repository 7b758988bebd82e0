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
    let lookup = |name: &str| (name == "OPWARD_CONFIG").then(|| "/env/c.toml".into());
    let environment = Environment::from_lookup(lookup);
    let locate = |named: Option<&str>, environment: &Environment| {
        Config::locate(named.map(Path::new), environment, &dirs()).unwrap().0
    };
    assert_eq!(locate(Some("/n.toml"), &environment), Path::new("/n.toml"));
    assert_eq!(locate(None, &environment), Path::new("/env/c.toml"));
    assert_eq!(locate(None, &Environment::default()), Path::new("/home/o/opward.toml"));
    let relative = Environment::from_lookup(|name: &str| (name == "OPWARD_CONFIG").then(|| "c.toml".into()));
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
