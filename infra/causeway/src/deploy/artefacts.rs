//! What `sam build` left: for which processor each function's program is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::error::Error;

/// Bytes of an ELF file's head up to and with `e_machine`.
/// <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
const HEAD: usize = 20;

/// A processor, as the template's parameter `Architecture` names it; none where the program is for another, or none.
#[must_use]
pub fn processor(head: &[u8]) -> Option<&'static str> {
    let is_elf = head.starts_with(b"\x7fELF");
    let machine = u16::from_le_bytes([*head.get(18)?, *head.get(19)?]);
    // EM_X86_64 and EM_AARCH64.
    match machine {
        62 if is_elf => Some("x86_64"),
        183 if is_elf => Some("arm64"),
        _ => None,
    }
}

/// The built functions' processors by the functions' names in the template.
///
/// # Errors
/// When the folder cannot be read.
pub fn built(folder: &Path) -> Result<BTreeMap<String, Option<&'static str>>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| {
        Error::io(format!("read {}", folder.display()))(error)
            .hint("sam build, or make build ENV=…")
    })?;
    let mut found = BTreeMap::new();
    for entry in entries.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if let Ok(mut program) = File::open(entry.path().join("bootstrap")) {
            let mut head = [0; HEAD];
            let read = program.read_exact(&mut head);
            found.insert(name, read.ok().and_then(|()| processor(&head)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_for_which_processor_it_is() {
        let head = |machine: u16| {
            let mut head = b"\x7fELF\x02\x01\x01".to_vec();
            head.resize(18, 0);
            head.extend(machine.to_le_bytes());
            head
        };
        assert_eq!(processor(&head(62)), Some("x86_64"));
        assert_eq!(processor(&head(183)), Some("arm64"));
        assert_eq!(processor(&head(243)), None, "RISC-V");
        assert_eq!(processor(b"#!/bin/sh\nexec true\n"), None);
        assert_eq!(processor(b"\x7fELF"), None);
    }
}
