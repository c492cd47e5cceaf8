//! gzip: of large response bodies where the client takes it, and of request bodies that come so.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// Bodies below this many bytes are sent as they are (`GZIP_MINIMUM_BODY_LENGTH` of libprocess).
pub const GZIP_MINIMUM_BODY: usize = 1024;

/// Whether an `Accept-Encoding` takes gzip: named or by `*`, and not with a q of 0.
pub fn accepts_gzip(accept: &str) -> bool {
    let accept: String = accept.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let entry = |wanted: &str| {
        accept
            .split(',')
            .find(|entry| entry.split(';').next().is_some_and(|coding| coding.eq_ignore_ascii_case(wanted)))
    };
    entry("gzip").or_else(|| entry("*")).is_some_and(|entry| quality(entry) > 0.0)
}

fn quality(entry: &str) -> f64 {
    match entry.split(';').find_map(|parameter| parameter.strip_prefix("q=")) {
        Some(value) => value.parse().unwrap_or(0.0),
        None => 1.0,
    }
}

pub fn gzip(body: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}

/// The plain body; an error also when it is longer than `limit` bytes.
pub fn gunzip(body: &[u8], limit: usize) -> io::Result<Bytes> {
    let mut plain = Vec::new();
    let within = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(body).take(within).read_to_end(&mut plain)?;
    if plain.len() > limit {
        return Err(io::Error::other("the body is too large"));
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_of_zero_refuses() {
        assert!(accepts_gzip("deflate, gzip"));
        assert!(accepts_gzip("*"));
        assert!(accepts_gzip("GZIP;q=0.5"));
        assert!(!accepts_gzip("gzip;q=0.0, *"));
        assert!(!accepts_gzip("br, deflate"));
        assert!(!accepts_gzip(""));
    }

    #[test]
    fn round_trip_within_the_limit() {
        let body = vec![b'a'; 5000];
        let packed = gzip(&body).unwrap();
        assert!(packed.len() < 200);
        assert_eq!(gunzip(&packed, 5000).unwrap(), body);
        assert!(gunzip(&packed, 4999).is_err());
    }
}
