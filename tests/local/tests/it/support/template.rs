//! `template.yaml` as CloudFormation sees it with every parameter at its default: short tags spelled out, loops
//! unrolled, conditions decided.

use std::collections::BTreeMap;
use std::fs;

use causeway_local::stack::root;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The template, its loops over the lanes unrolled.
pub struct Template {
    /// Every line as written, for what only a reader sees: comments.
    pub text: String,
    pub parameters: Value,
    /// The settings of the lanes that are deployed by default, by the lane's name.
    pub lanes: BTreeMap<String, Value>,
    /// The same of all lanes that can be.
    pub shipped: BTreeMap<String, Value>,
    pub resources: BTreeMap<String, Value>,
    pub outputs: BTreeMap<String, Value>,
}

impl Template {
    pub fn read() -> Self {
        let text = fs::read_to_string(root().join("template.yaml")).expect("it is in the root");
        let yaml: Yaml = serde_yaml_ng::from_str(&text).expect("it is YAML");
        let document = spell_out(yaml);
        let rows = &document["Mappings"]["Lane"];
        let mut found = BTreeMap::new();
        look_up(&document["Resources"], &mut found);
        let settings = |lane: &String| (lane.clone(), settings(lane, rows, &found));
        let listed = document["Parameters"]["Lanes"]["Default"]
            .as_str()
            .expect("the list of lanes has a default");
        let listed: Vec<String> = listed.split(',').map(str::to_owned).collect();
        let lanes: BTreeMap<String, Value> = listed.iter().map(settings).collect();
        let unroll = |section: &str| {
            let unrolled = unroll(object(&document[section]), &listed, &lanes);
            let decided = unrolled
                .into_iter()
                .map(|(key, value)| (key, decide(spread(value, &listed, &lanes), &document)));
            decided.collect()
        };
        Self {
            text: text.clone(),
            parameters: document["Parameters"].clone(),
            resources: unroll("Resources"),
            outputs: unroll("Outputs"),
            shipped: object(&rows["Provider"]).keys().map(settings).collect(),
            lanes,
        }
    }

    /// The resources of one type, by logical id.
    pub fn of_type(&self, kind: &str) -> Vec<(&str, &Value)> {
        self.resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
            .collect()
    }

    /// Properties of one resource.
    pub fn properties(&self, id: &str) -> &Value {
        let resource = self.resources.get(id);
        &resource.unwrap_or_else(|| panic!("the template has no {id}"))["Properties"]
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("a section is a map")
}

/// `!Sub x` is short for `{"Fn::Sub": x}`.
fn spell_out(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                other => format!("Fn::{other}"),
            };
            json!({ name: spell_out(tagged.value) })
        }
        Yaml::Sequence(items) => items.into_iter().map(spell_out).collect(),
        Yaml::Mapping(entries) => entries
            .into_iter()
            .map(|(key, value)| {
                let key = key.as_str().expect("keys are strings").to_owned();
                (key, spell_out(value))
            })
            .collect(),
        plain => serde_json::to_value(plain).expect("a scalar"),
    }
}

/// The defaults of all settings that the lanes' things have, each by its name.
fn look_up(value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(entries) => {
            if let Some(call) = entries
                .get("Fn::FindInMap")
                .filter(|call| call[0] == "Lane")
            {
                let [_, setting, _, default] = call.as_array().expect("a list").as_slice() else {
                    panic!("{call} has no default");
                };
                let setting = setting.as_str().expect("settings have plain names");
                // In a loop inside a resource the SAM CLI wants it in this way.
                let default = match &default["DefaultValue"] {
                    name if *name == json!({"Fn::Sub": "${Lane}"}) => json!({"Ref": "Lane"}),
                    plain => plain.clone(),
                };
                let earlier = found.insert(setting.to_owned(), default.clone());
                let same = earlier.is_none_or(|earlier| earlier == default);
                assert!(same, "{setting} has two defaults");
            }
            entries.values().for_each(|value| look_up(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| look_up(item, found)),
        _ => {}
    }
}

/// A lane's own settings, and the defaults of all others.
fn settings(lane: &str, rows: &Value, defaults: &BTreeMap<String, Value>) -> Value {
    let setting = |(name, default): (&String, &Value)| {
        let own = rows[name].get(lane).unwrap_or(default);
        let value = if *own == json!({"Ref": "Lane"}) {
            lane.into()
        } else {
            own.clone()
        };
        (name.clone(), value)
    };
    defaults.iter().map(setting).collect()
}

fn unroll(
    section: &Map<String, Value>,
    listed: &[String],
    lanes: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let mut unrolled = BTreeMap::new();
    for (key, value) in section {
        if !key.starts_with("Fn::ForEach::") {
            unrolled.insert(key.clone(), value.clone());
            continue;
        }
        assert_eq!(value[0], "Lane", "{key} loops over the lanes");
        // By default no lane has ended.
        if value[1] == json!({"Ref": "KeptLanes"}) {
            continue;
        }
        assert_eq!(
            value[1],
            json!({"Ref": "Lanes"}),
            "{key} loops over all of them"
        );
        for lane in listed {
            for (key, value) in object(&value[2]) {
                let earlier = unrolled.insert(in_lane(key, lane), fill(value, lane, lanes));
                assert_eq!(earlier, None, "{key} occurs twice");
            }
        }
    }
    unrolled
}

/// Loops inside a resource unrolled.
fn spread(value: Value, listed: &[String], lanes: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::Object(entries) if entries.keys().any(|key| key.starts_with("Fn::ForEach::")) => {
            unroll(&entries, listed, lanes).into_iter().collect()
        }
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (key, spread(value, listed, lanes)))
            .collect(),
        Value::Array(items) => items
            .into_iter()
            .map(|item| spread(item, listed, lanes))
            .collect(),
        plain => plain,
    }
}

fn in_lane(text: &str, lane: &str) -> String {
    text.replace("${Lane}", lane)
}

/// One turn of the loop: the lane's name and its settings put in.
fn fill(value: &Value, lane: &str, lanes: &BTreeMap<String, Value>) -> Value {
    // `[Lane, <setting>, <this turn's lane>, <default>]`
    let of_a_lane = value["Fn::FindInMap"].as_array();
    if let Some(setting) = of_a_lane.filter(|call| call[0] == "Lane") {
        let key = setting[1].as_str().expect("settings have plain names");
        return lanes[lane][key].clone();
    }
    match value {
        Value::String(text) => in_lane(text, lane).into(),
        Value::Array(items) => items.iter().map(|item| fill(item, lane, lanes)).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), fill(value, lane, lanes)))
            .collect(),
        plain => plain.clone(),
    }
}

/// Takes the branch of every `Fn::If` that holds with all parameters at their defaults.
fn decide(value: Value, document: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            if let Some(choice) = entries.get("Fn::If") {
                let condition = choice[0].as_str().expect("a condition's name");
                let branch = if holds(&document["Conditions"][condition], document) {
                    1
                } else {
                    2
                };
                return decide(choice[branch].clone(), document);
            }
            let decided = entries
                .into_iter()
                .map(|(key, value)| (key, decide(value, document)));
            Value::Object(decided.collect())
        }
        Value::Array(items) => items
            .into_iter()
            .map(|item| decide(item, document))
            .collect(),
        plain => plain,
    }
}

/// Whether a condition holds by default.
fn holds(condition: &Value, document: &Value) -> bool {
    let Some((operator, operands)) = condition.as_object().and_then(|map| map.iter().next()) else {
        panic!("{condition} is no condition");
    };
    match operator.as_str() {
        "Condition" => {
            let name = operands.as_str().expect("a condition's name");
            holds(&document["Conditions"][name], document)
        }
        "Fn::Not" => !holds(&operands[0], document),
        "Fn::And" => {
            let mut all = operands.as_array().expect("conditions").iter();
            all.all(|condition| holds(condition, document))
        }
        "Fn::Equals" => {
            let parameter = operands[0]["Ref"].as_str().expect("a parameter's name");
            document["Parameters"][parameter]["Default"] == operands[1]
        }
        other => panic!("{other} is not known here"),
    }
}
