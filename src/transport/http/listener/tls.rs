//! The certificate shown to clients, and its replacement.
//!
//! TLS 1.2 and 1.3, with the cryptography of aws-lc-rs; HTTP/1.1 is the only protocol on offer. Where certificates come
//! from, and when they're read again, is decided by who makes a [`Tls`].

mod expiry;

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys, ServerConfig};
use tokio_rustls::server::TlsStream;

pub use self::expiry::certificate_end;

/// Why a certificate and a key can't be used. None of the key is in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// No certificate where one should be.
    #[error("there's no certificate in it (a part that begins with -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// Something that isn't a certificate, among those of the chain.
    #[error("it isn't a chain of PEM certificates, the server's own first")]
    Certificate,
    /// No key where one should be.
    #[error("there's no private key in it (a part that begins with -----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// A key behind a passphrase.
    #[error("its private key is encrypted, and nobody is there to give the passphrase: store it without one")]
    Encrypted,
    /// A key of a kind that isn't known, or a damaged one.
    #[error("its private key can't be used: it takes an RSA, ECDSA (P-256, P-384, P-521) or Ed25519 key in PEM")]
    Key,
    /// A certificate and a key that don't belong together.
    #[error("the key isn't the certificate's")]
    Mismatch,
    /// The cryptography refuses its own defaults.
    #[error("TLS can't be set up on this machine")]
    Unusable,
}

/// TLS for a listener. Clones share the certificate.
#[derive(Debug, Clone)]
pub struct Tls {
    acceptor: Acceptor,
    shown: Arc<Shown>,
}

impl Tls {
    /// Takes a chain of certificates, the server's own first, and its key, both in PEM.
    ///
    /// # Errors
    ///
    /// When they can't be used, or not together.
    pub fn new(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = read(chain, key, &provider)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::new(pair))));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Unusable)?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::<Shown>::clone(&shown));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: Acceptor(TlsAcceptor::from(Arc::new(config))), shown })
    }

    /// Shows another certificate from the next handshake on. Connections there are go on.
    ///
    /// # Errors
    ///
    /// When it can't be used. What was shown is shown on then.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let pair = Arc::new(read(chain, key, &aws_lc_rs::default_provider())?);
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    /// When the certificate expires, if it can be told.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        certificate_end(self.shown.pair().cert.first()?)
    }

    /// Makes a stream of bytes a private one.
    pub(super) async fn greet<T: AsyncRead + AsyncWrite + Unpin>(&self, stream: T) -> io::Result<TlsStream<T>> {
        self.acceptor.0.accept(stream).await
    }
}

#[derive(Clone)]
struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

/// The certificate of the moment.
///
/// Only that is replaced, never the whole configuration: a session that a client has from before can be resumed.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn pair(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair())
    }
}

fn read(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
        let encrypted = key.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED);
        if encrypted { TlsError::Encrypted } else { TlsError::NoKey }
    })?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        if error == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            TlsError::Mismatch
        } else if matches!(error, Error::InvalidCertificate(_)) {
            TlsError::Certificate
        } else {
            TlsError::Key
        }
    })
}

const ENCRYPTED: &[u8] = b"ENCRYPTED";

#[cfg(test)]
mod tests;
