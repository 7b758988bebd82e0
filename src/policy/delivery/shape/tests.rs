use proptest::prelude::*;

use super::*;

#[test]
fn patterns_cover_what_people_expect() {
    for (pattern, path, expected) in [
        ("/v1/**", "/v1/charges", true),
        ("/v1/**", "/v1/charges/ch_1/refunds", true),
        ("/v1/**", "/v1", true),
        ("/v1/**", "/v2/charges", false),
        ("/v1/**", "/v1x/charges", false),
        ("/v1/**", "/V1/charges", false),
        ("/v1/*", "/v1/charges", true),
        ("/v1/*", "/v1/charges/ch_1", false),
        ("/v1/*", "/v1", false),
        ("/v1/ch_*", "/v1/ch_1", true),
        ("/v1/ch_*", "/v1/ch_", true),
        ("/v1/ch_*", "/v1/re_1", false),
        ("/**/refunds", "/v1/charges/ch_1/refunds", true),
        ("/**/refunds", "/refunds", true),
        ("/**/refunds", "/v1/refunds/re_1", false),
        ("/v1/", "/v1/", true),
        ("/v1/", "/v1", false),
        ("/v1", "/v1/", false),
        ("/v1/**", "/v1/", true),
        ("/v1/**", "/v1/charges/", true),
        ("/v1/*", "/v1/", false),
        ("/v1/*", "/v1/charges/", false),
        ("/v1/*/", "/v1/charges/", true),
        ("/v1/*/", "/v1/charges", false),
        ("/v1/*/", "/v1/", false),
        ("/v1/ch_*", "/v1/ch_1/", false),
        ("/v1/**/", "/v1/charges/ch_1/", true),
        ("/v1/**/", "/v1/", true),
        ("/v1/**/", "/v1/charges", false),
        ("/**/refunds/", "/v1/refunds/", true),
        ("/**/refunds", "/v1/refunds/", false),
        ("/**", "/v1/", true),
        ("/", "/v1/", false),
        ("/*", "/", false),
        ("/", "/", true),
        ("/**", "/", true),
        ("/a/**/b/**/c", "/a/x/b/y/b/c", true),
        ("/a/**/b/**/c", "/a/x/b/y/c/d", false),
    ] {
        assert_eq!(check(pattern), Ok(()), "{pattern}");
        assert!(is_plain(path), "{path}");
        assert_eq!(covers(pattern, path), expected, "{pattern} on {path}");
    }
}

/// Each of these has a second reading somewhere on its way.
#[test]
fn paths_that_could_be_read_otherwise_match_nothing() {
    for path in [
        "",
        "v1/charges",
        "//v1/charges",
        "/v1//charges",
        "//",
        "/v1/charges//",
        "/v1/../",
        "/v1/./",
        "/v1/;/",
        "/v1/./charges",
        "/v1/../admin",
        "/..",
        "/.",
        "/v1/%2e%2e/admin",
        "/v1/%2E%2E/admin",
        "/v1/.%2e/admin",
        "/v1/..%2fadmin",
        "/v1/%2e%2e%2fadmin",
        "/v1%2fcharges",
        "/v1%2Fcharges",
        "/v1/%5c..%5cadmin",
        "/v1\\charges",
        "/v1/..\\admin",
        "/v1/%252e%252e/admin",
        "/v1/%25",
        "/v1/%",
        "/v1/%2",
        "/v1/%zz",
        "/v1/%00",
        "/v1/%0d%0aX: y",
        "/v1/\r\nX: y",
        "/v1/a b",
        "/v1/\t",
        "/v1/a?b",
        "/v1/a#b",
        "/v1/..;/admin",
        "/v1/.;x=1/admin",
        "/v1/..;x/admin",
        "/v1/;/admin",
        "/v1/%c0%ae%c0%ae/admin",
        "/v1/%c0%af",
        "/v1/%ef%bc%8e%ef%bc%8e/admin",
        "/v1/%e2%80%a5/admin",
        "/v1/a%ef%bc%8fb",
        "/v1/%e2%80%ae",
        "/v1/%ff",
        "/v1/é",
        "/v1/%61dmin",
        "/v1/%41",
        "/v1/a*b",
        "/v1/*",
        "/v1/**",
        "/v1/{a}",
        "/v1/<a>",
        "/v1/\"a\"",
        "/v1/a|b",
        "/v1/a^b",
        "/v1/a`b",
        "/v1/[a]",
        "http://elsewhere/v1",
        "@elsewhere/v1",
        "\\\\elsewhere\\v1",
        "/v1/\u{202e}",
        "/v1/%7f",
        "/v1/%ef%bc%85",
        "/v1/+/..",
        "?a=b",
        "#",
        "/v1/\0",
    ] {
        assert!(!is_plain(path), "{path:?}");
    }
    let long = format!("/{}", "a".repeat(LONGEST));
    assert!(!is_plain(&long));
    assert_eq!(check(&long), Err(ShapeError::TooLong));
}

#[test]
fn ordinary_paths_are_plain() {
    for path in [
        "/",
        "/v1/",
        "/v1/a/",
        "/v1/a.b",
        "/v1/...",
        "/v1/.well-known/x",
        "/a/b@c:d",
        "/a/(b)",
        "/a/b;v=1",
        "/a/%20b",
        "/a/%c3%a9",
        "/~u/a+b",
    ] {
        assert!(is_plain(path), "{path}");
    }
}

#[test]
fn patterns_that_mean_something_else_are_refused() {
    for (pattern, error) in [
        ("v1/**", ShapeError::Relative),
        ("", ShapeError::Relative),
        ("**", ShapeError::Relative),
        ("//", ShapeError::Empty),
        ("/v1//", ShapeError::Empty),
        ("/v1/**//", ShapeError::Empty),
        ("/v1/../", ShapeError::Dots),
        ("/v1//a", ShapeError::Empty),
        ("/v1/../a", ShapeError::Dots),
        ("/v1/a**", ShapeError::Depth),
        ("/v1/***", ShapeError::Depth),
        ("/v1/a?", ShapeError::Character),
        ("/v1/{a}", ShapeError::Character),
        ("/v1/[a]", ShapeError::Character),
        ("/v1/%2e", ShapeError::Character),
        ("/v1/%2F", ShapeError::Character),
        ("/v1/a b", ShapeError::Character),
        ("/v1/é", ShapeError::Character),
        ("/v1/a\\b", ShapeError::Character),
    ] {
        assert_eq!(check(pattern), Err(error), "{pattern}");
    }
}

#[test]
fn a_pattern_lies_below_a_folder_or_it_does_not() {
    for (pattern, folder, expected) in [
        ("/v1/**", "/", true),
        ("/**", "/", true),
        ("/api/v1/*", "/api/", true),
        ("/api", "/api/", true),
        ("/api/", "/api/", true),
        ("/api/", "/", true),
        ("/api/", "/api/v1/", false),
        ("/apix/", "/api/", false),
        ("/v1/**", "/api/", false),
        ("/**", "/api/", false),
        ("/*/v1", "/api/", false),
        ("/apix/v1", "/api/", false),
        ("/api/v1", "/api/v1/x/", false),
    ] {
        assert_eq!(lies_below(pattern, folder), expected, "{pattern} below {folder}");
    }
}

/// The same, tried in every way.
fn naively(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|skipped| naively(rest, &path[skipped..])),
        Some((first, rest)) => path.split_first().is_some_and(|(name, below)| {
            let (letters, named): (Vec<char>, Vec<char>) = (first.chars().collect(), name.chars().collect());
            first.is_empty() == name.is_empty() && naive_star(&letters, &named) && naively(rest, below)
        }),
    }
}

fn naive_star(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|length| naive_star(rest, &text[length..])),
        Some((first, rest)) => text.split_first().is_some_and(|(c, below)| c == first && naive_star(rest, below)),
    }
}

proptest! {
    #[test]
    fn it_matches_as_trying_everything_does(
        pattern in proptest::collection::vec("\\*\\*|[ab*]{1,4}", 0..5),
        path in proptest::collection::vec("[ab]{1,3}", 0..5),
        ends in (any::<bool>(), any::<bool>()),
    ) {
        let pattern: Vec<&str> = pattern.iter().map(String::as_str).filter(|s| *s == "**" || !s.contains("**")).collect();
        let mut path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut pattern = pattern;
        // `/` alone has no segments, so it has none to end.
        pattern.extend((ends.0 && !pattern.is_empty()).then_some(""));
        path.extend((ends.1 && !path.is_empty()).then_some(""));
        let (written, asked) = (format!("/{}", pattern.join("/")), format!("/{}", path.join("/")));
        prop_assert_eq!(covers(&written, &asked), naively(&pattern, &path), "{} on {}", written, asked);
    }

    #[test]
    fn a_plain_path_has_no_second_reading(path in "(/|[a-z.%2eE5cCfF;\\\\~ é]){0,14}") {
        if is_plain(&path) {
            prop_assert!(path.starts_with('/') && path.is_ascii());
            let mut lower = path.to_lowercase();
            for _ in 0..3 {
                lower = lower.replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\").replace("%25", "%");
            }
            prop_assert!(!lower.contains('\\') && !lower.contains("//") && lower.matches('/').count() == path.matches('/').count());
            // What a `/` at the end makes is empty for everybody.
            let within = lower.strip_suffix('/').unwrap_or(&lower);
            prop_assert!(path == "/" || within.split('/').skip(1).all(|name| !["", ".", ".."].contains(&name.split(';').next().unwrap())));
        }
    }
}
