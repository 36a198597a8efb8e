//! The text of a context by the specification's examples, and where a context is current.

use super::*;

/// The first example of the specification.
const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn example() -> TraceContext {
    TraceContext { trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, span_id: 0x00f0_67aa_0ba9_02b7, sampled: true }
}

#[test]
fn the_examples_of_the_specification_are_read_and_written() {
    assert_eq!(EXAMPLE.parse(), Ok(example()));
    assert_eq!(example().to_string(), EXAMPLE);
    let not_sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    assert_eq!(not_sampled.parse(), Ok(TraceContext { sampled: false, ..example() }));
    assert_eq!(TraceContext { sampled: false, ..example() }.to_string(), not_sampled);
}

#[test]
fn ids_keep_their_leading_zeros() {
    let small = TraceContext { trace_id: 1, span_id: 2, sampled: false };
    assert_eq!(small.to_string(), "00-00000000000000000000000000000001-0000000000000002-00");
    assert_eq!(small.to_string().parse(), Ok(small));
}

#[test]
fn of_a_later_version_the_known_part_is_read() {
    for later in [
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like",
        "fe-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-09",
    ] {
        assert_eq!(later.parse(), Ok(example()), "{later}");
    }
}

#[test]
fn malformed_texts_are_refused() {
    for malformed in [
        "",
        "00",
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-é",
        "0é-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert_eq!(malformed.parse::<TraceContext>(), Err(InvalidTraceparent), "{malformed:?}");
    }
    assert_eq!(TraceContext::from_traceparent(Some("nonsense")), None);
    assert_eq!(TraceContext::from_traceparent(None), None);
}

#[test]
fn a_child_is_another_span_of_the_same_trace() {
    let root = TraceContext::new_root();
    let child = root.child();
    assert_eq!((child.trace_id, child.sampled), (root.trace_id, root.sampled));
    assert_ne!(child.span_id, root.span_id);
    assert_ne!(TraceContext::new_root().trace_id, root.trace_id);
}

#[tokio::test]
async fn a_context_is_current_across_awaits_and_no_longer_than_its_scope() {
    assert_eq!(TraceContext::current(), None);
    let seen = scope(example(), async {
        tokio::task::yield_now().await;
        let inner = scope(TraceContext { span_id: 7, ..example() }, async { TraceContext::current() }).await;
        (TraceContext::current(), inner.map(|inner| inner.span_id))
    });
    assert_eq!(seen.await, (Some(example()), Some(7)));
    assert_eq!(TraceContext::current(), None);
    assert_eq!(scope_opt(None, async { TraceContext::current() }).await, None);
    assert_eq!(scope_opt(Some(example()), async { TraceContext::current() }).await, Some(example()));
}

#[test]
fn a_context_is_carried_to_another_thread_by_hand() {
    let captured = Some(example());
    let seen = std::thread::spawn(move || enter(captured, TraceContext::current)).join().unwrap();
    assert_eq!(seen, captured);
    assert_eq!(enter(None, TraceContext::current), None);
}

#[tokio::test]
async fn work_without_a_context_begins_a_trace_and_other_work_goes_on_with_its_own() {
    let child = scope(example(), async { TraceContext::child_of_current() }).await;
    assert_eq!(child.trace_id, example().trace_id);
    assert_ne!(child.span_id, example().span_id);
    assert_ne!(TraceContext::child_of_current().trace_id, example().trace_id);
}
