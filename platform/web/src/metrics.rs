//! Metrics for Prometheus: one recorder for the process, and the requests of each service.

use std::{
    collections::HashMap,
    sync::{OnceLock, PoisonError, RwLock},
    thread,
    time::Duration,
};

use axum::http::{Method, StatusCode};
use metrics::{Gauge, Histogram, Unit, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::repeated_refusals::RepeatedRefusals;

/// How often samples are drained into their buckets, so that memory stays bounded in a shop that nobody scrapes.
const UPKEEP_SECONDS: u64 = 1;

/// From a lookup in memory to a request that nearly times out.
const DURATION_BUCKETS_SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// From a job that is committed alone to the largest group.
const GROUP_BUCKETS_JOBS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// `http.server.request.duration`.
const REQUEST_DURATION: &str = "http_server_request_duration_seconds";
/// `http.server.active_requests`.
const ACTIVE_REQUESTS: &str = "http_server_active_requests";
/// `http.client.request.duration`.
const CALL_DURATION: &str = "http_client_request_duration_seconds";

static INSTALLED: OnceLock<MetricsHandle> = OnceLock::new();

/// Reads the metrics of this process.
#[derive(Clone)]
pub(crate) struct MetricsHandle(PrometheusHandle);

impl MetricsHandle {
    /// Every metric in Prometheus' text format 0.0.4.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }
}

/// Installs the recorder of this process. A program calls it before it opens anything that counts: metrics that were
/// made before are lost.
pub fn install_metrics() {
    let _handle = install();
}

/// The recorder of this process, installed at the first call. Safe to call again.
pub(crate) fn install() -> MetricsHandle {
    INSTALLED
        .get_or_init(|| {
            let with_buckets = PrometheusBuilder::new().set_buckets(&DURATION_BUCKETS_SECONDS).and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_jobs".to_owned()), &GROUP_BUCKETS_JOBS)
            });
            let recorder = match with_buckets {
                Ok(builder) => builder.build_recorder(),
                Err(error) => {
                    tracing::error!(%error, "metrics without buckets");
                    PrometheusBuilder::new().build_recorder()
                }
            };
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::error!("metrics recorder not installed");
            }
            describe();
            start_upkeep(handle.clone());
            MetricsHandle(handle)
        })
        .clone()
}

/// What each metric of this crate means, by the names of OpenTelemetry's conventions as Prometheus writes them.
fn describe() {
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time from a request's arrival until its response begins. Its count is the number of requests."
    );
    describe_gauge!(ACTIVE_REQUESTS, "Requests in progress, until their response begins.");
    describe_histogram!(CALL_DURATION, Unit::Seconds, "Time of a call to another service, with its response.");
    describe_gauge!("http_server_open_connections", "Open connections of clients.");
    describe_counter!(
        "http_server_refused_connections_total",
        "Connections refused with 503, by the limit that they exceeded: total or address."
    );
    describe_gauge!("build_info", "Always 1. The labels name the program that runs.");
    gauge!("build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
}

/// A thread of its own: it does not depend on any runtime of the process, and ends with the process.
fn start_upkeep(handle: PrometheusHandle) {
    let upkeep = move || {
        loop {
            thread::sleep(Duration::from_secs(UPKEEP_SECONDS));
            handle.run_upkeep();
        }
    };
    if let Err(error) = thread::Builder::new().name("metrics-upkeep".into()).spawn(upkeep) {
        tracing::error!(%error, "metrics upkeep not started");
    }
}

/// The requests of one service. Handles are created once for each route, method and status.
pub(crate) struct RequestMetrics {
    service: &'static str,
    active: Gauge,
    refusals: RepeatedRefusals,
    by_route: RwLock<HashMap<String, Vec<Series>>>,
}

struct Series {
    method: &'static str,
    status: StatusCode,
    duration: Histogram,
}

impl RequestMetrics {
    pub(crate) fn new(service: &'static str) -> Self {
        let active = gauge!(ACTIVE_REQUESTS, "service" => service);
        Self { service, active, refusals: RepeatedRefusals::default(), by_route: RwLock::default() }
    }

    pub(crate) fn service(&self) -> &'static str {
        self.service
    }

    /// The refusals of this service that the log has already.
    pub(crate) fn refusals(&self) -> &RepeatedRefusals {
        &self.refusals
    }

    /// Counts a request in progress, until [`RequestMetrics::end`].
    pub(crate) fn begin(&self) {
        self.active.increment(1);
    }

    /// The request has a response, or its client has closed the connection.
    pub(crate) fn end(&self) {
        self.active.decrement(1);
    }

    /// Records a request that has a response. `route` is the pattern that matched, never the path, so that ids make no
    /// new series.
    pub(crate) fn record(&self, method: &Method, route: &str, status: StatusCode, duration: Duration) {
        let method = method_label(method);
        let matches = |series: &&Series| series.method == method && series.status == status;
        {
            let by_route = self.by_route.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(series) = by_route.get(route).and_then(|all| all.iter().find(matches)) {
                return series.duration.record(duration);
            }
        }
        let mut by_route = self.by_route.write().unwrap_or_else(PoisonError::into_inner);
        let all = by_route.entry(route.to_owned()).or_default();
        if !all.iter().any(|series| matches(&series)) {
            all.push(self.series(method, route, status));
        }
        if let Some(series) = all.iter().find(matches) {
            series.duration.record(duration);
        }
    }

    fn series(&self, method: &'static str, route: &str, status: StatusCode) -> Series {
        let labels = [
            ("service", self.service.to_owned()),
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.as_str().to_owned()),
        ];
        Series { method, status, duration: histogram!(REQUEST_DURATION, &labels) }
    }
}

/// Records a call to another service. `status` is `none` if there was no response.
pub(crate) fn record_call(service: &'static str, method: &Method, status: Option<StatusCode>, duration: Duration) {
    let status = status.map_or_else(|| "none".to_owned(), |status| status.as_str().to_owned());
    histogram!(CALL_DURATION, "server" => service, "method" => method_label(method), "status" => status)
        .record(duration);
}

/// Unknown methods share one label: a client must not be able to make series.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
