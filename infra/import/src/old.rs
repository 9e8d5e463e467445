//! The lines of the last import.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::ImportError;
use crate::share::{reference, replaced};
use causeway::pack::{HAND, OperationLine, SchemaLine};

/// The lines of the last import, read.
#[derive(Debug, Default)]
pub(crate) struct Old {
    /// Those that an import made.
    pub operations: Vec<OperationLine>,
    /// Those that a person wrote.
    pub hand: Vec<OperationLine>,
    pub schemas: BTreeMap<String, Value>,
}

impl Old {
    pub fn read(text: &str) -> Result<Self, ImportError> {
        let mut old = Self::default();
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let refused = |error: serde_json::Error| ImportError::Old {
                line: at + 1,
                reason: error.to_string(),
            };
            if line.starts_with("{\"schema\":") {
                let line: SchemaLine = serde_json::from_str(line).map_err(refused)?;
                old.schemas.insert(line.schema, line.is);
            } else {
                let line: OperationLine = serde_json::from_str(line).map_err(refused)?;
                if line.doc == HAND {
                    old.hand.push(line);
                } else {
                    old.operations.push(line);
                }
            }
        }
        Ok(old)
    }

    /// All operations.
    pub fn all(&self) -> impl Iterator<Item = &OperationLine> {
        self.operations.iter().chain(&self.hand)
    }

    /// The schemas that lines by hand refer to, which stay with them.
    pub fn schemas_of_hand(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut open: Vec<&Value> = self.hand.iter().map(|line| &line.schema).collect();
        while let Some(value) = open.pop() {
            replaced(value, &mut |name| {
                if let Some((name, is)) = self.schemas.get_key_value(name)
                    && names.insert(name.clone())
                {
                    open.push(is);
                }
                None
            });
            debug_assert!(reference(value).is_none() || !names.is_empty());
        }
        names
    }
}
