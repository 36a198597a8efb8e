//! What an authority may vouch for: the shop's network, and nothing on the internet.
//!
//! Whoever steals the authority's key must not be able to pose as a bank to the tablets that trust it. So its
//! certificate has critical name constraints (RFC 5280, 4.2.1.10). They are wider than today's addresses, because a
//! router gives out new ones and the authority stays on the tablets for years.

use std::net::IpAddr;

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

use crate::ServerNames;

/// Networks that nobody can own on the internet.
const PRIVATE_NETWORKS: [(IpAddr, u8); 6] = [
    (v4(10, 0), 8),
    (v4(127, 0), 8),
    (v4(172, 16), 12),
    (v4(192, 168), 16),
    (IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(std::net::Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
];
/// Domains that nobody can own on the internet: mDNS, and what routers call their network.
const PRIVATE_DOMAINS: [&str; 5] = ["home.arpa", "internal", "lan", "local", "localhost"];

const fn v4(first: u8, second: u8) -> IpAddr {
    IpAddr::V4(std::net::Ipv4Addr::new(first, second, 0, 0))
}

/// The networks and domains of an authority's name constraints.
#[derive(Clone, Debug, Default)]
pub(crate) struct PermittedNames {
    /// Address and mask, of 4 or 16 bytes each.
    networks: Vec<(Vec<u8>, Vec<u8>)>,
    domains: Vec<String>,
}

impl PermittedNames {
    /// The constraints of a new authority: private networks and domains, and what else `names` holds.
    pub(crate) fn constraints(names: &ServerNames) -> NameConstraints {
        let private = PRIVATE_NETWORKS.map(|(address, prefix)| CidrSubnet::from_addr_prefix(address, prefix));
        let known = Self {
            networks: private.iter().map(|subnet| parts(*subnet)).collect(),
            domains: PRIVATE_DOMAINS.map(str::to_owned).to_vec(),
        };
        let others = known.split(names).1;
        let subnets = others.addresses.iter().map(|address| {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            CidrSubnet::from_addr_prefix(*address, bits)
        });
        let domains = known.domains.iter().chain(&others.hosts).cloned().map(GeneralSubtree::DnsName);
        let permitted = private.into_iter().chain(subnets).map(GeneralSubtree::IpAddress).chain(domains).collect();
        NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() }
    }

    /// The constraints of an authority's certificate.
    pub(crate) fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut permitted = Self::default();
        let constraints = certificate.name_constraints().ok().flatten();
        let subtrees = constraints.and_then(|constraints| constraints.value.permitted_subtrees.as_ref());
        for subtree in subtrees.into_iter().flatten() {
            match &subtree.base {
                GeneralName::DNSName(domain) => permitted.domains.push((*domain).to_owned()),
                GeneralName::IPAddress(bytes) => {
                    let (address, mask) = bytes.split_at(bytes.len() / 2);
                    permitted.networks.push((address.to_vec(), mask.to_vec()));
                }
                _ => {}
            }
        }
        permitted
    }

    /// The names that the authority may vouch for, and the others.
    pub(crate) fn split(&self, names: &ServerNames) -> (ServerNames, ServerNames) {
        let (mut permitted, mut others) = (ServerNames::default(), ServerNames::default());
        for address in &names.addresses {
            let side = if self.has_address(*address) { &mut permitted } else { &mut others };
            side.addresses.insert(*address);
        }
        for host in &names.hosts {
            let side = if self.has_host(host) { &mut permitted } else { &mut others };
            side.hosts.insert(host.clone());
        }
        (permitted, others)
    }

    fn has_address(&self, address: IpAddr) -> bool {
        let bytes = octets(address);
        self.networks.iter().any(|(network, mask)| {
            network.len() == bytes.len()
                && bytes.iter().zip(network).zip(mask).all(|((byte, network), mask)| byte & mask == network & mask)
        })
    }

    fn has_host(&self, host: &str) -> bool {
        self.domains.iter().any(|domain| match host.strip_suffix(domain.as_str()) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        })
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn parts(subnet: CidrSubnet) -> (Vec<u8>, Vec<u8>) {
    match subnet {
        CidrSubnet::V4(address, mask) => (address.to_vec(), mask.to_vec()),
        CidrSubnet::V6(address, mask) => (address.to_vec(), mask.to_vec()),
    }
}
