//! Where the engine is: what `docker` would talk to, found in the environment, in Docker's own configuration and in the
//! usual places of its socket, without connecting.
//!
//! ```text
//! DOCKER_HOST > DOCKER_CONTEXT > currentContext of config.json > the sockets that are there
//! ```

use std::{
    fmt, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use sha2::{Digest, Sha256};

use super::EngineError;

/// Where Docker listens unless it is told otherwise.
const USUAL: &str = "/var/run/docker.sock";

/// A place that an engine may answer at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A socket on this machine.
    Unix(PathBuf),
    /// `HOST:PORT` on this machine's loopback, spoken to without TLS.
    Tcp(String),
}

impl Place {
    /// A path of a socket, or a URL as in DOCKER_HOST.
    ///
    /// # Errors
    /// When it cannot be talked to from here.
    pub fn read(text: &str) -> Result<Self, EngineError> {
        if text.starts_with('/') { Ok(Self::Unix(PathBuf::from(text))) } else { parse(text, false) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl FromStr for Place {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        parse(text, false)
    }
}

/// What the search looks at.
pub struct Look<'a> {
    /// A variable of the environment; an empty one counts as none.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file, where there is one.
    pub read: &'a dyn Fn(&Path) -> Option<String>,
    /// Whether something is there.
    pub exists: &'a dyn Fn(&Path) -> bool,
}

impl Look<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from)
    }

    /// The directory of Docker's own configuration.
    fn config_dir(&self) -> Option<PathBuf> {
        self.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(self.home()?.join(".docker")))
    }
}

/// The places on this machine, the likeliest first, and never none.
///
/// # Errors
/// When an engine is named that cannot be talked to from here.
pub fn places() -> Result<Vec<Place>, EngineError> {
    find(&Look {
        variable: &|name| std::env::var(name).ok(),
        read: &|path| fs::read_to_string(path).ok(),
        exists: &Path::exists,
    })
}

/// The text of Docker's own `config.json`.
pub(super) fn config_file() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let look = Look { variable: &variable, read: &|_| None, exists: &|_| false };
    fs::read_to_string(look.config_dir()?.join("config.json")).ok()
}

/// As [`places`], of what `look` sees.
///
/// # Errors
/// As [`places`].
pub fn find(look: &Look<'_>) -> Result<Vec<Place>, EngineError> {
    if let Some(host) = look.variable("DOCKER_HOST") {
        let verify = ["DOCKER_TLS_VERIFY", "DOCKER_TLS"].iter().any(|name| look.variable(name).is_some());
        return Ok(vec![parse(&host, verify)?]);
    }
    match context_name(look) {
        Some(name) => Ok(vec![context(look, &name)?]),
        None => Ok(sockets(look)),
    }
}

/// The context that is in use, unless it is the default one.
fn context_name(look: &Look<'_>) -> Option<String> {
    let current = || {
        let text = (look.read)(&look.config_dir()?.join("config.json"))?;
        let config: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(config.get("currentContext")?.as_str()?.to_owned())
    };
    look.variable("DOCKER_CONTEXT").or_else(current).filter(|name| !name.is_empty() && name != "default")
}

fn context(look: &Look<'_>, name: &str) -> Result<Place, EngineError> {
    let id: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let contexts = look.config_dir().unwrap_or_default().join("contexts");
    let host = (look.read)(&contexts.join("meta").join(&id).join("meta.json"))
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .and_then(|meta| Some(meta.pointer("/Endpoints/docker/Host")?.as_str()?.to_owned()));
    match host {
        Some(host) => parse(&host, (look.exists)(&contexts.join("tls").join(&id).join("docker"))),
        None => Err(EngineError::NoContext { name: name.to_owned() }),
    }
}

/// `unix:///path`, `tcp://127.0.0.1:2375`, or a reason why not.
fn parse(host: &str, tls: bool) -> Result<Place, EngineError> {
    if let Some(path) = host.strip_prefix("unix://") {
        return Ok(Place::Unix(PathBuf::from(if path.is_empty() { USUAL } else { path })));
    }
    let elsewhere = |why: &'static str| EngineError::Elsewhere { place: host.to_owned(), why };
    match host.split_once("://") {
        Some(("tcp" | "http", address)) => tcp(address.trim_end_matches('/'), tls).map_err(elsewhere),
        Some(("ssh", _)) => Err(elsewhere("wants SSH, which is not spoken here")),
        Some(("https", _)) => Err(elsewhere(WANTS_TLS)),
        _ => Err(elsewhere("is of a kind that is not known here")),
    }
}

const WANTS_TLS: &str = "wants TLS, which is not spoken here";

fn tcp(address: &str, tls: bool) -> Result<Place, &'static str> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| "has no port")?),
        _ => (address, if tls { 2376_u16 } else { 2375 }),
    };
    if tls || port == 2376 {
        return Err(WANTS_TLS);
    }
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback()) {
        return Ok(Place::Tcp(format!("{host}:{port}")));
    }
    Err("is another machine, on whose own loopback the lab's ports would be")
}

/// Every usual socket that is there; the most usual one where none is.
fn sockets(look: &Look<'_>) -> Vec<Place> {
    let runtime = look.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let of_user = |name: &str| runtime.as_ref().map(|dir| dir.join(name));
    let all = [
        Some(PathBuf::from(USUAL)),
        of_user("docker.sock"),
        look.home().map(|home| home.join(".docker/run/docker.sock")),
        of_user("podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ];
    let mut found: Vec<_> = all.into_iter().flatten().filter(|path| (look.exists)(path)).collect();
    if found.is_empty() {
        found.push(PathBuf::from(USUAL));
    }
    found.into_iter().map(Place::Unix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at `variables` and `files`, of which those without a text are there only.
    fn look(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Vec<String>, EngineError> {
        let value = |list: &[(&str, &str)], name: &str| {
            list.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let found = find(&Look {
            variable: &|name| value(variables, name),
            read: &|path| value(files, &path.display().to_string()),
            exists: &|path| value(files, &path.display().to_string()).is_some(),
        })?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    fn place(variables: &[(&str, &str)]) -> String {
        look(variables, &[]).map_or_else(|error| error.to_string(), |places| places.join(" "))
    }

    #[test]
    fn the_sockets_that_are_there_in_order_and_the_usual_one_where_none_is() {
        assert_eq!(place(&[("HOME", "/home/me")]), "unix:///var/run/docker.sock");
        let files = [
            ("/run/podman/podman.sock", ""),
            ("/run/user/7/podman/podman.sock", ""),
            ("/home/me/.docker/run/docker.sock", ""),
            ("/run/user/7/docker.sock", ""),
            ("/var/run/docker.sock", ""),
        ];
        let found = look(&[("HOME", "/home/me"), ("XDG_RUNTIME_DIR", "/run/user/7")], &files).expect("some");
        let expected = [
            "unix:///var/run/docker.sock",
            "unix:///run/user/7/docker.sock",
            "unix:///home/me/.docker/run/docker.sock",
            "unix:///run/user/7/podman/podman.sock",
            "unix:///run/podman/podman.sock",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn docker_host_comes_first() {
        let host = |host| place(&[("DOCKER_HOST", host), ("DOCKER_CONTEXT", "x")]);
        assert_eq!(host("unix:///tmp/my.sock"), "unix:///tmp/my.sock");
        assert_eq!(host("unix://"), "unix:///var/run/docker.sock");
        assert_eq!(host("tcp://127.0.0.1:2375"), "tcp://127.0.0.1:2375");
        assert_eq!(host("tcp://localhost"), "tcp://localhost:2375");
        assert_eq!(host("tcp://[::1]:99/"), "tcp://[::1]:99");
        assert_eq!(host("tcp://:99"), "tcp://127.0.0.1:99");
    }

    #[test]
    fn what_is_not_on_this_machine_or_encrypted_is_refused() {
        let host = |host| place(&[("DOCKER_HOST", host)]);
        assert_eq!(host("ssh://me@far"), "the engine `ssh://me@far` wants SSH, which is not spoken here");
        for url in ["tcp://127.0.0.1:2376", "https://127.0.0.1:2375"] {
            assert!(host(url).contains("wants TLS"), "{}", host(url));
        }
        let verified = place(&[("DOCKER_HOST", "tcp://127.0.0.1:2375"), ("DOCKER_TLS_VERIFY", "1")]);
        assert!(verified.contains("wants TLS"), "{verified}");
        assert!(host("tcp://10.0.0.7:2375").contains("another machine"), "{}", host("tcp://10.0.0.7:2375"));
        assert!(host("npipe:////./pipe/docker_engine").contains("not known"));
        assert!(host("tcp://127.0.0.1:port").contains("no port"));
        let error = look(&[("DOCKER_HOST", "ssh://me@far")], &[]).expect_err("refused");
        assert!(error.remedy().contains("ssh -nNT -L"), "{}", error.remedy());
    }

    /// `sha256("far")`, as Docker names the directory of the context.
    const FAR: &str = "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868";

    #[test]
    fn a_context_of_docker_is_followed() {
        let meta = format!("/home/me/.docker/contexts/meta/{FAR}/meta.json");
        let text =
            r#"{"Name":"far","Endpoints":{"docker":{"Host":"unix:///far.sock","SkipTLSVerify":false}}}"#;
        let config = ("/home/me/.docker/config.json", r#"{"currentContext":"far"}"#);
        let home = ("HOME", "/home/me");
        assert_eq!(look(&[home], &[config, (&meta, text)]).expect("found"), ["unix:///far.sock"]);
        let named = look(&[home, ("DOCKER_CONTEXT", "far")], &[(&meta, text)]);
        assert_eq!(named.expect("found"), ["unix:///far.sock"]);
        let back = look(&[home, ("DOCKER_CONTEXT", "default")], &[config, (&meta, text)]);
        assert_eq!(back.expect("found"), ["unix:///var/run/docker.sock"]);
        let gone = look(&[home], &[config]).expect_err("no such context");
        assert_eq!(gone.to_string(), "there is no Docker context `far`");
    }

    #[test]
    fn a_context_with_certificates_wants_tls() {
        let meta = format!("/d/contexts/meta/{FAR}/meta.json");
        let tls = format!("/d/contexts/tls/{FAR}/docker");
        let text = r#"{"Endpoints":{"docker":{"Host":"tcp://127.0.0.1:2375"}}}"#;
        let variables = [("DOCKER_CONFIG", "/d"), ("DOCKER_CONTEXT", "far")];
        assert_eq!(look(&variables, &[(&meta, text)]).expect("plain"), ["tcp://127.0.0.1:2375"]);
        let error = look(&variables, &[(&meta, text), (&tls, "")]).expect_err("encrypted");
        assert!(error.to_string().contains("wants TLS"), "{error}");
    }
}
