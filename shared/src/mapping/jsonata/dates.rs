//! `$fromMillis` and `$toMillis`: as the language has them where that is right, and refused where it is not.
//!
//! The engine follows jsonata-js, and with it reads `+01:00` as one minute and `-0330` as four and a half hours, takes a
//! month that it does not know for January, 30 February for 2 March, `26` for 1926, and what a picture leaves out for
//! today's. Here an offset is an offset or a time zone, and a text is a date only where it is what the date is written
//! as. Pictures stay the engine's: words, ordinals and Roman numbers with them.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use jlens_core::{Bindings, Error, Expression, HostCall, Options, Result};
use serde_json::{Value, json};

use super::super::zone;
use super::args::{Answer, Args, number, pay, refused, text};
use crate::Timestamp;

/// Longest date and longest picture, in bytes: a date in words takes some 150.
const MAX_DATE: usize = 400;

/// Instants whose year has three or four digits: the engine takes years below 100 for those of 1900, and cuts longer
/// ones. 0100-01-01 and 9999-12-31T23:59:59.999.
const YEARS: Range<i64> = -59_011_459_200_000..253_402_300_800_000;

/// What an instant is written as where no picture is given.
const ISO: &str = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]";

/// A date's year, in full.
const WHOLE_YEAR: [&str; 6] = ["", "1", "0001", "0000", ",4", ",4-4"];

const NO_MATCH: &str = "the text is no date that is written as the picture says";

/// One function of the engine's own, for numbers and texts that were looked at.
struct Native(LazyLock<Option<Expression>>);

static FORMAT: Native = Native(LazyLock::new(|| {
    Expression::compile("$fromMillis(ms, picture)").ok()
}));
static PARSE: Native = Native(LazyLock::new(|| {
    Expression::compile("$toMillis(text, picture)").ok()
}));

impl Native {
    /// At 1970: what a picture leaves out must not be today's.
    fn call(&self, input: &Value) -> Answer {
        let expression = self.0.as_ref().ok_or_else(|| refused("is not available"))?;
        let options = Options::new()
            .max_steps(100)
            .timeout(Duration::from_millis(100))
            .max_string_length(MAX_DATE * 4)
            .now(0);
        expression.evaluate_with(Some(input), &Bindings::new(), &options)
    }
}

/// `[…]` in a picture.
struct Marker<'p> {
    at: Range<usize>,
    component: char,
    /// What follows the component: presentation and width.
    style: &'p str,
}

fn markers(picture: &str) -> Result<Vec<Marker<'_>>> {
    if picture.len() > MAX_DATE {
        return Err(refused("a picture is longer than 400 bytes"));
    }
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = picture[from..].find('[').map(|at| from + at) {
        if picture[open + 1..].starts_with('[') {
            from = open + 2;
            continue;
        }
        let Some(close) = picture[open..].find(']').map(|at| open + at) else {
            return Err(Error::new("D3135"));
        };
        let inner = picture[open + 1..close].trim();
        let component = inner.chars().next().unwrap_or(' ');
        found.push(Marker {
            at: open..close + 1,
            component,
            style: inner[component.len_utf8().min(inner.len())..].trim(),
        });
        from = close + 1;
    }
    Ok(found)
}

/// How an offset is written.
#[derive(Clone, Copy)]
struct OffsetStyle {
    prefix: &'static str,
    colon: bool,
    /// Minutes where there are some.
    hours: bool,
    /// `Z` for none.
    zulu: bool,
}

impl OffsetStyle {
    fn of(marker: &Marker<'_>) -> Option<Self> {
        let (digits, zulu) = match marker.style.strip_suffix('t') {
            Some(digits) => (digits, true),
            None => (marker.style, false),
        };
        let (colon, hours) = match digits {
            "" | "01:01" | "00:00" => (true, false),
            "0101" | "0001" | "0000" => (false, false),
            "01" | "00" => (true, true),
            _ => return None,
        };
        Some(Self {
            prefix: if marker.component == 'z' { "GMT" } else { "" },
            colon,
            hours,
            zulu,
        })
    }

    fn write(self, offset: i32) -> String {
        if self.zulu && offset == 0 {
            return "Z".to_owned();
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        let prefix = self.prefix;
        match (self.hours && minutes == 0, self.colon) {
            (true, _) => format!("{prefix}{sign}{hours:02}"),
            (_, true) => format!("{prefix}{sign}{hours:02}:{minutes:02}"),
            _ => format!("{prefix}{sign}{hours:02}{minutes:02}"),
        }
    }

    /// The offset that `text` ends with, and what stands before it.
    fn split(self, text: &str) -> Option<(&str, i32)> {
        if let Some(before) = text.strip_suffix('Z').filter(|_| self.zulu) {
            return Some((before, 0));
        }
        let at = text.rfind(['+', '-'])?;
        let offset = read_offset(&text[at..])?;
        let before = text[..at].strip_suffix(self.prefix)?;
        (self.write(offset) == text[before.len()..]).then_some((before, offset))
    }
}

/// `+01:00`, `+0100`, `+01`, `Z`: minutes.
fn read_offset(text: &str) -> Option<i32> {
    // The language's own word for none has no sign.
    if matches!(text, "Z" | "0000") {
        return Some(0);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits
            .split_once(':')
            .filter(|(hours, _)| hours.len() == 2)?,
        _ => return None,
    };
    let two = |digits: &str, most: i32| {
        let digits =
            Some(digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        let value: i32 = digits?.parse().ok()?;
        (value <= most).then_some(value)
    };
    Some(sign * (two(hours, 23)? * 60 + two(minutes, 59)?))
}

/// What a mapping's author can be told before there is a date: whether dates can be written as `picture` says.
pub(super) fn check_format(picture: &str) -> Result<()> {
    for marker in markers(picture)? {
        match marker.component {
            'f' if !["001", "000", ",3", ",3-3"].contains(&marker.style) => {
                return Err(refused("fractions of a second have three digits: [f001]"));
            }
            'Z' | 'z' if OffsetStyle::of(&marker).is_none() => {
                return Err(refused(
                    "an offset is written [Z], [Z01:01], [Z0101] or [Z01], with `t` for `Z` in UTC",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether dates can be read by `picture`: they are complete.
pub(super) fn check_parse(picture: &str) -> Result<()> {
    check_format(picture)?;
    let markers = markers(picture)?;
    let has = |component: char| markers.iter().any(|marker| marker.component == component);
    if let Some(year) = markers.iter().find(|marker| marker.component == 'Y')
        && !WHOLE_YEAR.contains(&year.style)
    {
        return Err(refused("a year is read with all its digits: [Y0001]"));
    }
    if !(has('Y') && (has('d') || has('M') && has('D'))) {
        return Err(refused(
            "a date is read with year, month and day: what is left out would be guessed",
        ));
    }
    if has('h') != has('P') {
        return Err(refused("an hour of twelve is read with [P]"));
    }
    if markers
        .iter()
        .any(|marker| !"YMDdFHhPmsfZz".contains(marker.component))
    {
        return Err(refused("the picture has a part that dates are not read by"));
    }
    let offset = markers
        .iter()
        .position(|marker| matches!(marker.component, 'Z' | 'z'));
    if offset.is_some_and(|at| at + 1 < markers.len() || markers[at].at.end < picture.len()) {
        return Err(refused("an offset is read at the end of a picture only"));
    }
    Ok(())
}

/// `$fromMillis(millis, picture?, zone?)`.
pub(super) fn from_millis(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(millis) = number(args, 0) else {
        return Ok(None);
    };
    let picture = text(args, 1).unwrap_or(ISO);
    check_format(picture)?;
    // Casts saturate, and what is out of range is refused.
    let instant = millis.floor() as i64;
    if !YEARS.contains(&instant) {
        return Err(refused("a date is between the years 100 and 9999"));
    }
    let offset = match text(args, 2) {
        None => 0,
        Some(name) => match read_offset(name) {
            Some(offset) => offset,
            None => zone::offset_at(name, instant).map_err(refused)?,
        },
    };
    let local = instant + i64::from(offset) * 60_000;
    if !YEARS.contains(&local) {
        return Err(refused("a date is between the years 100 and 9999"));
    }
    pay(MAX_DATE * 4)?;
    write(local, picture, offset)
}

/// `local`, a clock's time as if it were UTC's, as `picture` says.
fn write(local: i64, picture: &str, offset: i32) -> Answer {
    let mut literal = String::new();
    let mut from = 0;
    for marker in markers(picture)? {
        if let Some(style) =
            OffsetStyle::of(&marker).filter(|_| matches!(marker.component, 'Z' | 'z'))
        {
            literal.push_str(&picture[from..marker.at.start]);
            literal.push_str(&style.write(offset));
            from = marker.at.end;
        }
    }
    literal.push_str(&picture[from..]);
    FORMAT.call(&json!({"ms": local, "picture": literal}))
}

/// `$toMillis(text, picture?)`.
pub(super) fn to_millis(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(written) = text(args, 0) else {
        return Ok(None);
    };
    if written.len() > MAX_DATE {
        return Err(refused("a date is longer than 400 bytes"));
    }
    pay(MAX_DATE * 4)?;
    let millis = match text(args, 1) {
        None => read_iso(written).ok_or_else(|| {
            refused("a date without a picture is written YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SS with Z or an offset")
        })?,
        Some(picture) => {
            check_parse(picture)?;
            read(written, picture)?
        }
    };
    if YEARS.contains(&millis) {
        Ok(Some(json!(millis)))
    } else {
        Err(refused("a date is between the years 100 and 9999"))
    }
}

/// The instant that `written` is by `picture`: read by the engine, and taken where writing it gives the text again.
fn read(written: &str, picture: &str) -> Result<i64> {
    let offset = markers(picture)?
        .into_iter()
        .find(|marker| matches!(marker.component, 'Z' | 'z'));
    let (written, picture, offset) = match &offset {
        None => (written, picture, 0),
        Some(marker) => {
            let style = OffsetStyle::of(marker).ok_or_else(|| refused(NO_MATCH))?;
            let (before, offset) = style.split(written).ok_or_else(|| refused(NO_MATCH))?;
            (before, &picture[..marker.at.start], offset)
        }
    };
    let found = PARSE.call(&json!({"text": written, "picture": picture}))?;
    let local = found
        .and_then(|found| found.as_f64())
        .map(|found| found as i64);
    let local = local
        .filter(|local| YEARS.contains(local))
        .ok_or_else(|| refused(NO_MATCH))?;
    match write(local, picture, 0)? {
        Some(Value::String(again)) if is_same(&again, written) => {
            Ok(local - i64::from(offset) * 60_000)
        }
        _ => Err(refused(NO_MATCH)),
    }
}

/// Whether two dates are written alike, but for letters' case and leading zeros.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let mut bare = String::new();
        let mut is_leading = true;
        for (at, char) in text.char_indices() {
            let next = text[at + char.len_utf8()..].chars().next();
            let is_followed = next.is_some_and(|next| next.is_ascii_digit());
            if !(is_leading && char == '0' && is_followed) {
                bare.push(char.to_ascii_lowercase());
                is_leading = !char.is_ascii_digit();
            }
        }
        bare
    };
    bare(one) == bare(other)
}

/// ISO 8601 as far as nothing has to be guessed: a date alone begins at midnight UTC, a time has its offset.
fn read_iso(written: &str) -> Option<i64> {
    let complete = match written.len() {
        4 => format!("{written}-01-01T00:00:00Z"),
        7 => format!("{written}-01T00:00:00Z"),
        10 => format!("{written}T00:00:00Z"),
        _ => {
            let zone = written.rfind(['+', '-', 'Z']).filter(|at| *at > 10)?;
            let offset = read_offset(&written[zone..])?;
            let time = &written[..zone];
            // Seconds may be left out; RFC 3339 wants them.
            let seconds = if time.len() == 16 { ":00" } else { "" };
            let style = OffsetStyle {
                prefix: "",
                colon: true,
                hours: false,
                zulu: false,
            };
            format!("{time}{seconds}{}", style.write(offset))
        }
    };
    // RFC 3339 allows a leap second, which no clock here has.
    if complete.get(10..11) != Some("T") || complete.get(17..19) == Some("60") {
        return None;
    }
    Timestamp::parse_rfc3339(&complete)
        .ok()
        .map(Timestamp::as_millis)
}
