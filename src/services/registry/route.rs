//! What a path names. A repository's name holds slashes, so a path is read from its end.

use super::{Digest, Reference, Refusal, Repository};

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Whether this is a registry.
    Base,
    Catalog,
    Tags(Repository),
    Manifest(Repository, Reference),
    Blob(Repository, Digest),
    /// Where uploads begin.
    Uploads(Repository),
    Upload(Repository, String),
    Referrers(Repository, Digest),
}

impl Route {
    /// None when there is nothing of that form.
    ///
    /// # Errors
    /// When a name, a tag or a digest in it is none.
    pub fn parse(path: &str) -> Result<Option<Self>, Refusal> {
        let Some(below) = path.strip_prefix("/v2") else { return Ok(None) };
        if matches!(below, "" | "/") {
            return Ok(Some(Self::Base));
        }
        let Some(below) = below.strip_prefix('/') else { return Ok(None) };
        let parts: Vec<&str> = below.split('/').collect();
        Ok(Some(match &parts[..] {
            ["_catalog"] => Self::Catalog,
            [name @ .., "tags", "list"] => Self::Tags(repository(name)?),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                Self::Uploads(repository(name)?)
            }
            [name @ .., "blobs", "uploads", id] => Self::Upload(repository(name)?, (*id).to_owned()),
            [name @ .., "blobs", digest] => Self::Blob(repository(name)?, digest.parse()?),
            [name @ .., "manifests", text] => Self::Manifest(repository(name)?, text.parse()?),
            [name @ .., "referrers", digest] => Self::Referrers(repository(name)?, digest.parse()?),
            _ => return Ok(None),
        }))
    }

    /// The methods that there are for it.
    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Base | Self::Catalog | Self::Tags(_) | Self::Referrers(..) => &["GET", "HEAD"],
            Self::Manifest(..) => &["DELETE", "GET", "HEAD", "PUT"],
            Self::Blob(..) => &["DELETE", "GET", "HEAD"],
            Self::Uploads(_) => &["POST"],
            Self::Upload(..) => &["DELETE", "GET", "HEAD", "PATCH", "PUT"],
        }
    }
}

fn repository(parts: &[&str]) -> Result<Repository, Refusal> {
    parts.join("/").parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::registry::Code;

    fn parse(path: &str) -> Option<Route> {
        Route::parse(path).unwrap()
    }

    #[test]
    fn every_form() {
        let name: Repository = "a/b".parse().unwrap();
        let digest = Digest::of(b"x");
        assert_eq!((parse("/v2"), parse("/v2/")), (Some(Route::Base), Some(Route::Base)));
        assert_eq!(parse("/v2/_catalog"), Some(Route::Catalog));
        assert_eq!(parse("/v2/a/b/tags/list"), Some(Route::Tags(name.clone())));
        let manifest = |reference: &str| Some(Route::Manifest(name.clone(), reference.parse().unwrap()));
        assert_eq!(parse("/v2/a/b/manifests/latest"), manifest("latest"));
        assert_eq!(parse(&format!("/v2/a/b/manifests/{digest}")), manifest(&digest.to_string()));
        assert_eq!(
            parse(&format!("/v2/a/b/blobs/{digest}")),
            Some(Route::Blob(name.clone(), digest.clone()))
        );
        for path in ["/v2/a/b/blobs/uploads/", "/v2/a/b/blobs/uploads"] {
            assert_eq!(parse(path), Some(Route::Uploads(name.clone())));
        }
        assert_eq!(parse("/v2/a/b/blobs/uploads/id"), Some(Route::Upload(name.clone(), "id".into())));
        assert_eq!(parse(&format!("/v2/a/b/referrers/{digest}")), Some(Route::Referrers(name, digest)));
    }

    #[test]
    fn a_repository_may_be_called_as_a_form_is() {
        let name: Repository = "tags/list".parse().unwrap();
        assert_eq!(parse("/v2/tags/list/tags/list"), Some(Route::Tags(name)));
    }

    #[test]
    fn other_paths_are_nothing() {
        for path in ["/", "/v1/", "/v2x", "/v2/a", "/v2/a/tags", "/v2/a/b/c", "/v2//"] {
            assert_eq!(Route::parse(path), Ok(None), "{path}");
        }
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let refusal = |path: &str| Route::parse(path).unwrap_err();
        assert_eq!(refusal("/v2/A/tags/list").code, Code::NameInvalid);
        assert_eq!(refusal("/v2/tags/list").code, Code::NameInvalid);
        assert_eq!(refusal("/v2/a/blobs/sha256:1").code, Code::DigestInvalid);
        assert_eq!(refusal("/v2/a/manifests/.none").code, Code::TagInvalid);
    }
}
