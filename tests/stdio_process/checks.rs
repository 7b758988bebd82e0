//! The checks: each starts the server in another way and talks to it.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::mappings;

const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

const CHECKS: [(&str, fn()); 6] = [
    ("pipes are served without threads", pipes),
    ("a process that cannot be dumped still opens its pipes", undumpable),
    ("sockets are served without threads", sockets),
    ("files are served to their end", files),
    ("a reader that goes away ends the server cleanly", gone),
    ("no copy of a value stays in memory or is logged", memory),
];

pub(crate) fn run_all() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, check) in CHECKS {
        if wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            check();
            println!("test {name} ... ok");
        }
    }
}

/// Runs one check in a process of its own.
pub(crate) fn run(check: &str) {
    match check {
        "undumpable client" => no_threads(Talk::over_pipes("undumpable server")),
        _ => panic!("no check {check}"),
    }
}

fn pipes() {
    no_threads(Talk::over_pipes("server"));
}

/// As root, everything may be opened; so this one is played by somebody else, client and server both.
fn undumpable() {
    if !rustix::process::geteuid().is_root() {
        return no_threads(Talk::over_pipes("undumpable server"));
    }
    let folder = tempfile::tempdir().unwrap();
    rustix::fs::chmod(folder.path(), rustix::fs::Mode::from_raw_mode(0o755)).unwrap();
    let copy = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let status = Command::new(copy)
        .env("OPWARD_TEST_ROLE", "undumpable client")
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .status()
        .unwrap();
    assert!(status.success());
}

fn sockets() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (input, output) = (OwnedFd::from(theirs.try_clone().unwrap()), OwnedFd::from(theirs));
    let child = server("server").stdin(input).stdout(output).spawn().unwrap();
    no_threads(Talk {
        from: BufReader::new(Box::new(ours.try_clone().unwrap())),
        to: Some(Box::new(Socket(ours))),
        child,
    });
}

/// A socket that says goodbye when it's dropped, though its reading half lives on.
struct Socket(UnixStream);

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _gone = self.0.shutdown(std::net::Shutdown::Write);
    }
}

fn files() {
    let mut input = tempfile::tempfile().unwrap();
    let mut output = tempfile::tempfile().unwrap();
    writeln!(input, "{HELLO}").unwrap();
    for id in 1..=1_000 {
        writeln!(input, "{}", call(id, "late echo", "x")).unwrap();
    }
    input.seek(SeekFrom::Start(0)).unwrap();
    let status = server("server").stdin(input).stdout(output.try_clone().unwrap()).status().unwrap();
    assert!(status.success());
    output.seek(SeekFrom::Start(0)).unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 1_001);
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

fn gone() {
    let mut child = server("server").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    writeln!(to, "{HELLO}").unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    from.read_line(&mut String::new()).unwrap();
    drop(from);
    // The write fails; the read end stays open, so only the failure can end the server.
    writeln!(to, "{}", call(1, "echo", "x")).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
}

fn memory() {
    let canary: String = std::iter::repeat_with(|| char::from(rand::random_range(b'a'..=b'z'))).take(40).collect();
    let mut said = tempfile::tempfile().unwrap();
    let mut talk = Talk::with(server("server").stderr(said.try_clone().unwrap()));
    talk.say(HELLO);
    let traffic = [
        call(1, "put", &canary),
        call(2, "get", ""),
        call(3, "late put", &canary),
        call(4, "late get", ""),
        call(5, "echo", &canary),
        call(6, "fail", &canary),
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{canary}","params":{{"a":"{canary}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{{"a":"{canary}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":9,"method":"tools/list","params":{{"cursor":"{canary}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":10,"method":"ping","params":{{"_meta":{{"a":"{canary}"}}}}}}"#),
        format!(r#"{{"a":"{canary}","b":"{canary}","a":1}}"#),
        format!("[\"{canary}\"]"),
        format!("{canary} \u{1}"),
        call(11, "echo", &canary.repeat(5_000)),
    ];
    let mut worst = 0;
    for (round, line) in traffic.iter().cycle().take(traffic.len() * 20).enumerate() {
        talk.say(line);
        talk.settle();
        let left = talk.copies_of(&canary);
        worst = worst.max(left);
        assert_eq!(left, 0, "{left} copies after message {round}, of {} bytes: {:.60}", line.len(), line);
    }
    // Were the scan blind, all of the above would be empty words.
    talk.write(call(12, "put", &canary).as_bytes());
    talk.settle();
    assert!(talk.copies_of(&canary) > 0, "an unfinished message has to be found");
    talk.end();
    let mut text = String::new();
    said.seek(SeekFrom::Start(0)).unwrap();
    said.read_to_string(&mut text).unwrap();
    assert!(!text.contains(&canary), "at its loudest, the server said: {text}");
}

/// A server and the two streams to it.
struct Talk {
    to: Option<Box<dyn Write>>,
    from: BufReader<Box<dyn Read>>,
    child: Child,
}

fn server(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("OPWARD_TEST_ROLE", role).stderr(Stdio::null());
    command
}

fn call(id: u64, tool: &str, value: &str) -> String {
    let params = json!({ "name": tool, "arguments": { "value": value } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

/// Talks a little, and checks that the runtime's one thread was enough.
fn no_threads(mut talk: Talk) {
    talk.say(HELLO);
    for id in 1..100 {
        let answer = talk.say(&call(id, if id % 2 == 0 { "echo" } else { "late echo" }, "x"));
        assert_eq!(answer.pointer("/result/content/0/text"), Some(&json!("x")), "{answer}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", talk.child.id())).unwrap();
    assert!(status.contains("Threads:\t1\n"), "{status}");
    talk.end();
}

impl Talk {
    fn over_pipes(role: &str) -> Self {
        Self::with(&mut server(role))
    }

    fn with(server: &mut Command) -> Self {
        let mut child = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let to = child.stdin.take().unwrap();
        let from = child.stdout.take().unwrap();
        Self { to: Some(Box::new(to)), from: BufReader::new(Box::new(from)), child }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.to.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn say(&mut self, line: &str) -> Value {
        self.write(format!("{line}\n").as_bytes());
        let mut answer = String::new();
        assert_ne!(self.from.read_line(&mut answer).unwrap(), 0, "the server ended");
        serde_json::from_str(&answer).unwrap()
    }

    /// Waits until the server has nothing left to do: it sleeps, and did so before we looked again.
    fn settle(&self) {
        let switches = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
            let asleep = status.contains("State:\tS");
            let count = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap().to_owned();
            (asleep, count)
        };
        let mut seen = 0;
        let mut before = switches();
        while seen < 20 {
            std::thread::yield_now();
            let now = switches();
            seen = if now.0 && now == before { seen + 1 } else { 0 };
            before = now;
        }
    }

    /// How often the text stands in the server's writable memory.
    fn copies_of(&self, text: &str) -> usize {
        mappings::writable(self.child.id()).map(|(_, bytes)| find_all(&bytes, text.as_bytes())).sum()
    }

    fn end(mut self) {
        drop(self.to.take());
        let mut rest = String::new();
        self.from.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        assert!(self.child.wait().unwrap().success());
    }
}

/// Counts a needle; the first byte is looked for alone, since this goes over megabytes and isn't optimised.
fn find_all(bytes: &[u8], needle: &[u8]) -> usize {
    let text = bytes.split(|byte| *byte == 0).filter(|run| run.len() >= needle.len());
    text.map(|run| run.windows(needle.len()).filter(|window| *window == needle).count()).sum()
}
