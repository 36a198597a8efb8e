//! Where logs and traces go: the log to standard error, the spans to an OpenTelemetry collector if one is set.
//!
//! The ids of a span are those of the [`trace`] crate, which travel in `traceparent` headers and in events: a span has
//! them in its fields `trace_id`, `span_id` and `parent_span_id`, and a span without these fields belongs to the span
//! that encloses it. So this layer only translates; it makes no trace context of its own.

use std::{
    fmt,
    future::{Ready, ready},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor},
};
use trace::TraceContext;
use tracing::{
    Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterFn, Targets},
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::config::LogFormat;

/// How long the collector may take for a batch of spans.
const EXPORT_SECONDS_MAX: u64 = 5;

/// How long the last batch may take when the program stops.
const SHUTDOWN_SECONDS_MAX: u64 = 2;

/// Where the collector takes traces, by the OTLP specification.
const TRACES_PATH: &str = "/v1/traces";

/// The collector's address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the setting `otlp_endpoint` cannot be used")]
pub(crate) struct TelemetryError(#[from] ExporterBuildError);

/// Sends the last spans when it is dropped.
#[must_use = "the spans of the last seconds are sent when this is dropped"]
pub(crate) struct Telemetry(Option<Arc<BatchSpanProcessor>>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(processor) = &self.0 {
            // The program ends; nobody can do anything about a collector that does not answer.
            let _ = processor.shutdown_with_timeout(Duration::from_secs(SHUTDOWN_SECONDS_MAX));
        }
    }
}

/// Starts the log, and the export of spans if there is a collector. Standard output stays free for what programs read.
pub(crate) fn start(
    levels: Targets,
    format: LogFormat,
    otlp_endpoint: Option<&str>,
) -> Result<Telemetry, TelemetryError> {
    let processor = otlp_endpoint.map(collector).transpose()?.map(Arc::new);
    tracing_subscriber::registry().with(layers(levels, format, processor.clone())).init();
    Ok(Telemetry(processor))
}

fn layers(
    levels: Targets,
    format: LogFormat,
    processor: Option<Arc<BatchSpanProcessor>>,
) -> Vec<Box<dyn Layer<Registry> + Send + Sync>> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let log = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let spans = processor.map(|processor| {
        // The hot paths open their spans at DEBUG: without a collector, and by the default levels of the log, they cost
        // a comparison.
        let spans = FilterFn::new(|metadata| metadata.is_span() && *metadata.level() <= Level::DEBUG)
            .with_max_level_hint(LevelFilter::DEBUG);
        SpanExportLayer::new(processor).with_filter(spans).boxed()
    });
    [log.with_filter(levels).boxed()].into_iter().chain(spans).collect()
}

/// Batches spans, and sends them from a thread of its own.
fn collector(endpoint: &str) -> Result<BatchSpanProcessor, TelemetryError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}{TRACES_PATH}", endpoint.trim_end_matches('/')))
        .with_http_client(CollectorClient::new())
        .build()?;
    let mut processor = BatchSpanProcessor::builder(exporter).build();
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    processor.set_resource(&Resource::builder_empty().with_service_name("fnb").with_attribute(version).build());
    Ok(processor)
}

/// Sends batches to the collector. It blocks, which only the thread of the batches notices.
struct CollectorClient {
    agent: ureq::Agent,
    /// So that a collector that does not answer is logged once.
    is_failing: AtomicBool,
}

impl CollectorClient {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(EXPORT_SECONDS_MAX)))
            .build();
        Self { agent: config.into(), is_failing: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut response = self.agent.run(request.map(|body| body.to_vec()))?;
        let body = response.body_mut().read_to_vec()?;
        Ok(response.map(|_| Bytes::from(body)))
    }

    fn log_change(&self, result: &Result<Response<Bytes>, HttpError>) {
        let is_failing = result.as_ref().map_or(true, |response| !response.status().is_success());
        match (self.is_failing.swap(is_failing, Ordering::Relaxed), result) {
            (false, Err(error)) => tracing::warn!(error = %errors::chain(&**error), "spans not exported"),
            (false, Ok(response)) if is_failing => {
                tracing::warn!(status = response.status().as_u16(), "spans not exported");
            }
            (true, Ok(_)) if !is_failing => tracing::info!("spans exported again"),
            _ => {}
        }
    }
}

impl fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CollectorClient")
    }
}

impl HttpClient for CollectorClient {
    fn send_bytes<'client, 'response>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'response>>
    where
        'client: 'response,
        Self: 'response,
    {
        let result = self.send(request);
        self.log_change(&result);
        let sent: Ready<_> = ready(result);
        Box::pin(sent)
    }
}

/// Turns tracing's spans into OpenTelemetry's.
struct SpanExportLayer<P> {
    processor: P,
    scope: InstrumentationScope,
}

/// A span that is open.
struct OpenSpan {
    context: TraceContext,
    parent_span_id: u64,
    name: Option<String>,
    kind: SpanKind,
    status: Status,
    attributes: Vec<KeyValue>,
    started: SystemTime,
}

impl<P> SpanExportLayer<P> {
    fn new(processor: P) -> Self {
        Self { processor, scope: InstrumentationScope::builder("fnb").build() }
    }
}

impl<P, S> Layer<S> for SpanExportLayer<P>
where
    P: std::ops::Deref<Target: SpanProcessor> + 'static,
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let enclosing = span.parent().and_then(|parent| parent.extensions().get::<OpenSpan>().map(|open| open.context));
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(OpenSpan::new(fields, enclosing.or_else(TraceContext::current)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(open) = span.extensions_mut().get_mut::<OpenSpan>() {
            open.update(fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<OpenSpan>() else { return };
        self.processor.on_end(open.close(span.name(), self.scope.clone()));
    }
}

impl OpenSpan {
    /// A span with the ids of its fields, or a child of the span that encloses it.
    fn new(fields: Fields, enclosing: Option<TraceContext>) -> Self {
        let ids = fields.trace_id.zip(fields.span_id);
        let (context, parent_span_id) = match (ids, enclosing) {
            (Some((trace_id, span_id)), _) => {
                (TraceContext { trace_id, span_id, sampled: true }, fields.parent_span_id.unwrap_or_default())
            }
            (None, Some(enclosing)) => (enclosing.child(), enclosing.span_id),
            (None, None) => (TraceContext::new_root(), 0),
        };
        let mut open = Self {
            context,
            parent_span_id,
            name: None,
            kind: SpanKind::Internal,
            status: Status::Unset,
            attributes: Vec::new(),
            started: SystemTime::now(),
        };
        open.update(fields);
        open
    }

    fn update(&mut self, fields: Fields) {
        self.name = fields.name.or(self.name.take());
        self.kind = fields.kind.unwrap_or_else(|| self.kind.clone());
        if fields.is_error {
            self.status = Status::error("");
        }
        self.attributes.extend(fields.attributes);
    }

    fn close(self, name: &'static str, scope: InstrumentationScope) -> SpanData {
        let TraceContext { trace_id, span_id, .. } = self.context;
        let ids = (TraceId::from_bytes(trace_id.to_be_bytes()), SpanId::from_bytes(span_id.to_be_bytes()));
        SpanData {
            span_context: SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: SpanId::from_bytes(self.parent_span_id.to_be_bytes()),
            parent_span_is_remote: false,
            span_kind: self.kind,
            name: self.name.map_or(name.into(), Into::into),
            start_time: self.started,
            end_time: SystemTime::now(),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.status,
            instrumentation_scope: scope,
        }
    }
}

/// The fields of a span. Those with a meaning of their own are not attributes.
#[derive(Default)]
struct Fields {
    trace_id: Option<u128>,
    span_id: Option<u64>,
    parent_span_id: Option<u64>,
    name: Option<String>,
    kind: Option<SpanKind>,
    is_error: bool,
    attributes: Vec<KeyValue>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "trace_id" => self.trace_id = u128::from_str_radix(value, 16).ok(),
            "span_id" => self.span_id = u64::from_str_radix(value, 16).ok(),
            "parent_span_id" => self.parent_span_id = u64::from_str_radix(value, 16).ok(),
            "otel.name" => self.name = Some(value.to_owned()),
            "otel.kind" => self.kind = kind(value),
            "otel.status_code" => self.is_error = value.eq_ignore_ascii_case("error"),
            name => self.attributes.push(KeyValue::new(name, value.to_owned())),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.attributes.push(KeyValue::new(field.name(), i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn kind(text: &str) -> Option<SpanKind> {
    match text {
        "server" => Some(SpanKind::Server),
        "client" => Some(SpanKind::Client),
        "producer" => Some(SpanKind::Producer),
        "consumer" => Some(SpanKind::Consumer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use opentelemetry_sdk::error::OTelSdkResult;
    use tracing::{debug_span, field::Empty};

    use super::*;

    #[derive(Debug, Default)]
    struct Collected(Mutex<Vec<SpanData>>);

    impl SpanProcessor for Collected {
        fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    fn spans_of(work: impl FnOnce()) -> Vec<SpanData> {
        let collected = Arc::new(Collected::default());
        let subscriber = tracing_subscriber::registry().with(SpanExportLayer::new(Arc::clone(&collected)));
        tracing::subscriber::with_default(subscriber, work);
        std::mem::take(&mut *collected.0.lock().unwrap())
    }

    #[test]
    fn without_a_collector_no_span_is_made_by_the_default_levels() {
        let levels = crate::config::levels(&crate::config::Config::default()).unwrap();
        let off = layers(levels.clone(), LogFormat::Text, None);
        assert_eq!(off.max_level_hint(), Some(LevelFilter::INFO));
        let on = layers(levels, LogFormat::Json, Some(Arc::new(collector("http://127.0.0.1:9").unwrap())));
        assert_eq!(on.max_level_hint(), Some(LevelFilter::DEBUG));
    }

    #[test]
    fn a_span_has_the_ids_of_its_fields_and_spans_inside_belong_to_it() {
        let spans = spans_of(|| {
            let request = debug_span!(
                "request",
                otel.kind = "server",
                otel.name = %"GET /api/Order",
                trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
                span_id = "00f067aa0ba902b7",
                parent_span_id = "0000000000000001",
                status = Empty,
            );
            request.in_scope(|| debug_span!("command").in_scope(|| {}));
            request.record("status", 200);
        });
        let [command, request] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(request.span_context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(request.span_context.span_id().to_string(), "00f067aa0ba902b7");
        assert_eq!(request.parent_span_id.to_string(), "0000000000000001");
        assert_eq!((request.name.as_ref(), &request.span_kind), ("GET /api/Order", &SpanKind::Server));
        assert_eq!(request.attributes, [KeyValue::new("status", 200)]);
        assert_eq!(command.span_context.trace_id(), request.span_context.trace_id());
        assert_eq!(command.parent_span_id, request.span_context.span_id());
        assert_eq!(command.name, "command");
    }

    #[test]
    fn a_span_without_ids_belongs_to_the_current_context() {
        let context = TraceContext::new_root();
        let spans = spans_of(|| trace::enter(Some(context), || debug_span!("command").in_scope(|| {})));
        let [command] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(command.span_context.trace_id().to_string(), context.trace_id_hex().to_string());
        assert_eq!(command.parent_span_id.to_string(), context.span_id_hex().to_string());
    }
}
