use super::*;

async fn origin(world: &World) -> Client {
    let gateway = open(world, FirstStart::default()).await.service;
    world.client(&crate::origin(world.context(), &[gateway], GatewaySettings::default()))
}

async fn page(client: &Client, path: &str, headers: &[(&str, &str)]) -> String {
    client.send(asking(path, headers)).await.expect(200).as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_start_page_greets_in_the_guests_language() {
    let world = World::new().await;
    let client = origin(&world).await;

    assert!(page(&client, "/", &[]).await.contains("All running"));
    let indonesian = page(&client, "/", &[("accept-language", "id-ID,id;q=0.9")]).await;
    assert!(indonesian.contains("Semua menyala"), "{indonesian}");
    let chosen = page(&client, "/?lang=en", &[("accept-language", "id")]).await;
    assert!(chosen.contains("lang=\"en\"") && chosen.contains("All running"), "{chosen}");
}

#[tokio::test]
async fn the_start_page_shows_the_shops_name_as_text_and_its_business_day() {
    let world = World::new().await;
    let client = origin(&world).await;
    client.put("/api/Shop", named("Kopi <b>Pagi</b>")).await.expect(200);

    let html = page(&client, "/", &[("host", "kopi.local:8080")]).await;

    assert!(html.contains("<h1>Kopi &lt;b&gt;Pagi&lt;/b&gt;</h1><p>kopi.local:8080</p>"), "{html}");
    assert!(html.contains("<time datetime=\"2026-11-22\">22 November 2026</time>"), "{html}");
}

#[tokio::test]
async fn the_start_page_shows_how_long_the_shop_has_run() {
    let world = World::new().await;
    let client = origin(&world).await;
    assert!(page(&client, "/", &[]).await.contains("<li>Running for <small>0 min</small>"));

    world.context().clock.advance(std::time::Duration::from_secs(3 * 24 * 3600 + 5));

    let html = page(&client, "/", &[]).await;
    assert!(html.contains("<li>Running for <small>3 d</small>"), "{html}");
}

#[tokio::test]
async fn the_doors_sign_in_only_in_the_demo_shop() {
    let world = World::new().await;
    let gateway = open(&world, FirstStart::default()).await;
    let settings = GatewaySettings { demo_doors: Some(gateway.demo_doors) };
    let demo = Client::new(crate::origin(world.context(), &[gateway.service], settings));
    let html = page(&demo, "/", &[("cookie", "fnb_device=abc")]).await;
    assert!(html.contains("<form method=\"post\" action=\"/demo/kiosk\">"), "{html}");

    let real = origin(&world).await;
    let html = page(&real, "/", &[("cookie", "other=1; fnb_devices=2")]).await;
    assert!(html.contains("class=\"door door-kiosk\" href=\"/pair?lang=en\"") && !html.contains("/demo/"), "{html}");
    let html = page(&real, "/", &[("cookie", "other=1; fnb_device=abc")]).await;
    assert!(html.contains("class=\"door door-kiosk\" href=\"/docs/\"") && !html.contains("/demo/"), "{html}");
}

#[tokio::test]
async fn the_pages_run_and_load_only_what_is_of_this_origin() {
    let world = World::new().await;
    let client = origin(&world).await;

    for (path, policy) in [
        (
            "/",
            "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
        (
            "/pair?code=48271936",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        let reply = client.get(path).await;
        assert_eq!(reply.headers["content-security-policy"], policy, "{path}");
        assert_eq!(reply.headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
        let html = reply.expect(200).as_str().unwrap().to_owned();
        for file in html.split("\"/assets/").skip(1).map(|part| part.split(['"', '#']).next().unwrap()) {
            assert_eq!(client.get(&format!("/assets/{file}")).await.status, 200, "{file}");
        }
    }
}

#[tokio::test]
async fn the_pairing_page_is_in_the_language_and_has_the_code_of_its_address() {
    let world = World::new().await;
    let client = origin(&world).await;

    let html = page(&client, "/pair?code=48271936&lang=id", &[("host", "kopi.local:8443")]).await;
    assert!(html.contains("Sambungkan tablet ini</h1>") && html.contains("data-code=\"48271936\""), "{html}");
    assert!(html.contains("<b>kopi.local:8443</b>"), "{html}");
    let html = page(&client, "/pair?code=%22%3E%3Cscript%3E", &[]).await;
    assert!(html.contains("Connect this tablet</h1>") && html.contains("data-code=\"\""), "{html}");
    assert_eq!(client.get("/pair").await.headers["permissions-policy"], "camera=(self)");
}

#[tokio::test]
async fn a_file_of_the_pages_is_sent_again_only_if_it_changed() {
    let world = World::new().await;
    let client = origin(&world).await;

    let reply = client.get("/assets/pair.js").await;
    assert_eq!(reply.headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(reply.headers["cache-control"], "no-cache");
    let etag = reply.headers["etag"].to_str().unwrap().to_owned();

    assert_eq!(client.send(asking("/assets/pair.js", &[("if-none-match", &etag)])).await.status, 304);
    assert_eq!(client.send(asking("/assets/scanner.js", &[("if-none-match", &etag)])).await.status, 200);
    client.get("/assets/nothing.js").await.problem(404, "not-found");
}

#[tokio::test]
async fn the_font_comes_with_its_licence() {
    let world = World::new().await;
    let client = origin(&world).await;

    assert_eq!(client.get("/assets/plus-jakarta-sans.woff2").await.headers["content-type"], "font/woff2");
    assert!(page(&client, "/assets/plus-jakarta-sans.txt", &[]).await.contains("SIL OPEN FONT LICENSE"));
}

#[tokio::test]
async fn the_api_browser_loads_nothing_from_elsewhere() {
    let world = World::new().await;
    let client = origin(&world).await;

    assert_eq!(client.get("/docs").await.headers["location"], "/docs/");
    let reply = client.get("/docs/").await;
    let policy = reply.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
    let html = reply.expect(200).as_str().unwrap().to_owned();
    assert!(!html.contains("http:") && !html.contains("https:"), "{html}");
    for part in html.split("src=\"").skip(1).chain(html.split("stylesheet\" href=\"").skip(1)) {
        let file = part.split('"').next().unwrap();
        assert_eq!(client.get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    let settings = page(&client, "/docs/swagger-initializer.js", &[]).await;
    assert!(settings.contains("\"url\": \"/openapi.json\""), "{settings}");
    assert!(settings.contains("\"validatorUrl\": \"none\""), "{settings}");
    client.get("/docs/nothing.js").await.problem(404, "not-found");
}
