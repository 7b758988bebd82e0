//! What the demo's folder holds.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use super::super::failure::Failure;
use super::super::stage::{Home, Item};
use super::api;
use crate::app::Hardening;
use crate::model::Clock;

/// What's in the vault: path, category, value, tag. The values are made up.
const ITEMS: [(&str, &str, &str, &str); 14] = [
    ("Staging/Stripe/credential", "api_key", "sk_test_51PqXvT2eZvKYlo2C8demo", "payments"),
    ("Staging/SendGrid/credential", "api_key", "SG.demo-ngeVfQFYQlKU0ufo8x5d1A", "mail"),
    ("Staging/OpenAI/credential", "api_key", "sk-proj-demo-9f8e7d6c5b4a", "agent"),
    ("Staging/PostgreSQL/password", "DATABASE", "pg-staging-5hT9wq", "database"),
    ("Staging/PostgreSQL/username", "DATABASE", "checkout", "database"),
    ("Staging/Redis/password", "DATABASE", "redis-staging-77ab", "database"),
    (
        "Staging/checkout-env/notesPlain",
        "note",
        "# for the checkout service\nexport LOG_LEVEL=debug\nGREETING=\"Hello, \\\"you\\\"\"\n",
        "env",
    ),
    ("Production/Stripe/credential", "api_key", api::KEY, "payments"),
    ("Production/PostgreSQL/password", "DATABASE", "pg-prod-Zk3!demo", "database"),
    (
        "Production/Root CA/private_key",
        "private_key",
        "-----BEGIN PRIVATE KEY-----\nZGVtbw==\n-----END PRIVATE KEY-----\n",
        "pki",
    ),
    (
        "Production/Deploy key/private_key",
        "ssh_key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nZGVtbw==\n-----END OPENSSH PRIVATE KEY-----\n",
        "pki",
    ),
    ("Finance/Payroll/password", "password", "correct-horse-battery-demo", "people"),
    ("Finance/Bank/password", "password", "tr0ub4dor-demo", "people"),
    ("Team/Wi-Fi/password", "password", "guest-demo-2026", "office"),
];

/// Writes configuration and policy, makes the vault, and fills it. `port` is where the demo's payment service listens.
pub(super) async fn furnish(home: &Home, hardening: Hardening, port: u16) -> Result<(), Failure> {
    home.write("opward.toml", include_str!("opward.toml"))?;
    let policy = include_str!("policy.toml").replace("@hours@", &closed_hours()?);
    home.write("policy.toml", &policy.replace("@port@", &port.to_string()))?;
    let items = ITEMS.map(|(path, category, value, tag)| Item { path, category, value, tag });
    home.furnish(hardening, &items).await
}

/// An hour of the day that isn't now and won't be while the demo runs.
fn closed_hours() -> Result<String, Failure> {
    let now = Clock::system().now().unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    let from = now
        .checked_add(2.hours())
        .map_err(|_| Failure::invalid("the clock can't be read", "set the machine's clock"))?;
    let until = from
        .checked_add(1.hours())
        .map_err(|_| Failure::invalid("the clock can't be read", "set the machine's clock"))?;
    Ok(format!("{:02}:00-{:02}:00 UTC", from.hour(), until.hour()))
}
