//! Names: of repositories, `library/busybox`, and of what is in them, a tag or a digest.
//!
//! No part of a name begins with `_` or `.`, so that a store can put files of its own beside them.

use std::{fmt, str::FromStr};

use super::{Code, Digest, Refusal};

/// Bytes of a repository's name.
const LONGEST_NAME: usize = 255;

/// Bytes of a tag.
const LONGEST_TAG: usize = 128;

/// The name of a repository: parts of small letters and digits, with single separators, by slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(String);

impl Repository {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Repository {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let valid = text.len() <= LONGEST_NAME && text.split('/').all(is_part);
        let refusal = || Refusal::new(Code::NameInvalid).with("name", text);
        valid.then(|| Self(text.to_owned())).ok_or_else(refusal)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_part(part: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separators = part.split(alphanumeric).filter(|between| !between.is_empty());
    part.starts_with(alphanumeric)
        && part.ends_with(alphanumeric)
        && separators.all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|byte| byte == b'-'))
}

/// The name of one version of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = Refusal;

    /// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let valid = text.bytes().next().is_some_and(word)
            && text.len() <= LONGEST_TAG
            && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'));
        let refusal = || Refusal::new(Code::TagInvalid).with("tag", text);
        valid.then(|| Self(text.to_owned())).ok_or_else(refusal)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By what a manifest is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    Tag(Tag),
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text.contains(':') {
            true => text.parse().map(Self::Digest).map_err(Refusal::from),
            false => text.parse().map(Self::Tag),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_repositories() {
        let longest = "a".repeat(255);
        for name in ["a", "mesoslab/framework", "a.b/c_d/e__f/g---h", "0/1", &longest] {
            assert_eq!(name.parse::<Repository>().unwrap().as_str(), name);
        }
        let too_long = "a".repeat(256);
        for name in [
            "", "/", "a/", "/a", "a//b", "A", "a_", "_a", "a___b", "a..b", "a-.b", "..", "a/../b", "a b",
            &too_long,
        ] {
            assert_eq!(name.parse::<Repository>().unwrap_err().code, Code::NameInvalid, "{name}");
        }
    }

    #[test]
    fn tags_and_digests() {
        let longest = "t".repeat(128);
        for tag in ["latest", "1.0-rc_1", "_x", "A", &longest] {
            assert!(matches!(tag.parse(), Ok(Reference::Tag(_))), "{tag}");
        }
        let too_long = "t".repeat(129);
        for tag in ["", ".", "..", "-a", "a/b", "a b", "\u{e4}", &too_long] {
            assert_eq!(tag.parse::<Reference>().unwrap_err().code, Code::TagInvalid, "{tag}");
        }
        let digest = Digest::of(b"x").to_string();
        assert!(matches!(digest.parse(), Ok(Reference::Digest(_))));
        assert_eq!("md5:1".parse::<Reference>().unwrap_err().code, Code::DigestInvalid);
    }
}
