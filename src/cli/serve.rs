//! `opward serve`: the server.

use std::process::ExitCode;

use super::failure::Failure;
use crate::app::{self, Setup};
use crate::model::PrincipalName;

/// The arguments of `opward serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The name by which policies know the client that starts this server
    #[arg(long, default_value = "agent", value_parser = PrincipalName::parse)]
    principal: PrincipalName,
}

pub(super) fn run(args: Args, setup: Setup) -> Result<ExitCode, Failure> {
    super::block_on(app::serve_stdio(setup, args.principal))??;
    Ok(ExitCode::SUCCESS)
}
