//! JSON documents: read as stout does through picojson, with its error texts and limits, and written as it does
//! through rapidjson.

use serde_json::{Map, Number, Value};

use crate::mesos::json::JsonError;

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 200;

/// Reads a JSON document.
///
/// # Errors
/// The text of picojson: the line, and what stands there from the first character that is not expected.
pub fn parse(text: impl AsRef<[u8]>) -> Result<Value, JsonError> {
    let text = text.as_ref();
    let mut input = Input { text, next: 0, last: None, returned: false, line: 1 };
    let value = match input.value(MAX_DEPTH) {
        Ok(value) => value,
        Err(Refused::OutOfRange) => return Err(JsonError::Syntax("Value out of range".into())),
        Err(Refused::Syntax) => {
            let line = input.line;
            let rest = input.rest_of_line();
            return Err(JsonError::Syntax(format!("syntax error at line {line} near: {rest}")));
        }
    };
    let end = text.iter().rposition(|c| !is_space(*c)).map_or(0, |last| last + 1);
    if input.next == end {
        return Ok(value);
    }
    let trailing = text.get(input.next..end).or_else(|| text.get(input.next..)).unwrap_or_default();
    Err(JsonError::Syntax(format!(
        "Parsed JSON included non-whitespace trailing characters: {}",
        String::from_utf8_lossy(trailing)
    )))
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r')
}

enum Refused {
    Syntax,
    OutOfRange,
}

type Parsed<T> = Result<T, Refused>;

/// The text with one character that can be given back.
struct Input<'a> {
    text: &'a [u8],
    next: usize,
    last: Option<u8>,
    returned: bool,
    line: usize,
}

impl Input<'_> {
    fn read(&mut self) -> Option<u8> {
        if std::mem::take(&mut self.returned) {
            return self.last;
        }
        let Some(c) = self.text.get(self.next) else {
            self.last = None;
            return None;
        };
        self.line += usize::from(self.last == Some(b'\n'));
        self.next += 1;
        self.last = Some(*c);
        self.last
    }

    fn give_back(&mut self) {
        self.returned = self.last.is_some();
    }

    fn accepts(&mut self, wanted: u8) -> bool {
        let matched = self.read() == Some(wanted);
        if !matched {
            self.give_back();
        }
        matched
    }

    fn comes(&mut self, wanted: u8) -> bool {
        self.skip_spaces();
        self.accepts(wanted)
    }

    fn skip_spaces(&mut self) {
        while self.read().is_some_and(is_space) {}
        self.give_back();
    }

    fn rest_of_line(&mut self) -> String {
        let mut rest = Vec::new();
        while let Some(c) = self.read().filter(|c| *c != b'\n') {
            if c >= b' ' {
                rest.push(c);
            }
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    fn value(&mut self, depth: usize) -> Parsed<Value> {
        self.skip_spaces();
        match self.read() {
            Some(b'n') => self.word("ull", Value::Null),
            Some(b't') => self.word("rue", Value::Bool(true)),
            Some(b'f') => self.word("alse", Value::Bool(false)),
            Some(b'"') => self.string().map(Value::String),
            Some(b'[') => self.array(depth.checked_sub(1).ok_or(Refused::Syntax)?),
            Some(b'{') => self.object(depth.checked_sub(1).ok_or(Refused::Syntax)?),
            Some(b'0'..=b'9' | b'-') => {
                self.give_back();
                self.number()
            }
            _ => {
                self.give_back();
                Err(Refused::Syntax)
            }
        }
    }

    fn word(&mut self, rest: &str, value: Value) -> Parsed<Value> {
        if rest.bytes().all(|c| self.accepts(c)) { Ok(value) } else { Err(Refused::Syntax) }
    }

    fn array(&mut self, depth: usize) -> Parsed<Value> {
        let mut values = Vec::new();
        if self.comes(b']') {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth)?);
            if !self.comes(b',') {
                break;
            }
        }
        if self.comes(b']') { Ok(Value::Array(values)) } else { Err(Refused::Syntax) }
    }

    fn object(&mut self, depth: usize) -> Parsed<Value> {
        let mut members = Map::new();
        if self.comes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if !self.comes(b'"') {
                return Err(Refused::Syntax);
            }
            let name = self.string()?;
            if !self.comes(b':') {
                return Err(Refused::Syntax);
            }
            members.insert(name, self.value(depth)?);
            if !self.comes(b',') {
                break;
            }
        }
        if self.comes(b'}') { Ok(Value::Object(members)) } else { Err(Refused::Syntax) }
    }

    fn string(&mut self) -> Parsed<String> {
        let mut out = Vec::new();
        loop {
            match self.read() {
                Some(b'"') => return Ok(String::from_utf8_lossy(&out).into_owned()),
                Some(b'\\') => self.escape(&mut out)?,
                Some(c) if c >= b' ' => out.push(c),
                _ => {
                    self.give_back();
                    return Err(Refused::Syntax);
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Parsed<()> {
        out.push(match self.read() {
            Some(c @ (b'"' | b'\\' | b'/')) => c,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let c = self.code_point()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(Refused::Syntax),
        });
        Ok(())
    }

    fn code_point(&mut self) -> Parsed<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or(Refused::Syntax);
        }
        if self.read() != Some(b'\\') || self.read() != Some(b'u') {
            self.give_back();
            return Err(Refused::Syntax);
        }
        let second = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(Refused::Syntax);
        }
        let pair = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        char::from_u32(pair).ok_or(Refused::Syntax)
    }

    fn four_digits(&mut self) -> Parsed<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let Some(digit) = self.read().and_then(|c| char::from(c).to_digit(16)) else {
                self.give_back();
                return Err(Refused::Syntax);
            };
            value = value * 16 + digit;
        }
        Ok(value)
    }

    /// An integer where 64 bits hold it, signed or not, else a double.
    fn number(&mut self) -> Parsed<Value> {
        let mut text = String::new();
        while let Some(c @ (b'0'..=b'9' | b'+' | b'-' | b'e' | b'E' | b'.')) = self.read() {
            text.push(char::from(c));
        }
        self.give_back();
        if let Ok(value) = text.parse::<i64>() {
            return Ok(Value::from(value));
        }
        if let Ok(value) = text.parse::<u64>() {
            return Ok(Value::from(value));
        }
        let value: f64 = text.parse().map_err(|_| Refused::Syntax)?;
        Number::from_f64(value).map(Value::Number).ok_or(Refused::OutOfRange)
    }
}

/// The text of a JSON value as Mesos prints it, without any whitespace.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(value) => write_f64(out, value),
            None => out.push_str(&number.to_string()),
        },
        Value::String(text) => write_string(out, text),
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_value(out, value);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_string(out, name);
                out.push(':');
                write_value(out, value);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
    }
}

/// Appends a double: the shortest digits that mean it, always with a fraction or an exponent.
pub fn write_f64(out: &mut String, value: f64) {
    use std::fmt::Write as _;
    let start = out.len();
    let plain = value == 0.0 || (1e-6..1e21).contains(&value.abs());
    let written = match value.is_finite() {
        true if plain => write!(out, "{value}"),
        true => write!(out, "{value:e}"),
        false => write!(out, "null"),
    };
    if written.is_ok() && plain && !out[start..].contains('.') {
        out.push_str(".0");
    }
}

/// Appends a string in quotes.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (index, c) in text.bytes().enumerate() {
        if c >= b' ' && c != b'"' && c != b'\\' {
            continue;
        }
        out.push_str(&text[plain..index]);
        plain = index + 1;
        write_escape(out, c);
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

fn write_escape(out: &mut String, c: u8) {
    let short = match c {
        b'"' => '"',
        b'\\' => '\\',
        8 => 'b',
        12 => 'f',
        b'\n' => 'n',
        b'\r' => 'r',
        b'\t' => 't',
        _ => return out.push_str(&format!("\\u{c:04X}")),
    };
    out.push('\\');
    out.push(short);
}
