//! Files that others changed, and a log that can't be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::json;

use super::super::failure::Failure;
use super::agent::{Agent, Answer};
use super::finding::{Attacker, Finding};
use super::world::{READABLE, World};

/// How long a running server may take to look at its policy again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Permits everything to everybody.
const ALL: &str =
    "version = 1\n[[rule]]\nid = \"all\"\nprincipals = [\"*\"]\nactions = [\"list\", \"read\"]\npaths = [\"**\"]\n";

/// Makes every attempt of this kind. It has a home of its own to spoil.
pub(super) async fn attack(world: &World) -> Result<Vec<Finding>, Failure> {
    let (policies, repository, running) = tokio::join!(policies(world), repository(world), running(world));
    let mut findings = vec![modes(world), policies?, repository?];
    findings.extend(running?);
    Ok(findings)
}

/// What the files may be seen as by others.
fn modes(world: &World) -> Finding {
    let names = ["", "vault.kdbx", "vault.keyx", "audit.jsonl"];
    let mode = |name: &str| fs::metadata(world.home.path(name)).ok().map(|found| found.permissions().mode() & 0o777);
    let found: Vec<(&str, Option<u32>)> = names.iter().map(|name| (*name, mode(name))).collect();
    let promise = "vault, key file, log and their folders are made private (0600, 0700)";
    Finding::judged(Attacker::Files, promise, names.len(), not_private(&found))
}

fn not_private(found: &[(&str, Option<u32>)]) -> Vec<String> {
    let wrong = found.iter().filter(|(_, mode)| mode.is_none_or(|mode| mode & 0o077 != 0));
    wrong.map(|(name, mode)| format!("{name:?} is {:03o}", mode.unwrap_or_default())).collect()
}

/// Policies that would permit everything, if they were believed.
async fn policies(world: &World) -> Result<Finding, Failure> {
    let make = |name: &str| -> std::io::Result<PathBuf> {
        let folder = world.home.path(name);
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        let policy = folder.join("policy.toml");
        let set = |file: &Path, mode| fs::set_permissions(file, Permissions::from_mode(mode));
        match name {
            "linked" => {
                fs::write(folder.join("real.toml"), ALL)?;
                set(&folder.join("real.toml"), 0o666)?;
                symlink(folder.join("real.toml"), &policy)?;
            }
            "mistaken" => fs::write(&policy, format!("{ALL}principels = 1\n"))?,
            "absent" => {}
            _ => {
                fs::write(&policy, ALL)?;
                set(
                    &policy,
                    if name == "group" {
                        0o660
                    } else if name == "others" {
                        0o606
                    } else {
                        0o600
                    },
                )?;
                set(&folder, if name == "folder" { 0o777 } else { 0o700 })?;
            }
        }
        Ok(policy)
    };
    let names = ["good", "linked", "group", "others", "folder", "mistaken", "absent"];
    let mut starts = Vec::new();
    for name in names {
        let policy = make(name).map_err(|error| Failure::invalid(format!("no policy can be put: {error}"), ""))?;
        starts.push(judged_by(world, name, policy));
    }
    let mut by = Vec::new();
    for (name, answer) in names.iter().zip(futures_util::future::join_all(starts).await) {
        by.extend(believed(name, &answer?));
    }
    let promise =
        "a policy others can change isn't read, nor one through a link to such; without a policy everything is denied";
    Ok(Finding::judged(Attacker::Files, promise, names.len(), by))
}

/// What a server with this policy answers to one who asks for a value.
async fn judged_by(world: &World, name: &str, policy: PathBuf) -> Result<Answer, Failure> {
    let config = configuration(world, name, &policy)?;
    let agent = world.agent_with(vec![("OPWARD_CONFIG", config.into())], world.home.folder()).await?;
    let answer = permitted(&agent).await;
    world.part(agent).await?;
    answer
}

/// A configuration of its own for the same vault.
fn configuration(world: &World, name: &str, policy: &Path) -> Result<PathBuf, Failure> {
    let (vault, key) = (world.home.path("vault.kdbx"), world.home.path("vault.keyx"));
    let log = world.home.path(&format!("{name}.jsonl"));
    let text = format!(
        "version = 1\npolicy = {}\n[audit]\nfile = {}\n[[source]]\nname = \"home\"\nkind = \"local\"\nfile = {}\nkey_file = {}\n",
        json!(policy),
        json!(log),
        json!(vault),
        json!(key),
    );
    let file = format!("{name}.toml");
    world.home.write(&file, &text)?;
    Ok(world.home.path(&file))
}

/// The good one has to be believed, or the others prove nothing.
fn believed(name: &str, answer: &Answer) -> Option<String> {
    let as_promised = if name == "good" { !answer.refused } else { answer.refused && answer.code() == "denied" };
    (!as_promised).then(|| format!("{name}: {}", if answer.refused { answer.code() } else { "given" }))
}

/// A working directory with a configuration in it, and nothing anywhere else.
async fn repository(world: &World) -> Result<Finding, Failure> {
    let (hostile, empty) = (world.home.path("repository"), world.home.path("empty"));
    let make = || -> std::io::Result<()> {
        fs::create_dir(&hostile)?;
        fs::create_dir(&empty)?;
        fs::write(hostile.join("policy.toml"), ALL)?;
        let home = world.home.folder().display();
        fs::write(hostile.join(".env"), format!("OPWARD_HOME={home}\nOPWARD_CONFIG={home}/opward.toml\n"))
    };
    make().map_err(|error| Failure::invalid(format!("no folder can be made: {error}"), ""))?;
    let config = configuration(world, "hostile", &hostile.join("policy.toml"))?;
    fs::copy(config, hostile.join("opward.toml")).map_err(|error| Failure::invalid(error.to_string(), ""))?;
    let agent = world.agent_with(vec![("OPWARD_HOME", empty.into())], &hostile).await?;
    let answer = permitted(&agent).await?;
    world.part(agent).await?;
    let by = (!answer.refused).then(|| "a value was given".to_owned());
    let promise = "no configuration is read from the working directory";
    Ok(Finding::judged(Attacker::Files, promise, 1, by.into_iter().collect()))
}

/// What becomes of a running server.
async fn running(world: &World) -> Result<Vec<Finding>, Failure> {
    let unusable = |error: std::io::Error| Failure::invalid(format!("the server can't be reached: {error}"), "");
    let policy = world.home.path("running-policy.toml");
    world.home.write("running-policy.toml", &world.policy())?;
    let config = configuration(world, "running", &policy)?;
    let agent = world.agent_with(vec![("OPWARD_CONFIG", config.into())], world.home.folder()).await?;
    let number = agent.process().and_then(|number| i32::try_from(number).ok()).and_then(Pid::from_raw);
    let number = number.ok_or_else(|| Failure::invalid("the server has no number", ""))?;

    let mut by = Vec::new();
    for (spoiled, refused) in [("version = 1\n[[rule]]\nid = \"cut sho", 1), (ALL, 2)] {
        let next = world.home.path("next");
        fs::write(&next, spoiled).map_err(unusable)?;
        // The second is whole, and others can write it.
        fs::set_permissions(&next, Permissions::from_mode(if refused == 2 { 0o666 } else { 0o600 }))
            .map_err(unusable)?;
        fs::rename(&next, &policy).map_err(unusable)?;
        kill_process(number, Signal::HUP).map_err(|error| unusable(error.into()))?;
        by.extend(until_refused(&world.home.path("running.jsonl"), refused).await);
        by.extend(kept(&permitted(&agent).await?, &forbidden(&agent).await?));
    }
    let kept = Finding::judged(Attacker::Files, "a bad policy never replaces a good one", 2, by);

    // As on a full disk: from here on, no file may grow.
    let full = Rlimit { current: Some(0), maximum: None };
    prlimit(Some(number), Resource::Fsize, full).map_err(|error| unusable(error.into()))?;
    let answers = [
        permitted(&agent).await?,
        agent.tries("run_command", json!({ "name": "forms" })).await?,
        agent.tries("http_request", json!({ "name": "api", "method": "GET", "path": "/v1/unlogged" })).await?,
        agent.tries("put_secret", json!({ "path": "Open/New/password", "value": "unlogged" })).await?,
    ];
    let log = Finding::judged(
        Attacker::Files,
        "if the log can't be written, nothing is opened",
        answers.len(),
        answers.iter().filter_map(opened).collect(),
    );

    let _ = kill_process(number, Signal::ABORT);
    let dumped = agent.crashed().await?;
    let by = dumped.then(|| "a crashed server left its memory in a file".to_owned()).into_iter().collect();
    Ok(vec![kept, log, Finding::judged(Attacker::Files, "a crash writes no core dump", 1, by)])
}

async fn permitted(agent: &Agent) -> Result<Answer, Failure> {
    agent.tries("get_secret", json!({ "path": READABLE })).await
}

async fn forbidden(agent: &Agent) -> Result<Answer, Failure> {
    agent.tries("get_secret", json!({ "path": "Closed/Database/password" })).await
}

/// Waits until so many policies were refused, as the log has it.
async fn until_refused(log: &Path, times: usize) -> Option<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        let refused = text.lines().filter(|line| line.contains("\"kind\":\"policy\"") && line.contains("rejected"));
        if refused.count() >= times {
            return None;
        }
        if Instant::now() > until {
            return Some("a bad policy wasn't refused, as far as the log says".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What was decided before is decided still.
fn kept(permitted: &Answer, forbidden: &Answer) -> Option<String> {
    if !forbidden.refused {
        return Some("what the good policy forbids was given".to_owned());
    }
    permitted.refused.then(|| format!("what the good policy permits isn't given: {}", permitted.code()))
}

fn opened(answer: &Answer) -> Option<String> {
    let shut = answer.refused && answer.code() == "audit_unavailable";
    (!shut).then(|| format!("answered with {:?}", if answer.refused { answer.code() } else { "a result" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Answer {
        let value = json!({ "error": { "code": code } });
        Answer { text: value.to_string(), value, refused: true }
    }

    fn given() -> Answer {
        Answer { value: json!({ "value": "x" }), text: String::new(), refused: false }
    }

    #[test]
    fn a_policy_that_others_wrote_breaks_the_promise_if_it_is_believed() {
        assert_eq!(believed("good", &given()), None);
        assert_eq!(believed("linked", &refused("denied")), None);
        assert!(believed("linked", &given()).is_some());
        assert!(believed("good", &refused("denied")).is_some(), "then the others prove nothing");
        assert!(believed("group", &refused("internal")).is_some());
    }

    #[test]
    fn a_value_without_a_record_breaks_the_promise() {
        assert_eq!(opened(&refused("audit_unavailable")), None);
        assert!(opened(&given()).is_some() && opened(&refused("denied")).is_some());
    }

    #[test]
    fn a_policy_that_was_replaced_by_a_bad_one_breaks_the_promise() {
        assert_eq!(kept(&given(), &refused("denied")), None);
        assert!(kept(&given(), &given()).is_some());
        assert!(kept(&refused("denied"), &refused("denied")).is_some());
    }

    #[test]
    fn a_file_for_others_or_one_that_is_not_there_breaks_the_promise() {
        assert!(not_private(&[("", Some(0o700)), ("x", Some(0o600))]).is_empty());
        assert_eq!(not_private(&[("", Some(0o755)), ("x", Some(0o640)), ("y", None)]).len(), 3);
    }
}
