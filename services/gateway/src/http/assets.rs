//! `/assets`: the styles, scripts, pictures and the font of the pages, from the binary.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use web::Problem;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Name, media type and content of every file.
const FILES: [(&str, &str, &[u8]); 14] = [
    ("tokens.css", CSS, include_bytes!("../../pages/assets/tokens.css")),
    ("ui.css", CSS, include_bytes!("../../pages/assets/ui.css")),
    ("pictures.css", CSS, include_bytes!("../../pages/assets/pictures.css")),
    ("start.css", CSS, include_bytes!("../../pages/assets/start.css")),
    ("pair.css", CSS, include_bytes!("../../pages/assets/pair.css")),
    ("trust.css", CSS, include_bytes!("../../pages/assets/trust.css")),
    ("pair.js", JAVASCRIPT, include_bytes!("../../pages/assets/pair.js")),
    ("scanner.js", JAVASCRIPT, include_bytes!("../../pages/assets/scanner.js")),
    ("icon.svg", SVG, include_bytes!("../../pages/assets/icon.svg")),
    ("icons.svg", SVG, include_bytes!("../../pages/assets/icons.svg")),
    ("counter.svg", SVG, include_bytes!("../../pages/assets/counter.svg")),
    ("dispenser.svg", SVG, include_bytes!("../../pages/assets/dispenser.svg")),
    ("drink.svg", SVG, include_bytes!("../../pages/assets/drink.svg")),
    ("plus-jakarta-sans.woff2", "font/woff2", include_bytes!("../../pages/assets/plus-jakarta-sans.woff2")),
];

/// The font's licence asks that it goes wherever the font goes, also into the binary.
const FONT_LICENCE: (&str, &str, &[u8]) = (
    "plus-jakarta-sans.txt",
    "text/plain; charset=utf-8",
    include_bytes!("../../pages/assets/LICENSE-plus-jakarta-sans"),
);

/// They only change with the program, but then at once: a browser asks each time whether its copy is the present one.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// A picture that is opened by itself runs nothing.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

#[derive(Clone)]
struct File {
    media_type: &'static str,
    bytes: &'static [u8],
    etag: HeaderValue,
}

pub(super) fn routes() -> Router {
    let files = FILES.into_iter().chain([FONT_LICENCE]);
    let files: BTreeMap<&str, File> = files.map(|(name, media_type, bytes)| (name, file(media_type, bytes))).collect();
    Router::new().route("/assets/{file}", get(get_asset)).with_state(Arc::new(files))
}

fn file(media_type: &'static str, bytes: &'static [u8]) -> File {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()));
    File { media_type, bytes, etag: etag.unwrap_or(HeaderValue::from_static("\"\"")) }
}

async fn get_asset(
    State(files): State<Arc<BTreeMap<&'static str, File>>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(file) = files.get(name.as_str()) else { return Err(Problem::not_found("file of the pages", name)) };
    let cached = [(header::ETAG, file.etag.clone()), (header::CACHE_CONTROL, REVALIDATE)];
    if headers.get(header::IF_NONE_MATCH) == Some(&file.etag) {
        return Ok((StatusCode::NOT_MODIFIED, cached).into_response());
    }
    let content = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.media_type)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((cached, content, file.bytes).into_response())
}
