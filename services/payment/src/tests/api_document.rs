use serde_json::{Value, json};

use super::shop::TestShop;

async fn document() -> Value {
    TestShop::new().await.client.get("/openapi.json").await.expect(200)
}

#[tokio::test]
async fn every_response_in_the_api_document_has_a_description() {
    let document = document().await;
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let responses: Vec<_> =
        operations.flat_map(|operation| operation["responses"].as_object().unwrap().values()).collect();
    assert!(responses.len() > 20);
    for response in responses {
        assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{response:#}");
    }
}

#[tokio::test]
async fn the_api_document_names_bodies_and_bounds() {
    let document = document().await;
    let pay = &document["paths"]["/api/Payment"]["post"];
    let body = &pay["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(body, "#/components/schemas/CreatePayment");
    let key = &pay["parameters"][0];
    assert_eq!((&key["name"], &key["required"]), (&json!("Idempotency-Key"), &json!(false)));
    assert_eq!((&key["schema"]["minLength"], &key["schema"]["maxLength"]), (&json!(1), &json!(255)));

    let list = document["paths"]["/api/Payment"]["get"]["parameters"].as_array().unwrap();
    let limit = list.iter().find(|parameter| parameter["name"] == "limit").unwrap();
    assert_eq!((&limit["schema"]["minimum"], &limit["schema"]["maximum"]), (&json!(1), &json!(200)));
    let reference = &document["components"]["schemas"]["ConfirmPayment"]["properties"]["reference"];
    assert_eq!(reference["maxLength"], 120);
}

#[tokio::test]
async fn routes_between_services_are_not_in_the_api_document() {
    let document = document().await;
    assert!(document["paths"].as_object().unwrap().keys().all(|path| path.starts_with("/api/Payment")));
}
