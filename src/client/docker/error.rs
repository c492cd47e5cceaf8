//! What an engine's refusals mean, and what helps. Engines speak in sentences of their own, which differ from version
//! to version; what they have in common is looked for here, and nowhere else.

use std::io::ErrorKind;

use bollard::errors::Error;

use super::place::Place;
use crate::client::chain;

/// Why an engine does not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("no Docker Engine answers at {place}: {reason}")]
    Absent { place: String, reason: String },
    #[error("the Docker Engine at {place} may not be used by this user")]
    Denied { place: String },
    #[error("the engine `{place}` {why}")]
    Elsewhere { place: String, why: &'static str },
    #[error("there is no Docker context `{name}`")]
    NoContext { name: String },
    #[error("Docker Engine speaks API {api} at most, and 1.41 is needed")]
    TooOld { api: String },
    #[error("no space is left on the engine's disk: {0}")]
    NoSpace(String),
    #[error("there is no image {0}")]
    NoImage(String),
    /// A container, a network or a volume.
    #[error("{0}")]
    NotFound(String),
    #[error("the registry refuses us: {0}")]
    Unauthorized(String),
    #[error("a registry cannot be reached: {0}")]
    NoRegistry(String),
    #[error("a port of this machine is taken: {0}")]
    PortTaken(String),
    #[error("the name {0} belongs to another container")]
    NameTaken(String),
    #[error("Docker has no addresses left for another network")]
    NoAddresses,
    #[error("the engine did not answer in time")]
    Timeout,
    /// A step of a Dockerfile that failed.
    #[error("build image `{image}`: {step}: {reason}")]
    Build { image: String, step: String, reason: String, output: Vec<String> },
    /// What an image would be made of, or the image itself, is not there.
    #[error("image `{image}`: {reason}")]
    NoContent { image: String, reason: String, remedy: String },
    #[error("{0}")]
    Other(String),
}

impl EngineError {
    /// Why `place` does not answer.
    pub(super) fn at(place: &Place, error: &Error) -> Self {
        let place = place.to_string();
        let kind = match error {
            // Transparent, so that it is no source of itself.
            Error::IOError { err } => Some(err.kind()),
            other => io_kind(other),
        };
        match kind {
            Some(ErrorKind::PermissionDenied) => Self::Denied { place },
            Some(ErrorKind::NotFound) => Self::Absent { place, reason: "there is no such socket".to_owned() },
            Some(ErrorKind::ConnectionRefused) => Self::Absent { place, reason: "nobody listens".to_owned() },
            _ if matches!(error, Error::SocketNotFoundError(_)) => {
                Self::Absent { place, reason: "there is no such socket".to_owned() }
            }
            _ => Self::Absent { place, reason: chain(error) },
        }
    }

    /// What the user can do: a command to type, or what to change.
    pub fn remedy(&self) -> String {
        match self {
            Self::Absent { .. } => "start Docker, or mesoslab up --provider embedded",
            Self::Denied { .. } => {
                "sudo usermod -aG docker $USER, then log in again; or mesoslab up --provider embedded"
            }
            Self::Elsewhere { .. } => return forward(),
            Self::NoContext { .. } => "docker context ls, then docker context use default",
            Self::TooOld { .. } => "update Docker to 20.10 or newer, or mesoslab up --provider embedded",
            Self::NoSpace(_) => "docker system df shows what takes the space, docker image prune frees some",
            Self::NoImage(_) => {
                "mesoslab up --flavor lite needs no published image; another one can stand in [images] of the lab file"
            }
            Self::NotFound(_) => "mesoslab up",
            Self::Unauthorized(_) => "docker login REGISTRY, or another image in [images] of the lab file",
            Self::NoRegistry(_) => {
                "mesoslab up --flavor lite pulls nothing; a mirror's image can stand in [images] of the lab file"
            }
            Self::PortTaken(_) => "another port in [ports] of the lab file; 0 takes a free one",
            Self::NameTaken(_) => "remove that container, or choose another --name for the lab",
            Self::NoAddresses => {
                "docker network prune, or more default-address-pools in the engine's daemon.json"
            }
            Self::Timeout => "docker info shows whether the engine is well; then try again",
            Self::Build { .. } => "mesoslab build --no-cache, or mesoslab up --provider embedded",
            Self::NoContent { remedy, .. } => remedy,
            Self::Other(_) => "mesoslab doctor",
        }
        .to_owned()
    }

    /// The last lines that a failed step has written.
    pub fn seen(&self) -> Vec<String> {
        match self {
            Self::Build { output, .. } => output.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether the same may work a moment later: the way to a registry or to the engine failed, not what was asked for.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::NoRegistry(_) | Self::Timeout)
    }

    /// What an engine's sentence means, with the status of its answer where it has one.
    pub(super) fn of_answer(status: Option<u16>, message: &str) -> Self {
        let text = message.trim().to_owned();
        let has = |words: &[&str]| {
            let lower = text.to_lowercase();
            words.iter().any(|word| lower.contains(word))
        };
        match status {
            _ if has(&NO_SPACE) => Self::NoSpace(text),
            _ if has(&NO_ADDRESSES) => Self::NoAddresses,
            _ if has(&PORT_TAKEN) => Self::PortTaken(port_taken(&text)),
            Some(409) if has(&["already in use by container", "name is already in use"]) => {
                Self::NameTaken(quoted(&text))
            }
            _ if has(&UNAUTHORIZED) && !has(&["repository does not exist"]) => Self::Unauthorized(text),
            _ if has(&NO_IMAGE) => Self::NoImage(missing_image(&text)),
            _ if has(&UNREACHABLE) => Self::NoRegistry(text),
            Some(404) => Self::NotFound(text),
            _ => Self::Other(text),
        }
    }
}

const NO_SPACE: [&str; 2] = ["no space left on device", "disk quota exceeded"];

/// The words of Docker 20.10, of 27 and newer, and of podman.
const NO_ADDRESSES: [&str; 4] = [
    "non-overlapping ipv4 address pool",
    "predefined address pools have been fully subnetted",
    "could not find free subnet",
    "no available network",
];

const PORT_TAKEN: [&str; 2] = ["port is already allocated", "address already in use"];

const UNAUTHORIZED: [&str; 5] = [
    "unauthorized",
    "authentication required",
    "no basic auth credentials",
    "incorrect username or password",
    "denied: requested access to the resource is denied",
];

const NO_IMAGE: [&str; 7] = [
    "no such image",
    "manifest unknown",
    "manifest for",
    "pull access denied",
    "repository does not exist",
    "image does not exist locally",
    "name unknown",
];

const UNREACHABLE: [&str; 15] = [
    "no such host",
    "connection refused",
    "connection reset",
    "i/o timeout",
    "tls handshake timeout",
    "client.timeout exceeded",
    "context deadline exceeded",
    "request canceled",
    "network is unreachable",
    "no route to host",
    "temporary failure in name resolution",
    "server misbehaving",
    "unexpected eof",
    "toomanyrequests",
    "received unexpected http status: 5",
];

/// `127.0.0.1:5050` of `Bind for 127.0.0.1:5050 failed`, or of `listen tcp4 127.0.0.1:5050: bind`.
fn port_taken(text: &str) -> String {
    let between = |from: &str, to: &str| Some(text.split_once(from)?.1.split_once(to)?.0.trim().to_owned());
    between("Bind for ", " failed")
        .or_else(|| between("listen tcp4 ", ": bind"))
        .or_else(|| between("listen tcp ", ": bind"))
        .unwrap_or_else(|| text.to_owned())
}

/// `NAME` of what stands first between quotes.
fn quoted(text: &str) -> String {
    let name = text.split('"').nth(1).unwrap_or(text);
    format!("`{}`", name.trim_start_matches('/'))
}

fn missing_image(text: &str) -> String {
    let after = |words: &str| text.rsplit_once(words).map(|(_, rest)| rest.trim().to_owned());
    let name = after("No such image: ")
        .or_else(|| Some(text.split_once("manifest for ")?.1.split_once(" not found")?.0.to_owned()))
        .or_else(|| Some(text.split_once("pull access denied for ")?.1.split_once(',')?.0.to_owned()))
        .or_else(|| after("locally with the tag: "));
    name.map_or_else(|| text.to_owned(), |name| format!("`{name}`"))
}

/// An engine elsewhere is reached through a socket here; what the lab publishes, too.
fn forward() -> String {
    "ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock -L 5050:127.0.0.1:5050 -L 8090:127.0.0.1:8090 HOST, \
     then DOCKER_HOST=unix:///tmp/docker.sock (one -L for each port of the lab)"
        .to_owned()
}

/// What the system said, in whichever layer.
fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match &error {
            Error::DockerResponseServerError { status_code, message } => {
                Self::of_answer(Some(*status_code), message)
            }
            Error::DockerStreamError { error } => Self::of_answer(None, error),
            Error::RequestTimeoutError => Self::Timeout,
            _ => Self::Other(chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, message: &str) -> String {
        EngineError::of_answer(Some(status), message).to_string()
    }

    #[test]
    fn an_image_that_is_not_there() {
        let texts = [
            (404, "No such image: mesosphere/mesos-master:1.7.1"),
            (
                404,
                "no such image: mesosphere/mesos-master:1.7.1: No such image: mesosphere/mesos-master:1.7.1",
            ),
            (404, "manifest for mesosphere/mesos-master:1.7.1 not found: manifest unknown: manifest unknown"),
        ];
        for (status, text) in texts {
            assert_eq!(said(status, text), "there is no image `mesosphere/mesos-master:1.7.1`");
        }
        let denied = "pull access denied for mesoslab/nothing, repository does not exist or may require 'docker login': \
                      denied: requested access to the resource is denied";
        assert_eq!(said(404, denied), "there is no image `mesoslab/nothing`");
        let push = "An image does not exist locally with the tag: 127.0.0.1:5000/mesoslab/task";
        assert_eq!(said(500, push), "there is no image `127.0.0.1:5000/mesoslab/task`");
    }

    #[test]
    fn a_registry_that_cannot_be_reached_may_be_reached_later() {
        let texts = [
            "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host",
            "Get \"http://127.0.0.1:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused",
            "Get \"https://registry-1.docker.io/v2/\": net/http: TLS handshake timeout",
            "received unexpected HTTP status: 503 Service Unavailable",
        ];
        for text in texts {
            let error = EngineError::of_answer(Some(500), text);
            assert!(matches!(error, EngineError::NoRegistry(_)) && error.is_passing(), "{error:?}");
        }
        let denied =
            "Get \"https://registry.example/v2/x/manifests/1\": unauthorized: authentication required";
        let error = EngineError::of_answer(Some(500), denied);
        assert!(matches!(error, EngineError::Unauthorized(_)) && !error.is_passing(), "{error:?}");
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let by_container = "driver failed programming external connectivity on endpoint mesoslab-a-master-1 (0a1b): \
                            Bind for 127.0.0.1:5050 failed: port is already allocated";
        let by_process = "driver failed programming external connectivity on endpoint mesoslab-a-master-1 (0a1b): \
                          Error starting userland proxy: listen tcp4 127.0.0.1:5050: bind: address already in use";
        for text in [by_container, by_process] {
            assert_eq!(said(500, text), "a port of this machine is taken: 127.0.0.1:5050");
        }
    }

    #[test]
    fn a_name_that_another_container_has() {
        let text = "Conflict. The container name \"/mesoslab-a-master-1\" is already in use by container \"0cff\". You \
                    have to remove (or rename) that container to be able to reuse that name.";
        assert_eq!(said(409, text), "the name `mesoslab-a-master-1` belongs to another container");
        let network = EngineError::of_answer(Some(409), "network with name a_default already exists");
        assert!(matches!(network, EngineError::Other(_)), "{network:?}");
    }

    #[test]
    fn nothing_left_of_disk_or_addresses() {
        let full = "failed to register layer: Error processing tar file(exit status 1): write /mesoslab: no space left on device";
        assert!(matches!(EngineError::of_answer(None, full), EngineError::NoSpace(_)));
        let pools = [
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
            "all predefined address pools have been fully subnetted",
        ];
        for text in pools {
            assert_eq!(EngineError::of_answer(Some(404), text), EngineError::NoAddresses);
        }
    }

    #[test]
    fn what_else_is_not_there_is_said_as_the_engine_says_it() {
        for text in ["No such container: nothing", "network nothing not found"] {
            assert_eq!(EngineError::of_answer(Some(404), text), EngineError::NotFound(text.to_owned()));
        }
    }

    #[test]
    fn why_a_socket_does_not_answer() {
        let place = Place::Unix("/x.sock".into());
        let of = |kind: ErrorKind| {
            let io = std::io::Error::from(kind);
            EngineError::at(&place, &Error::IOError { err: io })
        };
        assert_eq!(
            of(ErrorKind::PermissionDenied),
            EngineError::Denied { place: "unix:///x.sock".to_owned() }
        );
        assert!(of(ErrorKind::PermissionDenied).remedy().contains("usermod -aG docker"));
        let refused = of(ErrorKind::ConnectionRefused).to_string();
        assert_eq!(refused, "no Docker Engine answers at unix:///x.sock: nobody listens");
    }
}
