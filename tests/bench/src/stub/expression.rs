//! DynamoDB's expressions, as far as the contenders write them: conditions of comparisons, `AND`, `OR`, `NOT`,
//! `attribute_exists` and `attribute_not_exists`; updates of `SET`. Anything else is refused, so that a contender which
//! starts to use it is noticed rather than misjudged.
//!
//! Grammar: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// An item: attribute to `{"S": …}`, `{"N": …}` and so on.
pub type Item = Map<String, Value>;

/// Deepest nesting of parentheses and `NOT`; Powertools writes two.
const DEPTH_MAX: usize = 16;

/// What the placeholders of an expression stand for.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// `ExpressionAttributeNames`.
    pub names: &'a Value,
    /// `ExpressionAttributeValues`.
    pub values: &'a Value,
}

/// Whether `condition` holds for `item`.
///
/// # Errors
/// When the expression is not one that is understood here.
pub fn holds(condition: &str, item: Option<&Item>, names: Names<'_>) -> Result<bool, String> {
    let empty = Item::new();
    let mut parser = Parser {
        rest: condition,
        item: item.unwrap_or(&empty),
        names,
    };
    let holds = parser.either(0)?;
    match parser.token() {
        None => Ok(holds),
        Some(token) => Err(format!("unexpected {token} in {condition}")),
    }
}

/// Carries out `update` (`SET a = :a, b = :b`) on `item`.
///
/// # Errors
/// When the expression is not one that is understood here.
pub fn update(update: &str, item: &mut Item, names: Names<'_>) -> Result<(), String> {
    let assignments = update
        .trim()
        .strip_prefix("SET ")
        .ok_or_else(|| format!("only SET is understood: {update}"))?;
    for assignment in assignments.split(',') {
        let (path, value) = assignment
            .split_once('=')
            .ok_or_else(|| format!("no assignment: {assignment}"))?;
        let value = value.trim();
        let value = names.values.get(value).cloned();
        let value = value.ok_or_else(|| format!("only a value can be assigned: {assignment}"))?;
        item.insert(name(path.trim(), names)?, value);
    }
    Ok(())
}

/// The attribute's name that stands at `path`, by placeholder or as it is.
///
/// # Errors
/// When a placeholder stands for nothing.
pub fn name(path: &str, names: Names<'_>) -> Result<String, String> {
    if !path.starts_with('#') {
        return Ok(path.to_owned());
    }
    let name = names.names.get(path).and_then(Value::as_str);
    name.map(str::to_owned)
        .ok_or_else(|| format!("{path} stands for nothing"))
}

struct Parser<'a> {
    rest: &'a str,
    item: &'a Item,
    names: Names<'a>,
}

impl<'a> Parser<'a> {
    /// Both sides are always read, whatever the first says.
    fn either(&mut self, depth: usize) -> Result<bool, String> {
        let mut holds = self.all(depth)?;
        while self.takes("OR") {
            holds |= self.all(depth)?;
        }
        Ok(holds)
    }

    fn all(&mut self, depth: usize) -> Result<bool, String> {
        let mut holds = self.one(depth)?;
        while self.takes("AND") {
            holds &= self.one(depth)?;
        }
        Ok(holds)
    }

    fn one(&mut self, depth: usize) -> Result<bool, String> {
        if depth > DEPTH_MAX {
            return Err("nested too deeply".to_owned());
        }
        if self.takes("NOT") {
            return Ok(!self.one(depth + 1)?);
        }
        if self.takes("(") {
            let holds = self.either(depth + 1)?;
            return self.must(")").map(|()| holds);
        }
        for (function, expected) in [("attribute_exists", true), ("attribute_not_exists", false)] {
            if self.takes(function) {
                self.must("(")?;
                let path = self.token().ok_or("a path is missing")?;
                self.must(")")?;
                return Ok(self.item.contains_key(&name(path, self.names)?) == expected);
            }
        }
        let left = self.operand()?;
        let operator = self.token().ok_or("an operator is missing")?;
        let right = self.operand()?;
        compare(left.as_ref(), operator, right.as_ref())
    }

    fn operand(&mut self) -> Result<Option<Value>, String> {
        let token = self.token().ok_or("an operand is missing")?;
        if token.starts_with(':') {
            let value = self.names.values.get(token).cloned();
            return value
                .map(Some)
                .ok_or_else(|| format!("{token} stands for nothing"));
        }
        Ok(self.item.get(&name(token, self.names)?).cloned())
    }

    fn takes(&mut self, word: &str) -> bool {
        let before = self.rest;
        if self.token().is_some_and(|token| token == word) {
            return true;
        }
        self.rest = before;
        false
    }

    fn must(&mut self, word: &str) -> Result<(), String> {
        if self.takes(word) {
            return Ok(());
        }
        Err(format!("{word} is missing before {}", self.rest))
    }

    fn token(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let first = rest.chars().next()?;
        let length = match first {
            '<' | '>' => rest[1..]
                .find(|c| !matches!(c, '=' | '>'))
                .map_or(rest.len(), |n| n + 1),
            '(' | ')' | ',' | '=' => 1,
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '=' | '<' | '>'))
                .unwrap_or(rest.len()),
        };
        let (token, rest) = rest.split_at(length);
        self.rest = rest;
        Some(token)
    }
}

/// A comparison with what is not there, or of two types, does not hold.
fn compare(left: Option<&Value>, operator: &str, right: Option<&Value>) -> Result<bool, String> {
    let order = left.zip(right).and_then(|(left, right)| order(left, right));
    let holds = match operator {
        "=" => order == Some(Ordering::Equal),
        "<>" => order != Some(Ordering::Equal),
        "<" => order == Some(Ordering::Less),
        ">" => order == Some(Ordering::Greater),
        "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        ">=" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        other => return Err(format!("{other} is no operator that is understood")),
    };
    Ok(holds)
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    let text = |value: &'_ Value, kind| Some(value.get(kind)?.as_str()?.to_owned());
    if let Some((left, right)) = text(left, "S").zip(text(right, "S")) {
        return Some(left.cmp(&right));
    }
    if let Some((left, right)) = text(left, "N").zip(text(right, "N")) {
        // Generations, versions and times: all far below 2^53.
        let (left, right): (f64, f64) = (left.parse().ok()?, right.parse().ok()?);
        return left.partial_cmp(&right);
    }
    (left == right).then_some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(value: Value) -> Item {
        match value {
            Value::Object(item) => item,
            other => panic!("{other} is no item"),
        }
    }

    #[test]
    fn a_ledgers_conditions_hold_as_at_dynamodb() {
        let names = json!({"#owner": "owner", "#status": "status"});
        let values = json!({":owner": {"S": "a"}, ":generation": {"N": "2"}, ":status": {"S": "IN_PROGRESS"}, ":now": {"N": "100"}});
        let names = Names {
            names: &names,
            values: &values,
        };
        let stored = item(json!({
            "pk": {"S": "p"}, "owner": {"S": "a"}, "generation": {"N": "2"}, "status": {"S": "IN_PROGRESS"},
            "expires_at": {"N": "99"},
        }));
        let unchanged = "#owner = :owner AND generation = :generation AND #status = :status";
        assert_eq!(holds(unchanged, Some(&stored), names), Ok(true));
        assert_eq!(holds(unchanged, None, names), Ok(false));
        let free = "attribute_not_exists(pk) OR expires_at < :now";
        assert_eq!(holds(free, None, names), Ok(true));
        assert_eq!(holds(free, Some(&stored), names), Ok(true));
        let kept = item(json!({"pk": {"S": "p"}, "expires_at": {"N": "100"}}));
        assert_eq!(holds(free, Some(&kept), names), Ok(false));
    }

    #[test]
    fn powertools_condition_binds_and_before_or() {
        let names = json!({"#id": "id", "#expiry": "expiration", "#in_progress_expiry": "in", "#status": "status"});
        let values = json!({":now": {"N": "10"}, ":now_in_millis": {"N": "10000"}, ":inprogress": {"S": "INPROGRESS"}});
        let names = Names {
            names: &names,
            values: &values,
        };
        let condition = "attribute_not_exists(#id) OR #expiry < :now OR (#status = :inprogress AND \
                         attribute_exists(#in_progress_expiry) AND #in_progress_expiry < :now_in_millis)";
        let stored = |status: &str, lease: &str| {
            item(
                json!({"id": {"S": "1"}, "expiration": {"N": "11"}, "status": {"S": status}, "in": {"N": lease}}),
            )
        };
        let holds = |item: &Item| holds(condition, Some(item), names);
        assert_eq!(holds(&stored("INPROGRESS", "10001")), Ok(false));
        assert_eq!(holds(&stored("INPROGRESS", "9999")), Ok(true));
        assert_eq!(holds(&stored("COMPLETED", "9999")), Ok(false));
    }

    #[test]
    fn an_update_sets_what_it_names() {
        let (names, values) = (json!({"#s": "status"}), json!({":s": {"S": "COMPLETED"}}));
        let names = Names {
            names: &names,
            values: &values,
        };
        let mut stored = item(json!({"id": {"S": "1"}, "status": {"S": "INPROGRESS"}}));
        update("SET #s = :s", &mut stored, names).expect("understood");
        assert_eq!(stored["status"], json!({"S": "COMPLETED"}));
    }

    #[test]
    fn what_is_not_understood_is_refused_instead_of_guessed() {
        let none = Value::Null;
        let names = Names {
            names: &none,
            values: &none,
        };
        for condition in ["size(a) > :b", "a IN (:b)", "a = :b", "(a", ""] {
            assert!(holds(condition, None, names).is_err(), "{condition}");
        }
        assert!(update("ADD n :one", &mut Item::new(), names).is_err());
    }
}
