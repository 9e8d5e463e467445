//! Zips of which the same contents give the same bytes: in the order of names, without times, owners or extra fields.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::Error;

/// Deepest folder that is packed: a lane's mappings lie two below its root.
const DEPTH_MAX: usize = 8;

/// How hard it is compressed, of 9: it is done once and downloaded often.
const LEVEL: i64 = 9;

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is in it.
    pub contents: Vec<u8>,
    /// Whether it is started.
    pub is_program: bool,
}

impl Entry {
    /// A file that is read.
    #[must_use]
    pub fn text(contents: impl Into<Vec<u8>>) -> Self {
        Self {
            contents: contents.into(),
            is_program: false,
        }
    }

    /// A file that is started.
    #[must_use]
    pub fn program(contents: impl Into<Vec<u8>>) -> Self {
        Self {
            contents: contents.into(),
            is_program: true,
        }
    }
}

/// Files by their places in the archive, with `/` between.
pub type Entries = BTreeMap<String, Entry>;

/// What lies in a folder. A file called `bootstrap` is a program, whatever the file's own permissions are: they depend on
/// who laid it.
///
/// # Errors
/// When something cannot be read, has a name that is no Unicode, or lies too deep.
pub fn folder(path: &Path) -> Result<Entries, Error> {
    let mut entries = Entries::new();
    walk(path, "", 0, &mut entries)?;
    Ok(entries)
}

fn walk(path: &Path, place: &str, depth: usize, entries: &mut Entries) -> Result<(), Error> {
    let unexpected = |why: &str| Error::Unexpected {
        what: path.display().to_string(),
        why: why.to_owned(),
    };
    if depth > DEPTH_MAX {
        return Err(unexpected("too many folders in each other"));
    }
    for entry in fs::read_dir(path).map_err(Error::of(path))? {
        let entry = entry.map_err(Error::of(path))?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| unexpected("a name that is no text"))?;
        let inner = format!("{place}{name}");
        let kind = entry.file_type().map_err(Error::of(path))?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{inner}/"), depth + 1, entries)?;
        } else {
            let contents = fs::read(entry.path()).map_err(Error::of(&entry.path()))?;
            let is_program = inner == "bootstrap";
            let file = Entry {
                contents,
                is_program,
            };
            entries.insert(inner, file);
        }
    }
    Ok(())
}

/// The zip of these files.
///
/// # Errors
/// When one is larger than a zip of the plain form can hold (4 GiB).
pub fn zip(entries: &Entries) -> Result<Vec<u8>, Error> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (place, entry) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            // The first moment that a zip can name: 1980.
            .last_modified_time(DateTime::default())
            .unix_permissions(if entry.is_program { 0o755 } else { 0o644 });
        writer.start_file(place.as_str(), options)?;
        writer
            .write_all(&entry.contents)
            .map_err(Error::of(Path::new(place)))?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane() -> Entries {
        Entries::from([
            (
                "pack/provider.toml".to_owned(),
                Entry::text("name = \"acme\""),
            ),
            ("bootstrap".to_owned(), Entry::program(vec![0x7f; 4096])),
        ])
    }

    #[test]
    fn the_same_files_are_the_same_zip_whenever_and_by_whomever_they_were_laid() {
        use std::os::unix::fs::PermissionsExt;

        let place = std::env::temp_dir().join(format!("causeway-release-{}", std::process::id()));
        let laid = |name: &str, mode: u32| {
            let folder = place.join(name);
            fs::create_dir_all(folder.join("pack")).expect("a folder");
            for (inner, entry) in lane() {
                let path = folder.join(inner);
                fs::write(&path, entry.contents).expect("a file");
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
                let long_ago = fs::File::options().write(true).open(&path).expect("a file");
                if name == "earlier" {
                    long_ago
                        .set_modified(std::time::UNIX_EPOCH)
                        .expect("a time");
                }
            }
            super::folder(&folder).expect("a lane")
        };
        let (earlier, later) = (laid("earlier", 0o700), laid("later", 0o664));
        let _ = fs::remove_dir_all(&place);
        assert_eq!(earlier, lane());
        assert_eq!(zip(&earlier).expect("a zip"), zip(&later).expect("a zip"),);
    }

    #[test]
    fn a_zip_gives_back_what_went_in_and_lambda_may_start_the_program() {
        let bytes = zip(&lane()).expect("a zip");
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("it is one");
        let mut places = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).expect("a file");
            let mut contents = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut contents).expect("it is whole");
            let entry = &lane()[file.name()];
            assert_eq!(contents, entry.contents);
            let mode = file.unix_mode().map(|mode| mode & 0o777);
            assert_eq!(mode, Some(if entry.is_program { 0o755 } else { 0o644 }));
            places.push(file.name().to_owned());
        }
        assert_eq!(places, ["bootstrap", "pack/provider.toml"]);
    }
}
