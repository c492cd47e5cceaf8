//! What the fetcher brings into a sandbox: which file a URI becomes there, and which URIs are none. Pure; the host fetches.

use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::mesos::v1::{CommandInfo, command_info};

/// Schemes that the fetcher of Mesos reads itself, by libcurl.
const NET_SCHEMES: [&str; 4] = ["http://", "https://", "ftp://", "ftps://"];
const FILE_PREFIX: &str = "file://";

/// How an agent fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchConfig {
    /// Where cached files are kept; none: `fetch` in the work directory.
    pub cache_dir: Option<String>,
    /// Bytes.
    pub cache_size: u64,
    /// A download of which nothing comes for so long is given up.
    pub stall_timeout: Duration,
    /// What comes before relative paths; empty: there are none.
    pub frameworks_home: String,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            cache_size: 2 * 1024 * 1024 * 1024,
            stall_timeout: Duration::from_secs(60),
            frameworks_home: String::new(),
        }
    }
}

/// What the fetcher has done, for `/metrics/snapshot`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetches {
    pub succeeded: u64,
    pub failed: u64,
    /// Bytes in the cache.
    pub cached: u64,
}

/// `CommandInfo.URI`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Uri {
    pub value: String,
    pub executable: bool,
    pub extract: bool,
    pub cache: bool,
    pub output_file: Option<String>,
}

impl From<&command_info::Uri> for Uri {
    fn from(uri: &command_info::Uri) -> Self {
        Self {
            value: uri.value.clone(),
            executable: uri.executable(),
            extract: uri.extract(),
            cache: uri.cache(),
            output_file: uri.output_file.clone(),
        }
    }
}

/// Where the content of a URI is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file of this machine: an absolute path.
    Local(PathBuf),
    /// A URL.
    Net(String),
}

impl Uri {
    /// The file that it becomes, relative to the sandbox, and within it.
    ///
    /// # Errors
    /// In the words of Mesos where it refuses the same.
    pub fn place(&self) -> Result<PathBuf, String> {
        let name = base_name(&self.value)?;
        match &self.output_file {
            None => within(&name).ok_or_else(|| format!("Malformed URI (missing file name): {}", self.value)),
            Some(path) if path.is_empty() => Err("URI output file path is empty".to_owned()),
            Some(path) => {
                within(path).ok_or_else(|| "URI output file must be within the sandbox directory".to_owned())
            }
        }
    }

    /// # Errors
    /// When there is no such place, or this agent does not go there.
    pub fn origin(&self, frameworks_home: &str) -> Result<Origin, String> {
        let value = self.value.trim_start();
        let path = value.strip_prefix(FILE_PREFIX);
        if path.is_none() && value.contains("://") {
            return net_origin(value);
        }
        let is_url = path.is_some();
        let path = path.unwrap_or(value);
        let path = path.strip_prefix("localhost").unwrap_or(path);
        if path.starts_with('/') {
            return Ok(Origin::Local(path.into()));
        }
        match (is_url, frameworks_home) {
            (true, _) => Err("File URI only supports absolute paths".to_owned()),
            (false, "") => {
                Err("A relative path was passed for the resource but the Mesos framework home was \
                                not specified. Please either provide this config option or avoid using a \
                                relative path"
                    .to_owned())
            }
            (false, home) => Ok(Origin::Local(Path::new(home).join(path))),
        }
    }
}

fn net_origin(value: &str) -> Result<Origin, String> {
    let scheme = NET_SCHEMES.iter().find(|scheme| value.starts_with(**scheme));
    match scheme.copied() {
        Some("http://" | "https://") => Ok(Origin::Net(value.to_owned())),
        Some(_) => Err("Error downloading resource: this agent does not speak FTP".to_owned()),
        None => Err("Failed to create HDFS client: this agent has no Hadoop".to_owned()),
    }
}

/// The URIs of a command, each of which names a file in the sandbox.
///
/// # Errors
/// In the words of Mesos, which looks at them before it fetches any.
pub(super) fn uris(info: &CommandInfo) -> Result<Vec<Uri>, String> {
    let uris: Vec<Uri> = info.uris.iter().map(Uri::from).collect();
    match uris.iter().find_map(|uri| uri.place().err()) {
        Some(why) => Err(format!("Could not fetch: {why}")),
        None => Ok(uris),
    }
}

/// As in Mesos, what follows the last slash; a query belongs to it.
fn base_name(uri: &str) -> Result<String, String> {
    if uri.contains(['\\', '\'', '\0']) {
        return Err("Illegal characters in URI".to_owned());
    }
    match uri.find("://").filter(|index| *index > 1) {
        Some(index) => {
            let path = &uri[index + 3..];
            let slash = path.find('/').filter(|slash| slash + 1 < path.len());
            slash.ok_or_else(|| format!("Malformed URI (missing path): {uri}"))?;
            Ok(path.rsplit('/').next().unwrap_or_default().to_owned())
        }
        None => Ok(uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()),
    }
}

/// A relative path that names something below where it starts, without detours: none of it is `..`.
pub fn within(path: &str) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let usable = !clean.as_os_str().is_empty() && !path.contains('\0') && !path.ends_with('/');
    usable.then_some(clean)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uri(value: &str) -> Uri {
        Uri { value: value.to_owned(), executable: false, extract: true, cache: false, output_file: None }
    }

    fn named(value: &str) -> Result<String, String> {
        uri(value).place().map(|path| path.display().to_string())
    }

    fn put(output_file: &str) -> Result<String, String> {
        let uri = Uri { output_file: Some(output_file.to_owned()), ..uri("/a/b") };
        uri.place().map(|path| path.display().to_string())
    }

    #[test]
    fn names_files_as_mesos_does() {
        assert_eq!(named("http://host:80/a/b.tgz").unwrap(), "b.tgz");
        assert_eq!(named("http://host/b.tgz?x=1/2").unwrap(), "2");
        assert_eq!(named("/usr/bin/env").unwrap(), "env");
        assert_eq!(named("file:///usr/bin/env").unwrap(), "env");
        assert_eq!(named("http://host").unwrap_err(), "Malformed URI (missing path): http://host");
        assert_eq!(named("http://host/").unwrap_err(), "Malformed URI (missing path): http://host/");
        assert_eq!(named("/it's").unwrap_err(), "Illegal characters in URI");
    }

    #[test]
    fn output_files_stay_in_the_sandbox() {
        assert_eq!(put("a/b").unwrap(), "a/b");
        assert_eq!(put("./a").unwrap(), "a");
        assert_eq!(put("").unwrap_err(), "URI output file path is empty");
        for outside in ["/etc/passwd", "../a", "a/../../b", "a/..", ".", "a/"] {
            assert_eq!(
                put(outside).unwrap_err(),
                "URI output file must be within the sandbox directory",
                "{outside}"
            );
        }
        assert!(named("http://host/a/..").is_err(), "nor does a name that is none");
    }

    #[test]
    fn finds_the_origin() {
        let local = |path: &str| Ok(Origin::Local(path.into()));
        assert_eq!(uri("file:///a/b").origin(""), local("/a/b"));
        assert_eq!(uri("file://localhost/a").origin(""), local("/a"));
        assert_eq!(uri(" /a").origin(""), local("/a"));
        assert_eq!(uri("a/b").origin("/home/f"), local("/home/f/a/b"));
        assert_eq!(uri("http://h/a").origin(""), Ok(Origin::Net("http://h/a".to_owned())));
        assert!(uri("a").origin("").unwrap_err().starts_with("A relative path was passed"));
        assert_eq!(uri("file://a").origin("/h").unwrap_err(), "File URI only supports absolute paths");
        assert!(uri("hdfs://h/a").origin("").unwrap_err().contains("HDFS"));
        assert!(uri("ftp://h/a").origin("").unwrap_err().contains("FTP"));
        assert_eq!(uri("https://h/a").origin(""), Ok(Origin::Net("https://h/a".to_owned())));
    }

    #[test]
    fn every_uri_of_a_command_is_looked_at_first() {
        let bad = command_info::Uri {
            value: "/a".to_owned(),
            output_file: Some("/b".to_owned()),
            ..Default::default()
        };
        let good = command_info::Uri { value: "/a".to_owned(), ..Default::default() };
        let info = CommandInfo { uris: vec![good.clone(), bad], ..Default::default() };
        assert_eq!(
            uris(&info).unwrap_err(),
            "Could not fetch: URI output file must be within the sandbox directory"
        );
        let info = CommandInfo { uris: vec![good], ..Default::default() };
        assert!(uris(&info).unwrap()[0].extract, "archives are extracted unless somebody says otherwise");
    }

    proptest! {
        #[test]
        fn no_place_is_outside(value in "[a-z/.:'?]{0,24}", output_file in proptest::option::of("[a./\\\\]{0,12}")) {
            let uri = Uri { output_file, ..uri(&value) };
            if let Ok(place) = uri.place() {
                prop_assert!(place.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert!(place.components().next().is_some());
            }
        }
    }
}
