//! `causeway map propose` on a terminal.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::terminal::Terminal;

const COMMAND: &str = env!("CARGO_BIN_EXE_causeway");

/// A folder with a sample, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("causeway-review-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder for tests");
        let sample =
            json!({"email": "ada@shop.example", "name": "Ada Lovelace", "phone": "+4930123456"});
        fs::write(folder.join("sample.json"), sample.to_string()).expect("a file");
        Self(folder)
    }

    fn propose(&self) -> Terminal {
        let mut command = Command::new(COMMAND);
        command.args(["map", "propose", "stripe", "customers.create"]);
        command.arg("--sample").arg(self.0.join("sample.json"));
        command.args(["--name", "shop-customer"]);
        command.arg("--out").arg(self.0.join("out.json"));
        Terminal::run(&command, 100, 30)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_person_reviews_a_proposal_and_the_document_passes_map_test() {
    let folder = Folder::new("write");
    let mut review = folder.propose();
    review.shows("stripe customers.create").await;
    assert!(review.is_on_its_own_screen());
    review.line("?", "phone").await;
    review.resize(70, 20);
    // Cut to the narrower screen: a key that comes before that would be answered on the old one.
    review.shows("invoice_settings.custom_ ").await;
    review.line("?", "phone").await;
    review.press("w");
    review.shows("w again writes them as proposed").await;
    review.press("A");
    review.line("✓", "phone").await;
    review.press("w");
    let status = review.end().await;
    review.gives_the_screen_back().await;
    assert!(status.success(), "{status}: {}", review.text());

    let out = folder.0.join("out.json");
    let text = fs::read_to_string(&out).expect("the document");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["name"], "shop-customer");
    let tested = Command::new(COMMAND)
        .args(["map", "test", "--json"])
        .arg(&out)
        .output();
    let tested = tested.expect("it runs");
    assert!(tested.status.success(), "{tested:?}");
    let trials: Value = serde_json::from_slice(&tested.stdout).expect("JSON");
    assert_eq!(
        trials["result"][0]["output"]["email"], "ada@shop.example",
        "{trials}"
    );
}

#[tokio::test]
async fn whoever_quits_gets_the_terminal_back_and_no_document() {
    let folder = Folder::new("quit");
    let mut review = folder.propose();
    review.shows("stripe customers.create").await;
    review.press("q");
    let status = review.end().await;
    review.gives_the_screen_back().await;
    assert_eq!(status.code(), Some(130), "ended by a person");
    assert!(!folder.0.join("out.json").exists());
}

#[test]
fn without_a_terminal_the_proposal_is_printed() {
    let folder = Folder::new("plain");
    let told = Command::new(COMMAND)
        .args(["map", "propose", "stripe", "customers.create", "--sample"])
        .arg(folder.0.join("sample.json"))
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&told.stdout);
    for part in ["FIELD", "email", " %", "keeps the operation's schema"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
