//! Who refers to a manifest: signatures, lists of materials and what else is attached to an image.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Digest, Manifest};

/// The media type of an OCI index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The descriptor of a manifest that has a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    media_type: String,
    digest: String,
    size: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<Map<String, Value>>,
}

impl Referrer {
    /// None when the manifest has no subject.
    pub fn of(manifest: &Manifest, digest: &Digest, size: usize) -> Option<Self> {
        manifest.subject.as_ref()?;
        Some(Self {
            media_type: manifest.media_type.to_owned(),
            digest: digest.to_string(),
            size,
            artifact_type: manifest.artifact_type.clone(),
            annotations: manifest.annotations.clone(),
        })
    }

    pub fn is_of(&self, artifact_type: &str) -> bool {
        self.artifact_type.as_deref() == Some(artifact_type)
    }
}

/// The answer: an index of them.
pub fn index(referrers: &[Referrer]) -> String {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": referrers}).to_string()
}
