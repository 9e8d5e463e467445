//! The shape in which an answer is read: what strict structured output can express with every vendor, and no more.

use serde_json::{Map, Value, json};

/// The shape of an answer, or of a part of it.
///
/// As a schema it keeps to what all endpoints take: every field required, none besides, no bounds. The bounds are held
/// here, on what comes. <https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Yes or no.
    Flag,
    /// One of so many, counted from 0.
    Index(usize),
    /// A text of at most so many characters.
    Text(usize),
    /// At most so many of one form.
    List(Box<Self>, usize),
    /// These fields, all of them, and no other.
    Record(Vec<(&'static str, Self)>),
}

/// How an answer differs from its form. It says where by the form's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// No JSON.
    #[error("is no JSON")]
    NoJson,
    /// JSON of another shape.
    #[error("does not have the form that was asked for: {0}")]
    Shape(&'static str),
    /// One of a list that it was not given.
    #[error("names what is not on the list")]
    NotListed,
    /// More than was asked for.
    #[error("is longer than was asked for")]
    TooLong,
}

impl Form {
    /// As JSON Schema, for the endpoint.
    pub(super) fn schema(&self) -> Value {
        match self {
            Self::Flag => json!({"type": "boolean"}),
            Self::Index(_) => json!({"type": "integer"}),
            Self::Text(_) => json!({"type": "string"}),
            Self::List(each, _) => json!({"type": "array", "items": each.schema()}),
            Self::Record(fields) => {
                let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
                let properties = fields
                    .iter()
                    .map(|(name, form)| ((*name).to_owned(), form.schema()));
                json!({
                    "type": "object",
                    "properties": properties.collect::<Map<_, _>>(),
                    "required": names,
                    "additionalProperties": false,
                })
            }
        }
    }

    /// Whether `value` has this form.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&self, value: &Value) -> Result<(), Misfit> {
        match (self, value) {
            (Self::Flag, Value::Bool(_)) => Ok(()),
            (Self::Index(count), Value::Number(number)) => {
                let index = number
                    .as_u64()
                    .and_then(|index| usize::try_from(index).ok());
                index
                    .filter(|index| index < count)
                    .map(|_| ())
                    .ok_or(Misfit::NotListed)
            }
            (Self::Text(most), Value::String(text)) => within(text.chars().count(), *most),
            (Self::List(each, most), Value::Array(items)) => {
                within(items.len(), *most)?;
                items.iter().try_for_each(|item| each.check(item))
            }
            (Self::Record(fields), Value::Object(given)) => {
                if given.len() > fields.len() {
                    return Err(Misfit::Shape("a field more"));
                }
                fields.iter().try_for_each(|(name, form)| {
                    form.check(given.get(*name).ok_or(Misfit::Shape(name))?)
                })
            }
            (Self::Flag, _) => Err(Misfit::Shape("a flag")),
            (Self::Index(_), _) => Err(Misfit::Shape("a number")),
            (Self::Text(_), _) => Err(Misfit::Shape("a text")),
            (Self::List(..), _) => Err(Misfit::Shape("a list")),
            (Self::Record(_), _) => Err(Misfit::Shape("an object")),
        }
    }
}

fn within(length: usize, most: usize) -> Result<(), Misfit> {
    (length <= most).then_some(()).ok_or(Misfit::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices() -> Form {
        let choice = Form::Record(vec![
            ("field", Form::Index(2)),
            ("candidate", Form::Index(3)),
        ]);
        Form::Record(vec![
            ("choices", Form::List(Box::new(choice), 2)),
            ("sure", Form::Flag),
            ("why", Form::Text(4)),
        ])
    }

    #[test]
    fn what_has_the_form_passes_and_each_difference_is_told() {
        let choice = json!({"field": 1, "candidate": 2});
        let good = json!({"choices": [choice], "sure": true, "why": "nöne"});
        assert_eq!(choices().check(&good), Ok(()));
        let cases = [
            ("/choices/0/candidate", json!(3), Misfit::NotListed),
            ("/choices/0/candidate", json!(-1), Misfit::NotListed),
            ("/choices/0/candidate", json!(0.5), Misfit::NotListed),
            (
                "/choices/0/candidate",
                json!("email"),
                Misfit::Shape("a number"),
            ),
            (
                "/choices/0",
                json!({"field": 1}),
                Misfit::Shape("candidate"),
            ),
            (
                "/choices/0",
                json!({"field": 1, "candidate": 0, "value": "Ada"}),
                Misfit::Shape("a field more"),
            ),
            ("/choices", json!([choice, choice, choice]), Misfit::TooLong),
            ("/choices", json!({}), Misfit::Shape("a list")),
            ("/sure", json!("yes"), Misfit::Shape("a flag")),
            ("/why", json!("because"), Misfit::TooLong),
            ("/why", Value::Null, Misfit::Shape("a text")),
            ("", json!([]), Misfit::Shape("an object")),
        ];
        for (at, other, misfit) in cases {
            let mut bad = good.clone();
            *bad.pointer_mut(at).expect("a place in the answer") = other;
            assert_eq!(choices().check(&bad), Err(misfit), "{bad}");
        }
    }

    #[test]
    fn its_schema_requires_every_field_and_admits_no_other() {
        let schema = choices().schema();
        assert_eq!(schema["required"], json!(["choices", "sure", "why"]));
        assert_eq!(schema["additionalProperties"], false);
        let item = &schema["properties"]["choices"]["items"];
        assert_eq!(item["required"], json!(["field", "candidate"]));
        assert_eq!(item["properties"]["field"], json!({"type": "integer"}));
    }
}
