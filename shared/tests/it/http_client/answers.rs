//! What of an answer is read, and what becomes of the rest.

use std::io::Write;
use std::time::Duration;

use causeway::http_client::CallError;
use causeway::provider::MAX_ANSWER_BYTES;

use super::{TIMEOUT, answered, call, vendor, vendor_told};

/// A vendor whose answer is long is not ill, and sending the request again would bring the same answer: it used to be
/// called a timeout. What a refusal says in its first line holds whatever comes after it.
#[tokio::test]
async fn a_success_beyond_the_bound_is_unreadable_and_a_refusal_is_one_all_the_same() {
    let body = "x".repeat(MAX_ANSWER_BYTES + 1);
    for status in [200, 207, 302, 404, 500] {
        let text = format!(
            "HTTP/1.1 {status} Long\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        match answered(text).await {
            Err(CallError::Unreadable {
                status: Some(told),
                reason,
            }) => assert!(status < 300 && told == status && reason.contains("longer")),
            Ok(answer) => assert!(status >= 300 && answer.body.is_empty()),
            other => panic!("{status}: {other:?}"),
        }
    }
}

/// An answer that inflates could be a thousand times longer than what was read: none is asked for, and none inflated.
/// Without the header any coding would be welcome; a gzip in place of JSON used to be called ill health.
#[tokio::test]
async fn a_compressed_answer_is_refused_beforehand_and_unreadable_if_it_comes() {
    // `gzip` of an empty text.
    let body = [
        31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    for (status, coding) in [(200, "gzip"), (200, "br"), (200, "identity"), (422, "gzip")] {
        let (tell, told) = std::sync::mpsc::channel();
        let (base_url, serving) = vendor_told(move |connection, head| {
            tell.send(head.to_ascii_lowercase())
                .expect("the test waits");
            let text = format!(
                "HTTP/1.1 {status} X\r\nContent-Encoding: {coding}\r\nContent-Length: 20\r\n\r\n"
            );
            connection.write_all(text.as_bytes()).expect("written");
            connection.write_all(&body).expect("written");
        });
        let answer = call(&base_url, TIMEOUT).await;
        serving.join().expect("the vendor did its part");
        let head = told.recv().expect("a head");
        assert!(head.contains("\r\naccept-encoding: identity\r\n"), "{head}");
        match answer {
            Ok(answer) if coding == "identity" => assert_eq!(answer.body[..], body),
            Ok(answer) => assert!(answer.status == 422 && answer.body.is_empty()),
            Err(CallError::Unreadable { status, reason }) => assert!(
                status == Some(200) && coding != "identity" && reason.contains("coding"),
                "{coding}: {reason}"
            ),
            Err(other) => panic!("{coding}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn headers_beyond_the_bound_are_an_answer_that_nobody_can_read() {
    let few = "X-Some: value\r\n".repeat(100);
    let many = "X-Some: value\r\n".repeat(101);
    let long = format!("X-Some: {}\r\n", "x".repeat(500 * 1024));
    for (headers, is_answer) in [(few, true), (many, false), (long, false)] {
        let text = format!("HTTP/1.1 204 OK\r\n{headers}\r\n");
        let answer = answered(text).await;
        let is_unreadable = matches!(&answer, Err(CallError::Unreadable { status: None, .. }));
        assert!(
            answer.is_ok() == is_answer && is_unreadable != is_answer,
            "{} bytes: {answer:?}",
            headers.len(),
        );
    }
}

/// Every byte comes in time; all of them together never do.
#[tokio::test]
async fn a_body_that_drips_ends_with_the_timeout() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let (base_url, serving) = vendor(move |connection| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
        connection.write_all(head).expect("written");
        let pause = Duration::from_millis(10);
        // Until the caller has given up.
        while wait.recv_timeout(pause) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = connection.write_all(b"x");
        }
    });
    // The drip alone would take a thousand seconds.
    let answer = tokio::time::timeout(TIMEOUT, call(&base_url, Duration::from_millis(300))).await;
    drop(done);
    serving.join().expect("the vendor did its part");
    let answer = answer.expect("the call ends by itself");
    assert!(
        matches!(&answer, Err(CallError::Ambiguous(reason)) if reason.contains("timed out")),
        "{answer:?}"
    );
}
