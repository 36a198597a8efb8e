use super::*;

async fn send_keyed(path: &str, key: &str, body: &str) -> Reply {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_owned()))
        .unwrap();
    send(&cafe(), request).await
}

async fn keyed(path: &str, key: &str, body: &str) -> Value {
    serde_json::from_str(&send_keyed(path, key, body).await.body).unwrap()
}

#[tokio::test]
async fn the_same_request_sent_again_has_the_same_key() {
    let first = keyed("/api/Mug", "k-1", r#"{"a":1}"#).await;
    assert_eq!(first, keyed("/api/Mug", "k-1", r#"{"a":1}"#).await);
    assert_eq!(
        (&first["route"], &first["key"], &first["caller"]),
        (&"POST /api/Mug".into(), &"k-1".into(), &"anonymous".into())
    );
}

#[tokio::test]
async fn a_body_that_means_the_same_has_the_same_fingerprint() {
    let first = keyed("/api/Mug", "k-1", r#"{"a":1,"b":"x"}"#).await;
    for same in [r#"{"b":"x","a":1}"#, "{ \"a\": 1.0,\n\"b\": \"\\u0078\" }"] {
        assert_eq!(first, keyed("/api/Mug", "k-1", same).await, "{same}");
    }
}

#[tokio::test]
async fn another_body_has_another_fingerprint() {
    let (one, two) = (keyed("/api/Mug", "k-1", r#"{"a":1}"#).await, keyed("/api/Mug", "k-1", r#"{"a":2}"#).await);
    assert_eq!(one["key"], two["key"]);
    assert_ne!(one["fingerprint"], two["fingerprint"]);
}

#[tokio::test]
async fn a_key_used_for_two_cups_has_two_fingerprints_for_one_body() {
    let (one, two) = (keyed("/api/Cup/1/fill", "k", "{}").await, keyed("/api/Cup/2/fill", "k", "{}").await);
    assert_eq!(one["route"], "POST /api/Cup/{cupId}/fill");
    assert_eq!(one["route"], two["route"]);
    assert_ne!(one["fingerprint"], two["fingerprint"]);
}

#[tokio::test]
async fn a_request_without_a_key_is_accepted() {
    let reply = send(&cafe(), request("POST", "/api/Mug", "{}")).await;
    assert_eq!(reply.body, "null");
}

#[tokio::test]
async fn a_key_that_is_empty_too_long_or_not_visible_ascii_is_refused() {
    let longest = "k".repeat(255);
    assert_eq!(send_keyed("/api/Mug", &longest, "{}").await.status, 200);
    for key in ["", "two words", &"k".repeat(256)] {
        send_keyed("/api/Mug", key, "{}").await.problem(400, "invalid-idempotency-key");
    }
}
