//! Hiding done the slow way, on a whole text at once: what the real thing is compared with.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::super::{Mask, forms};

/// What is looked for, by its first eight bytes.
pub(super) struct Reference {
    needles: HashMap<[u8; 8], Vec<(Vec<u8>, usize)>>,
    /// Whether a needle may begin so, since asking the map takes long in a build for tests.
    may_begin: Vec<bool>,
}

/// What a text looks like: what counts, and where it was.
#[derive(Default)]
pub(super) struct View {
    pub(super) text: Vec<u8>,
    origin: Vec<usize>,
    /// From where to where escapes were.
    escapes: Vec<(usize, usize)>,
}

impl Reference {
    pub(super) fn new(masks: &[Mask<'_>]) -> Self {
        let mut needles: HashMap<_, Vec<(Vec<u8>, usize)>> = HashMap::new();
        for (number, mask) in masks.iter().enumerate() {
            for form in forms(mask.value) {
                let needle: Vec<u8> = form.iter().copied().filter(|byte| counts(*byte)).collect();
                if let Some(head) = needle.first_chunk() {
                    needles.entry(*head).or_default().push((needle, number));
                }
            }
        }
        let mut may_begin = vec![false; 1 << 16];
        for head in needles.keys() {
            may_begin[short(head)] = true;
        }
        Self { needles, may_begin }
    }

    pub(super) fn apply(&self, text: &[u8], marker: impl Fn(usize) -> Vec<u8>) -> (Vec<u8>, u64) {
        let sequences = sequences(text);
        // From where to where, and what decides whose marker it gets.
        let mut spans: Vec<(usize, usize, (usize, usize, usize))> = Vec::new();
        let (bare, completed) = self.bare(text, &sequences);
        for found in [self.found(&plain(text)), self.found(&decoded(text)), self.found(&bare), completed] {
            for (start, end, mask) in found {
                let inside = |place: usize| sequences.iter().find(move |(from, to)| *from < place && place < *to);
                let from = inside(start).map_or(start, |(from, _)| *from);
                let to = inside(end).map_or(end, |(_, to)| *to);
                spans.push((from, to, (start, usize::MAX - end, mask)));
            }
        }
        spans.sort_unstable();
        let mut merged: Vec<(usize, usize, (usize, usize, usize))> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.0 < last.1 => {
                    last.1 = last.1.max(span.1);
                    last.2 = last.2.min(span.2);
                }
                _ => merged.push(span),
            }
        }
        let mut out = Vec::new();
        let mut given = 0;
        for (start, end, (_, _, mask)) in &merged {
            out.extend(&text[given..*start]);
            out.extend(marker(*mask));
            given = *end;
        }
        out.extend(&text[given..]);
        (out, u64::try_from(merged.len()).unwrap())
    }

    /// Whether something that should have been hidden can be seen in a text.
    pub(super) fn sees(&self, text: &[u8]) -> bool {
        !self.found(&plain(text)).is_empty()
    }

    /// The same for who heeds escape sequences and backspaces.
    pub(super) fn sees_without_sequences(&self, text: &[u8]) -> bool {
        !self.found(&self.bare(text, &sequences(text)).0).is_empty()
    }

    /// What could stand for a marker in any neighbourhood: it isn't part of anything that's looked for.
    pub(super) fn neutral(&self) -> Option<Vec<u8>> {
        let mut used = [false; 256];
        for (needle, _) in self.needles.values().flatten() {
            for byte in needle {
                used[usize::from(*byte)] = true;
            }
        }
        (0x80..=u8::MAX).find(|byte| !used[usize::from(*byte)]).map(|byte| vec![byte; 4])
    }

    /// Without sequences, and with backspaces taking back what's before them; and what ended in what they took back.
    fn bare(&self, text: &[u8], sequences: &[(usize, usize)]) -> (View, Vec<(usize, usize, usize)>) {
        let mut view = View::default();
        let mut completed = Vec::new();
        let mut can_be_taken_back = false;
        let mut ends = sequences.iter().peekable();
        for (at, byte) in text.iter().copied().enumerate() {
            while ends.next_if(|(_, end)| *end <= at).is_some() {}
            if ends.peek().is_some_and(|(start, _)| *start <= at) {
                continue;
            }
            if byte == 8 {
                if can_be_taken_back && view.origin.last().is_some_and(|last| at - last < 256) {
                    completed.extend(self.ending(&view));
                    view.text.pop();
                    view.origin.pop();
                }
                can_be_taken_back = false;
            } else if counts(byte) {
                view.text.push(byte);
                view.origin.push(at);
                can_be_taken_back = true;
            } else if byte.is_ascii_whitespace() {
                can_be_taken_back = false;
            }
        }
        (view, completed)
    }

    /// What ends where the text does.
    fn ending(&self, view: &View) -> Vec<(usize, usize, usize)> {
        let end = view.origin.last().map_or(0, |last| last + 1);
        let all = self.needles.values().flatten().filter(|(needle, _)| view.text.ends_with(needle));
        let spans = all.map(|(needle, mask)| (view.origin[view.text.len() - needle.len()], needle.len(), *mask));
        spans
            .filter(|(start, len, _)| end - start <= len * 32 + 4096)
            .map(|(start, _, mask)| (start, end, mask))
            .collect()
    }

    fn found(&self, view: &View) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        for (at, head) in view.text.windows(8).enumerate() {
            if !self.may_begin[short(head)] {
                continue;
            }
            for (needle, mask) in self.needles.get(head).into_iter().flatten() {
                if view.text[at..].starts_with(needle) {
                    let (start, end) = (view.origin[at], view.origin[at + needle.len() - 1] + 1);
                    if end - start <= needle.len() * 32 + 4096 {
                        let escape = view.escapes.iter().find(|(start, stop)| *start < end && end < *stop);
                        found.push((start, escape.map_or(end, |(_, stop)| *stop), *mask));
                    }
                }
            }
        }
        found
    }
}

fn short(head: &[u8]) -> usize {
    let [one, two, three, four] = [head[0], head[2], head[5], head[7]].map(usize::from);
    (one ^ four << 4) << 8 & 0xff00 | (two ^ three << 3 & 0xff)
}

fn counts(byte: u8) -> bool {
    !byte.is_ascii_control() && byte != b' '
}

fn plain(text: &[u8]) -> View {
    let (origin, text) = text.iter().copied().enumerate().filter(|(_, byte)| counts(*byte)).unzip();
    View { text, origin, escapes: Vec::new() }
}

/// What an escape looks like, and what its first group is: digits to a base, half a character before another, or a
/// sign.
static ESCAPES: LazyLock<Vec<(Regex, char)>> = LazyLock::new(|| {
    let escapes = [
        (r"^%(%)", 's'),
        (r"^%u([dD][89abAB]..)%u([dD][c-fC-F]..)", 'p'),
        (r"^\\u([dD][89abAB]..)\\u([dD][c-fC-F]..)", 'p'),
        (r"^[%\\]u(....)", 'u'),
        (r"^%(..)", 'b'),
        (r"^\\x(..)", 'b'),
        (r"^\\u\{(.{1,6})\}", 'u'),
        (r"^\\U(.{8})", 'u'),
        (r"^&#[xX](.{1,7});", 'u'),
        (r"^&#([0-9]{1,7});", 'd'),
        (r"^&(amp|apos|quot|lt|gt|uuml|equals);", 'n'),
        (r"^\\([0-7]{1,3})", 'o'),
        (r"^\\[nrtbfvaeE]()", 'n'),
        (r"^\\([!-/:-@\[-`{-~])", 's'),
    ];
    let digits = |pattern: &str| pattern.replace("..", "[0-9a-fA-F][0-9a-fA-F]").replace(".{", "[0-9a-fA-F]{");
    escapes.map(|(pattern, kind)| (Regex::new(&format!("(?-u){}", digits(pattern))).unwrap(), kind)).into()
});

/// With what other languages escape undone.
fn decoded(text: &[u8]) -> View {
    let View { text: seen, origin, .. } = plain(text);
    let mut view = View::default();
    let mut at = 0;
    while let Some(byte) = seen.get(at) {
        let gap = &text[origin[at] + 1..origin.get(at + 1).copied().unwrap_or(text.len())];
        if *byte == b'\\' && gap.iter().any(u8::is_ascii_whitespace) {
            at += 1;
            continue;
        }
        let escape = if b"%&\\".contains(byte) { escape(&seen[at..]) } else { None };
        let (len, meant) = escape.unwrap_or((1, vec![*byte]));
        if len > 1 {
            view.escapes.push((origin[at], origin[at + len - 1] + 1));
        }
        for byte in meant.into_iter().filter(|byte| counts(*byte)) {
            view.text.push(byte);
            view.origin.push(origin[at]);
        }
        at += len;
    }
    view
}

/// How long the escape is that a text begins with, and what it stands for.
fn escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    // The backslash and the name are for the same sign.
    if let Some(rest) = text.strip_prefix(b"\\").filter(|rest| rest.starts_with(b"&"))
        && let Some((len, meant)) = escape(rest)
    {
        return Some((1 + len, meant));
    }
    let (found, kind) = ESCAPES.iter().find_map(|(pattern, kind)| Some((pattern.captures(text)?, *kind)))?;
    let group = |number: usize| str::from_utf8(&found[number]).unwrap();
    let number = |group: &str, base| u32::from_str_radix(group, base).unwrap();
    let character = |number| char::from_u32(number).map(|character| character.to_string().into_bytes());
    let unit = |number: u32| u16::try_from(number).unwrap();
    let meant = match kind {
        'b' => vec![u8::try_from(number(group(1), 16)).unwrap()],
        'o' => vec![u8::try_from(number(group(1), 8)).ok()?],
        'u' => character(number(group(1), 16))?,
        'd' => character(number(group(1), 10))?,
        'p' => String::from_utf16(&[1, 2].map(|half| unit(number(group(half), 16)))).unwrap().into_bytes(),
        's' => group(1).into(),
        _ => match group(1) {
            "amp" => "&".into(),
            "quot" => "\"".into(),
            "apos" => "'".into(),
            "lt" => "<".into(),
            "gt" => ">".into(),
            "equals" => "=".into(),
            "uuml" => "\u{fc}".into(),
            _ => Vec::new(),
        },
    };
    Some((found[0].len(), meant))
}

/// From where to where escape sequences are.
fn sequences(text: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] == 0x1b {
            let end = sequence(text, at);
            found.push((at, end));
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Where the sequence ends that begins there.
fn sequence(text: &[u8], start: usize) -> usize {
    let string = text.get(start + 1).is_some_and(|byte| b"]PX^_".contains(byte));
    let control = text.get(start + 1) == Some(&b'[');
    let mut at = start + if string || control { 2 } else { 1 };
    while let Some(byte) = text.get(at) {
        let len = at - start;
        match byte {
            0x18 | 0x1a => return at + 1,
            0x1b if !string => return at,
            0x1b => match text.get(at + 1) {
                None => break,
                Some(b'\\') => return at + 2,
                Some(_) => return at,
            },
            7 if string => return at + 1,
            _ if string && len < 4096 => {}
            0x40..=0x7e if control => return at + 1,
            0x30..=0x7e if !string && !control => return at + 1,
            0..0x40 if control && len < 256 => {}
            0..0x30 if !string && !control && len < 256 => {}
            _ => return at,
        }
        at += 1;
    }
    text.len()
}
