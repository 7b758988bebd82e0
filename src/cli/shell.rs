//! `opward completions` and `opward man`: what a shell and a manual reader need.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;
use super::failure::Failure;
use super::output::Output;

/// The arguments of `opward completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs, output: Output) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "opward", &mut script);
    output.bytes(&script);
    ExitCode::SUCCESS
}

pub(super) fn man(output: Output) -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|error| Failure::invalid(format!("the manual page can't be written: {}", error.kind()), ""))?;
    output.bytes(&page);
    Ok(ExitCode::SUCCESS)
}
