//! A vendor's state, and what it does with a call.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway::Timestamp;
use causeway::pack::{CallPlace, OperationLine};
use serde_json::{Map, Value};

use super::behaviour::{Behaviour, Does, Key, List, Replays, Rules, Said};
use super::call::{Asked, fits};
use super::routes::{Route, Routes, identity};
use super::template::{Filling, fill};
use crate::vendor::Ids;

/// How long a call that nobody waits for any more is at work for its key.
const AT_WORK_MS: i64 = 90_000;

/// A vendor with all that it has made.
#[derive(Debug)]
pub struct Fake {
    routes: Arc<Routes>,
    behaviour: Arc<Behaviour>,
    ids: Ids,
    /// What stands where, by what names it: the id, and what was said of it last.
    things: BTreeMap<String, Thing>,
    kept: BTreeMap<(String, String), Kept>,
    listed: Vec<Listed>,
    windows: BTreeMap<String, Vec<i64>>,
    made: Vec<Made>,
    seen: Vec<Seen>,
}

#[derive(Clone, Debug)]
struct Thing {
    id: String,
    says: Value,
    gone: bool,
}

/// What is kept for a key.
#[derive(Clone, Debug)]
struct Kept {
    call: String,
    served: Served,
    at_ms: i64,
    busy_until_ms: i64,
}

#[derive(Clone, Debug)]
struct Listed {
    operation: String,
    id: String,
    asked: Asked,
    named: Vec<(String, String)>,
}

/// One effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Of which operation.
    pub operation: String,
    /// What it is about: the path, and what names the thing beside it.
    pub identity: String,
    /// The vendor's id of it.
    pub id: String,
    /// The caller's own reference, where the call carries one.
    pub marker: Option<String>,
    /// The idempotency key.
    pub key: Option<String>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The operation; none where it is a question, a token call, or nothing that is known.
    pub operation: Option<String>,
    /// Method and path.
    pub call: String,
    /// What was answered; none where nobody heard it.
    pub status: Option<u16>,
    /// Whether it changed something.
    pub effect: bool,
    /// Whether the vendor's file knows it at all.
    pub known: bool,
}

/// What the vendor says to a call.
#[derive(Clone, Debug, Default)]
pub struct Served {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What came of it.
    pub made: Option<Made>,
    /// Whether it is an answer given again.
    pub replayed: bool,
    /// Which operation it was.
    pub operation: Option<String>,
}

impl Fake {
    /// A vendor that nobody has called yet.
    #[must_use]
    pub fn new(routes: Arc<Routes>, behaviour: Arc<Behaviour>) -> Self {
        Self {
            routes,
            behaviour,
            ids: Ids::default(),
            things: BTreeMap::new(),
            kept: BTreeMap::new(),
            listed: Vec::new(),
            windows: BTreeMap::new(),
            made: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Every effect so far.
    #[must_use]
    pub fn made(&self) -> &[Made] {
        &self.made
    }

    /// Every call so far.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// The operation that a call is, where it is one.
    #[must_use]
    pub fn operation(&self, asked: &Asked) -> Option<String> {
        let route = self.routes.of(asked);
        route.map(|route| route.line.op.clone())
    }

    /// Whether a call goes where calls of `line`'s operation go.
    #[must_use]
    pub fn is_call_of(&self, asked: &Asked, line: &OperationLine) -> bool {
        let route = self.routes.of(asked);
        route.is_some_and(|route| route.line.method == line.method && route.line.path == line.path)
    }

    /// The line of an operation.
    #[must_use]
    pub fn line(&self, operation: &str) -> Option<&OperationLine> {
        self.routes.line(operation)
    }

    /// Whether such a call carries a key that the vendor answers with "at work" for a while.
    #[must_use]
    pub fn says_busy(&self, line: &OperationLine) -> bool {
        let key = self.behaviour.of(line).key;
        key.is_some_and(|key| key.busy.is_some())
    }

    /// Answers a call.
    pub fn serve(&mut self, asked: &Asked) -> Served {
        let served = self.answer(asked);
        self.note(asked, &served, Some(served.status));
        served
    }

    /// Does what a call asks for, and nobody hears of it. The key is at work for a while where `at_work`.
    pub fn serve_unheard(&mut self, asked: &Asked, at_work: bool) {
        let served = self.answer(asked);
        self.note(asked, &served, None);
        if at_work && let Some(kept) = self.kept_for(asked) {
            kept.busy_until_ms = asked.now_ms + AT_WORK_MS;
        }
    }

    /// Does what a call asks for, and breaks down before it answers.
    pub fn serve_broken(&mut self, asked: &Asked) -> Served {
        let served = self.answer(asked);
        let made = served.made.clone();
        let mut broken = self.said(asked, "broken");
        broken.operation.clone_from(&served.operation);
        broken.made = made;
        let keeps = self
            .key_of(asked)
            .is_some_and(|key| key.replays.contains(&Replays::Error));
        if keeps && let Some(kept) = self.kept_for(asked) {
            kept.served = broken.clone();
        }
        self.note(asked, &broken, Some(broken.status));
        broken
    }

    /// Says no without doing anything: a name of `[says]`, where the operation has no words of its own for it.
    pub fn refuse(&mut self, asked: &Asked, name: &str) -> Served {
        let served = self.said(asked, name);
        self.note(asked, &served, Some(served.status));
        served
    }

    /// A call that never arrived at its work, and had no answer.
    pub fn lose(&mut self, asked: &Asked) {
        self.note(asked, &Served::default(), None);
    }

    fn note(&mut self, asked: &Asked, served: &Served, status: Option<u16>) {
        let operation = self.operation(asked);
        let known = operation.is_some() || self.list(asked).is_some();
        let known = known || self.routes.token(asked).is_some();
        self.seen.push(Seen {
            operation,
            call: format!("{} {}", asked.method, asked.path),
            status,
            effect: served.made.is_some(),
            known,
        });
    }

    fn key_of(&self, asked: &Asked) -> Option<&Key> {
        self.behaviour.of(self.routes.of(asked)?.line).key
    }

    fn kept_for(&mut self, asked: &Asked) -> Option<&mut Kept> {
        let value = given_key(self.key_of(asked)?, asked)?;
        let operation = self.operation(asked)?;
        self.kept.get_mut(&(operation, value))
    }

    pub(crate) fn said(&self, asked: &Asked, name: &str) -> Served {
        let route = self.routes.of(asked);
        let own = route.as_ref().filter(|_| name == "refused");
        let own = own.and_then(|route| self.behaviour.of(route.line).refused);
        let said = own.or_else(|| self.behaviour.says.get(name));
        let named = route.map(|route| route.named).unwrap_or_default();
        said.map(|said| spoken(said, asked, &named, ""))
            .unwrap_or_default()
    }

    fn answer(&mut self, asked: &Asked) -> Served {
        if let Some(at) = self.routes.token(asked) {
            return token(at);
        }
        if let Some(said) = self.throttled(asked) {
            return said;
        }
        let (routes, behaviour) = (Arc::clone(&self.routes), Arc::clone(&self.behaviour));
        if let Some(list) = self.list(asked) {
            return self.listing(list, asked);
        }
        let Some(route) = routes.of(asked) else {
            return self.said(asked, "gone");
        };
        if asked.unreadable {
            return self.said(asked, "refused");
        }
        let rules = behaviour.of(route.line);
        if rules
            .shows
            .is_some_and(|place| asked.at(place, &route.named).is_none())
        {
            return self.said(asked, "unauthorised");
        }
        let mut served = match rules.key {
            None => self.work(asked, &route, &rules, None),
            Some(key) => self.under_key(key, asked, &route, &rules),
        };
        served.operation = Some(route.line.op.clone());
        served
    }

    fn throttled(&mut self, asked: &Asked) -> Option<Served> {
        let behaviour = Arc::clone(&self.behaviour);
        let routes = Arc::clone(&self.routes);
        let route = routes.of(asked);
        let counted = behaviour.limit.iter().filter(|limit| match &limit.only {
            None => true,
            Some(only) => route.as_ref().is_some_and(|route| only.are(route.line)),
        });
        for limit in counted {
            let window = self.windows.entry(limit.name.clone()).or_default();
            let per = i64::try_from(limit.per.as_millis()).unwrap_or(i64::MAX);
            window.retain(|at| at + per > asked.now_ms);
            if window.len() >= limit.count {
                return Some(self.said(asked, "throttled"));
            }
            window.push(asked.now_ms);
        }
        None
    }

    fn under_key(
        &mut self,
        key: &Key,
        asked: &Asked,
        route: &Route<'_>,
        rules: &Rules<'_>,
    ) -> Served {
        let Some(value) = given_key(key, asked) else {
            return match key.required {
                true => self.said(asked, "refused"),
                false => self.work(asked, route, rules, None),
            };
        };
        if key.longest.is_some_and(|longest| value.len() > longest) {
            return self.said(asked, "refused");
        }
        let place = (route.line.op.clone(), value.clone());
        let call = format!("{} {} {}", asked.path, text(&asked.query), asked.body);
        let retention = i64::try_from(key.retention.as_millis()).unwrap_or(i64::MAX);
        let kept = self.kept.get(&place);
        if let Some(kept) = kept.filter(|kept| kept.at_ms + retention > asked.now_ms) {
            if let Some(busy) = &key.busy
                && kept.busy_until_ms > asked.now_ms
            {
                return spoken(busy, asked, &route.named, "");
            }
            if let Some(mismatch) = &key.mismatch
                && kept.call != call
            {
                return spoken(mismatch, asked, &route.named, "");
            }
            let mut again = kept.served.clone();
            again.made = None;
            again.replayed = true;
            again.headers.extend(key.marks.clone());
            return again;
        }
        let served = self.work(asked, route, rules, Some(&value));
        if (200..300).contains(&served.status) || served.made.is_some() {
            let (at_ms, busy_until_ms) = (asked.now_ms, 0);
            let served = served.clone();
            self.kept.insert(
                place,
                Kept {
                    call,
                    served,
                    at_ms,
                    busy_until_ms,
                },
            );
        }
        served
    }

    /// Does the work.
    fn work(
        &mut self,
        asked: &Asked,
        route: &Route<'_>,
        rules: &Rules<'_>,
        key: Option<&str>,
    ) -> Served {
        let by = match rules.does {
            // A second call is another one, whatever it says.
            Does::Act | Does::Read => &[],
            _ => rules.by,
        };
        let names = by.iter().map(|place| asked.at(place, &route.named));
        let names: Vec<Option<Value>> = names.collect();
        // A thing that is not named like another one is a new one.
        let is_named = match rules.does {
            Does::Make => !names.is_empty() && names.iter().all(Option::is_some),
            Does::Upsert => names.iter().any(Option::is_some),
            _ => true,
        };
        let mut name = format!("{} {}", route.line.method, identity(&asked.path, &names));
        if matches!(rules.does, Does::Drop | Does::Set)
            && names.is_empty()
            && route.named.is_empty()
        {
            // Where the path names nothing, what the call says does.
            name = format!("{name} {} {}", text(&asked.query), asked.body);
        }
        let again = |fake: &Self, id: &str| match rules.again {
            Some(said) => spoken(said, asked, &route.named, id),
            None => fake.said(asked, "gone"),
        };
        let is_gone = self.is_gone(&asked.path) && rules.does != Does::Drop;
        if is_gone {
            return self.said(asked, "gone");
        }
        let old = self.things.get(&name).cloned();
        let says = Value::from(vec![Value::from(text(&asked.query)), asked.body.clone()]);
        let last = route.named.last().map(|(_, value)| value.clone());
        let (id, is_effect) = match (rules.does, old) {
            (Does::Drop, Some(old)) if old.gone => return again(self, &old.id),
            (Does::Drop, _) => (last.unwrap_or_default(), true),
            (Does::Make, Some(old)) if is_named => return again(self, &old.id),
            (Does::Set, old) => {
                let is_new = old.is_none_or(|old| old.says != says);
                (last.unwrap_or_default(), is_new)
            }
            (Does::Upsert, Some(old)) if is_named => (old.id, old.says != says),
            (Does::Read, _) => (last.unwrap_or_default(), false),
            (Does::Make | Does::Upsert | Does::Act, _) => (self.ids.next("obj_"), true),
        };
        let gone = rules.does == Does::Drop;
        let thing = Thing {
            id: id.clone(),
            says,
            gone,
        };
        self.things.insert(name.clone(), thing);
        let filling = Filling {
            id: &id,
            asked,
            named: &route.named,
            at_ms: asked.now_ms,
        };
        let mut served = match rules.answer {
            Some(said) => speak(said, &filling),
            None => speak(
                &Said {
                    status: 200,
                    ..Said::default()
                },
                &filling,
            ),
        };
        if is_effect {
            let markers = self.behaviour.marker.iter();
            let marker = markers.filter_map(|place| asked.at(place, &route.named));
            let marker = marker
                .filter_map(|value| value.as_str().map(str::to_owned))
                .next();
            let made = Made {
                operation: route.line.op.clone(),
                identity: name,
                id: id.clone(),
                marker,
                key: key.map(str::to_owned),
            };
            self.made.push(made.clone());
            served.made = Some(made);
            if matches!(rules.does, Does::Make | Does::Upsert | Does::Act) {
                self.listed.push(Listed {
                    operation: route.line.op.clone(),
                    id,
                    asked: asked.clone(),
                    named: route.named.clone(),
                });
            }
        }
        served
    }

    /// Whether what stands at `path`, or above it, was dropped.
    fn is_gone(&self, path: &str) -> bool {
        let gone = self
            .things
            .iter()
            .filter(|(name, thing)| thing.gone && name.starts_with("DELETE "));
        let mut gone = gone.filter_map(|(name, _)| name.split(' ').nth(1));
        gone.any(|dropped| {
            path.strip_prefix(dropped)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The list that a call asks for: of those that it fits the one whose path has most of it.
    fn list(&self, asked: &Asked) -> Option<&List> {
        let rank = |list: &&List| {
            let (path, method) = match (&list.get, &list.post) {
                (Some(path), _) => (path, "GET"),
                (None, Some(path)) => (path, "POST"),
                (None, None) => return None,
            };
            let holds = |(place, wanted): (&CallPlace, &String)| {
                let there = asked.at(place, &[]);
                there.is_some_and(|there| text_of(&there).contains(wanted.as_str()))
            };
            if asked.method.as_str() != method || !list.asks.iter().all(holds) {
                return None;
            }
            let paths = self.routes.prefixed(path);
            paths
                .iter()
                .filter_map(|path| fits(path, &asked.path))
                .map(|(rank, _)| rank)
                .max()
        };
        let found = self
            .behaviour
            .list
            .iter()
            .filter(|list| rank(list).is_some());
        found.max_by_key(rank)
    }

    fn listing(&self, list: &List, asked: &Asked) -> Served {
        let lag = i64::try_from(list.lag.as_millis()).unwrap_or(i64::MAX);
        let lines = &self.routes;
        let shown = self.listed.iter().rev().filter(|listed| {
            let of = match &list.of {
                Some(of) => lines
                    .line(&listed.operation)
                    .is_some_and(|line| of.are(line)),
                None => listed.asked.path == asked.path,
            };
            of && listed.asked.now_ms + lag <= asked.now_ms && self.passes(list, listed, asked)
        });
        let items: Vec<Value> = shown
            .filter_map(|listed| {
                let filling = Filling {
                    id: &listed.id,
                    asked: &listed.asked,
                    named: &listed.named,
                    at_ms: listed.asked.now_ms,
                };
                fill(&list.item, &filling)
            })
            .collect();
        let filling = Filling {
            id: "",
            asked,
            named: &[],
            at_ms: asked.now_ms,
        };
        let around = fill(&list.around, &filling).filter(Value::is_object);
        let mut body = around.unwrap_or_else(|| Value::Object(Map::new()));
        put(&mut body, &list.items, items.into());
        Served {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
            ..Served::default()
        }
    }

    /// Whether the question does not leave this thing out.
    fn passes(&self, list: &List, listed: &Listed, asked: &Asked) -> bool {
        list.filter.iter().all(|(place, test)| {
            let Some(wanted) = asked.at(place, &[]) else {
                return true;
            };
            let wanted = text_of(&wanted);
            let (how, places) = test.split_once(' ').unwrap_or((test, ""));
            let made = places.split('|').filter_map(|place| match place {
                "id" => Some(Value::from(listed.id.as_str())),
                place => {
                    let place = CallPlace::try_from(place.to_owned()).ok()?;
                    listed.asked.at(&place, &listed.named)
                }
            });
            let mut made = made.map(|value| text_of(&value));
            match how {
                "is" => made.any(|made| made == wanted),
                "has" => made.any(|made| !made.is_empty() && wanted.contains(&made)),
                "from" => moment(&wanted).is_none_or(|from| listed.asked.now_ms >= from),
                "to" => moment(&wanted).is_none_or(|to| listed.asked.now_ms <= to),
                _ => true,
            }
        })
    }
}

fn given_key(key: &Key, asked: &Asked) -> Option<String> {
    let value = asked.at(&key.at, &[])?;
    value
        .as_str()
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
}

fn spoken(said: &Said, asked: &Asked, named: &[(String, String)], id: &str) -> Served {
    let at_ms = asked.now_ms;
    speak(
        said,
        &Filling {
            id,
            asked,
            named,
            at_ms,
        },
    )
}

fn speak(said: &Said, filling: &Filling<'_>) -> Served {
    let body = said.body.as_ref().and_then(|body| fill(body, filling));
    let is_text = said
        .headers
        .get("content-type")
        .is_some_and(|media| media.starts_with("text/"));
    let body = match body {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if is_text => text.into_bytes(),
        Some(body) => body.to_string().into_bytes(),
    };
    let mut headers: Vec<(String, String)> = said.headers.clone().into_iter().collect();
    if !said.headers.contains_key("content-type") && !body.is_empty() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    Served {
        status: said.status,
        headers,
        body,
        ..Served::default()
    }
}

fn token(at: &str) -> Served {
    let mut body = serde_json::json!({
        "access_token": "a-token", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "another-token",
    });
    put(&mut body, at, "a-token".into());
    Served {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        ..Served::default()
    }
}

/// Puts `value` where `pointer` points, making objects on the way.
fn put(whole: &mut Value, pointer: &str, value: Value) {
    let mut at = whole;
    for step in pointer.split('/').skip(1) {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(fields) = at else { return };
        at = fields.entry(step.to_owned()).or_insert(Value::Null);
    }
    *at = value;
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn text(pairs: &[(String, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

/// A time as questions write it: RFC 3339, a day, or seconds of the Unix time.
fn moment(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
        return Some((seconds * 1000.0) as i64);
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    Timestamp::parse_rfc3339(&whole)
        .ok()
        .map(Timestamp::as_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue, Method};

    fn stripe() -> Fake {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/stripe");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        let routes = Routes::read(&read("provider.toml"), &read("operations.jsonl")).unwrap();
        let behaviour = Behaviour::read("stripe", include_str!("../../vendors/stripe.toml"));
        Fake::new(Arc::new(routes), Arc::new(behaviour.unwrap()))
    }

    fn call(method: Method, path: &str, key: &'static str, body: &str, now_ms: i64) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", HeaderValue::from_static(key));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", form);
        Asked::new(method, path, headers, body.as_bytes(), now_ms)
    }

    #[test]
    fn a_key_replays_refuses_another_call_and_is_forgotten_after_a_day() {
        let mut fake = stripe();
        let day = 24 * 60 * 60 * 1000;
        let mut post =
            |body: &str, at: i64| fake.serve(&call(Method::POST, "/v1/customers", "k", body, at));
        assert!(post("name=a", 0).made.is_some());
        let again = post("name=a", day - 1);
        assert!(again.replayed && again.made.is_none());
        assert_eq!(post("name=b", day - 1).status, 400);
        assert!(post("name=a", day + 1).made.is_some());
        assert_eq!(fake.made().len(), 2);
    }

    #[test]
    fn what_was_dropped_is_gone_and_so_is_what_stands_below_it() {
        let mut fake = stripe();
        let drop = call(Method::DELETE, "/v1/customers/cus_1", "", "", 0);
        let statuses = [fake.serve(&drop).status, fake.serve(&drop).status];
        assert_eq!(statuses, [200, 404]);
        let below = call(
            Method::POST,
            "/v1/customers/cus_1/sources",
            "k",
            "source=s",
            0,
        );
        assert_eq!(fake.serve(&below).status, 404);
        assert_eq!(fake.made().len(), 1);
    }

    #[test]
    fn an_answer_that_nobody_hears_is_replayed_and_a_500_is_kept() {
        let mut fake = stripe();
        let lost = call(Method::POST, "/v1/charges", "a", "amount=1", 0);
        fake.serve_unheard(&lost, false);
        assert!(fake.serve(&lost).replayed);
        let broken = call(Method::POST, "/v1/charges", "b", "amount=1", 0);
        assert_eq!(fake.serve_broken(&broken).status, 500);
        assert_eq!(fake.serve(&broken).status, 500);
        assert_eq!(fake.made().len(), 2);
    }
}
