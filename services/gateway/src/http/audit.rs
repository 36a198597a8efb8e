//! `/api/Audit`: the audit trail.

use access::Policy;
use axum::extract::State;
use contracts::{
    Page,
    audit::{AuditArea, AuditVerification, AuditView},
    ids::{DeviceId, StaffId},
    page_rows,
    problem::Problem as ProblemBody,
    text::{self, LineBreaks},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use web::{Json, Problem, Query, Routes};

use crate::{commands::AuditTrail, model::Moment, store::AuditFilter};

/// A few screens of the trail.
const PAGE_ROWS_DEFAULT: u32 = 50;
/// The longest filter: as long as the longest name or code.
const FILTER_CHARS_MAX: usize = 80;

/// The routes of the audit trail.
pub(crate) fn routes() -> Routes<AuditTrail> {
    Routes::new().allow(Policy::OWNERS, routes!(list_audit)).allow(Policy::OWNERS, routes!(verify_audit))
}

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditList {
    /// From this business day (`2026-11-22`) or time (RFC 3339) on.
    #[serde(default)]
    #[param(max_length = 80)]
    from: Option<String>,
    /// Up to the end of this business day, or this time.
    #[serde(default)]
    #[param(max_length = 80)]
    to: Option<String>,
    /// What this person did or approved.
    #[serde(default)]
    staff_id: Option<StaffId>,
    /// What was done on this device.
    #[serde(default)]
    device_id: Option<DeviceId>,
    /// Acts of this area.
    #[serde(default)]
    area: Option<AuditArea>,
    /// Acts of this name, such as `product.changed`.
    #[serde(default)]
    #[param(max_length = 80)]
    action: Option<String>,
    /// What was done to the thing with this id.
    #[serde(default)]
    #[param(max_length = 80)]
    subject: Option<String>,
    /// A part of a label, of an id or of a person's name, in any case. Without `from`, the last 31 days are searched.
    #[serde(default)]
    #[param(max_length = 80)]
    text: Option<String>,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<i64>,
    /// Rows of the page, 1 to 200. Absent: 50.
    #[serde(default)]
    limit: Option<u32>,
}

/// Lists what was done, the newest first
///
/// Each entry says who did what to what, when and on which device, and the changed values before and after.
#[utoipa::path(get, path = "/api/Audit", tag = "Audit", params(AuditList),
    responses(
        (status = 200, description = "A page of entries", body = Page<AuditView>),
        (status = 400, description = "The query cannot be read, or limit is out of bounds", body = ProblemBody),
    ))]
async fn list_audit(
    State(trail): State<AuditTrail>,
    Query(list): Query<AuditList>,
) -> Result<Json<Page<AuditView>>, Problem> {
    let limit = page_rows(list.limit, PAGE_ROWS_DEFAULT)?;
    let period = (moment("from", list.from)?, moment("to", list.to)?);
    let filter = AuditFilter {
        staff_id: list.staff_id,
        device_id: list.device_id,
        area: list.area,
        action: checked("action", list.action)?,
        subject: checked("subject", list.subject)?,
        text: checked("text", list.text)?,
        after: list.cursor,
        ..AuditFilter::default()
    };
    Ok(Json(trail.list_audit(filter, period, limit).await?))
}

/// Verifies that no entry was changed, removed, moved or added
///
/// A request verifies a bounded number of entries, from where the last one stopped: repeat it while `entries` is less
/// than `headSequence`. A trail that was verified whole is verified from its first entry again after an hour.
/// `fnb audit-log verify` reads it whole at once.
#[utoipa::path(get, path = "/api/Audit/verification", tag = "Audit",
    responses((status = 200, description = "What was found", body = AuditVerification)))]
async fn verify_audit(State(trail): State<AuditTrail>) -> Result<Json<AuditVerification>, Problem> {
    Ok(Json(trail.verify_audit().await?))
}

fn moment(name: &str, text: Option<String>) -> Result<Option<Moment>, Problem> {
    let parse = |text: String| text.parse().map_err(|error| Problem::bad_request(format!("{name}: {error}.")));
    text.map(parse).transpose()
}

fn checked(name: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    if let Some(text) = &text {
        text::check(name, text, FILTER_CHARS_MAX, LineBreaks::Forbidden)
            .map_err(|error| Problem::bad_request(format!("{error}.")))?;
    }
    Ok(text)
}
