//! Which hosts and origins a request may name.
//!
//! A page of a stranger can make a browser send requests here: to the shop's address as a foreign origin, or to a name
//! of its own that it points at the shop's address (DNS rebinding), which the browser takes for the same origin. So a
//! request must name a host that is known, and its `Origin`, if a browser sent one, must be that host.

use std::net::IpAddr;

use axum::http::{HeaderMap, Request, StatusCode, Version, header};

use crate::Problem;

/// How much of a host a refusal repeats.
const SHOWN_CHARS_MAX: usize = 100;

/// The hosts that requests may name: loopback, the address that is listened on, and names by setting.
///
/// While every address is listened on, any address is accepted: only a name can be rebound.
#[derive(Clone, Debug)]
pub struct AllowedHosts {
    listen: IpAddr,
    names: Vec<String>,
}

/// An entry that cannot be a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a host: write it without scheme, port and path, such as kopi.example")]
pub struct InvalidHost(String);

impl AllowedHosts {
    /// The hosts of a program that listens on `listen` and is also known by `names`.
    ///
    /// # Errors
    /// [`InvalidHost`] for a name with a scheme, a port or a path.
    pub fn new(listen: IpAddr, names: &[String]) -> Result<Self, InvalidHost> {
        let is_name = |name: &str| {
            let is_char = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
            !name.is_empty() && name.chars().all(is_char)
        };
        match names.iter().find(|name| !is_name(name) && name.parse::<IpAddr>().is_err()) {
            Some(name) => Err(InvalidHost(name.clone())),
            None => Ok(Self { listen, names: names.to_vec() }),
        }
    }

    /// Refuses a request that names an unknown host (421) or comes from a foreign origin (403).
    pub fn check<B>(&self, request: &Request<B>, is_encrypted: bool) -> Result<(), Problem> {
        let Some(authority) = authority(request)? else { return Ok(()) };
        if !self.is_allowed(host_of(authority)) {
            return Err(unknown_host(authority));
        }
        match single(request.headers(), &header::ORIGIN) {
            Ok(None) => Ok(()),
            Ok(Some(origin)) if self.is_same_origin(origin, authority, is_encrypted) => Ok(()),
            Ok(Some(origin)) => Err(foreign_origin(origin)),
            Err(Ambiguous) => Err(foreign_origin("several")),
        }
    }

    fn is_allowed(&self, host: &str) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host);
        if name.eq_ignore_ascii_case("localhost") || self.is_named(name) {
            return true;
        }
        let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        literal.parse::<IpAddr>().is_ok_and(|address| {
            let address = address.to_canonical();
            address.is_loopback() || address == self.listen.to_canonical() || self.listen.is_unspecified()
        })
    }

    fn is_named(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// An origin of this host, or of one that the settings name: a proxy may have changed `Host`. Over HTTPS only HTTPS
    /// counts, because anyone on the Wi-Fi can change a plain page; over HTTP both do, because a proxy may end HTTPS.
    fn is_same_origin(&self, origin: &str, authority: &str, is_encrypted: bool) -> bool {
        let plain = || if is_encrypted { None } else { origin.strip_prefix("http://") };
        let rest = origin.strip_prefix("https://").or_else(plain);
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(authority) || self.is_named(host_of(rest)))
    }
}

/// A header that was sent twice, or is not text.
struct Ambiguous;

fn single<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Result<Option<&'h str>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

/// Host and port that the request names. `None`: it is HTTP/1.0 without `Host`, which no browser sends.
fn authority<B>(request: &Request<B>) -> Result<Option<&str>, Problem> {
    let in_header = single(request.headers(), &header::HOST)
        .map_err(|Ambiguous| Problem::bad_request("The request has several Host headers. Send one."))?;
    // `GET http://host/path`: this host counts, and a proxy may have left another one in the header.
    match request.uri().authority().map(|authority| authority.as_str()).or(in_header) {
        None if request.version() != Version::HTTP_10 => {
            Err(Problem::bad_request("The request has no Host header. Send one."))
        }
        authority => Ok(authority),
    }
}

/// The host of `host`, `host:port`, `[address]` or `[address]:port`.
fn host_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.find(']').map_or(authority, |end| &authority[..=end]);
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn unknown_host(host: &str) -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown-host",
        "Unknown host",
        format!(
            "This shop is not known as {:?}. Use its address, or add the name to the setting allowed_hosts.",
            shortened(host)
        ),
    )
}

fn foreign_origin(origin: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "foreign-origin",
        "Foreign origin",
        format!(
            "A page of {:?} may not use this shop. Use the shop's own pages, or add the page's host to the setting \
             allowed_hosts.",
            shortened(origin)
        ),
    )
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(SHOWN_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, names: &[&str]) -> AllowedHosts {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        AllowedHosts::new(listen.parse().unwrap(), &names).unwrap()
    }

    fn status(hosts: &AllowedHosts, headers: &[(&str, &str)]) -> u16 {
        checked(hosts, headers, false)
    }

    fn checked(hosts: &AllowedHosts, headers: &[(&str, &str)], is_encrypted: bool) -> u16 {
        let request =
            headers.iter().fold(Request::get("/api/Order"), |request, (name, value)| request.header(*name, *value));
        let request = request.body(()).unwrap();
        hosts.check(&request, is_encrypted).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_shop_on_this_machine_is_known_by_the_names_of_this_machine_alone() {
        let hosts = hosts("127.0.0.1", &[]);
        for host in ["localhost", "LocalHost:8080", "localhost.", "127.0.0.1:8080", "127.77.1.2", "[::1]:8080"] {
            assert_eq!(status(&hosts, &[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "192.168.1.5",
            "",
            "[::2]",
            "127.0.0.1.nip.io",
        ] {
            assert_eq!(status(&hosts, &[("host", host)]), 421, "{host}");
        }
    }

    #[test]
    fn a_shop_on_one_address_is_known_by_it_and_one_on_every_address_by_any() {
        let one = hosts("192.168.1.5", &[]);
        assert_eq!(status(&one, &[("host", "192.168.1.5:8080")]), 200);
        assert_eq!(status(&one, &[("host", "192.168.1.6:8080")]), 421);
        let every = hosts("0.0.0.0", &[]);
        assert_eq!(status(&every, &[("host", "192.168.1.6:8080")]), 200);
        assert_eq!(status(&every, &[("host", "evil.example")]), 421, "only a name can be rebound");
    }

    #[test]
    fn a_name_of_the_settings_is_known() {
        let hosts = hosts("127.0.0.1", &["kopi.example"]);
        assert_eq!(status(&hosts, &[("host", "Kopi.example:443")]), 200);
        assert_eq!(status(&hosts, &[("host", "other.kopi.example")]), 421);
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let hosts = hosts("127.0.0.1", &["kopi.example"]);
        let from = |origin| status(&hosts, &[("host", "localhost:8080"), ("origin", origin)]);
        assert_eq!(from("http://localhost:8080"), 200);
        assert_eq!(from("https://kopi.example"), 200);
        for origin in ["http://evil.example", "http://localhost:3000", "null", "", "http://kopi.example.evil.example"] {
            assert_eq!(from(origin), 403, "{origin}");
        }
        let twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil.example")];
        assert_eq!(status(&hosts, &twice), 403);
    }

    #[test]
    fn a_page_over_https_is_known_with_its_port_and_a_plain_page_is_foreign_to_it() {
        let hosts = hosts("0.0.0.0", &["kopi.example"]);
        let from = |host, origin| checked(&hosts, &[("host", host), ("origin", origin)], true);
        assert_eq!(from("192.168.1.20:8443", "https://192.168.1.20:8443"), 200);
        assert_eq!(from("[fd00::1]:8443", "https://[fd00::1]:8443"), 200);
        assert_eq!(from("kopi.example", "https://kopi.example"), 200);
        for origin in [
            "http://192.168.1.20:8443",
            "http://192.168.1.20:8080",
            "https://192.168.1.20",
            "https://192.168.1.21:8443",
        ] {
            assert_eq!(from("192.168.1.20:8443", origin), 403, "{origin}");
        }
        assert_eq!(from("kopi.example", "http://kopi.example"), 403);
    }

    #[test]
    fn the_host_is_named_once() {
        let hosts = hosts("127.0.0.1", &[]);
        assert_eq!(status(&hosts, &[]), 400);
        assert_eq!(status(&hosts, &[("host", "localhost"), ("host", "evil.example")]), 400);
        let absolute = Request::get("http://evil.example/").header("host", "localhost").body(()).unwrap();
        assert_eq!(hosts.check(&absolute, false).unwrap_err().status(), 421);
        let old = Request::get("/livez").version(Version::HTTP_10).body(()).unwrap();
        assert!(hosts.check(&old, false).is_ok());
    }

    #[test]
    fn a_setting_that_is_no_host_is_refused() {
        for wrong in ["", "http://kopi.example", "kopi.example:8080", "kopi.example/", "*"] {
            let refused = AllowedHosts::new([127, 0, 0, 1].into(), &[wrong.to_owned()]).unwrap_err().to_string();
            assert!(refused.contains("such as kopi.example"), "{refused}");
        }
    }
}
