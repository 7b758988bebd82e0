//! However a process ends, it ends in time, and nothing is left of it.

use std::sync::Arc;

use super::super::process::Stopped;
use super::*;
use crate::custody::source::onepassword::backend::Backend as _;

/// More time than any test takes; it passes by the clock being put forward.
const AN_HOUR: Duration = Duration::from_hours(1);

/// What a script does so that it's known to have come so far, and to be told from the dead.
const SAYS_SO: &str = "exec 3>\"$here/alive\"; echo $$ >&3";

/// One that does something when it's asked for vaults or items.
fn doing(script: &str) -> Fake {
    Fake::new(&format!("case \"$1\" in vault|item) {} ;; esac", script.replace("SAYS_SO", SAYS_SO)))
}

#[tokio::test]
async fn a_process_that_hangs_is_ended_with_all_it_started() {
    for script in [
        "SAYS_SO; sleep 600",
        "trap '' TERM; SAYS_SO; sleep 600; sleep 600",
        "trap '' TERM; SAYS_SO; (sleep 600; sleep 600) & sleep 600; sleep 600",
        "trap '' TERM; SAYS_SO; (sleep 600) & wait; sleep 600",
        "exec >&- 2>&-; SAYS_SO; sleep 600",
        "SAYS_SO; while :; do printf '[ '; done",
        "SAYS_SO; kill -STOP $$",
    ] {
        let fake = doing(script);
        let client = fake.client_within(AN_HOUR);
        client.version().await.unwrap();
        let (failure, alive) = tokio::join!(client.vaults(), an_hour_after(fake.alive()));
        assert!(matches!(failure, Err(Failure::Unclear { .. })), "{script}: {failure:?}");
        assert!(buried(alive.leader), "{script}");
        alive.gone().await;
    }
}

#[tokio::test]
async fn a_process_is_told_before_it_is_killed() {
    let fake = doing("trap 'echo told >\"$here/told\"; exit' TERM; SAYS_SO; sleep 600 & wait");
    let client = fake.client_within(AN_HOUR);
    client.version().await.unwrap();
    let (failure, alive) = tokio::join!(client.vaults(), an_hour_after(fake.alive()));
    assert!(matches!(failure, Err(Failure::Unclear { .. })), "{failure:?}");
    assert_eq!(fake.read("told"), "told\n");
    alive.gone().await;
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_ended() {
    let fake = doing("trap '' TERM; SAYS_SO; (sleep 600) & sleep 600; sleep 600");
    let client = fake.client();
    let alive = fake.alive();
    let alive = tokio::select! {
        alive = alive => alive,
        answer = client.vaults() => panic!("it was to hang: {answer:?}"),
    };
    fake.settled().await;
    assert!(buried(alive.leader));
    alive.gone().await;
}

#[test]
fn the_end_of_the_runtime_is_the_end_of_its_processes() {
    let fake = doing("trap '' TERM; SAYS_SO; (sleep 600) & sleep 600; sleep 600");
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ending = runtime();
    let client = Arc::new(fake.client());
    let asking = Arc::clone(&client);
    ending.spawn(async move { asking.vaults().await.map(drop) });
    let alive = ending.block_on(fake.alive());
    drop(ending);
    runtime().block_on(alive.gone());
}

#[tokio::test]
async fn what_a_process_leaves_behind_holds_nobody_up() {
    // The answer is whole when its first process ends, though another has the pipe as well.
    let fake = doing("SAYS_SO; (trap '' TERM; sleep 600) & echo '[]'; exit");
    let (client, alive) = (fake.client(), fake.alive());
    let (vaults, alive) = tokio::join!(timely(client.vaults()), alive);
    assert_eq!(vaults, Ok(Vec::new()));
    assert!(buried(alive.leader));
    alive.gone().await;
}

#[tokio::test]
async fn a_process_of_its_own_group_works_nowhere_near_ours() {
    let fake = doing("SAYS_SO; pwd >\"$here/where\"; read go <\"$here/gate\"; echo '[]'; exit");
    let client = fake.client();
    let gate = fake.file("gate");
    let look = async {
        let alive = fake.alive().await;
        let group = rustix::process::getpgid(Some(alive.leader)).unwrap();
        std::thread::spawn(move || fs::write(gate, "go\n").unwrap());
        (group, alive)
    };
    let (vaults, (group, alive)) = tokio::join!(timely(client.vaults()), look);
    assert_eq!(vaults, Ok(Vec::new()));
    assert_eq!(group, alive.leader);
    assert_eq!(fake.read("where"), "/\n");
    alive.gone().await;
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let fake = doing("SAYS_SO; yes");
    let client = fake.client();
    let (failure, alive) = tokio::join!(timely(client.vaults()), fake.alive());
    let Err(Failure::Unclear { detail, .. }) = failure else { panic!("{failure:?}") };
    assert!(detail.contains("16 MiB"), "{detail}");
    assert!(buried(alive.leader));
    alive.gone().await;
}

#[tokio::test]
async fn complaints_without_end_keep_no_answer_away() {
    let fake = Fake::new("case \"$1\" in vault) yes | head -c 5000000 >&2; echo '[]'; exit ;; esac");
    assert_eq!(timely(fake.client().vaults()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_process_that_does_not_read_is_not_waited_for() {
    let fake = Fake::new(&format!("case \"$1\" in item) echo '{}'; exit ;; esac", item_json(ITEM, VAULT)));
    let large = document(&format!(r#"{{"id": "{ITEM}", "notes": "{}"}}"#, "x".repeat(1 << 20)));
    assert_eq!(timely(fake.client().replace(&key(), &large)).await, Ok(()));
}

#[tokio::test]
async fn so_many_run_at_a_time_and_no_more() {
    let script = format!(
        "echo + >>\"$here/log\"; SAYS_SO; exec 3>&-; read go <\"$here/gate\"; echo - >>\"$here/log\"; echo '{}'; exit",
        item_json(ITEM, VAULT)
    );
    // The pipe `alive` is opened by each, so it has to have a reader all along.
    let fake = doing(&script);
    let both_ways = |name| fs::OpenOptions::new().read(true).write(true).open(fake.file(name)).unwrap();
    let (mut begun, mut gate) = (BufReader::new(both_ways("alive")), both_ways("gate"));
    let client = fake.client();
    let reads = async {
        let key = key();
        let mut requests = Vec::new();
        for _ in 0..20 {
            requests.push(client.begin(Invocation::item(&key).unwrap()).await.unwrap());
        }
        for request in requests {
            assert!(matches!(request.reply().await, Ok(Reply::Answer(_))));
        }
    };
    let (said, heard) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        for _ in 0..MOST_PROCESSES {
            begun.read_line(&mut line).unwrap();
        }
        // Each takes one of these, byte by byte.
        gate.write_all(&[b'\n'; 20]).unwrap();
        drop(said.send((begun, gate)));
    });
    let ((), held) = timely(async { tokio::join!(reads, heard) }).await;
    drop(held);
    let log = fake.read("log");
    let running = log.lines().scan(0_usize, |running, line| {
        *running = if line == "+" { *running + 1 } else { *running - 1 };
        Some(*running)
    });
    assert_eq!(log.lines().count(), 40);
    assert_eq!(running.max(), Some(MOST_PROCESSES));
}

#[tokio::test]
async fn a_process_waits_for_its_turn_for_a_limited_time() {
    let fake = Fake::new("");
    let processes = Processes::new(1, fake.tasks.clone());
    let call = |script: String, limit| Call {
        program: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), script],
        environment: Vec::new(),
        input: None,
        limit,
    };
    let here = fake.folder.path().display();
    let first = processes.start(call(format!("exec 3>'{here}/alive'; echo $$ >&3; sleep 600"), AN_HOUR));
    let alive = fake.alive().await;
    let second = processes.start(call(format!("echo begun >'{here}/second'"), Duration::from_millis(1)));
    assert_eq!(timely(second).await.err(), Some(Stopped::NoTurn));
    drop(first);
    fake.settled().await;
    assert_eq!(fake.read("second"), "");
    alive.gone().await;
}

/// Puts the clock forward once a process runs.
async fn an_hour_after(alive: impl Future<Output = Alive>) -> Alive {
    let alive = alive.await;
    tokio::time::pause();
    tokio::time::advance(AN_HOUR).await;
    tokio::time::resume();
    alive
}
