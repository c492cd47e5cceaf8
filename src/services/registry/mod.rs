//! A registry of container images without its IO: the words of the OCI distribution specification 1.1, which is the
//! Docker Registry HTTP API V2, and what they mean.
//!
//! ```text
//! /v2/NAME/manifests/REFERENCE > Route > store (see `host::registry`) > Manifest | Refusal > form
//! ```

mod digest;
mod manifest;
mod name;
mod page;
mod range;
mod referrers;
mod refusal;
mod route;

pub use digest::{Digest, Hasher, InvalidDigest};
pub use manifest::{LARGEST_MANIFEST, Manifest, Needed};
pub use name::{Reference, Repository, Tag};
pub use page::Page;
pub use range::{ChunkRange, Part, part};
pub use referrers::{INDEX, Referrer, index};
pub use refusal::{Code, Refusal};
pub use route::Route;
