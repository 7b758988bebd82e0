//! Encrypted connections: by name, to the checked address, and only to whom the certificate is for.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use super::super::{NotSent, Outgoing, Sender};
use super::server::{Scripted, Server};
use super::{VALUE, outgoing};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server for a name, and the authority that vouches for it.
async fn server(name: &str) -> (Server, reqwest::Certificate) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let authority = reqwest::Certificate::from_der(made.cert.der()).unwrap();
    (Server::encrypted(OK, TlsAcceptor::from(Arc::new(config))).await, authority)
}

#[tokio::test]
async fn a_name_is_dialled_by_its_checked_address_and_verified_by_name() {
    let (mut server, authority) = server("api.example.test").await;
    let lookup = Scripted::new(&[&["127.0.0.1"]]);
    let sender = Sender::looking_up(Arc::clone(&lookup), vec![authority]);
    let port = server.address.port();
    let answer = sender.send(outgoing(&format!("https://api.example.test:{port}/"))).await.unwrap();
    assert_eq!(&answer.body[..], b"ok");
    let request = server.request().await;
    assert!(request.contains(&format!("host: api.example.test:{port}\r\n")), "{request}");
    assert!(request.contains(VALUE));
    assert_eq!((lookup.asked(), server.connections()), (1, 1));
}

#[tokio::test]
async fn nobody_else_gets_the_request() {
    let (mut server, authority) = server("other.example.test").await;
    let port = server.address.port();
    let lookup = || Scripted::new(&[&["127.0.0.1"]]);
    // Of another name, and of an authority that nobody knows.
    let senders = [Sender::looking_up(lookup(), vec![authority]), Sender::looking_up(lookup(), Vec::new())];
    for (sender, host) in senders.into_iter().zip(["api.example.test", "other.example.test"]) {
        let error = sender.send(outgoing(&format!("https://{host}:{port}/"))).await.unwrap_err();
        assert!(matches!(&error, NotSent::NoConnection(text) if text.contains("certificate")), "{host}: {error}");
    }
    let sent = tokio::time::timeout(std::time::Duration::from_millis(50), server.request()).await;
    assert!(sent.is_err(), "a request was sent");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_is_not_shared_with_who_might_not_have_opened_it() {
    let (server, authority) = server("api.example.test").await;
    let lookup = Scripted::new(&[&["127.0.0.1"]]);
    let sender = Sender::looking_up(Arc::clone(&lookup), vec![authority]);
    let base = format!("https://api.example.test:{}/", server.address.port());
    for _ in 0..2 {
        sender.send(outgoing(&base)).await.unwrap();
    }
    assert_eq!((lookup.asked(), server.connections()), (1, 1));
    let error = sender.send(Outgoing { allow_private: false, ..outgoing(&base) }).await.unwrap_err();
    assert!(matches!(error, NotSent::Forbidden(_)), "{error}");
    assert_eq!((lookup.asked(), server.connections()), (2, 1));
}

#[tokio::test]
async fn a_host_without_encryption_is_not_spoken_to_as_if_it_had_it() {
    let mut plain = Server::answering(OK).await;
    let error = Sender::new().send(outgoing(&format!("https://{}/", plain.address))).await.unwrap_err();
    assert!(matches!(&error, NotSent::NoConnection(text) if text.contains("encrypted")), "{error}");
    assert!(!plain.request().await.contains(VALUE));
    let closed = Outgoing { allow_private: false, ..outgoing("http://api.example.test/") };
    let error = Sender::looking_up(Scripted::new(&[&["127.0.0.1"]]), Vec::new()).send(closed).await.unwrap_err();
    assert!(matches!(error, NotSent::Forbidden(_)), "{error}");
}
