//! `opward run` on a person's terminal: the program is to notice nothing.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;

use rustix::process::{Signal, kill_process};

use crate::run::{CANARY, home, told_by};
use crate::support::{Home, Screen};

/// `opward run` with a value in `KEY`, so that its output is looked through.
fn run(home: &Home, script: &str) -> Screen {
    Screen::opward(home.folder(), &["run", "--env-file", "env", "--", "sh", "-c", script])
}

#[tokio::test]
async fn the_program_is_on_a_terminal_of_the_same_size_which_follows() {
    let home = home().await;
    let script = "test -t 0 && test -t 1 && test -t 2 && echo all; stty size; tty < /dev/tty; \
        trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done";
    let mut screen = run(&home, script);
    screen.shows("all\r\n40 100\r\n/dev/");
    screen.shows("ready");
    screen.resize(12, 34);
    screen.shows("12 34");
    assert!(screen.end().success());
    assert!(screen.is_as_usual());
}

#[tokio::test]
async fn a_prompt_is_shown_at_once_and_a_password_is_not() {
    let home = home().await;
    let mut screen = run(&home, "stty -echo; printf 'Password: '; read x; stty echo; echo; echo \"got ${#x}\"; exit 5");
    let before = screen.settings();
    screen.shows("Password: ");
    assert!(!screen.is_as_usual(), "keys go to the program as they are");
    screen.types("s3same-open\n");
    screen.shows("got 11");
    assert_eq!(screen.end().code(), Some(5));
    assert!(!screen.all().contains("s3same"), "{}", screen.all());
    let after = screen.settings();
    assert_eq!((before.local_modes, before.output_modes), (after.local_modes, after.output_modes));
}

#[tokio::test]
async fn keys_reach_the_program_and_its_end_is_ours() {
    let home = home().await;
    let mut screen = run(&home, "trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.01; done");
    screen.shows("ready");
    screen.types("\u{3}");
    screen.shows("caught");
    assert_eq!(screen.end().code(), Some(4));
    let mut screen = run(&home, "echo ready; read x");
    screen.shows("ready");
    screen.types("\u{3}");
    assert_eq!(screen.end().signal(), Some(2), "whoever waits sees what ended the program");
    assert!(screen.is_as_usual());
    let mut screen = run(&home, "echo ready; cat; echo over");
    screen.shows("ready");
    screen.types("line\n\u{4}");
    screen.shows("line\r\nline\r\nover");
    assert!(screen.end().success());
}

#[tokio::test]
async fn a_program_is_stopped_and_goes_on_as_any_other() {
    let home = home().await;
    let mut screen = Screen::start(home.folder(), &["sh", "-i"]);
    screen.shows("shell> ");
    screen.types("$OPWARD run --env-file env -- sh -c 'echo on; read x; echo \"read $x\"'\n");
    screen.shows("\r\non\r\n");
    screen.types("\u{1a}");
    screen.shows("topped");
    screen.shows("shell> ");
    screen.types("fg; echo ended $?\n");
    screen.shows("\r\n");
    screen.types("after\n");
    screen.shows("read after");
    screen.shows("ended 0");
    screen.types("$OPWARD run --env-file env -- sh -c 'read x; echo \"read $x\"' &\n");
    screen.shows("shell> ");
    screen.types("jobs\n");
    screen.types("fg\n");
    screen.shows("} run --env-file");
    // As one types, which a line's editor would make no line of.
    screen.types("from behind\r");
    screen.shows("read from behind");
    // What's typed before is still the program's.
    screen.shows("shell> ");
    screen.types("exit\n");
    screen.end();
}

#[tokio::test]
async fn one_that_began_behind_a_line_s_editor_gets_the_usual_settings() {
    let home = home().await;
    let mut screen = Screen::start(home.folder(), &["sh", "-i"]);
    screen.shows("shell> ");
    // As an editor of lines leaves it while a program is started behind it.
    screen.types("stty -icrnl -icanon -echo; $OPWARD run --env-file env -- sh -c 'echo begun; cat; echo over' &\n");
    screen.shows("begun\r\n");
    // It's stopped as soon as it wants to read.
    screen.types(
        "stty icrnl icanon echo; until jobs >jobs && grep -q topped jobs; do sleep 0.02; done; echo us''ual; fg\n",
    );
    screen.shows("usual");
    screen.shows("} run --env-file");
    screen.types("line\r");
    screen.shows("line\r\nline\r\n");
    screen.types("\u{4}");
    screen.shows("over\r\n");
    screen.shows("shell> ");
    screen.types("exit\n");
    screen.end();
}

#[tokio::test]
async fn a_password_asked_for_in_a_pipeline_leaves_lines_as_they_were() {
    let home = home().await;
    let mut screen = Screen::start(home.folder(), &["sh", "-i"]);
    screen.shows("shell> ");
    home.write(
        "ask",
        b"cat; exec 3</dev/tty; was=$(stty -g <&3); stty -echo <&3; echo Password:; read x <&3; \
          stty $was <&3; echo ${#x}; echo two; echo three\n",
    );
    screen.types("echo piped | $OPWARD run --env-file env -- sh ask\n");
    screen.shows("\r\npiped\r\nPassword:\r\n");
    screen.types("s3same\r");
    screen.shows("6\r\ntwo\r\nthree\r\n");
    screen.shows("shell> ");
    screen.types("exit\n");
    screen.end();
}

#[tokio::test]
async fn what_is_held_back_is_shown_before_a_stop() {
    let home = home().await;
    let mut screen = Screen::start(home.folder(), &["sh", "-i"]);
    screen.shows("shell> ");
    screen.types("$OPWARD run --env-file env -- sh -c 'printf \"sure? %s\" c4; kill -TSTP $$; echo after'\n");
    screen.shows("sure? c4");
    screen.shows("topped");
    screen.shows("shell> ");
    screen.types("fg\n");
    screen.shows("after");
    screen.shows("shell> ");
    screen.types("exit\n");
    screen.end();
}

#[tokio::test]
async fn what_is_no_terminal_stays_none_and_the_keyboard_is_there_when_asked_for() {
    let home = home().await;
    let mut screen = Screen::start(home.folder(), &["sh", "-i"]);
    screen.shows("shell> ");
    let script = "test -t 0 || echo no input; test -t 1 && echo output; cat; read x < /dev/tty; echo \"typed $x\"";
    screen.types(&format!("echo piped | $OPWARD run --env-file env -- sh -c '{script}' 2>errors\n"));
    screen.shows("no input\r\noutput\r\npiped");
    screen.types("something\n");
    screen.shows("typed something");
    // What's typed before is still the program's.
    screen.shows("shell> ");
    screen.types("exit\n");
    screen.end();
}

#[tokio::test]
async fn the_program_is_told_when_opward_is_killed() {
    let home = home().await;
    let told = told_by(&home);
    let script = "exec 3>told; trap 'echo hung up >&3; exit' HUP; echo ready; while :; do sleep 0.01; done";
    let mut screen = run(&home, script);
    screen.shows("ready");
    kill_process(screen.id(), Signal::KILL).unwrap();
    // Its terminal and its session may both say so.
    let told = told.join().unwrap();
    assert!(told.starts_with("hung up\n") && told.lines().all(|line| line == "hung up"), "{told}");
}

#[tokio::test]
async fn without_masking_it_is_the_same_terminal() {
    let home = home().await;
    let words = ["run", "--no-masking", "--env-file", "env", "--", "sh", "-c", "tty; echo $KEY; exit 3"];
    let mut screen = Screen::opward(home.folder(), &words);
    screen.shows(CANARY);
    assert_eq!(screen.end().code(), Some(3));
    let mut plain = Screen::start(home.folder(), &["tty"]);
    plain.end();
    assert!(screen.is_as_usual());
}

// MERGE: needs the redactor.
#[tokio::test]
async fn values_are_hidden_on_a_terminal_however_they_come() {
    let home = home().await;
    let (one, two) = CANARY.split_at(9);
    let script = format!("printf {one}; printf '%s\\n' {two}; echo $KEY; printf %s $KEY | base64; echo over");
    let mut screen = run(&home, &script);
    screen.shows("over");
    assert!(screen.end().success());
    assert!(!screen.all().contains(CANARY), "{}", screen.all());
    assert_eq!(screen.all().matches("[hidden by opward: Staging/Stripe/credential]").count(), 3, "{}", screen.all());
    let in_the_open = fs::read_to_string(home.path("audit.jsonl")).unwrap();
    assert!(!in_the_open.contains(CANARY));
}
