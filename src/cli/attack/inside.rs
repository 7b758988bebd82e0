//! What a program that opward runs can reach.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::agent::Agent;
use super::finding::{Attacker, Finding};
use super::probe::{Kind, Report, Tried};
use super::process;
use super::world::World;

/// What a command finds in its environment: no more, and no less.
const ENVIRONMENT: [&str; 6] = ["HOME", "LANG", "LC_ALL", "PATH", "SECRET", "TMPDIR"];

/// Its streams, and the one descriptor that it's given a value in.
const DESCRIPTORS: [u32; 4] = [0, 1, 2, 3];

/// How long a process that was left behind may be there.
const BURIAL: Duration = Duration::from_secs(2);

/// Ways out: the promise, and the layers without which it isn't made.
const WAYS: [(Kind, &str, &[&str]); 8] = [
    (
        Kind::Opward,
        "opward's and its supervisor's memory, environment and descriptors are out of a command's reach",
        &[],
    ),
    (Kind::Process, "a command reaches no process but its own", &["landlock"]),
    (Kind::Limits, "a command changes no limits of opward's and its supervisor's, nor their turn", &["seccomp"]),
    (Kind::Files, "a command reaches none of opward's files", &["landlock"]),
    (Kind::Writing, "a command writes only where it's let", &["landlock"]),
    (Kind::Network, "a command reaches no network unless the policy lets it", &["no_network"]),
    (Kind::Socket, "a command can't speak to the system's buses and agents", &["seccomp"]),
    (Kind::Signals, "a command's signals stay with it", &["landlock", "signals"]),
];

/// Makes every attempt of this kind.
pub(super) async fn attack(world: &World) -> Result<Vec<Finding>, Failure> {
    world.attempted(async |agent| attempts(world, agent).await).await
}

async fn attempts(world: &World, agent: &Agent) -> Result<Vec<Finding>, Failure> {
    let answer = agent.tries("run_command", json!({ "name": "inside" })).await?;
    let Ok(report) = serde_json::from_str::<Report>(answer.text_at("/stdout")) else {
        return Ok(vec![Finding::cannot_hold(
            Attacker::Program,
            "a command is confined",
            format!("this program can't be run as a command, so nothing was tried: {}", answer.code()),
            "set TMPDIR to a folder of yours where programs may be executed, and attack again",
        )]);
    };
    let log = fs::read_to_string(world.home.audit_file()).unwrap_or_default();
    let layers = Layers::of(&log, rustix::process::geteuid().is_root());
    let mut findings = judge(&report, &layers);
    findings.push(buried(&report, gone(&world.token).await));
    Ok(findings)
}

/// What confined a command, as its record says.
struct Layers {
    words: String,
    as_root: bool,
}

impl Layers {
    fn of(log: &str, as_root: bool) -> Self {
        let record = |line: &str| serde_json::from_str::<Value>(line).ok();
        let outcomes =
            log.lines().filter_map(record).filter(|record| record.get("delivery") == Some(&json!("command:inside")));
        let words = outcomes.filter_map(|record| record.get("sandbox")?.as_str().map(str::to_owned)).next_back();
        Self { words: words.unwrap_or_else(|| "none".to_owned()), as_root }
    }

    fn has(&self, layer: &str) -> bool {
        let mut words = self.words.split(' ');
        match layer {
            // From its sixth version on.
            "signals" => words.any(|word| {
                word.strip_prefix("landlock:")
                    .and_then(|version| version.parse().ok())
                    .is_some_and(|version: u32| version >= 6)
            }),
            layer => words.any(|word| word.split(':').next() == Some(layer)),
        }
    }
}

/// A way out that's open breaks its promise if the layer is there that should have closed it; otherwise it isn't one.
fn judge(report: &Report, layers: &Layers) -> Vec<Finding> {
    let mut findings = vec![given(report), gains(report, layers)];
    for (kind, promise, needed) in WAYS {
        let tried: Vec<&Tried> = report.tried.iter().filter(|tried| tried.kind == kind).collect();
        let open: Vec<String> = tried.iter().filter(|tried| tried.open).map(|tried| tried.what.clone()).collect();
        // Over other processes root has rights that only this takes away.
        let roots = (kind == Kind::Opward && layers.as_root).then_some("few_capabilities");
        let missing: Vec<&str> = needed.iter().copied().chain(roots).filter(|layer| !layers.has(layer)).collect();
        findings.push(if missing.is_empty() || (open.is_empty() && !tried.is_empty()) {
            Finding::judged(Attacker::Program, promise, tried.len(), open)
        } else {
            let why = format!(
                "this machine has no {} for commands ({}); open: {}",
                missing.join(", "),
                layers.words,
                open.join(", ")
            );
            Finding::cannot_hold(Attacker::Program, promise, why, "use a kernel that has it, and sandbox = \"require\"")
        });
    }
    findings
}

fn given(report: &Report) -> Finding {
    let mut by = Vec::new();
    if report.environment != ENVIRONMENT {
        by.push(format!("its variables are {:?}", report.environment));
    }
    if report.descriptors != DESCRIPTORS {
        by.push(format!("its descriptors are {:?}", report.descriptors));
    }
    if report.in_home != 0 {
        by.push(format!("its home has {} entries", report.in_home));
    }
    let promise = "a command gets a made environment, an empty home and its own descriptors, and nothing else";
    Finding::judged(Attacker::Program, promise, 3, by)
}

fn gains(report: &Report, layers: &Layers) -> Finding {
    let promise = "a command gains no rights by starting another program";
    let by = report.may_gain_rights.then(|| "no_new_privileges isn't set".to_owned());
    if by.is_some() && !layers.has("no_new_privileges") {
        return Finding::cannot_hold(Attacker::Program, promise, "this machine doesn't have it", "use Linux");
    }
    Finding::judged(Attacker::Program, promise, 1, by.into_iter().collect())
}

/// Waits until nothing of a run is left; says whether that was in time.
async fn gone(token: &str) -> bool {
    let until = Instant::now() + BURIAL;
    loop {
        if process::named(token, "linger").is_empty() {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn buried(report: &Report, gone: bool) -> Finding {
    let promise = "what a command leaves behind is ended, detached or not, within 2 s";
    let by = (!gone).then(|| "a detached process is still there".to_owned());
    Finding::judged(Attacker::Program, promise, usize::from(report.left_behind), by.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn report(open: &[Kind]) -> Report {
        let tried = WAYS.map(|(kind, _, _)| Tried { kind, what: format!("{kind:?}"), open: open.contains(&kind) });
        Report {
            environment: ENVIRONMENT.map(str::to_owned).to_vec(),
            descriptors: DESCRIPTORS.to_vec(),
            in_home: 0,
            left_behind: true,
            may_gain_rights: false,
            tried: tried.into(),
        }
    }

    fn layers(words: &str) -> Layers {
        Layers { words: words.to_owned(), as_root: true }
    }

    const ALL: &str = "landlock:6 few_capabilities seccomp no_new_privileges no_network";

    #[test]
    fn every_way_out_that_is_open_breaks_its_promise_where_its_layer_is() {
        assert!(judge(&report(&[]), &layers(ALL)).iter().all(|finding| finding.verdict == Verdict::Held));
        for (kind, promise, _) in WAYS {
            let findings = judge(&report(&[kind]), &layers(ALL));
            let broken: Vec<&str> = findings.iter().filter(|f| f.is_broken()).map(|f| f.promise).collect();
            assert_eq!(broken, [promise], "{kind:?}");
        }
    }

    #[test]
    fn without_its_layer_a_way_out_is_no_promise_but_opwards_own_memory_is() {
        let open = report(&WAYS.map(|(kind, _, _)| kind));
        let findings = judge(&open, &Layers { words: "none".to_owned(), as_root: false });
        let broken: Vec<&str> = findings.iter().filter(|f| f.is_broken()).map(|f| f.promise).collect();
        assert_eq!(broken, [WAYS[0].1]);
        let cannot = findings.iter().filter(|f| matches!(f.verdict, Verdict::CannotHold { .. })).count();
        assert_eq!(cannot, WAYS.len() - 1);
        let findings = judge(&report(&[Kind::Signals]), &layers("landlock:5 few_capabilities"));
        assert!(!findings.iter().any(Finding::is_broken), "signals stay inside from version 6 on");
    }

    #[test]
    fn more_than_it_should_get_breaks_the_promise() {
        let changes: [fn(&mut Report); 5] = [
            |report| report.environment.push("AWS_SECRET".to_owned()),
            |report| report.descriptors.push(7),
            |report| report.in_home = 1,
            |report| report.may_gain_rights = true,
            |report| report.tried.clear(),
        ];
        for change in changes {
            let mut report = report(&[]);
            change(&mut report);
            assert!(judge(&report, &layers(ALL)).iter().any(Finding::is_broken));
        }
        assert!(buried(&report(&[]), false).is_broken());
        assert!(!buried(&report(&[]), true).is_broken());
        let none = Report { left_behind: false, ..report(&[]) };
        assert!(buried(&none, true).is_broken(), "nothing was left behind, so nothing was tried");
    }

    #[test]
    fn the_layers_are_those_of_the_record() {
        let log = "{\"delivery\":\"command:inside\",\"sandbox\":\"seccomp landlock:7\"}\n{\"delivery\":\"command:x\",\"sandbox\":\"none\"}\n";
        let layers = Layers::of(log, false);
        assert!(layers.has("seccomp") && layers.has("signals") && !layers.has("no_network"));
        assert!(!Layers::of("", false).has("landlock"));
    }
}
