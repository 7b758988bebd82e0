//! A home whose source is in 1Password, asked in either way; both see the same world.

mod far;
mod world;

use serde_json::{Value, json};

pub(crate) use far::{Far, Kind, On, READER};
pub(crate) use world::{item, login, seed};

use super::{Client, Home, everyone, policy};

/// What begins so in a world may be given to who asks for the value, and stands nowhere else.
const VALUE: &str = "value-";
/// What holds one of these never gets out: notes, names of users, old values, what 1Password adds for itself.
const CANARIES: [&str; 3] = ["canary", "JBSWY3DPEHPK3PXP", "ops_seed"];

/// All that can be done.
pub(crate) const EVERYTHING: [&str; 6] = ["list", "describe", "read", "write", "rotate", "delete"];

/// Makes a test of each of these for each way to ask.
macro_rules! both_ways {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use $crate::support::one_password::Kind;

            #[tokio::test]
            async fn through_op() {
                super::$name(Kind::Op).await;
            }

            #[tokio::test]
            async fn through_connect() {
                super::$name(Kind::Connect).await;
            }
        }
    )+};
}
pub(crate) use both_ways;

/// A home with one source, `far`, in a 1Password of its own.
pub(crate) struct Stage {
    pub(crate) home: Home,
    pub(crate) far: Far,
}

/// Everybody may do everything.
pub(crate) fn all() -> String {
    policy(&[&everyone(&EVERYTHING)])
}

impl Stage {
    /// The world everything else is tried on, in which everybody may do everything.
    pub(crate) fn new(kind: Kind) -> Self {
        Self::of(kind, &seed(), "", &all())
    }

    /// A world, what's to be said of its source and besides, and a policy.
    pub(crate) fn of(kind: Kind, world: &Value, more: &str, policy: &str) -> Self {
        let home = Home::empty();
        let far = Far::start(kind, &home.folder().join("far"), world);
        home.policy(policy);
        let stage = Self { home, far };
        stage.configure(more);
        stage
    }

    /// Another configuration for the servers started from here on.
    pub(crate) fn configure(&self, more: &str) {
        let source = self.far.source(&self.home, "far", far::WRITER);
        self.home.write("opward.toml", format!("version = 1\n{source}{more}").as_bytes());
    }

    pub(crate) async fn serve(&self, principal: &str) -> Client {
        self.home.serve(principal).await
    }

    /// Ends the servers, and looks for what must have got nowhere.
    pub(crate) async fn end(self, clients: impl IntoIterator<Item = Client>) {
        let mut clients: Vec<_> = clients.into_iter().collect();
        clean(&self.home, &[&self.far], clients.drain(..)).await;
    }
}

/// Ends servers, and looks for canaries in all they answered and wrote, and for values in all but the answers
/// that give them.
pub(crate) async fn clean(home: &Home, fars: &[&Far], clients: impl IntoIterator<Item = Client>) {
    let mut open = home.in_the_open();
    for client in clients {
        let heard = client.heard();
        none_of(&CANARIES, &heard.values, "an answer");
        open.extend([heard.others, client.end().await]);
    }
    none_of(&CANARIES, &open, "an answer, the log or the records");
    none_of(&[VALUE], &open, "an answer, the log or the records");
    for far in fars {
        far.check_calls(&[&CANARIES[..2], &[VALUE]].concat());
    }
}

/// Checks that a text shows none of these.
pub(crate) fn none_of(texts: &[&str], whole: &str, what: &str) {
    for text in texts {
        let around = whole.find(text).map(|at| {
            let (start, end) = (whole.floor_char_boundary(at.saturating_sub(200)), at.saturating_add(100));
            &whole[start..whole.ceil_char_boundary(end.min(whole.len()))]
        });
        assert_eq!(around, None, "{text} in {what}");
    }
}

/// What sets a value.
pub(crate) async fn put(client: &Client, path: &str, value: &str) -> Value {
    client.call("put_secret", json!({ "path": path, "value": value })).await.ok()
}

/// The code that asking for a value is refused with.
pub(crate) async fn refused(client: &Client, path: &str) -> String {
    client.call("get_secret", json!({ "path": path })).await.code().to_owned()
}
