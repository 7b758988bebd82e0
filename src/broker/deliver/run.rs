//! Values for a program that the caller chooses: each decided on, recorded and opened by itself; given all or none.

use std::ffi::OsStr;

use super::asked::of_program;
use super::in_form;
use crate::audit::{AskedWords, CameTo};
use crate::authz::{Call, Pending, Permit, Refusal};
use crate::broker::resolve::{Found, Missing, no_default, unseen};
use crate::broker::{Broker, log_failure};
use crate::custody::{Lease, Template, redactor};
use crate::memory::Payload;
use crate::model::kind::Use;
use crate::model::{Action, Attribute, Delivery, ErrorCode, Output, PublicError, Reference, SecretPath, Target};
use crate::redact::Redactor;

/// What a program gets.
pub struct ForProgram {
    /// What its variables hold, in the order in which they were asked for.
    pub variables: Vec<Payload>,
    /// Hides the values in its output.
    pub redactor: Redactor,
    /// What's still to be recorded: how it ended.
    pub records: Records,
}

/// The open records of the values that a program got.
#[derive(Debug)]
#[must_use = "dropping it records the requests as abandoned"]
pub struct Records(Vec<Pending>);

/// Why a program gets nothing.
#[derive(Debug)]
pub enum NotGiven {
    /// Nothing could be looked up.
    Nothing(PublicError),
    /// These of the variables can't be had, by their number in the order in which they were asked for.
    Some(Vec<(usize, PublicError)>),
}

/// A value that's needed, however often and under whichever spellings.
struct Wanted<'r> {
    references: Vec<&'r Reference>,
    target: Target,
    attribute: Option<Attribute>,
    concealed: bool,
}

/// One that's opened.
struct Opened<'r> {
    references: Vec<&'r Reference>,
    path: SecretPath,
    lease: Lease<Use>,
}

/// What's wrong, by reference.
type Problems<'r> = Vec<(&'r Reference, PublicError)>;

impl Records {
    /// Records that the program ran to its end, and which that was.
    ///
    /// # Errors
    ///
    /// When the audit log can't be written.
    pub async fn ended(self, came_to: CameTo) -> Result<(), PublicError> {
        for pending in self.0 {
            let _ = pending.done_with(came_to).await.map_err(|error| error.public())?;
        }
        Ok(())
    }

    /// Records that the program couldn't be started.
    ///
    /// # Errors
    ///
    /// When the audit log can't be written.
    pub async fn failed(self, code: ErrorCode) -> Result<(), PublicError> {
        for pending in self.0 {
            let _ = pending.failed(code).await.map_err(|error| error.public())?;
        }
        Ok(())
    }
}

impl Broker {
    /// Gives a program its variables, if each value in them may be used so.
    ///
    /// # Errors
    ///
    /// All variables that can't be had. Then none is, and what would have been allowed is recorded as not done.
    pub async fn for_program(
        &self,
        call: &Call,
        templates: &[&Template],
        output: Output,
        program: &OsStr,
    ) -> Result<ForProgram, NotGiven> {
        let mut references: Vec<&Reference> = Vec::new();
        for reference in templates.iter().flat_map(|template| template.references()) {
            if !references.contains(&reference) {
                references.push(reference);
            }
        }
        let mut problems = Vec::new();
        let wanted = self.wanted(call, &references, &mut problems).await.map_err(NotGiven::Nothing)?;
        let asked = self.asked(call, of_program(program)).await;
        let permitted = permitted(call, wanted, output, asked.as_ref(), &mut problems).await;
        if !problems.is_empty() {
            let unused = permitted.into_iter().map(|(_, permit)| permit.spend().1).collect();
            Records(unused).failed(ErrorCode::Denied).await.map_err(NotGiven::Nothing)?;
            return Err(by_variable(templates, &problems));
        }
        let (opened, records) = self.opened(call, permitted, output, &mut problems).await?;
        let lease = |reference: &Reference| {
            let opened = opened.iter().find(|opened| opened.references.contains(&reference));
            opened.map(|opened| &opened.lease)
        };
        let filled: Option<Vec<Payload>> = templates.iter().map(|template| template.fill(lease)).collect();
        match filled {
            Some(variables) if problems.is_empty() => {
                let markers: Vec<String> =
                    opened.iter().map(|opened| format!("[hidden by opward: {}]", opened.path)).collect();
                let leases = opened.iter().map(|opened| &opened.lease);
                let redactor = redactor(leases.zip(markers.iter().map(String::as_str)));
                Ok(ForProgram { variables, redactor, records: Records(records) })
            }
            _ => {
                Records(records).failed(ErrorCode::Denied).await.map_err(NotGiven::Nothing)?;
                Err(by_variable(templates, &problems))
            }
        }
    }

    /// The one secret that each reference means.
    async fn wanted<'r>(
        &self,
        call: &Call,
        references: &[&'r Reference],
        problems: &mut Problems<'r>,
    ) -> Result<Vec<Wanted<'r>>, PublicError> {
        let known = self.acquaint(call, Action::Use, references).await.map_err(Refusal::into_error)?;
        let mut wanted: Vec<Wanted<'_>> = Vec::new();
        for &reference in references {
            let found = match self.lookup(&known, reference) {
                Ok(found) => found,
                Err(missing) => {
                    let refusal = match missing {
                        Missing::Item(why) => unseen(call, Action::Use, reference, &why).await,
                        Missing::DefaultField(item) => no_default(call, Action::Use, reference, &item).await,
                    };
                    problems.push((reference, refusal.into_error()));
                    continue;
                }
            };
            let concealed = found.is_concealed();
            let Found { target, .. } = found;
            let same =
                |wanted: &&mut Wanted<'_>| wanted.target.path == target.path && wanted.attribute == reference.attribute;
            if let Some(same) = wanted.iter_mut().find(same) {
                same.references.push(reference);
                continue;
            }
            wanted.push(Wanted { references: vec![reference], target, attribute: reference.attribute, concealed });
        }
        Ok(wanted)
    }

    /// Opens what's permitted, in as few requests to its sources as possible.
    async fn opened<'r>(
        &self,
        call: &Call,
        permitted: Vec<(Wanted<'r>, Permit<Use>)>,
        output: Output,
        problems: &mut Problems<'r>,
    ) -> Result<(Vec<Opened<'r>>, Vec<Pending>), NotGiven> {
        let (wanted, permits): (Vec<_>, Vec<_>) = permitted.into_iter().unzip();
        let (mut opened, mut records) = (Vec::new(), Vec::new());
        let answers = self.0.custody.open_all(permits, call.principal()).await;
        for (wanted, (lease, pending)) in wanted.into_iter().zip(answers) {
            let lease = match lease {
                Ok(lease) => usable(lease, &wanted, call, output),
                Err(error) => {
                    log_failure(&error, "a value for a program couldn't be read");
                    Err(error.public())
                }
            };
            match lease {
                Ok(lease) => {
                    records.push(pending);
                    opened.push(Opened { references: wanted.references, path: wanted.target.path, lease });
                }
                Err(error) => {
                    let error = call.end(pending, error).await.into_error();
                    problems.extend(wanted.references.into_iter().map(|reference| (reference, error.clone())));
                }
            }
        }
        Ok((opened, records))
    }
}

/// Asks at the door for each; each refusal is recorded.
async fn permitted<'r>(
    call: &Call,
    wanted: Vec<Wanted<'r>>,
    output: Output,
    asked: Option<&AskedWords>,
    problems: &mut Problems<'r>,
) -> Vec<(Wanted<'r>, Permit<Use>)> {
    let mut permitted = Vec::with_capacity(wanted.len());
    let mut delivering = call.delivering(Delivery::Run(output), asked);
    for wanted in wanted {
        match delivering.authorize(wanted.target.clone()).await {
            Ok(permit) => permitted.push((wanted, permit)),
            Err(refusal) => {
                let error = refusal.into_error();
                problems.extend(wanted.references.into_iter().map(|reference| (reference, error.clone())));
            }
        }
    }
    permitted
}

/// What a variable of the program would get, if it can get it at all.
fn usable(lease: Lease<Use>, wanted: &Wanted<'_>, call: &Call, output: Output) -> Result<Lease<Use>, PublicError> {
    let unsupported = |message, hint| PublicError::new(ErrorCode::Unsupported, message, hint);
    let lease = in_form(lease, wanted.attribute, call).ok_or_else(|| {
        unsupported("the field doesn't hold the seed of a one-time code", "ask without `?attribute=otp`")
    })?;
    if !lease.fits_a_variable() {
        let hint = "a file or standard input can carry it: `opward secret get`, where a rule allows that";
        return Err(unsupported("the value holds a NUL byte, which no environment variable can", hint));
    }
    // Ports and the names of users are short, and no secrets.
    if output == Output::Masked && wanted.concealed && !lease.can_be_hidden() {
        let hint = "`--no-masking` gives it all the same, where a rule allows that";
        return Err(unsupported("the value is too short to be hidden in the program's output", hint));
    }
    Ok(lease)
}

/// What's wrong with each variable: the first thing that is.
fn by_variable(templates: &[&Template], problems: &Problems<'_>) -> NotGiven {
    let problem = |template: &&Template| {
        let mut found = template.references().filter_map(|wanted| problems.iter().find(|(known, _)| *known == wanted));
        found.next().map(|(_, error)| error.clone())
    };
    let all = templates.iter().enumerate().filter_map(|(number, template)| Some((number, problem(template)?)));
    NotGiven::Some(all.collect())
}
