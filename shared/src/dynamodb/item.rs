//! Any serialisable object as an item in DynamoDB's typed JSON, straight into bytes. It says what `serde_dynamo` makes of
//! the same value (a test holds it to that), without a map of values in between: those maps were a tenth of a lane's work.

use std::fmt::{self, Display, Write as _};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{self, Serializer};

/// What cannot stand in an item.
#[derive(Debug)]
pub(super) struct NoItem;

impl Display for NoItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no item can be made of it")
    }
}

impl std::error::Error for NoItem {}

impl ser::Error for NoItem {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Done = Result<(), NoItem>;

/// Writes `object` as an item: what stands in the map that it is.
pub(super) fn write(object: &impl Serialize, out: &mut String) -> Done {
    let from = out.len();
    object.serialize(Typed(out))?;
    untyped(r#"{"M":"#, from, out)
}

/// Takes the type off what was written from there on.
fn untyped(typed: &str, from: usize, out: &mut String) -> Done {
    if !out[from..].starts_with(typed) {
        return Err(NoItem);
    }
    out.drain(from..from + typed.len());
    out.pop();
    Ok(())
}

/// Writes `text` as JSON does.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        // Bytes of longer characters are none of these.
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            _ => {
                // Writing to a text does not fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

struct Typed<'a>(&'a mut String);

impl Typed<'_> {
    fn text(self, text: &str) -> Done {
        self.0.push_str(r#"{"S":"#);
        quote(text, self.0);
        self.0.push('}');
        Ok(())
    }

    fn number(self, number: impl Display) -> Done {
        write!(self.0, r#"{{"N":"{number}"}}"#).map_err(|_| NoItem)
    }

    fn is(self, json: &str) -> Done {
        self.0.push_str(json);
        Ok(())
    }
}

impl<'a> Typed<'a> {
    fn list(self, end: &'static str) -> Several<'a> {
        self.0.push_str(r#"{"L":["#);
        Several::of(self.0, end)
    }

    fn map(self, end: &'static str) -> Several<'a> {
        self.0.push_str(r#"{"M":{"#);
        Several::of(self.0, end)
    }

    fn variant(self, name: &str) -> Typed<'a> {
        self.0.push_str(r#"{"M":{"#);
        quote(name, self.0);
        self.0.push(':');
        self
    }
}

impl<'a> Serializer for Typed<'a> {
    type Ok = ();
    type Error = NoItem;
    type SerializeSeq = Several<'a>;
    type SerializeTuple = Several<'a>;
    type SerializeTupleStruct = Several<'a>;
    type SerializeTupleVariant = Several<'a>;
    type SerializeMap = Several<'a>;
    type SerializeStruct = Several<'a>;
    type SerializeStructVariant = Several<'a>;

    fn serialize_bool(self, is: bool) -> Done {
        self.is(if is {
            r#"{"BOOL":true}"#
        } else {
            r#"{"BOOL":false}"#
        })
    }
    fn serialize_i8(self, number: i8) -> Done {
        self.number(number)
    }
    fn serialize_i16(self, number: i16) -> Done {
        self.number(number)
    }
    fn serialize_i32(self, number: i32) -> Done {
        self.number(number)
    }
    fn serialize_i64(self, number: i64) -> Done {
        self.number(number)
    }
    fn serialize_u8(self, number: u8) -> Done {
        self.number(number)
    }
    fn serialize_u16(self, number: u16) -> Done {
        self.number(number)
    }
    fn serialize_u32(self, number: u32) -> Done {
        self.number(number)
    }
    fn serialize_u64(self, number: u64) -> Done {
        self.number(number)
    }
    fn serialize_f32(self, number: f32) -> Done {
        self.number(number)
    }
    fn serialize_f64(self, number: f64) -> Done {
        self.number(number)
    }
    fn serialize_char(self, letter: char) -> Done {
        self.text(letter.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, text: &str) -> Done {
        self.text(text)
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Done {
        let text = STANDARD.encode(bytes);
        write!(self.0, r#"{{"B":"{text}"}}"#).map_err(|_| NoItem)
    }
    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        self.is(r#"{"NULL":true}"#)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        let Typed(out) = self.variant(variant);
        value.serialize(Typed(out))?;
        Typed(out).is("}}")
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Several<'a>, NoItem> {
        Ok(self.list("]}"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Several<'a>, NoItem> {
        Ok(self.list("]}"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Several<'a>, NoItem> {
        Ok(self.list("]}"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'a>, NoItem> {
        Ok(self.variant(variant).list("]}}}"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Several<'a>, NoItem> {
        Ok(self.map("}}"))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Several<'a>, NoItem> {
        Ok(self.map("}}"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'a>, NoItem> {
        Ok(self.variant(variant).map("}}}}"))
    }
}

/// The parts of a list or a map.
struct Several<'a> {
    out: &'a mut String,
    is_first: bool,
    end: &'static str,
}

impl<'a> Several<'a> {
    fn of(out: &'a mut String, end: &'static str) -> Self {
        Self {
            out,
            is_first: true,
            end,
        }
    }

    fn comma(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(',');
        }
    }

    fn part<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.comma();
        value.serialize(Typed(self.out))
    }

    fn field<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Done {
        self.comma();
        quote(name, self.out);
        self.out.push(':');
        value.serialize(Typed(self.out))
    }

    fn ended(self) -> Done {
        self.out.push_str(self.end);
        Ok(())
    }
}

impl ser::SerializeSeq for Several<'_> {
    type Ok = ();
    type Error = NoItem;
    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.ended()
    }
}

impl ser::SerializeTuple for Several<'_> {
    type Ok = ();
    type Error = NoItem;
    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.ended()
    }
}

impl ser::SerializeTupleStruct for Several<'_> {
    type Ok = ();
    type Error = NoItem;
    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.ended()
    }
}

impl ser::SerializeTupleVariant for Several<'_> {
    type Ok = ();
    type Error = NoItem;
    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.ended()
    }
}

impl ser::SerializeMap for Several<'_> {
    type Ok = ();
    type Error = NoItem;
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Done {
        self.comma();
        let from = self.out.len();
        key.serialize(Typed(self.out))?;
        untyped(r#"{"S":"#, from, self.out)?;
        self.out.push(':');
        Ok(())
    }
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        value.serialize(Typed(self.out))
    }
    fn end(self) -> Done {
        self.ended()
    }
}

impl ser::SerializeStruct for Several<'_> {
    type Ok = ();
    type Error = NoItem;
    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Done {
        self.field(name, value)
    }
    fn end(self) -> Done {
        self.ended()
    }
}

impl ser::SerializeStructVariant for Several<'_> {
    type Ok = ();
    type Error = NoItem;
    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Done {
        self.field(name, value)
    }
    fn end(self) -> Done {
        self.ended()
    }
}

#[cfg(test)]
mod tests;
