//! Outbox, inbox, idempotency keys, dead letters.

use std::time::Duration;

use contracts::{
    audit::Actor,
    event::CloudEvent,
    ids::{ApprovalId, EventId},
};

use super::*;
use crate::{
    approvals::{self, ApprovalError},
    dead_letters,
    idempotency::{self, IdempotencyError, IdempotencyKey},
    inbox::{self, Delivery},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn events_are_passed_on_in_order_after_the_commit_and_none_of_a_failed_job() {
    on_each(async |fresh| {
        let db = fresh.open_with(DbOptions { writers: 1, ..DbOptions::default() }).await;
        let mut committed = db.take_committed_events().unwrap();
        assert!(db.take_committed_events().is_none(), "there is one receiver");
        let (release, blocking) = block_writer(&db).await;
        let mut first = Box::pin(db.write::<_, DbError, _>(|tx| {
            append_event(tx, "one")?;
            append_event(tx, "two")
        }));
        let mut refused = Box::pin(db.write::<(), _, _>(|tx| {
            append_event(tx, "never")?;
            Err(DbError::Inconsistent("no".into()))
        }));
        let mut last = Box::pin(db.write::<_, DbError, _>(|tx| append_event(tx, "three")));
        queue(&mut first).await;
        queue(&mut refused).await;
        queue(&mut last).await;
        assert!(committed.try_recv().is_err(), "nothing is committed yet");
        drop(release);
        blocking.await.unwrap().unwrap();
        first.await.unwrap();
        refused.await.unwrap_err();
        last.await.unwrap();

        let mut received = Vec::new();
        while let Ok(event) = committed.try_recv() {
            received.push(event.data::<Note>().unwrap().0);
        }
        assert_eq!(received, ["one", "two", "three"]);
    })
    .await;
}

#[tokio::test]
async fn an_event_stays_in_the_outbox_until_it_is_published_and_old() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        // More than the statements that mark them take at once, and not a multiple of it.
        db.write::<_, DbError, _>(|tx| (0..140).try_for_each(|number| append_event(tx, &number.to_string())))
            .await
            .unwrap();
        let ids = db
            .write::<_, DbError, _>(|tx| {
                assert!(outbox::unpublished(tx, None, NOW, 500)?.events.is_empty(), "none is older than that");
                let found = outbox::unpublished(tx, None, NOW + DAY, 139)?;
                assert_eq!(found.next, found.events.last().map(|event| (NOW, event.id)));
                let events = found.events;
                assert!(events.iter().map(|event| event.subject.clone()).eq((0..139).map(|number| number.to_string())));
                let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
                outbox::mark_published(tx, &ids, NOW + DAY)?;
                outbox::mark_published(tx, &ids[..1], NOW + 2 * DAY)?;
                let after_the_last = outbox::unpublished(tx, Some((NOW, ids[138])), NOW + DAY, 500)?;
                assert_eq!(after_the_last.next, None);
                assert_eq!(
                    after_the_last.events.iter().map(|event| event.subject.as_str()).collect::<Vec<_>>(),
                    ["139"]
                );
                assert_eq!(outbox::count_unpublished(tx)?, 1);
                Ok(ids)
            })
            .await
            .unwrap();
        db.write::<_, DbError, _>(move |tx| {
            let kept = outbox::find(tx, ids[0])?.unwrap();
            assert_eq!(kept.published_at, Some(NOW + DAY), "the first publication counts");
            assert_eq!(kept.appended_at, NOW);
            assert_eq!(kept.event.data::<Note>()?, Note("0".into()));
            assert_eq!(outbox::prune(tx, NOW + DAY, 500)?, 0);
            assert_eq!(outbox::prune(tx, NOW + 2 * DAY, 100)?, 100);
            assert_eq!(outbox::prune(tx, NOW + 2 * DAY, 100)?, 39);
            assert!(outbox::find(tx, ids[138])?.is_none());
            assert_eq!(outbox::count_unpublished(tx)?, 1, "the one that is not published stays");
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

/// Replaces an event in a table by a text that is none.
fn corrupt(tx: &mut Tx<'_>, table: &str, event: EventId) -> DbResult<()> {
    tx.execute(&format!("UPDATE {table} SET event = 'corrupt' WHERE event_id = $1"), (event,)).map(drop)
}

#[tokio::test]
async fn an_event_that_cannot_be_read_hides_no_other_event() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| {
            ["one", "two", "three"].into_iter().try_for_each(|text| append_event(tx, text))?;
            let all = outbox::unpublished(tx, None, NOW + DAY, 10)?.events;
            corrupt(tx, "outbox", all[1].id)?;
            let found = outbox::unpublished(tx, None, NOW + DAY, 2)?;
            assert_eq!((found.events.len(), found.unreadable.len(), found.unreadable[0].0), (1, 1, all[1].id));
            assert_eq!(found.next, Some((NOW, all[1].id)), "the next page starts after it");
            let rest = outbox::unpublished(tx, found.next, NOW + DAY, 2)?;
            assert_eq!((rest.events[0].id, rest.next), (all[2].id, None));

            for event in &all {
                dead_letters::insert(tx, "qr", event, "no such product", 5, NOW)?;
            }
            corrupt(tx, "dead_letters", all[1].id)?;
            let listed = dead_letters::list(tx, 10)?;
            assert_eq!(listed.iter().map(|letter| letter.event.is_ok()).collect::<Vec<_>>(), [true, false, true]);
            dead_letters::request_redrive(tx, None, NOW)?;
            assert_eq!(dead_letters::due_for_redrive(tx, 10)?.len(), 3);
            dead_letters::refuse_redrive(tx, "qr", all[1].id, "it cannot be read")?;
            assert_eq!(dead_letters::due_for_redrive(tx, 10)?.len(), 2);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn one_process_has_the_sweepers_lease_until_it_ends() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| {
            let later = NOW + Duration::from_secs(10);
            assert!(outbox::acquire_lease(tx, "a", later, NOW)?);
            assert!(!outbox::acquire_lease(tx, "b", later + DAY, NOW)?);
            assert!(outbox::acquire_lease(tx, "a", later, NOW)?, "it may keep it");
            assert!(outbox::acquire_lease(tx, "b", later + DAY, later)?, "it has ended");
            assert!(!outbox::acquire_lease(tx, "a", later + DAY, later)?);
            let clock_set_back = NOW - DAY;
            let soon = clock_set_back + Duration::from_secs(10);
            assert!(outbox::acquire_lease(tx, "a", soon, clock_set_back)?, "by no clock may a lease last for days");
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn each_consumer_processes_an_event_once() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| {
            let event_id = EventId::new(NOW);
            let (order, qr) = (Delivery { consumer: "order", event_id }, Delivery { consumer: "qr", event_id });
            let act = |tx: &mut Tx<'_>, delivery, now| inbox::once(tx, delivery, now, |_| DbResult::Ok("acted"));
            assert_eq!(act(tx, order, NOW)?, Some("acted"));
            assert_eq!(act(tx, order, NOW)?, None);
            assert_eq!(act(tx, qr, NOW + DAY)?, Some("acted"));
            assert_eq!(inbox::prune(tx, NOW + DAY, 10)?, 1);
            assert_eq!(act(tx, qr, NOW)?, None, "what is newer was not pruned");
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

fn key(key: &str, fingerprint: &str) -> IdempotencyKey {
    IdempotencyKey {
        caller: "tablet 1".into(),
        route: "POST /api/Order".into(),
        key: key.into(),
        fingerprint: fingerprint.into(),
    }
}

#[tokio::test]
async fn a_request_sent_again_gets_its_first_response_and_another_body_is_refused() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, IdempotencyError, _>(|tx| {
            let first = key("k", "body");
            assert_eq!(idempotency::find_response::<String>(tx, Some(&first))?, None);
            idempotency::save_response(tx, Some(&first), &"latte", NOW)?;
            assert_eq!(idempotency::find_response::<String>(tx, Some(&first))?.as_deref(), Some("latte"));
            let reused = idempotency::find_response::<String>(tx, Some(&key("k", "other body")));
            assert_eq!(reused, Err(IdempotencyError::KeyReused { key: "k".into() }));
            let another_caller = IdempotencyKey { caller: "tablet 2".into(), ..first.clone() };
            assert_eq!(idempotency::find_response::<String>(tx, Some(&another_caller))?, None);
            assert_eq!(idempotency::find_response::<String>(tx, None)?, None);
            idempotency::save_response(tx, None, &"nothing", NOW)?;
            assert_eq!(idempotency::prune(tx, NOW, 10)?, 0);
            assert_eq!(idempotency::prune(tx, NOW + DAY, 10)?, 1);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_sent_many_times_at_once_is_executed_once() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        let sent: Vec<_> = (0..16)
            .map(|sender| {
                let db = db.clone();
                tokio::spawn(async move {
                    db.write::<String, IdempotencyError, _>(move |tx| {
                        let key = key("k", "body");
                        let answer = idempotency::once(tx, Some(&key), NOW, |tx| {
                            let name = sender.to_string();
                            open_account(tx, &name, 1)?;
                            Ok::<_, IdempotencyError>(name)
                        })?;
                        Ok(answer.into_inner())
                    })
                    .await
                })
            })
            .collect();
        let mut answers = Vec::new();
        for answer in sent {
            answers.push(answer.await.unwrap().unwrap());
        }
        let names = all_names(&db).await;
        assert_eq!(names.len(), 1);
        assert!(answers.iter().all(|answer| *answer == names[0]), "{answers:?}");
    })
    .await;
}

/// Does what can be done once, and fails after that. `hold` runs before the commit of the first.
fn write_note_once(tx: &mut Tx<'_>, hold: impl FnOnce()) -> Result<String, IdempotencyError> {
    const SQL: &str = "UPDATE accounts SET note = 'done' WHERE name = 'ann' AND note IS NULL RETURNING name";
    let key = key("k", "body");
    let answer = idempotency::once(tx, Some(&key), NOW, |tx| {
        let done = tx.query_opt(SQL, (), |row| row.get::<String>("name"))?;
        let name = done.ok_or_else(|| DbError::Inconsistent("it is done already".into()))?;
        hold();
        Ok::<_, IdempotencyError>(name)
    })?;
    Ok(answer.into_inner())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_during_the_original_request_gets_its_response() {
    // SQLite runs one write job after the other.
    let Some(fresh) = Fresh::postgres() else { return };
    let db = fresh.open().await;
    db.write::<_, DbError, _>(|tx| open_account(tx, "ann", 1)).await.unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (begin, mut begun) = tokio::sync::mpsc::channel(1);
    let released = Arc::new(Mutex::new(released));
    let first = tokio::spawn({
        let db = db.clone();
        async move {
            db.write(move |tx| {
                write_note_once(tx, || {
                    begin.try_send(()).unwrap();
                    let _released = released.lock().unwrap().recv();
                })
            })
            .await
        }
    });
    begun.recv().await.unwrap();
    let retry = tokio::spawn({
        let db = db.clone();
        async move { db.write(|tx| write_note_once(tx, || {})).await }
    });
    let waiting = |tx: &mut Tx<'_>| {
        const SQL: &str = "
            SELECT COUNT(*) AS waiting FROM pg_stat_activity
             WHERE wait_event_type = 'Lock' AND datname = current_database()";
        tx.query_one(SQL, (), |row| row.get::<i64>("waiting"))
    };
    let waits = async { while db.read::<_, DbError, _>(waiting).await.unwrap() == 0 {} };
    tokio::time::timeout(Duration::from_secs(20), waits).await.expect("the retry waits for the original");
    drop(release);
    assert_eq!(first.await.unwrap(), Ok("ann".into()));
    assert_eq!(retry.await.unwrap(), Ok("ann".into()));
}

#[tokio::test]
async fn a_dead_letter_stays_until_its_redrive_is_requested_and_succeeds() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        db.write::<_, DbError, _>(|tx| {
            let event = CloudEvent::new(&Note("hello".into()), NOW)?;
            let other = CloudEvent::new(&Note("bye".into()), NOW)?;
            dead_letters::insert(tx, "qr", &event, "no such product", 5, NOW)?;
            dead_letters::insert(tx, "order", &event, "no such order", 5, NOW)?;
            dead_letters::insert(tx, "qr", &other, "no such product", 5, NOW)?;
            assert_eq!(dead_letters::list(tx, 10)?[0].event_id, other.id);
            assert!(dead_letters::due_for_redrive(tx, 10)?.is_empty());

            assert_eq!(dead_letters::request_redrive(tx, Some(event.id), NOW + DAY)?, 2);
            let due: Vec<_> = dead_letters::due_for_redrive(tx, 10)?;
            assert_eq!(
                due.iter().map(|letter| (letter.consumer.as_str(), letter.event_id)).collect::<Vec<_>>(),
                [("order", event.id), ("qr", event.id)]
            );
            assert!(dead_letters::delete(tx, "order", event.id)?);
            assert!(!dead_letters::delete(tx, "order", event.id)?);

            dead_letters::insert(tx, "qr", &event, "still none", 5, NOW + DAY)?;
            let again = dead_letters::find(tx, event.id)?;
            assert_eq!((again.len(), again[0].attempts, again[0].error.as_str()), (1, 10, "still none"));
            assert!(dead_letters::due_for_redrive(tx, 10)?.is_empty(), "it must be asked for once more");
            assert_eq!(dead_letters::request_redrive(tx, None, NOW + DAY)?, 2);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_approval_is_used_up_by_the_first_act_that_is_committed() {
    on_each(async |fresh| {
        let db = fresh.open().await;
        let approved = Actor { approval_id: Some(ApprovalId::new(NOW)), ..Actor::default() };
        let actor = approved.clone();
        let refused = db.write::<(), ApprovalError, _>(move |tx| {
            approvals::use_up(tx, &actor, NOW)?;
            Err(DbError::Inconsistent("the act was refused".into()).into())
        });
        refused.await.unwrap_err();

        let act = |actor: Actor| db.write(move |tx| approvals::use_up(tx, &actor, NOW));
        let (one, other) = tokio::join!(act(approved.clone()), act(approved));
        assert!(matches!((&one, &other), (Ok(()), Err(ApprovalError::Used)) | (Err(ApprovalError::Used), Ok(()))));
        for _ in 0..2 {
            assert_eq!(act(Actor::default()).await, Ok(()), "without an approval there is nothing to use up");
        }
    })
    .await;
}
