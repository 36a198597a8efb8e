//! The adapters: each by the conformance suite, and by what it promises beyond.

mod memory {
    use std::{sync::Arc, thread, time::Duration};

    use futures::FutureExt;

    use crate::{Cache, MemoryCache, conformance};

    #[tokio::test]
    async fn values_come_in_the_order_of_their_keys() {
        conformance::values_come_in_the_order_of_their_keys(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn a_newer_version_stays() {
        conformance::a_newer_version_stays(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn the_same_version_fills_what_was_lost() {
        conformance::the_same_version_fills_what_was_lost(&MemoryCache::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_heard_from_the_call_on() {
        conformance::a_change_is_heard_from_the_call_on(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn names_have_versions_of_their_own() {
        conformance::names_have_versions_of_their_own(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn each_writer_has_a_field_of_its_own() {
        conformance::each_writer_has_a_field_of_its_own(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn a_newer_field_stays() {
        conformance::a_newer_field_stays(&MemoryCache::new()).await;
    }

    #[tokio::test]
    async fn what_is_removed_is_gone() {
        conformance::what_is_removed_is_gone(&MemoryCache::new()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_hash_lives_from_its_last_write() {
        conformance::a_hash_lives_from_its_last_write(&MemoryCache::new(), tokio::time::advance).await;
    }

    #[test]
    fn writers_that_race_leave_one_version_whole_and_the_newest() {
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
}
