//! How many connections there may be, in total and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use metrics::{counter, gauge};

use crate::peer::client_of;

/// More screens, tills and machines than any shop has. Each connection takes a file descriptor, of which a process has
/// 1,024 by default: as many are left for the databases.
const CONNECTIONS_MAX: usize = 512;

/// One browser opens six, and a few devices may share an address: one address cannot take the places of all.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 128;

/// A proxy on this machine brings the clients of every address. The rest stays free for those who come directly.
const CONNECTIONS_PER_LOOPBACK_MAX: usize = 448;

/// The limits, and what is open. Shared by all ports.
#[derive(Clone)]
pub(super) struct ConnectionLimits {
    total_max: usize,
    per_address_max: usize,
    per_loopback_max: usize,
    open: Arc<Mutex<OpenConnections>>,
}

#[derive(Default)]
struct OpenConnections {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place, until it is dropped.
pub(super) struct ConnectionPermit {
    open: Arc<Mutex<OpenConnections>>,
    address: IpAddr,
}

/// Which limit a connection exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooManyConnections {
    Total,
    FromAddress,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, CONNECTIONS_PER_LOOPBACK_MAX)
    }
}

impl ConnectionLimits {
    pub(super) fn new(total_max: usize, per_address_max: usize, per_loopback_max: usize) -> Self {
        Self { total_max, per_address_max, per_loopback_max, open: Arc::default() }
    }

    /// A place for a connection from `address`.
    pub(super) fn admit(&self, address: IpAddr) -> Result<ConnectionPermit, TooManyConnections> {
        let address = client_of(address);
        let max = if address.is_loopback() { self.per_loopback_max } else { self.per_address_max };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.total_max {
            return Err(TooManyConnections::Total);
        }
        let of_address = open.by_address.entry(address).or_default();
        if *of_address >= max {
            return Err(TooManyConnections::FromAddress);
        }
        *of_address += 1;
        open.total += 1;
        gauge!("http_server_open_connections").increment(1);
        Ok(ConnectionPermit { open: Arc::clone(&self.open), address })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(of_address) = open.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&self.address);
            }
        }
        gauge!("http_server_open_connections").decrement(1);
    }
}

impl TooManyConnections {
    pub(super) fn count(self) {
        let limit = match self {
            Self::Total => "total",
            Self::FromAddress => "address",
        };
        counter!("http_server_refused_connections_total", "limit" => limit).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_the_places_of_all() {
        let limits = ConnectionLimits::new(4, 2, 3);
        let first = limits.admit(address("10.0.0.1")).ok().unwrap();
        let _second = limits.admit(address("::ffff:10.0.0.1")).ok().unwrap();
        assert_eq!(limits.admit(address("10.0.0.1")).err(), Some(TooManyConnections::FromAddress));
        let _other = limits.admit(address("10.0.0.2")).ok().unwrap();
        drop(first);
        assert!(limits.admit(address("10.0.0.1")).is_ok());
    }

    #[test]
    fn the_total_is_limited_and_a_closed_connection_makes_room() {
        let limits = ConnectionLimits::new(2, 2, 2);
        let first = limits.admit(address("10.0.0.1")).ok().unwrap();
        let _second = limits.admit(address("10.0.0.2")).ok().unwrap();
        assert_eq!(limits.admit(address("10.0.0.3")).err(), Some(TooManyConnections::Total));
        drop(first);
        assert!(limits.admit(address("10.0.0.3")).is_ok());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_client() {
        let limits = ConnectionLimits::new(9, 1, 9);
        let _first = limits.admit(address("2001:db8::1")).ok().unwrap();
        assert!(limits.admit(address("2001:db8::2")).is_err());
        assert!(limits.admit(address("2001:db8:0:1::1")).is_ok());
        assert!(limits.admit(address("::1")).is_ok());
        assert!(limits.admit(address("fe80::1")).is_ok() && limits.admit(address("fe80::2")).is_ok());
    }
}
