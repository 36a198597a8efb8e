//! Requests like a browser's, sent straight into a router.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tower::ServiceExt;
use web::ServiceCall;

const APPROVAL: HeaderName = HeaderName::from_static(web::APPROVAL_HEADER);

/// A client of one service.
#[derive(Clone, Debug)]
pub struct Client {
    router: Router,
    credential: Option<HeaderValue>,
    approval: Option<HeaderValue>,
    /// Whether `/internal` is called as another service.
    is_service: bool,
}

/// The response of a service.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON of the body. `Null` if there is no body, a string if the body is not JSON.
    pub body: Value,
}

impl Client {
    /// A client of this router without a credential.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self { router, credential: None, approval: None, is_service: false }
    }

    /// The same client with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        let credential = HeaderValue::try_from(format!("Bearer {token}")).expect("a token");
        Self { credential: Some(credential), is_service: false, ..self.clone() }
    }

    /// The same client, which calls `/internal` as another service.
    #[must_use]
    pub fn with_service_calls(&self) -> Self {
        Self { is_service: true, ..self.clone() }
    }

    /// The same client, which sends this approval with every request.
    #[must_use]
    pub fn with_approval(&self, approval: &str) -> Self {
        Self { approval: Some(HeaderValue::try_from(approval).expect("an approval")), ..self.clone() }
    }

    /// The same client without a credential.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self::new(self.router.clone())
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).expect("a valid path")).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: impl Serialize) -> Reply {
        self.send(with_json(Method::POST, path, None, &body)).await
    }

    /// `POST path` with a JSON body and an `Idempotency-Key`.
    pub async fn post_with_key(&self, path: &str, key: &str, body: impl Serialize) -> Reply {
        self.send(with_json(Method::POST, path, Some(key), &body)).await
    }

    /// `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: impl Serialize) -> Reply {
        self.send(with_json(Method::PUT, path, None, &body)).await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: impl Serialize) -> Reply {
        self.send(with_json(Method::PATCH, path, None, &body)).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Request::delete(path).body(Body::empty()).expect("a valid path")).await
    }

    /// Any request. A credential of its own is kept.
    pub async fn send(&self, mut request: Request<Body>) -> Reply {
        for (name, value) in [(header::AUTHORIZATION, &self.credential), (APPROVAL, &self.approval)] {
            if let (Some(value), false) = (value, request.headers().contains_key(&name)) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        if self.is_service && request.uri().path().starts_with("/internal/") {
            request.extensions_mut().insert(ServiceCall);
        }
        let response = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a complete response").to_bytes();
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
        };
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

fn with_json(method: Method, path: &str, key: Option<&str>, body: &impl Serialize) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let json = serde_json::to_vec(body).expect("a body that can be written as JSON");
    request.body(Body::from(json)).expect("a valid path")
}

impl Reply {
    /// The body. Panics if the status is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "got {}: {:#}", self.status, self.body);
        self.body
    }

    /// The body, read as a `T`. Panics if the status is another one.
    #[track_caller]
    #[must_use]
    pub fn read<T: DeserializeOwned>(self, status: u16) -> T {
        let body = self.expect(status);
        serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{error}, in {body:#}"))
    }

    /// The problem. Panics if the service did not refuse with this status and slug.
    #[track_caller]
    pub fn problem(self, status: u16, slug: &str) -> Value {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let body = self.expect(status);
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "in {body:#}");
        assert_eq!(body["type"], format!("/problems/{slug}"), "in {body:#}");
        body
    }
}
