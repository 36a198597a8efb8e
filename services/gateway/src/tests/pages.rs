use super::*;

async fn origin(world: &World) -> Client {
    let gateway = crate::open(world.context()).await.unwrap();
    world.client(&crate::origin(world.context(), &[gateway]))
}

async fn page(client: &Client, path: &str, headers: &[(&str, &str)]) -> String {
    client.send(asking(path, headers)).await.expect(200).as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_start_page_greets_in_the_guests_language() {
    let world = World::new().await;
    let client = origin(&world).await;

    assert!(page(&client, "/", &[]).await.contains("ready to take orders"));
    let indonesian = page(&client, "/", &[("accept-language", "id-ID,id;q=0.9")]).await;
    assert!(indonesian.contains("siap menerima pesanan"), "{indonesian}");
    let chosen = page(&client, "/?lang=en", &[("accept-language", "id")]).await;
    assert!(chosen.contains("lang=\"en\"") && chosen.contains("ready to take orders"), "{chosen}");
}

#[tokio::test]
async fn the_start_page_shows_the_shops_name_as_text_and_its_business_day() {
    let world = World::new().await;
    let client = origin(&world).await;
    client.put("/api/Shop", named("Kopi <b>Pagi</b>")).await.expect(200);

    let html = page(&client, "/", &[]).await;

    assert!(html.contains("<h1>Kopi &lt;b&gt;Pagi&lt;/b&gt;</h1>"), "{html}");
    assert!(html.contains("<time datetime=\"2026-11-22\">22 November 2026</time>"), "{html}");
}

#[tokio::test]
async fn the_start_page_loads_only_its_own_style_and_picture() {
    let world = World::new().await;
    let client = origin(&world).await;

    let reply = client.get("/").await;

    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self';"), "{policy}");
    assert_eq!(client.get("/start.css").await.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(client.get("/icon.svg").await.headers["content-type"], "image/svg+xml");
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
