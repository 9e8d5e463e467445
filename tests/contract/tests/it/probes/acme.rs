//! A provider to break, with files of its own.

use std::fs;
use std::path::{Path, PathBuf};

use causeway::Timestamp;
use causeway::provider::{
    Answer, Auth, Found, Json, Lookup, Operation, Provider, Safety, Spec, Verdict, Wire,
};
use causeway_contract::{Breach, Mode, breaches};

const README: &str = "`things.create`, `causeway/acme/<connection>`: `{\"api_key\": \"…\"}`";

const FIXTURE: &str = r#"{
  "operation": "things.create",
  "payloads": [
    {"name": "full", "payload": {"name": "a thing", "note": "red"}},
    {"name": "minimal", "payload": {"name": "a thing"}}
  ],
  "answers": [
    {"name": "success", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 200, "body": {"id": "t_1"}},
    {"name": "refused_in_200", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 200, "body": {"ok": false, "id": "t_2"}},
    {"name": "validation_error", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 400, "body": {"message": "no ada@shop.example"}},
    {"name": "throttle", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 429, "headers": {"retry-after": "30"}, "body": {}},
    {"name": "unauthorized", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 401, "body": {}},
    {"name": "outage", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 503, "body": {}},
    {"name": "replay", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 200, "body": {"id": "t_1"}}
  ]
}"#;

const BATCHES: &str = r#""batches": [
    {"name": "two", "payloads": [{"name": "a thing"}, {"name": "another"}]},
    {"name": "strange", "payloads": [{"name": "stranger"}]}
  ],
  "#;

const BATCH_ANSWER: &str = r#"
    {"name": "two", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 200,
     "elements": [{"name": "a thing"}, {"name": "another"}],
     "body": {"made": ["another"], "refused": ["a thing"]}},"#;

const LOOKUP: &str = r#""lookup": {"answers": [
    {"name": "hit", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 200, "body": {"id": "t_1"}},
    {"name": "miss", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 404, "body": {}},
    {"name": "outage", "source": "https://docs.acme.example", "read": "2026-11-22", "status": 503, "body": {}}
  ]},
  "#;

/// The judgement of a call with several elements.
pub type JudgeBatch = fn(&[&Json], &Answer) -> Option<Vec<Verdict>>;

/// What a lookup's answer says.
pub type Find = fn(&Answer) -> Found;

/// The provider; its judgements fall back to HTTP's own rules.
pub struct Acme {
    spec: &'static Spec,
    classify: fn(&Answer) -> Option<Verdict>,
    classify_batch: JudgeBatch,
    find: Option<Find>,
    folder: PathBuf,
}

impl Provider for Acme {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn classify(&self, _: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        (self.classify)(answer).unwrap_or_else(|| Verdict::by_status(answer, now))
    }

    fn classify_batch(
        &self,
        _: &Operation,
        elements: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Vec<Verdict> {
        (self.classify_batch)(elements, answer)
            .unwrap_or_else(|| Verdict::by_status(answer, now).of_whole(elements.len()))
    }

    fn look_up(&self, _: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        self.find?;
        Some(Wire::get("/things").query("reference", lookup.reference))
    }

    fn found(&self, _: &Operation, _: &Lookup<'_>, answer: &Answer) -> Found {
        self.find.map_or(Found::Unclear, |find| find(answer))
    }
}

impl Acme {
    /// One that keeps the contract, in a folder named after the probe.
    pub fn sound(probe: &str) -> Self {
        Self::of(probe, super::operation::<super::payloads::Thing>())
    }

    /// One with another operation.
    pub fn of(probe: &str, operation: Operation) -> Self {
        Self::new(probe, operation, |_| None)
    }

    /// One with another judgement.
    pub fn judging(probe: &str, classify: fn(&Answer) -> Option<Verdict>) -> Self {
        Self::new(
            probe,
            super::operation::<super::payloads::Thing>(),
            classify,
        )
    }

    /// One whose calls carry several things.
    pub fn batching(probe: &str, classify_batch: JudgeBatch) -> Self {
        let operation =
            Operation::batch::<super::payloads::Thing>("things.create", Safety::Natural, 10);
        let acme = Self {
            classify_batch,
            ..Self::new(probe, operation, |_| None)
        };
        acme.extend_fixture(BATCHES, BATCH_ANSWER);
        acme
    }

    /// One whose things can be asked for.
    pub fn looking_up(probe: &str, find: Find) -> Self {
        let safety = Safety::Lookup {
            place: None,
            settle: std::time::Duration::from_secs(60),
        };
        let operation = Operation::new::<super::payloads::Thing>("things.create", safety);
        let acme = Self {
            find: Some(find),
            ..Self::new(probe, operation, |_| None)
        };
        acme.extend_fixture(LOOKUP, "");
        acme
    }

    /// Adds a section and an answer to the fixture, and has the suite fill in the rest.
    fn extend_fixture(&self, section: &str, answer: &str) {
        self.change_file("fixtures/things.create.json", &|text| {
            let with = text.replacen(
                "\"answers\": [",
                &format!("{section}\"answers\": [{answer}"),
                1,
            );
            Some(with)
        });
        self.run(Mode::Bless);
    }

    fn new(probe: &str, operation: Operation, classify: fn(&Answer) -> Option<Verdict>) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("probes")
            .join(probe);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("what an earlier run left can go");
        }
        fs::create_dir_all(folder.join("fixtures")).expect("a folder");
        fs::write(folder.join("README.md"), README).expect("a README");
        fs::write(folder.join("fixtures/things.create.json"), FIXTURE).expect("a fixture");
        let spec = Spec::new(
            "acme",
            "https://api.acme.example",
            Auth::Bearer { field: "api_key" },
            Vec::leak(vec![operation]),
        );
        let acme = Self {
            spec: Box::leak(Box::new(spec)),
            classify,
            classify_batch: |_, _| None,
            find: None,
            folder,
        };
        acme.run(Mode::Bless);
        acme
    }

    /// The same with another operation, of which the files know nothing.
    pub fn with(mut self, operation: Operation) -> Self {
        let old = self.spec;
        let operations = Vec::leak(vec![operation]);
        let spec = Spec::new(old.name, old.base_url, old.auth, operations);
        self.spec = Box::leak(Box::new(spec));
        self
    }

    /// Changes the spec after the files were written.
    pub fn change_spec(&mut self, change: fn(&mut Spec)) {
        let old = self.spec;
        let mut spec = Spec {
            operations: old.operations,
            ..Spec::new(old.name, old.base_url, old.auth, &[])
        };
        change(&mut spec);
        self.spec = Box::leak(Box::new(spec));
    }

    /// Changes a file, or removes it.
    pub fn change_file(&self, path: &str, change: &dyn Fn(String) -> Option<String>) {
        let path = self.folder.join(path);
        let text = fs::read_to_string(&path).expect("a file");
        match change(text.clone()) {
            Some(changed) => {
                assert_ne!(changed, text, "the probe changes something");
                fs::write(&path, changed).expect("the file");
            }
            None => fs::remove_file(&path).expect("the file"),
        }
    }

    /// Adds a file of this text.
    pub fn add_text(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, text).expect("the file");
    }

    /// What the suite finds.
    pub fn breaches(&self) -> Vec<Breach> {
        self.run(Mode::Compare)
    }

    fn run(&self, mode: Mode) -> Vec<Breach> {
        let folder = self.folder.to_str().expect("a path of text");
        breaches(self, folder, mode)
    }
}
