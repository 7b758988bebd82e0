//! What's ordinary, what's not, and where the line between them runs.

use proptest::prelude::*;

use super::*;

/// From environment files, settings and the sentences of those who speak of them.
const ORDINARY: &[&str] = &[
    "",
    "hunter2",
    "password",
    "production",
    "Production",
    "PRODUCTION",
    "NODE_ENV=production",
    "us-east-1",
    "ap-southeast-2b",
    "eu-central-1",
    "db-staging",
    "acme-uploads-staging",
    "acme-prod-eks-nodegroup-2",
    "checkout_service_production",
    "CheckoutServiceProduction",
    "checkoutServiceProduction",
    "my.host.name",
    "db.staging.internal",
    "smtp.sendgrid.net",
    "email-smtp.us-west-2.amazonaws.com",
    "o123456.ingest.sentry.io",
    "pgbouncer.acme.svc.cluster.local:6432",
    "kafka-0.kafka.default.svc:9092,kafka-1.kafka.default.svc:9092",
    "noreply@example.com",
    "Acme Checkout <noreply@acme.example>",
    "https://api.staging.example.com",
    "https://api.staging.example.com/v1/users?page=2&limit=50",
    "http://localhost:3000,http://127.0.0.1:3000",
    "https://github.com/acme/checkout-service/pull/1234",
    "redis://localhost:6379/0",
    "postgres://db.internal:5432/app",
    "postgres://app@db.internal:5432/app?sslmode=require",
    "amqp://rabbitmq.default.svc:5672/%2f",
    "mongodb://mongo-0.mongo,mongo-1.mongo/app?replicaSet=rs0&readPreference=secondaryPreferred",
    "jdbc:postgresql://db.internal:5432/app?sslmode=require",
    "Server=db.internal;Database=app;Trusted_Connection=True",
    "postgres://postgres:postgres@localhost:5432/app",
    "/var/run/secrets/kubernetes.io/serviceaccount",
    "~/.ssh/id_ed25519",
    "/usr/local/bin/checkout-service",
    "C:\\Program Files\\PostgreSQL\\16\\bin",
    "${HOME}/.config/opward",
    "Production/Stripe/credential",
    "op://Staging/Checkout Database/password",
    "arn:aws:iam::123456789012:role/deploy-staging",
    "arn:aws:s3:::acme-uploads-staging/*",
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com/checkout",
    "gcr.io/acme-prod/checkout:1.4.2",
    "ghcr.io/acme/checkout-service:main",
    "node:18.17.1-alpine3.18",
    "python3.11-slim-bookworm",
    "v1.29.3-gke.1200",
    "release-2024-01-31-rc2",
    "x86_64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "t3.2xlarge",
    "db.r6g.xlarge",
    "m5d.24xlarge",
    "utf8mb4_unicode_ci",
    "aes-256-gcm",
    "TLS_AES_256_GCM_SHA384",
    "v1beta1.metrics.k8s.io",
    "12345678",
    "1700000000000",
    "1700000000000000",
    "3.14159265358979",
    "+49 30 1234567",
    "4711",
    "2027-01-31",
    "2024-01-31T12:00:00Z",
    "20240131T120000Z",
    "Mon, 02 Jan 2006 15:04:05 MST",
    "%Y-%m-%d %H:%M:%S",
    "10.0.0.0/8",
    "192.168.178.20:8080",
    "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    "2001:db8::/32",
    "00:1a:2b:3c:4d:5e",
    "Europe/Berlin",
    "America/Argentina/Buenos_Aires",
    "en_US.UTF-8",
    "text/html; charset=utf-8",
    "application/json",
    "max-age=31536000; includeSubDomains",
    "0 */5 * * *",
    "*/15 9-17 * * 1-5",
    "info,opward=debug,rmcp=warn",
    "*.example.com,localhost",
    "{\"level\":\"info\",\"format\":\"json\"}",
    "[\"admin\",\"editor\"]",
    "feature/JIRA-1234-add-login",
    "PROJ-1234",
    "acme/checkout#1234",
    "postgres16",
    "Windows11",
    "Prod2025",
    "Summer2024",
    "sk_test",
    "your-api-key-here",
    "<your-token>",
    "changeme-please",
    "abcdefghijklmnop",
    "qwertyuiop",
    "aaaaaaaa",
    "xxxxxxxxxxxxxxxx",
    "------------",
    "running the migration",
    "deploying to us-east-1",
    "running the migration we agreed on",
    "correct horse battery staple",
    "the staging deployment failed, so I look at its database",
    "Hello, world!",
    "hunter2-hunter2",
    "please ask them, then run the other migration again for staging now",
];

/// Made up, each in the shape of a real kind.
const CREDENTIALS: &[&str] = &[
    "AKIAQ3EGX7RLPM2VZ5TN",
    "ASIA5KZWVN7QDL3XRJ2B",
    "q8Zr/4LxWm2+TyKp7VbNc0HdSeJfUa9GiQo3RtXk",
    "ghp_q8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3Rt",
    "github_pat_11ABCDEFG0q8ZrL4xWm2Ty_Kp7VbNc0HdSeJfUa9GiQo3RtXk5MvWz1Yn6BqDs",
    "glpat-q8ZrL4xWm2TyKp7VbNc0",
    "sk_live_51Mq8ZrL4xWm2TyKp7VbNc0Hd",
    "rk_live_q8ZrL4xWm2TyKp7VbNc0HdSe",
    "whsec_q8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQ",
    "xoxb-263594206564-2343594206564-q8ZrL4xWm2TyKp7VbNc0HdSe",
    "https://hooks.slack.com/services/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",
    "SG.q8ZrL4xWm2TyKp7VbNc0Hd.SeJfUa9GiQo3RtXk5MvWz1Yn6BqDsFgHjKlZxCvBn",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.3vX9mKq2ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3RtX",
    "AIzaSyQ8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo",
    "ya29.a0q8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3RtXk",
    "npm_q8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3Rt",
    "pypi-AgEIcHlwaS5vcmcCJGQ4WnJMNHhXbTJUeUtwN1Zi",
    "dop_v1_6f1c0a9be27d4385f0c1b9a7e6d25384a1f0c9be27d43856",
    "hvs.CAESIQ8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3Rt",
    "dckr_pat_q8ZrL4xWm2TyKp7VbNc0HdSeJfU",
    "sk-ant-api03-q8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3RtXk5MvWz1",
    "sk-proj-q8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3",
    "key-6f1c0a9be27d4385f0c1b9a7e6d25384",
    "opw_AfmLMDy9xVH7q8ZrL4xWm2TyKp7VbNc0Hd",
    "ops_eyJzaWduSW5BZGRyZXNzIjoibXkuMXBhc3N3b3JkLmNvbSJ9q8ZrL4xW",
    "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "6f1c0a9be27d4385f0c1b9a7e6d25384",
    "6F1C0A9BE27D4385F0C1B9A7E6D25384",
    "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
    "2e73ad3269b7b4f700d2bce1951cac925e486f6c4b21ec29c72e648053e2344a",
    "9f86d081884c7d65",
    "VGhpc0lzQVNlY3JldEtleQ==",
    "3q2+7wAB/x5Kq9ZrL4xWm2Tw==",
    "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols",
    "JBSWY3DPEHPK3PXP",
    "KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TFOQ",
    "otpauth://totp/Ex:ann?secret=JBSWY3DPEHPK3PXP&issuer=Ex",
    "postgres://app:s3cretS3crEt@db1:5432/app",
    "postgresql://checkout:correcthorse@db.internal/app",
    "redis://:plainwords@localhost:6379",
    "amqps://worker:Zx7Lq2Vn@rabbit/prod",
    "https://6f1c0a9be27d4385f0c1b9a7e6d25384@o123456.ingest.sentry.io/42",
    "Server=db.internal;Database=app;User Id=sa;Password=plainwords;",
    "jdbc:postgresql://db/app?user=app&password=plainwords",
    "https://acme.blob.core.windows.net/x?sig=q8ZrL4xWm2TyKp7VbNc0HdSeJfUa9GiQo3RtXk",
    "Zx7Lq2Vn9R",
    "Zx7Lq2Vn9Rt4Bm6Kc3Wd",
    "k3v9x2m7q4z8",
    "qzvkxwjptm",
    "mfqxzvkrjwtb",
    "QWJVBTZLKPXG",
    "aB3-x9.Kq:Z2_wQ7",
    "g7#Kp!2z$Wq9",
    "T&9f*Lq2^vX8!mZr",
    "x}7K{q[2Z]v9(Lm)",
    "Xy9#mQ2!vL7$kP4%wR8^tN3&",
    "Passw0rd",
    "P@ssw0rd",
    "Passw0rd-77",
    "hunter2!",
    "tr0ub4dor&3",
    "S3cret!pass",
    "Summer2024!",
    "sh0rt-0ne-42",
    "c4n4ry-l3aked+v4lue/of=Str1pe",
    "M0nkey-Bus1ness",
    "p4ssw0rd1",
    "A7K2-9QPL-XX3B-W8RT",
    "abacus-zoom-unfunded-deviator-gizmo-untruth",
    "Abacus-Zoom-Unfunded-Deviator4-Gizmo-Untruth",
    "abacus zoom unfunded deviator gizmo untruth",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "4929123456781236",
    "4929 1234 5678 1236",
    "371449635398431",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    "0a1b2c3d4e5f",
];

fn looked_for<'a>(values: &[&'a str]) -> Vec<&'a str> {
    values.iter().copied().filter(|value| is_telling(value.as_bytes())).collect()
}

#[test]
fn what_is_ordinary_is_not_looked_for() {
    assert!(ORDINARY.len() >= 60);
    assert_eq!(looked_for(ORDINARY), [""; 0]);
}

#[test]
fn what_is_a_credential_is_looked_for() {
    assert!(CREDENTIALS.len() >= 60);
    let missed: Vec<&&str> = CREDENTIALS.iter().filter(|value| !is_telling(value.as_bytes())).collect();
    assert_eq!(missed, [&""; 0]);
}

/// All that's written in this house's own documentation, line by line and word by word, but what's made by chance there.
#[test]
fn hardly_anything_of_a_documentation_is_looked_for() {
    let text = concat!(
        include_str!("../../../../README.md"),
        include_str!("../../../../SECURITY.md"),
        include_str!("../../../README.md")
    );
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches(|char: char| char.is_ascii_punctuation())).collect();
    let found = looked_for(&words);
    assert!(found.len() * 500 < words.len(), "{} of {}: {found:?}", found.len(), words.len());
}

#[test]
fn the_words_of_the_list_can_be_searched() {
    assert!(EFF_LONG_WORDLIST.is_sorted());
    assert_eq!(random_words("yo-yo-abacus-t-shirt-zoom", '-'), Some(4));
    assert_eq!(random_words("abacus-qzvk-zoom", '-'), None);
    assert!(!is_phrase("abacus-zoom-unfunded-deviator-gizmo"), "five words");
}

/// Of a thousand made by chance, so many are missed at most.
#[test]
fn what_chance_makes_is_looked_for() {
    let all = |from: &str, length: usize, missed_at_most: usize| {
        let from: Vec<u8> = from.bytes().collect();
        let missed = (0..1000).filter(|_| {
            let value: Vec<u8> = (0..length).map(|_| from[rand::random_range(0..from.len())]).collect();
            !is_telling(&value)
        });
        let missed = missed.count();
        assert!(missed <= missed_at_most, "{missed} of {length} out of {from:?}");
    };
    let (lower, digits) = ("abcdefghijklmnopqrstuvwxyz", "0123456789");
    let letters = format!("{lower}{}{digits}", lower.to_uppercase());
    // What this program makes itself.
    all(&letters, 32, 0);
    all(&letters, 16, 15);
    all(&format!("{letters}!#%+,-.:=@^_~"), 32, 15);
    all(&format!("{letters}!#%+,-.:=@^_~"), 16, 80);
    // And others.
    all(&letters, 10, 60);
    all("0123456789abcdef", 32, 5);
    all(&format!("{}234567", lower.to_uppercase()), 16, 20);
    all(&format!("{lower}{digits}"), 16, 20);
}

proptest! {
    /// A name of words and short numbers is one, whatever joins them.
    #[test]
    fn names_of_words_are_ordinary(
        words in prop::collection::vec(prop::sample::select(&["acme", "checkout", "staging", "prod", "eu", "west", "worker", "db", "api", "queue", "main", "v2", "1", "42", "2024", "uploads", "internal"][..]), 1..6),
        joint in prop::sample::select(&["-", "_", ".", "/", " ", ":"][..]),
    ) {
        prop_assert!(!is_telling(words.join(joint).as_bytes()), "{}", words.join(joint));
    }
}
