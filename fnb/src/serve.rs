//! The ports of the program: the gateway's, and one of each service.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::Router;
use gateway::HttpsSettings;
use host::ServiceContext;
use tls::{Authority, OwnFiles, ServerCertificate, ServerNames, TlsError};
use web::{AllowedHosts, InvalidHost, Server};

use crate::config::{Config, Switch};

/// The specification's ports.
const SERVICE_PORTS: [(&str, u16); 6] =
    [("order", 5001), ("payment", 5002), ("product", 5003), ("inventory", 5004), ("qr", 5005), ("analytics", 8000)];

/// The program cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// A port is taken, or the address is not one of this machine.
    #[error("cannot listen on {address} for {what}. {advice}")]
    Port {
        address: SocketAddr,
        what: &'static str,
        #[source]
        cause: io::Error,
        advice: &'static str,
    },
    /// A name of the setting `allowed_hosts` is no name.
    #[error("the setting `allowed_hosts`")]
    Hosts(#[from] InvalidHost),
    /// HTTPS cannot be offered.
    #[error("no HTTPS")]
    Tls(#[from] TlsError),
}

/// Listens on the gateway's port for `gateway`, and on those of `services` if the settings want them. Returns the
/// address of the gateway for programs of this machine.
///
/// If the settings name an address of a network, other machines use HTTPS on a port of its own, and the services' own
/// ports stay on this machine.
pub(crate) async fn listen(
    config: &Config,
    context: &ServiceContext,
    gateway: Router,
    services: Vec<(&'static str, Router)>,
) -> Result<(Server, SocketAddr), ListenError> {
    let is_on_network = !config.listen.is_loopback();
    let mut names = config.allowed_hosts.clone();
    if is_on_network {
        names.extend(tls::host_names());
    }
    let mut server = Server::new(AllowedHosts::new(config.listen, &names)?);
    let address = match is_on_network {
        true => listen_on_network(&mut server, config, context, gateway).await?,
        false => listen_plain(&mut server, (config.listen, config.port).into(), gateway).await?,
    };
    if config.service_ports == Switch::Off {
        return Ok((server, address));
    }
    let on = if is_on_network { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { config.listen };
    for (name, router) in services {
        let Some((_, port)) = SERVICE_PORTS.into_iter().find(|(service, _)| *service == name) else { continue };
        let advice = "Stop what listens there, or go without the services' own ports: --service-ports off.";
        let router = web::without_internal(router);
        let address = (on, port).into();
        server.listen(address, router).await.map_err(|cause| ListenError::Port {
            address,
            what: name,
            cause,
            advice,
        })?;
    }
    Ok((server, address))
}

/// The address at which a browser opens the shop: HTTPS on a network; `plain` if the shop listens on loopback alone.
pub(crate) fn origin(config: &Config, plain: SocketAddr) -> String {
    if config.listen.is_loopback() {
        return format!("http://{plain}");
    }
    let own_name = config.allowed_hosts.first().filter(|_| config.tls_certificate.is_some());
    match own_name {
        Some(name) => format!("https://{name}:{}", config.https_port),
        None => {
            let names = ServerNames::of_machine(config.listen, &[]);
            let shown = names.ok().and_then(|names| names.address_to_show()).unwrap_or(config.listen);
            format!("https://{}", SocketAddr::new(shown, config.https_port))
        }
    }
}

/// HTTPS for other machines, and plain HTTP for this one, for dispensers that sign, and for what explains HTTPS.
async fn listen_on_network(
    server: &mut Server,
    config: &Config,
    context: &ServiceContext,
    gateway: Router,
) -> Result<SocketAddr, ListenError> {
    let (certificate, authority) = server_certificate(config, context)?;
    let tls = certificate.server_config()?;
    let address = (config.listen, config.https_port).into();
    let advice = "Stop what listens there, or choose another port with --https-port (0 takes a free one).";
    let refused = |cause| ListenError::Port { address, what: "HTTPS", cause, advice };
    let https = server.listen_tls(address, gateway.clone(), tls).await.map_err(refused)?;
    tokio::spawn(certificate.keep_current());

    let shown = ServerNames::of_machine(config.listen, &[])?.address_to_show();
    let name = config.allowed_hosts.first().filter(|_| authority.is_none()).cloned();
    let settings = HttpsSettings { port: https.port(), address: shown, name, authority: authority.clone() };
    let plain = gateway::plain_origin(context, gateway, settings);
    let address = listen_plain(server, (config.listen, config.port).into(), plain.clone()).await?;
    log_https(shown.unwrap_or(config.listen), https.port(), address.port(), authority.as_deref());
    let loopback = match config.listen {
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let on_this_machine = SocketAddr::new(loopback, address.port());
    if !config.listen.is_unspecified() {
        listen_plain(server, on_this_machine, plain).await?;
    }
    Ok(on_this_machine)
}

/// The shop's own files, or a certificate of its authority, which devices have to install.
fn server_certificate(
    config: &Config,
    context: &ServiceContext,
) -> Result<(Arc<ServerCertificate>, Option<Arc<Authority>>), TlsError> {
    let clock = context.clock.clone();
    if let (Some(certificate), Some(key)) = (config.tls_certificate.clone(), config.tls_key.clone()) {
        return Ok((Arc::new(ServerCertificate::own(OwnFiles { certificate, key }, clock)?), None));
    }
    let names = ServerNames::of_machine(config.listen, &config.allowed_hosts)?;
    let shop = context.shop.current();
    let authority = Arc::new(Authority::open(&config.data, &shop.settings().name, &names, clock.now())?);
    let allowed_hosts = config.allowed_hosts.clone();
    let certificate = ServerCertificate::local(Arc::clone(&authority), config.listen, allowed_hosts, clock)?;
    Ok((Arc::new(certificate), Some(authority)))
}

fn log_https(address: IpAddr, https_port: u16, plain_port: u16, authority: Option<&Authority>) {
    let https = format!("https://{}", SocketAddr::new(address, https_port));
    let Some(authority) = authority else {
        tracing::info!(%https, "other machines use HTTPS");
        return;
    };
    let install = format!("http://{}/trust", SocketAddr::new(address, plain_port));
    let (name, sha256) = (authority.name(), authority.fingerprint());
    tracing::info!(%https, %install, authority = name, %sha256, "other machines use HTTPS, after each has installed the authority");
}

async fn listen_plain(server: &mut Server, address: SocketAddr, router: Router) -> Result<SocketAddr, ListenError> {
    let advice = "Stop what listens there, or choose another port with --port (0 takes a free one).";
    let refused = |cause| ListenError::Port { address, what: "the gateway", cause, advice };
    server.listen(address, router).await.map_err(refused)
}

#[cfg(test)]
mod tests {
    use axum::{http::Request, routing::get};
    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use testkit::World;
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpStream,
    };
    use tokio_rustls::TlsConnector;

    use super::*;

    /// What the server at the other end responds to `GET /`.
    async fn get_start_page(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: &str) -> String {
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8_lossy(&response).into_owned()
    }

    /// A tablet that trusts the authority in the shop's folder.
    fn tablet(config: &Config, context: &ServiceContext) -> TlsConnector {
        let names = ServerNames::new([], []);
        let authority = Authority::open(&config.data, "", &names, context.clock.now()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(tls.with_root_certificates(roots).with_no_client_auth()).into()
    }

    #[tokio::test]
    async fn a_shop_on_a_network_serves_https_to_tablets_and_plain_http_to_its_own_machine() {
        let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
        let context = ServiceContext { clock: clock::Clock::system(), ..world.context().clone() };
        // Another address of this machine stands for one of a network.
        let listen = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
        let config = Config { data: folder.path().to_owned(), listen, port: 0, https_port: 0, ..Config::default() };
        let router = Router::new().route(
            "/",
            get(async |request: Request<axum::body::Body>| {
                format!("encrypted: {:?}", web::Peer::of(request.extensions()).map(|peer| peer.is_encrypted))
            }),
        );
        let mut server = Server::new(AllowedHosts::new(listen, &[]).unwrap());
        let plain = listen_on_network(&mut server, &config, &context, router).await.unwrap();
        let https = *server.addresses().iter().find(|address| address.port() != plain.port()).unwrap();
        assert_eq!((plain.ip(), https.ip()), (Ipv4Addr::LOCALHOST.into(), listen));
        let running = tokio::spawn(server.run(std::future::pending(), async {}));

        let tablet = tablet(&config, &context);
        let name = ServerName::try_from(listen.to_string()).unwrap();
        let stream = tablet.connect(name, TcpStream::connect(https).await.unwrap()).await.unwrap();
        let encrypted = get_start_page(stream, &https.to_string()).await;
        assert!(encrypted.starts_with("HTTP/1.1 200") && encrypted.ends_with("encrypted: Some(true)"), "{encrypted}");

        let here = get_start_page(TcpStream::connect(plain).await.unwrap(), &plain.to_string()).await;
        assert!(here.starts_with("HTTP/1.1 200") && here.ends_with("encrypted: Some(false)"), "{here}");
        running.abort();
    }
}
