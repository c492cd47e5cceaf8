//! Percent decoding of paths and queries by libprocess' rules: `+` is a space, a bad code is an error.

use std::collections::BTreeMap;

/// A `%` without two hexadecimal digits, or bytes that are no UTF-8.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed % escape in `{0}`")]
pub struct MalformedEscape(String);

pub fn decode(text: &str) -> Result<String, MalformedEscape> {
    let malformed = || MalformedEscape(text.to_owned());
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => escape(bytes.next(), bytes.next()).ok_or_else(malformed)?,
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| malformed())
}

fn escape(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high?)? * 16 + digit(low?)?).ok()
}

/// The pairs of a query; of equal keys the last wins.
pub fn decode_query(query: &str) -> Result<BTreeMap<String, String>, MalformedEscape> {
    decode_pairs(query).map(|pairs| pairs.into_iter().collect())
}

/// The pairs of a query in their order; a key without `=` has an empty value.
pub fn decode_pairs(query: &str) -> Result<Vec<(String, String)>, MalformedEscape> {
    let pairs = query.split([';', '&']).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(key)?, decode(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_codes_and_plus() {
        assert_eq!(decode("%76ersion+a%2Fb").unwrap(), "version a/b");
        assert!(decode("%zz").is_err());
        assert!(decode("%7").is_err());
        assert!(decode("%ff").is_err());
    }

    #[test]
    fn last_of_equal_keys_wins() {
        let query = decode_query("a=1&b;a=2&&c=x=y").unwrap();
        assert_eq!(query["a"], "2");
        assert_eq!(query["b"], "");
        assert_eq!(query["c"], "x=y");
    }
}
