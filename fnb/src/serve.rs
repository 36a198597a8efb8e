//! The ports of the program: the gateway's, and one of each service.

use std::{io, net::SocketAddr};

use axum::Router;
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
}

/// Listens on the gateway's port for `gateway`, and on those of `services` if the settings want them. Returns the
/// gateway's address.
pub(crate) async fn listen(
    config: &Config,
    gateway: Router,
    services: Vec<(&'static str, Router)>,
) -> Result<(Server, SocketAddr), ListenError> {
    let mut server = Server::new(AllowedHosts::new(config.listen, &config.allowed_hosts)?);
    let advice = "Stop what listens there, or choose another port with --port (0 takes a free one).";
    let port = (config.listen, config.port);
    let gateway_address = listen_for(&mut server, "the gateway", port.into(), gateway, advice).await?;
    if config.service_ports == Switch::Off {
        return Ok((server, gateway_address));
    }
    for (name, router) in services {
        let Some((_, port)) = SERVICE_PORTS.into_iter().find(|(service, _)| *service == name) else { continue };
        let advice = "Stop what listens there, or go without the services' own ports: --service-ports off.";
        let address = (config.listen, port).into();
        listen_for(&mut server, name, address, web::without_internal(router), advice).await?;
    }
    Ok((server, gateway_address))
}

async fn listen_for(
    server: &mut Server,
    what: &'static str,
    address: SocketAddr,
    router: Router,
    advice: &'static str,
) -> Result<SocketAddr, ListenError> {
    server.listen(address, router).await.map_err(|cause| ListenError::Port { address, what, cause, advice })
}
