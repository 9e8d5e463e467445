//! The one thing that matters when a call fails, on real sockets: was anything sent?

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use causeway::http_client::{CallError, HttpClient, ReqwestClient};
use causeway::provider::{Answer, MAX_ANSWER_BYTES, Wire};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A vendor that takes one connection, reads the request's first bytes and then does `then`.
fn vendor(then: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut head = [0; 1024];
        assert!(connection.read(&mut head).expect("a request") > 0);
        then(&mut connection);
    });
    (base_url, serving)
}

async fn call(base_url: &str, timeout: Duration) -> Result<Answer, CallError> {
    let client = ReqwestClient::new().expect("a client");
    client.call(base_url, &Wire::post("/orders"), timeout).await
}

/// What the caller makes of a vendor that answers with `text` and closes the connection.
async fn answered(text: String) -> Result<Answer, CallError> {
    let (base_url, serving) = vendor(move |connection| {
        // The caller may hang up in the middle of an answer that is too long.
        let _ = connection.write_all(text.as_bytes());
    });
    let answer = call(&base_url, TIMEOUT).await;
    serving.join().expect("the vendor did its part");
    answer
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    assert!(matches!(
        call(&base_url, TIMEOUT).await,
        Err(CallError::NotSent(_))
    ));
}

#[tokio::test]
async fn a_name_that_does_not_exist_sent_nothing() {
    let answer = call("https://nowhere.invalid", TIMEOUT).await;
    assert!(matches!(answer, Err(CallError::NotSent(_))), "{answer:?}");
}

#[tokio::test]
async fn a_tls_handshake_that_fails_sent_nothing() {
    let (base_url, serving) = vendor(|connection| {
        connection
            .write_all(b"HTTP/1.1 400 no TLS here\r\n\r\n")
            .expect("written");
    });
    let answer = call(&base_url.replace("http:", "https:"), TIMEOUT).await;
    serving.join().expect("the vendor did its part");
    assert!(matches!(answer, Err(CallError::NotSent(_))), "{answer:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_ambiguous() {
    for text in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
        "no HTTP at all\r\n\r\n",
        "HTTP/1.1 999999 OK\r\n\r\n",
    ] {
        let answer = answered(text.to_owned()).await;
        assert!(
            matches!(answer, Err(CallError::Ambiguous(_))),
            "{text:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_ambiguous() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let (base_url, serving) = vendor(move |_| {
        // Holds the connection until the caller has given up.
        let _ = wait.recv();
    });
    let answer = call(&base_url, Duration::from_millis(200)).await;
    drop(done);
    serving.join().expect("the vendor did its part");
    assert!(matches!(answer, Err(CallError::Ambiguous(_))), "{answer:?}");
}

#[tokio::test]
async fn an_answer_beyond_the_bound_is_not_read_to_its_end() {
    let body = "x".repeat(MAX_ANSWER_BYTES + 1);
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = answered(text).await;
    assert!(matches!(&answer, Err(CallError::Ambiguous(reason)) if reason.contains("longer than")));
}

/// Credentials must not go where an answer points: not with the method and body (307, 308), not as a GET.
#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = elsewhere.local_addr().expect("an address");
    elsewhere.set_nonblocking(true).expect("no waiting");
    for status in [301, 302, 303, 307, 308] {
        let text = format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: http://{address}/\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = answered(text).await.expect("an answer");
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["location"], format!("http://{address}/"));
    }
    // What connects waits to be accepted, even if it has gone since.
    let called = elsewhere.accept();
    assert!(called.is_err(), "{called:?}");
}

#[tokio::test]
async fn plain_http_leaves_this_machine_under_no_name() {
    for base_url in [
        "http://api.acme.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
    ] {
        let answer = call(base_url, TIMEOUT).await;
        assert!(
            matches!(&answer, Err(CallError::NotSent(rule)) if rule.starts_with("the address must")),
            "{base_url}: {answer:?}"
        );
    }
}

/// The name is not asked for: what a name server says of it does not matter.
#[tokio::test]
async fn localhost_is_this_machine() {
    let (base_url, serving) = vendor(|connection| {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        connection.write_all(text).expect("written");
    });
    let answer = call(&base_url.replace("127.0.0.1", "localhost"), TIMEOUT).await;
    serving.join().expect("the vendor did its part");
    assert_eq!(answer.expect("an answer").status, 200);
}

/// An answer that inflates could be a thousand times longer than what was read: none is asked for, and none inflated.
#[tokio::test]
async fn a_compressed_body_is_neither_asked_for_nor_inflated() {
    let (tell, told) = std::sync::mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    // `gzip` of an empty text.
    let body = [
        31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let serving = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut head = [0; 4096];
        let length = connection.read(&mut head).expect("a request");
        let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
        tell.send(head).expect("the test waits");
        let text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n";
        connection.write_all(text.as_bytes()).expect("written");
        connection.write_all(&body).expect("written");
    });
    let answer = call(&base_url, TIMEOUT).await.expect("an answer");
    serving.join().expect("the vendor did its part");
    let head = told.recv().expect("a head");
    assert!(!head.contains("accept-encoding"), "{head}");
    assert_eq!(answer.body[..], body);
}

#[tokio::test]
async fn headers_beyond_the_bound_are_no_answer() {
    let few = "X-Some: value\r\n".repeat(100);
    let many = "X-Some: value\r\n".repeat(101);
    let long = format!("X-Some: {}\r\n", "x".repeat(500 * 1024));
    for (headers, is_answer) in [(few, true), (many, false), (long, false)] {
        let text = format!("HTTP/1.1 204 OK\r\n{headers}\r\n");
        let answer = answered(text).await;
        let ended = matches!(&answer, Err(CallError::Ambiguous(_)));
        assert!(
            answer.is_ok() == is_answer && ended != is_answer,
            "{} bytes: {:?}",
            headers.len(),
            answer.map(|answer| answer.status)
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
