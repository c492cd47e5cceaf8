//! Why a request is refused: the error codes of the specification, with their texts, statuses and JSON.

use std::io;

use serde_json::{Map, Value, json};

use super::InvalidDigest;

/// The codes that this registry uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    PaginationNumberInvalid,
    RangeInvalid,
    SizeInvalid,
    TagInvalid,
    Unsupported,
    /// What is nobody's fault, such as a full disk.
    Unknown,
}

impl Code {
    /// Name, status and text.
    fn words(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::BlobUnknown => ("BLOB_UNKNOWN", 404, "blob unknown to registry"),
            Self::BlobUploadInvalid => ("BLOB_UPLOAD_INVALID", 400, "blob upload invalid"),
            Self::BlobUploadUnknown => ("BLOB_UPLOAD_UNKNOWN", 404, "blob upload unknown to registry"),
            Self::DigestInvalid => ("DIGEST_INVALID", 400, "provided digest did not match uploaded content"),
            Self::ManifestBlobUnknown => ("MANIFEST_BLOB_UNKNOWN", 400, "blob unknown to registry"),
            Self::ManifestInvalid => ("MANIFEST_INVALID", 400, "manifest invalid"),
            Self::ManifestUnknown => ("MANIFEST_UNKNOWN", 404, "manifest unknown"),
            Self::NameInvalid => ("NAME_INVALID", 400, "invalid repository name"),
            Self::NameUnknown => ("NAME_UNKNOWN", 404, "repository name not known to registry"),
            Self::PaginationNumberInvalid => {
                ("PAGINATION_NUMBER_INVALID", 400, "invalid number of results requested")
            }
            Self::RangeInvalid => ("RANGE_INVALID", 416, "invalid content range"),
            Self::SizeInvalid => ("SIZE_INVALID", 400, "provided length did not match content length"),
            Self::TagInvalid => ("TAG_INVALID", 400, "manifest tag did not match URI"),
            Self::Unsupported => ("UNSUPPORTED", 405, "The operation is unsupported."),
            Self::Unknown => ("UNKNOWN", 500, "unknown error"),
        }
    }
}

/// One or more errors of one code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    /// Of each error what it is about; none is one error that says nothing more.
    details: Vec<Value>,
    status: Option<u16>,
}

impl Refusal {
    pub fn new(code: Code) -> Self {
        Self { code, details: Vec::new(), status: None }
    }

    /// What it is about, in a sentence.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>) -> Self {
        self.details.push(Value::String(detail.into()));
        self
    }

    /// What it is about, by name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let mut detail = Map::new();
        detail.insert(name.to_owned(), value.into());
        self.details.push(Value::Object(detail));
        self
    }

    /// A status other than that of the code.
    #[must_use]
    pub fn as_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub fn status(&self) -> u16 {
        self.status.unwrap_or_else(|| self.code.words().1)
    }

    /// `{"errors":[{"code":"...","message":"...","detail":...}]}`
    pub fn body(&self) -> String {
        let (code, _, message) = self.code.words();
        let error = |detail: &Value| json!({"code": code, "message": message, "detail": detail});
        let errors: Vec<Value> = match &self.details[..] {
            [] => vec![json!({"code": code, "message": message})],
            details => details.iter().map(error).collect(),
        };
        json!({ "errors": errors }).to_string()
    }
}

/// The disk does not do what it should.
impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(Code::Unknown).saying(error.to_string())
    }
}

impl From<InvalidDigest> for Refusal {
    fn from(error: InvalidDigest) -> Self {
        Self::new(Code::DigestInvalid).saying(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_specification() {
        let plain = Refusal::new(Code::ManifestUnknown);
        assert_eq!(plain.body(), r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#);
        let two = Refusal::new(Code::ManifestBlobUnknown).with("digest", "a").with("digest", "b");
        let form: Value = serde_json::from_str(&two.body()).unwrap();
        assert_eq!(form["errors"][1]["detail"]["digest"], "b");
        assert_eq!((two.status(), two.as_status(404).status()), (400, 404));
    }
}
