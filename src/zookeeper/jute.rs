//! Jute, the binary form of ZooKeeper's records: big-endian numbers, and lengths before all that varies. A length that
//! lies is an error; nothing is allocated on its word.
//!
//! ```text
//! bool: 1 byte | int: 4 | long: 8 | ustring, buffer: int length (-1: null), bytes | vector: int count, elements
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What cannot be read as a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JuteError {
    /// A field goes on behind the end of the frame.
    #[error("the record is cut off: {wanted} bytes wanted, {left} left")]
    CutOff { wanted: usize, left: usize },
    /// A length below -1.
    #[error("unreasonable length {0}")]
    Length(i32),
    /// A string that must be there is null.
    #[error("a string is null that must be there")]
    Null,
    /// An operation that is unknown, or cannot stand where it does.
    #[error("no operation {0} can be here")]
    Operation(i32),
    /// A create flag that a transaction does not know.
    #[error("no create mode has the flag {0}")]
    CreateMode(i32),
}

/// A type with a place in a record.
pub trait Jute: Sized {
    fn write(&self, out: &mut BytesMut);

    /// # Errors
    /// When the bytes are no such value; what is behind it stays in `input`.
    fn read(input: &mut Bytes) -> Result<Self, JuteError>;

    /// The value as a frame's content.
    fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write(&mut out);
        out.freeze()
    }
}

/// The next `wanted` bytes.
fn take(input: &mut Bytes, wanted: usize) -> Result<Bytes, JuteError> {
    if wanted > input.len() {
        return Err(JuteError::CutOff { wanted, left: input.len() });
    }
    Ok(input.split_to(wanted))
}

/// A length; none is null.
fn length(input: &mut Bytes) -> Result<Option<usize>, JuteError> {
    match i32::read(input)? {
        -1 => Ok(None),
        length => usize::try_from(length).map(Some).map_err(|_negative| JuteError::Length(length)),
    }
}

fn put_length(out: &mut BytesMut, length: usize) {
    out.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
}

impl Jute for bool {
    fn write(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(*self));
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(take(input, 1)?[0] != 0)
    }
}

impl Jute for i32 {
    fn write(&self, out: &mut BytesMut) {
        out.put_i32(*self);
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(take(input, 4)?.get_i32())
    }
}

impl Jute for i64 {
    fn write(&self, out: &mut BytesMut) {
        out.put_i64(*self);
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(take(input, 8)?.get_i64())
    }
}

impl Jute for String {
    fn write(&self, out: &mut BytesMut) {
        put_length(out, self.len());
        out.put_slice(self.as_bytes());
    }

    /// Bytes that are no UTF-8 become U+FFFD, as Java has it.
    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Option::<String>::read(input)?.ok_or(JuteError::Null)
    }
}

impl Jute for Option<String> {
    fn write(&self, out: &mut BytesMut) {
        match self {
            Some(text) => text.write(out),
            None => out.put_i32(-1),
        }
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        let Some(length) = length(input)? else { return Ok(None) };
        Ok(Some(String::from_utf8_lossy(&take(input, length)?).into_owned()))
    }
}

impl Jute for Option<Bytes> {
    fn write(&self, out: &mut BytesMut) {
        let Some(bytes) = self else { return out.put_i32(-1) };
        put_length(out, bytes.len());
        out.put_slice(bytes);
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        length(input)?.map(|length| take(input, length)).transpose()
    }
}

/// No vector and one of fewer than no elements are read as an empty one.
impl<T: Jute> Jute for Vec<T> {
    fn write(&self, out: &mut BytesMut) {
        put_length(out, self.len());
        self.iter().for_each(|element| element.write(out));
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        let count = i32::read(input)?;
        let mut elements = Self::new();
        for _ in 0..count {
            elements.push(T::read(input)?);
        }
        Ok(elements)
    }
}

/// A record: its fields one after the other.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $crate::zookeeper::jute::Jute for $name {
            fn write(&self, out: &mut bytes::BytesMut) {
                $($crate::zookeeper::jute::Jute::write(&self.$field, out);)*
            }

            fn read(input: &mut bytes::Bytes) -> Result<Self, $crate::zookeeper::jute::JuteError> {
                $(let $field = $crate::zookeeper::jute::Jute::read(input)?;)*
                Ok(Self { $($field,)* })
            }
        }
    };
}
pub(crate) use record;
