//! From a page and a line to what the pipeline works with: [`Spec`] and [`Operation`].

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use schemars::Schema;
use serde_json::{Map, Value};

use super::line::OperationLine;
use super::page::{
    self, AddressPart, BatchRow, BodyEncoding, BreakerOf, Class, ClientShown, Count, GrantKind,
    LimitRow, LookupPage, Page, SafetyRow, Show, Supply, TokenPage,
};
use super::place::{CallPlace, Place, Seen};
use super::shape::{self, Definitions};
use super::source::{PackError, Source};
use super::{Scene, call, raw};
use crate::breaker::BreakerSpec;
use crate::limiter::signal::{self, Counts};
use crate::limiter::{Limit, Remaining, ScopeKey, Signals};
use crate::provider::{
    Auth, CONNECT_TIMEOUT, Catalogue, Client, DEFAULT_TIMEOUT, Encoding, Grant, Host, KeyPlace,
    Operation, Operations, Part, PayloadError, Placeholder, Refused, Safety, Shape, Spec,
    TokenBudget, TokenScheme, TokenWord, Wire,
};

/// Longest identifier that a secret puts into a path where the page says none.
const ID_MAX: usize = 128;

/// An operation and what goes with it.
pub(super) struct Known {
    pub(super) line: OperationLine,
    pub(super) operation: Operation,
    pub(super) lookup: Option<&'static LookupPage>,
    pub(super) host: Option<&'static Host>,
    pub(super) supplied: &'static [Auth],
    pub(super) provenance: Provenance,
    pub(super) signals: Vec<Signal>,
}

/// Where an operation's safety is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// How; none where nothing is known, and it is unsafe.
    pub class: Option<Class>,
    /// The source, as the page names it.
    pub src: Option<&'static str>,
}

/// Nothing is known.
const UNKNOWN: Provenance = Provenance {
    class: None,
    src: None,
};

/// What an answer says of one limit.
#[derive(Debug)]
pub(super) struct Signal {
    limit: &'static str,
    left: Option<&'static Place>,
    reset: Option<(&'static Place, Counts)>,
    spent: Option<&'static Place>,
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn leak_all<T>(items: Vec<T>) -> &'static [T] {
    Box::leak(items.into_boxed_slice())
}

fn wrong(table: &str, name: &str, rule: impl std::fmt::Display) -> PackError {
    PackError(format!("{table} `{name}`: {rule}"))
}

/// The provider's spec.
pub(super) fn spec(
    source: &'static Source,
    operations: &'static dyn Catalogue,
    mappings: &'static [&'static str],
) -> Result<Spec, PackError> {
    let page = &source.page;
    let is_name = |name: &str| {
        let is_good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        (1..=64).contains(&name.len()) && name.bytes().all(is_good)
    };
    if !is_name(&page.name) {
        return Err(wrong("name", &page.name, "1 to 64 of a-z, 0-9 and -"));
    }
    raw::sound(page)?;
    let everywhere = page
        .limit
        .iter()
        .filter(|row| row.only.is_none() && !is_in_document(row));
    let limits = everywhere
        .map(|row| limit(row, &[]))
        .collect::<Result<Vec<_>, _>>()?;
    let limits: Vec<Limit> = limits.into_iter().flatten().collect();
    let breaker = match page.lane.breaker {
        BreakerOf::Provider => BreakerSpec::DEFAULT,
        BreakerOf::Connection => BreakerSpec::DEFAULT.by_connection(),
    };
    Ok(Spec {
        placeholders: leak_all(placeholders(page)),
        headers: leak_all(headers(page)?),
        supplied: leak_all(supplied(page, |_| true)),
        limits: leak_all(limits),
        breaker,
        refuses_unknown_fields: page.refuses_unknown_fields(),
        revision: page.revision,
        operations: Operations::Found(operations),
        mappings,
        ..Spec::new(leak(&page.name), leak(&page.address.base), auth(page)?, &[])
    })
}

fn placeholders(page: &Page) -> Vec<Placeholder> {
    let parts = page.address.secret.iter().map(|(field, part)| match part {
        AddressPart::Host => Placeholder::host(leak(field)),
        AddressPart::Id(longest) => Placeholder::id(leak(field), *longest),
        AddressPart::Choice(choices) => {
            let choices = choices
                .iter()
                .map(|[said, stands]| (leak(said), leak(stands)));
            Placeholder::choice(leak(field), leak_all(choices.collect()))
        }
    });
    let in_paths = page
        .supply
        .iter()
        .filter_map(|(place, supply)| match (place, supply) {
            (CallPlace::Path(_), Supply::Secret(field))
                if !page.address.secret.contains_key(field) =>
            {
                Some(Placeholder::id(leak(field), ID_MAX))
            }
            _ => None,
        });
    parts.chain(in_paths).collect()
}

/// Fixed headers, which every call carries.
fn headers(page: &Page) -> Result<Vec<(&'static str, &'static str)>, PackError> {
    let mut headers = Vec::new();
    for (place, supply) in &page.supply {
        if let (CallPlace::Header(name), Supply::Fixed(value)) = (place, supply) {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            if HeaderValue::try_from(&text).is_err() {
                return Err(wrong("supply", name, "its value is no header's"));
            }
            headers.push((leak(name), leak(&text)));
        }
    }
    Ok(headers)
}

/// What calls take from the secret beside the credentials: everywhere, or only where an operation has the place.
fn supplied(page: &Page, is_there: impl Fn(&CallPlace) -> bool) -> Vec<Auth> {
    let supplied = page.supply.iter().filter(|(place, _)| is_there(place));
    let supplied = supplied.filter_map(|(place, supply)| {
        let Supply::Secret(field) = supply else {
            return None;
        };
        let field = leak(field);
        match place {
            CallPlace::Header(name) => Some(Auth::Header {
                name: leak(name),
                field,
            }),
            CallPlace::Query(name) => Some(Auth::Query {
                name: leak(name),
                field,
            }),
            CallPlace::Body(names) => {
                let name = leak(names.first()?);
                Some(Auth::Body { name, field })
            }
            CallPlace::Path(_) => None,
        }
    });
    supplied.collect()
}

fn auth(page: &Page) -> Result<Auth, PackError> {
    let mut ways = Vec::new();
    for way in &page.auth {
        let shown = way.show.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
        ways.push(match shown.as_slice() {
            [one] => *one,
            _ => Auth::All(leak_all(shown)),
        });
    }
    match ways.as_slice() {
        [] => Err(wrong(
            "auth",
            &page.name,
            "there is no way of connecting an account",
        )),
        [one] => Ok(*one),
        _ => Ok(Auth::OneOf(leak_all(ways))),
    }
}

fn shown(show: &Show) -> Result<Auth, PackError> {
    let part = |text: &String| match text.strip_prefix('=') {
        Some(fixed) => Part::Fixed(leak(fixed)),
        None => Part::Field(leak(text)),
    };
    Ok(match show {
        Show::Bearer(field) => Auth::Bearer { field: leak(field) },
        Show::Header {
            name,
            field,
            prefix,
        } => {
            let name = name.to_ascii_lowercase();
            if HeaderName::try_from(&name).is_err() {
                return Err(wrong("auth", &name, "is no header's name"));
            }
            match (name.as_str(), prefix.as_str()) {
                (_, "") => Auth::Header {
                    name: leak(&name),
                    field: leak(field),
                },
                ("authorization", prefix) => Auth::Prefixed {
                    prefix: leak(prefix),
                    field: leak(field),
                },
                _ => return Err(wrong("auth", &name, "only `authorization` takes a prefix")),
            }
        }
        Show::Basic([user, password]) => Auth::Basic {
            user: part(user),
            password: part(password),
        },
        Show::Query { name, field } => Auth::Query {
            name: leak(name),
            field: leak(field),
        },
        Show::Body { name, field } => Auth::Body {
            name: leak(name),
            field: leak(field),
        },
        Show::Token(token) => Auth::Token(scheme(token)?),
    })
}

fn scheme(token: &TokenPage) -> Result<TokenScheme, PackError> {
    let path = leak(&token.path);
    let fields = token
        .fields
        .iter()
        .map(|(name, field)| (leak(name), leak(field)));
    let fields: Vec<_> = fields.collect();
    let base = match token.grant {
        GrantKind::ClientCredentials => TokenScheme {
            grant: Grant::ClientCredentials {
                scope: token.scope.as_deref().map(leak),
            },
            ..TokenScheme::client_credentials(path)
        },
        GrantKind::RefreshToken => TokenScheme {
            grant: Grant::RefreshToken {
                rotating: token.rotating,
                grace: token.grace,
            },
            ..TokenScheme::client_credentials(path)
        },
        GrantKind::Login => TokenScheme::login(path, leak_all(fields), "Bearer "),
    };
    let budget = match token.budget {
        None => None,
        Some(budget) if (1..=TokenBudget::MAX_TOKENS).contains(&budget.tokens) => {
            Some(TokenBudget::new(budget.tokens, budget.within.0))
        }
        Some(_) => return Err(wrong("auth", &token.path, "a budget has 1 to 100 tokens")),
    };
    let timeout = token.timeout.map_or(base.timeout, |span| span.0);
    if timeout <= CONNECT_TIMEOUT {
        return Err(wrong(
            "auth",
            &token.path,
            "an answer takes longer than a connection (5s)",
        ));
    }
    let word = |word: &page::Word| TokenWord {
        at: leak(&word.at),
        word: leak(&word.word),
        refuses: match word.refuses {
            page::Refuses::Grant => Refused::Grant,
            page::Refuses::Client => Refused::Client,
        },
    };
    Ok(TokenScheme {
        base_url: token.base.as_deref().map(leak),
        client: match token.client {
            ClientShown::Body => Client::Body,
            ClientShown::Basic => Client::Basic,
        },
        encoding: match token.encoding {
            None => base.encoding,
            Some(BodyEncoding::Form) => Encoding::Form,
            Some(BodyEncoding::Json) => Encoding::Json,
        },
        header: token
            .header
            .as_deref()
            .map_or(base.header, |name| leak(&name.to_ascii_lowercase())),
        prefix: token.prefix.as_deref().map_or(base.prefix, leak),
        access_token: token
            .access_token
            .as_deref()
            .map_or(base.access_token, leak),
        expires_in: token.expires_in.as_deref().map_or(base.expires_in, leak),
        lifetime: token.lifetime.map_or(base.lifetime, |span| span.0),
        usable_after: token.usable_after.map_or(base.usable_after, |span| span.0),
        budget,
        words: leak_all(token.words.iter().map(word).collect()),
        timeout,
        ..base
    })
}

fn is_in_document(row: &LimitRow) -> bool {
    matches!(row.count, Some(Count::InDocument(_)))
}

/// The limit of a row; none where the operation's description gives no number for it.
fn limit(row: &LimitRow, in_document: &[u32]) -> Result<Option<Limit>, PackError> {
    let wrong = |rule: &str| wrong("limit", &row.name, rule);
    let count = match &row.count {
        Some(Count::Number(count)) => Some(*count),
        Some(Count::InDocument(text)) => {
            let at = text
                .strip_prefix("document:")
                .and_then(|at| at.parse::<usize>().ok());
            let at = at.and_then(|at| at.checked_sub(1));
            let at =
                at.ok_or_else(|| wrong("`document:1` is the first number of its description"))?;
            match in_document.get(at) {
                Some(count) => Some(*count),
                None => return Ok(None),
            }
        }
        None => None,
    };
    let name = leak(&row.name);
    let sound = |span: Duration| {
        let is_sound = span >= Duration::from_millis(1) && span <= Duration::from_secs(31 * 86_400);
        is_sound
            .then_some(span)
            .ok_or_else(|| wrong("a time from 1ms to 31d"))
    };
    let per = row.per.map(|span| sound(span.0)).transpose()?;
    if row.name.is_empty() {
        return Err(wrong("it needs a name"));
    }
    let limit = match (count, row.every, row.concurrent, row.bucket) {
        (Some(count), None, None, None) => {
            let per = per.ok_or_else(|| wrong("`count` needs `per`"))?;
            match count {
                0 => return Err(wrong("`count` is at least 1")),
                count => Limit::window(name, count, per),
            }
        }
        (None, Some(every), None, None) => Limit::paced(name, sound(every.0)?),
        (None, None, Some(permits @ 1..=100), None) => Limit::concurrency(name, permits),
        (None, None, None, Some(capacity @ 1..)) => {
            let refill = row.refill.filter(|refill| *refill > 0);
            match (refill, per) {
                // Less would not even pay for what clocks may differ by.
                (Some(refill), Some(per)) if per * capacity >= Duration::from_secs(1) * refill => {
                    Limit::bucket(name, capacity, refill, per)
                }
                (Some(_), Some(_)) => return Err(wrong("what fills in less than 1 s is a window")),
                _ => return Err(wrong("`bucket` needs `refill` and `per`")),
            }
        }
        _ => {
            return Err(wrong(
                "one of `count`, `every`, `concurrent` (1 to 100) and `bucket`",
            ));
        }
    };
    let limit = match row.in_cost {
        true if row.concurrent.is_some() => return Err(wrong("concurrency counts calls")),
        true => limit.in_cost(),
        false => limit,
    };
    let limit = match row.punished {
        true => limit.punished(),
        false => limit,
    };
    let scope = match row.scope.as_deref() {
        None => ScopeKey::Account,
        Some("operation") => ScopeKey::Operation,
        Some(field) => {
            let name = field
                .strip_prefix("payload:/")
                .filter(|name| !name.contains('/'));
            let name = name.ok_or_else(|| wrong("`scope` is `operation` or `payload:/field`"))?;
            ScopeKey::Field(leak(name))
        }
    };
    Ok(Some(limit.scoped(scope)))
}

/// What the page says of one operation: of its rows, later ones win key by key.
struct Said<'a> {
    safety: Option<&'a SafetyRow>,
    provenance: Provenance,
    timeout: Option<Duration>,
    cost: Option<u32>,
}

fn said(page: &'static Page, line: &OperationLine) -> Said<'static> {
    let nothing = Said {
        safety: None,
        provenance: UNKNOWN,
        timeout: None,
        cost: None,
    };
    let rows = page.operation.iter().filter(|row| {
        // A row that names its operation is about that one, not about others of its route.
        row.selectors.are(line)
            && (row.each.is_some() || row.name.as_ref().is_none_or(|name| *name == line.op))
    });
    rows.fold(nothing, |said, row| Said {
        safety: row.safety.as_ref().or(said.safety),
        // What one row says of safety, another's class and source do not prove.
        provenance: match row.safety {
            Some(_) => Provenance {
                class: row.class,
                src: row.src.as_deref(),
            },
            None => said.provenance,
        },
        timeout: row.timeout.map(|span| span.0).or(said.timeout),
        cost: row.cost.or(said.cost),
    })
}

/// An operation of the pack.
pub(super) fn known(source: &'static Source, line: OperationLine) -> Result<Known, PackError> {
    let page = &source.page;
    let mut said = said(page, &line);
    if raw::is(&line) {
        said.safety = None;
        said.provenance = UNKNOWN;
    }
    if said.provenance.class == Some(Class::Reviewed) && said.provenance.src.is_none() {
        return Err(wrong(
            "operation",
            &line.op,
            "what is reviewed has a source (`src`)",
        ));
    }
    let (safety, lookup) = match (said.safety, said.provenance.class) {
        (Some(row), Some(class)) if class >= source.least => safety(page, row)?,
        _ => (Safety::Unsafe, None),
    };
    // A call that goes out without its key or reference could not be told from one that was never made.
    if let Some(KeyPlace::Field(_) | KeyPlace::Inside(_)) = safety.key_place()
        && line.media.is_none()
    {
        return Err(wrong(
            "operation",
            &line.op,
            "its key stands in the body, and it has none",
        ));
    }
    let own = page.limit.iter().filter(|row| match &row.only {
        Some(only) => only.are(&line),
        None => is_in_document(row),
    });
    let mut limits = Vec::new();
    for row in own {
        limits.extend(limit(row, &line.limits)?);
    }
    let timeout = said.timeout.unwrap_or(DEFAULT_TIMEOUT);
    if timeout <= CONNECT_TIMEOUT {
        return Err(wrong(
            "operation",
            &line.op,
            "its timeout is at most that of a connection (5s)",
        ));
    }
    let batch = page.batch.iter().find(|row| row.selectors.are(&line));
    // The queue hands a request out again in other company: a key that names one call guards nothing.
    if batch.is_some() && safety != Safety::Natural {
        let rule = "calls that carry several requests are `natural`: each must be safe by itself";
        return Err(wrong("batch", &line.op, rule));
    }
    let told = page
        .limit
        .iter()
        .filter(|row| row.only.as_ref().is_none_or(|only| only.are(&line)));
    let told = told.filter(|row| row.left.is_some() || row.spent.is_some());
    let signals = told.map(|row| Signal {
        limit: leak(&row.name),
        left: row.left.as_ref(),
        reset: row.reset.as_ref().map(|place| {
            let counts = if row.reset_is_epoch {
                Counts::Epoch
            } else {
                Counts::Seconds
            };
            (place, counts)
        }),
        spent: row.spent.as_ref(),
    });
    let host = host(page, &line.doc);
    let of_secret = supplied(page, |place| {
        matches!(place, CallPlace::Header(_)) || line.supply.contains(place)
    });
    let hosts = page.address.base_of.keys().filter(|_| raw::is(&line));
    let hosts = hosts.filter_map(|document| self::host(page, document));
    let shape: &'static PackShape = Box::leak(Box::new(PackShape {
        source,
        line: line.clone(),
        batch,
        host,
        hosts: hosts.collect(),
        supplied: leak_all(of_secret),
    }));
    let operation = Operation {
        name: leak(&line.op),
        safety,
        limits: leak_all(limits),
        cost: said.cost.unwrap_or(1),
        timeout,
        most: batch.map_or(1, |batch| batch.most),
        shape,
    };
    let signals = signals.collect();
    Ok(Known {
        line,
        operation,
        lookup,
        host,
        supplied: shape.supplied,
        provenance: said.provenance,
        signals,
    })
}

/// The host of a document, where it has one of its own.
pub(super) fn host(page: &Page, document: &str) -> Option<&'static Host> {
    let base = page.address.base_of.get(document)?;
    let (alias, base_url) = (leak(document), leak(base));
    Some(Box::leak(Box::new(Host { alias, base_url })))
}

fn safety(
    page: &'static Page,
    row: &SafetyRow,
) -> Result<(Safety, Option<&'static LookupPage>), PackError> {
    Ok(match row {
        SafetyRow::Natural => (Safety::Natural, None),
        SafetyRow::Unsafe => (Safety::Unsafe, None),
        SafetyRow::Keyed {
            place,
            retention,
            looks_up_first,
        } => {
            let safety = Safety::Keyed {
                place: key_place(place)?,
                retention: retention.0,
                looks_up_first: *looks_up_first,
            };
            (safety, None)
        }
        SafetyRow::Lookup {
            table,
            reference,
            settle,
        } => {
            let lookup = page.lookup.get(table);
            let lookup = lookup.ok_or_else(|| wrong("lookup", table, "there is no such table"))?;
            let safety = Safety::Lookup {
                place: reference.as_ref().map(key_place).transpose()?,
                settle: settle.0,
            };
            (safety, Some(lookup))
        }
    })
}

fn key_place(place: &CallPlace) -> Result<KeyPlace, PackError> {
    match place {
        CallPlace::Header(name) => Ok(KeyPlace::Header(leak(name))),
        CallPlace::Body(names) => match names.as_slice() {
            [] => Err(wrong(
                "operation",
                "safety",
                "a key stands in a field of the body",
            )),
            [name] => Ok(KeyPlace::Field(leak(name))),
            names => {
                let names = names.iter().map(|name| leak(name)).collect();
                Ok(KeyPlace::Inside(leak_all(names)))
            }
        },
        CallPlace::Query(name) => Ok(KeyPlace::Query(leak(name))),
        CallPlace::Path(name) => Err(wrong("operation", name, "a key does not stand in a path")),
    }
}

/// What `signals` read from an answer.
pub(super) fn signals(signals: &[Signal], scene: &Scene<'_>) -> Signals {
    let first = |place: &Place| place.read(scene).into_iter().next();
    let mut told = Signals::default();
    for row in signals {
        let left = row.left.and_then(first).and_then(|seen| match &seen {
            Seen::Json(value) if value.is_number() => {
                value.as_f64().map(|left| left.max(0.0) as u32)
            }
            seen => signal::count(seen.as_str()?),
        });
        let reset = row.reset.and_then(|(place, counts)| {
            signal::reset(&first(place)?.as_text()?, counts, scene.now)
        });
        if let Some(spent) = row.spent {
            let spent = first(spent).and_then(|seen| seen.as_number());
            // What is refused by a limit in cost is not carried out, and costs nothing.
            let spent = spent.or(left.map(|_| 0.0));
            told.cost = spent.map(|spent| spent.max(0.0).ceil() as u32);
        }
        if let Some(left) = left {
            let limit = row.limit;
            told.remaining.push(Remaining { limit, left, reset });
        }
    }
    told
}

/// An operation's shape: its schema and its place in the vendor's API.
struct PackShape {
    source: &'static Source,
    line: OperationLine,
    batch: Option<&'static BatchRow>,
    host: Option<&'static Host>,
    /// Of the raw call: all that it may go to beside the provider's own.
    hosts: Vec<&'static Host>,
    supplied: &'static [Auth],
}

impl PackShape {
    fn one(&self, payload: &Value) -> Result<Wire, PayloadError> {
        if let Some(error) = self.check(payload, 1).pop() {
            return Err(error);
        }
        let page = &self.source.page;
        let mut wire = if raw::is(&self.line) {
            let (line, fields) = raw::modelled(page, payload)?;
            let mut wire = call::prepare(page, &line, &fields)?;
            let mut hosts = self.hosts.iter().copied();
            wire.host = hosts.find(|host| host.alias == line.doc);
            wire
        } else {
            let mut wire = call::prepare(page, &self.line, payload)?;
            wire.host = self.host;
            wire
        };
        wire.supplied = self.supplied;
        Ok(wire)
    }

    /// The elements of several calls in the first one's list.
    fn several(&self, batch: &BatchRow, payloads: &[&Value]) -> Result<Wire, PayloadError> {
        let CallPlace::Body(names) = &batch.at else {
            return self.one(payloads.first().copied().unwrap_or(&Value::Null));
        };
        let pointer: String = names.iter().map(|name| format!("/{name}")).collect();
        let mut whole: Option<(Wire, Value)> = None;
        for payload in payloads {
            let wire = self.one(payload)?;
            let mut body: Value = serde_json::from_slice(&wire.body).unwrap_or_default();
            let elements = body.pointer_mut(&pointer).and_then(Value::as_array_mut);
            let Some(elements) = elements else {
                return Ok(wire);
            };
            if let (Some(echo), Some(Value::Object(element))) = (&batch.echo, elements.first_mut())
            {
                let identity = identity(batch, payload);
                element.insert(echo.clone(), identity.unwrap_or_default().into());
            }
            match &mut whole {
                None => whole = Some((wire, body)),
                Some((_, whole)) => {
                    let all = whole.pointer_mut(&pointer).and_then(Value::as_array_mut);
                    if let Some(all) = all {
                        all.append(elements);
                    }
                }
            }
        }
        let (wire, body) = whole.ok_or_else(|| PayloadError {
            path: "payload".to_owned(),
            rule: "must be given".to_owned(),
        })?;
        Ok(wire.json(&body))
    }
}

/// What the vendor takes an element for: without the space around it, and in lower case, since whether vendors tell
/// names apart by case is hardly ever written.
fn identity(batch: &BatchRow, payload: &Value) -> Option<String> {
    let seen = Scene::of_payload(payload, |scene| {
        batch
            .identity
            .value(scene)
            .and_then(|seen| seen.as_text().map(String::from))
    });
    seen.map(|text| text.trim().to_lowercase())
}

impl Shape for PackShape {
    fn check(&self, payload: &Value, most: usize) -> Vec<PayloadError> {
        if !payload.is_object() {
            let (path, rule) = ("payload".to_owned(), "must be an object".to_owned());
            return vec![PayloadError { path, rule }];
        }
        shape::check(&self.line.schema, &self.source, payload, most)
    }

    fn prepare(&self, payloads: &[&Value]) -> Result<Wire, PayloadError> {
        match self.batch {
            Some(batch) => self.several(batch, payloads),
            None => self.one(payloads.first().copied().unwrap_or(&Value::Null)),
        }
    }

    /// Complete: what it refers to stands in its `$defs`.
    fn schema(&self) -> Schema {
        let mut schema = self.line.schema.clone();
        let mut definitions = Map::new();
        let mut open = references(&schema);
        while let Some(name) = open.pop() {
            if definitions.contains_key(&name) {
                continue;
            }
            let found = (&self.source as &dyn Definitions).schema(&name);
            let found = found.cloned().unwrap_or(Value::Bool(true));
            open.extend(references(&found));
            definitions.insert(name, found);
        }
        if let Value::Object(rules) = &mut schema {
            if !definitions.is_empty() {
                rules.insert("$defs".to_owned(), Value::Object(definitions));
            }
            let dialect = "https://json-schema.org/draft/2020-12/schema";
            rules.insert("$schema".to_owned(), dialect.into());
            rules.insert("title".to_owned(), self.line.op.clone().into());
        }
        Schema::try_from(schema).unwrap_or_default()
    }

    fn identity(&self, payload: &Value) -> Result<Option<String>, PayloadError> {
        let Some(batch) = self.batch else {
            return Ok(None);
        };
        match self.check(payload, 1).pop() {
            Some(error) => Err(error),
            None => Ok(identity(batch, payload)),
        }
    }
}

/// The names of the shared schemas that `schema` refers to.
fn references(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(rules) => {
                let name = rules.get("$ref").and_then(Value::as_str);
                found.extend(
                    name.and_then(|name| name.strip_prefix("#/$defs/"))
                        .map(str::to_owned),
                );
                open.extend(rules.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}
