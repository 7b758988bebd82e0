//! `opward secret …`: secrets, for people, through the same tools and the same door as for agents.

mod import;

use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::{App, Setup, Tool};
use crate::model::ErrorCode;

/// The verbs.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List what you may know of
    List(ListArgs),
    /// Show everything about an item but its values
    Describe(PathArgs),
    /// Print a value, if a rule allows
    Get(GetArgs),
    /// Store a value from a prompt or from stdin
    Put(PutArgs),
    /// Replace a value with a new one
    Rotate(RotateArgs),
    /// Move an item to the archive
    Delete(DeleteArgs),
    /// Store the variables of a .env file as fields of one item, or its references as a bundle
    Import(import::Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only paths that begin so, such as `Staging/`
    prefix: Option<String>,
    /// Only items that carry this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only this category
    #[arg(long)]
    category: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct PathArgs {
    /// Vault/Item
    path: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct GetArgs {
    /// Vault/Item/field or an op:// reference
    path: String,
    /// Why you need it; recorded
    #[arg(long)]
    reason: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct PutArgs {
    /// Vault/Item or Vault/Item/field
    path: String,
    /// api_key, password, note, ssh_key, … or one of 1Password's categories
    #[arg(long)]
    category: Option<String>,
    /// A tag; may be given several times
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// When it runs out, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Only if it's still at this version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RotateArgs {
    /// Vault/Item/field
    path: String,
    /// Characters of the new value, 16 to 256
    #[arg(long, conflicts_with_all = ["words", "stdin"])]
    length: Option<u16>,
    /// Use symbols, too
    #[arg(long, conflicts_with_all = ["words", "stdin"])]
    symbols: bool,
    /// Make it of this many words instead
    #[arg(long, conflicts_with = "stdin")]
    words: Option<u16>,
    /// Take the new value from a prompt or from stdin
    #[arg(long)]
    stdin: bool,
    /// Only if it's still at this version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    /// Vault/Item
    path: String,
    /// Only if it's still at this version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    if let Command::Import(args) = &command
        && let Some(name) = args.as_bundle()
    {
        return import::bundle(args, name, setup, output);
    }
    super::block_on(async {
        let app = App::for_person(setup).await?;
        let done = act(command, &app, output).await;
        app.close().await;
        done
    })?
}

async fn act(command: Command, app: &App, output: Output) -> Result<ExitCode, Failure> {
    match command {
        Command::List(args) => list(args, app, output).await?,
        Command::Describe(args) => describe(args, app, output).await?,
        Command::Get(args) => get(args, app, output).await?,
        Command::Put(args) => put(args, app, output).await?,
        Command::Rotate(args) => rotate(args, app, output).await?,
        Command::Delete(args) => delete(args, app, output).await?,
        Command::Import(args) => return import::run(args, app, output).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Arguments of a tool, without those that aren't given.
fn arguments<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
}

async fn list(args: ListArgs, app: &App, output: Output) -> Result<(), Failure> {
    let mut secrets = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = arguments([
            ("prefix", json!(args.prefix)),
            ("tag", json!(args.tag)),
            ("category", json!(args.category)),
            ("limit", json!(500)),
            ("cursor", cursor),
        ]);
        let mut answer = app.call(Tool::ListSecrets, page).await?;
        if let Some(Value::Array(found)) = answer.get_mut("secrets").map(Value::take) {
            secrets.extend(found);
        }
        cursor = answer.get_mut("next_cursor").map(Value::take).unwrap_or_default();
        if cursor.is_null() {
            break;
        }
    }
    if args.json {
        output.line(json!({ "secrets": secrets }));
    } else if secrets.is_empty() {
        output.note("nothing that you may list; `opward secret put Vault/Item` stores a first secret");
    } else {
        let rows: Vec<_> =
            secrets.iter().map(|s| vec![text(s, "path"), text(s, "category"), words(s, "actions")]).collect();
        output.table(&rows);
    }
    Ok(())
}

async fn describe(args: PathArgs, app: &App, output: Output) -> Result<(), Failure> {
    let item = app.call(Tool::DescribeSecret, arguments([("path", json!(args.path))])).await?;
    if args.json {
        output.line(item);
        return Ok(());
    }
    output.line(output.paint(Style::Strong, text(&item, "path")));
    let mut rows = Vec::new();
    for key in ["reference", "category", "version", "created_at", "updated_at", "expires_at"] {
        if item.get(key).is_some() {
            rows.push(vec![format!("  {key}"), text(&item, key)]);
        }
    }
    rows.push(vec!["  tags".into(), words(&item, "tags")]);
    for field in item.get("fields").and_then(Value::as_array).into_iter().flatten() {
        let name = match field.get("section").and_then(Value::as_str) {
            Some(section) => format!("{section}/{}", text(field, "name")),
            None => text(field, "name"),
        };
        rows.push(vec!["  field".into(), format!("{name} ({}): {}", text(field, "type"), words(field, "actions"))]);
    }
    if let Some(left) = item.get("requests_left").and_then(Value::as_object) {
        let left: Vec<String> = left.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        rows.push(vec!["  requests left".into(), left.join(", ")]);
    }
    output.table(&rows);
    Ok(())
}

async fn get(args: GetArgs, app: &App, output: Output) -> Result<(), Failure> {
    let asked = arguments([("path", json!(args.path)), ("reason", json!(args.reason))]);
    let answer = app.call(Tool::GetSecret, asked).await?;
    if args.json {
        output.line(answer);
        return Ok(());
    }
    if let Some(age) = answer.get("stale").and_then(Value::as_u64) {
        output.note(format!(
            "{} the source is down; this value is {age} s old",
            output.paint_note(Style::Warn, "warning:")
        ));
    }
    output.bytes(answer.get("value").and_then(Value::as_str).unwrap_or_default().as_bytes());
    Ok(())
}

async fn put(args: PutArgs, app: &App, output: Output) -> Result<(), Failure> {
    let value = typed_or_piped(&args.path)?;
    let tags = if args.tags.is_empty() { Value::Null } else { json!(args.tags) };
    let asked = arguments([
        ("path", json!(args.path)),
        ("value", Value::String(value.as_str().to_owned())),
        ("category", json!(args.category)),
        ("tags", tags),
        ("expires_at", json!(args.expires_at)),
        ("if_version", json!(args.if_version)),
    ]);
    let answer = app.call(Tool::PutSecret, asked).await?;
    let verb = if answer.get("created") == Some(&Value::Bool(true)) { "made" } else { "changed" };
    changed(&answer, verb, args.json, output);
    Ok(())
}

async fn rotate(args: RotateArgs, app: &App, output: Output) -> Result<(), Failure> {
    let value = if args.stdin { Value::String(typed_or_piped(&args.path)?.as_str().to_owned()) } else { Value::Null };
    let recipe = arguments([
        ("length", json!(args.length)),
        ("symbols", if args.symbols { Value::Bool(true) } else { Value::Null }),
        ("words", json!(args.words)),
    ]);
    let generate = if recipe.is_empty() { Value::Null } else { Value::Object(recipe) };
    let asked = arguments([
        ("path", json!(args.path)),
        ("value", value),
        ("generate", generate),
        ("if_version", json!(args.if_version)),
    ]);
    let answer = app.call(Tool::RotateAndStore, asked).await?;
    changed(&answer, "rotated", args.json, output);
    Ok(())
}

async fn delete(args: DeleteArgs, app: &App, output: Output) -> Result<(), Failure> {
    let asked = arguments([("path", json!(args.path)), ("if_version", json!(args.if_version))]);
    let answer = app.call(Tool::DeleteSecret, asked).await?;
    if args.json {
        output.line(answer);
    } else {
        let done = if answer.get("archived") == Some(&Value::Bool(false)) { "deleted for good:" } else { "archived" };
        output.line(format!("{} {done} {}", output.paint(Style::Good, "✓"), text(&answer, "path")));
    }
    Ok(())
}

fn changed(answer: &Value, verb: &str, json: bool, output: Output) {
    if json {
        output.line(answer);
    } else {
        let (path, version) = (text(answer, "path"), text(answer, "version"));
        output.line(format!("{} {verb} {path}, now at version {version}", output.paint(Style::Good, "✓")));
    }
}

/// A value typed without echo, or every byte of stdin.
fn typed_or_piped(path: &str) -> Result<Zeroizing<String>, Failure> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("value for {path}: ")).map(Zeroizing::new).map_err(|error| {
            Failure::invalid(format!("the prompt failed: {}", error.kind()), "pipe the value to stdin instead")
        });
    }
    // Room for the largest value and a little more, so that one too large is told apart from one cut off.
    let mut value = Zeroizing::new(String::with_capacity(128 * 1024));
    match io::stdin().lock().take(96 * 1024).read_to_string(&mut value) {
        // More likely the end of a command that failed than a secret.
        Ok(0) => Err(Failure::invalid("nothing came on stdin", "nothing was written; pipe the value to this command")),
        Ok(_) => Ok(value),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Failure::new(
            ErrorCode::Invalid,
            "the value on stdin isn't UTF-8 text",
            "encode it first, for example with base64",
        )),
        Err(error) => Err(Failure::invalid(format!("stdin can't be read: {}", error.kind()), "")),
    }
}

fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn words(value: &Value, key: &str) -> String {
    let words = value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}
