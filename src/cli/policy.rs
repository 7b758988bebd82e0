//! `opward policy …`: is a policy valid, and what does it decide.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;

use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::rules::{Effect, Explanation, LoadError, Policy, schema};
use crate::app::{self, Setup};
use crate::model::{Action, Category, Clock, Delivery, Principal, PrincipalName, SecretPath, Tag, Target, Transport};

/// The verbs.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a policy file and warn of what's risky in it
    Check(CheckArgs),
    /// Say what a policy decides, and by which rules
    Explain(ExplainArgs),
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The policy, instead of the configured one
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// Who asks
    #[arg(value_parser = PrincipalName::parse)]
    principal: PrincipalName,
    /// What for: list, describe, use, read, write, rotate or delete
    #[arg(value_parser = action)]
    action: Action,
    /// The secret: Vault/Item/field
    #[arg(value_parser = SecretPath::parse)]
    path: SecretPath,
    /// By which delivery, for use: command:NAME, trusted-code:NAME, http:NAME, run or run-unmasked; any, if not said
    #[arg(long, value_parser = Delivery::parse)]
    delivery: Option<Delivery>,
    /// The policy, instead of the configured one
    #[arg(long)]
    policy: Option<PathBuf>,
    /// The item's category
    #[arg(long, default_value = "API_CREDENTIAL", value_parser = category)]
    category: Category,
    /// A tag the item carries; may be given several times
    #[arg(long = "tag", value_parser = tag)]
    tags: Vec<Tag>,
    /// How the request comes: cli, http, socket or stdio; http where an address or a claim is given, else cli for the
    /// principal `cli`, and stdio for others
    #[arg(long, value_parser = transport)]
    transport: Option<Transport>,
    /// The address it comes from
    #[arg(long, value_name = "ADDR")]
    ip: Option<IpAddr>,
    /// A claim of the caller's token; may be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    /// When, instead of now; RFC 3339
    #[arg(long)]
    at: Option<Timestamp>,
    /// As if the caller had said why
    #[arg(long)]
    with_reason: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn action(word: &str) -> Result<Action, String> {
    Action::from_word(word).ok_or_else(|| format!("one of {}", Action::ALL.map(Action::as_str).join(", ")))
}

fn category(word: &str) -> Result<Category, String> {
    Category::from_any_word(word).ok_or_else(|| "one of 1Password's categories, such as LOGIN".to_owned())
}

fn tag(text: &str) -> Result<Tag, String> {
    Tag::new(text).ok_or_else(|| "a tag has 1 to 100 visible characters".to_owned())
}

fn transport(word: &str) -> Result<Transport, String> {
    let all = Transport::ALL;
    all.into_iter()
        .find(|known| known.as_str() == word)
        .ok_or_else(|| format!("one of {}", all.map(Transport::as_str).join(", ")))
}

fn claim(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a claim's name and its value: team=payments".to_owned()),
    }
}

pub(super) fn run(command: &Command, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    match command {
        Command::Check(args) => check(args, setup, output),
        Command::Explain(args) => explain(args, setup, output),
        Command::Schema => {
            output.line(serde_json::to_string_pretty(&schema()).unwrap_or_default());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn load(given: Option<&PathBuf>, setup: &Setup, output: Output) -> Result<(PathBuf, Policy), Failure> {
    let file = match given {
        Some(file) => file.clone(),
        None => setup.config()?.policy,
    };
    match Policy::load(&file) {
        Ok(policy) => Ok((file, policy)),
        Err(LoadError::Invalid(diagnostics)) => {
            output.note(diagnostics.render(output.notes_are_coloured()));
            let count = diagnostics.problems().len();
            let what = if count == 1 { "1 mistake".to_owned() } else { format!("{count} mistakes") };
            Err(Failure::invalid(
                format!("{}: {what}", file.display()),
                "a policy with a mistake never replaces one that works",
            ))
        }
        Err(error) => Err(Failure::invalid(error.to_string(), "")),
    }
}

fn check(args: &CheckArgs, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let (file, policy) = load(args.file.as_ref(), setup, output)?;
    let warnings = policy.lint(Clock::system().now());
    let count = policy.rules().count();
    let (commands, entries) = (policy.commands().count(), policy.http_entries().count());
    if args.json {
        let warnings: Vec<_> = warnings.iter().map(serde_json::to_value).filter_map(Result::ok).collect();
        output.line(serde_json::json!({
            "file": file, "rules": count, "commands": commands, "http": entries, "policy": policy.hash().to_string(), "warnings": warnings,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    for warning in &warnings {
        output.line(format!("{} {warning}", output.paint(Style::Warn, "warning:")));
    }
    let mut rules = if count == 1 { "1 rule".to_owned() } else { format!("{count} rules") };
    for (count, one, many) in [(commands, "command", "commands"), (entries, "HTTP entry", "HTTP entries")] {
        if count > 0 {
            rules = format!("{rules}, {count} {}", if count == 1 { one } else { many });
        }
    }
    output.line(format!("{} {}: {rules}, {}", output.paint(Style::Good, "✓"), file.display(), policy.hash()));
    Ok(ExitCode::SUCCESS)
}

fn explain(args: &ExplainArgs, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let (_, policy) = load(args.policy.as_ref(), setup, output)?;
    let claims: BTreeMap<_, _> = args.claims.iter().cloned().collect();
    if claims.len() != args.claims.len() {
        return Err(Failure::invalid("a claim is given twice".to_owned(), "a token has each claim once"));
    }
    if args.delivery.is_some() && args.action != Action::Use {
        return Err(Failure::invalid("`--delivery` is about `use`".to_owned(), "leave it out, or ask about `use`"));
    }
    let by_token = args.ip.is_some() || !claims.is_empty();
    let who = Principal {
        name: args.principal.clone(),
        transport: args.transport.unwrap_or(if by_token {
            Transport::Http
        } else if args.principal.as_str() == app::PERSON {
            Transport::Cli
        } else {
            Transport::Stdio
        }),
        source_ip: args.ip,
        claims: Arc::new(claims),
    };
    let target = Target {
        path: args.path.clone(),
        title_path: None,
        place: None,
        category: args.category,
        tags: args.tags.iter().cloned().collect(),
    };
    let now = args.at.or_else(|| Clock::system().now());
    let explanation = policy.explain(&who, args.action, args.delivery.as_ref(), &target, args.with_reason, now);
    if args.json {
        output.line(serde_json::to_string(&explanation).unwrap_or_default());
    } else {
        print(&explanation, args, output);
    }
    Ok(if explanation.decision == Effect::Allow { ExitCode::SUCCESS } else { ExitCode::from(app::DENIED) })
}

fn print(explanation: &Explanation, args: &ExplainArgs, output: Output) {
    let verdict = match explanation.decision {
        Effect::Allow => output.paint(Style::Good, "allow"),
        Effect::Deny => output.paint(Style::Bad, "deny"),
    };
    output.line(format!("{verdict}  {} {} {}: {}", args.principal, args.action, args.path, explanation.why));
    if explanation.obligations.reason {
        output.line("  needs a reason from the caller");
    }
    for rate in &explanation.obligations.rates {
        output.line(format!("  at most {} by `{}`", rate.rate, rate.rule));
    }
    if let Some(deliveries) = &explanation.deliveries {
        let open = if deliveries.is_empty() { "none".to_owned() } else { deliveries.join(", ") };
        output.line(format!("  open deliveries: {open}"));
    }
    let rows: Vec<Vec<String>> = explanation
        .rules
        .iter()
        .map(|rule| {
            let why =
                rule.unmet.as_ref().map_or_else(|| "matches".to_owned(), |unmet| format!("no: {}", unmet.as_str()));
            vec![format!("  line {}", rule.line), rule.effect.as_str().to_owned(), rule.rule.to_string(), why]
        })
        .collect();
    output.table(&rows);
}

#[cfg(test)]
mod tests {
    use super::claim;

    #[test]
    fn a_claim_is_a_name_and_a_value_which_may_hold_anything() {
        let parsed = |text| claim(text).map(|(name, value)| format!("{name}|{value}")).unwrap_or_default();
        assert_eq!(parsed("team=payments"), "team|payments");
        assert_eq!(parsed("https://idp.example/role=a=b"), "https://idp.example/role|a=b");
        assert_eq!(parsed("team="), "team|");
        assert_eq!(parsed("team") + &parsed("=x"), "");
    }
}
