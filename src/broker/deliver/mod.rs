//! Putting values where they're needed, while whoever asked sees only what comes of it.
//!
//! Every delivery goes the same way: find the secrets that the policy's own entry names, ask the door about each, for
//! this one delivery, open them all or none, deliver, hide them in what comes back, and close each record.

mod actions;
mod asked;
mod capture;
mod command;
mod notes;
mod own_files;
mod request;
mod run;
mod turns;

pub use actions::{Actions, CommandView, RequestView};
pub use command::Ran;
pub use own_files::OwnFiles;
pub use request::{Asking, Responded};
pub use run::{ForProgram, NotGiven, Records};

pub(super) use actions::Open;
pub(super) use turns::Turns;

use std::sync::Arc;

use super::resolve::{Found, Missing, suppositions};
use super::{Broker, log_failure};
use crate::audit::{AskedWords, CameTo};
use crate::authz::{Call, Pending, Permit, Refusal, Settled};
use crate::custody::{Lease, ReadUp, redactor};
use crate::memory::Payload;
use crate::model::kind::Use;
use crate::model::{Action, Attribute, Delivery, ErrorCode, PublicError, Reference, Target};
use crate::redact::Redactor;

/// Values that were opened for one delivery, and the records that are still open.
struct Opened {
    values: Vec<Value>,
    pending: Vec<Pending>,
}

/// A secret that an entry of the policy names.
struct Wanted {
    target: Target,
    attribute: Option<Attribute>,
    concealed: bool,
}

/// One that's opened.
struct Value {
    wanted: Wanted,
    lease: Lease<Use>,
}

impl Broker {
    /// The secrets that an entry of the policy names, if the caller may have all of them delivered so.
    ///
    /// # Errors
    ///
    /// The recorded refusal. It's the same whether there's no such entry or the caller may not use it.
    async fn secrets(
        &self,
        call: &Call,
        delivery: &Delivery,
        references: &[&Reference],
    ) -> Result<Vec<Wanted>, Refusal> {
        let known = self.acquaint(call, Action::Use, references).await?;
        let mut wanted = Vec::with_capacity(references.len());
        for reference in references {
            match self.lookup(&known, reference) {
                Ok(found) => wanted.push(Wanted::of(found, reference.attribute)),
                Err(missing) => return Err(lost(call, delivery, reference, &missing).await),
            }
        }
        if let Some(closed) = wanted.iter().find(|wanted| !call.could_use(&wanted.target, delivery)) {
            let refused = call.delivering(delivery.clone(), None).authorize(closed.target.clone()).await;
            return Err(match refused {
                Err(refusal) => refusal.told_as(call.not_open()),
                // Between the two looks nothing changes: a call decides by one policy and one time.
                Ok(_permit) => Refusal::internal(),
            });
        }
        Ok(wanted)
    }

    /// Opens secrets for one delivery: all of them, or none. `asked` is what's recorded of what it's to do.
    ///
    /// # Errors
    ///
    /// The recorded refusal of the first that can't be had.
    async fn open_for(
        &self,
        call: &Call,
        delivery: &Delivery,
        asked: Option<&AskedWords>,
        wanted: Vec<Wanted>,
    ) -> Result<Opened, Refusal> {
        let mut permits: Vec<Permit<Use>> = Vec::with_capacity(wanted.len());
        let mut delivering = call.delivering(delivery.clone(), asked);
        for one in &wanted {
            match delivering.authorize(one.target.clone()).await {
                Ok(permit) => permits.push(permit),
                Err(refusal) => {
                    let code = refusal.error().code;
                    for permit in permits {
                        let (_, pending) = permit.spend();
                        let _settled = pending.failed(code).await?;
                    }
                    return Err(refusal);
                }
            }
        }
        let mut opened = Opened { values: Vec::with_capacity(wanted.len()), pending: Vec::with_capacity(wanted.len()) };
        let mut failed = None;
        for (wanted, (lease, pending)) in
            wanted.into_iter().zip(self.0.custody.open_all(permits, call.principal()).await)
        {
            opened.pending.push(pending);
            let lease = match lease {
                Ok(lease) => in_form(lease, wanted.attribute, call).ok_or_else(no_seed),
                Err(error) => {
                    log_failure(&error, "a value that's to be used couldn't be read");
                    Err(error.public())
                }
            };
            match lease {
                Ok(lease) => opened.values.push(Value { wanted, lease }),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) => Err(opened.refused(error).await),
            None => Ok(opened),
        }
    }
}

/// The value as it's wanted: itself, or the one-time code that's made from it, if it's the seed of one.
fn in_form(lease: Lease<Use>, attribute: Option<Attribute>, call: &Call) -> Option<Lease<Use>> {
    match attribute {
        None => Some(lease),
        Some(Attribute::Otp) => call.now().and_then(|now| lease.into_code(now)),
    }
}

fn no_seed() -> PublicError {
    let message = "a field that's used for a one-time code doesn't hold the seed of one";
    PublicError::new(ErrorCode::Unsupported, message, "tell the owner, who wrote the entry")
}

impl Wanted {
    fn of(found: Found, attribute: Option<Attribute>) -> Self {
        let concealed = found.is_concealed();
        Self { target: found.target, attribute, concealed }
    }
}

impl Opened {
    /// The values, in the order they were asked for.
    fn payloads(&self) -> Vec<Payload> {
        self.values.iter().map(|value| value.lease.payload()).collect()
    }

    /// Hides the values in what comes back, if all of them can be. What's put in a value's place tells the reader that
    /// nothing is wrong with it.
    ///
    /// Short fields that are shown wherever the item is, such as ports and names of users, are no secrets.
    fn redactor(&self, way: &str) -> Option<Redactor> {
        let secret = |value: &&Value| value.wanted.concealed || value.lease.can_be_hidden();
        let marker =
            |value: &Value| format!("[hidden by opward: {} is valid; use it through {way}]", value.wanted.target.path);
        let markers: Vec<String> = self.values.iter().filter(secret).map(marker).collect();
        let leases = self.values.iter().filter(secret).map(|value| &value.lease);
        Some(redactor(leases.zip(markers.iter().map(String::as_str)))).filter(Redactor::covers_all)
    }

    /// Closes every record with an error and makes it the answer.
    async fn refused(self, error: PublicError) -> Refusal {
        let mut refusal = None;
        for pending in self.pending {
            let ended = pending.refused(error.clone()).await;
            refusal.get_or_insert(ended);
        }
        refusal.unwrap_or_else(Refusal::internal)
    }

    /// Closes every record: it was delivered, and this came of it. `sandbox` is what confined the program that had it.
    async fn done(self, came_to: CameTo, sandbox: Option<&str>) -> Result<Settled, Refusal> {
        let mut all: Option<Settled> = None;
        for pending in self.pending {
            let settled = match sandbox {
                Some(words) => pending.done_within(words, came_to).await?,
                None => pending.done_with(came_to).await?,
            };
            all = Some(match all {
                Some(before) => before.and(settled),
                None => settled,
            });
        }
        // An entry that names no secret isn't read as one.
        all.ok_or_else(Refusal::internal)
    }
}

/// The refusal where the secret of an entry isn't there.
async fn lost(call: &Call, delivery: &Delivery, reference: &Reference, missing: &Missing) -> Refusal {
    let like = match missing {
        Missing::Item(_) => suppositions(reference),
        Missing::DefaultField(item) => item.fields.decided_on().iter().map(|field| item.target(field)).collect(),
    };
    if like.is_empty() || !like.iter().all(|target| call.could_use(target, delivery)) {
        return call.deny_unseen(Action::Use, reference).await.told_as(call.not_open());
    }
    let error = match missing {
        Missing::Item(unresolved) => unresolved.public(),
        Missing::DefaultField(_) => {
            PublicError::new(ErrorCode::Ambiguous, "the entry's path names an item without one default field", "")
        }
    };
    let hint = "the entry in the policy file names a secret that can't be had; tell the owner";
    call.fail(Action::Use, Some(reference), PublicError { hint: hint.into(), ..error }).await
}

/// Names that resolve without asking any source.
fn at_hand(broker: &Broker, catalog: &Arc<crate::custody::Catalog>, reference: &Reference) -> Option<Target> {
    broker.lookup(&ReadUp::nothing(Arc::clone(catalog)), reference).ok().map(|found| found.target)
}
