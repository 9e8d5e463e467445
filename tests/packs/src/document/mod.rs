//! The vendor's own document as the judge of what a pack sends.
//!
//! It shares nothing with the import: the document is read anew, a request is taken off the wire and given the types
//! that the document names, and the `jsonschema` crate says whether the document takes it. A payload that the pack
//! refuses makes no wire: its fields are judged in the places where the line puts them.
//!
//! Where both do not agree, it is tried what the document would have to leave out: that is the kind of the
//! disagreement. What no trial explains is listed.

mod call;
mod court;
mod file;
mod form;
mod kinds;
mod mutate;
mod request;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use causeway::pack::example::Extent;
use causeway::pack::page::{AddressPart, Page};
use causeway::pack::{HAND, OperationLine, Pack};
use causeway::provider::{Operation, Provider, Secret, Shown, Token, Wire};
use serde_json::{Map, Value};

pub use court::{Complaint, Court, CourtError};
pub use file::{DocumentFile, FileError};
pub use mutate::Mutation;
pub use request::Otherwise;
pub use schema::Relaxed;

use call::In;
use court::Judge;
use kinds::Trials;
use mutate::{Seen, mutations};
use request::{Request, key_path};

/// The packs whose operations come from documents that lie in the collection.
pub const PACKS: [&str; 8] = [
    "adyen",
    "cloudbeds",
    "klaviyo",
    "seam",
    "slack",
    "stripe",
    "twilio",
    "xero",
];

/// How the kinds begin that a page means.
const BY_THE_PAGE: &str = "the page: ";

/// Mutations of one operation.
const MUTATIONS: usize = 20;

/// Fields that are taken out of an example which the document does not take, before it is given up.
const REPAIRS_MAX: usize = 60;

/// Disagreements of one kind that are kept as examples.
const EXAMPLES: usize = 200;

/// Characters of an example's reason.
const TOLD_MAX: usize = 240;

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// A pack's file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A page is none.
    #[error("{name}: {reason}")]
    Page {
        /// Whose.
        name: String,
        /// Why.
        reason: String,
    },
    /// A document.
    #[error(transparent)]
    Document(#[from] FileError),
    /// A document's schemas.
    #[error("{name}: {source}")]
    Court {
        /// Which operation, or which document.
        name: String,
        /// Why.
        source: CourtError,
    },
}

/// Disagreements of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub count: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

impl Counted {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// What came of judging.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Operations that a document judged.
    pub operations: usize,
    /// Changed payloads.
    pub mutations: usize,
    /// Those about which pack and document say the same.
    pub agreed: usize,
    /// Disagreements, by what explains them.
    pub kinds: BTreeMap<String, Counted>,
    /// Operations whose page does something otherwise than the document.
    pub otherwise: BTreeMap<Otherwise, usize>,
    /// Examples that the document does not take as they are.
    pub examples: Counted,
    /// Operations that no document judged, and why.
    pub unjudged: Vec<String>,
}

impl Judged {
    /// The share of mutations about which both say the same.
    #[must_use]
    pub fn agree(&self) -> f64 {
        self.agreed as f64 / self.mutations.max(1) as f64
    }

    /// Mutations about which both differ because the page says so, with a source, or because the document is older.
    #[must_use]
    pub fn by_the_page(&self) -> usize {
        let own = self
            .kinds
            .iter()
            .filter(|(kind, _)| kind.contains(BY_THE_PAGE));
        own.map(|(_, counted)| counted.count).sum()
    }

    /// The share of agreement where the page does not mean to differ.
    #[must_use]
    pub fn agree_beside_the_page(&self) -> f64 {
        self.agreed as f64 / self.mutations.saturating_sub(self.by_the_page()).max(1) as f64
    }

    /// Both together.
    pub fn join(&mut self, other: Self) {
        self.operations += other.operations;
        self.mutations += other.mutations;
        self.agreed += other.agreed;
        for (kind, counted) in other.kinds {
            self.kinds.entry(kind).or_default().join(counted);
        }
        for (otherwise, count) in other.otherwise {
            *self.otherwise.entry(otherwise).or_default() += count;
        }
        self.examples.join(other.examples);
        self.unjudged.extend(other.unjudged);
    }
}

/// Judges every `step`th operation of the pack in `folder`; documents lie in `documents`.
///
/// # Errors
/// When a file cannot be read, or is not what it should be.
pub fn judge(folder: &Path, documents: &Path, step: usize) -> Result<Judged, JudgeError> {
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let wrong = |reason: String| JudgeError::Page {
        name: name.to_owned(),
        reason,
    };
    let lines = text(&folder.join("operations.jsonl"))?;
    let page = text(&folder.join("provider.toml"))?;
    // A pack is read once by whoever judges it, and ends with the process.
    let pack = Pack::new(&page, lines.leak()).map_err(|error| wrong(error.to_string()))?;
    let files = pack
        .page()
        .document
        .iter()
        .flat_map(|document| &document.files);
    let mut judged = Judged::default();
    for (alias, file) in files {
        let file = DocumentFile::read(documents, file)?;
        let court = Court::new(&file, &[]);
        let court = court.map_err(|source| JudgeError::Court {
            name: format!("{name} {alias}"),
            source,
        })?;
        let mut trials = Trials::new(&file);
        let names = pack.spec().operations.names();
        for operation in names.into_iter().step_by(step.max(1)) {
            let Some(line) = pack.line(&operation).filter(|line| line.doc == *alias) else {
                continue;
            };
            let subject = Subject {
                pack,
                line,
                file: &file,
                court: &court,
            };
            let one = subject.judge(&mut trials);
            judged.join(one.map_err(|source| JudgeError::Court {
                name: operation,
                source,
            })?);
        }
    }
    Ok(judged)
}

fn text(path: &Path) -> Result<String, JudgeError> {
    fs::read_to_string(path).map_err(|source| JudgeError::File {
        path: path.to_owned(),
        source,
    })
}

/// One operation before its document.
struct Subject<'a> {
    pack: Pack,
    line: &'static OperationLine,
    file: &'a DocumentFile,
    court: &'a Court,
}

impl Subject<'_> {
    fn page(&self) -> &'static Page {
        self.pack.page()
    }

    fn judge(&self, trials: &mut Trials<'_>) -> Result<Judged, CourtError> {
        let mut judged = Judged::default();
        let op = &self.line.op;
        let name = &self.page().name;
        let found = self.court.judge(self.file, self.line)?;
        let (Some(judge), Some(operation)) = (found, self.pack.spec().operation(op)) else {
            if self.line.doc != HAND {
                judged.unjudged.push(format!(
                    "{name} {op}: its document has no {} {}",
                    self.line.method, self.line.path
                ));
            }
            return Ok(judged);
        };
        judged.operations = 1;
        let key = key_path(operation);
        let whole = Whole {
            subject: self,
            judge: &judge,
            operation,
            key: &key,
        };
        let Some(payload) = whole.base(&mut judged) else {
            return Ok(judged);
        };
        let schema = operation.schema().to_value();
        let mut schemas = vec![(
            String::new(),
            Seen {
                schema: &schema,
                root: &schema,
            },
        )];
        schemas.extend(whole.own_schemas());
        for mutation in mutations(op, &schemas, &payload, MUTATIONS) {
            judged.mutations += 1;
            let said = whole.asked(&mutation.payload);
            let takes = said.complaints.is_empty();
            if said.pack.is_none() == takes {
                judged.agreed += 1;
                continue;
            }
            let why = whole.why(trials, &said, &mutation)?;
            let against = said.pack.clone().unwrap_or_else(|| texts(&said.complaints));
            let against: String = against.chars().take(TOLD_MAX).collect();
            judged
                .kinds
                .entry(why)
                .or_default()
                .add(|| format!("{name} {op}: {}: {against}", mutation.what));
        }
        Ok(judged)
    }
}

/// What both say of a payload.
struct Asked {
    /// The pack's refusal.
    pack: Option<String>,
    /// The document's, of the payload or of the wire.
    complaints: Vec<Complaint>,
    /// The request that is not taken, or the payload's.
    request: Request,
    /// Whether the payload would do and the wire does not.
    only_wire: bool,
    /// What the page does otherwise.
    otherwise: Vec<Otherwise>,
}

struct Whole<'a> {
    subject: &'a Subject<'a>,
    judge: &'a Judge,
    operation: &'static Operation,
    key: &'a [String],
}

impl<'a> Whole<'a> {
    fn asked(&self, payload: &Value) -> Asked {
        let subject = self.subject;
        let page = subject.page();
        let request = Request::of_payload(
            page,
            subject.line,
            &self.judge.call,
            &subject.court.root,
            self.key,
            payload,
        );
        let complaints = self.judge.complaints(&request);
        let mut asked = Asked {
            pack: None,
            complaints,
            request,
            only_wire: false,
            otherwise: Vec::new(),
        };
        let refused = self.operation.check(payload, 1).pop();
        if refused.is_some() && asked.complaints.is_empty() {
            let written = asked.request.as_pairs(subject.line);
            asked.complaints = self.judge.complaints(&written);
        }
        let wire = match refused {
            Some(error) => Err(error.to_string()),
            None => self
                .operation
                .prepare(payload)
                .map_err(|error| error.to_string()),
        };
        let wire = match wire {
            Ok(wire) => wire,
            Err(refusal) => {
                asked.pack = Some(refusal);
                return asked;
            }
        };
        let Some(wire) = self.signed(wire) else {
            asked.pack = Some("it cannot be signed".to_owned());
            return asked;
        };
        let root = &subject.court.root;
        match Request::of_wire(page, &self.judge.call, root, &wire) {
            Ok((request, otherwise)) => {
                asked.otherwise = otherwise;
                let told = self.judge.complaints(&request);
                if asked.complaints.is_empty() && !told.is_empty() {
                    asked.only_wire = true;
                    asked.complaints = told;
                    asked.request = request;
                }
            }
            Err(text) => {
                asked.only_wire = asked.complaints.is_empty();
                asked.complaints.push(Complaint::whole(None, text));
            }
        }
        asked
    }

    /// The call as it goes out, with made-up credentials.
    fn signed(&self, wire: Wire) -> Option<Wire> {
        let spec = self.subject.pack.spec();
        let page = self.subject.page();
        let value = |name: &str| match page.address.secret.get(name) {
            Some(AddressPart::Id(34)) => format!("AC{}", "0".repeat(32)),
            Some(AddressPart::Choice(all)) => all
                .first()
                .map(|[said, _]| said.clone())
                .unwrap_or_default(),
            // Some vendors' documents say of a header that it is a number.
            _ => "1".to_owned(),
        };
        let keyed = self
            .operation
            .keyed(wire, "123e4567-e89b-42d3-a456-426614174000");
        spec.secret_fields().iter().find_map(|way| {
            let fields: Map<String, Value> = way
                .iter()
                .map(|&name| (name.to_owned(), value(name).into()))
                .collect();
            let secret = Secret::parse(&Value::Object(fields).to_string()).ok()?;
            let token = Token::new("marker");
            spec.sign(
                keyed.clone(),
                Shown {
                    secret: &secret,
                    token: Some(&token),
                },
            )
            .ok()
        })
    }

    /// A full payload that both take, if there is one; what had to go from the example is told.
    fn base(&self, judged: &mut Judged) -> Option<Value> {
        let op = &self.subject.line.op;
        let name = &self.subject.page().name;
        let example = self.subject.pack.example(op, Extent::Full)?;
        let mut payload = example.clone();
        let mut told = Vec::new();
        for _ in 0..REPAIRS_MAX {
            let asked = self.asked(&payload);
            if told.is_empty() {
                for otherwise in &asked.otherwise {
                    *judged.otherwise.entry(*otherwise).or_default() += 1;
                }
            }
            let first = match (&asked.pack, asked.complaints.first()) {
                (None, None) => break,
                (Some(refusal), _) => {
                    told.push(format!("the pack refuses its own example: {refusal}"));
                    break;
                }
                (None, Some(first)) => first.clone(),
            };
            told.push(first.to_string());
            if !self.instead(&mut payload, &first) && !self.without(&mut payload, &first) {
                // As little as it takes may do where everything does not.
                let least = self.subject.pack.example(op, Extent::Minimal)?;
                let good = self.asked(&least);
                payload = match good.pack.is_none() && good.complaints.is_empty() {
                    true => least,
                    false => {
                        told.push("NO GOOD PAYLOAD".to_owned());
                        payload
                    }
                };
                break;
            }
        }
        if !told.is_empty() {
            judged
                .examples
                .add(|| format!("{name} {op}: {}", told.join("; ")));
        }
        Some(payload)
    }

    /// Puts something else where `complaint` is about, if the pack takes it and the complaint is gone.
    fn instead(&self, payload: &mut Value, complaint: &Complaint) -> bool {
        let pointer = self.pointer(complaint);
        let mut others: Vec<Value> = complaint.listed.clone();
        let texts = [
            "123e4567-e89b-42d3-a456-426614174000",
            "2026-12-01T15:00:00Z",
            "2026-12-01",
            "ada@example.com",
            "https://example.com/",
            "1",
        ];
        others.extend(texts.map(Value::from));
        others.into_iter().any(|other| {
            let mut changed = payload.clone();
            let Some(place) = changed
                .pointer_mut(&pointer)
                .filter(|place| !place.is_object() && !place.is_array())
            else {
                return false;
            };
            *place = other;
            let asked = self.asked(&changed);
            let is_better =
                asked.pack.is_none() && !asked.complaints.iter().any(|one| one.is_like(complaint));
            if is_better {
                *payload = changed;
            }
            is_better
        })
    }

    /// Where in the payload stands what `complaint` is about.
    fn pointer(&self, complaint: &Complaint) -> String {
        let line = self.subject.line;
        if let Some(place) = &complaint.place {
            let named = line
                .at
                .iter()
                .find(|(_, at)| self.judge.call.at(line, at).as_ref() == Some(place));
            return named
                .map(|(name, _)| format!("/{name}{}", complaint.pointer))
                .unwrap_or_default();
        }
        let inner = match &line.wrap {
            Some(wrap) => complaint
                .pointer
                .strip_prefix(wrap.as_str())
                .unwrap_or_default(),
            None => &complaint.pointer,
        };
        match line.whole {
            true => format!("/body{inner}"),
            false => inner.to_owned(),
        }
    }

    /// Takes out of `payload` what `complaint` is about, if the pack takes it then.
    fn without(&self, payload: &mut Value, complaint: &Complaint) -> bool {
        let mut pointer = self.pointer(complaint);
        while let Some((parent, name)) = pointer.rsplit_once('/') {
            let mut fewer = payload.clone();
            let name = name.replace("~1", "/").replace("~0", "~");
            let removed = match fewer.pointer_mut(parent) {
                Some(Value::Object(fields)) => fields.remove(&name).is_some(),
                Some(Value::Array(items)) => name.parse::<usize>().is_ok_and(|at| {
                    at < items.len() && {
                        items.remove(at);
                        true
                    }
                }),
                _ => false,
            };
            if removed && self.operation.check(&fewer, 1).is_empty() {
                *payload = fewer;
                return true;
            }
            pointer = parent.to_owned();
        }
        false
    }

    /// The document's schemas of what a payload says, each with its place in the payload.
    fn own_schemas(&self) -> Vec<(String, Seen<'a>)> {
        let root = &self.subject.court.root;
        let line = self.subject.line;
        let mut found = Vec::new();
        for (name, place) in &line.at {
            let Some((place, own)) = self.judge.call.at(line, place) else {
                continue;
            };
            let one = self
                .judge
                .call
                .parameters
                .iter()
                .find(|one| one.place == place && one.name == own);
            if let Some(one) = one {
                found.push((
                    format!("/{name}"),
                    Seen {
                        schema: &one.schema,
                        root,
                    },
                ));
            }
        }
        let body = self
            .judge
            .plain()
            .or(Some(0))
            .and_then(|at| self.judge.call.bodies.get(at));
        let Some(body) = body else { return found };
        let typed = form::Typed { root };
        let mut schema = &body.schema;
        for name in line.wrap.as_deref().unwrap_or_default().split('/').skip(1) {
            schema = typed.followed(schema);
            let inner = match name.parse::<usize>() {
                Ok(_) => schema.get("items"),
                Err(_) => schema.get("properties").and_then(|all| all.get(name)),
            };
            let Some(inner) = inner else { return found };
            schema = inner;
        }
        if line.whole {
            found.push(("/body".to_owned(), Seen { schema, root }));
            return found;
        }
        let mut shapes = Vec::new();
        typed.shapes(schema, 0, &mut shapes);
        let mut seen = BTreeSet::new();
        for (name, schema) in shapes
            .iter()
            .filter_map(|shape| shape.get("properties")?.as_object())
            .flatten()
        {
            if !line.at.contains_key(name) && seen.insert(name) {
                let name = name.replace('~', "~0").replace('/', "~1");
                found.push((format!("/{name}"), Seen { schema, root }));
            }
        }
        found
    }

    /// What explains that both do not say the same.
    fn why(
        &self,
        trials: &mut Trials<'_>,
        said: &Asked,
        mutation: &Mutation,
    ) -> Result<String, CourtError> {
        let (page, line) = (self.subject.page(), self.subject.line);
        let (side, why) = match &said.pack {
            Some(_) => (
                "pack refuses",
                trials.added(page, line, &said.request, mutation)?,
            ),
            None if said.only_wire && is_empty(&mutation.payload, &mutation.pointer) => (
                "document refuses",
                Some("what is empty cannot be written in a form or a query"),
            ),
            None if said.only_wire && mutation.what.starts_with(mutate::POINT) => (
                "document refuses",
                Some("5.0 stands as it is where all is text"),
            ),
            None => (
                "document refuses",
                trials.left_out(page, line, &said.request, &said.complaints)?,
            ),
        };
        let wire = if said.only_wire {
            ", on the wire only"
        } else {
            ""
        };
        let of = if why.is_none() {
            format!(" of {}", page.name)
        } else {
            String::new()
        };
        Ok(format!(
            "{side}{wire}: {}{of}",
            why.unwrap_or("UNEXPLAINED")
        ))
    }
}

/// Whether nothing stands there that a form or a query could show.
fn is_empty(payload: &Value, pointer: &str) -> bool {
    match payload.pointer(pointer) {
        Some(Value::Array(items)) => items.iter().all(Value::is_null),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Null) => true,
        _ => false,
    }
}

fn texts(complaints: &[Complaint]) -> String {
    let texts: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl std::fmt::Display for In {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        })
    }
}
