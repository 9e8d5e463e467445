//! How a vendor is asked for what an earlier call may have made, and what its list says.

use std::slice;

use serde_json::{Map, Value};

use super::build::Known;
use super::page::{LookupPage, Page};
use super::place::{Place, Pointer, Seen};
use super::{Scene, test};
use crate::provider::{Found, Wire, insert, segment};

impl LookupPage {
    /// The question; none where the payload could not be told from others by the answer.
    /// The question goes to the host that the operation goes to.
    pub(super) fn question(&self, page: &Page, known: &Known, scene: &Scene<'_>) -> Option<Wire> {
        let mut wire = self.asked(page.prefix(&known.line), scene)?;
        wire.host = known.host;
        wire.supplied = known.supplied;
        Some(wire)
    }

    fn asked(&self, prefix: &str, scene: &Scene<'_>) -> Option<Wire> {
        if !test::all(&self.need, scene) {
            return None;
        }
        let is_asked = |name: &String| {
            let only = self.ask_if.get(name);
            only.is_none_or(|when| test::all(when, scene))
        };
        let asked = self.ask.iter().filter(|(name, _)| is_asked(name));
        let asked = asked.filter_map(|(name, given)| Some((name, given.value(scene)?)));
        let path = |template: &str| {
            let filled = filled(template, scene)?;
            Some(format!("{prefix}{filled}"))
        };
        if let Some(get) = &self.get {
            let wire = Wire::get(path(get)?);
            return Some(asked.fold(wire, |wire, (name, value)| {
                let value = value.as_text().unwrap_or_default();
                wire.query(&segment(name), &value)
            }));
        }
        let mut body = Value::Object(Map::new());
        for (name, value) in asked {
            let names = match name.starts_with('/') {
                true => Pointer::parse(name).and_then(|pointer| pointer.names())?,
                false => vec![name.clone()],
            };
            let value = match value {
                Seen::Json(value) => value.clone(),
                Seen::Text(text) => Value::String(text.into_owned()),
            };
            insert(&mut body, &names, value);
        }
        Some(Wire::post(path(self.post.as_deref()?)?).json(&body))
    }

    /// What the list says, where the page can tell.
    pub(super) fn found(&self, scene: &Scene<'_>) -> Found {
        let listed = self.items.read(scene);
        if let Some(missing) = &self.missing
            && missing.status.have(scene.status)
            && test::all(&missing.when, scene)
        {
            return Found::Miss;
        }
        let items = match listed.first() {
            Some(Seen::Json(Value::Array(items))) => items.as_slice(),
            Some(Seen::Json(one @ Value::Object(_))) => slice::from_ref(*one),
            _ => return Found::Unclear,
        };
        let Some(ours) = &self.ours else {
            return Found::Unclear;
        };
        if !(200..=299).contains(&scene.status) {
            return Found::Unclear;
        }
        let (mut hits, mut others, mut unclear) = (Vec::new(), 0, false);
        for item in items {
            let scene = Scene {
                body: item,
                ..*scene
            };
            if test::any(&self.skip, &scene) {
                continue;
            }
            if test::any(&self.unclear, &scene) {
                unclear = true;
            } else if test::all(ours, &scene) {
                let id = self.id.as_ref().map(|id| id.read(&scene));
                let id = id.and_then(|read| read.first().and_then(Seen::as_text).map(String::from));
                hits.push(id);
            } else if self
                .other
                .as_ref()
                .is_some_and(|other| test::all(other, &scene))
            {
                others += 1;
            }
        }
        let is_one_too_many = self.hits.is_some_and(|most| hits.len() > most || unclear);
        let is_whole = test::all(&self.all, scene);
        match hits.into_iter().next() {
            Some(_) if is_one_too_many => Found::Unclear,
            Some(object_id) => Found::Hit { object_id },
            None if unclear || !is_whole => Found::Unclear,
            None if others > 0 => Found::Other {
                detail: "another one stands in its place".to_owned(),
            },
            None => Found::Miss,
        }
    }
}

/// `{payload:/a}` in a path, encoded; other braces are the secret's. None where the payload has nothing there.
fn filled(template: &str, scene: &Scene<'_>) -> Option<String> {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{payload:") {
        let (pointer, after) = after.split_once('}')?;
        let place = Place::Payload(Pointer::parse(pointer)?);
        let seen = place.read(scene);
        let value = seen.first().and_then(Seen::as_text)?;
        if matches!(&*value, "" | "." | "..") {
            return None;
        }
        path += before;
        path += &segment(&value);
        rest = after;
    }
    Some(path + rest)
}
