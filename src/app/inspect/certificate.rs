//! The server's certificate: whether it can be read, whose it is, and when it ends.

use std::time::Duration;

use jiff::Timestamp;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};

use super::Check;
use super::http::MAX_BYTES;
use crate::config::TlsFiles;
use crate::policy::{ReadError, read_private, read_trusted};
use crate::transport::http::certificate_end;

const NAME: &str = "certificate";

/// How long before its end a certificate should have been renewed.
const SOON: Duration = Duration::from_hours(14 * 24);

const RENEW: &str = "renew it: a running server takes the new files by itself";

/// Looks at the certificate and its key; `host` is what clients call the server, where they see it.
pub(super) fn certificate(files: &TlsFiles, host: Option<&str>, now: Option<Timestamp>) -> Vec<Check> {
    let file = files.cert.display();
    let broken = |finding: String, remedy: &str| vec![Check::broken(NAME, finding, remedy)];
    let text = match read_trusted(&files.cert, MAX_BYTES) {
        Ok(text) => text,
        Err(error) => return broken(error.to_string(), "`tls.cert` names a PEM file"),
    };
    let chain: Result<Vec<CertificateDer<'_>>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let chain = chain.unwrap_or_default();
    let Some(first) = chain.first() else {
        return broken(format!("there's no certificate in {file}"), "`tls.cert` names a PEM file");
    };
    let mut checks = vec![lifetime(first, &file.to_string(), now)];
    checks.extend(host.and_then(|host| for_host(first, &file.to_string(), host)));
    checks.extend(key(files, chain));
    checks
}

fn lifetime(certificate: &CertificateDer<'_>, file: &str, now: Option<Timestamp>) -> Check {
    let Some(end) = certificate_end(certificate) else {
        return Check::broken(NAME, format!("{file} doesn't say when it ends"), RENEW);
    };
    match now.map(|now| end.duration_since(now)) {
        Some(left) if !left.is_positive() => Check::broken(NAME, format!("{file} ended at {end:.0}"), RENEW),
        Some(left) if left.unsigned_abs() < SOON => Check::weak(NAME, format!("{file} ends at {end:.0}"), RENEW),
        _ => Check::good(NAME, format!("{file}, until {end:.0}")),
    }
}

fn for_host(certificate: &CertificateDer<'_>, file: &str, host: &str) -> Option<Check> {
    let name = ServerName::try_from(host.trim_matches(['[', ']'])).ok()?;
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    verify_server_name(&parsed, &name).is_err().then(|| {
        let remedy = "clients refuse it: get one for the host in `url`, or correct that";
        Check::broken(NAME, format!("{file} isn't for {host}"), remedy)
    })
}

/// The key: whether it can be read, only by its owner, and is the certificate's.
fn key(files: &TlsFiles, chain: Vec<CertificateDer<'_>>) -> Option<Check> {
    let file = files.key.display();
    let text = match read_private(&files.key, MAX_BYTES) {
        Ok(text) => text,
        Err(error @ ReadError::Readable { .. }) => {
            return Some(Check::weak(NAME, error.to_string(), "whoever has the key can pass for this server"));
        }
        Err(error) => return Some(Check::broken(NAME, error.to_string(), "`tls.key` names a PEM file")),
    };
    let unreadable = || Check::broken(NAME, format!("there's no private key in {file}"), "`tls.key` names a PEM file");
    let Some(key) = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok().and_then(|key| any_supported_type(&key).ok())
    else {
        return Some(unreadable());
    };
    let chain = chain.into_iter().map(CertificateDer::into_owned).collect();
    match CertifiedKey::new(chain, key).keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Some(Check::broken(
            NAME,
            format!("{file} isn't the key of {}", files.cert.display()),
            "name the files that were made together; the server's own certificate comes first",
        )),
        // Not every kind of key can say whose it is.
        Ok(()) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::super::Health;
    use super::*;

    const HOST: &str = "vault.example.com";

    struct Made {
        folder: tempfile::TempDir,
        files: TlsFiles,
    }

    fn made(host: &str, year: i32) -> Made {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned(), "10.0.0.7".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 11);
        let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert_file, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        mode(&key_file, 0o600);
        let text = format!(
            "version = 1\n[[source]]\nname = \"h\"\nkind = \"local\"\n[http]\ntls = {{ cert = {cert_file:?}, key = {key_file:?} }}"
        );
        let dirs = crate::config::Dirs::in_one(folder.path());
        let config = crate::config::Config::parse(&text, &folder.path().join("opward.toml"), &dirs).unwrap();
        Made { files: config.http.tls.unwrap(), folder }
    }

    fn mode(file: &std::path::Path, mode: u32) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn told(made: &Made, host: Option<&str>) -> Vec<(Health, String)> {
        let checks = certificate(&made.files, host, "2026-12-01T10:00:00Z".parse().ok());
        let folder = made.folder.path().to_str().unwrap();
        checks.into_iter().map(|check| (check.health, check.finding.replace(folder, "F"))).collect()
    }

    #[test]
    fn says_until_when_a_certificate_serves() {
        for (year, health, text) in [
            (2027, Health::Good, "F/cert.pem, until 2027-12-11T00:00:00Z"),
            (2026, Health::Weak, "F/cert.pem ends at 2026-12-11T00:00:00Z"),
            (2025, Health::Broken, "F/cert.pem ended at 2025-12-11T00:00:00Z"),
            // From 2050 on, times are written in another way.
            (2051, Health::Good, "F/cert.pem, until 2051-12-11T00:00:00Z"),
        ] {
            assert_eq!(told(&made(HOST, year), Some(HOST)), [(health, text.to_owned())]);
        }
    }

    #[test]
    fn says_when_it_is_for_another_host_or_another_key() {
        let one = made(HOST, 2027);
        assert_eq!(told(&one, None).len(), 1);
        assert_eq!(told(&one, Some("10.0.0.7")).len(), 1);
        assert_eq!(told(&one, Some("[::1]"))[1], (Health::Broken, "F/cert.pem isn't for [::1]".to_owned()));
        assert_eq!(told(&one, Some("other.example"))[1].0, Health::Broken);
        let other = made(HOST, 2027);
        std::fs::copy(&other.files.key, &one.files.key).unwrap();
        assert_eq!(told(&one, None)[1], (Health::Broken, "F/key.pem isn't the key of F/cert.pem".to_owned()));
    }

    #[test]
    fn says_which_file_cannot_be_used() {
        let one = made(HOST, 2027);
        mode(&one.files.key, 0o644);
        assert_eq!(told(&one, None)[1].0, Health::Weak);
        mode(&one.files.key, 0o600);
        std::fs::write(&one.files.key, "no key").unwrap();
        assert_eq!(told(&one, None)[1], (Health::Broken, "there's no private key in F/key.pem".to_owned()));
        std::fs::remove_file(&one.files.key).unwrap();
        assert_eq!(told(&one, None)[1].0, Health::Broken);
        std::fs::write(&one.files.cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert_eq!(told(&one, None)[0], (Health::Broken, "F/cert.pem doesn't say when it ends".to_owned()));
        std::fs::write(&one.files.cert, "").unwrap();
        assert_eq!(told(&one, None), [(Health::Broken, "there's no certificate in F/cert.pem".to_owned())]);
    }

    #[test]
    fn no_piece_of_a_certificate_is_taken_for_a_whole_one() {
        let one = made(HOST, 2027);
        let text = std::fs::read_to_string(&one.files.cert).unwrap();
        let der = CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
        assert!(certificate_end(&der).is_some());
        for end in 0..der.len() {
            assert_eq!(certificate_end(der.get(..end).unwrap()), None, "{end}");
        }
    }
}
