//! One client of one principal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::mix::{Deed, Mix};
use super::tally::Tally;
use super::watch;
use super::world::{Principal, World, lock};
use crate::Result;
use crate::ask::Asker;
use crate::wire::{Answer, Connection};

/// How many sessions and cursors are kept for others to try.
const KEPT: usize = 50;

pub(super) struct Worker {
    world: Arc<World>,
    tally: Arc<Tally>,
    owner: usize,
    address: SocketAddr,
    mix: Mix,
    connection: Option<Connection>,
    cursor: Option<String>,
    written: usize,
}

/// What came, without what it came in.
struct Came {
    status: u16,
    json: Option<Value>,
    session: Option<String>,
}

impl Worker {
    pub(super) fn new(world: Arc<World>, tally: Arc<Tally>, owner: usize, address: SocketAddr, mix: Mix) -> Self {
        Self { world, tally, owner, address, mix, connection: None, cursor: None, written: 0 }
    }

    /// Does one thing after another until it's told to stop.
    pub(super) async fn work(mut self, pace: Duration, stop: Arc<AtomicBool>) -> Result<()> {
        // Not all at the same moment.
        sleep(pace.mul_f64(f64::from(u16::try_from(self.mix.below(1000))?) / 1000.0)).await;
        let mut ticks = interval(pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            let deed = self.mix.deed();
            let outcome = match self.act(deed).await {
                Ok(outcome) => outcome,
                Err(error) => {
                    self.connection = None;
                    format!("{error}")
                }
            };
            self.tally.outcome(deed, &outcome);
        }
        Ok(())
    }

    async fn act(&mut self, deed: Deed) -> Result<String> {
        let world = Arc::clone(&self.world);
        let own = world.principal(self.owner)?;
        let other = self.other(&world)?;
        let me = Asker::new(self.address, &own.bearer());
        let item = self.mix.pick(&own.items).ok_or("no items")?;
        let foreign = self.mix.pick(&other.items).ok_or("no items")?;
        let at = |item: &str, field: &str| json!({ "path": format!("{}/{item}{field}", own.vault) });
        let path_there = format!("{}/{foreign}/password", other.vault);
        let header = |principal: &Principal, item: &str| {
            let vault = [("X-Vault-ID", principal.vault.as_str())];
            me.call("get_secret", &json!({ "path": format!("{item}/password") }), &vault)
        };
        match deed {
            Deed::List => self.list(&me).await,
            Deed::Describe => self.call(deed, &me, "describe_secret", &at(item, "")).await,
            Deed::Get => {
                let came = self.ask(deed, &me.call("get_secret", &at(item, "/password"), &[])).await?;
                Ok(came.own_value(own))
            }
            Deed::GetToggled => self.call(deed, &me, "get_secret", &at(&own.toggled, "/password")).await,
            Deed::Put => self.call(deed, &me, "put_secret", &self.new_value(own, item)).await,
            Deed::Bundle => self.call(deed, &me, "get_env_bundle", &at(item, "")).await,
            Deed::Check => {
                let arguments = json!({ "path": path_there, "action": "read" });
                self.call(deed, &me, "check_access", &arguments).await
            }
            Deed::ByHeader => Ok(self.ask(deed, &header(own, item)).await?.own_value(own)),
            Deed::Resources => self.read(deed, &me, "opward://secrets").await,
            Deed::Completion => self.complete(deed, &me, &format!("{}/It", own.vault)).await,
            Deed::Discover => {
                let method = if self.mix.below(2) == 0 { "server/discover" } else { "tools/list" };
                Ok(self.ask(deed, &me.modern(method, &json!({}), &[])).await?.outcome())
            }
            Deed::Foreign => {
                let tool = ["get_secret", "describe_secret", "get_env_bundle", "put_secret"];
                let tool = self.mix.pick(&tool).ok_or("no tools")?;
                let arguments = match *tool {
                    "get_secret" => json!({ "path": path_there }),
                    "put_secret" => json!({ "path": path_there, "value": "nothing" }),
                    _ => json!({ "path": format!("{}/{foreign}", other.vault) }),
                };
                self.call(deed, &me, tool, &arguments).await
            }
            Deed::ForeignHeader => Ok(self.ask(deed, &header(other, foreign)).await?.outcome()),
            Deed::ForeignResource => self.read(deed, &me, &format!("opward://secrets/{}/{foreign}", other.vault)).await,
            Deed::ForeignCompletion => self.complete(deed, &me, &format!("{}/It", other.vault)).await,
            Deed::ForeignCursor => self.foreign_cursor(&me).await,
            Deed::ForeignSession => self.foreign_session(&me).await,
            Deed::Leave => self.leave(&me, own, item).await,
            Deed::TakeBack => self.take_back(&me, &at(item, "/password")).await,
            Deed::Session => self.session(&me, own, &at(item, "/password")).await,
            Deed::Stranger => self.knock(&me, &at(item, "/password")).await,
        }
    }

    fn other<'w>(&mut self, world: &'w World) -> Result<&'w Principal> {
        let others = world.owners().len();
        let step = self.mix.below(others.saturating_sub(1)).saturating_add(1);
        world.principal(self.owner.saturating_add(step) % others)
    }

    fn new_value(&self, own: &Principal, item: &str) -> Value {
        let value = format!("{}-{}", own.value_canary, self.written);
        json!({ "path": format!("{}/{item}/password", own.vault), "value": value })
    }

    async fn call(&mut self, deed: Deed, me: &Asker, tool: &str, arguments: &Value) -> Result<String> {
        self.written = self.written.saturating_add(1);
        Ok(self.ask(deed, &me.call(tool, arguments, &[])).await?.outcome())
    }

    async fn read(&mut self, deed: Deed, me: &Asker, uri: &str) -> Result<String> {
        let came = self.ask(deed, &me.modern("resources/read", &json!({ "uri": uri }), &[])).await?;
        Ok(came.outcome())
    }

    async fn complete(&mut self, deed: Deed, me: &Asker, text: &str) -> Result<String> {
        let reference = json!({ "type": "ref/resource", "uri": "opward://secrets/{+path}" });
        let params = json!({ "ref": reference, "argument": { "name": "path", "value": text } });
        let came = self.ask(deed, &me.modern("completion/complete", &params, &[])).await?;
        let count = came.json.as_ref().and_then(|json| json.pointer("/result/completion/values")?.as_array());
        match (deed, count.map(Vec::len)) {
            (Deed::ForeignCompletion, Some(0)) => Ok("ok".to_owned()),
            (Deed::ForeignCompletion, Some(_)) => Ok("some were offered".to_owned()),
            (_, Some(0)) => Ok("none was offered".to_owned()),
            _ => Ok(came.outcome()),
        }
    }

    /// One page after another, from the beginning again after the last.
    async fn list(&mut self, me: &Asker) -> Result<String> {
        let arguments = match self.cursor.take() {
            Some(cursor) => json!({ "limit": 5, "cursor": cursor }),
            None => json!({ "limit": 5 }),
        };
        let came = self.ask(Deed::List, &me.call("list_secrets", &arguments, &[])).await?;
        let next = came.json.as_ref().and_then(|json| json.pointer("/result/structuredContent/next_cursor")?.as_str());
        self.cursor = next.map(str::to_owned);
        if let Some(cursor) = next {
            keep(&mut lock(&self.world.cursors), (self.owner, cursor.to_owned()));
        }
        Ok(came.outcome())
    }

    async fn foreign_cursor(&mut self, me: &Asker) -> Result<String> {
        let others: Vec<_> =
            lock(&self.world.cursors).iter().filter(|(owner, _)| *owner != self.owner).cloned().collect();
        let Some((_, cursor)) = self.mix.pick(&others) else { return Ok("ok".to_owned()) };
        let request = me.call("list_secrets", &json!({ "cursor": cursor }), &[]);
        Ok(self.ask(Deed::ForeignCursor, &request).await?.outcome())
    }

    async fn foreign_session(&mut self, me: &Asker) -> Result<String> {
        let others: Vec<_> =
            lock(&self.world.sessions).iter().filter(|(owner, _)| *owner != self.owner).cloned().collect();
        let nobodys = (0, "00000000-0000-4000-8000-000000000000".to_owned());
        let (_, session) = self.mix.pick(&others).unwrap_or(&nobodys);
        let request = match self.mix.below(3) {
            0 => me.within(session, "tools/list", &json!({})),
            1 => me.listen(session),
            _ => me.end(session),
        };
        Ok(self.ask(Deed::ForeignSession, &request).await?.outcome())
    }

    /// Sends a request, or a part of it, waits a moment or not, and goes away.
    async fn leave(&mut self, me: &Asker, own: &Principal, item: &str) -> Result<String> {
        self.written = self.written.saturating_add(1);
        let request = match self.mix.below(4) {
            0 => me.call("put_secret", &self.new_value(own, item), &[]),
            1 => me.call("get_env_bundle", &json!({ "path": format!("{}/{item}", own.vault) }), &[]),
            2 => me.call("list_secrets", &json!({}), &[]),
            _ => me.call("get_secret", &json!({ "path": format!("{}/{item}/password", own.vault) }), &[]),
        };
        let sent = if self.mix.below(3) == 0 { self.mix.below(request.len()) } else { request.len() };
        let mut connection = Connection::open(self.address).await?;
        connection.send(request.get(..sent).unwrap_or_default()).await?;
        let patience = Duration::from_micros(u64::try_from(self.mix.below(4000))?);
        // Whether it came in time or not, what came is searched.
        let _ = timeout(patience, connection.answer()).await;
        self.searched(Deed::Leave, connection.received());
        Ok("left".to_owned())
    }

    /// Opens a session, works in it and ends it.
    async fn session(&mut self, me: &Asker, own: &Principal, path: &Value) -> Result<String> {
        let session = self.open(Deed::Session, me).await?;
        let call = json!({ "name": "get_secret", "arguments": path });
        let list = self.ask(Deed::Session, &me.within(&session, "tools/list", &json!({}))).await?.outcome();
        let value = self.ask(Deed::Session, &me.within(&session, "tools/call", &call)).await?.own_value(own);
        let mut listening = Connection::open(self.address).await?;
        listening.send(&me.listen(&session)).await?;
        let status = listening.head().await?;
        self.searched(Deed::Session, listening.received());
        drop(listening);
        let end = self.ask(Deed::Session, &me.end(&session)).await?.status;
        lock(&self.world.sessions).retain(|(_, open)| *open != session);
        let gone = self.ask(Deed::Session, &me.within(&session, "tools/list", &json!({}))).await?.status;
        let well = list == "ok" && value == "ok" && status == 200 && (200..300).contains(&end) && gone == 404;
        Ok(if well {
            "ok".to_owned()
        } else {
            format!("list {list}, get {value}, listen {status}, end {end}, then {gone}")
        })
    }

    /// Asks for something in a session, and takes it back over another connection.
    async fn take_back(&mut self, me: &Asker, path: &Value) -> Result<String> {
        let session = self.open(Deed::TakeBack, me).await?;
        let mut asking = Connection::open(self.address).await?;
        asking.send(&me.within(&session, "tools/call", &json!({ "name": "get_secret", "arguments": path }))).await?;
        self.ask(Deed::TakeBack, &me.take_back(&session)).await?;
        let answered = timeout(Duration::from_secs(10), asking.answer()).await;
        let outcome = match answered {
            Ok(Ok(answer)) if answer.json().is_some_and(|json| json.get("result").is_some()) => "answered before",
            Ok(_) => "taken back",
            Err(_) => "neither answered nor ended",
        };
        self.searched(Deed::TakeBack, asking.received());
        self.ask(Deed::TakeBack, &me.end(&session)).await?;
        lock(&self.world.sessions).retain(|(_, open)| *open != session);
        Ok(outcome.to_owned())
    }

    async fn open(&mut self, deed: Deed, me: &Asker) -> Result<String> {
        let came = self.ask(deed, &me.initialize()).await?;
        let session = came.session.ok_or_else(|| format!("http {}, and no session", came.status))?;
        self.ask(deed, &me.initialized(&session)).await?;
        keep(&mut lock(&self.world.sessions), (self.owner, session.clone()));
        Ok(session)
    }

    /// Asks with no token, one that's nearly good, or one in the wrong place.
    async fn knock(&mut self, me: &Asker, path: &Value) -> Result<String> {
        let good = me.bearer.clone().unwrap_or_default();
        let mut nearly = good.clone();
        let last = nearly.pop();
        // Not the last character alone: some of its bits don't count.
        nearly.pop();
        nearly.push_str(if good.ends_with("AA") { "BB" } else { "AA" });
        let bearer = match self.mix.below(3) {
            0 => None,
            1 => Some(nearly),
            _ => last.map(|last| format!("{good}{last}")),
        };
        let stranger = Asker { address: self.address, bearer };
        // Nothing that comes to it may be anybody's, not even this principal's.
        let mut connection = Connection::open(self.address).await?;
        let request = stranger.call("get_secret", path, &[]);
        let answer = connection.ask(&request).await?;
        let seen = watch::search(&self.world, None, answer.raw);
        self.tally.received(Deed::Stranger, answer.raw.len(), &seen);
        Ok(Came::of(&answer).outcome())
    }

    /// Asks over the connection that's open, or a new one, and searches what comes.
    async fn ask(&mut self, deed: Deed, request: &[u8]) -> Result<Came> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let answer = connection.ask(request).await?;
        let seen = watch::search(&self.world, Some(self.owner), answer.raw);
        self.tally.received(deed, answer.raw.len(), &seen);
        let came = Came::of(&answer);
        let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        // Now and then with another connection, as clients do.
        if !closes && self.mix.below(20) != 0 {
            self.connection = Some(connection);
        }
        Ok(came)
    }

    fn searched(&self, deed: Deed, bytes: &[u8]) {
        self.tally.received(deed, bytes.len(), &watch::search(&self.world, Some(self.owner), bytes));
    }
}

impl Came {
    fn of(answer: &Answer<'_>) -> Self {
        let session = answer.header("mcp-session-id").map(str::to_owned);
        Self { status: answer.status, json: answer.json(), session }
    }

    /// In a word: the code of a tool's error, `an error` of the protocol, or `ok`.
    fn outcome(&self) -> String {
        let json = self.json.as_ref();
        let code = json.and_then(|json| json.pointer("/result/structuredContent/error/code")?.as_str());
        match (self.status, code, json.and_then(|json| json.get("error"))) {
            (200, Some(code), _) => code.to_owned(),
            (200 | 400, None, Some(_)) => "an error".to_owned(),
            (200, None, None) if json.is_some() => "ok".to_owned(),
            (status, ..) => format!("http {status}"),
        }
    }

    /// The same, of an answer that must hold a value of this principal.
    fn own_value(&self, own: &Principal) -> String {
        let value = self.json.as_ref().and_then(|json| json.pointer("/result/structuredContent/value")?.as_str());
        match value {
            Some(value) if value.starts_with(&own.value_canary) => "ok".to_owned(),
            Some(_) => "another value".to_owned(),
            None => match self.outcome().as_str() {
                "ok" => "no value".to_owned(),
                other => other.to_owned(),
            },
        }
    }
}

/// Keeps the newest few.
fn keep<T>(list: &mut Vec<T>, new: T) {
    if list.len() >= KEPT {
        list.remove(0);
    }
    list.push(new);
}
