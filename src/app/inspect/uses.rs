//! What's to be used without being shown: whether its programs can be run here, and what confines them.

use super::Check;
use crate::broker::OwnFiles;
use crate::policy::{Class, Command, Policy, SandboxWish};
use crate::runner;

/// Looks at each command of the policy; and at the sandbox, if there's a command that would run in it.
pub(super) fn uses(policy: &Policy, own_files: &OwnFiles) -> Vec<Check> {
    let commands: Vec<&Command> = policy.commands().map(AsRef::as_ref).collect();
    let mut checks: Vec<Check> = commands.iter().filter_map(|command| wrong_with(command, own_files)).collect();
    if !commands.is_empty() && checks.is_empty() {
        checks.push(Check::good("commands", format!("{} command(s) can be run here", commands.len())));
    }
    let confined: Vec<&&Command> = commands.iter().filter(|command| command.sandbox != SandboxWish::Off).collect();
    if !confined.is_empty() {
        let required = confined.iter().any(|command| command.sandbox == SandboxWish::Require);
        let closed = cfg!(target_os = "linux") && confined.iter().any(|command| !command.network);
        checks.extend(runner::layers().into_iter().map(|layer| {
            let broken = |why: String, effect| Check::broken("sandbox", format!("{}: {why}", layer.name), effect);
            match layer.held {
                Ok(by) => Check::good("sandbox", format!("{}: {by}", layer.promise)),
                Err(why) if required => broken(why, "commands that require the sandbox aren't run"),
                Err(why) if closed && layer.name == "no_network" => {
                    broken(why, "commands without `network` aren't run")
                }
                Err(why) => Check::weak("sandbox", format!("not promised here: {}", layer.promise), why),
            }
        }));
    }
    checks
}

fn wrong_with(command: &Command, own_files: &OwnFiles) -> Option<Check> {
    let broken = |why: String| Some(Check::broken("commands", format!("`{}` isn't run: {why}", command.name), ""));
    if let Some(folder) = own_files.reached_by(command) {
        return broken(format!("{} holds files of opward itself, which no command may reach", folder.display()));
    }
    if matches!(command.exe.try_exists(), Ok(false)) {
        let finding = format!("`{}` can't be run: there's no {}", command.name, command.exe.display());
        return Some(Check::weak("commands", finding, "install the program, or name the one that's there"));
    }
    let confined = command.sandbox != SandboxWish::Off;
    let others = command.read.iter().chain(&command.write).filter(|_| confined).map(AsRef::as_ref);
    if let Err(error) = runner::look_at_places(command.cwd.as_deref(), others) {
        return broken(error.to_string());
    }
    let looked = runner::look_at(&command.exe, command.sha256.as_ref(), command.class == Class::TrustedCode);
    match looked.map(|name| command.refuses(&name)) {
        Err(error) => broken(error.to_string()),
        Ok(Some(why)) => broken(format!("{} leads to another program: {why}", command.exe.display())),
        Ok(None) => None,
    }
}
