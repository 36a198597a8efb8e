//! Cookies with tokens, for browsers: their scripts cannot read them, and other sites cannot send them.

use axum::http::{HeaderName, HeaderValue, header};
use contracts::time::Timestamp;
use web::Peer;

/// A header that sets or clears a cookie.
pub(super) type SetCookie = [(HeaderName, HeaderValue); 1];

/// Whether the browser may send its cookies over HTTPS alone.
pub(super) fn is_encrypted(peer: Option<Peer>) -> bool {
    peer.is_some_and(|peer| peer.is_encrypted)
}

/// Sets the cookie `name` until the token ends. `is_encrypted`: the request came over TLS.
pub(super) fn set_cookie(
    name: &str,
    token: &str,
    now: Timestamp,
    expires_at: Timestamp,
    is_encrypted: bool,
) -> SetCookie {
    cookie(name, token, expires_at.since(now).as_secs(), is_encrypted)
}

/// Clears the cookie `name`.
pub(super) fn clear_cookie(name: &str, is_encrypted: bool) -> SetCookie {
    cookie(name, "", 0, is_encrypted)
}

fn cookie(name: &str, value: &str, max_age_seconds: u64, is_encrypted: bool) -> SetCookie {
    let secure = if is_encrypted { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}");
    // Tokens are base64url with dots: always a header.
    let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    [(header::SET_COOKIE, value)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_this_site_and_not_for_scripts() {
        let [(_, cookie)] = set_cookie("fnb_session", "v4.public.x", Timestamp(0), Timestamp(60_000_000), true);
        assert_eq!(cookie, "fnb_session=v4.public.x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure");
        let [(_, cleared)] = clear_cookie("fnb_session", false);
        assert_eq!(cleared, "fnb_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    }
}
