//! What the records come to, one after the other.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::Exposure;
use super::glimpse::{Affair, Glimpse, Meaning, Text, may_matter};
use super::known::{Known, Moment, To};
use crate::model::{Action, SecretPath};

/// How many secrets, and principals that were given them, are remembered.
const MOST: usize = 32 * 1024;

/// How many requests may be under way at once, or have been given up by a process that was killed.
const MOST_OPEN: usize = 8 * 1024;

/// How many texts are kept so that the next record with the same ones needn't make them anew.
const MOST_TEXTS: usize = 8 * 1024;

/// What was learned from a log so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How many lines were seen; a record's place among the others.
    order: u64,
    unreadable: u64,
    /// By path, without regard to case.
    known: HashMap<Arc<str>, Known>,
    open: HashMap<Question, VecDeque<Open>>,
    /// The questions in the order they were opened, closed ones among them.
    opened: VecDeque<(u64, Question)>,
    texts: HashSet<Arc<str>>,
    paths: HashMap<Box<str>, (Arc<str>, SecretPath)>,
    /// At least how many principals and secrets are remembered.
    size: usize,
}

/// What an outcome has in common with its intent: one request may ask for several secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    request: Arc<str>,
    action: Action,
    path: Arc<str>,
}

/// A request under way.
#[derive(Debug, Clone)]
struct Open {
    began: Moment,
    /// What's exposed by it, from its intent on.
    handed: Option<Handed>,
}

#[derive(Debug, Clone)]
struct Handed {
    path: SecretPath,
    to: To,
    rules: Arc<str>,
}

impl Affair<'_> {
    const fn action(self) -> Action {
        match self {
            Self::Read => Action::Read,
            Self::Deliver(_) => Action::Use,
            Self::Write => Action::Write,
            Self::Replace(action) => action,
        }
    }
}

impl Tally {
    /// Takes a line in, without its end.
    pub(super) fn line(&mut self, line: &[u8]) {
        self.order += 1;
        if !may_matter(line) {
            return;
        }
        match Glimpse::of(line) {
            None => self.unreadable += 1,
            Some(glimpse) => self.take(&glimpse),
        }
    }

    /// Counts a line no record is as long as.
    pub(super) fn overlong(&mut self) {
        self.order += 1;
        self.unreadable += 1;
    }

    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn take(&mut self, glimpse: &Glimpse<'_>) {
        let Some(meaning) = glimpse.meaning() else { return };
        // A look at names has no path, and a path that isn't a secret's has no value.
        let Some((key, path)) = glimpse.path.as_ref().and_then(|path| self.path(path.as_str())) else { return };
        let at = Moment { order: self.order, time: glimpse.time };
        let principal = self.text(glimpse.principal.as_str());
        match meaning {
            Meaning::Begins(affair) => {
                let handed = match affair {
                    Affair::Deliver(delivery) => Some(Handed {
                        path,
                        to: To { principal, delivery: Some(self.text(delivery)) },
                        rules: self.rules(glimpse),
                    }),
                    Affair::Read | Affair::Write | Affair::Replace(_) => None,
                };
                self.begin(glimpse, affair, key, Open { began: at, handed });
            }
            Meaning::Ends(affair, did) => {
                let began = self.end(glimpse, affair, &key);
                if !did {
                    return;
                }
                match affair {
                    Affair::Read | Affair::Deliver(_) => {
                        let delivery = match affair {
                            Affair::Deliver(delivery) => Some(self.text(delivery)),
                            Affair::Read | Affair::Write | Affair::Replace(_) => None,
                        };
                        let rules = self.rules(glimpse);
                        self.expose(key, &Handed { path, to: To { principal, delivery }, rules }, at, began);
                    }
                    Affair::Write => self.change(key, &path, at, began, Some(principal)),
                    Affair::Replace(_) => self.change(key, &path, at, began, None),
                }
            }
        }
        self.keep_small();
    }

    fn begin(&mut self, glimpse: &Glimpse<'_>, affair: Affair<'_>, path: Arc<str>, open: Open) {
        let request = glimpse.request.as_str().into();
        let question = Question { request, action: affair.action(), path };
        self.opened.push_back((open.began.order, question.clone()));
        self.open.entry(question).or_default().push_back(open);
    }

    /// Closes what's open about a question for the longest, and says when it began.
    fn end(&mut self, glimpse: &Glimpse<'_>, affair: Affair<'_>, path: &Arc<str>) -> Option<Moment> {
        let request = glimpse.request.as_str().into();
        let question = Question { request, action: affair.action(), path: Arc::clone(path) };
        self.close(&question).map(|open| open.began)
    }

    fn close(&mut self, question: &Question) -> Option<Open> {
        let open = self.open.get_mut(question)?;
        let first = open.pop_front();
        if open.is_empty() {
            self.open.remove(question);
        }
        first
    }

    fn expose(&mut self, key: Arc<str>, handed: &Handed, at: Moment, began: Option<Moment>) {
        let Handed { path, to, rules } = handed;
        let texts = &mut self.texts;
        let known = self.known.entry(key).or_insert_with(|| Known::new(path.clone()));
        known.expose(path, to.clone(), at, began, rules, |rule| kept(texts, rule));
        self.size += 1;
    }

    fn change(&mut self, key: Arc<str>, path: &SecretPath, at: Moment, began: Option<Moment>, by: Option<Arc<str>>) {
        self.known.entry(key).or_insert_with(|| Known::new(path.clone())).change(path, at, began, by);
        self.size += 1;
    }

    /// Forgets what was heard of the longest ago, and takes for exposed what was never said to have ended.
    fn keep_small(&mut self) {
        while self.opened.len() > MOST_OPEN {
            // Most that were opened are closed by now.
            let open = &self.open;
            let is_open = |order: u64, question: &Question| {
                open.get(question).is_some_and(|open| open.iter().any(|open| open.began.order == order))
            };
            self.opened.retain(|(order, question)| is_open(*order, question));
            for _ in MOST_OPEN / 2..self.opened.len() {
                let Some((_, question)) = self.opened.pop_front() else { break };
                if let Some(Open { began, handed: Some(handed) }) = self.close(&question) {
                    self.expose(question.path, &handed, began, Some(began));
                }
            }
        }
        if self.size > MOST {
            self.size = self.known.values().map(|known| 1 + known.len()).sum();
            if self.size > MOST {
                let mut heard: Vec<u64> = self.known.values().flat_map(Known::heard).collect();
                let middle = heard.len() / 4;
                let (_, &mut until, _) = heard.select_nth_unstable(middle);
                self.known.retain(|_, known| known.forget(until));
                self.size = self.known.values().map(|known| 1 + known.len()).sum();
            }
        }
    }

    /// What a path is compared by, and the path.
    fn path(&mut self, text: &str) -> Option<(Arc<str>, SecretPath)> {
        if let Some((key, path)) = self.paths.get(text) {
            return Some((Arc::clone(key), path.clone()));
        }
        let path = SecretPath::parse(text).ok()?;
        let key: Arc<str> = path.matching().into();
        if self.paths.len() >= MOST_TEXTS {
            self.paths.clear();
        }
        self.paths.insert(text.into(), (Arc::clone(&key), path.clone()));
        Some((key, path))
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        kept(&mut self.texts, text)
    }

    fn rules(&mut self, glimpse: &Glimpse<'_>) -> Arc<str> {
        match glimpse.rules.as_slice() {
            [] => self.text(""),
            [only] => self.text(only.as_str()),
            several => self.text(&several.iter().map(Text::as_str).collect::<Vec<_>>().join("\n")),
        }
    }

    /// What's known of a secret, with what requests under way expose.
    fn with_open(&self, key: &str) -> Option<Cow<'_, Known>> {
        let mut known = self.known.get(key).map(Cow::Borrowed);
        let mut open: Vec<&Open> =
            self.open.iter().filter(|(question, _)| *question.path == *key).flat_map(|(_, open)| open).collect();
        open.sort_unstable_by_key(|open| open.began.order);
        for open in open {
            if let Open { began, handed: Some(Handed { path, to, rules }) } = open {
                let known = known.get_or_insert_with(|| Cow::Owned(Known::new(path.clone())));
                known.to_mut().expose(path, to.clone(), *began, Some(*began), rules, |rule| rule.into());
            }
        }
        known
    }

    pub(super) fn of(&self, path: &SecretPath) -> Vec<Exposure> {
        self.with_open(path.matching()).map(|known| known.exposures().collect()).unwrap_or_default()
    }

    pub(super) fn knows(&self, principal: &str, path: &SecretPath) -> bool {
        self.with_open(path.matching()).is_some_and(|known| known.knows(principal))
    }

    pub(super) fn since(&self, since: Option<Timestamp>) -> Vec<Exposure> {
        let handing = |open: &VecDeque<Open>| open.iter().any(|open| open.handed.is_some());
        let open: HashSet<&str> =
            self.open.iter().filter(|(_, open)| handing(open)).map(|(question, _)| &*question.path).collect();
        let settled = self.known.iter().filter(|(key, _)| !open.contains(&***key));
        let mut found: Vec<Exposure> = settled.flat_map(|(_, known)| known.exposures()).collect();
        for key in &open {
            found.extend(self.with_open(key).iter().flat_map(|known| known.exposures()));
        }
        found.retain(|exposure| since.is_none_or(|since| exposure.last >= since));
        found.sort_by(|a, b| (&a.path, &a.principal, &a.delivery).cmp(&(&b.path, &b.principal, &b.delivery)));
        found
    }
}

/// The one copy of a text.
fn kept(texts: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return Arc::clone(known);
    }
    if texts.len() >= MOST_TEXTS {
        texts.clear();
    }
    let new: Arc<str> = text.into();
    texts.insert(Arc::clone(&new));
    new
}
