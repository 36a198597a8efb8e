//! Under which addresses and names browsers reach this machine.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use nix::{ifaddrs::getifaddrs, unistd::gethostname};

use crate::TlsError;

/// What a server certificate is valid for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNames {
    pub(crate) addresses: BTreeSet<IpAddr>,
    pub(crate) hosts: BTreeSet<String>,
}

impl ServerNames {
    /// Addresses and hosts; an entry of `hosts` may be an address, too.
    pub fn new<'a>(addresses: impl IntoIterator<Item = IpAddr>, hosts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = Self { addresses: addresses.into_iter().collect(), hosts: BTreeSet::new() };
        for host in hosts {
            match host.parse() {
                Ok(address) => _ = names.addresses.insert(address),
                Err(_) => _ = names.hosts.insert(host.to_ascii_lowercase()),
            }
        }
        names
    }

    /// The names of this machine now, if it listens on `listen`: that address or, for 0.0.0.0 and `::`, those of all its
    /// networks; loopback; the machine's host names; and `allowed_hosts`.
    ///
    /// # Errors
    /// [`TlsError::Addresses`] if the system does not list the networks.
    pub fn of_machine(listen: IpAddr, allowed_hosts: &[String]) -> Result<Self, TlsError> {
        let mut addresses = match listen.is_unspecified() {
            true => interface_addresses()?,
            false => vec![listen],
        };
        addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
        let of_machine = host_names();
        let hosts = of_machine.iter().chain(allowed_hosts).map(String::as_str).chain(["localhost"]);
        Ok(Self::new(addresses, hosts))
    }

    /// The address to show to people: one of a private network, else any that other machines reach.
    #[must_use]
    pub fn address_to_show(&self) -> Option<IpAddr> {
        let reachable = || self.addresses.iter().filter(|address| !address.is_loopback());
        let is_private = |address: &&IpAddr| matches!(address, IpAddr::V4(v4) if v4.is_private());
        // 172.16.0.0/12 is what programs give to networks inside this machine.
        let is_usual =
            |address: &&IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[0] != 172) && is_private(address);
        reachable().find(is_usual).or_else(|| reachable().find(is_private)).or_else(|| reachable().next()).copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.hosts.is_empty()
    }
}

impl fmt::Display for ServerNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.addresses.iter().map(ToString::to_string).chain(self.hosts.iter().cloned());
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }
}

/// The names by which other machines of the network may know this one: `kopi-pc` and `kopi-pc.local` (mDNS). Empty if it
/// has none, or one that no browser could send.
#[must_use]
pub fn host_names() -> Vec<String> {
    let Some(name) = gethostname().ok().and_then(|name| name.into_string().ok()) else { return Vec::new() };
    let is_char = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-');
    let is_name = !name.is_empty() && name.chars().all(is_char) && name.parse::<IpAddr>().is_err();
    match (is_name, name.split_once('.')) {
        (false, _) => Vec::new(),
        (true, None) => vec![format!("{name}.local"), name],
        (true, Some((first, _))) => vec![format!("{first}.local"), name],
    }
}

/// The addresses of all networks, without those of a single link, which a browser cannot name.
fn interface_addresses() -> Result<Vec<IpAddr>, TlsError> {
    let interfaces = getifaddrs().map_err(|errno| TlsError::Addresses(errno.into()))?;
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    });
    let is_of_one_link = |address: &IpAddr| match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    Ok(addresses.filter(|address| !is_of_one_link(address)).collect())
}
