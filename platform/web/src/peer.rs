//! Who is at the other end of a connection.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::OptionalFromRequestParts,
    http::{Extensions, request::Parts},
};

use crate::rate_limits;

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

    /// The network that it counts under: an IPv4 address, or the /64 network of an IPv6 address. `None`: this machine.
    #[must_use]
    pub fn network(self) -> Option<IpAddr> {
        (!self.is_loopback()).then(|| rate_limits::network(self.address.ip()))
    }

    /// The peer of a request. `None`: it came over no connection, because another service or a test calls the router.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }
}

/// `Option<Peer>` as a handler's parameter; `None` as in [`Peer::of`].
impl<S: Send + Sync> OptionalFromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}
