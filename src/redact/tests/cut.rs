//! What's cut off: wherever that is, nothing of a value is given out.

use super::super::forms;
use super::{in_pieces, redactor};

const VALUE: &[u8] = b"sk-4eC39HqLyjWDarjtT1zdp7dc+XYZ/9\nsecond line of <it>";

#[test]
fn wherever_a_text_is_cut_nothing_of_a_value_is_given_out() {
    let redactor = redactor(&[VALUE]);
    let (before, after) = (b"{\"zone\": 7, \"key\": \"", b"\", \"ok\": true}\n");
    for form in forms(VALUE) {
        let text = [before, form.as_slice(), after].concat();
        let whole = redactor.apply(&text).0;
        for at in 0..=text.len() {
            let (out, _) = redactor.apply_to_beginning(&text[..at]);
            // What the whole text shows, or less of it.
            assert!(whole.starts_with(&out), "{} at {at}: {}", form.escape_ascii(), out.escape_ascii());
            // What stands before a value is shown; what begins like one may be held back from its first byte on.
            if at < before.len() {
                assert!(out.len() + 8 >= at, "{at}: {}", out.escape_ascii());
            }
        }
        assert_eq!(redactor.apply_to_beginning(&text), (whole, 1), "{}", form.escape_ascii());
    }
}

#[test]
fn a_cut_within_what_is_spread_or_coloured_shows_nothing_either() {
    let redactor = redactor(&[VALUE]);
    for between in [&b"\0"[..], b"\r\n ", b"\x1b[1m", b"\x1b]0;t\x07"] {
        let spread = VALUE.chunks(3).collect::<Vec<_>>().join(between);
        let text = [b"<", spread.as_slice(), b">\n"].concat();
        let whole = redactor.apply(&text).0;
        for at in 0..=text.len() {
            let (out, _) = redactor.apply_to_beginning(&text[..at]);
            assert!(whole.starts_with(&out), "at {at}: {}", out.escape_ascii());
        }
    }
}

#[test]
fn what_is_whole_is_given_out_to_its_end() {
    let redactor = redactor(&[VALUE]);
    let text = [b"ends with ", &VALUE[..20]].concat();
    assert_eq!(redactor.apply(&text), (text.clone(), 0));
    assert_eq!(in_pieces(&redactor, &text, |_| 3), (text.clone(), 0));
    assert_eq!(redactor.apply_to_beginning(&text), (b"ends with ".to_vec(), 0));
}
