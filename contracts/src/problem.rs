//! How a refusal looks: `application/problem+json` of RFC 9457.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A refusal that says what happened, to what, and what to do now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable name of the kind of problem, `/problems/...`: what a program looks at.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This case: what happened, to what, and the way on.
    pub detail: String,
    /// What a client needs to go on, such as the order's own lines and total. Its shape belongs to `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Box<RawValue>>,
}
