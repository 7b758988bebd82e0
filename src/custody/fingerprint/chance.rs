//! Whether a text was made by chance or by people.
//!
//! Two explanations are compared, character by character, in bits. One is that chance drew each character from an
//! alphabet: that costs the same for all of them. The other is that people wrote words, names and numbers: then one
//! letter follows another as in a list of words, and going over from letters to digits, to capitals within a word or to
//! rare punctuation costs something. Chance has to be the better explanation by a margin, for the whole text or, by a
//! larger one, for a stretch of it.

use std::sync::LazyLock;

use diceware_wordlists::EFF_LONG_WORDLIST;

/// By how much chance has to be the better explanation of a whole text, in bits.
const WHOLE: f32 = 7.0;

/// And of a stretch: of those there are many in one text.
const STRETCH: f32 = 18.0;

/// How much more likely than by chance each character counts: what's looked for too much is less bad than a password
/// that isn't.
const TILT: f32 = 0.3;

/// Going from letters to digits, from digits to letters, and to another case within a word.
const SWITCH: f32 = 6.0;

/// The same for rare punctuation.
const SWITCH_TO_RARE: f32 = 3.0;

/// What usually stands between words.
const SEPARATOR: f32 = 4.0;

/// What encloses them.
const ENCLOSING: f32 = 6.0;

/// Any other punctuation.
const RARE: f32 = 11.0;

/// What goes on as the two characters before it: `aaa`, `123`, `fed`.
const GOES_ON: f32 = 1.0;

/// What's neither a letter, a digit nor in ASCII.
const FOREIGN: f32 = 5.0;

/// The most that any letter costs after another one.
const SURPRISE: f32 = 10.0;

/// The most that any letter costs at the beginning of a word.
const BEGINNING: f32 = 6.5;

/// What a separator within a stretch of digits and letters takes off; groups of an id are joined by some, and where
/// both cases stand together it's one of a password's own.
const JOINT: f32 = 4.0;

/// The same within one of letters alone, since short words are more often joined.
const JOINT_OF_LETTERS: f32 = 5.0;

const LETTERS: usize = 26;

/// Words of the trade, which have other letters next to each other than those of the list.
const TRADE: &str = "http https html xml xsl xslt json jsonl yaml toml csv xlsx pdf svg jpg jpeg png gif mp3 mpeg tls \
    ssl ssh sftp ftp smtp imap dns dhcp tcp udp ldap mtls mqtt grpc rpc nfs tmpfs etc usr lib libx bin dev proc tmp \
    var src pkg cfg conf config env param params args argv ctx msg req res str ptr num len idx img btn txt doc docx \
    sql psql mysql pgsql mssql sqlite postgres nginx xdg xorg gtk qt kde linux ubuntu win sys sysctl systemd ctl \
    kubectl mgmt mgr svc srv prod stg qa ctrl cmd exec async sync fsync rsync mkdir chmod umask stdin stdout stderr \
    pkcs rsa ecdsa hmac hkdf aes gcm cbc sha crypto crypt jwt jwks oauth oidc saml sso mfa totp otp iam kms ecr ecs \
    eks rds sqs sns vpc aws gcp gcr gke vpn cdn cname mx dkr xlarge npm pnpm npx yarn tsx js css scss php python \
    cpython numpy pytest pip pypi rails ruby gem rust rustc llvm clang gcc glibc cxx cpp wasm jvm jdk jar kotlin \
    dotnet webhook websocket redis kafka rabbitmq amqp mongodb github gitlab jira www blog faq cms crm erp api apis \
    sdk url uri uuid utf ascii iso utc cet pci vms cpu gpu ram ssd nvme lvm zfs btrfs ext docker helm tfstate tfvars";

/// How often a pair of letters counts for each time that it's in a word of the trade.
const TRADE_COUNTS: u16 = 8;

/// What chance draws from, and how many bits each draw is.
const ALPHABETS: [Alphabet; 8] = [
    Alphabet { has: |byte| byte.is_ascii_lowercase(), bits: 4.70, joint: JOINT_OF_LETTERS },
    Alphabet { has: |byte| byte.is_ascii_uppercase(), bits: 4.70, joint: JOINT_OF_LETTERS },
    Alphabet { has: |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'), bits: 4.0, joint: JOINT },
    Alphabet { has: |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'), bits: 4.0, joint: JOINT },
    Alphabet { has: |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'), bits: 5.17, joint: JOINT },
    Alphabet { has: |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z'), bits: 5.17, joint: JOINT },
    Alphabet { has: u8::is_ascii_alphanumeric, bits: 5.95, joint: 0.0 },
    Alphabet { has: u8::is_ascii_graphic, bits: 6.55, joint: JOINT },
];

/// What each letter costs in words, in bits.
static HABITS: LazyLock<Habits> = LazyLock::new(Habits::of_words);

struct Alphabet {
    has: fn(&u8) -> bool,
    bits: f32,
    joint: f32,
}

struct Habits {
    beginning: [f32; LETTERS],
    next: [[f32; LETTERS]; LETTERS],
}

/// What's known of the characters before one.
#[derive(Default)]
struct Before {
    last: Option<u8>,
    /// By how much it differs from the one before it.
    step: Option<i16>,
    /// How many capitals stand before, one after another.
    capitals: usize,
}

/// Whether chance explains a text, or a stretch of it, better than words, names and numbers do.
pub(super) fn explains(text: &[u8]) -> bool {
    let mut before = Before::default();
    let mut totals = [(0.0_f32, 0.0_f32); ALPHABETS.len()];
    for byte in text {
        let cost = before.cost(&HABITS, *byte);
        for (alphabet, (stretch, whole)) in ALPHABETS.iter().zip(&mut totals) {
            let gain = if (alphabet.has)(byte) {
                cost - alphabet.bits + TILT
            } else if is_separator(*byte) || *byte == b'+' {
                -alphabet.joint
            } else {
                f32::NEG_INFINITY
            };
            *stretch = (*stretch + gain).max(0.0);
            *whole += gain;
            if *stretch >= STRETCH {
                return true;
            }
        }
    }
    totals.iter().any(|(_, whole)| *whole >= WHOLE)
}

impl Before {
    /// What a character costs if people wrote it.
    fn cost(&mut self, habits: &Habits, byte: u8) -> f32 {
        let last = self.last.replace(byte);
        let step = last.map(|last| i16::from(byte) - i16::from(last));
        let goes_on = step.is_some_and(|step| step.abs() <= 1) && step == self.step;
        self.step = step;
        let cost = if byte.is_ascii_alphabetic() {
            self.letter(habits, last, byte)
        } else {
            self.capitals = 0;
            other(last, byte)
        };
        if goes_on { cost.min(GOES_ON) } else { cost }
    }

    fn letter(&mut self, habits: &Habits, last: Option<u8>, byte: u8) -> f32 {
        let capitals = self.capitals;
        self.capitals = if byte.is_ascii_uppercase() { capitals + 1 } else { 0 };
        match last {
            Some(last) if last.is_ascii_lowercase() && byte.is_ascii_uppercase() => habits.begins(byte) + SWITCH,
            Some(last) if last.is_ascii_alphabetic() => {
                let is_switch = byte.is_ascii_lowercase() && capitals > 1;
                habits.follows(last, byte) + if is_switch { SWITCH } else { 0.0 }
            }
            Some(last) if last.is_ascii_digit() => habits.begins(byte) + SWITCH,
            Some(last) if !is_separator(last) => habits.begins(byte) + SWITCH_TO_RARE,
            _ => habits.begins(byte),
        }
    }
}

/// What anything but a letter costs.
fn other(last: Option<u8>, byte: u8) -> f32 {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric();
    match byte {
        b'0'..=b'9' => {
            let switch = match last {
                Some(last) if last.is_ascii_alphabetic() => SWITCH,
                Some(last) if !is_word(last) && !is_separator(last) => SWITCH_TO_RARE,
                _ => 0.0,
            };
            10.0_f32.log2() + switch
        }
        _ if !byte.is_ascii() => FOREIGN,
        _ if is_separator(byte) => SEPARATOR,
        b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b';' | b'|' | b'\\' => {
            ENCLOSING + if last.is_some_and(is_word) { SWITCH_TO_RARE } else { 0.0 }
        }
        _ => RARE,
    }
}

/// What usually stands between words, also within names, addresses and formats of times.
fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"-_./:,=@%".contains(&byte)
}

impl Habits {
    /// Learned from the words that passphrases are made of.
    fn of_words() -> Self {
        let mut beginning = [40_u16; LETTERS];
        let mut next = [[1_u16; LETTERS]; LETTERS];
        let ours = EFF_LONG_WORDLIST.iter().map(|word| (*word, 1, 1));
        for (word, begins, counts) in ours.chain(TRADE.split_ascii_whitespace().map(|word| (word, 10, TRADE_COUNTS))) {
            let letters = || word.bytes().map(index);
            if let Some(count) = letters().next().flatten().and_then(|first| beginning.get_mut(first)) {
                *count = count.saturating_add(begins);
            }
            for (one, other) in letters().zip(letters().skip(1)) {
                let (Some(one), Some(other)) = (one, other) else { continue };
                if let Some(count) = next.get_mut(one).and_then(|row| row.get_mut(other)) {
                    *count = count.saturating_add(counts);
                }
            }
        }
        Self { beginning: bits(beginning, BEGINNING), next: next.map(|row| bits(row, SURPRISE)) }
    }

    fn begins(&self, letter: u8) -> f32 {
        index(letter).and_then(|letter| self.beginning.get(letter)).copied().unwrap_or(BEGINNING)
    }

    fn follows(&self, last: u8, letter: u8) -> f32 {
        let row = index(last).and_then(|last| self.next.get(last));
        row.and_then(|row| row.get(index(letter)?)).copied().unwrap_or(SURPRISE)
    }
}

/// How many bits each costs that was counted so often.
fn bits(counts: [u16; LETTERS], at_most: f32) -> [f32; LETTERS] {
    let all: f32 = counts.iter().map(|count| f32::from(*count)).sum();
    counts.map(|count| (all / f32::from(count)).log2().min(at_most))
}

fn index(letter: u8) -> Option<usize> {
    letter.is_ascii_alphabetic().then(|| usize::from(letter.to_ascii_lowercase() - b'a'))
}
