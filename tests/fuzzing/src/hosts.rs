//! Headers and addresses: hosts and origins, traces, the address of a database.

use axum::http::{HeaderValue, Request, header};
use db::{ServerUrl, without_secrets};
use trace::TraceContext;
use web::AllowedHosts;

use crate::text;

/// The first line is `Host`, the second one `Origin`: only hosts of this shop and their origins pass.
pub fn hosts(data: &[u8]) {
    let names = ["kopi.example".to_owned()];
    let allowed = AllowedHosts::new([192, 168, 1, 2].into(), &names).expect("a name");
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let mut request = Request::new(());
    for name in [header::HOST, header::ORIGIN] {
        let value = lines.next().and_then(|line| HeaderValue::from_bytes(line).ok());
        if let Some(value) = value {
            request.headers_mut().insert(name, value);
        }
    }
    for is_encrypted in [false, true] {
        if allowed.check(&request, is_encrypted).is_err() {
            continue;
        }
        let sent = |name| request.headers().get(name).map(|value| value.to_str().expect("text").to_ascii_lowercase());
        let host = sent(header::HOST).expect("a host");
        let is_ours = ["localhost", "kopi.example", "192.168.1.2", "127.", "[", "::"];
        assert!(is_ours.iter().any(|ours| host.starts_with(ours)), "host {host:?}");
        if let Some(origin) = sent(header::ORIGIN) {
            assert!(origin.ends_with(&host) || origin.contains("kopi.example"), "host {host:?}, origin {origin:?}");
        }
    }
}

/// A `traceparent` is read and written.
pub fn traceparents(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(context) = text.parse::<TraceContext>() {
        let written = context.to_string();
        assert_eq!(written.parse::<TraceContext>().expect("what was written").to_string(), written);
    }
}

/// The address of a database: neither errors nor the masked address show its password.
pub fn addresses(data: &[u8]) {
    const PASSWORD: &str = "s3cr3tW0rd";
    let Some(text) = text(data) else { return };
    let _parsed = text.parse::<ServerUrl>();
    let _masked = without_secrets(text);
    // A password between what the input has before and behind its first line.
    let (before, behind) = text.split_once('\n').unwrap_or(("postgres://shop", text));
    let address = format!("{before}:{PASSWORD}@{behind}");
    if let Err(error) = address.parse::<ServerUrl>() {
        assert!(!format!("{error} {error:?}").contains(PASSWORD), "{address:?}: {error:?}");
    }
    if before.contains("://") {
        assert!(!without_secrets(&address).contains(PASSWORD), "{address:?}");
    }
}
