//! Looks at a value that the engine shows, without walking through it: the only bounded view that it offers is a copy,
//! so many items wide and so many levels deep.

use jlens_core::audit::{CaptureLimits, ValueRef};
use serde_json::Value;

/// Items of a list that are looked at where its inner lists matter.
pub(super) const LOOKED_AT: usize = 64;

/// What a value looks like; strings are cut to one character.
fn shape(items: usize, levels: usize) -> CaptureLimits {
    CaptureLimits {
        max_items: items,
        max_string: 1,
        max_depth: levels,
        ..CaptureLimits::default()
    }
}

/// Whether a list or an object was cut off here.
fn is_cut(value: &Value) -> bool {
    value.as_str() == Some("…")
}

/// Whether a part of what is seen is small and holds neither lists nor objects.
fn is_flat(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.len() <= LOOKED_AT && !items.iter().any(is_cut),
        Value::Object(fields) => fields.len() <= LOOKED_AT && !fields.values().any(is_cut),
        other => !is_cut(other),
    }
}

pub(super) fn is_container(value: ValueRef<'_>) -> bool {
    matches!(value.type_name(), "array" | "object")
}

/// Items of a list or fields of an object, without looking at one.
pub(super) fn length(value: ValueRef<'_>) -> usize {
    let told = match value.capture(&shape(0, 1)) {
        Some(Value::Array(mut told)) => told.pop(),
        Some(Value::Object(mut told)) => told.remove("…"),
        _ => None,
    };
    let Some(Value::String(told)) = told else {
        return 0;
    };
    let digits = told.bytes().filter(u8::is_ascii_digit);
    digits.fold(0_usize, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'))
    })
}

/// Bytes of a text.
pub(super) fn text_length(value: ValueRef<'_>) -> usize {
    match value.to_json() {
        Some(Value::String(text)) => text.len(),
        _ => 0,
    }
}

pub(super) fn number(value: ValueRef<'_>) -> Option<f64> {
    let is_number = value.type_name() == "number";
    is_number.then(|| value.to_json()?.as_f64()).flatten()
}

/// Whether a list of `length` items holds texts and numbers only.
pub(super) fn has_scalars_only(value: ValueRef<'_>, length: usize) -> bool {
    let seen = value.capture(&shape(length, 1));
    let seen = seen.as_ref().and_then(Value::as_array);
    !seen.is_some_and(|seen| seen.iter().any(is_cut))
}

/// Whether a list or an object is small, and flat itself.
pub(super) fn is_small_and_flat(value: ValueRef<'_>) -> bool {
    length(value) <= LOOKED_AT
        && value
            .capture(&shape(LOOKED_AT, 1))
            .is_none_or(|seen| is_flat(&seen))
}

/// Whether a list is small, and each of its items flat.
pub(super) fn has_flat_items(value: ValueRef<'_>) -> bool {
    let seen = value.capture(&shape(LOOKED_AT, 2));
    let seen = seen.as_ref().and_then(Value::as_array);
    length(value) <= LOOKED_AT && seen.is_none_or(|seen| seen.iter().all(is_flat))
}

/// Whether walking through a list, lists in it included, takes no longer than looking at it did. Objects are not
/// walked into; of a long list they cannot be told from lists.
pub(super) fn is_walked_soon(value: ValueRef<'_>) -> bool {
    let length = length(value);
    if length > LOOKED_AT {
        return has_scalars_only(value, length);
    }
    let seen = value.capture(&shape(LOOKED_AT, 2));
    let seen = seen.as_ref().and_then(Value::as_array);
    seen.is_none_or(|seen| seen.iter().all(|item| !item.is_array() || is_flat(item)))
}
