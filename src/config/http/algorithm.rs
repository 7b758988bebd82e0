//! What an issuer may sign with.

use crate::model::SigningAlgorithm;
use crate::policy::Problems;
use crate::policy::reader::{Section, meant};

pub(super) fn read(section: &Section<'_, '_>, problems: &mut Problems) -> Vec<SigningAlgorithm> {
    let Some(words) = section.strings("algorithms", problems) else {
        return SigningAlgorithm::DEFAULT.to_vec();
    };
    let mut algorithms = Vec::with_capacity(words.value.len());
    for word in words.value {
        match SigningAlgorithm::parse(word.value) {
            Some(known) if algorithms.contains(&known) => {
                problems.add(word.span, format!("`{}` is named twice", word.value), "the second time");
            }
            Some(known) => algorithms.push(known),
            None => {
                let (message, help) = refusal(word.value);
                problems.add_with_help(word.span, message, "not taken", Some(help));
            }
        }
    }
    algorithms
}

fn refusal(word: &str) -> (String, String) {
    let usual = || "take EdDSA, ES256 or RS256, whichever the issuer signs with".to_owned();
    if matches!(word.to_ascii_uppercase().as_str(), "HS256" | "HS384" | "HS512") {
        let message = format!("`{word}` needs the same key to check as to sign: this server could make tokens itself");
        return (message, usual());
    }
    if word.eq_ignore_ascii_case("none") {
        return ("`none` is no signature: anybody could make such a token".to_owned(), usual());
    }
    let words = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str);
    (format!("`{word}` isn't an algorithm that's known here"), meant(word, &words))
}
