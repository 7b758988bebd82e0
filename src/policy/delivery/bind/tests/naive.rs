//! The same rules, written from the words of the documentation for a small alphabet.

use proptest::prelude::*;

use super::*;

/// What a character is to the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// Stands in names of files.
    Plain,
    Dash,
    Blank,
    Slash,
    Dot,
    /// Visible, and in no name of a file.
    Sign,
    Tilde,
    /// Control, invisible, backslash, other blanks.
    Refused,
}

const ALPHABET: [(char, Is); 30] = [
    ('a', Is::Plain),
    ('b', Is::Plain),
    ('Z', Is::Plain),
    ('7', Is::Plain),
    ('é', Is::Plain),
    ('中', Is::Plain),
    ('_', Is::Plain),
    ('=', Is::Plain),
    ('@', Is::Plain),
    ('-', Is::Dash),
    ('\u{2013}', Is::Dash),
    ('\u{2212}', Is::Dash),
    (' ', Is::Blank),
    ('/', Is::Slash),
    ('/', Is::Slash),
    ('.', Is::Dot),
    ('.', Is::Dot),
    (';', Is::Sign),
    ('$', Is::Sign),
    ('%', Is::Sign),
    ('\'', Is::Sign),
    (':', Is::Sign),
    ('~', Is::Tilde),
    ('\\', Is::Refused),
    ('\n', Is::Refused),
    ('\0', Is::Refused),
    ('\u{200b}', Is::Refused),
    ('\u{202e}', Is::Refused),
    ('\u{2003}', Is::Refused),
    ('\t', Is::Refused),
];

/// "Not empty, at most 4096 bytes, no control or invisible characters and no backslash, no blank at either end."
fn text(letters: &[(char, Is)]) -> bool {
    let edge = |letter: Option<&(char, Is)>| letter.is_some_and(|(_, is)| *is == Is::Blank);
    !letters.is_empty()
        && letters.iter().all(|(_, is)| *is != Is::Refused)
        && !edge(letters.first())
        && !edge(letters.last())
}

/// "Relative; no empty, `.` or `..` part; no part begins with a dash; letters, digits, blanks and a few signs."
fn path(letters: &[(char, Is)]) -> bool {
    text(letters)
        && letters.split(|(_, is)| *is == Is::Slash).all(|part| {
            let kinds: Vec<Is> = part.iter().map(|(_, is)| *is).collect();
            let ends = [kinds.first(), kinds.last()];
            !kinds.is_empty()
                && kinds != [Is::Dot]
                && kinds != [Is::Dot, Is::Dot]
                && kinds[0] != Is::Dash
                && !ends.contains(&Some(&Is::Blank))
                && !kinds.contains(&Is::Sign)
                && !kinds.contains(&Is::Tilde)
        })
}

fn letters() -> impl Strategy<Value = Vec<(char, Is)>> {
    proptest::collection::vec(proptest::sample::select(ALPHABET.to_vec()), 0..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn texts_and_paths_pass_as_documented(letters in letters()) {
        let tool = tool();
        let written: String = letters.iter().map(|(c, _)| c).collect();
        let begins_with_dash = letters.first().is_some_and(|(_, is)| *is == Is::Dash);
        let bound = tool.bind(&with("any", json!(written)));
        prop_assert_eq!(bound.is_ok(), text(&letters) && !begins_with_dash, "{:?}", written);
        if let Ok(bound) = bound {
            prop_assert_eq!(&bound[5], &Bound::Text(written.clone()));
        }
        let bound = tool.bind(&with("file", json!(written)));
        prop_assert_eq!(bound.is_ok(), path(&letters), "{:?}", written);
        if let Ok(bound) = bound {
            let Bound::Under { root, relative, before, after } = &bound[1] else { panic!("{:?}", bound[1]) };
            let whole = root.join(relative);
            prop_assert!(whole.starts_with("/srv/migrations") && whole.components().count() > 3);
            let plain = whole.components().skip(1).all(|part| matches!(part, std::path::Component::Normal(_)));
            prop_assert!(plain, "{:?}", whole);
            prop_assert_eq!((relative.as_str(), before.as_str(), after.as_str()), (written.as_str(), "", ""));
        }
        // What isn't one of the few words never passes for one.
        let listed = ["full", "quick check"].contains(&written.as_str());
        prop_assert_eq!(tool.bind(&with("mode", json!(written))).is_ok(), listed);
    }

    #[test]
    fn whole_numbers_pass_within_their_bounds(number in -200_i64..200, text in "[+0-9 .e_-]{0,4}") {
        let tool = tool();
        let within = (-5..=100).contains(&number);
        prop_assert_eq!(tool.bind(&with("n", json!(number))).is_ok(), within);
        prop_assert_eq!(tool.bind(&with("n", json!(number.to_string()))).is_ok(), within);
        let expected = (-5..=100).any(|number: i64| number.to_string() == text);
        prop_assert_eq!(tool.bind(&with("n", json!(text))).is_ok(), expected, "{:?}", text);
    }
}

proptest! {
    // Each case compiles its own.
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever a pattern lets pass, it lets pass as a whole: the same as a machine that's told where to begin and end.
    #[test]
    fn a_pattern_matches_the_whole_text(pattern in "(a|b|ab|a\\*|\\(a\\|ab\\)|b\\+|\\.){1,3}(\\|(a|ab))?", given in "[ab]{1,5}") {
        let Ok(policy) = Policy::parse(&POLICY.replace("[a-z_][a-z0-9_]*|x", &pattern), "p") else { return Ok(()) };
        let whole = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
        let bound = policy.command("tool").unwrap().bind(&with("table", json!(given)));
        prop_assert_eq!(bound.is_ok(), whole.is_match(&given), "{} on {}", pattern, given);
    }
}
