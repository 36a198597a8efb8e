//! The body of every error response: `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An error response: what happened, to which thing, and what to do now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The stable name of the kind of problem, `/problems/...`, for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This case: what happened, to which thing, and what to do now, for people.
    pub detail: String,
    /// Data for the client, such as the order's lines and total as the server computed them. `type` decides its shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Box<RawValue>>,
}
