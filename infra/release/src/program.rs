//! What a program is built for, and whether Lambda can start it.

use std::fmt;
use std::path::Path;

use object::elf::{FileHeader64, SHT_SYMTAB};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader, SectionHeader};
use object::{Architecture, Endianness, Object, ObjectSection};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The C library of `provided.al2023`: Amazon Linux 2023 has 2.34 as long as it lives.
/// <https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>
pub const RUNTIME_GLIBC: Glibc = Glibc(2, 34);

/// What a program may want loaded: the C library in the parts that it had before 2.34, which brings them along still.
/// `libgcc_s` is in Amazon Linux's minimal image, but no promise of Lambda's.
const LIBRARIES: [&str; 6] = [
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
];

/// A processor, as the template's parameter `Architecture` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Processor {
    /// Graviton.
    #[serde(rename = "arm64")]
    #[value(name = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    #[value(name = "x86_64")]
    X86,
}

impl Processor {
    /// Its name in file names and in the template.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }

    /// The platform, as the compiler calls it.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86 => "x86_64-unknown-linux-gnu",
        }
    }

    /// What loads a program's libraries, by the platform's own rules.
    const fn loader(self) -> &'static str {
        match self {
            Self::Arm64 => "/lib/ld-linux-aarch64.so.1",
            Self::X86 => "/lib64/ld-linux-x86-64.so.2",
        }
    }
}

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u32, pub u32);

impl Glibc {
    /// Of the name of a symbol's version: `GLIBC_2.28`, `GLIBC_2.2.5`. None where it names no number (`GLIBC_PRIVATE`).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
        let mut number = || numbers.next()?.parse().ok();
        Some(Self(number()?, number()?))
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Serialize for Glibc {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a program's file says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Program {
    /// For whom it is; none where it is for neither.
    pub processor: Option<Processor>,
    /// What loads it; none where it is linked statically.
    pub loader: Option<String>,
    /// What it wants loaded, in order.
    pub libraries: Vec<String>,
    /// The newest version of glibc's that it wants a symbol of.
    pub glibc: Option<Glibc>,
    /// Neither a table of symbols nor a debugger's data.
    pub stripped: bool,
    /// Its size.
    pub bytes: u64,
}

/// Why something cannot be shipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Built for another processor.
    #[error("it is for {}, not for {}", of.map_or("another processor", Processor::name), wanted.name())]
    Processor {
        /// Its own; none where it is neither.
        of: Option<Processor>,
        /// The release's.
        wanted: Processor,
    },
    /// Linked statically, or loaded by something that is not there.
    #[error("it is loaded by {}, not by {wanted}", of.as_deref().unwrap_or("nothing"))]
    Loader {
        /// Its own.
        of: Option<String>,
        /// The platform's.
        wanted: &'static str,
    },
    /// A library that Lambda's runtime does not promise.
    #[error("it wants {0}, which Lambda's runtime does not promise")]
    Library(String),
    /// A newer C library.
    #[error("it wants glibc {of}, and Lambda's runtime has {}", RUNTIME_GLIBC)]
    Glibc {
        /// The newest that it wants.
        of: Glibc,
    },
    /// Symbols or a debugger's data are in it.
    #[error("it is not stripped")]
    NotStripped,
    /// A zip above its bound.
    #[error("the zip has {bytes} bytes, at most {most}")]
    TooLarge {
        /// What it has.
        bytes: u64,
        /// What it may have.
        most: u64,
    },
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processor = self.processor.map_or("another processor", Processor::name);
        write!(f, "{processor}, {} bytes", self.bytes)?;
        if let Some(glibc) = self.glibc {
            write!(f, ", glibc {glibc}")?;
        }
        write!(f, ", wants {}", self.libraries.join(" "))?;
        f.write_str(if self.stripped {
            ", stripped"
        } else {
            ", not stripped"
        })
    }
}

impl Program {
    /// Reads it; `path` is for errors alone.
    ///
    /// # Errors
    /// When it is no 64-bit ELF file, or a broken one.
    pub fn inspect(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        read(bytes).map_err(|source| Error::NoProgram {
            path: path.to_owned(),
            source,
        })
    }

    /// What keeps Lambda from starting it on `wanted`, or us from shipping it.
    #[must_use]
    pub fn faults(&self, wanted: Processor) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.processor != Some(wanted) {
            let of = self.processor;
            faults.push(Fault::Processor { of, wanted });
        }
        if self.loader.as_deref() != Some(wanted.loader()) {
            let (of, wanted) = (self.loader.clone(), wanted.loader());
            faults.push(Fault::Loader { of, wanted });
        }
        let own_loader = wanted.loader().rsplit('/').next();
        let is_there = |name: &str| LIBRARIES.contains(&name) || Some(name) == own_loader;
        let missing = self.libraries.iter().filter(|name| !is_there(name));
        faults.extend(missing.cloned().map(Fault::Library));
        if let Some(of) = self.glibc.filter(|of| *of > RUNTIME_GLIBC) {
            faults.push(Fault::Glibc { of });
        }
        if !self.stripped {
            faults.push(Fault::NotStripped);
        }
        faults
    }
}

fn read(bytes: &[u8]) -> object::read::Result<Program> {
    let file = ElfFile64::<Endianness>::parse(bytes)?;
    let header: &FileHeader64<Endianness> = file.elf_header();
    let endian = file.endian();
    let sections = header.sections(endian, bytes)?;

    let mut loader = None;
    for segment in header.program_headers(endian, bytes)? {
        if let Some(path) = segment.interpreter(endian, bytes)? {
            loader = Some(String::from_utf8_lossy(path).into_owned());
        }
    }
    let mut libraries = Vec::new();
    let dynamic = sections.dynamic_table(endian, bytes)?;
    for entry in &dynamic {
        if entry.tag == object::elf::DT_NEEDED {
            let name = dynamic.string(entry)?;
            libraries.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    let mut glibc = None;
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((_, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                let name = version.name(endian, strings)?;
                glibc = glibc.max(Glibc::parse(&String::from_utf8_lossy(name)));
            }
        }
    }
    let has_symbols = sections
        .iter()
        .any(|section| section.sh_type(endian) == SHT_SYMTAB);
    let has_lines = file
        .sections()
        .any(|section| section.name().is_ok_and(|name| name.starts_with(".debug")));
    Ok(Program {
        processor: match file.architecture() {
            Architecture::Aarch64 => Some(Processor::Arm64),
            Architecture::X86_64 => Some(Processor::X86),
            _ => None,
        },
        loader,
        libraries,
        glibc,
        stripped: !has_symbols && !has_lines,
        bytes: bytes.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Program {
        Program {
            processor: Some(Processor::Arm64),
            loader: Some("/lib/ld-linux-aarch64.so.1".to_owned()),
            libraries: ["libc.so.6", "ld-linux-aarch64.so.1"]
                .map(str::to_owned)
                .into(),
            glibc: Some(Glibc(2, 34)),
            stripped: true,
            bytes: 9_000_000,
        }
    }

    #[test]
    fn what_lambda_can_start_has_no_fault() {
        assert_eq!(shipped().faults(Processor::Arm64), []);
    }

    #[test]
    fn a_program_for_another_processor_is_refused() {
        let faults = shipped().faults(Processor::X86);
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told[0], "it is for arm64, not for x86_64");
        assert!(
            told[1].starts_with("it is loaded by /lib/ld-linux-aarch64.so.1"),
            "{told:?}"
        );
    }

    /// As happened to others whose build machine was newer than the runtime:
    /// <https://github.com/aws/aws-lambda-rust-runtime/issues/932>
    #[test]
    fn a_c_library_that_is_newer_than_the_runtimes_is_refused() {
        let newer = Program {
            glibc: Some(Glibc(2, 38)),
            ..shipped()
        };
        let of = Glibc(2, 38);
        assert_eq!(newer.faults(Processor::Arm64), [Fault::Glibc { of }]);
        assert!(Glibc(2, 4) < RUNTIME_GLIBC && Glibc(3, 0) > RUNTIME_GLIBC);
        assert_eq!(Glibc::parse("GLIBC_2.2.5"), Some(Glibc(2, 2)));
        assert_eq!(Glibc::parse("GLIBC_PRIVATE"), None);
    }

    #[test]
    fn what_is_not_there_and_what_should_not_be_there_are_refused() {
        let odd = Program {
            loader: None,
            libraries: vec!["libgcc_s.so.1".to_owned()],
            stripped: false,
            ..shipped()
        };
        let wanted = "/lib/ld-linux-aarch64.so.1";
        let faults = [
            Fault::Loader { of: None, wanted },
            Fault::Library("libgcc_s.so.1".to_owned()),
            Fault::NotStripped,
        ];
        assert_eq!(odd.faults(Processor::Arm64), faults);
    }

    /// The program of this test itself.
    #[test]
    fn a_program_is_read_as_the_linker_wrote_it() {
        let path = std::env::current_exe().expect("a path");
        let bytes = std::fs::read(&path).expect("a program");
        let program = Program::inspect(&bytes, &path).expect("it runs");
        let own = program.processor.expect("one of the two");
        assert!(own.target().starts_with(std::env::consts::ARCH), "{own:?}");
        assert_eq!(program.loader.as_deref(), Some(own.loader()));
        assert!(
            program.libraries.iter().any(|name| name == "libc.so.6"),
            "{program}"
        );
        // Every program of Rust's asks for a symbol of at least 2.17.
        assert!(program.glibc >= Some(Glibc(2, 17)), "{program}");
        assert!(!program.stripped);
        assert_eq!(program.bytes, bytes.len() as u64);
        let refused = Program::inspect(&bytes[..100], &path).expect_err("it is cut");
        assert!(
            refused.to_string().contains("no program for Linux"),
            "{refused}"
        );
    }
}
