//! What HTTP says by itself, and what a refusal of several comes to.

use super::*;
use http::{HeaderMap, HeaderValue};

fn answer(status: u16) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: "{}".into(),
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

#[test]
fn only_definite_answers_are_definite() {
    for status in [303, 304, 408, 500, 502, 503, 504, 599] {
        let verdict = Verdict::by_status(&answer(status), NOW);
        assert!(
            matches!(verdict, Verdict::Ambiguous { .. }),
            "{status}: {verdict:?}"
        );
        let is_redirect = status < 400;
        assert_eq!(verdict.is_fault(), !is_redirect, "{status}");
    }
    for status in [400, 404, 409, 422] {
        let verdict = Verdict::by_status(&answer(status), NOW);
        assert!(
            matches!(verdict, Verdict::Rejected { .. }),
            "{status}: {verdict:?}"
        );
        assert!(!verdict.is_fault(), "a 4xx is no ill health: {status}");
    }
}

/// A renamed shop answered 301 to every call, and the breaker opened for all the others.
#[test]
fn a_lasting_redirect_is_another_address_and_no_fault() {
    for status in [301, 302, 307, 308] {
        let verdict = Verdict::by_status(&answer(status), NOW);
        assert_eq!(verdict, Verdict::Moved, "{status}");
        assert!(!verdict.is_fault(), "{status}");
    }
}

/// A 403 was taken for bad credentials: a scope that one operation lacked cost a token every 2.5 s.
#[test]
fn a_403_is_about_what_was_asked_and_a_firewall_s_page_about_the_way() {
    let verdict = Verdict::by_status(&answer(403), NOW);
    assert!(matches!(verdict, Verdict::Forbidden { .. }), "{verdict:?}");
    let mut page = answer(403);
    page.body = "<html>Access denied</html>".into();
    let verdict = Verdict::by_status(&page, NOW);
    assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
    assert!(verdict.is_fault());
}

#[test]
fn a_lock_passes_and_concerns_nobody_else() {
    for status in [421, 423, 425] {
        let verdict = Verdict::by_status(&answer(status), NOW);
        let passes = matches!(verdict, Verdict::Retry { fault: false, .. });
        assert!(passes, "{status}: {verdict:?}");
    }
}

#[test]
fn a_refusal_for_hours_is_a_quota_s_whatever_its_form() {
    let mut refused = answer(429);
    let hours = HeaderValue::from_static("86400");
    refused.headers.insert("retry-after", hours);
    let until = NOW + Duration::from_secs(86_400);
    let spent = Verdict::QuotaSpent { until };
    assert_eq!(Verdict::by_status(&refused, NOW), spent);
    let named = Verdict::throttled_for(&answer(477), NOW, LONG_WAIT);
    assert!(matches!(named, Verdict::QuotaSpent { .. }), "{named:?}");
}

/// One element of a hundred was refused with a status that nobody had thought of, and all were.
#[test]
fn what_is_refused_as_a_whole_is_taken_apart_whatever_the_status() {
    for status in [400, 403, 404, 409, 413, 422, 423] {
        let verdicts = Verdict::by_status(&answer(status), NOW).of_whole(3);
        assert_eq!(verdicts, vec![Verdict::alone(); 3], "{status}");
        let only = Verdict::by_status(&answer(status), NOW);
        assert_eq!(only.clone().of_whole(1), [only], "{status}");
    }
    for status in [301, 401, 429, 500, 503] {
        let whole = Verdict::by_status(&answer(status), NOW);
        assert_eq!(whole.clone().of_whole(2), vec![whole; 2], "{status}");
    }
}

#[test]
fn an_element_is_what_the_answer_says_of_it_once() {
    let done = || Verdict::delivered(Some("7".to_owned()));
    assert_eq!(Verdict::of_element([done()].into_iter()), done());
    for unclear in [vec![], vec![done(), Verdict::rejected("code=x")]] {
        let verdict = Verdict::of_element(unclear.into_iter());
        assert!(matches!(verdict, Verdict::Ambiguous { .. }), "{verdict:?}");
        assert!(!verdict.is_fault(), "an answer came");
    }
}

#[test]
fn a_throttle_is_no_fault_and_carries_the_vendors_hint() {
    let mut throttled = answer(429);
    throttled
        .headers
        .insert("retry-after", HeaderValue::from_static("30"));
    let verdict = Verdict::by_status(&throttled, NOW);
    assert_eq!(
        verdict,
        Verdict::Throttled {
            after: Some(Duration::from_secs(30))
        }
    );
    assert!(!verdict.is_fault());
}
