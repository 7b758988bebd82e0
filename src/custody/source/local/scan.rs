//! What the file's reader would get wrong without saying so.
//!
//! Protected values are encrypted one after the other, in the order in which they stand in the
//! document. The reader behind this module decrypts an entry's own strings before those in its
//! history, wherever they stand; a program that writes the history first makes a valid file which
//! that reader takes for another: the values come out as noise, and no error is raised. And what the
//! reader doesn't know, it forgets: saved again, it would be gone. So each file is looked through
//! once, and such a file isn't used, or is only read.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What may be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fidelity {
    /// All of it is understood, and comes back when it's saved.
    Whole,
    /// It's read as it should be; saving would lose what's named.
    ReadOnly(&'static str),
    /// Its values would be read wrongly.
    Unreadable(&'static str),
}

/// Looks through the document inside a file, as it is before protected values are decrypted.
pub(super) fn scan(xml: &[u8]) -> Fidelity {
    let mut reader = Reader::from_reader(xml);
    let mut scan = Scan { open: Vec::new(), leaf: Leaf::None, found: Fidelity::Whole };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => scan.start(&element),
            Ok(Event::Empty(element)) => {
                scan.start(&element);
                scan.end();
            }
            Ok(Event::End(_)) => scan.end(),
            Ok(Event::Text(text)) => scan.text(text.as_ref()),
            Ok(Event::CData(_) | Event::GeneralRef(_)) => scan.leaf = Leaf::Filled,
            Ok(Event::Eof) => return scan.found,
            Ok(_) => {}
            Err(_) => return Fidelity::Unreadable("the document inside the file is damaged"),
        }
        if matches!(scan.found, Fidelity::Unreadable(_)) {
            return scan.found;
        }
    }
}

struct Scan {
    open: Vec<Element>,
    leaf: Leaf,
    found: Fidelity,
}

/// An element that hasn't ended yet.
struct Element {
    name: String,
    /// Whether a history with protected values has already ended inside it.
    after_history: bool,
    /// Whether a protected value stands anywhere inside it.
    protects: bool,
}

/// The text of an unprotected value.
#[derive(PartialEq, Eq)]
enum Leaf {
    None,
    Blank,
    Filled,
}

impl Scan {
    fn start(&mut self, element: &BytesStart<'_>) {
        let name = element.name();
        let name = name.as_ref().to_owned();
        let parent = self.open.last().map(|parent| parent.name.as_str());
        if !known(parent, &name) {
            self.limit("it holds elements of a kind that isn't known, which saving would lose");
        }
        let protects = name == "Value" && protected(element);
        if protects && self.open.iter().rev().nth(1).is_some_and(|entry| entry.name == "Entry" && entry.after_history) {
            self.found = Fidelity::Unreadable("an entry's protected values stand after its history");
        }
        self.leaf = Leaf::None;
        self.open.push(Element { name, after_history: false, protects });
    }

    fn end(&mut self) {
        let Some(ended) = self.open.pop() else { return };
        if ended.name == "Value" && !ended.protects && self.leaf == Leaf::Blank {
            self.limit("a field holds nothing but spaces or line breaks, which saving would lose");
        }
        self.leaf = Leaf::None;
        if let Some(parent) = self.open.last_mut() {
            parent.protects |= ended.protects;
            parent.after_history |= ended.name == "History" && ended.protects;
        }
    }

    fn text(&mut self, text: &str) {
        if self.open.last().is_some_and(|element| element.name == "Value") && self.leaf != Leaf::Filled {
            self.leaf = if text.trim().is_empty() { Leaf::Blank } else { Leaf::Filled };
        }
    }

    fn limit(&mut self, why: &'static str) {
        if self.found == Fidelity::Whole {
            self.found = Fidelity::ReadOnly(why);
        }
    }
}

fn protected(element: &BytesStart<'_>) -> bool {
    let value = element.try_get_attribute("Protected").ok().flatten();
    value.is_some_and(|value| !value.value.as_ref().eq_ignore_ascii_case("false"))
}

/// Whether the file's reader keeps an element of this name inside that one.
fn known(parent: Option<&str>, name: &str) -> bool {
    let names: &[&str] = match parent {
        None => &["KeePassFile"],
        Some("KeePassFile") => &["Meta", "Root"],
        Some("Meta") => META,
        Some("MemoryProtection") => {
            &["ProtectTitle", "ProtectUserName", "ProtectPassword", "ProtectURL", "ProtectNotes"]
        }
        Some("CustomIcons") => &["Icon"],
        Some("Icon") => &["UUID", "Name", "LastModificationTime", "Data"],
        Some("Binaries") => &["Binary"],
        Some("CustomData") => &["Item"],
        Some("Item") => &["Key", "Value", "LastModificationTime"],
        Some("Root") => &["Group", "DeletedObjects"],
        Some("DeletedObjects") => &["DeletedObject"],
        Some("DeletedObject") => &["UUID", "DeletionTime"],
        Some("Group") => GROUP,
        Some("Entry") => ENTRY,
        Some("Times") => TIMES,
        Some("String" | "Binary") => &["Key", "Value"],
        Some("AutoType") => &["Enabled", "DataTransferObfuscation", "DefaultSequence", "Association"],
        Some("Association") => &["Window", "KeystrokeSequence"],
        Some("History") => &["Entry"],
        Some(_) => &[],
    };
    names.contains(&name)
}

const META: &[&str] = &[
    "Generator",
    "HeaderHash",
    "SettingsChanged",
    "DatabaseName",
    "DatabaseNameChanged",
    "DatabaseDescription",
    "DatabaseDescriptionChanged",
    "DefaultUserName",
    "DefaultUserNameChanged",
    "MaintenanceHistoryDays",
    "Color",
    "MasterKeyChanged",
    "MasterKeyChangeRec",
    "MasterKeyChangeForce",
    "MemoryProtection",
    "CustomIcons",
    "RecycleBinEnabled",
    "RecycleBinUUID",
    "RecycleBinChanged",
    "EntryTemplatesGroup",
    "EntryTemplatesGroupChanged",
    "LastSelectedGroup",
    "LastTopVisibleGroup",
    "HistoryMaxItems",
    "HistoryMaxSize",
    "Binaries",
    "CustomData",
];

const GROUP: &[&str] = &[
    "UUID",
    "Name",
    "Notes",
    "Tags",
    "IconID",
    "CustomIconUUID",
    "Times",
    "IsExpanded",
    "DefaultAutoTypeSequence",
    "EnableAutoType",
    "EnableSearching",
    "LastTopVisibleEntry",
    "CustomData",
    "PreviousParentGroup",
    "Group",
    "Entry",
];

const ENTRY: &[&str] = &[
    "UUID",
    "IconID",
    "CustomIconUUID",
    "ForegroundColor",
    "BackgroundColor",
    "OverrideURL",
    "Tags",
    "Times",
    "String",
    "Binary",
    "AutoType",
    "History",
    "CustomData",
    "QualityCheck",
    "PreviousParentGroup",
];

const TIMES: &[&str] = &[
    "CreationTime",
    "LastModificationTime",
    "LastAccessTime",
    "ExpiryTime",
    "Expires",
    "UsageCount",
    "LocationChanged",
];
