//! Manifests: which kinds are taken, what is wrong with one, and what it needs to be whole.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Code, Digest, INDEX, Refusal};

/// Bytes of a manifest, as the specification advises.
pub const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;

/// The kinds of images.
const IMAGES: [&str; 2] =
    ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"];

/// The kinds of lists of images, one for each platform.
const LISTS: [&str; 2] = ["application/vnd.docker.distribution.manifest.list.v2+json", INDEX];

/// What must be in the repository before a manifest is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    Blob(Digest),
    Manifest(Digest),
}

/// A manifest that is proper in itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub media_type: &'static str,
    pub needs: Vec<Needed>,
    /// What it is attached to, which need not be there.
    pub subject: Option<Digest>,
    /// Of an image that names none, the media type of its configuration.
    pub artifact_type: Option<String>,
    pub annotations: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(rename = "size")]
    _size: u64,
    #[serde(default)]
    urls: Vec<String>,
}

impl Descriptor {
    fn digest(&self) -> Result<Digest, Refusal> {
        self.digest.parse().map_err(|error| invalid(format!("{error}")))
    }

    /// Whether its content is fetched from elsewhere, as that of Windows' base layers.
    fn is_elsewhere(&self) -> bool {
        let kept_out = ["foreign", "nondistributable"].iter().any(|word| self.media_type.contains(word));
        kept_out || !self.urls.is_empty()
    }
}

impl Manifest {
    /// Reads what is pushed under a `Content-Type`; without one, the manifest's own word counts.
    ///
    /// # Errors
    /// When it is no manifest of a kind that is taken, or of another than it is said to be.
    pub fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Self, Refusal> {
        let document: Document = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        let media_type = kind(content_type, document.media_type.as_deref())?;
        if document.schema_version != 2 {
            return Err(invalid(format!("schemaVersion is {}, not 2", document.schema_version)));
        }
        let needs = match IMAGES.contains(&media_type) {
            true => needs_of_image(&document)?,
            false => needs_of_list(&document)?,
        };
        let of_config = document.config.map(|config| config.media_type);
        Ok(Self {
            media_type,
            needs,
            subject: document.subject.map(|subject| subject.digest()).transpose()?,
            artifact_type: document.artifact_type.or(of_config).filter(|text| !text.is_empty()),
            annotations: document.annotations,
        })
    }
}

fn invalid(reason: impl Into<String>) -> Refusal {
    Refusal::new(Code::ManifestInvalid).saying(reason)
}

/// One of the kinds that are taken.
fn kind(content_type: Option<&str>, own: Option<&str>) -> Result<&'static str, Refusal> {
    let said = content_type.map(|said| said.split(';').next().unwrap_or_default().trim());
    let wanted = said.or(own).ok_or_else(|| invalid("neither Content-Type nor mediaType says what it is"))?;
    if let Some(own) = own.filter(|own| *own != wanted) {
        return Err(invalid(format!("mediaType is `{own}`, and Content-Type `{wanted}`")));
    }
    let known = IMAGES.into_iter().chain(LISTS).find(|kind| *kind == wanted);
    known.ok_or_else(|| invalid(format!("`{wanted}` is no kind of manifest that this registry takes")))
}

fn needs_of_image(document: &Document) -> Result<Vec<Needed>, Refusal> {
    if document.manifests.is_some() {
        return Err(invalid("an image has no `manifests`"));
    }
    let config = document.config.as_ref().ok_or_else(|| invalid("there is no `config`"))?;
    let layers = document.layers.as_ref().ok_or_else(|| invalid("there are no `layers`"))?;
    let here = layers.iter().filter(|layer| !layer.is_elsewhere());
    let digests: Result<Vec<Digest>, Refusal> =
        std::iter::once(config).chain(here).map(Descriptor::digest).collect();
    Ok(digests?.into_iter().map(Needed::Blob).collect())
}

fn needs_of_list(document: &Document) -> Result<Vec<Needed>, Refusal> {
    if document.layers.is_some() || document.config.is_some() {
        return Err(invalid("a list of images has neither `config` nor `layers`"));
    }
    let manifests = document.manifests.as_ref().ok_or_else(|| invalid("there are no `manifests`"))?;
    let digests: Result<Vec<Digest>, Refusal> = manifests.iter().map(Descriptor::digest).collect();
    Ok(digests?.into_iter().map(Needed::Manifest).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DOCKER: &str = IMAGES[0];
    const OCI: &str = IMAGES[1];

    fn descriptor(media_type: &str, content: &[u8]) -> Value {
        json!({"mediaType": media_type, "digest": Digest::of(content).to_string(), "size": content.len()})
    }

    fn image(media_type: &str) -> Value {
        json!({
            "schemaVersion": 2, "mediaType": media_type,
            "config": descriptor("application/vnd.docker.container.image.v1+json", b"c"),
            "layers": [descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", b"l")],
        })
    }

    fn parse(content_type: Option<&str>, body: &Value) -> Result<Manifest, Refusal> {
        Manifest::parse(content_type, body.to_string().as_bytes())
    }

    #[test]
    fn images_need_their_blobs() {
        for kind in IMAGES {
            let manifest = parse(Some(kind), &image(kind)).unwrap();
            assert_eq!(manifest.media_type, kind);
            let blobs = [Digest::of(b"c"), Digest::of(b"l")].map(Needed::Blob);
            assert_eq!(manifest.needs, blobs);
            assert_eq!(parse(None, &image(kind)).unwrap(), manifest);
        }
        let with_charset = format!("{DOCKER}; charset=utf-8");
        assert!(parse(Some(&with_charset), &image(DOCKER)).is_ok());
    }

    #[test]
    fn lists_need_their_manifests() {
        for kind in LISTS {
            let list =
                json!({"schemaVersion": 2, "mediaType": kind, "manifests": [descriptor(DOCKER, b"m")]});
            let needs = parse(Some(kind), &list).unwrap().needs;
            assert_eq!(needs, [Needed::Manifest(Digest::of(b"m"))]);
        }
    }

    #[test]
    fn foreign_layers_are_elsewhere() {
        let mut manifest = image(DOCKER);
        manifest["layers"] = json!([
            descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"f"),
            descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar", b"n"),
        ]);
        assert_eq!(parse(Some(DOCKER), &manifest).unwrap().needs, [Needed::Blob(Digest::of(b"c"))]);
    }

    #[test]
    fn a_subject_and_its_type() {
        let mut manifest = image(OCI);
        manifest["subject"] = descriptor(OCI, b"s");
        manifest["annotations"] = json!({"a": "b"});
        let parsed = parse(Some(OCI), &manifest).unwrap();
        assert_eq!(parsed.subject, Some(Digest::of(b"s")));
        assert_eq!(parsed.artifact_type.as_deref(), Some("application/vnd.docker.container.image.v1+json"));
        manifest["artifactType"] = "text/x".into();
        assert_eq!(parse(Some(OCI), &manifest).unwrap().artifact_type.as_deref(), Some("text/x"));
    }

    #[test]
    fn what_is_no_manifest() {
        let refused = |content_type, body: &Value| {
            assert_eq!(parse(content_type, body).unwrap_err().code, Code::ManifestInvalid, "{body}");
        };
        let with = |name: &str, value: Value| {
            let mut manifest = image(DOCKER);
            manifest[name] = value;
            manifest
        };
        refused(Some("text/plain"), &image("text/plain"));
        refused(
            Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            &json!({"schemaVersion": 1}),
        );
        refused(Some(OCI), &image(DOCKER));
        refused(None, &json!({"schemaVersion": 2, "config": {}, "layers": []}));
        refused(Some(DOCKER), &json!([]));
        refused(Some(DOCKER), &with("schemaVersion", 1.into()));
        refused(Some(DOCKER), &with("config", Value::Null));
        refused(Some(DOCKER), &with("layers", Value::Null));
        refused(Some(DOCKER), &with("layers", json!([{"digest": "sha256:1", "size": 1}])));
        refused(Some(DOCKER), &with("layers", json!([{"digest": Digest::of(b"x").to_string(), "size": -1}])));
        refused(Some(DOCKER), &with("manifests", json!([])));
        refused(Some(INDEX), &json!({"schemaVersion": 2, "manifests": [], "layers": []}));
        refused(Some(INDEX), &json!({"schemaVersion": 2}));
        assert_eq!(Manifest::parse(Some(DOCKER), b"{").unwrap_err().code, Code::ManifestInvalid);
    }
}
