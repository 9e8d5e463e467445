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
    let answer = call("http://nowhere.invalid", TIMEOUT).await;
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

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let text =
        "HTTP/1.1 302 Found\r\nLocation: http://nowhere.invalid/\r\nContent-Length: 0\r\n\r\n";
    let answer = answered(text.to_owned()).await.expect("an answer");
    assert_eq!(answer.status, 302);
}
