//! What goes wrong: the queue in `op-world.json`, and how each fault shows.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::argv::Invocation;
use crate::auth;
use crate::clock;
use crate::reply::{Refusal, Reply, error_line};
use crate::world::{World, text};

/// One fault: a word, or an object with one key.
#[derive(Debug, Clone)]
pub(crate) struct Fault(Value);

/// Those that happen to changes only: asked for on every command, they wait for the next change.
const OF_WRITES: [&str; 4] = ["commit_then_fail", "accepted_but_lost", "stale_reads", "conflict_once"];

/// What a helper process that outlives us sleeps.
const LINGERS_S: &str = "60";

impl Fault {
    /// Its name.
    fn name(&self) -> &str {
        match &self.0 {
            Value::Object(map) => map.keys().next().map_or("", String::as_str),
            word => word.as_str().unwrap_or_default(),
        }
    }

    fn number(&self) -> u64 {
        self.0.get(self.name()).and_then(Value::as_u64).unwrap_or_default()
    }

    fn size(&self) -> usize {
        usize::try_from(self.number()).unwrap_or_default()
    }

    /// Whether standard output is left open after half of the answer.
    pub(crate) fn stops_halfway(&self) -> bool {
        self.name() == "partial_then_hang"
    }

    /// How fast standard output is written, if not at once.
    pub(crate) fn bytes_per_second(&self) -> Option<u64> {
        (self.name() == "slow_bytes_per_s").then(|| self.number())
    }
}

/// Takes the fault that this call meets, if any: the first in the queue that's meant for its command.
pub(crate) fn take(home: &Path, invocation: &Invocation, world: &mut World) -> Option<Fault> {
    let meant = |fault: &Value| is_meant(fault, invocation);
    // Most calls meet none, and then nothing needs to be locked.
    world.list("faults").iter().find(|fault| meant(fault))?;
    let taken = World::change(home, |world| {
        let at = world.list("faults").iter().position(meant)?;
        let fault = world.list_mut("faults").get_mut(at)?;
        let what = Fault(fault["do"].clone());
        let left = if what.name() == "conflict_once" { Some(1) } else { fault["times"].as_u64() };
        match left {
            None => {}
            Some(0 | 1) => drop(world.list_mut("faults").remove(at)),
            Some(left) => fault["times"] = json!(left - 1),
        }
        Some(what)
    });
    taken.ok().flatten()
}

fn is_meant(fault: &Value, invocation: &Invocation) -> bool {
    let command = invocation.command();
    let on = match fault["on"].as_str() {
        // Nothing goes wrong with telling one's version, unless it's meant to.
        None => command != "--version",
        Some(on) => on == command,
    };
    let name = Fault(fault["do"].clone());
    on && fault["times"] != json!(0) && (!OF_WRITES.contains(&name.name()) || invocation.writes())
}

/// What happens before the command is done, and ends the call if it's that.
pub(crate) fn before(fault: Option<&Fault>, invocation: &Invocation, world: &World) -> Option<Reply> {
    if auth::waits_for_a_person(invocation, world) {
        hang();
    }
    let fault = fault?;
    let ends = |stdout: &str, stderr: String, exit: i32| {
        Some(Reply { stdout: stdout.into(), stderr, exit, ..Reply::default() })
    };
    match fault.name() {
        "delay_ms" => {
            clock::sleep_ms(fault.number());
            None
        }
        "hang" => hang(),
        "hang_ignoring_sigterm" => {
            // A shell can ignore signals, and what it turns into goes on ignoring them.
            let error = Command::new("/bin/sh").args(["-c", "trap '' TERM INT HUP; exec sleep 100000"]).exec();
            ends("", error_line(&error.to_string(), world.utc_offset()), crate::UNEXPECTED)
        }
        "exit" => {
            let exit =
                fault.0.get("exit").and_then(Value::as_i64).and_then(|exit| i32::try_from(exit).ok()).unwrap_or(1);
            ends(text(&fault.0, "stdout"), text(&fault.0, "stderr").to_owned(), exit)
        }
        "exit0_with_error" => {
            let line = error_line("(500) Internal Server Error: Something went wrong.", world.utc_offset());
            ends("", line, 0)
        }
        "conflict_once" => Some(named("409", world).into_reply(world)),
        name @ ("400" | "401" | "403" | "404" | "409" | "429" | "429_no_time" | "500" | "502_html" | "unreachable"
        | "bad_token" | "revoked") => Some(named(name, world).into_reply(world)),
        _ => None,
    }
}

/// An error by its name.
pub(crate) fn named(name: &str, world: &World) -> Refusal {
    // Seen for 400 and 404 only; what the others end with isn't known.
    let other_4xx = i32::try_from(world.number("exit_4xx", 1)).unwrap_or(1);
    // Before this version a server's error it didn't recognise wasn't a failure to it.
    let other = i32::from(world.version() >= (2, 32, 1));
    let minutes = world.part("limits").get("reset_s").and_then(Value::as_u64).unwrap_or(59 * 60).div_ceil(60);
    match name {
        "400" => Refusal::new("(400) Bad Request: The structure of request was invalid.").with_exit(4),
        "401" => Refusal::new("(401) Unauthorized: You aren't authorized to perform this action.").with_exit(other_4xx),
        "403" => Refusal::new("(403) Forbidden: You aren't authorized to access this resource.").with_exit(other_4xx),
        "404" => Refusal::new("(404) Not Found: The requested resource was not found.").with_exit(4),
        "409" => Refusal::new("(409) Conflict: Internal server conflict").with_exit(other_4xx),
        "429" => Refusal::new(format!(
            "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account \
             is allowed to make. Please retry in {minutes} minutes or try other requests."
        ))
        .with_exit(other_4xx),
        "429_no_time" => Refusal::new("Too many requests. Your client has been rate-limited. Try again in  seconds")
            .with_exit(other_4xx),
        "500" => Refusal::new("(500) Internal Server Error: Something went wrong.").with_exit(other),
        "502_html" => Refusal::new(
            "(502) Bad Gateway: <html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n\
             <center><h1>502 Bad Gateway</h1></center>\n</body>\n</html>",
        )
        .with_exit(other),
        "unreachable" => Refusal::new(
            "error initializing client: Network: (failed to request.DoUnencrypted), Post \
             \"https://my.1password.com/api/v3/auth/start\": dial tcp: lookup my.1password.com: no such host",
        ),
        "bad_token" => Refusal::new(
            "error initializing client: Validation: (failed to session.DecodeSACredentials), Server: (failed to \
             DecodeSACredentials), Unable to decode the service account token",
        ),
        "revoked" => Refusal::new(
            "error initializing client: Authentication: (failed to auth.LookupAuth), Network: (failed to \
             request.DoUnencrypted), Server: (403) (Forbidden (Service Account Deleted)), The Service Account used in \
             this integration has been deleted.",
        ),
        _ => Refusal::new(name),
    }
}

/// What happens to the world before the command is done.
pub(crate) fn prepare(fault: Option<&Fault>, invocation: &Invocation, world: &mut World) {
    if fault.is_some_and(|fault| fault.name() == "version_bump") && invocation.writes() {
        bump(invocation, world);
    }
}

/// What happens to the world after the command is done.
pub(crate) fn after_run(
    fault: Option<&Fault>,
    invocation: &Invocation,
    before: &World,
    world: &mut World,
    reply: &Reply,
) {
    let Some(fault) = fault else { return };
    match fault.name() {
        "version_bump" if !invocation.writes() => bump(invocation, world),
        "accepted_but_lost" if reply.succeeded() => {
            *world.part_mut("items") = before.part("items").clone();
        }
        "stale_reads" => {
            let find =
                |world: &World, id: &str| world.list("items").iter().find(|item| text(item, "id") == id).cloned();
            let ids: Vec<String> = world.list("items").iter().map(|item| text(item, "id").to_owned()).collect();
            for id in ids {
                let old = find(before, &id);
                if old != find(world, &id) {
                    let stale = json!({ "id": id, "left": fault.number(), "item": old });
                    world.list_mut("stale").push(stale);
                }
            }
        }
        _ => {}
    }
}

/// Somebody else changes the item that was asked for: its version, its time and its tags.
fn bump(invocation: &Invocation, world: &mut World) {
    let query = invocation.argument(0).to_owned();
    let named = |item: &&mut Value| {
        let spoken = query.strip_prefix("op://").and_then(|path| path.split('/').nth(1)).unwrap_or(&query);
        text(item, "id") == spoken || text(item, "title").eq_ignore_ascii_case(spoken)
    };
    if let Some(item) = world.list_mut("items").iter_mut().find(named) {
        item["version"] = json!(item["version"].as_u64().unwrap_or(1) + 1);
        item["updated_at"] = json!(clock::now());
        let mut tags = item["tags"].as_array().cloned().unwrap_or_default();
        tags.push(json!("changed-elsewhere"));
        item["tags"] = json!(tags);
    }
}

/// What happens to the answer.
pub(crate) fn distort(fault: Option<&Fault>, reply: Reply, world: &World) -> Reply {
    let Some(fault) = fault else { return reply };
    let half = |bytes: &[u8]| bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec();
    match fault.name() {
        "commit_then_fail" => {
            let line = error_line(
                "Network: (failed to request.Do), Put \"https://my.1password.com/api/v2/item\": read: context deadline \
                 exceeded (Client.Timeout exceeded while awaiting headers)",
                world.utc_offset(),
            );
            Reply { stdout: Vec::new(), stderr: line, exit: 1, ..Reply::default() }
        }
        "huge_stdout" => Reply { stdout: vec![b'x'; fault.size()], ..reply },
        "huge_stderr" => {
            let line = "[WARN] 2026/11/21 10:00:00 this is said again and again\n";
            let lines = line.repeat(fault.size() / line.len() + 1);
            Reply { stderr: lines, ..reply }
        }
        "invalid_utf8" => {
            let mut stdout = reply.stdout.clone();
            let _ = stdout.splice(stdout.len() / 2..stdout.len() / 2, [0xff, 0xfe]);
            Reply { stdout, ..reply }
        }
        "partial_then_exit1" => Reply {
            stdout: half(&reply.stdout),
            stderr: error_line("unexpected EOF", world.utc_offset()),
            exit: 1,
            ..Reply::default()
        },
        "truncated_json" | "partial_then_hang" => Reply { stdout: half(&reply.stdout), ..reply },
        "wrong_json" => Reply { stdout: b"{\n  \"unexpected\": [1, 2, 3]\n}\n".to_vec(), ..reply },
        "fork_child_that_keeps_stdout_open" => {
            // The standard streams are its own too; only what it's fed isn't.
            let _ = Command::new("sleep").arg(LINGERS_S).stdin(Stdio::null()).spawn();
            reply
        }
        _ => reply,
    }
}

/// Never ends by itself.
pub(crate) fn hang() -> ! {
    loop {
        clock::sleep_ms(60_000);
    }
}
