//! The client's real address: `X-Forwarded-For` counts only from trusted proxies, right to left (SEC-50).

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use thiserror::Error;

use crate::state::WebState;

/// More hops than this are not walked through.
const MAX_HOPS: usize = 16;

/// The client's address, as far as it can be believed.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

/// Networks of proxies whose word is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Not an address or a network such as `10.0.0.0/8`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a trusted proxy is an address or a network such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork;

impl TrustedProxies {
    /// Reads addresses and networks.
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidNetwork> {
        networks.into_iter().map(str::parse).collect::<Result<_, _>>().map(Self)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client behind `peer`: the first address from the right that is not a trusted proxy.
    pub fn client(&self, peer: IpAddr, forwarded_for: &[&str]) -> IpAddr {
        let mut client = peer.to_canonical();
        let hops = forwarded_for.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops.take(MAX_HOPS) {
            if !self.contains(client) {
                break;
            }
            // What cannot be read was written by somebody in front of the trusted ones: the last known hop stays.
            let Some(address) = parse_hop(hop.trim()) else { break };
            client = address;
        }
        client
    }
}

/// Some proxies add the port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| InvalidNetwork)?;
        if prefix > longest { Err(InvalidNetwork) } else { Ok(Self { address, prefix }) }
    }
}

impl Network {
    fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// Finds the client's address and leaves it for everything further in.
pub(super) async fn find(State(state): State<WebState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if let Some(peer) = peer {
        let forwarded = forwarded_for(request.headers());
        let client = state.options.trusted_proxies.client(peer, &forwarded);
        request.extensions_mut().insert(ClientAddress(client));
    }
    next.run(request).await
}

fn forwarded_for(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_strangers_forwarded_for_is_not_believed() {
        let none = TrustedProxies::default();
        assert_eq!(none.client(ip("203.0.113.9"), &["1.1.1.1"]), ip("203.0.113.9"));
    }

    #[test]
    fn trusted_proxies_are_walked_through_from_the_right() {
        let trusted = TrustedProxies::parse(["10.0.0.0/8", "fd00::/8"]).unwrap();
        let cases: [(&str, &[&str], &str); 6] = [
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.2.3.4"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["garbage, 10.2.3.4"], "10.2.3.4"),
            ("::ffff:10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("fd00::1", &["2001:db8::5"], "2001:db8::5"),
        ];
        for (peer, forwarded, client) in cases {
            assert_eq!(trusted.client(ip(peer), forwarded), ip(client), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn networks_are_read_strictly() {
        for bad in ["10.0.0.0/33", "fd00::/129", "x", "10.0.0.0/", ""] {
            assert!(TrustedProxies::parse([bad]).is_err(), "{bad}");
        }
        let all = TrustedProxies::parse(["0.0.0.0/0"]).unwrap();
        assert!(all.contains(ip("255.255.255.255")) && !all.contains(ip("::1")));
    }
}
