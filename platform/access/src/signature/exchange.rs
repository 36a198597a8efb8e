//! What a response is bound to.

use contracts::ids::DeviceId;
use http::StatusCode;

use super::{
    ByteSequence, CONTENT_DIGEST, Component, ContentDigest, FNB_SEQUENCE, KeyParameters, Line, SIGNATURE, SignatureBase,
};

/// A request as its response names it: the same on both sides.
///
/// RFC 9421 (section 2.4) advises against covering the signature of a request alone, because with some algorithms one
/// signature is valid for several messages. An hmac-sha256 is not: it stands for the whole request.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) device_id: DeviceId,
    pub(super) sequence: u64,
    pub(super) label: String,
    pub(super) signature: ByteSequence,
}

impl Exchange {
    /// Calls `use_base` with the signature base of a response.
    pub(super) fn with_response_base<T>(
        &self,
        status: StatusCode,
        content_digest: &ContentDigest,
        use_base: impl FnOnce(SignatureBase<'_>) -> T,
    ) -> T {
        let lines = [
            Line { component: Component::Message("@status"), value: &status.as_str() },
            Line { component: Component::Message(CONTENT_DIGEST), value: content_digest },
            Line { component: Component::RequestMember(SIGNATURE, &self.label), value: &self.signature },
            Line { component: Component::Request(FNB_SEQUENCE), value: &self.sequence },
        ];
        use_base(SignatureBase { lines: &lines, parameters: &KeyParameters { device: &self.device_id } })
    }
}
