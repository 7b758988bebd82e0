//! What's wise and unwise about a way to 1Password, beyond whether it works.

use super::Check;
use crate::config::{CONNECT_HOST, Config, ConnectConfig, ConnectUrl, Environment, OpConfig, OpSignIn, SourceConfig};
use crate::custody::source::{Allowance, Counted, DependencyState, Inventory, LimitScope, RateLimit, Source, Vault};
use crate::custody::{SourceError, SourceView};
use crate::model::{Action, Name, PrincipalName, SourceName};
use crate::policy::{Effect, Policy};

/// What can be said of the place this runs in, whichever source.
pub(super) fn around(config: &Config, environment: &Environment) -> Option<Check> {
    let asked = config.sources.iter().any(|source| !matches!(source, SourceConfig::Local(_)));
    let held: Vec<&str> = environment.credentials().collect();
    if !asked || held.is_empty() {
        return None;
    }
    Some(Check::weak(
        "environment",
        format!("{} set where this was started", held.join(", ")),
        "an agent started there has it, too, and can ask 1Password itself, past policy and log: put the token into a \
         file of mode 0600, name that with `token_file`, and take the variable out of the agent's shell",
    ))
}

/// What's said of a source's way to 1Password.
pub(super) fn way(source: &SourceConfig, environment: &Environment) -> Option<Check> {
    match source {
        SourceConfig::Op(op) => through_op(op),
        SourceConfig::Connect(connect) => through_connect(connect, environment),
        SourceConfig::Local(_) => None,
    }
}

fn through_op(op: &OpConfig) -> Option<Check> {
    let name = &op.name;
    match &op.sign_in {
        OpSignIn::App { .. } => Some(Check::weak(
            "source",
            format!("{name}: opened by the 1Password app"),
            "once you've unlocked it for a terminal, every program started there may use `op`, and it sees all of your \
             vaults: for agents, take a service account",
        )),
        OpSignIn::Session { variable, .. } => Some(Check::weak(
            "source",
            format!("{name}: opened by a session, which ends after 30 minutes without use"),
            format!("whoever has {variable} sees all of your vaults: for agents, take a service account"),
        )),
        OpSignIn::ServiceAccount { .. } => None,
    }
}

fn through_connect(connect: &ConnectConfig, environment: &Environment) -> Option<Check> {
    let name = &connect.name;
    let given = connect.url.clone();
    let url = given.or_else(|| ConnectUrl::parse(environment.text(CONNECT_HOST)?).ok())?;
    url.is_open_to_the_network().then(|| {
        Check::weak(
            "source",
            format!("{name}: {url} isn't encrypted, and it's on another machine"),
            "the token and every value cross the network readably: use https, or a tunnel",
        )
    })
}

/// How many requests a source may still be sent.
pub(super) fn quota(name: &SourceName, left: &Allowance) -> Check {
    if let Some(until) = left.paused_until {
        return Check::broken(
            "source",
            format!("{name}: 1Password asked for no more requests until {until:.0}"),
            "wait until then: nothing is asked before, and what's kept goes on serving; if it happens again, lower \
             `limits`, since somebody else uses the same account",
        );
    }
    let part = |count: Option<u32>, what: &str| count.map(|count| format!("{count} {what}"));
    let parts = [
        part(left.reads, "reads left in this hour"),
        part(left.writes, "writes left in this hour"),
        part(left.today, "requests left in this day"),
    ];
    let finding = format!("{name}: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    if [left.reads, left.writes, left.today].contains(&Some(0)) {
        let remedy = "what's kept goes on serving; `plan` or `limits` in its [[source]] say how many there are";
        return Check::weak("source", finding, remedy);
    }
    Check::good("source", finding)
}

/// What the program or the server that's asked says of itself.
pub(super) async fn far_side(source: &Source) -> Vec<Check> {
    let name = source.name();
    let found = |found: String| Check::good("source", format!("{name}: {found}"));
    let failed = |error: SourceError| Check::broken("source", error.to_string(), error.public().hint);
    match source {
        Source::Local(_) | Source::Down(_) => Vec::new(),
        Source::Op(op) => match op.program().await {
            Ok((program, version)) => vec![found(format!("op {version} at {}", program.display()))],
            Err(error) => vec![failed(error)],
        },
        Source::Connect(connect) => match connect.health().await {
            Ok(health) => {
                let version = health.version.map_or_else(
                    || "a Connect server that doesn't tell its version".to_owned(),
                    |version| format!("a Connect server, version {version}"),
                );
                let parts = health.dependencies.unwrap_or_default();
                let idle = parts.into_iter().filter(|part| part.state == DependencyState::Other);
                let idle = idle.map(|part| {
                    let finding = format!("{name}: its part `{}` isn't at work", part.service);
                    Check::weak("source", finding, "if requests fail, look at the log of the server's containers")
                });
                std::iter::once(found(version)).chain(idle).collect()
            }
            Err(error) => vec![failed(error)],
        },
    }
}

/// What 1Password itself counts of a service account's requests. Other ways to sign in have no limits.
pub(super) async fn counts(source: &Source, asker: &PrincipalName) -> Vec<Check> {
    let Source::Op(op) = source else { return Vec::new() };
    let limits = op.rate_limits(asker).await.unwrap_or_default();
    limits.iter().map(|limit| Check::good("source", format!("{}: {}", source.name(), counted(limit)))).collect()
}

/// A limit in words.
fn counted(limit: &RateLimit) -> String {
    let what = match limit.counts {
        Counted::Reads => "reads",
        Counted::Writes => "writes",
        Counted::All => "requests",
    };
    let whose = match limit.scope {
        LimitScope::Token => "in this hour",
        LimitScope::Account => "in this day by all service accounts",
    };
    format!("1Password counts {} of {} {what} {whose}", limit.used, limit.limit)
}

/// Whether a token's rights and what the configuration and the policy need are the same.
pub(super) fn rights(source: &SourceConfig, view: &SourceView, inventory: &Inventory, policy: &Policy) -> Vec<Check> {
    let (name, granted) = match source {
        SourceConfig::Op(op) => (&op.name, matches!(op.sign_in, OpSignIn::ServiceAccount { .. })),
        SourceConfig::Connect(connect) => (&connect.name, true),
        SourceConfig::Local(_) => return Vec::new(),
    };
    let mut checks = Vec::new();
    let missing = missing(view, &inventory.vaults);
    if !missing.is_empty() {
        checks.push(Check::weak(
            "source",
            format!("{name}: no such vault: {}", missing.join(", ")),
            "correct its name under `vaults`, or grant it: a vault that isn't granted looks as if it weren't there",
        ));
    }
    // A person's own rights aren't granted to opward, and can't be narrowed for it.
    let wider = if granted { wider(view, &inventory.vaults, policy) } else { Vec::new() };
    if !wider.is_empty() {
        checks.push(Check::weak(
            "source",
            format!("{name}: the token is granted more than anybody may use: {}", wider.join(", ")),
            "no rule lets a value there be read or changed, or the configuration hides it: make a token that's granted \
             only the vaults that are needed, and revoke this one",
        ));
    }
    checks
}

/// The vaults under `vaults` that the source doesn't show.
fn missing<'v>(view: &'v SourceView, there: &[Vault]) -> Vec<&'v str> {
    let is =
        |name: &Name, vault: &Vault| name.as_str() == vault.id.as_str() || name.matching() == vault.name.matching();
    let wanted = view.vaults.iter().flatten();
    wanted.filter(|name| !there.iter().any(|vault| is(name, vault))).map(Name::as_str).collect()
}

/// The vaults that a token sees and nobody may use.
fn wider<'i>(view: &SourceView, there: &'i [Vault], policy: &Policy) -> Vec<&'i str> {
    let idle = |vault: &&Vault| match view.name_of(vault) {
        None => true,
        Some(name) => policy.is_loaded() && !used(&name, policy),
    };
    there.iter().filter(idle).map(|vault| vault.name.as_str()).collect()
}

/// Whether some rule lets somebody do more with a vault than know what's in it.
fn used(vault: &Name, policy: &Policy) -> bool {
    policy.rules().any(|rule| {
        rule.effect() == Effect::Allow
            && rule.actions().iter().any(|action| !matches!(action, Action::List | Action::Describe))
            && rule.paths().iter().any(|path| path.reaches_into(&vault.matching()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;
    use crate::config::Dirs;
    use crate::model::VaultId;

    const SOURCES: &str = "version = 1\n\
        [[source]]\nname = \"work\"\nkind = \"op\"\ntoken_file = \"t\"\nvaults = [\"Staging\", \"Gone\"]\n\
        [[source]]\nname = \"mine\"\nkind = \"op\"\n\
        [[source]]\nname = \"far\"\nkind = \"connect\"\nurl = \"http://connect.example:8080\"\n\
        [[source]]\nname = \"near\"\nkind = \"connect\"\n";

    const POLICY: &str = "version = 1\n\
        [[rule]]\nid = \"names\"\nprincipals = [\"*\"]\nactions = [\"list\", \"describe\"]\npaths = [\"**\"]\n\
        [[rule]]\nid = \"staging\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"Stag*/**\"]\n\
        [[rule]]\nid = \"no\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"HR/**\"]\n";

    fn config() -> Config {
        let dirs = Dirs::in_one(std::path::Path::new("/o"));
        Config::parse(SOURCES, std::path::Path::new("/o/opward.toml"), &dirs).unwrap()
    }

    fn vault(name: &str) -> Vault {
        Vault { id: VaultId::new(name), name: Name::new(name).unwrap(), description: None }
    }

    fn inventory(names: &[&str]) -> Inventory {
        Inventory { vaults: names.iter().map(|name| vault(name)).collect(), items: Vec::new(), generation: None }
    }

    fn view(only: Option<&[&str]>) -> SourceView {
        let vaults = only.map(|names| names.iter().map(|name| Name::new(name).unwrap()).collect());
        SourceView { vaults, ..SourceView::default() }
    }

    #[test]
    fn names_vaults_that_are_missing_and_those_that_nobody_may_use() {
        let (config, policy) = (config(), Policy::parse(POLICY, "policy.toml").unwrap());
        let sees = inventory(&["Staging", "HR"]);
        let [work, mine, far, _] = config.sources.as_slice() else { panic!() };
        let found = rights(work, &view(Some(&["Staging", "Gone"])), &sees, &policy);
        let said: Vec<_> = found.iter().map(|check| check.finding.as_str()).collect();
        assert_eq!(
            said,
            ["work: no such vault: Gone", "work: the token is granted more than anybody may use: HR"],
            "HR is hidden"
        );
        let found = rights(far, &view(None), &sees, &policy);
        assert_eq!(found.len(), 1);
        assert!(found[0].finding.ends_with(": HR"), "no rule allows it: {:?}", found[0]);
        assert!(rights(mine, &view(None), &sees, &policy).is_empty(), "a person's own rights are theirs");
        assert!(rights(far, &view(None), &inventory(&["Staging"]), &policy).is_empty());
    }

    #[test]
    fn warns_of_a_way_that_others_can_take() {
        let config = config();
        let near = Environment::of_texts([("OP_CONNECT_HOST", "http://localhost:8080")]);
        let far = Environment::of_texts([("OP_CONNECT_HOST", "http://10.0.0.7")]);
        let said = |environment: &Environment| -> Vec<String> {
            config.sources.iter().filter_map(|source| way(source, environment)).map(|check| check.finding).collect()
        };
        assert_eq!(said(&near).len(), 2, "the app, and the server that's far: {:?}", said(&near));
        assert_eq!(said(&far).len(), 3);
    }

    #[test]
    fn says_how_much_may_be_asked_and_until_when_nothing_may() {
        let name = SourceName::new("work");
        let left = |reads, paused_until| Allowance { reads, writes: Some(98), today: Some(900), paused_until };
        let good = quota(&name, &left(Some(940), None));
        assert_eq!((good.health, good.remedy), (Health::Good, None));
        assert_eq!(
            good.finding,
            "work: 940 reads left in this hour, 98 writes left in this hour, 900 requests left in this day"
        );
        assert_eq!(quota(&name, &left(Some(0), None)).health, Health::Weak);
        let paused = quota(&name, &left(Some(940), Some("2026-12-01T10:00:00.5Z".parse().unwrap())));
        assert_eq!(paused.health, Health::Broken);
        assert!(paused.finding.ends_with("until 2026-12-01T10:00:00Z"), "{}", paused.finding);
    }

    #[test]
    fn warns_of_credentials_in_the_environment_by_name() {
        let environment =
            Environment::of_texts([("OP_SERVICE_ACCOUNT_TOKEN", "ops_canary"), ("OP_SESSION_x", "canary")]);
        let check = around(&config(), &environment).unwrap();
        assert_eq!(check.health, Health::Weak);
        assert_eq!(check.finding, "OP_SERVICE_ACCOUNT_TOKEN, OP_SESSION_x set where this was started");
        assert!(!format!("{check:?}").contains("canary"));
        assert!(around(&config(), &Environment::default()).is_none());
    }
}
