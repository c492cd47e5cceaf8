//! The parts of an image's name: `registry.example:5000/team/name:tag@sha256:...`.

/// A reference, cut where the engine's API wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// With the registry, without tag and digest.
    pub name: &'a str,
    /// The digest where there is one, else the tag, else `latest`.
    pub tag: &'a str,
}

impl<'a> Reference<'a> {
    pub fn parse(text: &'a str) -> Self {
        let (tagged, digest) =
            text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let path = tagged.rfind('/').map_or(0, |slash| slash + 1);
        let colon = tagged[path..].find(':').map(|at| path + at);
        let (name, tag) = colon.map_or((tagged, "latest"), |at| (&tagged[..at], &tagged[at + 1..]));
        Self { name, tag: digest.unwrap_or(tag) }
    }

    /// Who serves it, as Docker's configuration names it.
    pub fn registry(&self) -> &'a str {
        match self.name.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
            _ => DOCKER_HUB,
        }
    }
}

/// What the public registry is called where credentials are kept.
pub const DOCKER_HUB: &str = "https://index.docker.io/v1/";

#[cfg(test)]
mod tests {
    use super::{DOCKER_HUB, Reference};

    #[test]
    fn a_reference_has_a_name_and_a_tag_or_a_digest() {
        let parts = |text| {
            let reference = Reference::parse(text);
            (reference.name, reference.tag, reference.registry())
        };
        assert_eq!(parts("zookeeper:3.9"), ("zookeeper", "3.9", DOCKER_HUB));
        assert_eq!(parts("mesosphere/mesos-master"), ("mesosphere/mesos-master", "latest", DOCKER_HUB));
        assert_eq!(parts("127.0.0.1:5000/a/b:c"), ("127.0.0.1:5000/a/b", "c", "127.0.0.1:5000"));
        assert_eq!(parts("localhost/a"), ("localhost/a", "latest", "localhost"));
        assert_eq!(parts("a.example/b@sha256:01"), ("a.example/b", "sha256:01", "a.example"));
        assert_eq!(parts("a.example:1/b:2@sha256:01"), ("a.example:1/b", "sha256:01", "a.example:1"));
    }
}
