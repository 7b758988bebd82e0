//! The sessions of clients that speak a protocol with sessions: whose each one is, and how many there may be.
//!
//! A session's id is no proof of anything: it's only ever looked up together with the principal whose request brings
//! it, and one of another principal's is as unknown as one that never was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::RequestId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::quota::Quota;
use super::refused::Refused;
use crate::model::{ClientName, PrincipalName};

/// How many streams may be listened to in one session: a client needs one, and perhaps another before it has noticed
/// that the first has broken.
const STREAMS: usize = 4;

/// How many sessions there may be, and how long one is kept that nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Of all principals together.
    pub all: usize,
    /// Of one principal. Beyond it the one that was used least recently gives way.
    pub per_principal: usize,
    /// How long an unused one is kept.
    pub idle: Duration,
}

/// All open sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: SessionLimits,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: HashMap<Arc<str>, Entry>,
    /// Whose sessions are being opened.
    reserved: Vec<PrincipalName>,
}

#[derive(Debug)]
struct Entry {
    owner: PrincipalName,
    client: ClientName,
    used: Instant,
    /// Requests under way, and streams being listened to.
    busy: usize,
    streams: usize,
    flights: HashMap<RequestId, CancellationToken>,
}

/// Room for one session that's being opened. Dropped, it's given back.
#[derive(Debug)]
pub(super) struct Reserved {
    sessions: Arc<Sessions>,
    owner: PrincipalName,
}

/// A session in use: it won't expire meanwhile.
#[derive(Debug)]
pub(super) struct InUse {
    sessions: Arc<Sessions>,
    id: Arc<str>,
    flight: Option<RequestId>,
    is_stream: bool,
    /// What its client said it is.
    pub(super) client: ClientName,
}

impl Sessions {
    pub(super) fn new(limits: SessionLimits) -> Self {
        Self { limits, inner: Mutex::default() }
    }

    /// Whether there's a session of this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.lock().by_id.contains_key(id)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Makes room for one more. Gives the id of the session that had to give way, if one had to.
    ///
    /// # Errors
    ///
    /// When there's no room.
    pub(super) fn reserve(self: &Arc<Self>, owner: &PrincipalName) -> Result<(Reserved, Option<Arc<str>>), Refused> {
        let mut inner = self.lock();
        let opening = inner.reserved.iter().filter(|name| *name == owner).count();
        let own = inner.by_id.values().filter(|entry| entry.owner == *owner).count().saturating_add(opening);
        let mut gave_way = None;
        if own >= self.limits.per_principal {
            let unused = inner.by_id.iter().filter(|(_, entry)| entry.owner == *owner && entry.busy == 0);
            let oldest = unused.min_by_key(|(_, entry)| entry.used).map(|(id, _)| Arc::clone(id));
            let oldest = oldest.ok_or(Refused::SessionsFull)?;
            inner.by_id.remove(&oldest);
            gave_way = Some(oldest);
        }
        if inner.by_id.len().saturating_add(inner.reserved.len()) >= self.limits.all {
            return Err(Refused::SessionsFull);
        }
        inner.reserved.push(owner.clone());
        Ok((Reserved { sessions: Arc::clone(self), owner: owner.clone() }, gave_way))
    }

    /// Takes up a principal's session, for a request of this id or for something without one.
    ///
    /// # Errors
    ///
    /// When there's no such session, or it's another principal's.
    pub(super) fn enter(
        self: &Arc<Self>,
        id: &str,
        owner: &PrincipalName,
        flight: Option<(&RequestId, &CancellationToken)>,
    ) -> Result<InUse, Refused> {
        let mut inner = self.lock();
        let Some((id, _)) = inner.by_id.get_key_value(id) else { return Err(Refused::Session) };
        let id = Arc::clone(id);
        let entry = inner.by_id.get_mut(&id).filter(|entry| entry.owner == *owner).ok_or(Refused::Session)?;
        entry.busy = entry.busy.saturating_add(1);
        entry.used = Instant::now();
        if let Some((flight, token)) = flight {
            entry.flights.insert(flight.clone(), token.clone());
        }
        let client = entry.client.clone();
        let flight = flight.map(|(flight, _)| flight.clone());
        Ok(InUse { sessions: Arc::clone(self), id, flight, is_stream: false, client })
    }

    /// Takes up a principal's session, to listen to it.
    ///
    /// # Errors
    ///
    /// As [`Sessions::enter`], and when it's listened to by as many as may.
    pub(super) fn listen(self: &Arc<Self>, id: &str, owner: &PrincipalName) -> Result<InUse, Refused> {
        let mut in_use = self.enter(id, owner, None)?;
        let mut inner = self.lock();
        if let Some(entry) = inner.by_id.get_mut(id).filter(|entry| entry.streams < STREAMS) {
            entry.streams = entry.streams.saturating_add(1);
            in_use.is_stream = true;
        }
        // Giving back what was entered takes the lock.
        drop(inner);
        if in_use.is_stream { Ok(in_use) } else { Err(Refused::Quota(Quota::Concurrency)) }
    }

    /// Ends a principal's session.
    ///
    /// # Errors
    ///
    /// As [`Sessions::enter`].
    pub(super) fn end(&self, id: &str, owner: &PrincipalName) -> Result<(), Refused> {
        let mut inner = self.lock();
        inner.by_id.get(id).filter(|entry| entry.owner == *owner).ok_or(Refused::Session)?;
        inner.by_id.remove(id);
        Ok(())
    }

    /// Forgets the sessions that nobody has used for long, and gives their ids.
    pub(super) fn expire(&self) -> Vec<Arc<str>> {
        let idle = |entry: &Entry| entry.busy == 0 && entry.used.elapsed() >= self.limits.idle;
        let mut inner = self.lock();
        let expired: Vec<_> =
            inner.by_id.iter().filter(|(_, entry)| idle(entry)).map(|(id, _)| Arc::clone(id)).collect();
        for id in &expired {
            inner.by_id.remove(id);
        }
        inner.by_id.shrink_to(64);
        expired
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reserved {
    /// The session is open.
    pub(super) fn open(self, id: &str, client: ClientName) {
        let entry = Entry {
            owner: self.owner.clone(),
            client,
            used: Instant::now(),
            busy: 0,
            streams: 0,
            flights: HashMap::new(),
        };
        self.sessions.lock().by_id.insert(id.into(), entry);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut inner = self.sessions.lock();
        if let Some(at) = inner.reserved.iter().position(|name| *name == self.owner) {
            inner.reserved.swap_remove(at);
        }
    }
}

impl InUse {
    /// Takes back a request of this session that's under way.
    pub(super) fn cancel(&self, request: &RequestId) {
        if let Some(token) = self.sessions.lock().by_id.get(&self.id).and_then(|entry| entry.flights.get(request)) {
            token.cancel();
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut inner = self.sessions.lock();
        if let Some(entry) = inner.by_id.get_mut(&self.id) {
            entry.busy = entry.busy.saturating_sub(1);
            entry.used = Instant::now();
            if self.is_stream {
                entry.streams = entry.streams.saturating_sub(1);
            }
            if let Some(flight) = &self.flight {
                entry.flights.remove(flight);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(all: usize, per_principal: usize) -> Arc<Sessions> {
        Arc::new(Sessions::new(SessionLimits { all, per_principal, idle: Duration::from_mins(30) }))
    }

    fn name(text: &str) -> PrincipalName {
        PrincipalName::parse(text).unwrap()
    }

    fn open(sessions: &Arc<Sessions>, id: &str, owner: &str) -> Result<Option<Arc<str>>, Refused> {
        let (reserved, gave_way) = sessions.reserve(&name(owner))?;
        reserved.open(id, ClientName::claimed("test", "1"));
        Ok(gave_way)
    }

    #[tokio::test]
    async fn a_session_is_its_principals_alone() {
        let sessions = sessions(10, 10);
        open(&sessions, "a", "ann").unwrap();
        assert!(sessions.enter("a", &name("ann"), None).is_ok());
        for (id, who) in [("a", "bob"), ("b", "ann"), ("", "ann"), ("A", "ann")] {
            assert_eq!(sessions.enter(id, &name(who), None).unwrap_err(), Refused::Session);
            assert_eq!(sessions.end(id, &name(who)).unwrap_err(), Refused::Session);
        }
        sessions.end("a", &name("ann")).unwrap();
        assert_eq!(sessions.enter("a", &name("ann"), None).unwrap_err(), Refused::Session);
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_bounded_for_all_and_for_each() {
        let sessions = sessions(3, 2);
        open(&sessions, "a1", "ann").unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        open(&sessions, "a2", "ann").unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let _used = sessions.enter("a1", &name("ann"), None).unwrap();
        assert_eq!(open(&sessions, "a3", "ann").unwrap().as_deref(), Some("a2"), "the one that's in use stays");
        open(&sessions, "b1", "bob").unwrap();
        assert_eq!(open(&sessions, "b2", "bob").unwrap_err(), Refused::SessionsFull);
        assert_eq!(sessions.len(), 3);
        let held = sessions.reserve(&name("ann"));
        assert!(held.is_ok(), "ann's own gives way");
        assert_eq!(sessions.reserve(&name("bob")).unwrap_err(), Refused::SessionsFull, "what's reserved counts");
        drop(held);
        assert!(sessions.reserve(&name("bob")).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_uses_expires_and_what_is_used_does_not() {
        let sessions = sessions(10, 10);
        open(&sessions, "a", "ann").unwrap();
        open(&sessions, "b", "ann").unwrap();
        let used = sessions.enter("b", &name("ann"), None).unwrap();
        tokio::time::advance(Duration::from_mins(31)).await;
        assert_eq!(sessions.expire(), [Arc::from("a")]);
        drop(used);
        assert!(sessions.expire().is_empty(), "its time starts when it's let go");
        tokio::time::advance(Duration::from_mins(30)).await;
        assert_eq!(sessions.expire(), [Arc::from("b")]);
    }

    #[tokio::test]
    async fn a_session_is_listened_to_by_few() {
        let sessions = sessions(10, 10);
        open(&sessions, "a", "ann").unwrap();
        open(&sessions, "b", "ann").unwrap();
        let mut held: Vec<_> = (0..STREAMS).map(|_| sessions.listen("a", &name("ann")).unwrap()).collect();
        for _ in 0..9 {
            assert_eq!(sessions.listen("a", &name("ann")).unwrap_err(), Refused::Quota(Quota::Concurrency));
        }
        assert!(sessions.listen("b", &name("ann")).is_ok(), "each has its own");
        assert!(sessions.enter("a", &name("ann"), None).is_ok(), "requests are counted elsewhere");
        assert_eq!(sessions.listen("a", &name("bob")).unwrap_err(), Refused::Session);
        held.pop();
        held.push(sessions.listen("a", &name("ann")).unwrap());
        assert!(sessions.listen("a", &name("ann")).is_err());
        drop(held);
        assert_eq!(sessions.lock().by_id.get("a").unwrap().streams, 0);
    }

    #[tokio::test]
    async fn a_request_can_be_taken_back_within_its_session_only() {
        let sessions = sessions(10, 10);
        open(&sessions, "a", "ann").unwrap();
        open(&sessions, "b", "ann").unwrap();
        let (one, token) = (RequestId::Number(1), CancellationToken::new());
        let under_way = sessions.enter("a", &name("ann"), Some((&one, &token))).unwrap();
        sessions.enter("b", &name("ann"), None).unwrap().cancel(&one);
        assert!(!token.is_cancelled());
        sessions.enter("a", &name("ann"), None).unwrap().cancel(&one);
        assert!(token.is_cancelled());
        drop(under_way);
        assert!(sessions.lock().by_id.get("a").unwrap().flights.is_empty());
    }
}
