//! Digests: `sha256:` and 64 hexadecimal digits. Content is stored under its own, and nothing else is taken.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "sha256";

/// The SHA-256 of some content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// A text that is no digest, or one of an algorithm other than SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no digest as sha256:HEX")]
pub struct InvalidDigest(String);

impl Digest {
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(content);
        hasher.digest()
    }

    /// Its digits alone.
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// From its digits alone.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (hex.len() == 64 && hex.bytes().all(digit)).then(|| Self(hex.to_owned()))
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let hex = text.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(':'));
        hex.and_then(Self::from_hex).ok_or_else(|| InvalidDigest(text.to_owned()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}:{}", self.0)
    }
}

/// Digests content that comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of what has come so far.
    pub fn digest(&self) -> Digest {
        let sum = self.0.clone().finalize();
        Digest(sum.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn of_nothing_and_of_pieces() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        assert_eq!(hasher.digest(), Digest::of(b"a"));
        hasher.update(b"bc");
        assert_eq!(hasher.digest(), Digest::of(b"abc"));
    }

    #[test]
    fn reads_its_own_form_only() {
        assert_eq!(EMPTY.parse::<Digest>().unwrap().to_string(), EMPTY);
        let upper = EMPTY.to_uppercase();
        for text in
            ["", "sha256:", "sha256:e3", &EMPTY[..70], &EMPTY[7..], &upper, "sha512:00", "sha256:../../x"]
        {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
