//! Secrets in nothing that leaves the process.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_simulation::sim;
use causeway_simulation::tokens::SECRET;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn a_simulated_day_shows_no_secret_in_logs_letters_records_or_debug() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let (mut shown, mut letters, mut virtual_ms, mut tokens) = (String::new(), 0, 0, 0);
    // For all threads: whether a line is wanted is asked once, by whichever thread comes first. What the other tests log
    // meanwhile has no secret in it, either.
    tracing::subscriber::set_global_default(subscriber).expect("the only one here");
    // Worlds one after the other until a day has passed; every provider and scheme is among them.
    for seed in 1..=60 {
        let emitted = sim::emitted(seed);
        letters += emitted.letters;
        virtual_ms += emitted.lasted_ms;
        tokens += emitted.secrets_handed_out;
        shown.push_str(&emitted.text);
    }
    assert!(virtual_ms > 24 * 3_600_000, "{virtual_ms} ms");
    assert!(
        letters > 100 && tokens > 1_000,
        "{letters} letters, {tokens} secrets"
    );
    let log = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&log);
    assert!(
        log.contains("WARN") && log.len() > 100_000,
        "{} bytes of logs",
        log.len()
    );
    for (what, text) in [
        ("logs", log.as_ref()),
        ("letters, records and reports", &shown),
    ] {
        let leak = text
            .find(SECRET)
            .map(|at| &text[at.saturating_sub(300)..(at + 60).min(text.len())]);
        assert_eq!(leak, None, "a secret in the {what}");
    }
}
