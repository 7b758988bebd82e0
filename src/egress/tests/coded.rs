//! Answers that come compressed, though nobody asked for it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::super::{Answer, Outgoing, Sender, Withheld};
use super::outgoing;
use super::server::Server;

const BODY: &str = "{\"key\":\"k4n4ry\",\"text\":\"lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum \
    lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum lorem \
    ipsum lorem ipsum lorem ipsum lorem ipsum lorem ipsum \"}";

/// The same by Brotli.
const BODY_BR: &str =
    "1b0901f805c46da99e65e393ad3fc8bdcac520620722894203ca013688a11f6e978aebd0bc14c67afa4c0b696b9f90e403";

/// 64 MiB of zeros, by Brotli.
const BOMB_BR: &str = "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f011087\
    0500baf77ffcffff837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffe3ffff1ffc1300715800a07bff37";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn raw(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn answered(coding: &str, body: &[u8], most: usize) -> Answer {
    let mut answer = format!("HTTP/1.1 200 OK\r\n{coding}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    let server = Server::answering(answer).await;
    Sender::new().send(Outgoing { most_answer: most, ..outgoing(&server.base()) }).await.unwrap()
}

#[tokio::test]
async fn every_coding_is_undone() {
    let two_members = [gzip(&BODY.as_bytes()[..40]), gzip(&BODY.as_bytes()[40..])].concat();
    for (coding, body) in [
        ("content-encoding: gzip", gzip(BODY.as_bytes())),
        ("content-encoding: X-GZip", gzip(BODY.as_bytes())),
        ("content-encoding: gzip", two_members),
        ("content-encoding: deflate", zlib(BODY.as_bytes())),
        ("content-encoding: deflate", raw(BODY.as_bytes())),
        ("content-encoding: br", hex(BODY_BR)),
        ("content-encoding: identity", BODY.into()),
        ("content-encoding: gzip, identity", gzip(BODY.as_bytes())),
        ("content-encoding: identity\r\ncontent-encoding: br", hex(BODY_BR)),
        ("content-encoding: UTF-8", BODY.into()),
        ("content-encoding:", BODY.into()),
    ] {
        let answer = answered(coding, &body, 4096).await;
        assert_eq!(answer.body_withheld, None, "{coding}");
        assert_eq!(std::str::from_utf8(&answer.body).unwrap(), BODY, "{coding}");
        assert!(!answer.truncated && !answer.headers.contains_key("content-encoding"), "{coding}");
        // Up to the bound, whatever the coding.
        for (most, truncated) in [(BODY.len(), false), (BODY.len() - 1, true), (0, true)] {
            let answer = answered(coding, &body, most).await;
            assert_eq!((answer.body.len(), answer.truncated), (most, truncated), "{coding} {most}");
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_in_no_coding() {
    for coding in ["gzip", "deflate", "br"] {
        let answer = answered(&format!("content-encoding: {coding}"), b"", 10).await;
        assert!(answer.body.is_empty() && answer.body_withheld.is_none() && !answer.truncated, "{coding}");
    }
}

#[tokio::test]
async fn bombs_stop_at_the_bound() {
    let zeros = vec![0; 16 << 20];
    for (coding, body) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("br", hex(BOMB_BR))] {
        let answer = answered(&format!("content-encoding: {coding}"), &body, 100_000).await;
        assert_eq!((answer.body.len(), answer.truncated), (100_000, true), "{coding}");
        assert!(answer.body.iter().all(|byte| *byte == 0));
    }
}

#[tokio::test]
async fn what_yields_nothing_does_not_go_on_for_ever() {
    // A member of gzip's with nothing in it, again and again.
    let nothing: &'static [u8] = gzip(b"").leak();
    let server = Server::endless("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", nothing).await;
    let answer = Sender::new().send(Outgoing { most_answer: 1000, ..outgoing(&server.base()) }).await.unwrap();
    assert!(answer.body.is_empty() && answer.truncated);
}

#[tokio::test]
async fn what_cannot_be_searched_is_withheld() {
    let (gz, br) = (gzip(BODY.as_bytes()), hex(BODY_BR));
    let trailing = |body: &[u8]| [body, b"k4n4ry"].concat();
    for (coding, body, why) in [
        ("content-encoding: zstd", vec![0x28, 0xb5, 0x2f, 0xfd], Withheld::Coding),
        ("content-encoding: compress", BODY.into(), Withheld::Coding),
        ("content-encoding: k4n4ry", BODY.into(), Withheld::Coding),
        ("content-encoding: gzip, gzip", gzip(&gz), Withheld::Coding),
        ("content-encoding: gzip\r\ncontent-encoding: br", gz.clone(), Withheld::Coding),
        ("content-encoding: aws-chunked", BODY.into(), Withheld::Coding),
        ("content-encoding: gzip, identity, br", gz.clone(), Withheld::Coding),
        ("content-encoding: gzip", BODY.into(), Withheld::Damaged),
        ("content-encoding: gzip", gz[..gz.len() - 1].to_vec(), Withheld::Damaged),
        ("content-encoding: gzip", gz[..20].to_vec(), Withheld::Damaged),
        ("content-encoding: gzip", trailing(&gz), Withheld::Damaged),
        ("content-encoding: deflate", zlib(BODY.as_bytes())[..30].to_vec(), Withheld::Damaged),
        ("content-encoding: deflate", raw(BODY.as_bytes())[..30].to_vec(), Withheld::Damaged),
        ("content-encoding: deflate", trailing(&zlib(BODY.as_bytes())), Withheld::Damaged),
        ("content-encoding: deflate", vec![0xff; 50], Withheld::Damaged),
        ("content-encoding: br", br[..30].to_vec(), Withheld::Damaged),
        ("content-encoding: br", trailing(&br), Withheld::Damaged),
        ("content-encoding: br", vec![0xff; 50], Withheld::Damaged),
        // Nothing, with a window of 2^30 bytes, which only Brotli's extended format has.
        ("content-encoding: br", vec![0x11, 0xde], Withheld::Damaged),
    ] {
        let answer = answered(coding, &body, 4096).await;
        assert_eq!(answer.body_withheld, Some(why), "{coding}");
        assert!(answer.body.is_empty(), "{coding}");
    }
}
