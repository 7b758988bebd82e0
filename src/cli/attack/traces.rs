//! What's left when all is over: conversations, logs and records.

use std::fs;

use super::canary::Canaries;
use super::finding::{Attacker, Finding};
use super::world::{Said, World};
use crate::app::log::verify;

/// Looks through all that was said and written.
pub(super) fn attack(world: &World) -> Vec<Finding> {
    let Said { heard, logged } = world.said();
    let file = world.home.audit_file();
    let recorded = fs::read_to_string(&file).unwrap_or_default();
    let texts = [("what was answered", heard), ("the server's log", logged), ("the audit log", recorded)];
    let chain = match verify(&file) {
        Ok(report) if report.is_intact() && report.unfinished.is_empty() => None,
        Ok(report) => Some(report.to_string()),
        Err(error) => Some(error.to_string()),
    };
    vec![
        Finding::judged(
            Attacker::Agent,
            "values stay out of listings, descriptions, errors, records and its own logs",
            texts.len(),
            left(&texts, &world.canaries),
        ),
        Finding::judged(
            Attacker::Agent,
            "every request is in the log first, and each ends in an outcome",
            1,
            chain.into_iter().collect(),
        ),
    ]
}

/// Texts with a value in them, and those that are empty, which prove nothing.
fn left(texts: &[(&str, String)], canaries: &Canaries) -> Vec<String> {
    let judged = texts.iter().map(|(name, text)| match canaries.found_in(text) {
        Some(found) => Some(format!("{name} has {found}")),
        None if text.is_empty() => Some(format!("{name} is empty, so nothing is known")),
        None => None,
    });
    judged.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::super::canary::Canary;
    use super::*;

    #[test]
    fn a_value_that_is_left_anywhere_breaks_the_promise() {
        let canary = Canary::new("the value");
        let canaries = Canaries::new([canary.clone()]);
        let texts = |log: &str| [("answers", "plenty".to_owned()), ("the log", log.to_owned())];
        assert!(left(&texts("nothing"), &canaries).is_empty());
        assert_eq!(left(&texts(&format!("it's {}", canary.value)), &canaries).len(), 1);
        assert_eq!(left(&texts(""), &canaries).len(), 1, "an empty log proves nothing");
    }
}
