//! `causeway provider`: packs made, checked and described. It needs no stack.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use causeway::pack::Pack;
use causeway::pack::example::Extent;
use causeway::pack::page::{Class, page_schema};
use causeway::provider::Provider;
use causeway_import::{Imported, Misfit, diff, draft, import, misfits, notice, origins};
use causeway_ingest::safety;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};

/// Make a provider of a vendor's documents, and check it.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read a vendor's API documents into a pack: `provider.toml`, where there is none yet, `operations.jsonl`, `NOTICE`.
    ///
    /// A second run with newer documents shows what changes: breaking changes of payloads, changed bytes on the wire. Names
    /// that were given stay. The documents are OpenAPI 3, Swagger 2 or Google discovery, as JSON or YAML, gzipped or not.
    Import(Import),
    /// Check a pack: that its page can be read, that each operation's call can be made, and what is still open.
    ///
    /// Exit status 3: something is wrong.
    Check(Check),
    /// Print the JSON Schema of `provider.toml`, for editors.
    Schema,
}

#[derive(Args, Debug)]
struct Import {
    /// The documents, or a folder that has those that the page names.
    #[arg(required = true)]
    documents: Vec<PathBuf>,
    /// The provider's name: the pack's folder, and what requests say.
    #[arg(long)]
    name: String,
    /// The folder that the pack stands in.
    #[arg(long, default_value = "functions", value_name = "FOLDER")]
    into: PathBuf,
}

#[derive(Args, Debug)]
struct Check {
    /// The provider's name, or the pack's folder.
    pack: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, a document is none, or the page names what the documents do not have.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    match &arguments.action {
        Action::Import(arguments) => imported(arguments, context),
        Action::Check(arguments) => checked(arguments, context),
        Action::Schema => {
            output::document(&page_schema())?;
            Ok(Done::All)
        }
    }
}

fn failed(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::usage(format!("{}: {error}", path.display()))
}

fn imported(arguments: &Import, context: &Context) -> Result<Done, Error> {
    let folder = arguments.into.join(&arguments.name);
    let page = folder.join("provider.toml");
    let is_new = !page.exists();
    let documents = if is_new {
        let documents = named_by_themselves(&arguments.documents)?;
        let text = draft(&documents).map_err(|error| Error::usage(error.to_string()))?;
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        let text = renamed(&text, &arguments.name);
        fs::write(&page, text).map_err(|error| failed(&page, error))?;
        documents
    } else {
        let read = causeway_import::page(&page).map_err(|error| Error::usage(error.to_string()))?;
        let files = read
            .document
            .map(|document| document.files)
            .unwrap_or_default();
        named_by_the_page(&arguments.documents, &files)?
    };
    let read = causeway_import::page(&page).map_err(|error| Error::usage(error.to_string()))?;
    let lines = folder.join("operations.jsonl");
    let old = fs::read_to_string(&lines).ok();
    let made = import(&documents, &read, old.as_deref()).map_err(|error| {
        Error::usage(error.to_string()).hint(format!("the page is {}", page.display()))
    })?;
    let index = arguments
        .documents
        .iter()
        .map(|path| path.join("INDEX.tsv"));
    let index = index
        .filter_map(|path| fs::read_to_string(path).ok())
        .next();
    let origins = origins(&index.unwrap_or_default());
    let about = folder.join("NOTICE");
    fs::write(&about, notice(&read, &made.facts, &origins))
        .map_err(|error| failed(&about, error))?;
    fs::write(&lines, &made.lines).map_err(|error| failed(&lines, error))?;
    let changes = old.as_deref().is_some_and(|old| old != made.lines);
    if is_new || changes {
        let text = fs::read_to_string(&page).map_err(|error| failed(&page, error))?;
        let text = raised(&text, read.revision);
        fs::write(&page, text).map_err(|error| failed(&page, error))?;
    }
    tell(&made, old.as_deref(), (is_new, &page), context)?;
    Ok(Done::All)
}

fn tell(
    made: &Imported,
    old: Option<&str>,
    (is_new, page): (bool, &Path),
    context: &Context,
) -> Result<(), Error> {
    let changes = old.and_then(|old| diff(old, &made.lines).ok());
    if context.global.json {
        return output::json(
            Kind::Import,
            &json!({
                "page": page,
                "page_is_new": is_new,
                "report": made.report.to_string(),
                "changes": changes.map(|changes| changes.to_string()),
            }),
        );
    }
    output::line(&made.report.to_string())?;
    if let Some(changes) = changes {
        output::line(&changes.to_string())?;
    }
    let next = match is_new {
        true => {
            "written new: fill in what is marked OPEN; every operation is unsafe until a row says better"
        }
        false => "kept as it is, but for its revision where operations have changed",
    };
    output::line(&format!(
        "{} is {next}\nnext: causeway provider check {}",
        page.display(),
        page.parent().unwrap_or(page).display()
    ))
}

type Documents = Vec<(String, String, Vec<u8>)>;

/// Documents under aliases of their own: the file's name up to its first dot.
fn named_by_themselves(paths: &[PathBuf]) -> Result<Documents, Error> {
    let mut documents: Documents = Vec::new();
    for path in paths {
        let bytes = fs::read(path).map_err(|error| failed(path, error))?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = file.split('.').next().unwrap_or_default().to_lowercase();
        let letters = stem.chars().map(|char| {
            if char.is_ascii_alphanumeric() {
                char
            } else {
                '_'
            }
        });
        let alias: String = letters.collect();
        if documents.iter().any(|(known, ..)| *known == alias) {
            return Err(Error::usage(format!(
                "two documents would be called `{alias}`: rename one"
            )));
        }
        documents.push((alias, file.trim_end_matches(".gz").to_owned(), bytes));
    }
    Ok(documents)
}

/// The documents that the page names: each of its files among `paths`, by its name, or below one that is a folder.
fn named_by_the_page(
    paths: &[PathBuf],
    files: &BTreeMap<String, String>,
) -> Result<Documents, Error> {
    let mut documents = Vec::new();
    for (alias, file) in files {
        let name = Path::new(file)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let of = |path: &PathBuf| {
            let packed = format!("{name}.gz");
            let below = [
                path.join(file),
                path.join(format!("{file}.gz")),
                path.join(&*name),
                path.join(packed),
            ];
            let own = path.file_name().unwrap_or_default().to_string_lossy();
            if own.trim_end_matches(".gz") == name && path.is_file() {
                return Some(path.clone());
            }
            below.into_iter().find(|path| path.is_file())
        };
        let path = paths.iter().find_map(of).ok_or_else(|| {
            Error::usage(format!(
                "the page's document `{alias}` ({file}) is not among what was given"
            ))
            .hint("give the file, or the folder that it is in".to_owned())
        })?;
        let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
        documents.push((alias.clone(), file.clone(), bytes));
    }
    Ok(documents)
}

/// The page with its revision one higher: what the pack takes has changed.
fn raised(page: &str, revision: u32) -> String {
    let line = format!("revision = {}", revision.saturating_add(1));
    let is_its = |line: &str| line.starts_with("revision = ");
    let has_one = page.lines().any(is_its);
    let mut lines: Vec<&str> = Vec::new();
    for own in page.lines() {
        lines.push(if is_its(own) { &line } else { own });
        if !has_one && own.starts_with("name = ") {
            lines.push(&line);
        }
    }
    lines.push("");
    lines.join("\n")
}

/// The page under the name that was asked for.
fn renamed(page: &str, name: &str) -> String {
    let line = |line: &str| match line.starts_with("name = ") {
        true => format!("name = {name:?}"),
        false => line.to_owned(),
    };
    let mut lines: Vec<String> = page.lines().map(line).collect();
    lines.push(String::new());
    lines.join("\n")
}

fn checked(arguments: &Check, context: &Context) -> Result<Done, Error> {
    let folder = match arguments.pack.join("provider.toml").is_file() {
        true => arguments.pack.clone(),
        false => Path::new("functions").join(&arguments.pack),
    };
    let pack = causeway_lane::read(&folder).map_err(|error| Error::usage(error.to_string()))?;
    let page = folder.join("provider.toml");
    let text = fs::read_to_string(&page).map_err(|error| failed(&page, error))?;
    let lines = folder.join("operations.jsonl");
    let lines = fs::read_to_string(&lines).map_err(|error| failed(&lines, error))?;
    let misfits = misfits(&text, &lines).map_err(|error| Error::usage(error.to_string()))?;
    let mut told = Told::of(&pack, &text);
    let (open, wrong): (Vec<Misfit>, Vec<Misfit>) =
        misfits.into_iter().partition(|misfit| misfit.is_open);
    told.open.extend(open.iter().map(ToString::to_string));
    told.wrong.extend(wrong.iter().map(ToString::to_string));
    match context.global.json {
        true => output::json(
            Kind::PackCheck,
            &json!({
                "operations": told.operations,
                "by_safety": told.by_safety,
                "reviewed": told.reviewed,
                "wrong": told.wrong,
                "open": told.open,
            }),
        )?,
        false => output::line(&told.text())?,
    }
    Ok(if told.wrong.is_empty() {
        Done::All
    } else {
        Done::InPart
    })
}

/// What a check finds.
struct Told {
    operations: usize,
    by_safety: BTreeMap<&'static str, usize>,
    reviewed: usize,
    wrong: Vec<String>,
    open: Vec<String>,
}

impl Told {
    fn of(pack: &Pack, text: &str) -> Self {
        let names = pack.spec().operations.names();
        let (mut by_safety, mut reviewed, mut wrong) = (BTreeMap::new(), 0, Vec::new());
        for name in &names {
            let Some(operation) = pack.spec().operation(name) else {
                wrong.push(format!(
                    "{name}: its line cannot be read, or the page says of it what cannot be"
                ));
                continue;
            };
            *by_safety.entry(safety(operation.safety)).or_default() += 1;
            let class = pack.provenance(name).and_then(|known| known.class);
            reviewed += usize::from(class == Some(Class::Reviewed));
            let example = pack.example(name, Extent::Minimal).unwrap_or_default();
            if let Err(error) = operation.prepare(&example) {
                wrong.push(format!(
                    "{name}: no call comes of the least that it takes: {error}"
                ));
            }
        }
        wrong.extend(sources(pack));
        let lines = text.lines().zip(1..);
        let open = lines.filter(|(line, _)| line.contains("OPEN:") || line.contains("UNVERIFIED"));
        let open = open.map(|(line, number)| {
            let from = line
                .find("OPEN:")
                .or(line.find("UNVERIFIED"))
                .unwrap_or_default();
            let said: String = line[from..].chars().take(100).collect();
            format!("line {number}: {said}")
        });
        Self {
            operations: names.len(),
            by_safety,
            reviewed,
            wrong,
            open: open.collect(),
        }
    }

    fn text(&self) -> String {
        let safeties = self
            .by_safety
            .iter()
            .map(|(name, count)| format!("{count} {name}"));
        let safeties: Vec<_> = safeties.collect();
        let mut lines = vec![format!(
            "{} operations: {}; {} reviewed",
            self.operations,
            safeties.join(", "),
            self.reviewed
        )];
        lines.extend(self.open.iter().map(|open| format!("open   {open}")));
        lines.extend(self.wrong.iter().map(|wrong| format!("wrong  {wrong}")));
        if self.wrong.is_empty() {
            lines.push("nothing is wrong".to_owned());
        }
        lines.join("\n")
    }
}

/// Sources that are none: neither an address, nor a name of `[sources]`, nor said to be ours or unverified.
fn sources(pack: &Pack) -> Vec<String> {
    let page = pack.page();
    let rows = page.answer.iter().map(|row| row.src.as_str());
    let rows = rows.chain(page.limit.iter().map(|row| row.src.as_str()));
    let rows = rows.chain(page.auth.iter().map(|way| way.src.as_str()));
    let rows = rows.chain(page.operation.iter().filter_map(|row| row.src.as_deref()));
    let rows = rows.chain(page.lookup.values().map(|lookup| lookup.src.as_str()));
    let is_none = |src: &&str| {
        let name = src.split(": ").next().unwrap_or_default();
        let is_said = ["ours", "UNVERIFIED"].contains(&name) || src.starts_with("https://");
        !is_said && !page.sources.contains_key(name)
    };
    let none: BTreeSet<&str> = rows.filter(is_none).collect();
    let told = none
        .into_iter()
        .map(|src| format!("src `{src}`: neither an address nor a name of [sources]"));
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_revision_is_raised_and_nothing_else_of_it() {
        let page = "# Acme's.\nname = \"acme\"\nrevision = 9\n[supply]\n\"header:revision\" = { fixed = \"1\" }\n";
        assert_eq!(raised(page, 9), page.replace("= 9", "= 10"));
        let without = page.replace("revision = 9\n", "");
        assert_eq!(raised(&without, 0), page.replace("= 9", "= 1"));
    }
}
