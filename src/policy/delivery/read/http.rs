//! Reads `[[http]]`.

use std::time::Duration;

use http::Method;
use url::Url;

use super::super::super::diagnostics::Problems;
use super::super::super::parse::{read_list, read_rate, unknown};
use super::super::super::reader::{Placed, Section};
use super::super::http::{HttpEntry, is_this_machine};
use super::super::shape;
use super::{inject, words};
use crate::model::DeliveryName;

/// The keys of an HTTP entry.
pub(in crate::policy) const KEYS: [&str; 9] =
    ["name", "description", "base", "methods", "paths", "inject", "limit", "allow_private", "timeout"];

/// The methods that can be asked with.
const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Reads one entry. Everything is read before anything is given up, so that each mistake is found.
pub(super) fn read(
    section: &Section<'_, '_>,
    name: Option<DeliveryName>,
    line: usize,
    problems: &mut Problems,
) -> Option<HttpEntry> {
    let description = words::description(section, problems);
    let allow_private = section.boolean("allow_private", problems).is_some_and(|allow| allow.value);
    let base = read_base(section, allow_private, problems);
    let methods = read_list(section, "methods", Some("what may be asked with: [\"GET\"]"), problems, |word| {
        let words: Vec<&str> = METHODS.iter().map(Method::as_str).collect();
        METHODS.into_iter().find(|method| method.as_str() == word).ok_or_else(|| unknown("a method", word, &words))
    });
    let paths = read_list(section, "paths", Some("what may be asked for: [\"/v1/**\"]"), problems, |pattern| {
        shape::check(pattern).map_err(|error| (error.to_string(), None))?;
        match &base {
            Some(base) if !shape::lies_below(pattern, base.path()) => {
                let help = format!("paths are absolute on the host: write {}…", base.path());
                Err(("this isn't below the path of `base`".to_owned(), Some(help)))
            }
            _ => Ok(pattern.to_owned()),
        }
    });
    let inject = inject::read(section, problems);
    let rate = read_rate(section, problems);
    let timeout = words::timeout(section, Duration::from_secs(30), Duration::from_mins(10), problems);
    let (inject, secret) = inject?;
    Some(HttpEntry {
        name: name?,
        description,
        base: base?,
        methods: methods?,
        paths: paths?,
        inject,
        secret,
        rate,
        allow_private,
        timeout: timeout?,
        line,
    })
}

fn read_base(section: &Section<'_, '_>, allow_private: bool, problems: &mut Problems) -> Option<Url> {
    if section.value("base").is_none() {
        section.missing("base", "what every address begins with: base = \"https://api.stripe.com/\"", problems);
        return None;
    }
    let Placed { value, span } = section.string("base", problems)?;
    if value.contains('@') {
        // What stands before it is somebody's password.
        problems.hide(span.clone());
    }
    match base(value, allow_private) {
        Ok(base) => Some(base),
        Err((message, help)) => {
            problems.add_with_help(span, message, "here", help);
            None
        }
    }
}

/// An address with one spelling: what a person reads is what's dialled.
fn base(written: &str, allow_private: bool) -> Result<Url, (String, Option<String>)> {
    let plain = |message: &str| (message.to_owned(), None);
    let url = Url::parse(written).map_err(|error| (format!("`base` isn't an address: {error}"), None))?;
    if !url.username().is_empty() || url.password().is_some() || written.contains('@') {
        return Err(plain("`base` has no user and no password in it; `inject` says where a secret goes"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(plain("`base` has no `?` and no `#` in it"));
    }
    match url.host_str() {
        None => return Err(plain("`base` has no host in it")),
        Some(name) if name.ends_with('.') => return Err(plain("the host in `base` ends with a dot")),
        Some(_) => {}
    }
    if is_this_machine(&url) && !allow_private {
        let help = "it's reached only with allow_private = true".to_owned();
        return Err(("the host in `base` is this machine".to_owned(), Some(help)));
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => {
            let help =
                "over http a value can be read on its way: write https, or allow_private = true for a host of your own";
            return Err(("`base` is https".to_owned(), Some(help.to_owned())));
        }
        other => return Err((format!("`base` is https, not {other}"), None)),
    }
    if !url.path().ends_with('/') {
        let help = format!("write {url}/");
        return Err(("`base` ends with a `/`".to_owned(), Some(help)));
    }
    if url.as_str() != written {
        return Err((
            "`base` has another spelling than the one it will be used in".to_owned(),
            Some(format!("write {url}")),
        ));
    }
    if !shape::is_plain(url.path()) {
        return Err(plain("the path in `base` can be read in more than one way"));
    }
    Ok(url)
}
