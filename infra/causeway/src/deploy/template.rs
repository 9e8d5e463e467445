//! What `template.yaml` declares, as far as a deployment can be refused for it: parameters, and how many resources and
//! outputs some lanes come to.

use std::collections::BTreeMap;

use serde_yaml_ng::{Mapping, Value};

use crate::error::Error;

/// How a loop's key begins.
const LOOP: &str = "Fn::ForEach::";

/// What SAM makes of a function with an alias, beside the function: a version and the alias.
const OF_AN_ALIAS: usize = 2;

/// What SAM makes once for all gradual releases: an application of CodeDeploy and its role.
const OF_GRADUAL_RELEASES: usize = 2;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Every parameter with its default.
    pub parameters: BTreeMap<String, Option<String>>,
    /// Resources of all lanes together.
    fixed: usize,
    /// Resources of a lane.
    of_a_lane: usize,
    /// Resources of a lane that has ended.
    of_a_kept_lane: usize,
    /// Outputs of all lanes together.
    fixed_outputs: usize,
    /// Outputs of a lane.
    lanes_outputs: usize,
    /// Batches at once, by lane, where it is not the default.
    concurrency: BTreeMap<String, u32>,
    /// Batches at once of all other lanes.
    default_concurrency: u32,
    /// Providers by lane, where they are not called like it.
    providers: BTreeMap<String, String>,
}

impl Declared {
    /// Reads a template's text.
    ///
    /// # Errors
    /// When it is no template of Causeway.
    pub fn read(text: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::usage(format!("the template: {what}"));
        let document: Value =
            serde_yaml_ng::from_str(text).map_err(|error| wrong(&error.to_string()))?;
        let section = |name: &str| {
            let found = document.get(name).and_then(Value::as_mapping);
            found.ok_or_else(|| wrong(&format!("no {name}")))
        };
        let parameters = section("Parameters")?.iter().filter_map(|(name, value)| {
            let default = value.get("Default").map(scalar);
            Some((name.as_str()?.to_owned(), default))
        });
        let resources = section("Resources")?;
        let outputs = section("Outputs")?;
        let row = |setting: &str| {
            let lane = document.get("Mappings")?.get("Lane")?;
            lane.get(setting)?.as_mapping().cloned()
        };
        let texts = |row: Option<Mapping>| -> BTreeMap<String, String> {
            let cells = row.into_iter().flatten();
            cells
                .filter_map(|(lane, value)| Some((lane.as_str()?.to_owned(), scalar(&value))))
                .collect()
        };
        let concurrency = texts(row("MaximumConcurrency")).into_iter();
        let default = default_of(&document, "MaximumConcurrency");
        Ok(Self {
            parameters: parameters.collect(),
            fixed: resources.iter().filter(|(key, _)| !is_loop(key)).count(),
            of_a_lane: looped(resources, "Lanes"),
            of_a_kept_lane: looped(resources, "KeptLanes"),
            fixed_outputs: outputs.iter().filter(|(key, _)| !is_loop(key)).count(),
            lanes_outputs: looped(outputs, "Lanes"),
            concurrency: concurrency
                .filter_map(|(lane, number)| Some((lane, number.parse().ok()?)))
                .collect(),
            default_concurrency: default
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| wrong("no default of MaximumConcurrency"))?,
            providers: texts(row("Provider")),
        })
    }

    /// Resources of a stack with so many lanes.
    #[must_use]
    pub const fn resources(&self, lanes: usize, kept: usize, gradual: bool) -> usize {
        let groups = if gradual {
            lanes + OF_GRADUAL_RELEASES
        } else {
            0
        };
        self.fixed + lanes * self.of_a_lane + kept * self.of_a_kept_lane + groups
    }

    /// Outputs of a stack with so many lanes.
    #[must_use]
    pub const fn outputs(&self, lanes: usize) -> usize {
        self.fixed_outputs + lanes * self.lanes_outputs
    }

    /// Batches that a lane works on at once, at most.
    #[must_use]
    pub fn concurrency(&self, lane: &str) -> u32 {
        let own = self.concurrency.get(lane).copied();
        own.unwrap_or(self.default_concurrency)
    }

    /// The provider that a lane carries.
    #[must_use]
    pub fn provider<'a>(&'a self, lane: &'a str) -> &'a str {
        self.providers.get(lane).map_or(lane, String::as_str)
    }
}

fn is_loop(key: &Value) -> bool {
    key.as_str().is_some_and(|key| key.starts_with(LOOP))
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}

/// What one turn of the section's loops over `list` makes.
fn looped(section: &Mapping, list: &str) -> usize {
    let loops = section.iter().filter(|(key, _)| is_loop(key));
    let over = loops.filter(|(_, value)| match value.get(1) {
        Some(Value::Tagged(tagged)) => tagged.tag == "Ref" && tagged.value.as_str() == Some(list),
        _ => false,
    });
    let bodies = over.filter_map(|(_, value)| value.get(2)?.as_mapping());
    let made = |one: &Value| {
        let aliased = one
            .get("Properties")
            .and_then(|all| all.get("AutoPublishAlias"));
        1 + aliased.map_or(0, |_| OF_AN_ALIAS)
    };
    bodies.flat_map(Mapping::values).map(made).sum()
}

/// The `DefaultValue` with which the template looks `setting` up.
fn default_of(value: &Value, setting: &str) -> Option<String> {
    match value {
        Value::Tagged(tagged) if tagged.tag == "FindInMap" => {
            let call = tagged.value.as_sequence()?;
            let is_meant = call.get(1).and_then(Value::as_str) == Some(setting);
            let default = call.get(3)?.get("DefaultValue")?;
            is_meant.then(|| scalar(default))
        }
        Value::Tagged(tagged) => default_of(&tagged.value, setting),
        Value::Sequence(items) => items.iter().find_map(|item| default_of(item, setting)),
        Value::Mapping(entries) => entries.values().find_map(|item| default_of(item, setting)),
        _ => None,
    }
}
