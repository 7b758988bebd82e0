//! Which addresses a value may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anywhere on the internet.
    Public,
    /// This machine, or a network that isn't the internet's.
    Private,
    /// Nowhere a value belongs: a machine's metadata, a link, a group, or an address nobody has.
    Never,
}

/// Which places a request may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    /// The internet, encrypted.
    Public,
    /// That, and private networks, encrypted.
    Any,
    /// Private networks only, for what isn't encrypted.
    Private,
}

/// Blocks of IPv4 that aren't the internet's, as first address and length of the prefix.
const V4: [(Ipv4Addr, u32, Place); 19] = [
    (Ipv4Addr::UNSPECIFIED, 8, Place::Never),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Place::Private),
    // Alibaba's metadata lies within carriers' own networks, which Tailscale and others use as private ones.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Place::Never),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Place::Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Place::Private),
    // Azure's machines are spoken to by a public address.
    (Ipv4Addr::new(168, 63, 129, 16), 32, Place::Never),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Place::Never),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Place::Private),
    // Protocol assignments; Oracle's metadata is among them.
    (Ipv4Addr::new(192, 0, 0, 0), 24, Place::Never),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Place::Never),
    (Ipv4Addr::new(192, 31, 196, 0), 24, Place::Never),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Place::Never),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Place::Never),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Place::Private),
    (Ipv4Addr::new(192, 175, 48, 0), 24, Place::Never),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Place::Never),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Place::Never),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Place::Never),
    // Groups, what's reserved behind them, and the broadcast address.
    (Ipv4Addr::new(224, 0, 0, 0), 3, Place::Never),
];

/// Blocks of IPv6, the first that holds an address counts. What's in none of them is nobody's.
const V6: [(Ipv6Addr, u32, Place); 12] = [
    (Ipv6Addr::LOCALHOST, 128, Place::Private),
    // Metadata of Amazon, Google, Oracle and Scaleway, in what are otherwise private networks.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32, Place::Never),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0), 32, Place::Never),
    (Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0, 0), 32, Place::Never),
    (Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0), 32, Place::Never),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Place::Private),
    // Protocol assignments, Teredo's tunnels and benchmarks among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Place::Never),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Place::Never),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Place::Never),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, Place::Never),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Place::Never),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Place::Public),
];

/// The prefix that translators give to addresses of IPv4.
const TRANSLATED: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

impl Place {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let block = V4.iter().find(|(first, length, _)| {
            let ignored = 32 - length;
            address.to_bits() >> ignored == first.to_bits() >> ignored
        });
        block.map_or(Self::Public, |(_, _, place)| *place)
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        // The same machine by another name.
        if let Some(inner) = address.to_ipv4_mapped() {
            return Self::of_v4(inner);
        }
        let within = |first: Ipv6Addr, length: u32| {
            let ignored = 128 - length;
            address.to_bits() >> ignored == first.to_bits() >> ignored
        };
        let [.., high, low] = address.segments();
        let last = Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
        if within(TRANSLATED, 96) {
            // How the internet of IPv4 is reached without having it; nothing private lies behind a translator.
            return Self::of_v4(last).public_or_never();
        }
        let block = V6.iter().find(|(first, length, _)| within(*first, *length));
        let place = block.map_or(Self::Never, |(_, _, place)| *place);
        // A tunnel within a site ends at the address that's written after 5efe.
        let [_, _, _, _, marked, tunnel, ..] = address.segments();
        if tunnel == 0x5efe && marked & !0x0200 == 0 && Self::of_v4(last) != Self::Public { Self::Never } else { place }
    }

    fn public_or_never(self) -> Self {
        if self == Self::Public { Self::Public } else { Self::Never }
    }
}

impl Reach {
    /// Whether an address lies within it.
    pub(super) fn covers(self, address: IpAddr) -> bool {
        match Place::of(address) {
            Place::Public => self != Self::Private,
            Place::Private => self != Self::Public,
            Place::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::of(text.parse().unwrap())
    }

    #[test]
    fn the_internet_is_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2606:4700::5efe:808:808",
        ] {
            assert_eq!(place(text), Place::Public, "{text}");
        }
    }

    #[test]
    fn private_networks_and_this_machine_are_private() {
        for text in [
            "10.0.0.0",
            "10.255.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fd12:3456::1",
            "fdff:ffff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::ffff:7f00:1",
        ] {
            assert_eq!(place(text), Place::Private, "{text}");
        }
    }

    #[test]
    fn metadata_links_groups_and_nobody_are_never_reached() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::127.0.0.1",
            "::8.8.8.8",
            "::169.254.169.254",
            "::ffff:169.254.169.254",
            "::ffff:a9fe:a9fe",
            "::ffff:0.0.0.0",
            "::ffff:255.255.255.255",
            "::ffff:0:127.0.0.1",
            "fe80::1",
            "fe80::5efe:a9fe:a9fe",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "ff0e::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "2001::1",
            "2001:0:7f00:1::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "3fff::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "2002:808:808::1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "100::1",
            "5f00::1",
            "2606:4700::5efe:7f00:1",
            "2606:4700::200:5efe:a00:1",
            "4000::1",
        ] {
            assert_eq!(place(text), Place::Never, "{text}");
        }
    }

    #[test]
    fn no_reach_covers_what_is_never_reached() {
        let [public, private, never] = ["8.8.8.8", "10.0.0.1", "169.254.169.254"].map(|text| text.parse().unwrap());
        for (reach, expected) in
            [(Reach::Public, [true, false]), (Reach::Any, [true, true]), (Reach::Private, [false, true])]
        {
            assert_eq!([reach.covers(public), reach.covers(private)], expected, "{reach:?}");
            assert!(!reach.covers(never), "{reach:?}");
        }
    }

    #[test]
    fn every_address_of_ipv4_is_in_the_same_place_when_mapped() {
        for bits in (0..=u32::MAX).step_by(65_521) {
            let plain = Ipv4Addr::from_bits(bits);
            assert_eq!(Place::of(plain.to_ipv6_mapped().into()), Place::of(plain.into()), "{plain}");
        }
    }
}
