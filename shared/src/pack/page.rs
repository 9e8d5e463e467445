//! `provider.toml`: the reviewed page about a vendor. What each table says stands in `functions/PACKS.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::text::{Detail, Given};
use super::time::{Span, Until, Wait};
use super::{CallPlace, OperationLine, Place, Selectors, Statuses, When};

/// The page.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The provider's name: `[a-z0-9-]{1,64}`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is for, in a sentence.
    pub about: Option<String>,
    /// Raised with what the pack takes: a message says which one accepted it, and a lane with an older one waits for its
    /// own instead of refusing what it does not know.
    #[serde(default)]
    pub revision: u32,
    /// Where answers name what was made.
    #[serde(default = "default_object_id")]
    pub object_id: Vec<Place>,
    /// A 2xx without one is no answer of the vendor's: the outcome is unknown.
    #[serde(default)]
    pub need_id: bool,
    /// Routes that the raw call may take.
    #[serde(default)]
    pub raw: Selectors,
    /// A harmless read that proves credentials: `GET /me`.
    pub check: Option<String>,
    /// Addresses by name, for the rows' `src`.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// The vendor's documents.
    pub document: Option<Document>,
    /// Where the API is.
    pub address: Address,
    /// Ways of connecting an account; the secret's fields decide.
    pub auth: Vec<Way>,
    /// What no producer says.
    #[serde(default)]
    pub supply: BTreeMap<CallPlace, Supply>,
    /// How bodies are written.
    #[serde(default)]
    pub encode: Encode,
    /// Limits.
    #[serde(default)]
    pub limit: Vec<LimitRow>,
    /// What answers mean; the first row that fits.
    #[serde(default)]
    pub answer: Vec<AnswerRow>,
    /// What is known of operations; later rows win key by key.
    #[serde(default)]
    pub operation: Vec<OperationRow>,
    /// Questions to the vendor, by name.
    #[serde(default)]
    pub lookup: BTreeMap<String, LookupPage>,
    /// Operations whose calls carry several requests.
    #[serde(default)]
    pub batch: Vec<BatchRow>,
    /// The lane itself.
    #[serde(default)]
    pub lane: LanePage,
}

/// The JSON Schema of a page, for editors.
#[must_use]
pub fn page_schema() -> Schema {
    schemars::schema_for!(Page)
}

impl Page {
    /// The sources that `src` names, each with its address and the words that follow it. What names none and is no address
    /// stands as it is.
    #[must_use]
    pub fn sources_of(&self, src: &str) -> Vec<String> {
        let told = src.split("; ").map(|part| {
            let (name, words) = part.split_once(": ").unwrap_or((part, ""));
            match (self.sources.get(name), words) {
                (Some(address), "") => address.clone(),
                (Some(address), words) => format!("{address} ({words})"),
                (None, _) => part.to_owned(),
            }
        });
        told.collect()
    }

    pub(super) fn refuses_unknown_fields(&self) -> bool {
        let document = self.document.as_ref();
        document.is_none_or(|document| document.unknown_fields == Strictness::Refuse)
    }

    /// What stands before the operation's path.
    pub(super) fn prefix(&self, line: &OperationLine) -> &str {
        let own = self.address.prefix_of.get(&line.doc);
        own.unwrap_or(&self.address.prefix)
    }
}

fn default_object_id() -> Vec<Place> {
    Place::try_from("/id".to_owned()).into_iter().collect()
}

/// Which documents the operations come from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Alias → file, as given to the import.
    pub files: BTreeMap<String, String>,
    /// The day on which they were read.
    pub read: String,
    /// As the document or its repository states it.
    pub licence: String,
    /// What becomes of fields that the document does not know.
    #[serde(default)]
    pub unknown_fields: Strictness,
    /// What becomes of values that its enumerations do not have.
    #[serde(default)]
    pub enums: Strictness,
    /// Finds numbers of limits in operations' descriptions: one group a number.
    pub limits: Option<String>,
}

/// What becomes of what a document does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    /// It is refused.
    #[default]
    Refuse,
    /// It goes through: the document is older than the API.
    Warn,
}

/// Where the API is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Scheme and host, without a trailing slash; `{field}` is one of `secret`.
    pub base: String,
    /// Other hosts, by document.
    #[serde(default)]
    pub base_of: BTreeMap<String, String>,
    /// What stands before the documents' paths.
    #[serde(default)]
    pub prefix: String,
    /// Prefixes by document, where they differ.
    #[serde(default)]
    pub prefix_of: BTreeMap<String, String>,
    /// What base and paths take from the connection's secret.
    #[serde(default)]
    pub secret: BTreeMap<String, AddressPart>,
    /// The source.
    pub src: Option<String>,
}

/// What a field of the secret may be, where it stands in an address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AddressPart {
    /// One label of a host's name.
    Host,
    /// An identifier of at most so many letters, digits, `_` and `-`.
    Id(usize),
    /// What the secret may say, and what stands there then; the first where it says nothing.
    Choice(Vec<[String; 2]>),
}

/// One way of connecting an account: all that is shown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// What is shown.
    pub show: Vec<Show>,
    /// The source.
    pub src: String,
}

/// One thing that is shown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// `Authorization: Bearer` with this field of the secret.
    Bearer(String),
    /// A header.
    Header {
        /// Its name.
        name: String,
        /// The secret's field.
        field: String,
        /// What stands before it, the space included.
        #[serde(default)]
        prefix: String,
    },
    /// `Authorization: Basic` with user and password: fields of the secret, or `=text`.
    Basic([String; 2]),
    /// A parameter of the query.
    Query {
        /// Its name.
        name: String,
        /// The secret's field.
        field: String,
    },
    /// A top-level field of the JSON body.
    Body {
        /// Its name.
        name: String,
        /// The secret's field.
        field: String,
    },
    /// An access token.
    Token(Box<TokenPage>),
}

/// How an access token is got.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenPage {
    /// What is exchanged.
    pub grant: GrantKind,
    /// The endpoint's path.
    pub path: String,
    /// Its host, where it is another than the API's.
    pub base: Option<String>,
    /// How the client is shown.
    #[serde(default)]
    pub client: ClientShown,
    /// How the body is written; logins are JSON where nothing is said.
    pub encoding: Option<BodyEncoding>,
    /// The header that shows the token.
    pub header: Option<String>,
    /// What stands before it there, the space included.
    pub prefix: Option<String>,
    /// The scope asked for.
    pub scope: Option<String>,
    /// Each exchange gives a new refresh token, and the old one is dead.
    #[serde(default)]
    pub rotating: bool,
    /// The old one works for a while for those who lost the answer.
    #[serde(default)]
    pub grace: bool,
    /// A token's life where the answer says nothing.
    pub lifetime: Option<Span>,
    /// How long a new token is not used yet.
    pub usable_after: Option<Span>,
    /// How many tokens the vendor gives out.
    pub budget: Option<Budget>,
    /// The vendor's own words for a refusal.
    #[serde(default)]
    pub words: Vec<Word>,
    /// Of a login: the body's field → the secret's.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// JSON pointer to the token in the answer.
    pub access_token: Option<String>,
    /// JSON pointer to its life in seconds.
    pub expires_in: Option<String>,
    /// Longest wait for the answer.
    pub timeout: Option<Span>,
}

/// What is exchanged for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// OAuth 2 client credentials.
    ClientCredentials,
    /// An OAuth 2 refresh token.
    RefreshToken,
    /// Fields of the secret.
    Login,
}

/// How an OAuth 2 client shows itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientShown {
    /// In the body.
    #[default]
    Body,
    /// HTTP Basic.
    Basic,
}

/// How a token call's body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyEncoding {
    /// As a form.
    Form,
    /// As JSON.
    Json,
}

/// At most `tokens` in any time of length `within`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Tokens.
    pub tokens: u32,
    /// In a window of this length.
    pub within: Span,
}

/// What a word in a token endpoint's answer says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// JSON pointer to it.
    #[serde(default = "error_pointer")]
    pub at: String,
    /// The word.
    pub word: String,
    /// What is no good.
    pub refuses: Refuses,
}

fn error_pointer() -> String {
    "/error".to_owned()
}

/// What a token endpoint finds no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Refuses {
    /// The refresh token.
    Grant,
    /// The client.
    Client,
}

/// Where a value comes from that no producer says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Supply {
    /// It is always this.
    Fixed(Value),
    /// It stands in this field of the secret.
    Secret(String),
    /// It is never sent.
    Drop,
}

/// How bodies are written, where the document is silent or wrong.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Encode {
    /// Lists in forms.
    pub form: FormArrays,
    /// The media type of bodies.
    pub media: Option<String>,
    /// The source.
    pub src: Option<String>,
}

/// Lists in forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FormArrays {
    /// `a[0]=1&a[1]=2`.
    #[default]
    Indexed,
    /// `a=1&a=2`.
    Repeated,
    /// `a[]=1&a[]=2`.
    Brackets,
}

/// A limit: `count` per `per`, one `every`, `concurrent`, or a `bucket` with its `refill` per `per`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitRow {
    /// Its name in metrics.
    pub name: String,
    /// Calls in a window: a number, or `document:1` for the first that the operation's description gives.
    pub count: Option<Count>,
    /// The window's length, or the refill's.
    pub per: Option<Span>,
    /// One call in so long.
    pub every: Option<Span>,
    /// Calls at once.
    pub concurrent: Option<u32>,
    /// What the vendor's bucket holds.
    pub bucket: Option<u32>,
    /// What it gets back.
    pub refill: Option<u32>,
    /// `operation`, or `payload:/field`; else it counts over the connection.
    pub scope: Option<String>,
    /// The operations that it counts.
    pub only: Option<Selectors>,
    /// It counts what calls cost.
    #[serde(default)]
    pub in_cost: bool,
    /// The vendor punishes an excess (suspends, locks out) instead of refusing the call.
    #[serde(default)]
    pub punished: bool,
    /// Where answers say what is left.
    pub left: Option<Place>,
    /// Where answers say when it is counted anew, and what the number there counts.
    pub reset: Option<Place>,
    /// Whether the reset is a Unix time instead of seconds from now.
    #[serde(default)]
    pub reset_is_epoch: bool,
    /// Where answers say what the call has cost.
    pub spent: Option<Place>,
    /// The source.
    pub src: String,
}

/// How many.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count {
    /// So many.
    Number(u32),
    /// `document:1`.
    InDocument(String),
}

/// What an answer means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRow {
    /// Of which status.
    pub status: Option<Statuses>,
    /// All of these hold.
    #[serde(default)]
    pub when: When,
    /// One of these holds as a whole.
    pub any: Option<Vec<When>>,
    /// To which operations.
    pub op: Option<Selectors>,
    /// What it means.
    pub is: Meaning,
    /// Of a retry or an ambiguous end.
    pub code: Option<String>,
    /// What the vendor said, in codes.
    pub detail: Option<Detail>,
    /// Where it names what was made; an empty list where it does not.
    pub id: Option<Vec<Place>>,
    /// How long to wait where the answer has no `Retry-After`.
    pub after: Option<Wait>,
    /// Until when a quota is spent: the first that is there.
    #[serde(default, deserialize_with = "one_or_more")]
    #[schemars(with = "OneOrMore<Until>")]
    pub until: Vec<Until>,
    /// It counts against the vendor's health.
    #[serde(default)]
    pub fault: bool,
    /// The vendor shows this very answer again for the same key.
    #[serde(default)]
    pub replayed: bool,
    /// The source.
    pub src: String,
    /// What it means, in a sentence for people.
    pub means: Option<String>,
    /// Who can change it.
    pub who: Option<Who>,
    /// What to do.
    #[serde(rename = "do")]
    pub advice: Option<String>,
}

/// One, or a list.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

fn one_or_more<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(one) => vec![one],
        OneOrMore::More(more) => more,
    })
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// It took effect.
    Delivered,
    /// It was taken, and its outcome comes later.
    Accepted,
    /// No effect, for good.
    Rejected,
    /// There already.
    Exists,
    /// An earlier call with our key is at work.
    KeyInUse,
    /// No effect; again later.
    Retry,
    /// This object is held for a moment.
    Locked,
    /// A rate limit.
    Throttled,
    /// A quota of the day, or the account is closed for a while.
    QuotaSpent,
    /// It may have taken effect.
    Ambiguous,
    /// It may have taken effect, and the vendor is ill.
    Unwell,
    /// The credentials were refused.
    Unauthorised,
    /// Good credentials that may not do this.
    Forbidden,
    /// A firewall's page.
    Blocked,
    /// The account has another address.
    Moved,
    /// As HTTP's own rules say.
    ByStatus,
}

/// Who can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// Who sent the request.
    You,
    /// The vendor.
    Vendor,
    /// Whoever administers the account at the vendor.
    Account,
    /// Causeway, by itself.
    Causeway,
}

/// What is known of operations.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationRow {
    /// Which operations.
    #[serde(rename = "for")]
    pub selectors: Selectors,
    /// What an ambiguous end means.
    pub safety: Option<SafetyRow>,
    /// Where that is known from.
    pub class: Option<Class>,
    /// The source.
    pub src: Option<String>,
    /// Longest wait for the answer.
    pub timeout: Option<Span>,
    /// What a call reserves of limits in cost.
    pub cost: Option<u32>,
    /// For the import: the operation's name.
    pub name: Option<String>,
    /// For the import: only these fields.
    pub pick: Option<Vec<String>>,
    /// For the import: not these fields.
    pub omit: Option<Vec<String>>,
    /// For the import: these fields must be given.
    pub require: Option<Vec<String>>,
    /// For the import: one operation for each value of a field.
    pub each: Option<BTreeMap<String, Vec<String>>>,
    /// For the import: JSON Schemas of fields, over the document's.
    pub patch: Option<BTreeMap<String, Value>>,
    /// For the import: pointer under which the body's fields stand in the call.
    pub wrap: Option<String>,
    /// For the import: what every call carries.
    pub fixed: Option<BTreeMap<CallPlace, Value>>,
    /// For the import: the body's media type.
    pub media: Option<String>,
}

/// What may be done when nobody knows whether a call took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SafetyRow {
    /// Sending it twice changes nothing.
    Natural,
    /// Never sent again.
    Unsafe,
    /// The vendor honours a key.
    Keyed {
        /// Where the key stands.
        place: CallPlace,
        /// How long the vendor remembers it.
        retention: Span,
        /// The vendor looks the key up before it judges the call.
        looks_up_first: bool,
    },
    /// The vendor can be asked.
    Lookup {
        /// Which of the page's lookups.
        table: String,
        /// Where calls carry our reference.
        reference: Option<CallPlace>,
        /// How long the vendor may take to show what it has done.
        settle: Span,
    },
}

/// A safety's fields as they are written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SafetyFields {
    keyed: Option<CallPlace>,
    retention: Option<Span>,
    looks_up_first: Option<bool>,
    /// The longest key that the vendor takes, in characters: ours have 45.
    longest: Option<usize>,
    lookup: Option<String>,
    reference: Option<CallPlace>,
    settle: Option<Span>,
}

/// The longest key of ours.
const KEY_MAX: usize = 45;

impl SafetyFields {
    fn row(self) -> Result<SafetyRow, &'static str> {
        match self {
            Self {
                longest: Some(longest),
                ..
            } if longest < KEY_MAX => {
                Err("keys have up to 45 characters, and the vendor takes fewer")
            }
            Self {
                keyed: Some(place),
                retention: Some(retention),
                lookup: None,
                reference: None,
                settle: None,
                ..
            } => {
                let looks_up_first = self.looks_up_first.unwrap_or(false);
                Ok(SafetyRow::Keyed {
                    place,
                    retention,
                    looks_up_first,
                })
            }
            Self {
                lookup: Some(table),
                settle: Some(settle),
                keyed: None,
                retention: None,
                ..
            } => {
                let reference = self.reference;
                Ok(SafetyRow::Lookup {
                    table,
                    reference,
                    settle,
                })
            }
            Self { keyed: Some(_), .. } => {
                Err("`keyed` has a `retention`, and nothing of a lookup")
            }
            Self {
                lookup: Some(_), ..
            } => Err("`lookup` has a `settle`, and nothing of a key"),
            _ => Err("it is `natural`, `unsafe`, { keyed, retention }, or { lookup, settle }"),
        }
    }
}

impl<'de> Deserialize<'de> for SafetyRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kinds;

        impl<'de> Visitor<'de> for Kinds {
            type Value = SafetyRow;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`natural`, `unsafe`, { keyed, retention }, or { lookup, settle }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SafetyRow, E> {
                match text {
                    "natural" => Ok(SafetyRow::Natural),
                    "unsafe" => Ok(SafetyRow::Unsafe),
                    other => Err(E::unknown_variant(other, &["natural", "unsafe"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SafetyRow, A::Error> {
                let fields = SafetyFields::deserialize(MapAccessDeserializer::new(map))?;
                fields.row().map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Kinds)
    }
}

impl JsonSchema for SafetyRow {
    fn schema_name() -> Cow<'static, str> {
        "SafetyRow".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<SafetyFields>();
        json_schema!({"anyOf": [{"enum": ["natural", "unsafe"]}, fields]})
    }
}

/// Where an operation's safety is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Guessed from its shape.
    Inferred,
    /// Read in the vendor's documentation.
    Reviewed,
}

/// How the vendor is asked for what an earlier call may have made, and what its list says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupPage {
    /// The path of a GET, as it goes out.
    pub get: Option<String>,
    /// The path of a POST with a JSON body.
    pub post: Option<String>,
    /// Parameters, or the body's fields (JSON pointers).
    #[serde(default)]
    pub ask: BTreeMap<String, Given>,
    /// Parameters that are only asked with where this holds.
    #[serde(default)]
    pub ask_if: BTreeMap<String, When>,
    /// Where it does not hold, nothing is asked, and nobody knows.
    #[serde(default)]
    pub need: When,
    /// The list in the answer, or the one object.
    pub items: Place,
    /// The answer that says that there is none, where the vendor answers with the object itself.
    pub missing: Option<Missing>,
    /// Else the list is not complete: nothing is a miss.
    #[serde(default)]
    pub all: When,
    /// Elements that do not count.
    #[serde(default)]
    pub skip: Vec<When>,
    /// An element that is ours; none where Rust tells.
    pub ours: Option<When>,
    /// An element that stands in ours' place.
    pub other: Option<When>,
    /// Elements that may be ours.
    #[serde(default)]
    pub unclear: Vec<When>,
    /// The most elements that can be ours at once; more tell nothing.
    pub hits: Option<usize>,
    /// Where an element names itself.
    pub id: Option<Place>,
    /// The source.
    pub src: String,
}

/// An answer to a question that says that there is nothing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// Of which status.
    pub status: Statuses,
    /// And all of these hold: a wrong address has the same status.
    #[serde(default)]
    pub when: When,
}

/// A call that carries several requests.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRow {
    /// Which operations.
    #[serde(rename = "for")]
    pub selectors: Selectors,
    /// How many at most.
    pub most: usize,
    /// The list in the call's body.
    pub at: CallPlace,
    /// What the vendor takes an element for, folded: trimmed and in lower case.
    pub identity: Given,
    /// The element's field that carries the identity.
    pub echo: Option<String>,
    /// The source.
    pub src: String,
}

/// The lane itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LanePage {
    /// Whose circuit breaks.
    pub breaker: BreakerOf,
}

/// Whose circuit breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BreakerOf {
    /// The provider's.
    #[default]
    Provider,
    /// Each connection's.
    Connection,
}
