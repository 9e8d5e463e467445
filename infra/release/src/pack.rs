//! The release's files: a zip for each function, the command's, bills of materials, the manifest, checksums.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::archive::{Entries, Entry, folder, zip};
use crate::error::Error;
use crate::manifest::{self, FORMAT, Function, Manifest};
use crate::notices::{Notices, Page};
use crate::papers::{Papers, Subject};
use crate::program::{Fault, Processor, Program, RUNTIME_GLIBC};

/// The most that a lane's zip may have, in bytes: 5 MB. Lambda loads it anew for every environment that starts.
pub const LANE_ZIP_MAX: u64 = 5_000_000;

/// The program of every function.
const PROGRAM: &str = "bootstrap";
/// What makes a function a lane: its pack's page, as `infra/build/lay-lane` lays it.
const PAGE: &str = "pack/provider.toml";
/// The checksums, as `sha256sum --check` reads them.
const CHECKSUMS: &str = "SHA256SUMS";

/// What is packed.
#[derive(Clone, Debug)]
pub struct Built {
    /// The repository.
    pub root: PathBuf,
    /// Where `sam build` has laid the functions, a folder each.
    pub functions: PathBuf,
    /// For which processor they are.
    pub processor: Processor,
    /// The command's programs by platform.
    pub commands: BTreeMap<String, PathBuf>,
    /// What it is called.
    pub release: String,
    /// The workspace's version.
    pub version: String,
    /// What compiled it.
    pub compiler: String,
    /// The terms of Rust's own library, which is in every program.
    pub library: PathBuf,
}

impl Built {
    /// Every program, for its papers.
    ///
    /// # Errors
    /// When no function was built.
    pub fn subjects(&self) -> Result<BTreeSet<Subject>, Error> {
        let mut subjects = BTreeSet::new();
        for (name, path) in laid(&self.functions)? {
            subjects.insert(self.subject(&name, path.join(PAGE).is_file()));
        }
        let commands = self.commands.keys();
        subjects.extend(commands.map(|target| command(target)));
        Ok(subjects)
    }

    /// A function's: all lanes are one program, every other function is called like its package.
    fn subject(&self, function: &str, is_lane: bool) -> Subject {
        let name = function.strip_suffix("Function").unwrap_or(function);
        let name = if is_lane { "lane" } else { name };
        Subject {
            package: format!("causeway-{}", name.to_ascii_lowercase()),
            target: self.processor.target().to_owned(),
        }
    }
}

fn command(target: &str) -> Subject {
    Subject {
        package: "causeway-command".to_owned(),
        target: target.to_owned(),
    }
}

/// Packs it all into `out`, which is made anew.
///
/// # Errors
/// When a program or a zip is unfit, all of them named, or a file cannot be read or written.
pub fn pack(
    built: &Built,
    papers: &BTreeMap<Subject, Papers>,
    out: &Path,
) -> Result<Manifest, Error> {
    let notices = Notices::read(&built.root, &built.library)?;
    let mut release = Release {
        out: out.to_owned(),
        files: BTreeMap::new(),
    };
    let _ = fs::remove_dir_all(out);
    fs::create_dir_all(out).map_err(Error::of(out))?;
    let functions = functions(built, papers, &notices, &mut release)?;
    let mut commands = Vec::new();
    for (target, path) in &built.commands {
        let contents = fs::read(path).map_err(Error::of(path))?;
        let bytes = contents.len() as u64;
        let program = Program::inspect(&contents, path).ok();
        let glibc = program.and_then(|program| program.glibc);
        let mut entries = Entries::from([("causeway".to_owned(), Entry::program(contents))]);
        notices.add(&mut entries, None, terms(papers, &command(target))?);
        let file = format!("causeway-{target}.zip");
        release.write(&file, &zip(&entries)?)?;
        let target = target.clone();
        commands.push(manifest::Command {
            file,
            target,
            bytes,
            glibc,
        });
    }
    for (subject, papers) in papers {
        release.write(&subject.bill(), &papers.bill)?;
    }
    let manifest = Manifest {
        format: FORMAT,
        release: built.release.clone(),
        version: built.version.clone(),
        processor: built.processor,
        runtime_glibc: RUNTIME_GLIBC,
        compiler: built.compiler.clone(),
        functions,
        packs: notices.packs,
        commands,
        files: release.files.clone(),
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| Error::Unexpected {
        what: "the manifest".to_owned(),
        why: error.to_string(),
    })?;
    release.write("manifest.json", (text + "\n").as_bytes())?;
    release.checksums()?;
    Ok(manifest)
}

/// Inspects and zips each function; one that is unfit is written all the same, to be looked at.
fn functions(
    built: &Built,
    papers: &BTreeMap<Subject, Papers>,
    notices: &Notices,
    release: &mut Release,
) -> Result<BTreeMap<String, Function>, Error> {
    let (mut functions, mut unfit) = (BTreeMap::new(), Vec::new());
    for (name, path) in laid(&built.functions)? {
        let mut entries = folder(&path)?;
        let program = Program::inspect(&entries[PROGRAM].contents, &path.join(PROGRAM))?;
        let mut faults = program.faults(built.processor);
        let page = entries.get(PAGE);
        let page = page.map(|page| Page::parse(&page.contents, &path));
        let pack = page.transpose()?.map(|page| page.name);
        let subject = built.subject(&name, pack.is_some());
        notices.add(&mut entries, pack.as_deref(), terms(papers, &subject)?);
        let bytes = zip(&entries)?;
        if pack.is_some() && bytes.len() as u64 > LANE_ZIP_MAX {
            let (bytes, most) = (bytes.len() as u64, LANE_ZIP_MAX);
            faults.push(Fault::TooLarge { bytes, most });
        }
        unfit.extend(faults.into_iter().map(|fault| (name.clone(), fault)));
        let file = format!("{name}-{}.zip", built.processor.name());
        release.write(&file, &bytes)?;
        let function = Function {
            file,
            program,
            pack,
        };
        functions.insert(name, function);
    }
    if !unfit.is_empty() {
        return Err(Error::Unfit { faults: unfit });
    }
    Ok(functions)
}

fn terms<'a>(papers: &'a BTreeMap<Subject, Papers>, subject: &Subject) -> Result<&'a str, Error> {
    let found = papers.get(subject).ok_or_else(|| Error::Unexpected {
        what: subject.package.clone(),
        why: "no papers of it".to_owned(),
    })?;
    Ok(&found.third_party)
}

/// The folders with a program, by function.
fn laid(place: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let nothing = || Error::NothingBuilt {
        path: place.to_owned(),
    };
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(place).map_err(|_| nothing())? {
        let path = entry.map_err(Error::of(place))?.path();
        if path.join(PROGRAM).is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            found.insert(name.into_owned(), path);
        }
    }
    if found.is_empty() {
        return Err(nothing());
    }
    Ok(found)
}

/// What is written, with what is noted of it.
struct Release {
    out: PathBuf,
    files: BTreeMap<String, manifest::File>,
}

impl Release {
    fn write(&mut self, name: &str, contents: &[u8]) -> Result<(), Error> {
        let path = self.out.join(name);
        fs::write(&path, contents).map_err(Error::of(&path))?;
        let file = manifest::File {
            bytes: contents.len() as u64,
            sha256: sha256(&[contents]),
        };
        self.files.insert(name.to_owned(), file);
        Ok(())
    }

    fn checksums(&self) -> Result<(), Error> {
        let mut text = String::new();
        for (name, file) in &self.files {
            let _ = writeln!(text, "{}  {name}", file.sha256);
        }
        let path = self.out.join(CHECKSUMS);
        fs::write(&path, text).map_err(Error::of(&path))
    }
}

/// Of these parts, one after the other, in hexadecimal.
pub(crate) fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let digest = hash.finalize();
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
