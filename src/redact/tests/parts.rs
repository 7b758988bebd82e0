//! What gives a value away by itself: values in it, it without its last line end, it with other line ends.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{MARKER, hide};

const TOKEN: &str = "canary-7f3a9c51-value";
const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwgg+Y\n-----END PRIVATE KEY-----\n";

type Encode = fn(&[u8]) -> String;

const ENCODINGS: [(&str, Encode); 14] = [
    ("base64", |value| STANDARD.encode(value)),
    ("base64 for addresses", |value| URL_SAFE_NO_PAD.encode(value)),
    ("base64 after a user", |value| STANDARD.encode([b"u:", value].concat())),
    ("hex", |value| each(value, "", |byte| format!("{byte:02x}"))),
    ("HEX", |value| each(value, "", |byte| format!("{byte:02X}"))),
    ("hex with hyphens", |value| each(value, "-", |byte| format!("{byte:02X}"))),
    ("percent", |value| each(value, "", |byte| format!("%{byte:02X}"))),
    ("\\u", |value| each(value, "", |byte| format!("\\u{byte:04x}"))),
    ("octal", |value| each(value, "", |byte| format!("\\{byte:03o}"))),
    ("numbers", |value| format!("{value:?}").trim_matches(['[', ']']).into()),
    ("HTML", |value| each(value, "", |byte| format!("&#{byte};"))),
    ("reversed", |value| value.iter().rev().map(|byte| char::from(*byte)).collect()),
    ("JSON", |value| serde_json::to_string(str::from_utf8(value).unwrap()).unwrap().trim_matches('"').into()),
    ("raw", |value| str::from_utf8(value).unwrap().into()),
];

fn each(value: &[u8], between: &str, write: impl Fn(u8) -> String) -> String {
    value.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(between)
}

#[test]
fn a_value_is_hidden_without_the_white_space_around_it() {
    for stored in [format!("{TOKEN}\n"), format!("{TOKEN}\r\n"), format!(" \t{TOKEN}\n\n"), KEY.into()] {
        let value = stored.trim();
        for (name, encode) in ENCODINGS {
            let text = encode(value.as_bytes());
            let (out, count) = hide(&[stored.as_bytes()], text.as_bytes());
            assert_eq!(count, 1, "{name} of {value:?} in {text}");
            let left = String::from_utf8(out).unwrap().replacen(MARKER, "", 1);
            // What the user before it shares a digit with.
            assert!(left.is_empty() || (name.ends_with("user") && left.len() < 4), "{name} of {stored:?}: {left}");
            // And with it: no more than what stands for the white space.
            let (out, count) = hide(&[stored.as_bytes()], encode(stored.as_bytes()).as_bytes());
            assert_eq!(count, 1, "{name} of {stored:?}");
            let left = String::from_utf8(out).unwrap().replacen(MARKER, "", 1);
            assert!(left.len() <= 4 + (stored.len() - value.len()) * 6, "{name} of {stored:?}: {left}");
        }
    }
}

#[test]
fn line_ends_of_another_kind_do_not_matter() {
    let pairs = KEY.replace('\n', "\r\n");
    for (stored, printed) in [(KEY, pairs.as_str()), (&pairs, KEY)] {
        for printed in [printed, printed.trim_end()] {
            for (name, encode) in ENCODINGS {
                // Where each letter stands for itself, its lines are found at least.
                let text = encode(printed.as_bytes());
                let (out, count) = hide(&[stored.as_bytes()], text.as_bytes());
                let whole = !["hex with hyphens", "numbers", "reversed"].contains(&name);
                assert!(count >= 1 || !whole, "{name} of {printed:?}");
                let left = String::from_utf8(out).unwrap().replacen(MARKER, "", 1);
                assert!(left.len() <= 16 || !whole, "{name} of {printed:?}: {left}");
            }
        }
    }
}

#[test]
fn values_in_a_value_are_hidden_by_themselves() {
    let token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let values: [(String, &str); 24] = [
        (
            r#"{"id": "x", "private_key": "first line\nsecond line", "at": ["https://example.com/token"]}"#.into(),
            "first line\nsecond line",
        ),
        (" \n\t{\"pw\": \"canary-7f3a9c51\"}".into(), "canary-7f3a9c51"),
        (r#"{"url": "postgres://someone:canary%2D7f3a9c51@db/x"}"#.into(), "canary-7f3a9c51"),
        ("USER=someone\nexport DB_PASSWORD='canary-7f3a9c51'\n".into(), "canary-7f3a9c51"),
        ("DB_PASSWORD=\"canary-7f3a9c51\"".into(), "canary-7f3a9c51"),
        ("region = eu\naws_secret_access_key = canary+7f3a/9c51=\n".into(), "canary+7f3a/9c51="),
        ("Protocol=https;AccountName=someone;AccountKey=canary7f3a9c51==;Suffix=x".into(), "canary7f3a9c51=="),
        ("Server=tcp:db;User Id=someone;Pwd=canary-7f3a9c51;Encrypt=true".into(), "canary-7f3a9c51"),
        ("host=db.internal user=someone password=canary-7f3a9c51 port=5432".into(), "canary-7f3a9c51"),
        ("jdbc:postgresql://db/x?user=someone&password=canary-7f3a9c51".into(), "canary-7f3a9c51"),
        (format!("//registry.npmjs.org/:_authToken={token}\n"), token),
        ("machine h login someone password canary-7f3a9c51".into(), "canary-7f3a9c51"),
        ("machine h\n  login someone\n  password canary-7f3a9c51\n".into(), "canary-7f3a9c51"),
        (format!("https://{token}@github.com/a/b"), token),
        (format!("url = https://{token}:x-oauth-basic@github.com"), token),
        ("postgres://someone:canary-7f3a9c51@db.internal:5432/main".into(), "canary-7f3a9c51"),
        ("postgres://someone:canary%2D7f3a%219c51@db.internal".into(), "canary-7f3a!9c51"),
        ("redis://:canary-7f3a9c51@cache/0".into(), "canary-7f3a9c51"),
        ("a: http://someone@h, b: redis://:canary-7f3a9c51@cache/0".into(), "canary-7f3a9c51"),
        ("user:\n    token: canary-7f3a9c51\n".into(), "canary-7f3a9c51"),
        ("users:\n- token: \"canary-7f3a9c51\" \n".into(), "canary-7f3a9c51"),
        ("user:\n  client-key-data: Y2FuYXJ5LTdmM2E5YzUx\n".into(), "Y2FuYXJ5LTdmM2E5YzUx"),
        ("api_key: canary-7f3a9c51 # since May\n".into(), "canary-7f3a9c51"),
        ("  \"clientSecret\": \"canary-7f3a9c51\",\n".into(), "canary-7f3a9c51"),
    ];
    let ordinary = "https://example.com/token someone db.internal:5432 https x-oauth tcp:db example github.com \
                    registry.npmjs.org aws_secret_access_key";
    for (value, leaf) in values {
        assert_eq!(hide(&[value.as_bytes()], leaf.as_bytes()), (MARKER.into(), 1), "{leaf} of {value}");
        let encoded = STANDARD.encode(leaf);
        assert_eq!(hide(&[value.as_bytes()], encoded.as_bytes()), (MARKER.into(), 1), "{encoded} of {value}");
        assert_eq!(hide(&[value.as_bytes()], ordinary.as_bytes()).1, 0, "{value}");
    }
}

#[test]
fn a_line_of_a_key_in_a_json_text_is_hidden_by_itself() {
    let account = serde_json::json!({ "type": "service_account", "private_key": KEY }).to_string();
    for line in ["MIIEvQIBADANBgkqhkiG9w0", "> BAQEFAASCBKcwgg+Y"] {
        assert_eq!(hide(&[account.as_bytes()], line.as_bytes()).1, 1, "{line}");
    }
    let stripped = STANDARD.encode(KEY.trim_end());
    assert_eq!(hide(&[account.as_bytes()], stripped.as_bytes()), (MARKER.into(), 1));
    assert_eq!(hide(&[account.as_bytes()], b"-----BEGIN PRIVATE KEY-----\nanother").1, 0);
}

#[test]
fn what_is_not_named_as_a_secret_is_left_where_any_text_may_stand() {
    let value = "apiVersion: v1\nclusters:\n- name: production-cluster\n  cluster:\n    server: https://cluster.example\n\
                 region = eu-central-1\ntoken: canary-7f3a9c51\nsecretName: production-secrets\nkeyfile: /etc/some/key\n\
                 machine: ssh://gituser@git.example\n";
    for text in ["production-cluster", "eu-central-1", "production-secrets", "/etc/some/key", "gituser@git.example"] {
        assert_eq!(hide(&[value.as_bytes()], text.as_bytes()).1, 0, "{text}");
    }
}
