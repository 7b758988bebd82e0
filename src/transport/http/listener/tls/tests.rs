use std::sync::Arc;

use tokio::io::duplex;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::*;
use crate::transport::http::listener::tests::{Identity, localhost};

type Pipe = tokio::io::DuplexStream;

/// Both ends of a greeting.
async fn greet(
    tls: &Tls,
    connector: &TlsConnector,
) -> (io::Result<TlsStream<Pipe>>, io::Result<super::TlsStream<Pipe>>) {
    let (near, far) = duplex(4096);
    tokio::join!(connector.connect(localhost(), near), tls.greet(far))
}

fn connector(identity: &Identity, version: &'static SupportedProtocolVersion, protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(identity.der.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn http_1_1_is_the_only_protocol_on_offer() {
    let identity = Identity::new();
    let tls = identity.tls();
    for version in [&TLS12, &TLS13] {
        let (client, _) = greet(&tls, &connector(&identity, version, &[b"h2", b"http/1.1"])).await;
        assert_eq!(client.unwrap().get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let (client, _) = greet(&tls, &connector(&identity, version, &[])).await;
        assert_eq!(client.unwrap().get_ref().1.alpn_protocol(), None);
        let (client, server) = greet(&tls, &connector(&identity, version, &[b"h2"])).await;
        assert!(client.is_err() && server.is_err());
    }
}

#[tokio::test]
async fn another_certificate_is_shown_from_the_next_handshake_on() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (old, new) = (Identity::new(), Identity::new());
    let tls = old.tls();
    let (client, server) = greet(&tls, &old.connector()).await;
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    tls.clone().replace(new.chain.as_bytes(), new.key.as_bytes()).unwrap();
    assert!(greet(&tls, &new.connector()).await.0.is_ok());
    assert!(greet(&tls, &Identity::connector(&old)).await.0.is_err(), "the old one is still shown");
    client.write_all(b"still here").await.unwrap();
    client.flush().await.unwrap();
    let mut read = [0; 10];
    server.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"still here");
}

#[tokio::test]
async fn what_cannot_be_used_never_replaces_what_can() {
    let (good, other) = (Identity::new(), Identity::new());
    let tls = good.tls();
    let (chain, key) = (good.chain.as_str(), good.key.as_str());
    let damaged = chain.replacen("MII", "AII", 1);
    let truncated = chain.get(..chain.len() / 2).unwrap();
    let unknown = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (chain, key, expected) in [
        (chain, other.key.as_str(), TlsError::Mismatch),
        (other.chain.as_str(), key, TlsError::Mismatch),
        ("", key, TlsError::NoCertificate),
        (key, key, TlsError::NoCertificate),
        (truncated, key, TlsError::Certificate),
        (damaged.as_str(), key, TlsError::Certificate),
        (chain, "", TlsError::NoKey),
        (chain, chain, TlsError::NoKey),
        (chain, unknown, TlsError::Key),
        (chain, encrypted, TlsError::Encrypted),
    ] {
        assert_eq!(tls.replace(chain.as_bytes(), key.as_bytes()), Err(expected));
        assert_eq!(Tls::new(chain.as_bytes(), key.as_bytes()).err(), Some(expected));
    }
    assert!(greet(&tls, &good.connector()).await.0.is_ok());
}

#[test]
fn nothing_shows_the_key() {
    let identity = Identity::new();
    let shown = format!("{:?}", identity.tls());
    for line in identity.key.lines().filter(|line| !line.starts_with("--")) {
        assert!(!shown.contains(line));
    }
}

#[test]
fn a_certificate_tells_when_it_expires() {
    // That's how the certificates of these tests are made.
    let expected: Timestamp = "4096-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(Identity::new().tls().expires(), Some(expected));
}
