//! Whether two opened files hold the same.
//!
//! The crate's own comparison also looks at bookkeeping that no file holds: how attachments are
//! numbered, and which group a past state of an entry was read from.

use std::collections::BTreeMap;

use keepass::Database;
use keepass::db::{EntryRef, Value};

/// Whether all of one file is in the other, and nothing else.
pub(super) fn same(one: &Database, other: &Database) -> bool {
    one.config == other.config
        && one.meta == other.meta
        && one.deleted_objects == other.deleted_objects
        && one.num_groups() == other.num_groups()
        && one.num_entries() == other.num_entries()
        && one.num_custom_icons() == other.num_custom_icons()
        && one.iter_all_groups().all(|group| other.group(group.id()).is_some_and(|twin| *twin == *group))
        && one.iter_all_entries().all(|entry| other.entry(entry.id()).is_some_and(|twin| same_entry(&entry, &twin)))
        && one.iter_all_custom_icons().all(|icon| {
            let twin = other.custom_icon(icon.id());
            twin.is_some_and(|twin| twin.name == icon.name && twin.data == icon.data)
        })
}

fn same_entry(one: &EntryRef<'_>, other: &EntryRef<'_>) -> bool {
    let states = |entry: &EntryRef<'_>| entry.history.as_ref().map_or(0, |history| history.get_entries().len());
    one.parent().id() == other.parent().id()
        && one.previous_parent().map(|group| group.id()) == other.previous_parent().map(|group| group.id())
        && same_state(one, other)
        && states(one) == states(other)
        && (0..states(one)).all(|index| match (one.historical(index), other.historical(index)) {
            (Some(one), Some(other)) => same_state(&one, &other),
            _ => false,
        })
}

fn same_state(one: &EntryRef<'_>, other: &EntryRef<'_>) -> bool {
    one.fields == other.fields
        && one.tags == other.tags
        && one.times == other.times
        && one.custom_data == other.custom_data
        && one.autotype == other.autotype
        && one.icon() == other.icon()
        && one.foreground_color == other.foreground_color
        && one.background_color == other.background_color
        && one.override_url == other.override_url
        && one.quality_check == other.quality_check
        && attachments(one) == attachments(other)
}

fn attachments(entry: &EntryRef<'_>) -> BTreeMap<String, Value<Vec<u8>>> {
    entry.attachments_named().map(|(name, attachment)| (name.to_owned(), attachment.data.clone())).collect()
}
