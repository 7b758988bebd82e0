//! Hosts that a value may not be sent to, however they're spelled or resolved. None of these ways dials what may not be reached: listeners at this machine's
//! addresses count who comes, and each way is shown to lead to them where that's possible at all.

use std::net::IpAddr;
use std::sync::Arc;

use url::Url;

use super::super::{NotSent, Outgoing, Sender};
use super::outgoing;
use super::server::{Scripted, Server};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Hosts that are this machine in one spelling or another; `allow_private` does lead there.
pub(super) const THIS_MACHINE: [&str; 21] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "0177.0.0.01",
    "017700000001",
    "00000177.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "%31%32%37.0.0.1",
    "127%2E0%2E0%2E1",
    "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
    "127\u{3002}0\u{3002}0\u{3002}1",
    "\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}",
];

/// Hosts that are never reached, whatever the owner allows.
pub(super) const NEVER: [&str; 43] = [
    "0.0.0.0",
    "0",
    "0x0",
    "00",
    "0.1",
    "[::]",
    "[::ffff:0.0.0.0]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[0::ffff:0:7f00:1]",
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "025177524776",
    "169.254.43518",
    "169.16689662",
    "%31%36%39.254.169.254",
    "169\u{ff0e}254\u{ff0e}169\u{ff0e}254",
    "169\u{3002}254\u{3002}169\u{3002}254",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:a9fe:a9fe::]",
    "[2002:7f00:1::1]",
    "[2001:0:4136:e378:8000:63bf:5601:5601]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "169.254.170.2",
    "224.0.0.1",
    "255.255.255.255",
];

/// Private hosts, which `allow_private` would open.
pub(super) const PRIVATE: [&str; 12] = [
    "10.0.0.1",
    "10.1",
    "0xa000001",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.1",
    "3232235521",
    "100.64.0.1",
    "[fc00::1]",
    "[fd12::1]",
    "[::ffff:c0a8:1]",
];

fn closed(base: &str) -> Outgoing {
    Outgoing { allow_private: false, ..outgoing(base) }
}

#[tokio::test]
async fn this_machine_is_not_dialled_however_it_is_spelled() {
    let trap = Server::trap("127.0.0.1:0").await;
    let sender = Sender::new();
    for (number, host) in THIS_MACHINE.into_iter().enumerate() {
        for scheme in ["https", "http"] {
            let base = format!("{scheme}://{host}:{}/", trap.address.port());
            let error = sender.send(closed(&base)).await.unwrap_err();
            assert!(matches!(&error, NotSent::Forbidden(text) if !text.contains("127")), "{base}: {error}");
        }
        assert_eq!(trap.connections(), number, "{host} was dialled");
        // The trap is where it leads, if it's let.
        let base = format!("http://{host}:{}/", trap.address.port());
        assert_eq!(&sender.send(outgoing(&base)).await.unwrap().body[..], b"trapped", "{base}");
        assert_eq!(trap.connections(), number + 1, "{host} wasn't dialled");
    }
}

#[tokio::test]
async fn this_machine_is_not_dialled_by_its_address_of_version_6() {
    let trap = Server::trap("[::1]:0").await;
    let sender = Sender::new();
    for host in ["[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0.0.0.1]"] {
        let base = format!("https://{host}:{}/", trap.address.port());
        assert!(matches!(sender.send(closed(&base)).await, Err(NotSent::Forbidden(_))), "{base}");
    }
    assert_eq!(trap.connections(), 0);
    assert!(sender.send(outgoing(&trap.base())).await.is_ok());
}

#[tokio::test]
async fn what_is_never_reached_is_not_dialled_whatever_is_allowed() {
    // Some of these lead to this machine on some systems.
    let trap = Server::trap("127.0.0.1:0").await;
    let sender = Sender::new();
    for host in NEVER {
        for scheme in ["https", "http"] {
            let base = format!("{scheme}://{host}:{}/", trap.address.port());
            for request in [outgoing(&base), closed(&base)] {
                let error = sender.send(request).await.unwrap_err();
                assert!(matches!(error, NotSent::Forbidden(_)), "{base}: {error}");
            }
        }
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn private_hosts_are_not_dialled_unless_they_are_allowed() {
    for host in PRIVATE {
        let error = Sender::new().send(closed(&format!("https://{host}/"))).await.unwrap_err();
        assert!(matches!(error, NotSent::Forbidden(_)), "{host}: {error}");
        assert!(outgoing(&format!("https://{host}/")).rebuild().is_ok(), "{host}");
    }
}

#[tokio::test]
async fn no_answer_to_a_look_up_leads_to_what_may_not_be_reached() {
    let trap = Server::trap("127.0.0.1:0").await;
    let port = trap.address.port();
    // Alone, and beside one that may be reached, before or after it.
    let (public, mine) = ("8.8.8.8", "127.0.0.1");
    for (answer, allow_private) in [
        (&[mine][..], false),
        (&[public, mine], false),
        (&[mine, public], false),
        (&["::1"], false),
        (&["::ffff:127.0.0.1"], false),
        (&[public, "10.0.0.1"], false),
        (&["64:ff9b::7f00:1", public], false),
        (&["169.254.169.254"], true),
        (&[mine, "169.254.169.254"], true),
        (&["169.254.169.254", mine], true),
        (&[mine, "::ffff:169.254.169.254"], true),
        (&[mine, "fd00:ec2::254"], true),
        (&[mine, "0.0.0.0"], true),
        (&[mine, "fe80::1"], true),
        (&["0.0.0.0"], true),
        (&["::"], true),
    ] {
        let sender = Sender::looking_up(Scripted::new(&[answer]), Vec::new());
        for scheme in ["https", "http"] {
            for host in
                ["api.example.test", "localhost", "metadata.google.internal", "b\u{fc}cher.example", "a.example."]
            {
                let request = Outgoing { allow_private, ..outgoing(&format!("{scheme}://{host}:{port}/")) };
                let error = sender.send(request).await.unwrap_err();
                assert!(matches!(&error, NotSent::Forbidden(_)), "{answer:?} {error}");
                assert!(answer.iter().all(|address| !error.to_string().contains(address)), "{error}");
            }
        }
    }
    assert_eq!(trap.connections(), 0);
    let sender = Sender::looking_up(Scripted::new(&[&[mine]]), Vec::new());
    assert!(sender.send(outgoing(&format!("http://api.example.test:{port}/"))).await.is_ok());
}

#[tokio::test]
async fn without_encryption_only_private_hosts_are_dialled() {
    for answer in [&["8.8.8.8"][..], &["127.0.0.1", "8.8.8.8"]] {
        let sender = Sender::looking_up(Scripted::new(&[answer]), Vec::new());
        let error = sender.send(outgoing("http://api.example.test/")).await.unwrap_err();
        assert!(matches!(error, NotSent::Forbidden(_)), "{answer:?} {error}");
    }
    assert!(matches!(Sender::new().send(outgoing("http://8.8.8.8/")).await, Err(NotSent::Forbidden(_))));
}

#[tokio::test]
async fn a_name_that_flips_is_looked_at_each_time_it_is_dialled() {
    let (trap, target) = ("169.254.169.254", "127.0.0.1");
    let mut server = Server::answering(OK).await;
    let lookup = Scripted::new(&[&[target], &[trap], &[target], &[target, trap], &[target]]);
    let sender = Sender::looking_up(Arc::clone(&lookup), Vec::new());
    let base = format!("http://flips.example.test:{}/", server.address.port());
    for (number, good) in [true, false, true, false, true].into_iter().enumerate() {
        let sent = sender.send(outgoing(&base)).await;
        assert_eq!(sent.is_ok(), good, "{number}: {sent:?}");
        // One look-up a connection: what was looked at is what was dialled.
        assert_eq!(lookup.asked(), number + 1);
        if good {
            assert!(server.request().await.contains("host: flips.example.test"));
        } else {
            assert!(matches!(sent, Err(NotSent::Forbidden(_))));
        }
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn names_that_cannot_be_resolved_are_said_to_be() {
    let sender = Sender::looking_up(Scripted::new(&[&[]]), Vec::new());
    let error = sender.send(outgoing("https://nowhere.example.test/")).await.unwrap_err();
    assert!(matches!(&error, NotSent::NoConnection(text) if text.contains("resolved")), "{error}");
}

#[test]
fn what_is_an_address_to_a_connection_is_one_to_the_check() {
    // The client dials a host that it can read as an address without a look-up.
    for host in THIS_MACHINE.into_iter().chain(NEVER).chain(PRIVATE) {
        let url = Url::parse(&format!("https://{host}/")).unwrap();
        assert!(!matches!(url.host(), Some(url::Host::Domain(_))), "{host}");
    }
    for host in ["localhost", "a.127.0.0.1.example", "127.0.0.1.nip.io", "0x7f.example"] {
        assert!(host.parse::<IpAddr>().is_err());
    }
}
