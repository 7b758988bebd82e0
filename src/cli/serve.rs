//! `opward serve`: the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::Cli;
use super::failure::Failure;
use super::output::Output;
use crate::app::{self, HttpOptions, Setup};
use crate::model::PrincipalName;

/// The name of a client that's given none.
const AGENT: &str = "agent";

/// The arguments of `opward serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The name by which policies know the client that starts this server [default: agent]; over HTTP, only with
    /// --no-auth
    #[arg(long, value_name = "NAME", value_parser = PrincipalName::parse)]
    principal: Option<PrincipalName>,
    /// Serve over HTTP at this address, such as 127.0.0.1:8787, to clients that show a bearer
    #[arg(long, value_name = "ADDR", value_parser = address)]
    http: Option<SocketAddr>,
    /// Ask for no bearer: every program on this machine is the principal; for trials, on loopback only
    #[arg(long, requires_all = ["http", "principal"])]
    no_auth: bool,
}

/// Reads `127.0.0.1:8787`, `[::1]:8787` or `localhost:8787`.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let here = |port: &str| port.parse().ok().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let address = text.strip_prefix("localhost:").map_or_else(|| text.parse().ok(), here);
    address.ok_or("an address and a port, such as 127.0.0.1:8787, [::1]:8787 or localhost:8787; names aren't looked up")
}

pub(super) fn run(args: Args, setup: Setup, output: Output) -> Result<ExitCode, Failure> {
    match (args.http, args.principal) {
        (Some(_), Some(_)) if !args.no_auth => Ok(misused(
            "--principal can't be used with --http: each client is who its bearer says (only --no-auth takes one name \
             for all)",
        )),
        (Some(address), no_auth) => {
            let ready = move |address: &str| output.line(format_args!("listening on {address}"));
            super::block_on_all_cores(app::serve_http(setup, HttpOptions { address, no_auth }, ready))??;
            Ok(ExitCode::SUCCESS)
        }
        (None, named) => {
            let principal = named.map_or_else(|| PrincipalName::parse(AGENT), Ok);
            let principal = principal.map_err(|error| Failure::invalid(error.to_string(), ""))?;
            super::block_on(app::serve_stdio(setup, principal))??;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Says what's wrong with the arguments, as their parser does.
fn misused(message: &str) -> ExitCode {
    let mut cli = Cli::command();
    cli.build();
    let error = match cli.find_subcommand_mut("serve") {
        Some(serve) => serve.error(ErrorKind::ArgumentConflict, message),
        None => cli.error(ErrorKind::ArgumentConflict, message),
    };
    // Whoever closed standard error has nobody left to tell.
    let _ = error.print();
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_number_or_this_machine() {
        let read = |text: &str| address(text).map(|address| address.to_string()).ok();
        assert_eq!(read("localhost:8787").as_deref(), Some("127.0.0.1:8787"));
        for text in ["127.0.0.1:0", "[::1]:8787", "0.0.0.0:443", "[::]:443"] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
        for text in ["", "8787", ":8787", "127.0.0.1", "localhost", "localhost:x", "vault.example.com:443", "::1:80"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
