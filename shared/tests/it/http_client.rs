//! The one thing that matters when a call fails, on real sockets: was anything sent?

mod answers;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use causeway::http_client::{CallError, HttpClient, ReqwestClient};
use causeway::provider::{Answer, Wire};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A vendor that takes one connection, reads the request's first bytes and then does `then`.
fn vendor(then: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    vendor_told(|connection, _| then(connection))
}

/// The same, who looks at what it read.
fn vendor_told(
    then: impl FnOnce(&mut TcpStream, &str) + Send + 'static,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut head = [0; 1024];
        let length = connection.read(&mut head).expect("a request");
        assert!(length > 0);
        then(&mut connection, &String::from_utf8_lossy(&head[..length]));
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

/// What a vendor does with its `n`th connection; each is served by a thread of its own.
type Serve = fn(&mut TcpStream);

/// A vendor that serves one connection after the other, each as told.
fn vendor_of(connections: Vec<Serve>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = std::thread::spawn(move || {
        let threads: Vec<_> = connections
            .into_iter()
            .map(|serve| {
                let (mut connection, _) = listener.accept().expect("a connection");
                std::thread::spawn(move || serve(&mut connection))
            })
            .collect();
        for thread in threads {
            thread.join().expect("the connection was served");
        }
    });
    (base_url, serving)
}

fn read(connection: &mut TcpStream) -> usize {
    connection.read(&mut [0; 1024]).unwrap_or(0)
}

fn answer(connection: &mut TcpStream, status: u16) {
    assert!(read(connection) > 0, "a request");
    let text = format!("HTTP/1.1 {status} OK\r\nContent-Length: 0\r\n\r\n");
    connection.write_all(text.as_bytes()).expect("written");
}

/// Answers, and closes when the next request is on its way.
fn answer_once(connection: &mut TcpStream) {
    answer(connection, 200);
    read(connection);
}

fn fresh() -> Wire {
    let mut wire = Wire::post("/orders");
    wire.fresh = true;
    wire
}

/// The vendor takes the second request's bytes on a connection that it is closing. Whoever could not bear the doubt
/// must not have been there.
#[tokio::test]
async fn a_fresh_call_does_not_meet_the_connection_that_the_vendor_is_closing() {
    let (base_url, serving) = vendor_of(vec![answer_once, |connection| answer(connection, 204)]);
    let client = ReqwestClient::new().expect("a client");
    let pooled = Wire::post("/orders");
    let first = client.call(&base_url, &pooled, TIMEOUT).await;
    assert_eq!(first.expect("an answer").status, 200);
    let own = client.call(&base_url, &fresh(), TIMEOUT).await;
    assert_eq!(own.expect("an answer").status, 204);
    // The pool still has the first connection, and walks into it.
    let doubt = client.call(&base_url, &pooled, TIMEOUT).await;
    assert!(matches!(doubt, Err(CallError::Ambiguous(_))), "{doubt:?}");
    serving.join().expect("the vendor did its part");
}

#[tokio::test]
async fn two_fresh_calls_have_two_connections() {
    let (base_url, serving) = vendor_of(vec![answer_once; 2]);
    let client = ReqwestClient::new().expect("a client");
    for _ in 0..2 {
        let answer = client.call(&base_url, &fresh(), TIMEOUT).await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    // The connections close as the runtime gets to it.
    let served = tokio::task::spawn_blocking(|| serving.join()).await;
    served.expect("joined").expect("the vendor did its part");
}

/// A connection that was closed while it waited is found out before anything is written to it.
#[tokio::test]
async fn an_idle_connection_that_was_closed_is_replaced() {
    let (base_url, serving) = vendor_of(vec![|connection| answer(connection, 200); 2]);
    let client = ReqwestClient::new().expect("a client");
    for _ in 0..2 {
        let answer = client
            .call(&base_url, &Wire::post("/orders"), TIMEOUT)
            .await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    serving.join().expect("the vendor did its part");
}

/// The vendor accepts and closes (an overloaded proxy does) before the request begins: nothing was sent, though there
/// was a connection. The runtime stands still until it has closed, so that the order is the same every time.
#[tokio::test]
async fn a_connection_that_closes_before_the_request_begins_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, told) = std::sync::mpsc::channel();
    let serving = std::thread::spawn(move || {
        let (connection, _) = listener.accept().expect("a connection");
        drop(connection);
        tell.send(()).expect("the test waits");
    });
    let client = ReqwestClient::new().expect("a client");
    let wire = fresh();
    let closed = async { told.recv().expect("the vendor closes") };
    let (answer, ()) = tokio::join!(client.call(&base_url, &wire, TIMEOUT), closed);
    serving.join().expect("the vendor did its part");
    assert!(matches!(answer, Err(CallError::NotSent(_))), "{answer:?}");
}

/// Whatever came before it: once the vendor has read of the request, nobody can say that it did nothing.
#[tokio::test]
async fn a_vendor_that_has_read_of_the_request_leaves_doubt_however_it_ends() {
    // With unread bytes behind it, a close is a reset.
    let reset: Serve = |connection| assert_eq!(connection.read(&mut [0]).expect("a byte"), 1);
    let close: Serve = |connection| assert!(read(connection) > 0);
    let half_close: Serve = |connection| {
        assert!(read(connection) > 0);
        connection
            .shutdown(std::net::Shutdown::Write)
            .expect("half closed");
        // Until the caller has given up.
        while read(connection) > 0 {}
    };
    for serve in [reset, close, half_close] {
        let (base_url, serving) = vendor_of(vec![serve]);
        let client = ReqwestClient::new().expect("a client");
        let answer = client.call(&base_url, &fresh(), TIMEOUT).await;
        serving.join().expect("the vendor did its part");
        assert!(matches!(answer, Err(CallError::Ambiguous(_))), "{answer:?}");
    }
}
