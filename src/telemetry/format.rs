//! In what form the program speaks.

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Format {
    /// Takes the form out of what the user asked for: `json`, `debug`, `json,opward=debug`. What's
    /// left are levels, if any are.
    #[must_use]
    pub fn split(asked: &str) -> (Self, Option<String>) {
        let mut format = Self::default();
        let mut levels = Vec::new();
        for part in asked.split(',') {
            match part.trim() {
                "json" => format = Self::Json,
                "text" => format = Self::Text,
                "" => {}
                level => levels.push(level),
            }
        }
        (format, Some(levels.join(",")).filter(|levels| !levels.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_stands_anywhere_among_the_levels() {
        let split = |asked| {
            let (format, levels) = Format::split(asked);
            (format, levels.unwrap_or_default())
        };
        assert_eq!(split("json"), (Format::Json, String::new()));
        assert_eq!(split(" json , debug"), (Format::Json, "debug".to_owned()));
        assert_eq!(split("opward=debug,json,warn"), (Format::Json, "opward=debug,warn".to_owned()));
        assert_eq!(split("text,info"), (Format::Text, "info".to_owned()));
        assert_eq!(split("jsonish=info"), (Format::Text, "jsonish=info".to_owned()));
        assert_eq!(split(""), (Format::Text, String::new()));
    }
}
