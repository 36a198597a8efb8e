//! What the plain port serves while the shop listens on a network: everything to this machine; to others the page that
//! explains HTTPS, the certificate of the authority, and dispensers with a credential of their own.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use contracts::ids::DeviceId;
use host::{ServiceContext, SharedShopRules};
use serde::Deserialize;
use tls::Authority;
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;
use web::{Peer, Problem, Query, Routes};

use super::page;
use crate::model::{AuthorityView, PageContext, ShopAddresses, TRUST_PATH, TrustPage, file_name};

/// The path of the authority's certificate.
const AUTHORITY_PATH: &str = "/trust/ca.crt";
/// What a dispenser that signs sends with each request (RFC 9421).
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

/// The page has no script; its style, pictures and font are of this origin.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// Android, iOS and Windows offer to install what has this type.
const CERTIFICATE: HeaderValue = HeaderValue::from_static("application/x-x509-ca-cert");

/// How other machines reach the shop over HTTPS.
#[derive(Clone, Debug)]
pub struct HttpsSettings {
    /// The port.
    pub port: u16,
    /// An address of this machine on the network, for a page that is opened on the machine itself.
    pub address: Option<IpAddr>,
    /// The name for which the shop has a certificate of its own. `None`: its certificate is for every address.
    pub name: Option<String>,
    /// The authority that devices install first. `None`: the shop has a certificate that they trust already.
    pub authority: Option<Arc<Authority>>,
}

#[derive(Clone)]
struct PlainOrigin {
    origin: Router,
    trust: Router,
    https: HttpsSettings,
}

#[derive(Clone)]
struct Trust {
    shop: SharedShopRules,
    https: HttpsSettings,
    authority: Arc<Authority>,
}

#[derive(Deserialize)]
struct LanguageQuery {
    lang: Option<String>,
}

/// The router of the plain port, in front of `origin`, while the shop listens on a network.
pub fn plain_origin(context: &ServiceContext, origin: Router, https: HttpsSettings) -> Router {
    let pages = match https.authority.clone() {
        Some(authority) => trust_pages(Trust { shop: context.shop.clone(), https: https.clone(), authority }),
        None => Router::new(),
    };
    let routes = Routes::pages(OpenApiBuilder::new().build(), pages);
    let ready = web::ready(|| async { Ok(()) });
    let (trust, _) = web::finish("trust", "Trust", "", routes, &context.access, ready);
    Router::new().fallback(answer).with_state(PlainOrigin { origin, trust, https })
}

fn trust_pages(trust: Trust) -> Router {
    Router::new()
        .route("/", get(get_trust_page))
        .route(TRUST_PATH, get(get_trust_page))
        .route(AUTHORITY_PATH, get(get_authority))
        .with_state(trust)
}

async fn answer(State(plain): State<PlainOrigin>, request: Request) -> Response {
    // Without a peer nobody knows who asks.
    let is_this_machine = Peer::of(request.extensions()).is_some_and(Peer::is_loopback);
    let path = request.uri().path();
    let explains = plain.https.authority.is_some();
    let router = if explains && (path == TRUST_PATH || path == AUTHORITY_PATH) {
        plain.trust
    } else if is_this_machine || is_harmless(path) || is_of_dispenser(&request) {
        plain.origin
    } else if explains && path == "/" {
        plain.trust
    } else {
        return use_https(&request, &plain.https);
    };
    router.oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// What holds nothing of the shop: whether the program runs, and the files of the pages.
fn is_harmless(path: &str) -> bool {
    path == "/livez" || path.starts_with("/assets/")
}

/// The requests of a machine that pours, if it signs them: whoever listens learns of a code when it is used up, and who
/// changes a byte is noticed. If it sends its key instead, whoever listens has the key: the owner decides whether it may.
/// Whether the credential is valid is decided where it is used.
fn is_of_dispenser(request: &Request) -> bool {
    let is_route = match request.uri().path().strip_prefix("/api/QrCode/") {
        Some("validate" | "heartbeat") => true,
        Some(rest) => rest.split_once('/').is_some_and(|(code, action)| !code.is_empty() && action == "complete"),
        None => false,
    };
    let headers = request.headers();
    is_route && request.method() == Method::POST && (headers.contains_key(SIGNATURE_INPUT) || has_device_key(headers))
}

/// Whether the bearer token is of the form `<deviceId>.<key>`, which tokens of people and tablets never are.
fn has_device_key(headers: &HeaderMap) -> bool {
    let credential = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    credential.is_some_and(|(scheme, token)| {
        let device_id = token.trim().split_once('.').map(|(device_id, _)| device_id.parse::<DeviceId>());
        scheme.eq_ignore_ascii_case("bearer") && matches!(device_id, Some(Ok(_)))
    })
}

/// Leads a person to what explains HTTPS, or to HTTPS; a program gets a problem.
fn use_https(request: &Request, https: &HttpsSettings) -> Response {
    let asked = page::address(request.uri(), request.headers()).unwrap_or_default();
    let asked = https.name.as_deref().unwrap_or(asked);
    let address = ShopAddresses::of(asked, https.address, https.port).https;
    let is_person = request.method() == Method::GET && accepts_page(request.headers());
    let response = match (is_person, &https.authority) {
        (true, Some(_)) => Redirect::temporary(TRUST_PATH).into_response(),
        (true, None) => Redirect::temporary(&format!("{address}{}", request.uri().path())).into_response(),
        (false, _) => https_required(&address, https.authority.is_some()).into_response(),
    };
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], response).into_response()
}

fn accepts_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

fn https_required(address: &str, explains: bool) -> Problem {
    let trust =
        if explains { format!(" {TRUST_PATH} explains how a device learns to trust it.") } else { String::new() };
    Problem::new(
        StatusCode::FORBIDDEN,
        "https-required",
        "HTTPS required",
        format!(
            "Anyone on the network can read and change what is sent to this port. Nothing was done; use {address}.{trust}"
        ),
    )
}

async fn get_trust_page(
    State(trust): State<Trust>,
    Query(query): Query<LanguageQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = page::language(query.lang.as_deref(), &headers);
    let address = page::address(&uri, &headers);
    let shop = trust.shop.current();
    let html = TrustPage {
        context: PageContext { shop: &shop.settings().name, language, address },
        addresses: &ShopAddresses::of(address.unwrap_or("localhost"), trust.https.address, trust.https.port),
        authority: AuthorityView {
            name: trust.authority.name(),
            fingerprint: &trust.authority.fingerprint(),
            valid_until: shop.business_day(trust.authority.valid_until()),
        },
    };
    Ok(page::response(html.html(), language, POLICY))
}

async fn get_authority(State(trust): State<Trust>) -> Response {
    let name = file_name(&trust.shop.current().settings().name);
    // Not `attachment`: an iPad would then save the file instead of offering to install it.
    let disposition = HeaderValue::try_from(format!("inline; filename=\"{name}\""));
    let headers = [
        (header::CONTENT_TYPE, CERTIFICATE),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("inline"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, trust.authority.certificate().to_vec()).into_response()
}
