//! From a 1Password source's configuration to what its client is made of.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::token::{self, Purpose, TokenError};
use crate::config::{
    CONNECT_HOST, CacheConfig, ConnectConfig, ConnectUrl, Environment, NotAUrl, OpConfig, OpSignIn, RequestLimits,
    TokenPlace,
};
use crate::custody::SourceView;
use crate::custody::source::{
    Account, ConnectSettings, ConnectSource, DownSource, Limits, NotAnAccount, OpEnvironment, OpSettings, OpSource,
    RemoteSettings, SignIn, Source,
};
use crate::model::{Clock, SourceName};

/// How long a request to a Connect server may take, if the configuration doesn't say.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Names are listed no more often than this, whatever the cache is told.
const SHORTEST_LISTING: Duration = Duration::from_secs(30);

/// Why a source's client can't be made. It names places, and nothing that's in them.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    /// Neither the configuration nor the environment says where the Connect server is.
    #[error("there's no `url`, and {CONNECT_HOST} isn't set where this server was started")]
    NoAddress,
    /// What the environment says isn't an address.
    #[error("{CONNECT_HOST}: {0}")]
    Address(#[from] NotAUrl),
    /// The account can't be named to `op`.
    #[error(transparent)]
    Account(#[from] NotAnAccount),
    /// There's no token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// What a source in 1Password shares with the rest of the program.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) environment: &'a Environment,
    pub(super) cache: CacheConfig,
    /// The folder for what several servers of one configuration must know.
    pub(super) state: Option<PathBuf>,
    pub(super) clock: &'a Clock,
    pub(super) tasks: &'a TaskTracker,
}

/// The source that `op` answers for.
pub(super) fn op(op: &OpConfig, view: SourceView, around: &Surroundings<'_>) -> Source {
    let settings = match op_settings(op, around.environment) {
        Ok(settings) => settings,
        Err(error) => return down(&op.name, &error.to_string(), error.remedy()),
    };
    // 1Password counts the requests of service accounts alone.
    let limits = matches!(op.sign_in, OpSignIn::ServiceAccount { .. }).then_some(op.limits);
    let remote = around.remote(&op.name, view, limits, false);
    Source::Op(OpSource::new(remote, settings, around.tasks))
}

/// The source that a Connect server answers for.
pub(super) fn connect(connect: &ConnectConfig, view: SourceView, around: &Surroundings<'_>) -> Source {
    let settings = match connect_settings(connect, around.environment) {
        Ok(settings) => settings,
        Err(error) => return down(&connect.name, &error.to_string(), error.remedy()),
    };
    let remote = around.remote(&connect.name, view, Some(connect.limits), connect.allow_permanent_delete);
    match ConnectSource::new(remote, settings, around.tasks) {
        Ok(source) => Source::Connect(source),
        Err(error) => down(
            &connect.name,
            &error.to_string(),
            "ask the owner to run `opward doctor`: its [[source]] can't be used",
        ),
    }
}

impl Surroundings<'_> {
    fn remote(
        &self,
        name: &SourceName,
        view: SourceView,
        limits: Option<RequestLimits>,
        allow_permanent_delete: bool,
    ) -> RemoteSettings {
        let count = |limit: Option<NonZeroU32>| limit.map(NonZeroU32::get);
        let limits = limits.map(|limits| Limits {
            reads_per_hour: count(limits.reads_per_hour),
            writes_per_hour: count(limits.writes_per_hour),
            requests_per_day: count(limits.requests_per_day),
        });
        RemoteSettings {
            name: name.clone(),
            view,
            // Names change less often than values, and listing them costs more.
            fresh_for: self.cache.ttl.max(SHORTEST_LISTING),
            stale_if_error: self.cache.stale_if_error,
            limits: limits.filter(|limits| *limits != Limits::default()),
            state: self.state.clone(),
            allow_permanent_delete,
            clock: self.clock.clone(),
        }
    }
}

fn down(name: &SourceName, detail: &str, remedy: &'static str) -> Source {
    tracing::error!(source = name.as_str(), "{detail}");
    Source::Down(DownSource::new(name.clone(), detail.to_owned(), remedy))
}

fn op_settings(op: &OpConfig, environment: &Environment) -> Result<OpSettings, Unusable> {
    let sign_in = match &op.sign_in {
        OpSignIn::App { account } => SignIn::App { account: account.as_deref().map(Account::new).transpose()? },
        OpSignIn::ServiceAccount { token } => {
            SignIn::ServiceAccount(token::read(token, Purpose::ServiceAccount, environment)?)
        }
        OpSignIn::Session { account, variable } => {
            let place = TokenPlace::Variable(variable.clone());
            let token = token::read(&place, Purpose::Session, environment)?;
            SignIn::Session { account: Account::new(account)?, token }
        }
    };
    Ok(OpSettings {
        command: op.command.clone(),
        search_path: environment.value("PATH").map(OsStr::to_owned).unwrap_or_default(),
        sign_in,
        environment: OpEnvironment::from_lookup(|name| environment.value(name).map(OsString::from)),
        timeout: op.timeout,
    })
}

fn connect_settings(connect: &ConnectConfig, environment: &Environment) -> Result<ConnectSettings, Unusable> {
    let url = match &connect.url {
        Some(url) => url.clone(),
        None => ConnectUrl::parse(environment.text(CONNECT_HOST).ok_or(Unusable::NoAddress)?)?,
    };
    Ok(ConnectSettings {
        url: url.as_str().to_owned(),
        token: token::read(&connect.token, Purpose::Connect, environment)?,
        timeout: connect.timeout.unwrap_or(USUAL_TIMEOUT),
    })
}

impl Unusable {
    /// What's said to whoever meets the source.
    const fn remedy(&self) -> &'static str {
        match self {
            Self::NoAddress | Self::Address(_) => {
                "ask the owner to run `opward doctor`: nothing says where the Connect server is"
            }
            Self::Account(_) => "ask the owner to run `opward doctor`: the account of this source can't be used",
            Self::Token(_) => "ask the owner to run `opward doctor`: the token of this source can't be used",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Dirs, SourceConfig};

    const TOKEN: &str = "ops_eyJjYW5hcnkiOjF9";

    fn configured(source: &str) -> SourceConfig {
        let text = format!("version = 1\n[[source]]\nname = \"it\"\n{source}\n");
        let dirs = Dirs::in_one(Path::new("/o"));
        Config::parse(&text, Path::new("/o/opward.toml"), &dirs).unwrap().sources.remove(0)
    }

    fn op_of(source: &str, environment: &Environment) -> Result<OpSettings, Unusable> {
        let SourceConfig::Op(op) = configured(source) else { panic!("{source}") };
        op_settings(&op, environment)
    }

    fn connect_of(source: &str, environment: &Environment) -> Result<ConnectSettings, Unusable> {
        let SourceConfig::Connect(connect) = configured(source) else { panic!("{source}") };
        connect_settings(&connect, environment)
    }

    #[test]
    fn op_is_started_as_it_is_configured_and_finds_what_it_needs() {
        let environment =
            Environment::of_texts([("PATH", "/usr/bin"), ("HOME", "/h"), ("OP_DEBUG", "1"), ("T", TOKEN)]);
        let settings = op_of("kind = \"op\"\ntoken_env = \"T\"\ncommand = \"/opt/op\"", &environment).unwrap();
        assert_eq!(settings.command.as_deref(), Some(Path::new("/opt/op")));
        assert_eq!((settings.search_path.to_str(), settings.timeout), (Some("/usr/bin"), None));
        assert!(matches!(settings.sign_in, SignIn::ServiceAccount(_)));
        let shown = format!("{settings:?}");
        assert!(shown.contains("HOME") && !shown.contains("OP_DEBUG") && !shown.contains(TOKEN), "{shown}");
        let app = op_of("kind = \"op\"\naccount = \"my\"", &environment).unwrap();
        assert!(matches!(app.sign_in, SignIn::App { account: Some(account) } if account.as_str() == "my"));
    }

    #[test]
    fn a_session_is_read_from_its_variable() {
        let source = "kind = \"op\"\naccount = \"my\"\nsession_env = \"OP_SESSION_my\"";
        let settings = op_of(source, &Environment::of_texts([("OP_SESSION_my", "abc")])).unwrap();
        assert!(matches!(settings.sign_in, SignIn::Session { account, .. } if account.as_str() == "my"));
        let missing = op_of(source, &Environment::default()).unwrap_err();
        assert!(missing.to_string().contains("OP_SESSION_my"), "{missing}");
    }

    #[test]
    fn a_connect_server_is_where_the_configuration_or_else_the_environment_says() {
        let usual = [("OP_CONNECT_HOST", "http://env:1"), ("OP_CONNECT_TOKEN", "eyJ.canary")];
        let environment = Environment::of_texts(usual);
        let named = connect_of("kind = \"connect\"\nurl = \"https://file:2\"\ntimeout = \"3s\"", &environment).unwrap();
        assert_eq!((named.url.as_str(), named.timeout), ("https://file:2", Duration::from_secs(3)));
        let found = connect_of("kind = \"connect\"", &environment).unwrap();
        assert_eq!((found.url.as_str(), found.timeout), ("http://env:1", USUAL_TIMEOUT));
        assert!(!format!("{found:?}").contains("canary"));
        let nowhere = connect_of("kind = \"connect\"", &Environment::of_texts([usual[1]]));
        assert!(matches!(nowhere, Err(Unusable::NoAddress)));
        let wrong = Environment::of_texts([("OP_CONNECT_HOST", "http://u:canary@h"), usual[1]]);
        let wrong = connect_of("kind = \"connect\"", &wrong).unwrap_err();
        assert!(matches!(wrong, Unusable::Address(_)) && !format!("{wrong} {wrong:?}").contains("canary"));
        let no_token = connect_of("kind = \"connect\"", &Environment::of_texts([usual[0]]));
        assert!(matches!(no_token, Err(Unusable::Token(TokenError::NotSet(_)))));
    }

    #[test]
    fn every_account_the_configuration_lets_through_can_be_named() {
        for account in ["my", "my.1password.com", "a@b.example", "4JQ7XNWLV5GMRWX6SYR5DW4HZA", "a+b_c-d"] {
            let made = op_of(&format!("kind = \"op\"\naccount = \"{account}\""), &Environment::default());
            assert!(made.is_ok(), "{account}");
        }
    }
}
