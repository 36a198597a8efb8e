//! Who is at the other end of a connection.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::{
    extract::OptionalFromRequestParts,
    http::{Extensions, request::Parts},
};

/// The other end of the connection on which a request came, as the server saw it: no header can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address that connected. Behind a proxy it is the proxy's.
    pub address: SocketAddr,
    /// Whether the connection is HTTPS that ends here.
    pub is_encrypted: bool,
}

impl Peer {
    /// Whether the request comes from this machine.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }

    /// Whom its address belongs to, for limits: [`client_of`].
    #[must_use]
    pub fn client(self) -> IpAddr {
        client_of(self.address.ip())
    }

    /// The peer of a request. `None`: it came over no connection, because another service or a test calls the router.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }
}

/// Whom an address belongs to. One client of the internet has a whole /64 of IPv6 addresses, so those are one. On the
/// shop's own network (link-local and unique-local addresses) all devices share one /64, so each address is one.
pub(crate) fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !(v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unique_local()) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        other => other,
    }
}

/// `Option<Peer>` as a handler's parameter; `None` as in [`Peer::of`].
impl<S: Send + Sync> OptionalFromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client_but_not_on_the_shops_own() {
        let client = |text: &str| client_of(text.parse().unwrap());
        assert_eq!(client("2001:db8:1:2:aaaa::1"), client("2001:db8:1:2:bbbb::2"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        for network in ["fe80::", "fd00:1:2:3::", "fc00::"] {
            assert_ne!(client(&format!("{network}1")), client(&format!("{network}2")), "{network}");
        }
        assert_ne!(client("192.168.1.7"), client("192.168.1.8"));
        assert_eq!(client("::ffff:192.168.1.7"), client("192.168.1.7"));
        assert_ne!(client("::1"), client("::2"));
    }
}
