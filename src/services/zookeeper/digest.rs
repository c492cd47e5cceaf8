//! Hashes: who somebody is by ZooKeeper's `digest` scheme, which is made of SHA-1.

use base64::{Engine, prelude::BASE64_STANDARD};

/// The id of somebody who gives `user:password`: `user:` and the hash of it all in base64.
pub fn id(credentials: &[u8]) -> String {
    let text = String::from_utf8_lossy(credentials);
    let user = text.split(':').next().unwrap_or_default();
    format!("{user}:{}", BASE64_STANDARD.encode(sha1(text.as_bytes())))
}

/// The hash of FIPS 180-4.
pub fn sha1(message: &[u8]) -> [u8; 20] {
    sha1_smol::Sha1::from(message).digest().bytes()
}
