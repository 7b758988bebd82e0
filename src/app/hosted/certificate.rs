//! The files of the server's certificate, watched for a new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::policy::{ReadError, Stamp, read_private, read_trusted};
use crate::transport::http::{Tls, TlsError};

/// The most bytes either file may have; a chain of five certificates has about 10,000.
const MAX_BYTES: u64 = 256 * 1024;
/// How often the files are looked at. Changed ones must also stay the same for that long: certificate and key are
/// written one after the other.
const QUIET: Duration = Duration::from_secs(3);

/// Why there's no certificate to show. None of the key is in here.
#[derive(Debug, thiserror::Error)]
pub(super) enum CertificateError {
    /// A file can't be read, others can change it, or, if it's the key's, others can read it.
    #[error(transparent)]
    File(#[from] ReadError),
    /// What's in a file is of no use.
    #[error("{}: {error}", file.display())]
    Content {
        /// Which.
        file: PathBuf,
        /// What's wrong with it.
        #[source]
        error: TlsError,
    },
    /// Each is well, but they aren't a pair.
    #[error("{} isn't the key of the certificate in {}: put the two that were issued together", key.display(), cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's.
        key: PathBuf,
    },
}

/// Where the server's certificate and its key are, and what was last seen there.
#[derive(Debug)]
pub(super) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    /// Of the pair that was last read, good or bad.
    read: [Stamp; 2],
    /// Of one that differs from it and was seen once.
    changed: Option<[Stamp; 2]>,
}

impl Certificate {
    /// Reads a certificate and its key.
    pub(super) fn open(cert: PathBuf, key: PathBuf) -> Result<(Self, Tls), CertificateError> {
        let mut files = Self { cert, key, read: Default::default(), changed: None };
        files.read = files.stamps();
        let tls = files.with_content(Tls::new)?;
        Ok((files, tls))
    }

    /// Shows what's in the files whenever that changes, until cancelled. A pair that's no good changes nothing, and is
    /// told once.
    pub(super) async fn watch(mut self, tls: Tls, cancel: CancellationToken) {
        let tls = Arc::new(tls);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(QUIET) => {}
            }
            let shown = Arc::clone(&tls);
            // A network file system may make even a look take long.
            let look = tokio::task::spawn_blocking(move || (self.look(&shown), self));
            let Ok((news, files)) = look.await else { return };
            self = files;
            match news {
                None => {}
                Some(Ok(())) => tracing::info!(file = %self.cert.display(), "a new certificate is shown"),
                Some(Err(error)) => tracing::warn!(%error, "the certificate there was is shown on"),
            }
        }
    }

    /// Looks at the files, and reads them once they have changed and then stayed the same.
    fn look(&mut self, tls: &Tls) -> Option<Result<(), CertificateError>> {
        let stamps = self.stamps();
        if stamps == self.read {
            self.changed = None;
            return None;
        }
        if self.changed.as_ref() != Some(&stamps) {
            self.changed = Some(stamps);
            return None;
        }
        self.changed = None;
        self.read = stamps;
        Some(self.with_content(|cert, key| tls.replace(cert, key)))
    }

    fn stamps(&self) -> [Stamp; 2] {
        [Stamp::of(&self.cert), Stamp::of(&self.key)]
    }

    fn with_content<T>(&self, take: impl FnOnce(&[u8], &[u8]) -> Result<T, TlsError>) -> Result<T, CertificateError> {
        let cert = read_trusted(&self.cert, MAX_BYTES)?;
        let key = read_private(&self.key, MAX_BYTES)?;
        take(cert.as_bytes(), key.as_bytes()).map_err(|error| match error {
            TlsError::Mismatch => CertificateError::Mismatch { cert: self.cert.clone(), key: self.key.clone() },
            TlsError::NoCertificate | TlsError::Certificate | TlsError::Unusable => {
                CertificateError::Content { file: self.cert.clone(), error }
            }
            TlsError::NoKey | TlsError::Encrypted | TlsError::Key => {
                CertificateError::Content { file: self.key.clone(), error }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    use super::*;

    /// A certificate that expires in a certain year, and its key.
    fn pair(year: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn put(folder: &Path, name: &str, text: &str, mode: u32) {
        // Each content has its own inode, as when a renewed certificate is put in place.
        let next = folder.join("next");
        fs::write(&next, text).unwrap();
        fs::set_permissions(&next, Permissions::from_mode(mode)).unwrap();
        fs::rename(next, folder.join(name)).unwrap();
    }

    fn put_pair(folder: &Path, (cert, key): &(String, String)) {
        put(folder, "cert.pem", cert, 0o644);
        put(folder, "key.pem", key, 0o600);
    }

    fn open(folder: &TempDir) -> Result<(Certificate, Tls), CertificateError> {
        Certificate::open(folder.path().join("cert.pem"), folder.path().join("key.pem"))
    }

    fn year(tls: &Tls) -> String {
        tls.expires().unwrap().to_string().get(..4).unwrap().to_owned()
    }

    #[test]
    fn a_new_pair_is_shown_once_both_files_stay_the_same() {
        let folder = tempfile::tempdir().unwrap();
        put_pair(folder.path(), &pair(2031));
        let (mut files, tls) = open(&folder).unwrap();
        assert!(files.look(&tls).is_none());
        let (cert, key) = pair(2032);
        put(folder.path(), "cert.pem", &cert, 0o644);
        assert!(files.look(&tls).is_none(), "half of a pair was read");
        put(folder.path(), "key.pem", &key, 0o600);
        assert!(files.look(&tls).is_none(), "it may go on changing");
        assert_eq!(year(&tls), "2031");
        assert!(matches!(files.look(&tls), Some(Ok(()))));
        assert_eq!(year(&tls), "2032");
        assert!(files.look(&tls).is_none());
    }

    #[test]
    fn a_bad_pair_changes_nothing_and_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let good = pair(2031);
        put_pair(folder.path(), &good);
        let (mut files, tls) = open(&folder).unwrap();
        for (cert, key, mode) in [
            (pair(2032).0, good.1.clone(), 0o600),
            (String::new(), good.1.clone(), 0o600),
            (good.0.clone(), pair(2033).1, 0o640),
        ] {
            put(folder.path(), "cert.pem", &cert, 0o644);
            put(folder.path(), "key.pem", &key, mode);
            assert!(files.look(&tls).is_none());
            assert!(matches!(files.look(&tls), Some(Err(_))));
            assert!(files.look(&tls).is_none() && files.look(&tls).is_none(), "it's told again");
            assert_eq!(year(&tls), "2031");
        }
        fs::remove_file(folder.path().join("key.pem")).unwrap();
        assert!(files.look(&tls).is_none());
        assert!(matches!(files.look(&tls), Some(Err(CertificateError::File(ReadError::Missing { .. })))));
        put_pair(folder.path(), &pair(2034));
        assert!(files.look(&tls).is_none());
        assert!(matches!(files.look(&tls), Some(Ok(()))));
        assert_eq!(year(&tls), "2034");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_file_and_without_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(2031);
        let secret = key.lines().nth(1).unwrap();
        for (cert, key, mode, words) in [
            (&cert, &key, 0o644, "key.pem isn't private: others can read it"),
            (&cert, &key, 0o640, "chmod 600"),
            (&cert, &pair(2031).1, 0o600, "key.pem isn't the key of the certificate in"),
            (&key, &key, 0o600, "cert.pem: there's no certificate in it"),
            (&cert, &cert, 0o600, "key.pem: there's no private key in it"),
            (&"x".repeat(300_000), &key, 0o600, "cert.pem has more than 262144 bytes"),
        ] {
            put(folder.path(), "cert.pem", cert, 0o644);
            put(folder.path(), "key.pem", key, mode);
            let error = open(&folder).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(!format!("{error} {error:?}").contains(secret));
        }
        put(folder.path(), "cert.pem", &cert, 0o666);
        put(folder.path(), "key.pem", &key, 0o400);
        assert!(matches!(open(&folder), Err(CertificateError::File(ReadError::Writable { .. }))));
        put(folder.path(), "cert.pem", &cert, 0o644);
        assert!(open(&folder).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn watching_ends_when_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        put_pair(folder.path(), &pair(2031));
        let (files, tls) = open(&folder).unwrap();
        let cancel = CancellationToken::new();
        let task = tokio::spawn(files.watch(tls.clone(), cancel.clone()));
        put_pair(folder.path(), &pair(2032));
        while year(&tls) == "2031" {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        cancel.cancel();
        task.await.unwrap();
        assert_eq!(year(&tls), "2032");
    }
}
