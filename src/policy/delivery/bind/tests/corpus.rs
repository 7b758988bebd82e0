//! Ways around a template: none gets through.

use super::*;

/// What a shell, a program's own options or an interpreter would act on. None is a path, a table's name or a mode.
const HOSTILE: [&str; 104] = [
    // separators and substitutions
    "a;id",
    "a; id",
    ";id",
    "a|id",
    "|id",
    "a||id",
    "a&id",
    "a&&id",
    "&",
    "a\nid",
    "a\r\nid",
    "a\rid",
    "\nid",
    "a\n",
    "$(id)",
    "a$(id)",
    "${IFS}id",
    "$IFS",
    "$HOME",
    "${HOME}",
    "`id`",
    "a`id`",
    "$((1))",
    "<(id)",
    ">(id)",
    ">out",
    "<in",
    ">>out",
    "2>&1",
    "a>b",
    "{a;b}",
    "!id",
    "!!",
    "^a^b",
    "a#b",
    "#a",
    "*",
    "a*",
    "?",
    "[a-z]",
    "{a..z}",
    "'",
    "\"",
    "a'b",
    "a\"b",
    "';id;'",
    "\";id;\"",
    "'$(id)'",
    "a%0aid",
    "%24%28id%29",
    "\\!id",
    "\\",
    "a\\nid",
    "\\x41",
    "$'\\x41'",
    "%PATH%",
    "%s%n",
    "{{constructor}}",
    "<!--#exec cmd=\"id\"-->",
    "a:b;c",
    "x' OR '1'='1",
    "x\"; DROP TABLE a; --",
    "/**/OR/**/1",
    // options
    "-",
    "--",
    "-x",
    "--help",
    "-c id",
    "-c",
    "-oProxyCommand=id",
    "-e id",
    "-exec",
    "--checkpoint-action=exec=id",
    "--upload-pack=id",
    "--config=core.pager=id",
    "--output=/etc/passwd",
    "--to-command=id",
    "-T/tmp/x",
    "-I{}",
    "--rsh=id",
    "--eval=id",
    "--require=./x",
    "-f/etc/passwd",
    // dashes that aren't the usual one
    "\u{2010}x",
    "\u{2011}x",
    "\u{2012}x",
    "\u{2013}x",
    "\u{2014}x",
    "\u{2015}x",
    "\u{2212}x",
    "\u{fe63}x",
    "\u{ff0d}x",
    "\u{fe58}x",
    "\u{58a}x",
    // what a person can't see, or a terminal acts on
    "a\0b",
    "\0",
    "a\tb",
    "a\u{1b}[2J",
    "a\u{7f}",
    "a\u{202e}b",
    "a\u{200b}b",
    "a\u{feff}",
    "a\u{2028}b",
    "e\u{301}",
];

/// What isn't below a folder, or might not be to some program.
const ELSEWHERE: [&str; 46] = [
    "/etc/passwd",
    "/",
    "//etc/passwd",
    "/srv/migrations/a",
    "/srv/migrations/../x",
    "..",
    "../x",
    "../../etc/passwd",
    "a/..",
    "a/../..",
    "a/../../x",
    "./a",
    ".",
    "a/.",
    "a/./b",
    "a//b",
    "a/",
    "~",
    "~/x",
    "~root/x",
    "a\\..\\..\\x",
    "..\\x",
    "C:\\x",
    "file:///etc/passwd",
    "a/%2e%2e/x",
    "%2e%2e/x",
    "%2e%2e%2fx",
    "..%2fx",
    "%252e%252e%252fx",
    "..;/x",
    "a;/../x",
    "\u{ff0e}\u{ff0e}/x",
    "\u{2025}/x",
    "a\u{ff0f}b",
    "a\u{2215}b",
    "a\u{2044}..\u{2044}x",
    "\u{2024}\u{2024}/x",
    "a/\u{b7}\u{b7}:x",
    "|id",
    "a/-x",
    "-x/a",
    "a/\u{2013}x",
    "a /b",
    "a/ b",
    "..\0/x",
    "..\u{200b}/x",
];

/// What no text may be, however much its author lets pass.
const UNFIT: [&str; 38] = [
    "",
    " ",
    " a",
    "a ",
    "\ta",
    "a\u{a0}",
    "\u{3000}a",
    "a\u{2003}b",
    "a\u{85}b",
    "a\u{b}b",
    "a\u{c}b",
    "a\nb",
    "a\rb",
    "a\0",
    "-x",
    "--x",
    "-",
    "\u{2014}x",
    "\u{2212}x",
    "\u{ff0d}x",
    "\u{ad}x",
    "a\u{ad}b",
    "a\\b",
    "a\u{1b}b",
    "a\u{9b}b",
    "a\u{7f}b",
    "a\u{202d}b",
    "a\u{2066}b",
    "a\u{200d}b",
    "a\u{2060}b",
    "a\u{e0041}b",
    "a\u{fe0f}",
    "a\u{3164}b",
    "a\u{e000}",
    "a\u{10ffff}",
    "a\u{115f}",
    "a\u{1d}b",
    "A\u{30a}",
];

/// What isn't a whole number, or isn't written as one.
const NUMBERS: [&str; 28] = [
    "",
    " 5",
    "5 ",
    "+5",
    "05",
    "-0",
    "5.0",
    "5e1",
    "0x5",
    "0b1",
    "0o7",
    "1_0",
    "1,0",
    "\u{665}",
    "\u{ff15}",
    "\u{2075}",
    "5\n",
    "\n5",
    "5\0",
    "5;id",
    "5 -x",
    "101",
    "-6",
    "9223372036854775808",
    "-9223372036854775809",
    "NaN",
    "inf",
    "--5",
];

#[test]
fn none_of_these_gets_through() {
    let tool = tool();
    let long = "a".repeat(4097);
    let texts = |name: &'static str, texts: &[&str]| {
        texts.iter().map(|text| (name, json!(text))).collect::<Vec<(&'static str, Value)>>()
    };
    let mut attempts = Vec::new();
    for name in ["file", "mode", "table"] {
        attempts.extend(texts(name, &HOSTILE));
        attempts.extend(texts(name, &UNFIT));
        attempts.push((name, json!(long)));
    }
    attempts.extend(texts("file", &ELSEWHERE));
    attempts.extend(texts("any", &UNFIT));
    attempts.extend(texts("n", &NUMBERS));
    attempts.push(("any", json!(long)));
    attempts.push(("file", json!(format!("{}/x", "a".repeat(256)))));
    for (name, _) in good() {
        let name = ["any", "file", "mode", "n", "table"].into_iter().find(|known| *known == name).unwrap();
        let shapes =
            [json!(null), json!(true), json!([]), json!(["full"]), json!({}), json!({ "$ref": "x" }), json!(1.5)];
        attempts.extend(shapes.into_iter().map(|shape| (name, shape)));
    }
    for name in ["file", "mode", "table", "any"] {
        attempts.push((name, json!(7)));
    }
    for number in [json!(7.0), json!(1e2), json!(101), json!(-6), json!(u64::MAX), json!(i64::MIN)] {
        attempts.push(("n", number));
    }
    for name in ["", "File", "FILE", "file ", "file\0", "__proto__", "{file}", "-f", "0", "args", "exe", "env"] {
        attempts.push((name, json!("a")));
    }
    // A pattern matches from the first character to the last, whichever of its branches.
    for text in ["xy", "users;x", "x\n", "x\nx", "9x", "USERS", "us\u{435}rs", "u\u{17f}ers", "x x", "usersx-"] {
        attempts.push(("table", json!(text)));
    }
    for text in ["Full", "FULL", "full ", "ful", "fullx", "quick  check", "full\0", "full\n", "full,quick check"] {
        attempts.push(("mode", json!(text)));
    }
    let through: Vec<_> =
        attempts.iter().filter(|(name, value)| tool.bind(&with(name, value.clone())).is_ok()).collect();
    // `xy` is a table's name like any other.
    assert_eq!(through, [&("table", json!("xy"))]);
    assert!(attempts.len() > 500, "{}", attempts.len());
}

/// Expressions that would break out of what they're put into.
#[test]
fn a_pattern_cannot_undo_its_anchors() {
    for pattern in ["a)|(?:.*", "a)|.*|(?:b", "a|(b", "(?x)a # ", "a\\", "[", "(?P<x>a", "a{2000}{2000}", "(?i", "\\1"]
    {
        let text = POLICY.replace("[a-z_][a-z0-9_]*|x", &pattern.replace('\\', "\\\\"));
        let refused = Policy::parse(&text, "p").err().map(|problems| problems.to_string());
        assert!(refused.is_some_and(|refused| refused.contains("`pattern`")), "{pattern}");
    }
    for (pattern, not) in
        [("a|ab", "abc"), ("^a$", "a\nb"), ("(?m)^a$", "a\nb"), ("a|", "b"), ("(?x)a b", "a b"), ("", "a")]
    {
        let policy = Policy::parse(&POLICY.replace("[a-z_][a-z0-9_]*|x", pattern), "p").unwrap();
        let tool = policy.command("tool").unwrap();
        assert!(tool.bind(&with("table", json!(not))).is_err(), "{pattern}");
    }
}
