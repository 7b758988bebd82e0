//! Values that are in no other place in the world, and the search for them.

use super::forms;

/// A made-up value.
#[derive(Debug, Clone)]
pub(super) struct Canary {
    /// What it is to whoever reads a finding.
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// All values that nobody here may see.
#[derive(Debug, Clone)]
pub(super) struct Canaries(Vec<Canary>);

impl Canary {
    /// A value with characters that every encoding writes in its own way.
    pub(super) fn new(name: &'static str) -> Self {
        let half = || rand::random::<u64>();
        Self { name, value: format!("k4n/{:016x}+\"{:016X}&<z~", half(), half()) }
    }
}

impl Canaries {
    pub(super) fn new(canaries: impl IntoIterator<Item = Canary>) -> Self {
        Self(canaries.into_iter().collect())
    }

    /// Says which value stands in a text, and how it's written, if one does. White space doesn't count.
    pub(super) fn found_in(&self, text: &str) -> Option<String> {
        let text = forms::packed(text);
        self.0.iter().find_map(|canary| {
            let form = forms::HIDDEN.iter().find(|form| holds(&text, form, canary))?;
            Some(format!("{} ({form})", canary.name))
        })
    }
}

/// Whether a packed text holds a value in a form.
fn holds(text: &str, form: &str, canary: &Canary) -> bool {
    let written = forms::packed(&forms::write(form, canary.value.as_bytes()));
    !written.is_empty() && text.contains(&written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_value_however_it_is_written_and_nothing_else() {
        let canary = Canary::new("the value");
        let canaries = Canaries::new([Canary::new("another"), canary.clone()]);
        for form in forms::HIDDEN {
            let text = format!("before {} after", forms::write(form, canary.value.as_bytes()));
            assert!(canaries.found_in(&text).is_some_and(|found| found.starts_with("the value")), "{form}");
        }
        let json = serde_json::to_string(&format!("x{}x", canary.value)).unwrap();
        assert!(canaries.found_in(&json).is_some());
        assert_eq!(canaries.found_in(&Canary::new("the value").value), None);
        assert_eq!(canaries.found_in(""), None);
    }
}
