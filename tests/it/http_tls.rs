//! Encryption: which certificate is shown, to whom nothing is said without it, and what isn't served with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::http::{Hosted, Wire, call, token, tokens};
use crate::support::{Home, everyone, policy, put};

/// A certificate for this machine, and its key.
struct Pair {
    der: CertificateDer<'static>,
    cert: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        Self { der: made.cert.der().clone(), cert: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// Puts both where a server reads them.
    fn put(&self, home: &Home) {
        home.write("cert.pem", self.cert.as_bytes());
        home.write("key.pem", self.key.as_bytes());
    }
}

async fn home(pair: &Pair) -> Home {
    let home = Home::with(&policy(&[&everyone(&["read"])]), [put("Staging/Stripe/password", "over-tls")]).await;
    pair.put(&home);
    home
}

async fn host(home: &Home) -> Hosted {
    home.host(&format!("[http]\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}\n{}", tokens(&["ann"]))).await
}

/// A connection of a client that trusts these certificates, and the one it was shown.
async fn connect(hosted: &Hosted, trusted: &[&Pair]) -> Result<(Wire, CertificateDer<'static>), std::io::Error> {
    let mut roots = RootCertStore::empty();
    for pair in trusted {
        roots.add(pair.der.clone()).unwrap();
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(hosted.address).await?;
    let stream = connector.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
    Ok((Wire::over(stream, &hosted.address.to_string()), shown))
}

async fn read(wire: &mut Wire) -> serde_json::Value {
    let reply = wire.ask(&call("get_secret", &json!({ "path": "Staging/Stripe" })).bearer(&token("ann"))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["result"]["structuredContent"]["value"].take()
}

/// Waits until a certificate is shown.
async fn shows(hosted: &Hosted, expected: &Pair, trusted: &[&Pair]) {
    let shown = async {
        while connect(hosted, trusted).await.unwrap().1 != expected.der {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), shown).await.expect("another certificate");
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_served_and_no_other_is() {
    let pair = Pair::new();
    let home = home(&pair).await;
    let hosted = host(&home).await;
    assert_eq!(hosted.printed, format!("listening on https://{}/mcp\n", hosted.address));
    let (mut wire, _) = connect(&hosted, &[&pair]).await.unwrap();
    assert_eq!(read(&mut wire).await, "over-tls");
    assert!(connect(&hosted, &[&Pair::new()]).await.is_err(), "a stranger's certificate isn't this one");
    // Without encryption nothing is said, and least of all the token's worth.
    let before = home.requests().len();
    let mut plain = TcpStream::connect(hosted.address).await.unwrap();
    let ask = call("get_secret", &json!({ "path": "Staging/Stripe" })).bearer(&token("ann"));
    plain.write_all(&ask.bytes(&hosted.address.to_string())).await.unwrap();
    let mut said = Vec::new();
    // Whether it's closed or reset is the system's affair.
    let _reset = tokio::time::timeout(Duration::from_secs(20), plain.read_to_end(&mut said)).await.expect("an end");
    assert!(!String::from_utf8_lossy(&said).contains("HTTP/"), "{said:?}");
    assert_eq!(home.requests().len(), before);
    assert_eq!(read(&mut wire).await, "over-tls", "and the other goes on");
    let log = hosted.stop().await;
    assert!(!log.contains(&token("ann")) && !log.contains("over-tls"));
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_those_who_come_then_and_a_bad_one_to_nobody() {
    let (old, new) = (Pair::new(), Pair::new());
    let replaced = async {
        let home = home(&old).await;
        let hosted = host(&home).await;
        let (mut wire, shown) = connect(&hosted, &[&old]).await.unwrap();
        assert_eq!((shown, read(&mut wire).await), (old.der.clone(), json!("over-tls")));
        new.put(&home);
        shows(&hosted, &new, &[&old, &new]).await;
        assert_eq!(read(&mut wire).await, "over-tls", "who was there before is served on");
        hosted.stop().await;
    };
    let spoilt = async {
        let home = home(&old).await;
        let hosted = host(&home).await;
        // The key of another one.
        home.write("cert.pem", new.cert.as_bytes());
        let said = hosted.says("the certificate there was is shown on").await;
        assert!(said.contains("isn't the key of the certificate in"), "{said}");
        let (mut wire, shown) = connect(&hosted, &[&old, &new]).await.unwrap();
        assert_eq!(shown, old.der);
        assert_eq!(read(&mut wire).await, "over-tls");
        let said = hosted.stop().await;
        assert!(!said.contains(old.key.lines().nth(1).unwrap()), "the key stands in the log");
    };
    tokio::join!(replaced, spoilt);
}

#[tokio::test]
async fn a_key_that_others_may_read_is_not_served_with() {
    let pair = Pair::new();
    let home = home(&pair).await;
    home.configure(&format!("[http]\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}\n{}", tokens(&["ann"])));
    let secret = pair.key.lines().nth(1).unwrap();
    for mode in [0o644, 0o640, 0o604] {
        fs::set_permissions(home.path("key.pem"), fs::Permissions::from_mode(mode)).unwrap();
        let output = home.run(&["serve", "--http", "127.0.0.1:0"], "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{mode:o}: {said}");
        assert!(said.contains("key.pem isn't private") && said.contains("chmod 600"), "{mode:o}: {said}");
        assert!(output.stdout.is_empty() && !said.contains(secret));
    }
    fs::set_permissions(home.path("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    for (file, content, words) in [
        ("key.pem", Pair::new().key.as_str(), "isn't the key of the certificate in"),
        ("key.pem", "", "no private key"),
        ("cert.pem", "", "no certificate"),
    ] {
        pair.put(&home);
        home.write(file, content.as_bytes());
        let output = home.run(&["serve", "--http", "127.0.0.1:0"], "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
}
