//! Who is asking, as far as the network can tell: the address that rate limits and caps count by.
//!
//! Only what a trusted proxy has written into `X-Forwarded-For` is believed, and every proxy appends: so the header is
//! read from its right end, past the proxies we know, to the first address that is none of them. What stands left of
//! it came from outside and may be anything. `Forwarded` (RFC 7239) is not read: one header, one truth.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Most entries of `X-Forwarded-For` that are looked at; a chain of that many proxies is none.
const HOPS: usize = 32;

/// One subscriber of the network: an IPv4 address, or an IPv6 network of 64 bits, since everybody has at least one of
/// those to himself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(IpAddr);

impl Address {
    /// Where `address` belongs: IPv4 in its IPv6 form is IPv4, and the lower 64 bits of IPv6 do not count.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(IpAddr::V4(v4)),
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => write!(formatter, "{v4}"),
            IpAddr::V6(v6) => write!(formatter, "{v6}/64"),
        }
    }
}

/// The proxies that stand before this host; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// The proxies in these networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether `address` is one of them.
    #[must_use]
    pub fn include(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind a request that came over a connection from `peer`: the peer itself, or, if that is a proxy of
    /// ours, the last hop that is not. An entry that is no address ends the search at the proxy that passed it on.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Address {
        let mut hop = peer;
        if !self.include(peer) {
            return Address::of(hop);
        }
        // Several headers are one list; the last entry of the last one was written by our peer.
        let entries = headers.get_all("x-forwarded-for").iter().rev();
        let entries = entries.flat_map(|value| value.as_bytes().rsplit(|&byte| byte == b','));
        for entry in entries.take(HOPS) {
            let Some(address) = parse(entry) else { break };
            hop = address;
            if !self.include(address) {
                break;
            }
        }
        Address::of(hop)
    }
}

/// An entry: an address, perhaps with a port, IPv6 perhaps in brackets.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let bracketed = text.strip_prefix('[')?.strip_suffix(']')?;
    bracketed.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(peer: &str, forwarded: &[&[u8]], want: &str) {
        let networks = ["10.0.0.0/8", "127.0.0.0/8", "fd00::/8"];
        let proxies = Proxies::new(networks.iter().map(|network| network.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for &value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
        }
        let client = proxies.client(peer.parse().unwrap(), &headers);
        assert_eq!(client.to_string(), want, "{peer} {forwarded:?}");
    }

    #[test]
    fn it_finds_the_last_hop_that_is_no_proxy() {
        // Nothing before us: the header is the client's own invention.
        check("203.0.113.7", &[], "203.0.113.7");
        check("203.0.113.7", &[b"198.51.100.1"], "203.0.113.7");
        check("203.0.113.7", &[b"10.0.0.1"], "203.0.113.7");
        // One proxy, and two.
        check("10.0.0.1", &[b"203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &[b"203.0.113.7, 10.0.0.2"], "203.0.113.7");
        check("10.0.0.1", &[b"203.0.113.7 ,\t10.0.0.2"], "203.0.113.7");
        // What stands left of the last untrusted hop is spoofed, whatever it is.
        check("10.0.0.1", &[b"198.51.100.1, 203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &[b"10.9.9.9, 203.0.113.7, 10.0.0.2"], "203.0.113.7");
        check("10.0.0.1", &[b"nonsense, 203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &[b"198.51.100.1", b"203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &[b"203.0.113.7", b"10.0.0.2"], "203.0.113.7");
    }

    #[test]
    fn it_stays_with_the_proxy_when_that_tells_nothing() {
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[b""], "10.0.0.1");
        check("10.0.0.1", &[b"unknown"], "10.0.0.1");
        check("10.0.0.1", &[b"203.0.113.7,"], "10.0.0.1");
        check("10.0.0.1", &[b"203.0.113.7, _hidden, 10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &[b"\xff\xfe"], "10.0.0.1");
        check("10.0.0.1", &[b"203.0.113.700"], "10.0.0.1");
        // All of them ours: the client stands inside, farthest left.
        check("10.0.0.1", &[b"10.0.0.3, 10.0.0.2"], "10.0.0.3");
        // An endless chain is not walked to its end.
        let chain = "203.0.113.7".to_owned() + &", 10.0.0.2".repeat(100);
        check("10.0.0.1", &[chain.as_bytes()], "10.0.0.2");
    }

    #[test]
    fn it_counts_ipv6_by_64_bits_and_mapped_ipv4_as_ipv4() {
        check("2001:db8:1:2:3:4:5:6", &[], "2001:db8:1:2::/64");
        check("2001:db8:1:2:ffff::1", &[], "2001:db8:1:2::/64");
        check("2001:db8:1:3::1", &[], "2001:db8:1:3::/64");
        check("::ffff:203.0.113.7", &[], "203.0.113.7");
        check("::ffff:10.0.0.1", &[b"203.0.113.7"], "203.0.113.7");
        check("::ffff:10.0.0.1", &[b"203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7");
        check("fd00::1", &[b"2001:db8:1:2::9"], "2001:db8:1:2::/64");
        check("10.0.0.1", &[b"[2001:db8:1:2::9]"], "2001:db8:1:2::/64");
        check("10.0.0.1", &[b"[2001:db8:1:2::9]:4711"], "2001:db8:1:2::/64");
        check("10.0.0.1", &[b"203.0.113.7:4711"], "203.0.113.7");
    }
}
