//! `opward secret import`: a `.env` file, or a template of one.

use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use crate::app::{App, BundleFile, EnvFile, Setup};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Style};

/// What's said of a file that can't be used.
const NOT_STORED: &str = "nothing was stored";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The .env file
    file: PathBuf,
    /// The item whose fields the variables become: Vault/Item
    #[arg(required_unless_present = "as_bundle", conflicts_with = "as_bundle")]
    to: Option<String>,
    /// The variables hold op:// references: add them to the configuration as a bundle of this name
    #[arg(long, value_name = "NAME")]
    as_bundle: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// The bundle's name, if it's to be one.
    pub(super) fn as_bundle(&self) -> Option<&str> {
        self.as_bundle.as_deref()
    }
}

/// References aren't values, so no vault is opened for them: it's the configuration that changes.
pub(super) fn bundle(args: &Args, name: &str, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let bundle = BundleFile::of(name, &EnvFile::read(&args.file, NOT_STORED)?)?;
    if args.dry_run {
        output.line(bundle.table().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let configuration = bundle.append(setup)?;
    output.line(format!("{} added to {}:\n", output.paint(Style::Good, "✓"), configuration.display()));
    output.line(bundle.table().trim_end());
    output.note("A server that's running has to be started again to know of it.");
    Ok(ExitCode::SUCCESS)
}

/// Stores each variable, through the same door as any other value.
pub(super) async fn run(args: Args, app: &App, output: Output) -> Result<ExitCode, Failure> {
    let file = EnvFile::read(&args.file, NOT_STORED)?;
    let to = args.to.unwrap_or_default();
    if args.dry_run {
        output.line(format!("{} variables would be stored in {to}:", file.keys().count()));
        file.keys().for_each(|key| output.line(format!("  {to}/{key}")));
        return Ok(ExitCode::SUCCESS);
    }
    let count = file.keys().count();
    let bar = progress(count);
    let mut failed = Vec::new();
    let mut last = None;
    for variable in file {
        let key = variable.key().to_owned();
        bar.set_message(key.clone());
        if let Err(error) = app.import(&to, variable).await {
            failed.push(key);
            last = Some(error);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mark = if failed.is_empty() { output.paint(Style::Good, "✓") } else { output.paint(Style::Bad, "✗") };
    output.line(format!("{mark} stored {} of {count} variables in {to}", count - failed.len()));
    match last {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => {
            output.note(format!("not stored: {}", failed.join(", ")));
            Err(error.into())
        }
    }
}

/// A bar on a terminal, and nothing where none can be seen.
fn progress(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    match ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
