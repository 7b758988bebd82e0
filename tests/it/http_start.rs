//! What `opward serve --http` refuses to start with, in which words and with which status, and `opward token new`.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support_robust::Home;

const TOKEN: &str = "[[http.token]]\nprincipal = \"ci\"\n\
    sha256 = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"\n";
const URL: &str = "url = \"https://vault.example.com/mcp\"\n";
const TLS: &str = "tls = { cert = \"cert.pem\", key = \"key.pem\" }\n";
const PROXY: &str = "behind_proxy = true\ntrusted_proxies = [\"10.0.0.7\"]\n";
const TRIAL: [&str; 3] = ["--no-auth", "--principal", "trial"];

/// What `[http]` says, the addresses, the other arguments, and what's said to that: message and hint.
type Case<'c> = (String, &'c [&'c str], &'c [&'c str], &'c str, &'c str);

/// A home whose configuration goes on with this text.
fn home_with(http: &str) -> Home {
    let home = Home::new();
    let file = home.file("opward.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    writeln!(text, "\n{http}").unwrap();
    fs::write(file, text).unwrap();
    home
}

fn serve(home: &Home, address: &str, more: &[&str]) -> Output {
    home.opward().args(["serve", "--http", address]).args(more).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn refuses_to_start_where_somebody_could_come_in_or_listen() {
    let token = |http: &str| format!("[http]\n{http}{TOKEN}");
    let network = ["0.0.0.0:0", "[::]:0"];
    let every = ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"];
    let here = ["127.0.0.1:0", "localhost:0", "127.0.0.1:1"];
    let cases: [Case<'_>; 9] = [
        (String::new(), &every, &[], "nobody could sign in", "opward token new --principal NAME"),
        (format!("[http]\n{URL}{TLS}"), &every, &[], "nobody could sign in", "[[http.issuer]]"),
        (token(""), &network, &[], "nothing encrypts what's sent there", "tls = { cert ="),
        (token(URL), &network, &[], "nothing encrypts what's sent there", "behind_proxy = true"),
        (token(TLS), &network, &[], "there's no `url`", "url = \"https://HOST/mcp\""),
        (token(PROXY), &every, &[], "there's no `url`", "url = \"https://HOST/mcp\""),
        (token(&format!("{URL}{TLS}")), &network, &TRIAL, "--no-auth is for this machine only", "serve 127.0.0.1"),
        (token(URL), &here, &TRIAL, "clients come from others", "leave --no-auth out"),
        (format!("[http]\n{PROXY}"), &here, &TRIAL, "clients come from others", "leave --no-auth out"),
    ];
    for (http, addresses, more, message, hint) in cases {
        let home = home_with(&http);
        let before = home.records().len();
        for address in addresses {
            let output = serve(&home, address, more);
            let text = said(&output);
            assert_eq!(output.status.code(), Some(1), "{http}{address}\n{text}");
            assert!(text.starts_with("error: invalid: "), "{http}{address}\n{text}");
            assert!(text.contains(message) && text.contains(hint), "{http}{address}\n{text}");
        }
        assert_eq!(home.records().len(), before, "a server that didn't start recorded something");
    }
}

#[test]
fn arguments_that_do_not_fit_together_are_a_mistake_in_usage() {
    let home = Home::new();
    let cases: [(&[&str], &str); 8] = [
        (&["--http", "127.0.0.1:0", "--principal", "x"], "each client is who its bearer says"),
        (&["--http", "127.0.0.1:0", "--no-auth"], "--principal <NAME>"),
        (&["--no-auth", "--principal", "x"], "--http <ADDR>"),
        (&["--http", "vault.example.com:443"], "names aren't looked up"),
        (&["--http", "127.0.0.1"], "an address and a port"),
        (&["--http", ":8787"], "an address and a port"),
        (&["--http", ""], "an address and a port"),
        (&["--http", "127.0.0.1:0", "--no-auth", "--principal", "x y"], "a principal's name has"),
    ];
    for (arguments, message) in cases {
        let output = home.opward().arg("serve").args(arguments).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{text}");
        assert!(text.contains(message), "{arguments:?}\n{text}");
    }
}

#[test]
fn a_configuration_with_mistakes_is_shown_with_their_places() {
    let home = home_with("[http]\nallowed_origins = [\"null\"]\n");
    let output = serve(&home, "127.0.0.1:0", &[]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("every sandboxed page") && text.contains("opward.toml:"), "{text}");
    let empty = tempfile::tempdir().unwrap();
    let output = crate::support_robust::opward(empty.path()).args(["serve", "--http", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(said(&output).contains("opward init"));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let home = home_with(TOKEN);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = serve(&home, &address, &[]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("{address} can't be served")) && text.contains("another port"), "{text}");
}

#[test]
fn a_server_on_this_machine_prints_where_it_listens() {
    for (http, more, warned) in [(TOKEN, &[][..], false), ("", &TRIAL[..], true)] {
        let home = home_with(http);
        let mut command = home.opward();
        command.args(["serve", "--http", "localhost:0"]).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address: SocketAddr = line
            .strip_prefix("listening on http://")
            .and_then(|place| place.strip_suffix("/mcp\n"))
            .unwrap()
            .parse()
            .unwrap();
        assert!(address.ip().is_loopback() && address.port() != 0, "{line}");
        // It may end by itself; then there's nothing to stop.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.contains("every program on this machine is trial"), warned, "{text}");
        drop(TcpStream::connect(address));
    }
}

#[test]
fn a_new_token_is_shown_once_and_its_digest_is_what_a_configuration_takes() {
    let home = Home::new();
    let before = fs::read_to_string(home.file("opward.toml")).unwrap();
    let made = home.run(&["token", "new", "--principal", "ci-deploy", "--expires", "90d"]);
    assert!(made.status.success());
    let out = String::from_utf8(made.stdout).unwrap();
    let (token, block) = out.split_once('\n').unwrap();
    assert!(token.starts_with("opw_") && token.len() == 47, "{} characters", token.len());
    assert!(block.starts_with("[[http.token]]\nprincipal = \"ci-deploy\"\nsha256 = \""), "{block}");
    assert!(block.contains("\nexpires = 20") && !block.contains(token));
    assert!(!String::from_utf8(made.stderr).unwrap().contains(token));
    assert_eq!(fs::read_to_string(home.file("opward.toml")).unwrap(), before, "nothing is written for its maker");
    // What's printed is what's read, and `doctor` counts it.
    let home = home_with(block);
    let doctor = home.run(&["doctor", "--json"]);
    let checks: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let found = checks["checks"].as_array().unwrap().iter().filter(|check| check["name"] == "http");
    let found: Vec<&str> = found.map(|check| check["finding"].as_str().unwrap()).collect();
    assert!(
        found.iter().any(|finding| finding.starts_with("1 token(s); the next to end is of ci-deploy")),
        "{found:?}"
    );
    for file in fs::read_dir(home.folder()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "the token was written down");
    }
}

#[test]
fn a_new_token_as_json_is_the_same_in_names() {
    let home = Home::new();
    let made = |more: &[&str]| -> Value {
        let output = home.opward().args(["token", "new", "--principal", "ci", "--json"]).args(more).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (one, other) = (made(&[]), made(&["--expires", "2099-01-31T00:00:00Z"]));
    assert_ne!(one["token"], other["token"]);
    assert_eq!((&one["principal"], &one["expires"]), (&Value::from("ci"), &Value::Null));
    assert_eq!(other["expires"], "2099-01-31T00:00:00Z");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, one["token"].as_str().unwrap().as_bytes());
    let digest: String = digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(one["sha256"], Value::from(digest));
}

#[test]
fn a_token_that_would_never_be_accepted_is_not_made() {
    let home = Home::new();
    for expires in ["2020-01-01T00:00:00Z", "0", "tomorrow", "2099-01-31"] {
        let output = home.run(&["token", "new", "--principal", "ci", "--expires", expires]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{expires}: {text}");
        assert!(text.starts_with("error: invalid: --expires: "), "{text}");
    }
    assert_eq!(home.run(&["token", "new"]).status.code(), Some(2), "whose?");
}

#[test]
fn a_token_pasted_where_its_digest_belongs_is_refused_and_never_shown() {
    let token = "opw_n0t-a-real-t0ken-but-as-l0ng-as-one-is-00000";
    let home = home_with(&format!("[[http.token]]\nprincipal = \"ci\"\nsha256 = \"{token}\"\n"));
    for output in [serve(&home, "127.0.0.1:0", &[]), home.run(&["doctor"]), home.run(&["doctor", "--json"])] {
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!output.status.success());
        assert!(text.contains("holds the token itself") && text.contains("opward token new"), "{text}");
        assert!(!text.contains("real-t0ken"), "{text}");
    }
}
