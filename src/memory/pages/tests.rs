//! What the kernel says of the pages.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::super::{in_a_process_of_its_own, is_such_a_process};
use super::*;

/// What the kernel says about the mapping that holds an address.
fn flags(address: *const u8) -> Vec<String> {
    let wanted = address.addr();
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    for line in smaps.lines() {
        if let Some((range, _)) = line.split_once(' ')
            && let Some((from, to)) = range.split_once('-')
            && let (Ok(from), Ok(to)) = (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16))
        {
            inside = (from..to).contains(&wanted);
        } else if inside && let Some(flags) = line.strip_prefix("VmFlags: ") {
            return flags.split_whitespace().map(str::to_owned).collect();
        }
    }
    panic!("the page isn't mapped");
}

fn ordinary() -> Page {
    Page::ordinary(rustix::param::page_size()).unwrap()
}

fn assert_withheld(page: &Page) {
    let flags = flags(page.bytes().as_ptr());
    match page.protection() {
        Protection::Hidden | Protection::Locked => {
            for flag in ["lo", "dd", "dc"] {
                assert!(flags.iter().any(|found| found == flag), "{flag} is missing from {flags:?}");
            }
        }
        Protection::Open(refusal) => println!("NOT CHECKED: the system refuses to lock memory: {refusal}"),
    }
}

#[test]
fn the_best_page_is_locked_and_in_no_dump_or_child() {
    assert_withheld(&Page::new().unwrap());
}

#[test]
fn the_ordinary_page_is_locked_and_in_no_dump_or_child() {
    assert_withheld(&ordinary());
}

#[test]
fn a_hidden_page_cannot_be_read_through_proc() {
    let mut page = Page::new().unwrap();
    page.bytes_mut().fill(0x5A);
    let mem = File::open("/proc/self/mem").unwrap();
    let read = mem.read_exact_at(&mut [0; 16], page.bytes().as_ptr().addr().try_into().unwrap());
    match page.protection() {
        Protection::Hidden => assert!(read.is_err(), "the kernel read a hidden page"),
        other @ (Protection::Locked | Protection::Open(_)) => {
            println!("NOT CHECKED: this system has no hidden pages: {other:?}");
        }
    }
    assert!(page.bytes().iter().all(|byte| *byte == 0x5A));
}

#[test]
fn the_pages_around_it_are_out_of_reach() {
    let page = Page::new().unwrap();
    let start = page.bytes().as_ptr();
    for guard in [start.wrapping_sub(1), start.wrapping_add(page.size)] {
        let flags = flags(guard);
        assert!(!flags.iter().any(|flag| flag == "rd" || flag == "wr"), "{flags:?}");
    }
}

#[test]
fn a_page_begins_as_zeros() {
    for page in [Page::new().unwrap(), ordinary()] {
        assert!(page.bytes().iter().all(|byte| *byte == 0));
    }
}

#[test]
fn where_locking_is_refused_there_is_an_open_page_and_a_reason() {
    in_a_process_of_its_own("memory::pages::tests::child_is_refused_locked_memory");
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn child_is_refused_locked_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

    if !is_such_a_process() {
        return;
    }

    // Root may lock memory whatever the limit, so the right to do so goes first.
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none }).unwrap();
    setrlimit(Resource::Memlock, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let mut page = Page::new().unwrap();
    assert!(matches!(page.protection(), Protection::Open(Refusal::Limit | Refusal::Permission)));
    page.bytes_mut().fill(1);
    assert!(page.bytes().iter().all(|byte| *byte == 1));
}
