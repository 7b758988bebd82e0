//! The version of an entry: a number that grows with each change, whoever made it.
//!
//! A KDBX file has none, so it's derived. As long as nothing was forgotten, it's the number of
//! states: those in the entry's history, and the current one. Programs forget the oldest states
//! (`KeePassXC` keeps ten), so opward notes its own count beside each state it writes, and where the
//! history is no help the seconds since then keep the number growing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keepass::db::{CustomDataItem, CustomDataValue, Entry};

use super::times;

const KEY: &str = "opward.version";

/// What opward noted when it last wrote an entry.
struct Note {
    version: u64,
    history: u64,
    modified: i64,
}

/// The version an entry is at. `limit` is how many states the file's history keeps per entry.
pub(super) fn of(entry: &Entry, limit: Option<usize>) -> u64 {
    let states = count(entry);
    let modified = times::modified(entry).unwrap_or_default();
    let since = |moment: i64| u64::try_from(modified.saturating_sub(moment)).unwrap_or_default();
    let full = limit.is_some_and(|limit| states >= u64::try_from(limit).unwrap_or(u64::MAX));
    match note(entry) {
        Some(note) if note.history == states && note.modified == modified => note.version,
        Some(note) if states > note.history && !full => note.version.saturating_add(states - note.history),
        Some(note) => note.version.saturating_add(states.max(1)).saturating_add(since(note.modified)),
        None if full => (states + 1).saturating_add(since(times::created(entry).unwrap_or(modified))),
        None => states + 1,
    }
}

/// Notes the version of the state that's about to be written; its history and its time of
/// modification are already set.
pub(super) fn set(entry: &mut Entry, version: u64) {
    let text = format!("v{version} h{} t{}", count(entry), times::modified(entry).unwrap_or_default());
    set_custom_text(entry, KEY, text);
}

/// Keeps a text in an entry's custom data, as of the entry's time of modification.
pub(super) fn set_custom_text(entry: &mut Entry, key: &str, text: String) {
    // The file's reader takes what happens to be base64 for bytes.
    let value = STANDARD.decode(&text).map_or(CustomDataValue::String(text), CustomDataValue::Binary);
    let item = CustomDataItem { value: Some(value), last_modification_time: entry.times.last_modification };
    entry.custom_data.insert(key.to_owned(), item);
}

/// A text kept in an entry's custom data.
pub(super) fn custom_text(entry: &Entry, key: &str) -> Option<String> {
    match entry.custom_data.get(key)?.value.as_ref()? {
        CustomDataValue::String(text) => Some(text.clone()),
        CustomDataValue::Binary(bytes) => Some(STANDARD.encode(bytes)),
    }
}

fn count(entry: &Entry) -> u64 {
    let states = entry.history.as_ref().map_or(0, |history| history.get_entries().len());
    u64::try_from(states).unwrap_or(u64::MAX)
}

fn note(entry: &Entry) -> Option<Note> {
    let text = custom_text(entry, KEY)?;
    let mut words = text.split(' ');
    let version = words.next()?.strip_prefix('v')?.parse().ok()?;
    let history = words.next()?.strip_prefix('h')?.parse().ok()?;
    let modified = words.next()?.strip_prefix('t')?.parse().ok()?;
    Some(Note { version, history, modified })
}
