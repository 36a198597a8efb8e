//! A client of the API, as a till uses it.

use std::time::Duration;

use serde_json::{Value, json};

/// A client with connections of its own.
#[derive(Clone, Debug)]
pub struct ApiClient {
    agent: ureq::Agent,
    url: String,
    /// The header `Authorization`. Empty: no credential.
    credential: String,
}

/// The status and the body of a response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub body: Value,
}

impl Response {
    /// The body. Fails unless the response has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// The problem. Fails unless it has this status and type.
    #[track_caller]
    pub fn problem(self, status: u16, slug: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["type"], format!("/problems/{slug}"), "{body:#}");
        body
    }
}

impl ApiClient {
    /// A client without a credential.
    pub fn at(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self { agent: config.into(), url: url.to_owned(), credential: String::new() }
    }

    /// The same client with this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { credential: format!("Bearer {token}"), ..self.clone() }
    }

    /// The same client with the credential of another.
    pub fn with_credential_of(&self, other: &Self) -> Self {
        Self { credential: other.credential.clone(), ..self.clone() }
    }

    /// The same client after it went through a door of the demo shop: `pos`, `kiosk`, `dispenser` or `owner`.
    pub fn through_door(&self, door: &str) -> Self {
        let entered = self.agent.post(format!("{}/demo/{door}", self.url)).send_empty().expect("the program responds");
        assert_eq!(entered.status().as_u16(), 303, "the demo's door {door}");
        let cookies = entered.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let tokens = cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
        // A person's token, or else the device's.
        let (_, token) = tokens.max_by_key(|(name, _)| *name == "fnb_session").expect("a token");
        self.with_token(token)
    }

    /// Pairs a dispenser of this name, as an owner does, and lets it send its key as a bearer token.
    pub fn pair_dispenser(&self, name: &str) -> Self {
        let code = self.post("/api/Device/pairing", &json!({ "kind": "DISPENSER", "name": name })).expect(200);
        let paired = self.post("/api/Device/pair", &json!({ "code": code["code"] })).expect(201);
        let device_id = paired["device"]["deviceId"].as_str().unwrap();
        let bearer = json!({ "name": name, "isBearerAllowed": true });
        self.put(&format!("/api/Device/{device_id}"), &bearer).expect(200);
        self.with_token(&format!("{device_id}.{}", paired["signingKey"].as_str().unwrap()))
    }

    /// A client without a credential sends an empty header that nobody reads: an empty `Authorization` would be one that
    /// is not valid.
    fn credential_header(&self) -> &'static str {
        if self.credential.is_empty() { "X-No-Credential" } else { "Authorization" }
    }

    /// The header that proves who calls.
    pub fn credential(&self) -> &str {
        &self.credential
    }

    pub fn get(&self, path: &str) -> Response {
        self.try_get(path).expect("the program responds")
    }

    pub fn post(&self, path: &str, body: &Value) -> Response {
        Self::response(
            self.agent
                .post(format!("{}{path}", self.url))
                .header(self.credential_header(), &self.credential)
                .send_json(body),
        )
        .expect("the program responds")
    }

    pub fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Response {
        self.try_post_with_key(path, key, body).expect("the program responds")
    }

    /// Returns the error if there is no response because the program was killed.
    pub fn try_post_with_key(&self, path: &str, key: &str, body: &Value) -> Result<Response, ureq::Error> {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header(self.credential_header(), &self.credential)
            .header("Idempotency-Key", key);
        Self::response(request.send_json(body))
    }

    /// As [`ApiClient::get`], where the program may be killed meanwhile.
    pub fn try_get(&self, path: &str) -> Result<Response, ureq::Error> {
        Self::response(
            self.agent.get(format!("{}{path}", self.url)).header(self.credential_header(), &self.credential).call(),
        )
    }

    pub fn post_text(&self, path: &str, content_type: &str, text: &str) -> Response {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header(self.credential_header(), &self.credential)
            .header("Content-Type", content_type);
        Self::response(request.send(text)).expect("the program responds")
    }

    pub fn put(&self, path: &str, body: &Value) -> Response {
        Self::response(
            self.agent
                .put(format!("{}{path}", self.url))
                .header(self.credential_header(), &self.credential)
                .send_json(body),
        )
        .expect("the program responds")
    }

    pub fn patch(&self, path: &str, body: &Value) -> Response {
        Self::response(
            self.agent
                .patch(format!("{}{path}", self.url))
                .header(self.credential_header(), &self.credential)
                .send_json(body),
        )
        .expect("the program responds")
    }

    pub fn delete(&self, path: &str) -> Response {
        Self::response(
            self.agent.delete(format!("{}{path}", self.url)).header(self.credential_header(), &self.credential).call(),
        )
        .expect("the program responds")
    }

    fn response(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Response, ureq::Error> {
        let mut response = sent?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Response { status, body })
    }

    /// The demo's product of this name.
    pub fn product(&self, name: &str) -> Value {
        let page = self.get("/api/Product?limit=200").expect(200);
        page["items"].as_array().unwrap().iter().find(|card| card["name"] == name).cloned().expect("a demo product")
    }

    /// The first option of every group that requires one.
    pub fn options(card: &Value) -> Vec<Value> {
        let groups = card["optionGroups"].as_array().unwrap().iter();
        groups.filter(|group| group["minChoices"] != 0).map(|group| group["options"][0]["optionId"].clone()).collect()
    }

    /// An order of some demo products: (card, quantity).
    pub fn order(lines: &[(&Value, u32)]) -> Value {
        let total: i64 =
            lines.iter().map(|(card, quantity)| card["price"].as_i64().unwrap() * i64::from(*quantity)).sum();
        let item = |(card, quantity): &(&Value, u32)| json!({ "productId": card["productId"], "quantity": quantity, "options": Self::options(card) });
        json!({ "items": lines.iter().map(item).collect::<Vec<_>>(), "totalAmount": total })
    }

    /// A payment of an order by QRIS.
    pub fn qris(order: &Value) -> Value {
        json!({ "orderId": order["orderId"], "method": "QRIS", "amount": order["price"]["total"] })
    }

    /// The receipt of a payment. If its codes are still pending, the client fetches the receipt again, as a till does.
    pub fn receipt(&self, payment: &Value) -> Value {
        self.try_receipt(payment).unwrap()
    }

    /// The same, but returns the error if the program was killed.
    pub fn try_receipt(&self, payment: &Value) -> Result<Value, ureq::Error> {
        if payment["receipt"]["qrPending"] == false {
            return Ok(payment["receipt"].clone());
        }
        let path = format!("/api/Order/{}/receipt?wait=10000", payment["orderId"].as_str().unwrap());
        let receipt = self.try_get(&path)?.expect(200);
        assert_eq!(receipt["qrPending"], false, "{receipt:#}");
        Ok(receipt)
    }

    /// A payment of an order in cash, with a large note.
    pub fn cash(order: &Value) -> Value {
        let total = &order["price"]["total"];
        json!({ "orderId": order["orderId"], "method": "CASH", "amount": total, "tendered": 5_000_000 })
    }
}
