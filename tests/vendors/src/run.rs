//! One run: every check of every vendor, and what it needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_local::stack::{Processes, root};
use tokio::time::timeout;

use crate::report::{Report, Row};
use crate::vendor::{self, VENDORS, Vendor};
use crate::{Error, Toolbox, contract, document, peer, sdk};

/// A check takes seconds; this ends one that hangs.
const CHECK_MAX: Duration = Duration::from_secs(180);

/// Where a run works and what it works with.
pub struct Run {
    /// Stops what was started, when it is dropped.
    pub processes: Processes,
    /// What was installed.
    pub toolbox: Toolbox,
    /// Logs, copies of documents, the summary.
    pub folder: PathBuf,
}

impl Run {
    /// Installs what is missing, and empties the run's folder.
    ///
    /// # Errors
    /// When a tool cannot be had.
    pub async fn prepare(say: impl Fn(&str)) -> Result<Self, Error> {
        let folder = root().join("target/vendors");
        let processes = Processes::owned_by(&folder);
        // What a run that was killed has left.
        processes.stop();
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(Error::io("make the run's folder"))?;
        let toolbox = Toolbox::install(&processes, say).await?;
        Ok(Self {
            processes,
            toolbox,
            folder,
        })
    }

    /// Makes every check of the vendors that are `wanted` (of all where none is named).
    ///
    /// # Errors
    /// When a check could not be made: a tool that does not start, a call without an answer.
    pub async fn check(&self, wanted: &[String], say: impl Fn(&str)) -> Result<Report, Error> {
        let mut report = Report::default();
        for vendor in VENDORS {
            let name = vendor.name;
            if !wanted.is_empty() && !wanted.iter().any(|one| one == name) {
                continue;
            }
            say(&format!("Checking {name}"));
            let too_long = |_| Error::TooLong {
                step: format!("checking {name}"),
                limit: CHECK_MAX,
            };
            let rows = timeout(CHECK_MAX, self.check_vendor(vendor))
                .await
                .map_err(too_long)??;
            report.rows.extend(rows);
        }
        if wanted.is_empty() {
            report.rows.extend(unknown_lanes()?);
        }
        let summary = serde_json::to_string_pretty(&report)
            .map_err(|error| Error::data("the summary", error))?;
        fs::write(self.folder.join("summary.json"), summary)
            .map_err(Error::io("write the summary"))?;
        Ok(report)
    }

    async fn check_vendor(&self, vendor: &'static Vendor) -> Result<Vec<Row>, Error> {
        let name = vendor.name;
        let mut rows = Vec::new();
        if let Some(published) = &vendor.document {
            match document::find(published.file) {
                Some(path) => rows.extend(contract::check(self, vendor, published, &path).await?),
                None => rows.push(Row::left_out(
                    name,
                    contract::CHECK,
                    format!("there is no {}/{}", document::FOLDER, published.file),
                )),
            }
        }
        if let Some(published) = &vendor.peer {
            rows.extend(peer::check(self, vendor, published).await?);
        }
        if let Some(sdk) = &vendor.sdk {
            rows.extend(sdk::check(self, name, sdk).await?);
        }
        Ok(rows)
    }

    /// A file in the run's folder.
    #[must_use]
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }
}

/// Lanes of which nothing is known here that their vendor publishes: said, so that nobody takes them for checked.
fn unknown_lanes() -> Result<Vec<Row>, Error> {
    let functions = fs::read_dir(root().join("functions")).map_err(Error::io("list the lanes"))?;
    let lanes = functions.filter_map(Result::ok).map(|entry| entry.path());
    let mut names: Vec<String> = lanes
        .filter(|lane| lane.join("fixtures").is_dir())
        .filter_map(|lane| Some(lane.file_name()?.to_str()?.to_owned()))
        .filter(|name| vendor::named(name).is_err())
        .collect();
    names.sort();
    let why = "no document, no SDK and no fake of the vendor's own is set up here";
    let row = |name: &String| Row::left_out(name, "everything", why);
    Ok(names.iter().map(row).collect())
}
