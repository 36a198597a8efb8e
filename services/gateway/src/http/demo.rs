//! `POST /demo/{door}`: the doors of the start page in a demo shop. They exist in a demo shop on loopback alone.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use contracts::device::RenewedToken;
use web::{DEVICE_COOKIE, Peer, Problem, SESSION_COOKIE};

use super::cookies::{SetCookie, clear_cookie, is_encrypted, set_cookie};
use crate::{
    commands::{DemoDoorError, DemoDoors, Entered},
    model::Door,
};

pub(super) fn routes(doors: DemoDoors) -> Router {
    Router::new().route("/demo/{door}", post(enter)).with_state(doors)
}

/// Signs in through a door and goes where it leads. Other machines are refused, and the browser of another site is
/// refused before.
async fn enter(
    State(doors): State<DemoDoors>,
    peer: Option<Peer>,
    Path(door): Path<String>,
) -> Result<Response, Problem> {
    if peer.is_some_and(|peer| !peer.is_loopback()) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Not allowed",
            "The doors of the demo shop open on its own machine alone. Pair this device: /pair.",
        ));
    }
    let door = Door::parse(&door).ok_or_else(|| Problem::not_found("door", &door))?;
    let is_encrypted = is_encrypted(peer);
    let Entered { device, session } = doors.enter(door).await?;
    let now = doors.now();
    let cookie = |name, credential: Option<RenewedToken>| -> SetCookie {
        match credential {
            Some(RenewedToken { token, expires_at }) => set_cookie(name, &token, now, expires_at, is_encrypted),
            None => clear_cookie(name, is_encrypted),
        }
    };
    let session =
        session.map(|signed_in| RenewedToken { token: signed_in.token, expires_at: signed_in.session.expires_at });
    let mut response = (StatusCode::SEE_OTHER, cookie(SESSION_COOKIE, session)).into_response();
    for (name, value) in cookie(DEVICE_COOKIE, device) {
        response.headers_mut().append(name, value);
    }
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(door.target()));
    Ok(response)
}

impl From<DemoDoorError> for Problem {
    fn from(error: DemoDoorError) -> Self {
        match error {
            DemoDoorError::Nobody(_) => {
                Self::conflict("nobody-behind-the-door", "Nobody works behind this door", format!("{error}."))
            }
            DemoDoorError::SignIn(_) | DemoDoorError::Device(_) => Self::internal(error),
        }
    }
}
