//! Reading several values at once, as environment variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::read::shown;
use super::resolve::{Found, Missing, field_name, no_default, unseen};
use super::{Broker, Done, log_failure};
use crate::authz::{Call, Refusal, Settled};
use crate::custody::{Lease, Revealed, dotenv};
use crate::model::kind::Read;
use crate::model::{
    Action, Attribute, Category, ErrorCode, FieldSelector, Item, PublicError, Purpose, Reference, Target,
};

/// Environment variables; a bad one never fails the rest.
#[derive(Debug, Default, Serialize)]
pub struct EnvBundle {
    /// The variables that could be read.
    pub env: BTreeMap<String, Revealed>,
    /// The variables whose value isn't there or can't be had now.
    pub missing: Vec<String>,
    /// The variables no rule lets the caller read.
    pub denied: Vec<String>,
}

/// What a bundle is read from.
enum Plan {
    /// One field whose value is a `.env` file.
    File(Target),
    /// One field a variable.
    Variables(Vec<(String, Target)>),
}

impl Broker {
    /// Gives the variables of a configured bundle.
    ///
    /// # Errors
    ///
    /// The recorded refusal, if not one of them can be read or is merely missing.
    pub async fn named_bundle(&self, call: &Call, name: &str) -> Result<Done<EnvBundle>, Refusal> {
        let Some(bundle) = self.0.bundles.get(name) else {
            let hint = "the configuration's [env_bundle.NAME] tables name the bundles; an item's path works too";
            let error = PublicError::new(ErrorCode::NotFound, "no bundle of that name is configured", hint);
            return Err(call.fail(Action::Read, None, error).await);
        };
        let references: Vec<&Reference> = bundle.values().collect();
        let known = self.acquaint(call, Action::Read, &references).await?;
        let mut answer = Answer::default();
        let mut wanted = Vec::with_capacity(bundle.len());
        for (key, reference) in bundle {
            match self.lookup(&known, reference) {
                Ok(Found { target, .. }) => wanted.push((key.clone(), target, reference.attribute)),
                Err(missing) => {
                    let refusal = match missing {
                        Missing::Item(why) => unseen(call, Action::Read, reference, &why).await,
                        Missing::DefaultField(item) => no_default(call, Action::Read, reference, &item).await,
                    };
                    answer.note(key.clone(), refusal)?;
                }
            }
        }
        self.variables(call, wanted, &mut answer).await?;
        answer.finish(call).await
    }

    /// Gives the variables in an item: of a note, what's written in it; of any other item, its fields.
    ///
    /// # Errors
    ///
    /// The recorded refusal, if not one of them can be read.
    pub async fn item_bundle(&self, call: &Call, reference: &Reference) -> Result<Done<EnvBundle>, Refusal> {
        match self.plan(call, reference).await? {
            Plan::File(target) => self.file(call, target).await,
            Plan::Variables(variables) => {
                let mut answer = Answer::default();
                let wanted = variables.into_iter().map(|(key, target)| (key, target, None)).collect();
                self.variables(call, wanted, &mut answer).await?;
                answer.finish(call).await
            }
        }
    }

    async fn plan(&self, call: &Call, reference: &Reference) -> Result<Plan, Refusal> {
        if reference.attribute.is_some() {
            let hint = "get_secret gives the code";
            let error = PublicError::new(ErrorCode::Invalid, "a one-time code isn't a bundle of variables", hint);
            return Err(call.fail(Action::Read, Some(reference), error).await);
        }
        if reference.field != FieldSelector::Default {
            let Found { target, .. } = self.field(call, Action::Read, reference).await?;
            return Ok(Plan::File(target));
        }
        let item = self.item(call, Action::Read, reference).await?;
        let Some(visible) = call.visible(&item, Action::List) else {
            return Err(call.deny_unseen(Action::Read, reference).await);
        };
        if let Some(note) = note_of(&item) {
            return Ok(Plan::File(note));
        }
        let variables = visible
            .fields()
            .filter(|(field, _)| field.purpose != Some(Purpose::Notes))
            .map(|(field, _)| (variable_name(&field_name(field)), item.target(field)))
            .collect();
        Ok(Plan::Variables(variables))
    }

    async fn file(&self, call: &Call, target: Target) -> Result<Done<EnvBundle>, Refusal> {
        let permit = call.authorize::<Read>(target).await?;
        let (lease, pending) = self.0.custody.open(permit, call.principal()).await;
        let error = match lease.map(Lease::variables) {
            Ok(Some(variables)) => {
                for (_, value) in &variables {
                    self.0.custody.note_shown(call.principal(), value);
                }
                let body = EnvBundle { env: variables.into_iter().collect(), ..EnvBundle::default() };
                return Ok(Done { body, settled: pending.done().await? });
            }
            Ok(None) => PublicError::new(
                ErrorCode::Unsupported,
                "the value isn't a `.env` file",
                "lines are `KEY=value`; ask the owner to correct the note, or name an item whose fields are the variables",
            ),
            Err(error) => error.public(),
        };
        Err(call.end(pending, error).await)
    }

    /// Reads variables: each is decided on and recorded by itself, and those that may be read are
    /// opened together.
    async fn variables(
        &self,
        call: &Call,
        wanted: Vec<(String, Target, Option<Attribute>)>,
        answer: &mut Answer,
    ) -> Result<(), Refusal> {
        let mut keys = Vec::with_capacity(wanted.len());
        let mut permits = Vec::with_capacity(wanted.len());
        for (key, target, attribute) in wanted {
            match call.authorize::<Read>(target).await {
                Ok(permit) => {
                    keys.push((key, attribute));
                    permits.push(permit);
                }
                Err(refusal) => answer.note(key, refusal)?,
            }
        }
        let opened = self.0.custody.open_all(permits, call.principal()).await;
        for ((key, attribute), (lease, pending)) in keys.into_iter().zip(opened) {
            let receipt = match lease.map(|lease| shown(lease, attribute, call.now())) {
                Ok(Ok(value)) => {
                    let receipt = pending.done().await?;
                    self.0.custody.note_shown(call.principal(), &value);
                    answer.bundle.env.insert(key, value);
                    receipt
                }
                Ok(Err(error)) => {
                    answer.bundle.missing.push(key);
                    pending.failed(error.code).await?
                }
                Err(error) => {
                    log_failure(&error, "a variable of a bundle couldn't be read");
                    answer.bundle.missing.push(key);
                    pending.failed(error.public().code).await?
                }
            };
            answer.join(receipt);
        }
        Ok(())
    }
}

/// A bundle that's being put together, and the proof for what's in it so far.
#[derive(Debug, Default)]
struct Answer {
    bundle: EnvBundle,
    settled: Option<Settled>,
}

impl Answer {
    fn join(&mut self, receipt: Settled) {
        self.settled = Some(match self.settled.take() {
            Some(known) => known.and(receipt),
            None => receipt,
        });
    }

    /// One key's refusal becomes a line of the answer, unless it couldn't even be recorded.
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else keeps a value away, it's missing")]
    fn note(&mut self, key: String, refusal: Refusal) -> Result<(), Refusal> {
        let code = refusal.error().code;
        let receipt = refusal.into_settled()?;
        match code {
            ErrorCode::Denied | ErrorCode::RateLimited | ErrorCode::ApprovalRequired => self.bundle.denied.push(key),
            _ => self.bundle.missing.push(key),
        }
        self.join(receipt);
        Ok(())
    }

    async fn finish(mut self, call: &Call) -> Result<Done<EnvBundle>, Refusal> {
        self.bundle.missing.sort_unstable();
        self.bundle.denied.sort_unstable();
        let settled = match self.settled {
            Some(settled) => settled,
            // Nothing was asked of the door, so the look itself is what's recorded.
            None => call.look(Action::Read).await?.done().await?,
        };
        Ok(Done { body: self.bundle, settled })
    }
}

/// A note's text, where the item is one.
fn note_of(item: &Arc<Item>) -> Option<Target> {
    let note = item.fields.known().iter().find(|field| field.purpose == Some(Purpose::Notes))?;
    (item.category == Category::SecureNote).then(|| item.target(note))
}

/// The variable a field's name makes: itself if it can be one, else in capitals with `_` for the rest.
fn variable_name(field: &str) -> String {
    if dotenv::is_key(field) && field.bytes().any(|b| b.is_ascii_uppercase()) {
        return field.to_owned();
    }
    let mut name: String =
        field.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::variable_name;

    #[test]
    fn a_field_names_a_variable() {
        for (field, expected) in [
            ("DATABASE_URL", "DATABASE_URL"),
            ("api key", "API_KEY"),
            ("password", "PASSWORD"),
            ("1st", "_1ST"),
            ("a/b", "A_B"),
        ] {
            assert_eq!(variable_name(field), expected);
        }
    }
}
