//! One-time passwords.

use totp_rs::{Builder, Secret, Totp};

/// The code of the moment, of an `otpauth://` URI or a bare secret.
pub(crate) fn code(value: &str) -> Option<String> {
    let totp = if value.starts_with("otpauth://") {
        Totp::from_url_unchecked(value).ok()?
    } else {
        let secret = Secret::try_from_base32(value.replace(' ', "").to_uppercase()).ok()?;
        Builder::new().with_secret(secret).build_noncompliant()
    };
    Some(totp.generate_current().to_string())
}
