//! Protobuf as proto2 means it, where prost is more lenient: required fields must be there, and a number that an enum
//! does not have leaves its field unset.

use prost::{
    Name,
    bytes::Buf,
    encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint},
};
use thiserror::Error;

use crate::mesos::schema::{Field, Kind, Message, Schema, Shape, schema};

/// How many missing fields are named: each empty element of a large list lacks some, and their paths are far longer
/// than it is.
const MAX_MISSING: usize = 1000;

/// How many messages one may hold: empty ones are bytes on the wire and kilobytes in memory. 10,000 tasks hold a fifth.
const MAX_MESSAGES: usize = 500_000;

/// How deep messages nest, as in prost.
const MAX_DEPTH: usize = 100;

/// Why bytes are not the message they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    #[error("malformed protobuf")]
    Malformed,
    #[error("more than {MAX_MESSAGES} messages in one")]
    TooMany,
    /// The paths of the missing fields, as Mesos names them: `subscribe.framework_info`.
    #[error("missing required fields: {}", .0.join(", "))]
    Missing(Vec<String>),
}

/// Decodes a message.
///
/// # Errors
/// For malformed bytes, for too many messages, and for messages that lack a required field.
pub fn decode<M: prost::Message + Name + Default>(bytes: impl AsRef<[u8]>) -> Result<M, DecodeError> {
    let bytes = bytes.as_ref();
    let shape = schema().message(&M::full_name());
    let missing = missing_fields(shape, bytes)?;
    if !missing.is_empty() {
        return Err(DecodeError::Missing(missing));
    }
    let message = M::decode(bytes)?;
    match has_foreign_enum(shape, bytes)? {
        false => Ok(message),
        true => Ok(M::decode(known(shape, bytes)?.as_slice())?),
    }
}

impl From<prost::DecodeError> for DecodeError {
    fn from(_: prost::DecodeError) -> Self {
        Self::Malformed
    }
}

/// A field as it stands on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn read(bytes: &mut &'a [u8], r#type: WireType) -> Result<Self, DecodeError> {
        Ok(match r#type {
            WireType::Varint => Self::Varint(decode_varint(bytes)?),
            WireType::SixtyFourBit => {
                Self::Fixed64(bytes.try_get_u64_le().map_err(|_| DecodeError::Malformed)?)
            }
            WireType::ThirtyTwoBit => {
                Self::Fixed32(bytes.try_get_u32_le().map_err(|_| DecodeError::Malformed)?)
            }
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(bytes)?).map_err(|_| DecodeError::Malformed)?;
                let (own, rest) = bytes.split_at_checked(length).ok_or(DecodeError::Malformed)?;
                *bytes = rest;
                Self::Bytes(own)
            }
            WireType::StartGroup | WireType::EndGroup => return Err(DecodeError::Malformed),
        })
    }

    /// The bytes of a string, of bytes or of a message; none for what should not be here.
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Varint(_) | Self::Fixed64(_) | Self::Fixed32(_) => &[],
        }
    }

    /// The bits of a number, whatever its width; zero for what should not be here.
    pub(super) fn bits(self) -> u64 {
        match self {
            Self::Varint(bits) | Self::Fixed64(bits) => bits,
            Self::Fixed32(bits) => u64::from(bits),
            Self::Bytes(_) => 0,
        }
    }
}

/// The known fields of a message in declared order, each with its place; packed values one by one, numbers that an
/// enum does not have left out.
pub(super) fn fields<'a>(
    message: &Message,
    mut bytes: &'a [u8],
) -> Result<Vec<(usize, Wire<'a>)>, DecodeError> {
    let mut found = Vec::with_capacity(message.fields.len());
    while !bytes.is_empty() {
        let (number, r#type) = decode_key(&mut bytes)?;
        let wire = Wire::read(&mut bytes, r#type)?;
        let Some(place) = message.place(number) else { continue };
        let field = &message.fields[place];
        match (field.kind.packs_as(), wire) {
            (Some(r#type), Wire::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    push_known(&mut found, place, field, Wire::read(&mut packed, r#type)?);
                }
            }
            _ => push_known(&mut found, place, field, wire),
        }
    }
    found.sort_by_key(|(place, _)| *place);
    Ok(found)
}

fn push_known<'a>(found: &mut Vec<(usize, Wire<'a>)>, place: usize, field: &Field, wire: Wire<'a>) {
    if !is_foreign_enum(schema(), field, wire) {
        found.push((place, wire));
    }
}

fn is_foreign_enum(schema: &Schema, field: &Field, wire: Wire<'_>) -> bool {
    match field.kind {
        Kind::Enum(place) => schema.enum_name(place, wire.bits() as i32).is_none(),
        _ => false,
    }
}

impl Kind {
    /// The integer that the bits of a field of this kind mean; what is no integer is taken for unsigned.
    pub(super) fn integer(self, bits: u64) -> i128 {
        match self {
            Self::Int32 | Self::Sfixed32 => i128::from(bits as i32),
            Self::Int64 | Self::Sfixed64 => i128::from(bits as i64),
            Self::Uint32 | Self::Fixed32 => i128::from(bits as u32),
            Self::Sint32 | Self::Sint64 => i128::from((bits >> 1) as i64 ^ -((bits & 1) as i64)),
            _ => i128::from(bits),
        }
    }

    /// How values of the kind stand in a packed field; `None` for what cannot be packed.
    fn packs_as(self) -> Option<WireType> {
        match self {
            Self::Double | Self::Fixed64 | Self::Sfixed64 => Some(WireType::SixtyFourBit),
            Self::Float | Self::Fixed32 | Self::Sfixed32 => Some(WireType::ThirtyTwoBit),
            Self::String | Self::Bytes | Self::Message(_) => None,
            Self::Int32
            | Self::Int64
            | Self::Uint32
            | Self::Uint64
            | Self::Sint32
            | Self::Sint64
            | Self::Bool
            | Self::Enum(_) => Some(WireType::Varint),
        }
    }
}

/// The paths of the required fields that are not there, in the order in which Mesos lists them.
pub(super) fn missing_fields(message: &Message, bytes: &[u8]) -> Result<Vec<String>, DecodeError> {
    let mut walk = Walk::default();
    walk.collect_missing(message, bytes, "", MAX_DEPTH)?;
    Ok(walk.missing)
}

#[derive(Default)]
struct Walk {
    missing: Vec<String>,
    messages: usize,
}

impl Walk {
    fn collect_missing(
        &mut self,
        message: &Message,
        bytes: &[u8],
        path: &str,
        depth: usize,
    ) -> Result<(), DecodeError> {
        if self.missing.len() >= MAX_MISSING {
            return Ok(());
        }
        self.messages += 1;
        if self.messages > MAX_MESSAGES {
            return Err(DecodeError::TooMany);
        }
        let depth = depth.checked_sub(1).ok_or(DecodeError::Malformed)?;
        let mut found = fields(message, bytes)?;
        for (place, field) in
            message.fields.iter().enumerate().filter(|(_, field)| field.shape == Shape::Required)
        {
            if found.binary_search_by_key(&place, |(place, _)| *place).is_err() {
                self.missing.push(format!("{path}{}", field.name));
            }
        }
        found.sort_by_key(|(place, _)| message.fields[*place].number);
        let mut index = 0;
        let mut last = usize::MAX;
        for (place, wire) in found {
            let field = &message.fields[place];
            index = if place == last { index + 1 } else { 0 };
            last = place;
            if let Kind::Message(inner) = field.kind {
                let inner_path = match field.is_repeated() {
                    true => format!("{path}{}[{index}].", field.name),
                    false => format!("{path}{}.", field.name),
                };
                self.collect_missing(schema().message_at(inner), wire.bytes(), &inner_path, depth)?;
            }
        }
        Ok(())
    }
}

fn has_foreign_enum(message: &Message, mut bytes: &[u8]) -> Result<bool, DecodeError> {
    while !bytes.is_empty() {
        let (number, r#type) = decode_key(&mut bytes)?;
        let wire = Wire::read(&mut bytes, r#type)?;
        let Some(field) = message.place(number).map(|place| &message.fields[place]) else { continue };
        let foreign = match field.kind {
            Kind::Message(place) => has_foreign_enum(schema().message_at(place), wire.bytes())?,
            _ => is_foreign_enum(schema(), field, wire),
        };
        if foreign {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same message without the enum fields whose number is not known.
fn known(message: &Message, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::with_capacity(bytes.len());
    for (place, wire) in fields(message, bytes)? {
        let field = &message.fields[place];
        match (wire, field.kind) {
            (Wire::Bytes(inner), Kind::Message(place)) => {
                write_bytes(&mut out, field.number, &known(schema().message_at(place), inner)?);
            }
            (Wire::Bytes(inner), _) => write_bytes(&mut out, field.number, inner),
            (Wire::Varint(bits), _) => write_varint(&mut out, field.number, bits),
            (Wire::Fixed64(bits), _) => write_fixed64(&mut out, field.number, bits),
            (Wire::Fixed32(bits), _) => write_fixed32(&mut out, field.number, bits),
        }
    }
    Ok(out)
}

pub(super) fn write_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(super) fn write_varint(out: &mut Vec<u8>, number: u32, bits: u64) {
    encode_key(number, WireType::Varint, out);
    encode_varint(bits, out);
}

pub(super) fn write_fixed64(out: &mut Vec<u8>, number: u32, bits: u64) {
    encode_key(number, WireType::SixtyFourBit, out);
    out.extend_from_slice(&bits.to_le_bytes());
}

pub(super) fn write_fixed32(out: &mut Vec<u8>, number: u32, bits: u32) {
    encode_key(number, WireType::ThirtyTwoBit, out);
    out.extend_from_slice(&bits.to_le_bytes());
}
