//! Words it takes and words it doesn't, and what it takes down of each call.

use crate::fake_op::GITHUB;
use crate::{Op, Stdin};

#[test]
fn an_unknown_flag_is_answered_with_usage() {
    let op = Op::new();
    let answer = op.run(&["item", "get", GITHUB, "--no-such-flag"]);
    assert_eq!(answer.exit, Some(1));
    assert!(answer.stderr.contains("unknown flag: --no-such-flag"), "{}", answer.stderr);
    assert!(answer.stderr.contains("\nUsage:  op item get"), "{}", answer.stderr);
    // A flag of one command is none of another's.
    for words in [&["read", "op://a/b/c", "--vault", "Staging"][..], &["vault", "list", "--include-archive"], &["-x"]] {
        assert!(op.error(words).contains("unknown "), "{words:?}");
    }
    assert!(op.error(&["item", "get", GITHUB, "--vault"]).starts_with("flag needs an argument: --vault"));
    assert!(op.error(&["item", "get"]).starts_with("accepts between 1 and 1 arg(s), received 0"));
    assert!(op.error(&["item", "get", "a", "b"]).starts_with("accepts between 1 and 1 arg(s), received 2"));
    assert!(op.error(&["item", "list", "--format", "yaml"]).starts_with("invalid argument \"yaml\""));
    assert!(op.error(&["item", "list", "--cache=perhaps"]).starts_with("invalid argument \"perhaps\""));
}

#[test]
fn what_is_no_command_ends_with_97() {
    let op = Op::new();
    for words in [&["items", "list"][..], &["item"], &["item", "destroy", "x"], &[], &["--format", "json"]] {
        assert_eq!(op.run(words).exit, Some(97), "{words:?}");
    }
}

#[test]
fn flags_stand_where_they_like() {
    let op = Op::new();
    let expected = op.ok(&["item", "get", GITHUB, "--vault", "Staging", "--format", "json"]);
    for words in [
        &["--format", "json", "item", "get", GITHUB, "--vault", "Staging"][..],
        &["--format=json", "--cache=false", "item", "get", "--vault=Staging", GITHUB],
        &["item", "--format=json", "get", GITHUB, "--vault=Staging", "--no-color", "--reveal"],
    ] {
        assert_eq!(op.ok(words), expected, "{words:?}");
    }
}

#[test]
fn a_version_knows_what_it_has() {
    let reveals = ["item", "get", GITHUB, "--vault", "Staging", "--reveal"];
    assert!(Op::new().version("2.29.0").error(&reveals).starts_with("unknown flag: --reveal"));
    assert_eq!(Op::new().version("2.30.0").run(&reveals).exit, Some(0));
    assert_eq!(Op::new().version("2.29.0").ok(&["--version"]), "2.29.0\n");
    assert_eq!(Op::new().version("2.25.0").run(&["service-account", "ratelimit"]).exit, Some(97));
}

#[test]
fn each_call_leaves_one_line() {
    let op = Op::new();
    op.ok(&["vault", "list"]);
    op.run_with(&["inject"], &Stdin::Pipe("nothing to put in"));
    op.run_with(&["inject"], &Stdin::File("nothing to put in"));
    let calls = op.fake.calls();
    let kinds: Vec<&str> = calls.iter().map(|call| call.stdin_kind.as_str()).collect();
    assert_eq!(kinds, ["null", "fifo", "file"]);
    assert_eq!(calls[0].argv, ["vault", "list"]);
    assert!(calls[0].is("vault list") && calls[0].shows("ops_seed") && !calls[0].shows("canary"));
    assert_eq!(calls[0].env.keys().collect::<Vec<_>>(), ["OP_SERVICE_ACCOUNT_TOKEN", "PATH"]);
    assert_eq!(calls[0].stdin_sha256, None);
    let digest = "c8f513345106469a0cff72ffd342b3dd34cc979c891a4fd912baf1cf4ba21bc0";
    assert_eq!(calls[1].stdin_sha256.as_deref(), Some(digest));
    assert_eq!(calls.iter().map(|call| call.exit).collect::<Vec<_>>(), [Some(0), Some(0), Some(1)]);
    assert!(calls.iter().all(|call| call.ms.is_some() && !call.pgid_is_own));
}

#[test]
fn a_call_in_a_group_of_its_own_says_so() {
    use std::os::unix::process::CommandExt as _;
    let op = Op::new();
    let mut command = std::process::Command::new(&op.fake.command);
    command.arg("--version").env_clear().process_group(0).stdout(std::process::Stdio::null()).status().unwrap();
    assert!(op.fake.calls()[0].pgid_is_own);
}

#[test]
fn many_calls_at_once_lose_no_line_and_no_count() {
    let op = Op::new();
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| op.ok(&["vault", "list"]));
        }
    });
    assert_eq!(op.fake.calls().len(), 24);
    assert_eq!(op.fake.world()["spent"]["reads"], 24);
}
