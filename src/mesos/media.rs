//! Media types and what a request accepts, as libprocess decides it (`Request::acceptsMediaType`).

use std::fmt;

/// The media types of the v1 API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    Json,
    Protobuf,
    /// A stream of records, each in the type that `Message-Content-Type` names.
    RecordIo,
}

impl MediaType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
            Self::RecordIo => "application/recordio",
        }
    }

    /// Reads a `Content-Type`. Mesos compares it letter by letter: another case or a `charset` is another type.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        [Self::Json, Self::Protobuf, Self::RecordIo].into_iter().find(|media| media.as_str() == content_type)
    }

    /// The form of an answer: JSON where the request accepts it, else protobuf; `None` when it accepts neither.
    pub fn negotiate(accept: Option<&str>) -> Option<Self> {
        [Self::Json, Self::Protobuf].into_iter().find(|media| accepts(accept, *media))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a request with this `Accept` header takes `media`. No header accepts all; the most specific entry that
/// matches decides, and refuses with a `q` of 0.
pub fn accepts(accept: Option<&str>, media: MediaType) -> bool {
    let Some(accept) = accept else {
        return true;
    };
    let accept = accept.replace([' ', '\t', '\n'], "");
    let entries = || accept.split(',').filter_map(Entry::parse);
    let candidates = [media.as_str(), "application/*", "*/*"];
    let decisive = candidates
        .iter()
        .find_map(|candidate| entries().find(|entry| entry.name.eq_ignore_ascii_case(candidate)));
    decisive.is_some_and(|entry| entry.is_acceptable())
}

/// One entry of an `Accept` header: `name;q=0.5`.
struct Entry<'a> {
    name: &'a str,
    parameters: Vec<&'a str>,
}

impl<'a> Entry<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut tokens = text.split(';').filter(|token| !token.is_empty());
        Some(Self { name: tokens.next()?, parameters: tokens.collect() })
    }

    /// A missing or repeated `q` is none; one that is no number refuses.
    fn is_acceptable(&self) -> bool {
        let mut values = self.parameters.iter().filter_map(|parameter| parameter.strip_prefix("q="));
        match (values.next(), values.next()) {
            (Some(value), None) => value.parse::<f64>().is_ok_and(|q| q > 0.0),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_like_libprocess() {
        for (accept, json, protobuf) in [
            (None, true, true),
            (Some("*/*"), true, true),
            (Some(""), false, false),
            (Some("text/html"), false, false),
            (Some("application/json"), true, false),
            (Some("APPLICATION/JSON"), true, false),
            (Some("application/x-protobuf, application/json;q=0.5"), true, true),
            (Some("application/*;q=0.1"), true, true),
            (Some("application/json;q=0, */*"), false, true),
            (Some("*/*;q=0"), false, false),
            (Some("application/json;q=nonsense"), false, false),
            (Some("application/json;charset=utf-8"), true, false),
            (Some(";,application/json ; q = 0.1"), true, false),
        ] {
            assert_eq!(accepts(accept, MediaType::Json), json, "{accept:?}");
            assert_eq!(accepts(accept, MediaType::Protobuf), protobuf, "{accept:?}");
        }
    }

    #[test]
    fn prefers_json() {
        assert_eq!(MediaType::negotiate(None), Some(MediaType::Json));
        let q = Some("application/x-protobuf;q=0.9,application/json;q=0.1");
        assert_eq!(MediaType::negotiate(q), Some(MediaType::Json));
        assert_eq!(MediaType::negotiate(Some("application/x-protobuf")), Some(MediaType::Protobuf));
        assert_eq!(MediaType::negotiate(Some("application/recordio")), None);
    }

    #[test]
    fn reads_a_content_type_letter_by_letter() {
        assert_eq!(MediaType::from_content_type("application/json"), Some(MediaType::Json));
        assert_eq!(MediaType::from_content_type("application/recordio"), Some(MediaType::RecordIo));
        assert_eq!(MediaType::from_content_type("application/json; charset=utf-8"), None);
        assert_eq!(MediaType::from_content_type("Application/JSON"), None);
    }
}
