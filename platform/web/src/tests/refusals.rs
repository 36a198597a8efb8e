use super::*;

#[tokio::test]
async fn a_good_request_succeeds() {
    let reply = submit(&cafe(), r#"{"lines":[{"cupCount":2,"size":"LARGE"}]}"#).await;
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (201, "1"));
    assert_eq!(reply.headers["location"], "/api/Cup/1");
}

#[tokio::test]
async fn malformed_json_is_refused_with_its_line_and_column() {
    submit(&cafe(), "{\"lines\":\n [}").await.assert_problem(
        400,
        "malformed-json",
        "The body is not JSON: expected value at line 2 column 3. Correct it and send it again.",
    );
    submit(&cafe(), r#"{"lines":["#).await.problem(400, "malformed-json");
    submit(&cafe(), vec![0xff, 0xfe]).await.problem(400, "malformed-json");
    submit(&cafe(), "").await.assert_problem(400, "malformed-json", "The body is empty. Send a JSON object.");
}

#[tokio::test]
async fn a_wrong_shape_is_refused_by_the_fields_name() {
    let detail = async |body: &'static str| {
        submit(&cafe(), body).await.problem(422, "invalid-body")["detail"].as_str().unwrap().to_owned()
    };
    let wrong_type = detail(r#"{"lines":[{"cupCount":1,"size":"SMALL"},{"cupCount":"two","size":"SMALL"}]}"#).await;
    assert!(
        wrong_type.starts_with("lines[1].cupCount: invalid type: string \"two\", expected a whole number, 0 or more."),
        "{wrong_type}"
    );
    assert!(wrong_type.ends_with("Correct it and send it again."), "{wrong_type}");

    let negative = detail(r#"{"lines":[{"cupCount":-1,"size":"SMALL"}]}"#).await;
    assert!(
        negative.starts_with("lines[0].cupCount: invalid value: integer `-1`, expected a whole number, 0 or more."),
        "{negative}"
    );
    let unknown_variant = detail(r#"{"lines":[{"cupCount":1,"size":"VENTI"}]}"#).await;
    assert!(
        unknown_variant.starts_with("lines[0].size: unknown variant `VENTI`, expected `SMALL` or"),
        "{unknown_variant}"
    );
    let unknown_field = detail(r#"{"lines":[],"tip":1}"#).await;
    assert!(unknown_field.starts_with("tip: unknown field `tip`, expected `lines`"), "{unknown_field}");
    let missing = detail("{}").await;
    assert!(missing.starts_with("The body is not what this route takes: missing field `lines`"), "{missing}");
    let not_an_object = detail("[1]").await;
    assert!(not_an_object.contains("an array was sent, expected an object"), "{not_an_object}");
    let nested = detail(r#"{"lines":[[1,"SMALL"]]}"#).await;
    assert!(nested.starts_with("lines[0]: an array was sent, expected an object"), "{nested}");
}

#[tokio::test]
async fn a_body_of_another_content_type_is_refused() {
    let text = Request::post("/api/Cup").header("content-type", "text/plain").body(Body::from("{}")).unwrap();
    send(&cafe(), text).await.assert_problem(
        415,
        "unsupported-media-type",
        "The request has Content-Type \"text/plain\". Send JSON with Content-Type: application/json.",
    );
    let without_type = Request::post("/api/Cup").body(Body::from("{}")).unwrap();
    let reply = send(&cafe(), without_type).await.problem(415, "unsupported-media-type");
    assert!(reply["detail"].as_str().unwrap().contains("no Content-Type"));
    for json in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        let request =
            Request::post("/api/Cup").header("content-type", json).body(Body::from(r#"{"lines":[]}"#)).unwrap();
        assert_eq!(send(&cafe(), request).await.status, 201, "{json}");
    }
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    call(&cafe(), "GET", "/api/cup").await.assert_problem(
        404,
        "unknown-route",
        "There is nothing at GET /api/cup. /openapi.json lists every route; names are case-sensitive.",
    );
}

#[tokio::test]
async fn an_unknown_method_is_a_problem_that_lists_the_known_ones() {
    let reply = call(&cafe(), "DELETE", "/api/Mug").await;
    reply.assert_problem(
        405,
        "method-not-allowed",
        "/api/Mug has no method DELETE. The header Allow lists its methods.",
    );
    let mut allowed: Vec<_> = reply.headers["allow"].to_str().unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    call(&cafe(), "PUT", "/livez").await.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn an_id_that_is_not_an_id_is_refused_by_name() {
    let problem = call(&cafe(), "GET", "/api/Cup/seven").await.problem(400, "invalid-id");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("\"seven\" is not an id: an id is a UUID such as"), "{detail}");
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_by_the_fields_name() {
    let problem = call(&cafe(), "GET", "/api/Mug?size=VENTI").await.problem(400, "invalid-query");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("size: unknown variant `VENTI`"), "{detail}");
    assert_eq!(call(&cafe(), "GET", "/api/Mug?size=LARGE").await.status, 200);
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_next_request_succeeds() {
    let cafe = cafe();
    let reply = call(&cafe, "GET", "/internal/broken").await;
    let problem = reply.problem(500, "internal");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("Something went wrong on our side. Try again;"), "{detail}");
    assert!(!reply.body.contains("the cup fell"), "a client sees nothing of the inside");
    assert_eq!(submit(&cafe, r#"{"lines":[]}"#).await.status, 201);
}

#[tokio::test]
async fn a_refusal_carries_what_the_client_needs_to_go_on() {
    let problem = call(&cafe(), "GET", "/internal/refused").await.problem(404, "not-found");
    assert_eq!(problem["detail"], "There is no cup 7. Check the id, or list what there is.");
    assert_eq!(problem["context"], json!({"cups": 6}));
}

#[tokio::test]
async fn a_refusal_shortens_a_text_that_is_too_long() {
    let long = "é".repeat(100_000);
    let body = json!({ "lines": [{ "cupCount": 1, "size": long }] }).to_string();
    let by_body = submit(&cafe(), body).await.problem(422, "invalid-body")["detail"].clone();
    let query = format!("/api/Mug?size={}", "a".repeat(10_000));
    let by_query = call(&cafe(), "GET", &query).await.problem(400, "invalid-query")["detail"].clone();
    let mut request = request("POST", "/api/Cup", "{}");
    request.headers_mut().insert("content-type", "t".repeat(10_000).parse().unwrap());
    let by_content_type = send(&cafe(), request).await.problem(415, "unsupported-media-type")["detail"].clone();
    for detail in [by_body, by_query, by_content_type] {
        let detail = detail.as_str().unwrap();
        assert!(detail.chars().count() < 450 && detail.contains('…'), "{detail}");
        assert!(!detail.ends_with('…'), "what to do now is missing in {detail}");
    }
}

#[tokio::test]
async fn internal_routes_cannot_be_reached_from_outside() {
    let outside = crate::without_internal(cafe());
    for path in ["/internal/refused", "/internal/empty", "/internal/none", "/internal", "/internal/"] {
        call(&outside, "GET", path).await.problem(404, "unknown-route");
        call(&outside, "POST", path).await.problem(404, "unknown-route");
    }
    for path in ["//internal/refused", "/%69nternal/refused", "/api/../internal/refused"] {
        call(&outside, "GET", path).await.problem(404, "unknown-route");
    }
    assert_eq!(call(&outside, "GET", "/api/Mug?size=LARGE").await.status, 200);
    assert_eq!(call(&outside, "GET", "/livez").await.status, 200);
    call(&outside, "PUT", "/livez").await.problem(405, "method-not-allowed");
}

#[test]
fn a_busy_or_closed_database_is_a_503_with_retry_after() {
    use axum::response::IntoResponse;
    for error in [db::DbError::Overloaded, db::DbError::Closed] {
        let response = Problem::from(error).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
    }
}

#[test]
fn a_key_used_again_with_another_body_is_refused_with_the_key() {
    let reused = db::idempotency::IdempotencyError::KeyReused { key: "k-1".to_owned() };
    let problem = Problem::from(reused);
    assert_eq!((problem.status().as_u16(), problem.body().kind.as_str()), (422, "/problems/idempotency-key-reused"));
    assert!(problem.body().detail.contains("k-1"));
}

#[test]
fn a_problem_keeps_the_error_behind_it_for_the_log_alone() {
    let problem = Problem::internal(db::DbError::ReadOnly);
    let chain = errors::chain(&problem).to_string();
    let text = db::DbError::ReadOnly.to_string();
    assert!(chain.ends_with(&text) && chain.contains("incident "), "{chain}");
    assert!(!problem.body().detail.contains(&text), "{}", problem.body().detail);
}

#[test]
fn a_page_that_no_list_has_is_refused_alike_by_every_service() {
    let problem = Problem::from(contracts::page_rows(Some(201), 50).unwrap_err());
    assert_eq!((problem.status().as_u16(), problem.body().kind.as_str()), (400, "/problems/bad-request"));
    assert!(problem.body().detail.contains("1 to 200 rows"), "{}", problem.body().detail);
}
