//! A changed policy file takes the place of the one in force.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::store::{PolicyStore, ReloadEvent};
use super::trusted::Stamp;

/// How often the file is looked at.
const QUIET: Duration = Duration::from_secs(1);
/// How long a changed file must stay the same before it's read: an editor may be half-way through.
const SETTLING: Duration = Duration::from_millis(250);

/// One look after another at a file.
#[derive(Debug, Default)]
struct Watcher {
    /// A stamp that differs from the loaded one and was seen once.
    changed: Option<Stamp>,
}

impl Watcher {
    /// Looks at the file, and reads it once it has changed and then stayed the same.
    fn look(&mut self, store: &PolicyStore) -> (Option<ReloadEvent>, Duration) {
        let stamp = Stamp::of(store.file());
        if stamp == store.stamp() {
            self.changed = None;
            return (None, QUIET);
        }
        if self.changed.as_ref() != Some(&stamp) {
            self.changed = Some(stamp);
            return (None, SETTLING);
        }
        self.changed = None;
        let before = (store.current().hash(), store.last_error().is_some());
        let event = store.reload();
        // A file that was only touched, or whose comments changed, is no event.
        let same = matches!(event, ReloadEvent::Loaded { hash } if before == (hash, false));
        (Some(event).filter(|_| !same), QUIET)
    }
}

/// Reads the policy file again whenever it changes, and at once on SIGHUP, until cancelled. SIGHUP is heard from the
/// call on.
pub fn watch(
    store: Arc<PolicyStore>,
    on_event: impl Fn(ReloadEvent) + Send + 'static,
    cancel: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let mut hangups = Hangups::new();
    let mut watcher = Watcher::default();
    let mut wait = QUIET;
    async move {
        loop {
            let forced = tokio::select! {
                () = cancel.cancelled() => return,
                () = hangups.next() => true,
                () = tokio::time::sleep(wait) => false,
            };
            let of = Arc::clone(&store);
            let look = move || {
                if forced {
                    return (Some(of.reload()), QUIET, watcher);
                }
                let (event, wait) = watcher.look(&of);
                (event, wait, watcher)
            };
            // A network file system may make even a look take long.
            let Ok((event, next, returned)) = tokio::task::spawn_blocking(look).await else {
                return;
            };
            (watcher, wait) = (returned, next);
            event.into_iter().for_each(&on_event);
        }
    }
}

/// SIGHUP, where there is such a thing.
struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        let heard = match &mut self.signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if heard.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::policy::Policy;

    const GOOD: &str = "version = 1\n";
    const OTHER: &str =
        "version = 1\n[[rule]]\nid = \"r\"\nprincipals = [\"*\"]\nactions = [\"list\"]\npaths = [\"**\"]\n";

    fn store(text: &str) -> (tempfile::TempDir, PolicyStore) {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("policy.toml");
        put(&file, text);
        (home, PolicyStore::open(file))
    }

    /// Writes as editors do, so that each content has its own inode.
    fn put(file: &Path, text: &str) {
        let next = file.with_extension("next");
        fs::write(&next, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        fs::rename(next, file).unwrap();
    }

    fn settle(watcher: &mut Watcher, store: &PolicyStore) -> Option<ReloadEvent> {
        let (event, wait) = watcher.look(store);
        assert!(event.is_none(), "a changed file is read only once it stays the same");
        assert_eq!(wait, SETTLING);
        watcher.look(store).0
    }

    #[test]
    fn a_change_takes_force_and_a_bad_file_keeps_what_was() {
        let (_home, store) = store(GOOD);
        let mut watcher = Watcher::default();
        assert!(watcher.look(&store).0.is_none());
        put(store.file(), OTHER);
        let Some(ReloadEvent::Loaded { hash }) = settle(&mut watcher, &store) else { panic!("not loaded") };
        assert_eq!(store.current().hash(), hash);
        assert_eq!(store.current().rules().count(), 1);
        put(store.file(), "version = 2\n");
        let Some(ReloadEvent::Rejected { kept, .. }) = settle(&mut watcher, &store) else { panic!("not rejected") };
        assert_eq!((kept, store.current().hash()), (hash, hash));
        assert!(store.last_error().unwrap().to_string().contains("version 2"));
        assert!(watcher.look(&store).0.is_none(), "a bad file is told once");
        put(store.file(), OTHER);
        assert!(matches!(settle(&mut watcher, &store), Some(ReloadEvent::Loaded { .. })));
        assert!(store.last_error().is_none());
    }

    #[test]
    fn a_new_comment_is_no_event() {
        let (_home, store) = store(GOOD);
        put(store.file(), &format!("# hello\n{GOOD}"));
        assert!(settle(&mut Watcher::default(), &store).is_none());
    }

    #[test]
    fn a_missing_file_denies_until_it_appears_and_is_kept_when_it_goes() {
        let home = tempfile::tempdir().unwrap();
        let store = PolicyStore::open(home.path().join("policy.toml"));
        assert!(!store.current().is_loaded() && store.last_error().is_some());
        put(store.file(), OTHER);
        let mut watcher = Watcher::default();
        assert!(matches!(settle(&mut watcher, &store), Some(ReloadEvent::Loaded { .. })));
        fs::remove_file(store.file()).unwrap();
        assert!(matches!(settle(&mut watcher, &store), Some(ReloadEvent::Rejected { .. })));
        assert!(store.current().is_loaded());
    }

    #[tokio::test(start_paused = true)]
    async fn watching_reports_a_change_and_ends_when_cancelled() {
        let (_home, store) = store(GOOD);
        let store = Arc::new(store);
        let cancel = CancellationToken::new();
        let (tell, mut told) = tokio::sync::mpsc::channel(4);
        let on_event = move |event| tell.try_send(event).unwrap();
        let task = tokio::spawn(watch(Arc::clone(&store), on_event, cancel.clone()));
        put(store.file(), OTHER);
        assert!(matches!(told.recv().await, Some(ReloadEvent::Loaded { .. })));
        cancel.cancel();
        task.await.unwrap();
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_hangup_reads_the_file_at_once_even_if_nothing_changed() {
        use tokio::signal::unix::{SignalKind, signal};
        // Once anybody listens, the signal no longer ends the process.
        let _listening = signal(SignalKind::hangup()).unwrap();
        let (_home, store) = store(GOOD);
        let cancel = CancellationToken::new();
        let (tell, mut told) = tokio::sync::mpsc::channel(64);
        let on_event = move |event| drop(tell.try_send(event));
        let task = tokio::spawn(watch(Arc::new(store), on_event, cancel.clone()));
        let event = loop {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP).unwrap();
            if let Ok(event) = tokio::time::timeout(Duration::from_millis(50), told.recv()).await {
                break event;
            }
        };
        assert!(matches!(event, Some(ReloadEvent::Loaded { .. })));
        cancel.cancel();
        task.await.unwrap();
    }

    #[test]
    fn readers_see_a_whole_policy_while_it_is_swapped() {
        let (_home, store) = store(GOOD);
        let hashes = [Policy::parse(GOOD, "").unwrap().hash(), Policy::parse(OTHER, "").unwrap().hash()];
        std::thread::scope(|scope| {
            let readers: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..10_000).all(|_| hashes.contains(&store.current().hash())))).collect();
            for turn in 0..50 {
                put(store.file(), [GOOD, OTHER, "version ="][turn % 3]);
                store.reload();
            }
            assert!(readers.into_iter().all(|reader| reader.join().unwrap()));
        });
    }
}
