//! Each adapter: the conformance suite, and what it guarantees beyond that.

mod memory {
    use std::{sync::Arc, thread, time::Duration};

    use futures::FutureExt;
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use crate::{Cache, MemoryCache, conformance};

    #[tokio::test]
    async fn values_are_returned_in_the_order_of_their_keys() {
        conformance::values_are_returned_in_the_order_of_their_keys(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn an_older_version_never_replaces_a_newer_one() {
        conformance::an_older_version_never_replaces_a_newer_one(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn the_same_version_restores_what_was_removed() {
        conformance::the_same_version_restores_what_was_removed(&MemoryCache::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_after_the_call_is_noticed() {
        conformance::a_change_after_the_call_is_noticed(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn each_name_has_versions_of_its_own() {
        conformance::each_name_has_versions_of_its_own(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn each_writer_has_a_field_of_its_own() {
        conformance::each_writer_has_a_field_of_its_own(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn an_older_field_never_replaces_a_newer_one() {
        conformance::an_older_field_never_replaces_a_newer_one(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn a_removed_key_is_gone_and_can_be_set_again() {
        conformance::a_removed_key_is_gone_and_can_be_set_again(&MemoryCache::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_hash_expires_one_ttl_after_its_last_write() {
        conformance::a_hash_expires_one_ttl_after_its_last_write(&MemoryCache::new(), tokio::time::advance).await;
    }

    #[test]
    fn concurrent_writers_leave_all_entries_of_the_newest_version() {
        const VERSIONS: i64 = 400;
        let cache = Arc::new(MemoryCache::new());
        let keys: Vec<String> = (0..4).map(|n| format!("latte:{n}")).collect();
        thread::scope(|threads| {
            for first in 1..=2 {
                let (cache, keys) = (&cache, &keys);
                threads.spawn(move || {
                    for version in (first..=VERSIONS).step_by(2) {
                        let entries: Vec<_> = keys.iter().map(|key| (key.clone(), version.to_string())).collect();
                        cache.put_versioned("latte", version, &entries).now_or_never().unwrap().unwrap();
                    }
                });
            }
            let mut newest = 0;
            while newest < VERSIONS {
                let found = cache.get_many(&keys).now_or_never().unwrap().unwrap();
                assert!(found.iter().all(|value| *value == found[0]), "two versions are mixed: {found:?}");
                let version = found[0].as_ref().map_or(0, |value| value.parse().unwrap());
                assert!(version >= newest, "version {version} after {newest}");
                newest = version;
            }
        });
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let cache = MemoryCache::new();
        let kibibytes_64 = "x".repeat(64 * 1024);
        for order in 0..1_000 {
            let key = format!("receipt:{order}");
            cache.put_field(&key, "order", 1, kibibytes_64.clone(), Duration::from_secs(60)).await.unwrap();
        }
        assert!(cache.weight_bytes() <= 5 * 1024 * 1024, "{}", cache.weight_bytes());
    }
    #[test]
    fn hits_misses_and_size_are_measured() {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, || {
            let cache = MemoryCache::new();
            let entries = [("price:1".to_owned(), "28000".to_owned())];
            cache.put_versioned("latte", 1, &entries).now_or_never().unwrap().unwrap();
            cache.get_many(&["price:1".to_owned(), "price:2".to_owned()]).now_or_never().unwrap().unwrap();
            cache.get_fields("receipt:1").now_or_never().unwrap().unwrap();
            cache.weight_bytes();
            cache.remove("never:set").now_or_never().unwrap().unwrap();
        });
        let measured: Vec<(String, Option<String>, DebugValue)> = snapshotter
            .snapshot()
            .into_vec()
            .into_iter()
            .map(|(key, _, _, value)| {
                let result = key.key().labels().find(|label| label.key() == "result");
                (key.key().name().to_owned(), result.map(|label| label.value().to_owned()), value)
            })
            .collect();
        let requests = |result: &str| {
            let is_it = |(name, label, _): &&(String, Option<String>, DebugValue)| {
                name == "cache_requests_total" && label.as_deref() == Some(result)
            };
            measured.iter().find(is_it).map(|(.., value)| value)
        };
        assert_eq!(requests("hit"), Some(&DebugValue::Counter(1)));
        assert_eq!(requests("miss"), Some(&DebugValue::Counter(2)));
        let gauge = |name: &str| measured.iter().find(|(found, ..)| found == name).map(|(.., value)| value);
        assert_eq!(gauge("cache_entries"), Some(&DebugValue::Gauge(1.0.into())));
        assert!(matches!(gauge("cache_size_bytes"), Some(DebugValue::Gauge(bytes)) if bytes.0 > 128.0));
    }
}
