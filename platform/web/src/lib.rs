//! HTTP as every service speaks it: problems, extractors, health, metrics, OpenAPI, calls to other services, shutdown.
