//! Proxies of the environment aren't used. It's read when a client is made, so this needs a process of its own.

use std::process::Stdio;

use super::super::Sender;
use super::outgoing;
use super::server::Server;

/// What the child says, so that the parent knows it was there.
const SENT: &str = "the request went straight to its host";

#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    let trap = Server::trap("127.0.0.1:0").await;
    let proxy = format!("http://{}/", trap.address);
    let child = |test: &'static str| {
        let proxy = proxy.clone();
        tokio::task::spawn_blocking(move || {
            #[expect(clippy::disallowed_methods, reason = "the test starts itself")]
            let mut command = std::process::Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "--ignored", "--nocapture", &format!("egress::tests::environment::{test}")]);
            for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
                command.env(name, &proxy).env(name.to_ascii_lowercase(), &proxy);
            }
            // With it, proxies for `HTTP_PROXY` are left alone.
            command.env_remove("REQUEST_METHOD").env_remove("NO_PROXY").env_remove("no_proxy");
            String::from_utf8(command.stdin(Stdio::null()).output().unwrap().stdout).unwrap()
        })
    };
    let said = child("child_sends").await.unwrap();
    assert!(said.contains(SENT), "{said}");
    assert_eq!(trap.connections(), 0);
    // Others do use them, so the trap could have been met.
    let said = child("child_asks_as_others_do").await.unwrap();
    assert!(said.contains("trapped"), "{said}");
    assert_eq!(trap.connections(), 1);
}

#[tokio::test]
#[ignore = "started by another test"]
async fn child_sends() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    Sender::new().send(outgoing(&server.base())).await.unwrap();
    assert_eq!(server.connections(), 1);
    println!("{SENT}");
}

#[tokio::test]
#[ignore = "started by another test"]
async fn child_asks_as_others_do() {
    println!("{}", reqwest::get("http://192.0.2.1/").await.unwrap().text().await.unwrap());
}
