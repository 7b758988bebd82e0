//! What custody has counted, and how its sources stand.

use super::cache::CacheFigures;
use super::source::{Allowance, Limits, Source, UPSTREAM_BOUNDS};
use super::vault::Custody;
use crate::model::{Answered, Closed as _, QuotaWindow, SourceKind, Standing, Times};

/// How custody has done. Sources are told apart by kind and never by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The cache.
    pub cache: CacheFigures,
    /// The sources, by kind; only kinds of which there are any.
    pub sources: Vec<KindFigures>,
}

/// What was counted of the sources of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindFigures {
    /// The kind.
    pub kind: SourceKind,
    /// How often they were asked, by what came of it; all of them together.
    pub answered: Vec<(Answered, u64)>,
    /// How long that took; all of them together.
    pub took: Times,
    /// What their limits leave: of several sources, for each window, the one with the least left.
    pub quotas: Vec<Quota>,
    /// How many of them 1Password told to wait.
    pub paused: usize,
}

/// What's left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What the limit is counted over.
    pub window: QuotaWindow,
    /// How many requests may still be made.
    pub left: u32,
    /// How many may be made in all.
    pub limit: u32,
}

impl Custody {
    /// What was counted so far. The counts of requests that processes share are read from their
    /// files, so this is for a thread that may be held up.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let of_kind = |kind| {
            let mut sources = self.sources().filter(|source| source.kind() == Some(kind)).peekable();
            sources.peek()?;
            let mut figures = KindFigures::none(kind);
            sources.for_each(|source| figures.add(source));
            Some(figures)
        };
        Figures { cache: self.cache.figures(), sources: SourceKind::all().filter_map(of_kind).collect() }
    }

    /// Whether the sources answer, as far as is known without asking: `ok` if all do, `degraded` if
    /// any may, `down` if none does. Reads what processes share, as [`Custody::figures`] does.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let (mut best, mut worst) = (Standing::Down, Standing::Ok);
        let mut any = false;
        for standing in self.sources().map(Source::standing) {
            any = true;
            best = best.min(standing);
            worst = worst.max(standing);
        }
        // Without any source there's nothing to be out of reach.
        if !any || worst == Standing::Ok {
            Standing::Ok
        } else if best == Standing::Down {
            Standing::Down
        } else {
            Standing::Degraded
        }
    }
}

impl KindFigures {
    fn none(kind: SourceKind) -> Self {
        let answered = Answered::all().map(|answered| (answered, 0)).collect();
        Self { kind, answered, took: Times::none(UPSTREAM_BOUNDS), quotas: Vec::new(), paused: 0 }
    }

    fn add(&mut self, source: &Source) {
        if let Some(more) = source.upstream() {
            for ((_, count), (_, more)) in self.answered.iter_mut().zip(&more.answered) {
                *count = count.wrapping_add(*more);
            }
            self.took.add(&more.took);
        }
        let Some(allowance) = source.allowance() else { return };
        self.paused += usize::from(allowance.paused_until.is_some());
        let limits = source.limits();
        limits.into_iter().flat_map(|limits| quotas(&allowance, &limits)).for_each(|quota| self.least(quota));
    }

    /// Takes a quota in where it's the scarcest of its window.
    fn least(&mut self, quota: Quota) {
        match self.quotas.iter_mut().find(|known| known.window == quota.window) {
            Some(known) if known.left <= quota.left => {}
            Some(known) => *known = quota,
            None => self.quotas.push(quota),
        }
    }
}

/// What's left in each window that has a limit.
fn quotas(allowance: &Allowance, limits: &Limits) -> impl Iterator<Item = Quota> + use<> {
    let windows = [
        (QuotaWindow::ReadsHour, allowance.reads, limits.reads_per_hour),
        (QuotaWindow::WritesHour, allowance.writes, limits.writes_per_hour),
        (QuotaWindow::RequestsDay, allowance.today, limits.requests_per_day),
    ];
    windows.into_iter().filter_map(|(window, left, limit)| Some(Quota { window, left: left?, limit: limit? }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::custody::source::{DownSource, LocalSettings, LocalSource, Unlock};
    use crate::custody::{CacheSettings, SourceView};
    use crate::memory::LockedKey;
    use crate::model::{Clock, PrincipalName, SourceName};

    fn local(name: &str, folder: &Path) -> Source {
        let (file, key) = (folder.join(format!("{name}.kdbx")), folder.join("key"));
        if !key.exists() {
            LocalSource::create_key_file(&key).unwrap();
        }
        let unlock = Unlock::KeyFile(key);
        LocalSource::create(&file, &unlock, &Clock::system()).unwrap();
        let settings = LocalSettings { name: SourceName::new(name), file, unlock };
        Source::Local(LocalSource::new(settings, Clock::system()))
    }

    fn down() -> Source {
        Source::Down(DownSource::new(SourceName::new("CANARY"), String::new(), ""))
    }

    fn custody(sources: Vec<Source>) -> Custody {
        let settings =
            CacheSettings { ttl: Duration::from_mins(5), stale_if_error: Duration::from_hours(1), max_items: 10 };
        let sources = sources.into_iter().map(|source| (source, SourceView::default())).collect();
        let key = LockedKey::generate().unwrap();
        Custody::new(sources, settings, key, &TaskTracker::new(), CancellationToken::new())
    }

    #[tokio::test]
    async fn sources_of_a_kind_are_counted_together() {
        let folder = tempfile::tempdir().unwrap();
        let custody = custody(vec![local("one", folder.path()), local("two", folder.path()), down()]);
        drop(custody.catalog(&PrincipalName::parse("ann").unwrap()).await.unwrap());
        let figures = custody.figures();
        let [of] = &figures.sources[..] else { panic!("{figures:?}") };
        assert_eq!((of.kind, of.took.count(), of.quotas.len()), (SourceKind::Local, 2, 0));
        assert_eq!(of.answered.iter().find(|(answered, _)| *answered == Answered::Ok), Some(&(Answered::Ok, 2)));
        assert!(!format!("{figures:?}").contains("CANARY"));
    }

    #[tokio::test]
    async fn custody_stands_as_its_sources_do() {
        let folder = tempfile::tempdir().unwrap();
        let home = || local("home", tempfile::tempdir_in(folder.path()).unwrap().keep().as_path());
        assert_eq!(custody(vec![]).standing(), Standing::Ok);
        assert_eq!(custody(vec![home()]).standing(), Standing::Ok);
        assert_eq!(custody(vec![home(), down()]).standing(), Standing::Degraded);
        assert_eq!(custody(vec![down(), down()]).standing(), Standing::Down);
        let gone = custody(vec![local("gone", folder.path())]);
        std::fs::remove_file(folder.path().join("gone.kdbx")).unwrap();
        assert_eq!(gone.standing(), Standing::Down);
    }

    #[test]
    fn of_several_sources_the_least_left_is_told() {
        let quota = |reads, today, limit| {
            let allowance = Allowance { reads, writes: None, today, paused_until: None };
            let limits = Limits { reads_per_hour: limit, writes_per_hour: limit, requests_per_day: Some(1_000) };
            quotas(&allowance, &limits).collect::<Vec<_>>()
        };
        let mut figures = KindFigures::none(SourceKind::Op);
        for quotas in
            [quota(Some(40), Some(900), Some(100)), quota(None, Some(300), None), quota(Some(7), None, Some(9))]
        {
            for quota in quotas {
                figures.least(quota);
            }
        }
        let told: Vec<_> = figures.quotas.iter().map(|quota| (quota.window, quota.left, quota.limit)).collect();
        assert_eq!(told, [(QuotaWindow::ReadsHour, 7, 9), (QuotaWindow::RequestsDay, 300, 1_000)]);
    }
}
