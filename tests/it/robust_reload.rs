//! A changed policy takes force in a running server; a bad one doesn't.

use rustix::process::Signal;

use crate::support_robust::{ALL, Home, Server, code, wait_until};

const NOTHING: &str = "version = 1\n";

fn may_read(server: &mut Server) -> bool {
    code(&server.get("V/I/credential")) == "none"
}

fn events(home: &Home, kind: &str, code: &str) -> usize {
    home.records().iter().filter(|record| record["kind"] == kind && record["code"] == code).count()
}

#[test]
fn an_edited_policy_takes_force_without_a_restart() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    let mut server = home.serve();
    assert!(may_read(&mut server));
    home.write_policy(NOTHING);
    wait_until("the value is taken away", || !may_read(&mut server));
    home.write_policy(ALL);
    wait_until("the value is given back", || may_read(&mut server));
    // Both times the log says so, and each record names the policy that decided.
    wait_until("both are recorded", || events(&home, "policy", "loaded") == 2);
    let policies: Vec<_> =
        home.records().into_iter().filter(|record| record["kind"] == "policy").map(|r| r["policy"].clone()).collect();
    assert_eq!(policies.len(), 2, "{policies:?}");
    assert_ne!(policies[0], policies[1]);
    assert!(server.end().0.success());
    home.verify();
}

#[test]
fn a_bad_policy_keeps_the_one_in_force_and_is_recorded_and_shown() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    let mut server = home.serve();
    home.write_policy("version = 1\n[[rule]]\nid = \"x\"\nprincipels = [\"*\"]\n");
    wait_until("the refusal is recorded", || events(&home, "policy", "rejected") == 1);
    assert!(may_read(&mut server), "the policy before stays in force");
    let doctor = home.run(&["doctor"]);
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    assert!(said.contains("has mistakes") && said.contains("principals"), "{said}");
    assert!(said.contains("a running server keeps the policy it has"), "{said}");
    home.write_policy(NOTHING);
    wait_until("the good one takes force", || !may_read(&mut server));
    assert!(server.end().0.success());
    home.verify();
}

#[test]
fn with_no_good_policy_at_the_start_everything_is_denied_until_there_is_one() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    home.write_policy("version = 7\n");
    let mut server = home.serve();
    assert_eq!(code(&server.get("V/I/credential")), "denied");
    assert!(server.said().contains("everything is denied"));
    home.write_policy(ALL);
    wait_until("the good one takes force", || may_read(&mut server));
}

#[test]
fn a_hangup_reads_the_policy_at_once() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    let mut server = home.serve();
    assert!(may_read(&mut server));
    home.write_policy(NOTHING);
    let since = std::time::Instant::now();
    server.signal(Signal::HUP);
    wait_until("the value is taken away", || !may_read(&mut server));
    // A change that's only seen when the file is looked at takes at least a second and a bit to be believed.
    println!("taken over after {:?}", since.elapsed());
    assert!(since.elapsed().as_millis() < 1_000, "{:?}", since.elapsed());
    assert!(server.end().0.success());
}
