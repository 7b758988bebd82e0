//! The command line: one file a subcommand.

#![expect(clippy::doc_markdown, reason = "doc comments of arguments are shown as help, where backticks mean nothing")]

mod attack;
mod audit;
mod clients;
mod demo;
mod doctor;
mod exposure;
mod failure;
mod init;
mod output;
mod policy;
mod run;
mod secret;
mod serve;
mod shell;
mod stage;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::{Hardened, LogFormat, Setup, Starts};
use crate::config::Environment;
use failure::Failure;
use output::Output;

/// The warden between AI agents and a person's secrets.
#[derive(Debug, Parser)]
#[command(name = "opward", version, about, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// The configuration file, instead of OPWARD_CONFIG or the one in your configuration folder
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log to stderr: error, warn, info, debug or directives such as `opward=debug`; `json` among
    /// them makes each line a JSON object
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a configuration, a starter policy and a vault, and show how to plug it into a client
    Init(init::Args),
    /// Show the whole story on a throw-away vault, over the real protocol
    Demo(demo::Args),
    /// Serve MCP on the standard streams, or over HTTP
    Serve(serve::Args),
    /// Say what works, what's missing, and which promises hold on this machine
    Doctor(doctor::Args),
    /// Run a command of yours with values in its environment, and hide them in what it prints
    Run(run::Args),
    /// Look at secrets and change them, through the same door and policy as agents
    #[command(subcommand)]
    Secret(secret::Command),
    /// Check a policy, or explain what it decides
    #[command(subcommand)]
    Policy(policy::Command),
    /// Verify the audit log, or show it
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show which values reached whom, and what's to be rotated for it
    Exposure(exposure::Args),
    /// Make bearers for the server over HTTP
    #[command(subcommand)]
    Token(token::Command),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Reads the command line and does what it says.
#[must_use]
pub fn run(hardened: Hardened) -> ExitCode {
    // Not commands for people: opward starts itself like this, to watch over a program that it runs.
    if let Some(ended) = crate::app::as_a_helper(std::env::args_os()) {
        return ended;
    }
    // Nor is this: `doctor --attack` runs programs that try to get out, and ones that try to look in.
    if let Some(ended) = attack::as_a_probe(std::env::args_os()) {
        return ended;
    }
    let cli = Cli::parse();
    let environment = Environment::read();
    let output = Output::new(environment.no_color);
    // A server's log is all its owner sees of it; other commands say themselves what happened.
    let usual = if matches!(cli.command, Command::Serve(_)) { "warn" } else { "off" };
    let asked = cli.log.as_deref().or(environment.log.as_deref()).unwrap_or_default();
    let (format, levels) = LogFormat::split(asked);
    if let Err(error) = crate::app::log_to_stderr(Some(levels.as_deref().unwrap_or(usual)), format) {
        return Failure::invalid(error.to_string(), "correct --log or OPWARD_LOG").report(output);
    }
    crate::app::quiet_panics();
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else a command is, it starts what's configured")]
    let starts = match &cli.command {
        Command::Init(args) if args.asks_the_app() => Starts::TheApp,
        Command::Run(_) => Starts::AnyCommand,
        _ => Starts::WhatIsConfigured,
    };
    let setup = Setup::begin(cli.config, environment, hardened, starts);
    let done = match cli.command {
        Command::Init(args) => init::run(&args, &setup, output),
        Command::Demo(args) => demo::run(&args, &setup, output),
        Command::Serve(args) => serve::run(args, setup, output),
        Command::Doctor(args) => doctor::run(&args, &setup, output),
        Command::Run(args) => run::run(args, &setup, output),
        Command::Secret(command) => secret::run(command, &setup, output),
        Command::Policy(command) => policy::run(&command, &setup, output),
        Command::Audit(command) => audit::run(&command, &setup, output),
        Command::Exposure(args) => exposure::run(&args, &setup, output),
        Command::Token(command) => token::run(command, output),
        Command::Completions(args) => Ok(shell::completions(&args, output)),
        Command::Man => shell::man(output),
    };
    done.unwrap_or_else(|failure: Failure| failure.report(output))
}

/// Runs one command's asynchronous part on this thread.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    block_on_with(tokio::runtime::Builder::new_current_thread(), work)
}

/// Runs a server for many clients, whose tasks may run on any core.
fn block_on_all_cores<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    block_on_with(tokio::runtime::Builder::new_multi_thread(), work)
}

fn block_on_with<T>(mut runtime: tokio::runtime::Builder, work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(crate::model::ErrorCode::Internal, format!("the runtime can't be started: {}", error.kind()), "")
    })?;
    let done = runtime.block_on(async {
        crate::app::outlive_full_files();
        work.await
    });
    // A read of standard input that no one waits for any more mustn't hold up the end.
    runtime.shutdown_background();
    Ok(done)
}
