//! Which values a text holds, and whether whoever sent it has them by right.

use std::collections::HashMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::catalog::Catalog;
use super::fingerprint::{self, Found, Mac, Prints, TooMuch};
use super::release::Revealed;
use super::source::Source;
use super::value::SecretValue;
use super::vault::Custody;
use crate::model::{PrincipalName, SecretPath, Target};

/// As many places of one value are told at most.
const MOST_PLACES: usize = 8;

/// Longer texts are looked through on a thread of their own, so that nothing else waits: in the worst case they're read
/// in sixty ways.
const AT_ONCE: usize = 16 * 1024;

/// The values that were found in texts.
#[derive(Debug)]
pub struct Recognised(Vec<Seen>);

/// A value in a text.
#[derive(Debug)]
struct Seen {
    /// In which of the texts, by its index.
    text: usize,
    found: Found,
    /// What's kept where the value is; empty where that's in a vault that isn't seen.
    targets: Vec<Target>,
    /// Whether it was shown to whoever sent it, or came from them, in this process.
    is_theirs: bool,
    /// Whether it's part of a name, too. Then it can't be told from that, nor kept from anybody who uses the name.
    is_a_name: bool,
}

impl Custody {
    /// The values in texts that somebody sent; `None` if there are none.
    ///
    /// All values of a file are known, and those of 1Password that were read in this process. Those that are short
    /// enough to be guessed are looked for only if that's wanted.
    ///
    /// # Errors
    ///
    /// When there's more to read in them than can be looked through.
    pub async fn recognise(
        &self,
        texts: &[&str],
        who: &PrincipalName,
        with_short: bool,
    ) -> Result<Option<Recognised>, TooMuch> {
        for source in self.sources().filter(|source| source.has_old_prints()) {
            // Whoever needs the file hears why it can't be opened.
            let _ = Box::pin(source.inventory(who)).await;
        }
        let sets = self.sources().filter_map(Source::prints).filter(|prints| !prints.is_empty());
        let sets: Arc<[Arc<Prints>]> = sets.collect();
        if sets.is_empty() {
            return Ok(None);
        }
        let found = self.search(&sets, texts, with_short).await?;
        if found.is_empty() {
            return Ok(None);
        }
        let catalog = Box::pin(self.catalog(who)).await.ok().or_else(|| self.last_catalog()).unwrap_or_default();
        let mut names: HashMap<Mac, bool> = HashMap::new();
        let seen = found.into_iter().map(|(text, found)| {
            let places = found.places.iter().filter_map(|(set, place)| sets.get(*set)?.places().get(*place));
            let targets = places.filter_map(|place| catalog.target_at(place)).take(MOST_PLACES).collect();
            let is_theirs = self.holders.has(who, found.mac);
            let is_a_name = *names.entry(found.mac).or_insert_with(|| !is_theirs && is_a_name(&catalog, &found.text));
            Seen { text, found, targets, is_theirs, is_a_name }
        });
        Ok(Some(Recognised(seen.collect())))
    }

    async fn search(
        &self,
        sets: &Arc<[Arc<Prints>]>,
        texts: &[&str],
        with_short: bool,
    ) -> Result<Vec<(usize, Found)>, TooMuch> {
        if texts.iter().map(|text| text.len()).sum::<usize>() <= AT_ONCE {
            return fingerprint::search_all(sets, &self.print_key, texts, with_short);
        }
        let copies: Vec<Zeroizing<String>> = texts.iter().map(|text| Zeroizing::new((*text).to_owned())).collect();
        let (sets, key) = (Arc::clone(sets), self.print_key.clone());
        let search = move || {
            let texts: Vec<&str> = copies.iter().map(|copy| copy.as_str()).collect();
            fingerprint::search_all(&sets, &key, &texts, with_short)
        };
        // What wasn't looked through isn't let through, so a search that broke off is the same.
        tokio::task::spawn_blocking(search).await.unwrap_or(Err(TooMuch))
    }

    /// Notes that somebody was shown a value.
    pub fn note_shown(&self, who: &PrincipalName, value: &Revealed) {
        self.note_holder(who, value.value());
    }

    /// Notes that somebody brought a value.
    pub fn note_holder(&self, who: &PrincipalName, value: &SecretValue) {
        self.holders.note(who, &fingerprint::macs(&self.print_key, value.plaintext()));
    }
}

impl Recognised {
    /// The paths of the values that whoever sent the texts may or may not have.
    #[must_use]
    pub fn paths(&self) -> Vec<SecretPath> {
        let open = self.0.iter().filter(|seen| !seen.is_theirs);
        let mut paths: Vec<&SecretPath> = open.flat_map(|seen| &seen.targets).map(|target| &target.path).collect();
        paths.sort_unstable();
        paths.dedup();
        paths.into_iter().cloned().collect()
    }

    /// The texts, by their index, in which a value stands, whoever may have it, that isn't just part of a name.
    pub fn texts(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter(|seen| !seen.is_a_name).map(|seen| seen.text)
    }

    /// The first value that whoever sent the texts doesn't have, given the paths whose values they do: in which text it
    /// is, and what's kept where it is.
    #[must_use]
    pub fn stranger(&self, given: &[SecretPath]) -> Option<(usize, Vec<Target>)> {
        let is_theirs = |seen: &&Seen| seen.is_theirs || seen.targets.iter().any(|target| given.contains(&target.path));
        let (theirs, others): (Vec<&Seen>, Vec<&Seen>) = self.0.iter().partition(is_theirs);
        // What's part of a value that one has, one has too.
        let is_within =
            |seen: &&Seen| theirs.iter().any(|theirs| theirs.text == seen.text && theirs.found.contains(&seen.found));
        let stranger = others.into_iter().find(|seen| !seen.is_a_name && !is_within(seen))?;
        Some((stranger.text, stranger.targets.clone()))
    }
}

/// Whether a name holds it, byte for byte: one in another case is another text, and whoever knows a value could have
/// written that one into a name.
fn is_a_name(catalog: &Catalog, value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else { return false };
    catalog.items().iter().any(|item| {
        item.path.as_str().contains(value)
            || item.fields.known().iter().any(|field| field.path.as_str().contains(value))
            || item.tags.iter().any(|tag| tag.as_str().contains(value))
    })
}
