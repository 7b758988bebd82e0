//! What a program is handed: exactly that, and nothing of opward's.

use std::collections::BTreeMap;
use std::ffi::OsString;

use opward::memory::Payload;
use opward::runner::{Job, Sandbox, Slot};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::driver;
use crate::support::{Ran, job, probe, ran};

/// Variables that change what programs do, or tell them things.
const DANGEROUS: [&str; 60] = [
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "LD_DEBUG",
    "LD_DEBUG_OUTPUT",
    "LD_ORIGIN_PATH",
    "LD_BIND_NOW",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "LOCPATH",
    "NLSPATH",
    "MALLOC_TRACE",
    "RESOLV_HOST_CONF",
    "HOSTALIASES",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "BASH_ENV",
    "ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "IFS",
    "CDPATH",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "RUBYOPT",
    "RUBYLIB",
    "PERL5OPT",
    "PERL5LIB",
    "PERL5DB",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "CLASSPATH",
    "GIT_SSH_COMMAND",
    "GIT_EXEC_PATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_ASKPASS",
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "PAGER",
    "EDITOR",
    "VISUAL",
    "BROWSER",
    "LESSOPEN",
    "HTTP_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "SSLKEYLOGFILE",
    "CURL_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "OP_SERVICE_ACCOUNT_TOKEN",
    "OPWARD_HOME",
    "AWS_SECRET_ACCESS_KEY",
];

const CANARY: &str = "canary-1f9a-value";

pub(crate) fn payload(text: &str) -> Payload {
    Payload::new(Zeroizing::new(text.as_bytes().to_vec()))
}

fn full(sandbox: Sandbox) -> Job {
    let mut job = job(&["dump", "--flag", "two words", "$(id)"]);
    job.sandbox = sandbox;
    job.variables = vec![("PGUSER".to_owned(), OsString::from("migrator"))];
    job.secrets = vec![
        (Slot::Variable("PGPASSWORD".to_owned()), payload(CANARY)),
        (Slot::StandardInput, payload("on standard input")),
    ];
    job
}

fn found(ran: &Ran) -> Value {
    assert_eq!(ran.ended.exit_code, 0, "{ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

fn check(found: &Value) {
    let probe = probe();
    assert_eq!(found["arguments"], json!([probe, "dump", "--flag", "two words", "$(id)"]));
    assert_eq!(found["exe"], json!(probe.canonicalize().unwrap()));
    let home = found["environment"]["HOME"].as_str().unwrap();
    assert!(home.contains("/.opward-"), "{home}");
    let expected: BTreeMap<&str, &str> = BTreeMap::from([
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("HOME", home),
        ("TMPDIR", home),
        ("PGUSER", "migrator"),
        ("PGPASSWORD", CANARY),
    ]);
    assert_eq!(found["environment"], json!(expected));
    assert_eq!(found["directory"], json!(home));
    assert_eq!(found["in_home"], 0);
    assert_eq!(found["input"], "on standard input");
    let descriptors = found["descriptors"].as_object().unwrap();
    assert_eq!(descriptors.keys().collect::<Vec<_>>(), ["0", "1", "2"]);
    assert!(descriptors.values().all(|to| to.as_str().unwrap().starts_with("pipe:")), "{descriptors:?}");
    assert!(!std::path::Path::new(home).exists(), "its home is still there");
    let core: Vec<&str> = found["core"].as_str().unwrap().split_whitespace().collect();
    assert_eq!(core, ["Max", "core", "file", "size", "0", "0", "bytes"]);
    assert_eq!(found["status"]["Umask"], "0077");
    // It's the leader of its group, in a session that isn't its own.
    assert_eq!(found["status"]["NSpgid"], found["status"]["Pid"]);
    assert_eq!(found["status"]["NSsid"], found["status"]["PPid"]);
}

#[tokio::test]
async fn a_program_is_handed_what_its_job_says_and_nothing_else() {
    for sandbox in [Sandbox::Require, Sandbox::Prefer, Sandbox::Off] {
        let ran = ran(full(sandbox)).await.unwrap();
        let found = found(&ran);
        check(&found);
        if sandbox == Sandbox::Off {
            assert_eq!(ran.ended.layers, "none");
        } else {
            assert_eq!((&found["status"]["NoNewPrivs"], &found["status"]["Seccomp"]), (&json!("1"), &json!("2")));
            for layer in ["landlock:", "seccomp", "no_new_privileges", "no_network"] {
                assert!(ran.ended.layers.split(' ').any(|word| word.starts_with(layer)), "{:?}", ran.ended);
            }
        }
    }
}

#[tokio::test]
async fn nothing_else_of_it_is_on_its_standard_input_and_nothing_is_there_without_a_value() {
    let mut job = full(Sandbox::Prefer);
    job.secrets.clear();
    let found = found(&ran(job).await.unwrap());
    assert_eq!((&found["input"], &found["descriptors"]["0"]), (&json!(""), &json!("/dev/null")));
}

#[tokio::test]
async fn values_are_found_as_files_with_the_numbers_that_were_named() {
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let mut job = job(&["dump"]);
        job.sandbox = sandbox;
        job.secrets =
            vec![(Slot::Descriptor(3), payload("in three")), (Slot::Descriptor(9), payload(&"nine".repeat(50_000)))];
        let found = found(&ran(job).await.unwrap());
        let numbers: Vec<&String> = found["descriptors"].as_object().unwrap().keys().collect();
        assert_eq!(numbers, ["0", "1", "2", "3", "9"]);
        assert_eq!(found["values"], json!({"3": "in three", "9": "nine".repeat(50_000)}));
        assert!(!found["environment"].to_string().contains("in three"));
    }
}

#[tokio::test]
async fn a_descriptor_that_cannot_be_had_is_refused() {
    for number in [0, 2, 10, -1] {
        let mut job = job(&["dump"]);
        job.secrets = vec![(Slot::Descriptor(number), payload(CANARY))];
        let refused = ran(job).await.unwrap_err().to_string();
        assert!(refused.contains("3 to 9"), "{refused}");
    }
}

#[tokio::test]
async fn a_large_value_on_standard_input_holds_nothing_up() {
    let large = "large".repeat(200_000);
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let mut job = job(&["dump"]);
        job.sandbox = sandbox;
        job.secrets = vec![(Slot::StandardInput, payload(&large))];
        assert_eq!(found(&ran(job).await.unwrap())["input"], json!(large));
    }
}

#[tokio::test]
async fn no_value_is_in_the_arguments_or_the_environment_of_the_supervisor() {
    let mut job = job(&["tree", "plain"]);
    job.variables = vec![("MARK".to_owned(), "supervisor-is-clean".into())];
    job.secrets = vec![(Slot::Variable("TOKEN".to_owned()), payload(CANARY))];
    let running = tokio::spawn(ran(job));
    let program = tokio::task::spawn_blocking(|| {
        let mut found = Vec::new();
        crate::support::until("the program runs", crate::support::PATIENCE, || {
            found = crate::support::with_variable("supervisor-is-clean");
            found.len() == 1
        });
        found[0]
    });
    let program = program.await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{program}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t")).unwrap();
    let arguments = std::fs::read(format!("/proc/{parent}/cmdline")).unwrap();
    assert_eq!(arguments, b"opward\0supervise\0");
    if rustix::process::geteuid().is_root() {
        assert_eq!(std::fs::read(format!("/proc/{parent}/environ")).unwrap(), b"");
    }
    running.abort();
}

#[test]
fn sixty_dangerous_variables_and_open_files_of_opward_reach_no_program() {
    assert_eq!(std::collections::BTreeSet::from(DANGEROUS).len(), 60);
    for sandbox in ["require", "prefer", "off"] {
        let mut driver = driver::command("dump", sandbox);
        driver.envs(DANGEROUS.map(|name| (name, "/nonexistent/dangerous")));
        let told = driver::told(driver);
        let found: Value = serde_json::from_str(told.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
        let names: Vec<&String> = found["environment"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR"]);
        let numbers: Vec<&String> = found["descriptors"].as_object().unwrap().keys().collect();
        assert_eq!(numbers, ["0", "1", "2"], "{sandbox}: {found}");
        assert!(!found.to_string().contains("dangerous"), "{found}");
    }
}
