//! Commands that get a value while their caller sees only what comes of it.

use rmcp::model::ReadResourceRequestParams;
use serde_json::{Value, json};

use crate::support::{Client, Home, Raw, put};

const PASSWORD: &str = "c4n4ry/pass word+of-commands";
const SHORT: &str = "c4n4ry1";

/// What every agent here may do: see names, and have these commands get values.
const RULES: &str = r#"
version = 1
[[rule]]
id = "names"
principals = ["*"]
actions = ["list", "describe"]
paths = ["Prod/**"]

[[rule]]
id = "agent-uses"
principals = ["agent"]
actions = ["use"]
paths = ["Prod/**", "Hidden/**"]
use.commands = ["show", "encode", "words", "hidden", "short", "quiet", "silent", "reads-own-files", "half"]

[[rule]]
id = "with-a-reason"
principals = ["agent"]
actions = ["use"]
paths = ["Asked/**"]
use.commands = ["asked"]
require.reason = true

[[rule]]
id = "half-denied"
effect = "deny"
principals = ["*"]
actions = ["use"]
paths = ["Prod/Denied/password"]
"#;

fn command(name: &str, exe: &str, rest: &str) -> String {
    format!("\n[[command]]\nname = \"{name}\"\nexe = \"{exe}\"\nclass = \"sealed\"\n{rest}\n")
}

async fn home() -> Home {
    let home = Home::new();
    let words = "args = [\"{word}\", \"{count}\"]\nparams.word = { kind = \"enum\", values = [\"one\", \"two\"] }\n\
        params.count = { kind = \"integer\", min = 1, max = 9 }\nstdin = \"Prod/Database/password\"";
    let own = format!("stdin = \"Prod/Database/password\"\nread = [{:?}]", home.folder());
    let commands = [
        command("show", "/bin/cat", "stdin = \"Prod/Database/password\""),
        command("encode", "/usr/bin/base64", "stdin = \"Prod/Database/password\"\ndescription = \"in base64\""),
        command("words", "/bin/echo", words),
        command("hidden", "/bin/cat", "stdin = \"Hidden/Thing/password\""),
        command("short", "/bin/cat", "stdin = \"Prod/Short/password\""),
        command("quiet", "/bin/false", "stdin = \"Prod/Database/password\"\noutput = \"exit-code\""),
        command("silent", "/bin/false", "stdin = \"Prod/Database/password\"\noutput = \"none\""),
        command("reads-own-files", "/bin/cat", &own),
        command("half", "/bin/cat", "stdin = \"Prod/Database/password\"\nfd.3 = \"Prod/Denied/password\""),
        command("asked", "/bin/cat", "stdin = \"Asked/Thing/password\""),
        command("nobodys", "/bin/cat", "stdin = \"Prod/Database/password\""),
    ];
    home.furnish([
        put("Prod/Database/password", PASSWORD),
        put("Prod/Denied/password", PASSWORD),
        put("Prod/Short/password", SHORT),
        put("Hidden/Thing/password", PASSWORD),
        put("Asked/Thing/password", PASSWORD),
    ])
    .await;
    home.policy(&format!("{RULES}{}", commands.concat()));
    home
}

/// A home with one command, which everybody may run.
async fn home_with(name: &str, exe: &str, rest: &str) -> Home {
    let home = Home::new();
    home.furnish([put("Prod/Database/password", PASSWORD)]).await;
    let rule = format!(
        "version = 1\n[[rule]]\nid = \"use\"\nprincipals = [\"*\"]\nactions = [\"use\"]\npaths = [\"**\"]\n\
         use.commands = [\"{name}\"]\n"
    );
    home.policy(&format!("{rule}{}", command(name, exe, &format!("stdin = \"Prod/Database/password\"\n{rest}"))));
    home
}

async fn run(agent: &Client, name: &str, params: Value) -> Value {
    agent.call("run_command", json!({ "name": name, "params": params })).await.ok()
}

#[tokio::test]
async fn the_value_gets_there_and_is_hidden_in_what_comes_back() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let marker = "[hidden by opward: Prod/Database/password is valid; use it through run_command]";
    for name in ["show", "encode"] {
        let ran = run(&agent, name, json!({})).await;
        assert_eq!(ran["exit_code"], 0, "{ran}");
        assert_eq!((ran["stdout"].as_str().unwrap().trim_end(), &ran["redactions"]), (marker, &json!(1)), "{ran}");
        assert_eq!((&ran["truncated"], &ran["timed_out"]), (&json!(false), &json!(false)));
    }
    let ran = run(&agent, "words", json!({ "word": "two", "count": 3 })).await;
    assert_eq!((&ran["stdout"], &ran["redactions"]), (&json!("two 3\n"), &json!(0)), "{ran}");
    agent.end().await;
    assert!(!home.in_the_open().contains("c4n4ry"));
}

#[tokio::test]
async fn a_command_that_is_not_open_answers_like_one_that_is_not_there() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let said = async |name: &str| agent.call("run_command", json!({ "name": name })).await.refused("denied");
    let absent = said("no-such-command").await;
    for name in ["nobodys", "half", "", "../show", "show ", "SHOW"] {
        assert_eq!(said(name).await, absent, "{name}");
    }
    let other = home.serve("other").await;
    for name in ["show", "hidden", "half", "asked"] {
        let refused = other.call("run_command", json!({ "name": name })).await.refused("denied");
        assert_eq!(refused["message"].as_str().unwrap().replace("other", "agent"), absent["message"].as_str().unwrap());
    }
    other.end().await;
    agent.end().await;
    let used = |record: &&Value| record["kind"] == "intent" && record["action"] == "use";
    let outcomes = home.records().iter().filter(used).count();
    assert_eq!(outcomes, 0, "nothing was allowed");
}

#[tokio::test]
async fn what_is_withheld_is_withheld() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let short = run(&agent, "short", json!({})).await;
    assert_eq!((&short["exit_code"], short.get("stdout")), (&json!(0), None), "{short}");
    assert!(short["note"].as_str().unwrap().contains("too short"));
    let quiet = run(&agent, "quiet", json!({})).await;
    assert_eq!((&quiet["exit_code"], quiet.get("stdout")), (&json!(1), None), "{quiet}");
    let silent = run(&agent, "silent", json!({})).await;
    assert_eq!((silent.get("exit_code"), silent.get("stdout")), (None, None), "{silent}");
    // A path it may not list is used all the same, and named only in the marker of what it was given.
    let hidden = run(&agent, "hidden", json!({})).await;
    assert_eq!(hidden["exit_code"], 0);
    agent.end().await;
}

#[tokio::test]
async fn a_reason_is_asked_for_and_recorded() {
    let home = home().await;
    let agent = home.serve("agent").await;
    agent.call("run_command", json!({ "name": "asked" })).await.refused("denied");
    let asked = json!({ "name": "asked", "reason": "checking the backup" });
    assert_eq!(agent.call("run_command", asked).await.ok()["exit_code"], 0);
    agent.end().await;
    let records = home.records();
    let used: Vec<&Value> = records.iter().filter(|record| record["delivery"] == "command:asked").collect();
    let kinds: Vec<&str> = used.iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["denied", "intent", "outcome"]);
    assert_eq!(used[1]["reason"], "checking the backup");
    assert_eq!((&used[1]["path"], &used[1]["action"]), (&json!("Asked/Thing/password"), &json!("use")));
    let sandbox = used[2]["sandbox"].as_str().unwrap();
    assert!(sandbox == "none" || sandbox.contains("no_new_privileges"), "{sandbox}");
}

#[tokio::test]
async fn a_command_never_reaches_the_wardens_own_files() {
    let home = home().await;
    let agent = home.serve("agent").await;
    agent.call("run_command", json!({ "name": "reads-own-files" })).await.refused("unsupported");
    agent.end().await;
    assert!(home.records().iter().all(|record| record["kind"] != "intent" || record["action"] != "use"));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said_to_keep_the_command_from_running() {
    let home = home_with("nowhere", "/bin/cat", "read = [\"/nonexistent/place\"]").await;
    let agent = home.serve("agent").await;
    let refused = agent.call("run_command", json!({ "name": "nowhere" })).await;
    let text = refused.refused("unsupported").to_string();
    assert!(!text.contains("all the same"), "it never began: {text}");
    agent.end().await;
    let found = String::from_utf8(home.run(&["doctor"], "").stdout).unwrap();
    assert!(found.contains("`nowhere` isn't run: /nonexistent/place isn't there"), "{found}");
}

/// The program is there for longer than requests may still take once nobody asks any more.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_runs_for_a_client_that_is_gone_ends_with_it() {
    // A time to wait that no other process was given.
    let time = format!("599.{}", rand::random::<u64>());
    let home = home_with("waits", "/bin/sleep", &format!("args = [\"{time}\"]\ntimeout = \"10m\"")).await;
    let mut agent = Raw::start(home.folder(), "agent");
    agent.initialize("2025-11-25").await;
    let params = json!({ "name": "run_command", "arguments": { "name": "waits" } });
    agent.line(&json!({ "jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": params }).to_string()).await;
    let waiting = format!("/bin/sleep\0{time}\0");
    let runs = move || {
        let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes.any(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|all| all == waiting.as_bytes()))
    };
    let begun = std::time::Instant::now();
    while !runs() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "it never ran");
        tokio::task::yield_now().await;
    }
    let begun = std::time::Instant::now();
    agent.vanish().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(!runs());
}

#[tokio::test]
async fn lists_say_what_is_open() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let listed = agent.call("list_actions", json!({})).await.ok();
    let names: Vec<&str> =
        listed["commands"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["asked", "encode", "hidden", "quiet", "reads-own-files", "short", "show", "silent", "words"]);
    let of = |name: &str| listed["commands"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("words")["params"]["word"], "one of: one, two");
    assert_eq!(of("encode")["description"], "in base64");
    assert_eq!((&of("show")["uses"], &of("hidden")["uses"]), (&json!(["Prod/Database/password"]), &json!([])));

    let mine = agent.peer().read_resource(ReadResourceRequestParams::new("opward://policy/mine")).await.unwrap();
    let mine = serde_json::to_string(&mine).unwrap();
    assert!(mine.contains("command:show") && mine.contains("agent-uses"), "{mine}");

    let access = agent.call("check_access", json!({ "path": "Prod/Database/password", "action": "use" })).await.ok();
    assert_eq!(access["decision"], "allow");
    assert!(access["deliveries"].as_array().unwrap().contains(&json!("command:show")), "{access}");
    let secrets = agent.call("list_secrets", json!({ "prefix": "Prod/Database" })).await.ok();
    assert!(secrets["secrets"][0]["deliveries"].as_array().unwrap().contains(&json!("command:encode")), "{secrets}");
    agent.end().await;

    let other = home.serve("other").await;
    assert_eq!(other.call("list_actions", json!({})).await.ok(), json!({ "commands": [], "http": [] }));
    let access = other.call("check_access", json!({ "path": "Prod/Database/password", "action": "use" })).await.ok();
    assert_eq!((&access["decision"], access.get("deliveries")), (&json!("deny"), None));
    other.end().await;
}

#[tokio::test]
async fn doctor_warns_of_a_program_that_is_not_installed_and_fails_for_one_that_may_not_run() {
    let home = home().await;
    let doctor = |commands: &str| {
        home.policy(&format!("{RULES}{commands}"));
        let done = home.run(&["doctor"], "");
        (String::from_utf8(done.stdout).unwrap(), done.status.success())
    };
    // Every command that a rule names is there, so that this is the only thing wrong with any.
    let named = ["show", "encode", "words", "hidden", "short", "quiet", "silent", "reads-own-files", "half", "asked"];
    let all = |exe: &str| -> String {
        named.iter().map(|name| command(name, exe, "stdin = \"Prod/Database/password\"")).collect()
    };
    let (said, well) = doctor(&all("/usr/bin/n0-such-program"));
    assert!(said.contains("! commands") && said.contains("`show` can't be run: there's no /usr/bin/n0-such"), "{said}");
    assert!(well, "{said}");
    let (said, well) = doctor(&all("/usr/bin"));
    assert!(said.contains("✗ commands") && !well, "{said}");
}
