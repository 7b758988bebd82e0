//! What's wrong with a file a person wrote, shown where it stands.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::hidden;

/// How many problems are shown; a file with more is told so in one line.
const SHOWN: usize = 50;

/// Every problem found in one file, in the order they stand in it.
///
/// `Display` is the plain rendering, with the line, a caret and what was meant.
#[derive(Clone)]
pub struct Diagnostics {
    origin: Arc<str>,
    text: Arc<str>,
    problems: Arc<[Problem]>,
}

/// One problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    message: String,
    label: String,
    help: Option<String>,
    span: Range<usize>,
}

/// Collects problems while a file is read, so that one run shows them all.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    hidden: Vec<Range<usize>>,
}

impl Problems {
    /// Notes a problem; `label` stands beside the caret.
    pub(crate) fn add(&mut self, span: Range<usize>, message: impl Into<String>, label: impl Into<String>) {
        self.add_with_help(span, message, label, None);
    }

    /// Notes a problem and what to do about it.
    pub(crate) fn add_with_help(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        let help = help.map(|help| visible(&help));
        self.found.push(Problem { message: visible(&message.into()), label: visible(&label.into()), help, span });
    }

    /// Keeps a piece of the file out of all that's shown of it.
    pub(crate) fn hide(&mut self, span: Range<usize>) {
        self.hidden.push(span);
    }

    /// How many have been noted.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Binds what was noted to the file it's about; `None` if nothing was.
    pub(crate) fn into_diagnostics(mut self, origin: &str, text: &str) -> Option<Diagnostics> {
        if self.found.is_empty() {
            return None;
        }
        self.found.sort_by_key(|problem| (problem.span.start, problem.span.end));
        let text = hidden::blank(text, &self.hidden);
        Some(Diagnostics { origin: origin.into(), text: text.into(), problems: self.found.into() })
    }
}

impl Problem {
    /// What's wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl Diagnostics {
    /// Says only that a file can't be read.
    pub(crate) fn unreadable(origin: &str, text: &str) -> Self {
        let problem = Problem { message: "can't be read".to_owned(), label: String::new(), help: None, span: 0..0 };
        Self { origin: origin.into(), text: hidden::blank(text, &[]).into(), problems: [problem].into() }
    }

    /// The file, as the person named it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The problems, in the order they stand in the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The line and column of a problem, both counted from 1, the column in characters.
    #[must_use]
    pub fn position(&self, problem: &Problem) -> (usize, usize) {
        position(&self.text, problem.span.start)
    }

    /// All problems with their lines and carets; `colour` is for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let shown: Vec<Group<'_>> = self.problems.iter().take(SHOWN).map(|problem| self.group(problem)).collect();
        let mut rendered = String::new();
        for group in shown {
            if !rendered.is_empty() {
                rendered.push_str("\n\n");
            }
            rendered.push_str(&renderer.render(&[group]));
        }
        if self.problems.len() > SHOWN {
            rendered.push_str("\n\n… and ");
            rendered.push_str(&(self.problems.len() - SHOWN).to_string());
            rendered.push_str(" more");
        }
        rendered
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        // The renderer is given the one line only: in a large file, it would read all of it each time.
        let start = problem.span.start.min(self.text.len());
        let (before, after) = self.text.split_at_checked(start).unwrap_or((&*self.text, ""));
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = after.find('\n').map_or(self.text.len(), |newline| start + newline);
        let line = self.text.get(line_start..line_end).unwrap_or_default();
        // A caret under a whole table would hide where it begins.
        let span = start - line_start..problem.span.end.clamp(start, line_end) - line_start;
        let snippet = Snippet::source(line).line_start(before.matches('\n').count() + 1).path(&*self.origin);
        let annotation = AnnotationKind::Primary.span(span).label(problem.label.as_str());
        let group = Level::ERROR.primary_title(problem.message.as_str()).element(snippet.annotation(annotation));
        match &problem.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}

/// Writes out characters a terminal would act on: messages quote keys and words of the file.
fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// The places of a text's line ends, so that many lines can be looked up.
#[derive(Debug)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(offset, _)| offset).collect())
    }

    /// The line of a byte, counted from 1.
    pub(super) fn number(&self, offset: usize) -> usize {
        self.0.partition_point(|&end| end < offset) + 1
    }
}

/// The line and column of a byte, both counted from 1, the column in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics")
            .field("origin", &self.origin)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Diagnostics {}
