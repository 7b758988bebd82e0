//! Who is asking, behind proxies.
//!
//! A proxy adds the address it was called from to the end of `X-Forwarded-For`. So the list is to be believed from its
//! end, for as long as those who wrote it are trusted; what's left of the first stranger, the stranger may have made up.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

const HEADER: &str = "x-forwarded-for";
/// How many proxies there may be in a row.
const MOST_PROXIES: usize = 32;

/// Why it can't be said who is asking. It's the proxy's fault, and nothing is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForwardedError {
    /// A trusted proxy wrote something that's no address.
    #[error("a trusted proxy's X-Forwarded-For has an entry that isn't an IP address")]
    Malformed,
    /// The trusted proxies go on and on.
    #[error("X-Forwarded-For names more than {MOST_PROXIES} trusted proxies in a row")]
    TooMany,
}

/// Says whose request it is: the peer's, or, if that's a trusted proxy, the one's that it came from.
///
/// IPv4 addresses in IPv6 clothes are undressed, here and in the answer.
///
/// # Errors
///
/// When a trusted proxy wrote something else than a list of addresses.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Result<IpAddr, ForwardedError> {
    let mut client = peer.to_canonical();
    let lines = headers.get_all(HEADER).iter();
    // Several lines are one list, in their order.
    let mut entries = lines.rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for _ in 0..=MOST_PROXIES {
        if !is_trusted(client, trusted) {
            return Ok(client);
        }
        let Some(entry) = entries.next() else { return Ok(client) };
        client = parse(entry).ok_or(ForwardedError::Malformed)?;
    }
    Err(ForwardedError::TooMany)
}

/// An entry's address: bare, or as `1.2.3.4:567`, `[::1]` or `[::1]:4`.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    // A zone names one of the proxy's own interfaces.
    if text.contains('%') {
        return None;
    }
    let bare = || text.parse().ok();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(bracketed).or_else(with_port).map(|address| address.to_canonical())
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| match (net, address) {
        // Somebody may have written their IPv4 network as a part of IPv6.
        (IpNet::V6(net), IpAddr::V4(address)) if net.prefix_len() >= 96 => net.contains(&address.to_ipv6_mapped()),
        _ => net.contains(&address),
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn nets(nets: &[&str]) -> Vec<IpNet> {
        nets.iter().map(|net| net.parse().unwrap()).collect()
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (http::HeaderName::from_static(HEADER), HeaderValue::from_str(line).unwrap())).collect()
    }

    fn client(peer: &str, lines: &[&str], trusted: &[&str]) -> Result<String, ForwardedError> {
        client_address(peer.parse().unwrap(), &headers(lines), &nets(trusted)).map(|client| client.to_string())
    }

    #[test]
    fn a_stranger_is_who_it_is_whatever_it_says() {
        for line in ["203.0.113.9", "127.0.0.1", "nonsense", ""] {
            assert_eq!(client("198.51.100.1", &[line], &["10.0.0.0/8"]).unwrap(), "198.51.100.1", "{line}");
        }
        assert_eq!(client("198.51.100.1", &["203.0.113.9"], &[]).unwrap(), "198.51.100.1");
    }

    #[test]
    fn a_trusted_proxy_says_who_called_it() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        for (lines, expected) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["203.0.113.9:1234"], "203.0.113.9"),
            (&["[2001:db8::7]:443"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
            // What's left of the first stranger is the stranger's.
            (&["127.0.0.1, 203.0.113.9, 10.1.1.1"], "203.0.113.9"),
            (&["nonsense,\t203.0.113.9 , 10.1.1.1"], "203.0.113.9"),
            // Several lines are one list.
            (&["127.0.0.1", "203.0.113.9", "10.1.1.1,fd00::1"], "203.0.113.9"),
            // All trusted: it's the one farthest away.
            (&["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
            // No word of anybody else: it asks for itself.
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", lines, &trusted).unwrap(), expected, "{lines:?}");
            assert_eq!(client("::ffff:10.0.0.1", lines, &trusted).unwrap(), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_a_trusted_proxy_garbled_is_an_error() {
        let trusted = ["10.0.0.0/8"];
        for line in [
            "",
            " ",
            ",",
            "203.0.113.9,",
            "203.0.113.9,,10.1.1.1",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.09",
            "203.0.113.9:",
            "203.0.113.9:70000",
            "[203.0.113.9]",
            "[2001:db8::7",
            "2001:db8::7]",
            "fe80::1%eth0",
            "[fe80::1%3]:80",
            "\"203.0.113.9\"",
            "203.0.113.9;10.0.0.1",
            "for=203.0.113.9",
            "203.0.113.9 10.0.0.1",
        ] {
            assert_eq!(client("10.0.0.1", &[line], &trusted), Err(ForwardedError::Malformed), "{line:?}");
        }
        let mut latin = HeaderMap::new();
        latin.insert(HEADER, HeaderValue::from_bytes(b"\xe9").unwrap());
        let garbled = client_address("10.0.0.1".parse().unwrap(), &latin, &nets(&trusted));
        assert_eq!(garbled, Err(ForwardedError::Malformed));
    }

    #[test]
    fn a_row_of_proxies_has_an_end() {
        let row = |proxies| format!("203.0.113.9{}", ", 10.1.1.1".repeat(proxies));
        // The peer is one of them.
        assert_eq!(client("10.0.0.1", &[&row(31)], &["10.0.0.0/8"]).unwrap(), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[&row(32)], &["10.0.0.0/8"]), Err(ForwardedError::TooMany));
        // However much a stranger makes up, it stays the stranger's.
        let made_up = format!("{}, 203.0.113.9", row(5000));
        assert_eq!(client("10.0.0.1", &[&made_up], &["10.0.0.0/8"]).unwrap(), "203.0.113.9");
    }

    #[test]
    fn a_network_of_ipv4_may_be_written_as_one_of_ipv6() {
        assert_eq!(client("10.0.0.1", &["203.0.113.9"], &["::ffff:10.0.0.0/104"]).unwrap(), "203.0.113.9");
        assert_eq!(client("11.0.0.1", &["203.0.113.9"], &["::ffff:10.0.0.0/104"]).unwrap(), "11.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"], &["::/0"]).unwrap(), "10.0.0.1");
    }

    /// As the documentation says it, without a thought for anything else.
    fn reference(peer: IpAddr, lines: &[String], trusted: &[IpNet]) -> Result<IpAddr, ForwardedError> {
        let list = lines.join(",");
        let mut chain: Vec<&str> = if lines.is_empty() { vec![] } else { list.split(',').map(str::trim).collect() };
        let peer = peer.to_canonical().to_string();
        chain.push(&peer);
        let mut proxies = 0;
        loop {
            let last = chain.pop().unwrap();
            let host = match last.rsplit_once(':') {
                Some((host, port)) if host.contains('.') && !host.contains("::") => {
                    port.parse::<u16>().map_err(|_| ForwardedError::Malformed)?;
                    host
                }
                _ => last,
            };
            let address: IpAddr = host.parse().map_err(|_| ForwardedError::Malformed)?;
            let address = address.to_canonical();
            if !trusted.iter().any(|net| net.contains(&address)) {
                return Ok(address);
            }
            proxies += 1;
            if chain.is_empty() {
                return Ok(address);
            }
            if proxies > MOST_PROXIES {
                return Err(ForwardedError::TooMany);
            }
        }
    }

    fn address() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (0..4_u8).prop_map(|host| format!("10.0.0.{host}")),
            2 => (0..4_u8).prop_map(|host| format!("203.0.113.{host}")),
            1 => (0..4_u8).prop_map(|host| format!("203.0.113.{host}:80")),
            1 => (0..4_u8).prop_map(|host| format!("::ffff:10.0.0.{host}")),
            1 => (0..4_u8).prop_map(|host| format!("2001:db8::{host}")),
            1 => "[a-z0-9.:]{0,6}",
        ]
    }

    proptest! {
        #[test]
        fn it_is_as_the_documentation_says(
            peer in (0..8_u8).prop_map(|host| IpAddr::from([10, 0, 0, host])),
            lines in prop::collection::vec(
                prop::collection::vec((address(), " {0,2}"), 1..30)
                    .prop_map(|line| line.into_iter().map(|(entry, space)| entry + &space).collect::<Vec<_>>().join(",")),
                0..4,
            ),
            prefix in 28..=32_u8,
        ) {
            let trusted = nets(&[&format!("10.0.0.0/{prefix}"), "2001:db8::/127"]);
            let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
            prop_assert_eq!(client_address(peer, &headers(&texts), &trusted), reference(peer, &lines, &trusted));
        }
    }
}
