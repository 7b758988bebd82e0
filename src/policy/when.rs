//! Reads a rule's `when`.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use toml::de::DeValue;

use super::condition::When;
use super::diagnostics::Problems;
use super::hours::Hours;
use super::parse::{read_list, unknown};
use super::reader::{Section, as_string, wrong};
use crate::model::Transport;

pub(super) const KEYS: [&str; 6] = ["expires", "not_before", "hours", "source_ip", "transport", "claims"];

/// Reads the conditions; what's wrong with them is noted.
pub(super) fn read_when(rule: &Section<'_, '_>, problems: &mut Problems) -> When {
    let Some(section) = rule.table("when", "`when`", &KEYS, problems) else {
        return When::default();
    };
    if section.entries().next().is_none() {
        problems.add(section.span(), "`when` is empty", "nothing in it");
    }
    let mut when = When {
        expires: read_time(&section, "expires", problems),
        not_before: read_time(&section, "not_before", problems),
        ..When::default()
    };
    when.hours = section.string("hours", problems).and_then(|hours| {
        Hours::parse(hours.value).map_err(|error| problems.add(hours.span, error.to_string(), "not hours")).ok()
    });
    let nets = read_list(&section, "source_ip", None, problems, |net| read_net(net).map_err(|error| (error, None)));
    when.source_ip = nets.unwrap_or_default();
    let words = Transport::ALL.map(Transport::as_str);
    let transports = read_list(&section, "transport", None, problems, |word| {
        let transport = Transport::ALL.into_iter().find(|transport| transport.as_str() == word);
        transport.ok_or_else(|| unknown("a transport", word, &words))
    });
    when.transport = transports.unwrap_or_default();
    read_claims(&section, &mut when, problems);
    when
}

/// A date, a time and an offset, as TOML writes them without quotes.
pub(crate) fn read_time(section: &Section<'_, '_>, key: &str, problems: &mut Problems) -> Option<Timestamp> {
    let value = section.value(key)?;
    let DeValue::Datetime(time) = value.get_ref() else {
        return wrong(value, key, "a date and time without quotes, such as 2027-01-31T00:00:00Z", problems);
    };
    let text = time.to_string();
    if time.date.is_none() || time.time.is_none() || time.offset.is_none() {
        let help = if time.time.is_none() { format!("{text}T00:00:00Z") } else { format!("{text}Z") };
        let help = time.date.map(|_| format!("for UTC, write {help}"));
        problems.add_with_help(value.span(), format!("`{key}` needs a date, a time and an offset"), "not whole", help);
        return None;
    }
    let time = text.parse().ok();
    if time.is_none() {
        problems.add(value.span(), format!("`{key}` isn't a time that exists"), "out of range");
    }
    time
}

/// An address or a network, written as what it is.
pub(crate) fn read_net(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let net = parsed.map_err(|_| format!("`{text}` isn't an address or a network such as 10.0.0.0/8"))?;
    if net.trunc() != net {
        return Err(format!("`{text}` has bits set beyond its prefix; the network is {}", net.trunc()));
    }
    if let IpNet::V6(v6) = net
        && let Some(v4) = v6.addr().to_ipv4_mapped()
    {
        return Err(format!("`{text}` is a mapped IPv4 address; write {v4} and its prefix as IPv4"));
    }
    Ok(net)
}

fn read_claims(section: &Section<'_, '_>, when: &mut When, problems: &mut Problems) {
    let Some(claims) = section.free_table("claims", problems) else {
        return;
    };
    for (claim, value) in claims.entries() {
        if let Some(text) = as_string(value, claim.value, problems) {
            when.claims.insert(claim.value.to_owned(), text.value.to_owned());
        }
    }
}
