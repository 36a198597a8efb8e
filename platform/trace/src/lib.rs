//! Which trace the current work belongs to.
//!
//! [W3C Trace Context](https://www.w3.org/TR/trace-context/), level 1: a request or an event carries a `traceparent`,
//! and everything that follows from it has the same trace id. Inside the process the context is the *current* one of a
//! task ([`scope`]) or of a thread ([`enter`]). Neither follows work to another task or thread: whoever moves work
//! captures [`TraceContext::current`] and enters it there.
//!
//! Owns the ids and their text. Does not know spans, exporters or HTTP.

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

/// The name of the HTTP header and of the CloudEvents extension attribute.
pub const TRACEPARENT: &str = "traceparent";

/// `00-` trace id `-` parent id `-` flags: the length of version 00, to which later versions only append.
const TRACEPARENT_CHARS: usize = 55;
/// The one flag of level 1: the caller records this trace.
const SAMPLED_FLAG: u8 = 0x01;

/// A position in a trace: the span that is running, and the trace that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// Shared by everything that follows from one cause. Never 0.
    pub trace_id: u128,
    /// The span that is running: the parent of what it calls. Never 0.
    pub span_id: u64,
    /// Whether whoever began the trace records it.
    pub sampled: bool,
}

/// The text is not a `traceparent`. The specification's answer is to begin a new trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct InvalidTraceparent;

tokio::task_local! {
    static CURRENT: TraceContext;
}

impl TraceContext {
    /// The first span of a new, sampled trace.
    #[must_use]
    pub fn new_root() -> Self {
        Self { trace_id: random_trace_id(), span_id: random_span_id(), sampled: true }
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: random_span_id(), ..*self }
    }

    /// The context that the current task or thread runs in. `None` outside every [`scope`] and [`enter`].
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|context| *context).ok()
    }

    /// A new span of the current trace, or the first span of a new one.
    #[must_use]
    pub fn child_of_current() -> Self {
        Self::current().map_or_else(Self::new_root, |current| current.child())
    }

    /// The context that a `traceparent` names. `None` if it is absent or malformed.
    #[must_use]
    pub fn from_traceparent(traceparent: Option<&str>) -> Option<Self> {
        traceparent?.parse().ok()
    }

    /// The trace id as 32 lower-case hexadecimal digits, as logs and `traceparent` show it.
    #[must_use]
    pub fn trace_id_hex(&self) -> impl fmt::Display + use<> {
        Hex { digits: 32, id: self.trace_id }
    }

    /// The span id as 16 lower-case hexadecimal digits.
    #[must_use]
    pub fn span_id_hex(&self) -> impl fmt::Display + use<> {
        Hex { digits: 16, id: u128::from(self.span_id) }
    }
}

/// Runs `future` in `context`, across its awaits. Tasks that it spawns do not inherit it.
pub async fn scope<F: Future>(context: TraceContext, future: F) -> F::Output {
    CURRENT.scope(context, future).await
}

/// Runs `future` in `context` if there is one, and as it is if there is none.
pub async fn scope_opt<F: Future>(context: Option<TraceContext>, future: F) -> F::Output {
    match context {
        Some(context) => CURRENT.scope(context, future).await,
        None => future.await,
    }
}

/// Runs `work` on this thread in `context` if there is one: for work that was handed to another thread.
pub fn enter<T>(context: Option<TraceContext>, work: impl FnOnce() -> T) -> T {
    match context {
        Some(context) => CURRENT.sync_scope(context, work),
        None => work(),
    }
}

/// As a `traceparent` of version 00.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id_hex(), self.span_id_hex(), u8::from(self.sampled))
    }
}

/// Reads a `traceparent`. Of a version after 00 it reads what version 00 knows.
impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        let (known, appended) = text.split_at_checked(TRACEPARENT_CHARS).ok_or(InvalidTraceparent)?;
        let mut parts = known.split('-');
        let version = hex(parts.next(), 2)?;
        let trace_id = hex(parts.next(), 32)?;
        let span_id = hex(parts.next(), 16)?;
        let flags = hex(parts.next(), 2)?;
        let is_known_version = version == 0 && appended.is_empty();
        let is_later_version = (0x01..0xff).contains(&version) && (appended.is_empty() || appended.starts_with('-'));
        if !(is_known_version || is_later_version) || trace_id == 0 || span_id == 0 {
            return Err(InvalidTraceparent);
        }
        let span_id = u64::try_from(span_id).map_err(|_| InvalidTraceparent)?;
        Ok(Self { trace_id, span_id, sampled: flags & u128::from(SAMPLED_FLAG) != 0 })
    }
}

/// A field of exactly `digits` lower-case hexadecimal digits.
fn hex(field: Option<&str>, digits: usize) -> Result<u128, InvalidTraceparent> {
    let field = field.filter(|field| field.len() == digits).ok_or(InvalidTraceparent)?;
    field.bytes().try_fold(0, |id: u128, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return Err(InvalidTraceparent),
        };
        Ok(id << 4 | u128::from(digit))
    })
}

fn random_trace_id() -> u128 {
    rand::random::<u128>().max(1)
}

fn random_span_id() -> u64 {
    rand::random::<u64>().max(1)
}

struct Hex {
    digits: usize,
    id: u128,
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$x}", self.id, width = self.digits)
    }
}
