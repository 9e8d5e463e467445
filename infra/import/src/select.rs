//! Which operations a page's row speaks of: the lane's own judgement, asked before there are lines.

use causeway::pack::OperationLine;
use causeway::pack::page::OperationRow;
use causeway::pack::{Page, Selectors};
use serde_json::Value;

/// What a row is compared with: the operation's line, as far as selectors look at it.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    lines: Vec<OperationLine>,
}

impl Subject {
    /// `written`: the path as it stands in the document, where it is called otherwise.
    pub fn new(
        name: &str,
        doc: &str,
        id: Option<&str>,
        method: &str,
        path: &str,
        written: &str,
    ) -> Self {
        let line = |path: &str| OperationLine {
            op: name.to_owned(),
            doc: doc.to_owned(),
            id: id.map(str::to_owned),
            method: method.to_owned(),
            path: path.to_owned(),
            media: None,
            at: Default::default(),
            style: Default::default(),
            whole: false,
            wrap: None,
            fixed: Default::default(),
            supply: Vec::new(),
            copy: Default::default(),
            limits: Vec::new(),
            schema: Value::Null,
        };
        let mut lines = vec![line(path)];
        if written != path {
            lines.push(line(written));
        }
        Self { lines }
    }

    /// The same under another name.
    pub fn named(&self, name: &str) -> Self {
        let mut other = self.clone();
        other
            .lines
            .iter_mut()
            .for_each(|line| line.op = name.to_owned());
        other
    }

    pub fn line(&self) -> Option<&OperationLine> {
        self.lines.first()
    }

    /// The path as it stands in the document.
    pub fn written(&self) -> &str {
        self.lines.last().map_or("", |line| line.path.as_str())
    }

    pub fn doc(&self) -> &str {
        self.line().map_or("", |line| line.doc.as_str())
    }
}

/// Whether one of the selectors fits.
pub(crate) fn fits(selectors: &Selectors, subject: &Subject) -> bool {
    subject.lines.iter().any(|line| selectors.are(line))
}

/// Each selector alone, with its text.
pub(crate) fn each(selectors: &Selectors) -> Vec<(String, Selectors)> {
    let one = |text: String| {
        let alone = serde_json::from_value(Value::from(text.as_str())).ok()?;
        Some((text, alone))
    };
    selectors.texts().filter_map(one).collect()
}

/// Whether it names exactly one thing.
pub(crate) fn is_exact(selector: &str) -> bool {
    !selector.contains('*')
}

/// Whether it names a route.
pub(crate) fn is_route(selector: &str) -> bool {
    selector
        .split_once(' ')
        .is_some_and(|(_, path)| path.starts_with('/'))
}

/// Whether a row makes an operation of its own.
pub(crate) fn makes(row: &OperationRow) -> bool {
    row.name.is_some() || row.each.is_some()
}

/// All selectors of operations' rows, with the row's number.
pub(crate) fn of_page(page: &Page) -> Vec<(usize, String, Selectors)> {
    let rows = page.operation.iter().enumerate();
    let rows = rows.flat_map(|(at, row)| {
        each(&row.selectors)
            .into_iter()
            .map(move |(text, it)| (at, text, it))
    });
    rows.collect()
}

/// `{id}.json` as `{}.json`.
pub(crate) fn nameless(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for char in path.chars() {
        match char {
            '{' => inside = true,
            '}' => {
                inside = false;
                out.push_str("{}");
            }
            char if !inside => out.push(char),
            _ => {}
        }
    }
    out
}
