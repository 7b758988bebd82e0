//! What stands in the memory of another process, for tests that look for what shouldn't.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};

/// The writable mappings of a process, each with its line of the map and its bytes. What can't be read is left out.
pub(crate) fn writable(pid: u32) -> impl Iterator<Item = (String, Vec<u8>)> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let lines: Vec<String> = maps.lines().map(str::to_owned).collect();
    lines.into_iter().filter_map(move |line| {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        if !rights.starts_with("rw") {
            return None;
        }
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        memory.seek(SeekFrom::Start(from)).unwrap();
        memory.read_exact(&mut bytes).ok()?;
        Some((line, bytes))
    })
}
