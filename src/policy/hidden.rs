//! What's never shown of a file a person wrote, even where they made a mistake in that very line.

use std::ops::Range;

/// How tokens begin: a service account's, the signed ones, and those of opward itself.
const BEGINNINGS: [&str; 3] = ["ops_", "eyJ", "opw_"];

/// How many more characters a word has before it's taken for a token.
const AT_LEAST: usize = 16;

/// A text of the same length in bytes, without those pieces and without what looks like a token.
///
/// Both are needed: a file that isn't TOML has no pieces yet, and a token may have any shape.
pub(super) fn blank(text: &str, pieces: &[Range<usize>]) -> String {
    let mut hidden = tokens(text);
    hidden.extend(assigned(text));
    hidden.extend_from_slice(pieces);
    let is_hidden = |at: usize| hidden.iter().any(|piece| piece.contains(&at));
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c != '\n' && is_hidden(at) {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Words that begin as tokens do and are as long.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '+' | '/');
    let mut found = Vec::new();
    for (at, beginning) in BEGINNINGS.iter().flat_map(|beginning| text.match_indices(beginning)) {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if length >= beginning.len() + AT_LEAST {
            found.push(at..at + length);
        }
    }
    found
}

/// What stands after `token =`, quoted or not.
fn assigned(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((key, value)) = line.split_once('=')
            && key.trim().trim_matches(['"', '\'']) == "token"
        {
            let value = value.trim_start();
            found.push(at + line.len() - value.len()..at + line.len());
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_tokens_wherever_they_stand_and_nothing_else() {
        let text = "vaults = [\"ops_team\"]\ntoken_file = ops_eyJzaWduSW5BZGRyZXNzIjoi\n# eyJhbGciOiJFUzI1NiIs.x\n";
        let shown = blank(text, &[]);
        assert_eq!(shown.len(), text.len());
        assert_eq!(
            shown,
            "vaults = [\"ops_team\"]\ntoken_file = ****************************\n# **********************\n"
        );
    }

    #[test]
    fn hides_what_a_token_is_set_to_and_each_piece_it_is_told() {
        assert_eq!(blank("token = hunter2\nb = 1\n", &[]), "token = *******\nb = 1\n");
        assert_eq!(blank("\"token\"='é'\n", &[]), "\"token\"=****\n");
        assert_eq!(blank("a = 'secret'", std::slice::from_ref(&(5..11))), "a = '******'");
    }
}
