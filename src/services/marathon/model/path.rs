//! Ids of apps and groups: absolute paths such as `/mesoslab/scheduler`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An absolute path; the root is `/`. Ordered by its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(String);

/// Each part of a path: lower-case letters, digits, dashes and dots, none of the last two at an end.
pub const SEGMENT_PATTERN: &str =
    "^(([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\\.)*([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])|(\\.|\\.\\.)$";

impl AppId {
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Of any text: empty parts are left out, a relative path is taken from the root. Not validated.
    pub fn new(text: &str) -> Self {
        Self::root().join(text)
    }

    /// `text` seen from this group: absolute paths stand for themselves, `.` and `..` are resolved.
    #[must_use]
    pub fn join(&self, text: &str) -> Self {
        let mut parts: Vec<&str> = if text.starts_with('/') { Vec::new() } else { self.segments().collect() };
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        Self(format!("/{}", parts.join("/")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// The group that holds it; the root's is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let end = self.0.rfind('/').unwrap_or(0);
        Self(self.0[..end.max(1)].to_owned())
    }

    /// Its last part; empty for the root.
    pub fn name(&self) -> &str {
        self.segments().last().unwrap_or_default()
    }

    /// Whether it lies in the group, at any depth; nothing lies in itself.
    pub fn is_below(&self, group: &Self) -> bool {
        let rest = self.0.strip_prefix(&group.0);
        !self.is_root()
            && rest.is_some_and(|rest| group.is_root() && !rest.is_empty() || rest.starts_with('/'))
    }

    /// `mesoslab_scheduler`: how instance and task ids of the app begin.
    pub fn safe(&self) -> String {
        self.segments().collect::<Vec<_>>().join("_")
    }

    /// `scheduler.mesoslab`: the host name of the app in Mesos-DNS' order.
    pub fn host_name(&self) -> String {
        let mut parts: Vec<&str> = self.segments().collect();
        parts.reverse();
        parts.join(".")
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for AppId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AppId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Err(de::Error::custom("an id must not be empty")) } else { Ok(Self::new(&text)) }
    }
}
