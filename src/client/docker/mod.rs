//! Docker Engine over its HTTP API, through bollard: where it is, and what its refusals mean.

mod build;
pub mod containers;
mod credentials;
mod error;
mod image;
pub mod labels;
mod place;
mod progress;
mod reference;
mod transfer;

use std::{path::Path, time::Duration};

use bollard::{API_DEFAULT_VERSION, Docker};
use http::HeaderValue;

pub use build::Order;
pub use error::EngineError;
pub use image::Image;
pub use place::{Look, Place, find, places};
pub use progress::{Event, Outcome, Watch, What};

/// How long an engine may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an engine may take to begin an answer, in seconds: to stop a container takes as long as its grace.
const ANSWER: u64 = 120;

/// The oldest API that a lab can be built with: Docker Engine 20.10.
pub const OLDEST_API: (usize, usize) = (1, 41);

/// A Docker Engine that answers. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    place: Place,
}

impl Engine {
    /// The engine that `docker` would talk to, with the newest API that both sides know; where none is named, the first
    /// of the usual places that answers.
    ///
    /// # Errors
    /// When none answers, it may not be used, or it is too old: what the first place said.
    pub async fn connect() -> Result<Self, EngineError> {
        let mut first = None;
        for place in places()? {
            match Self::at(&place).await {
                Ok(engine) => return Ok(engine),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| EngineError::Other("no place is known for an engine".to_owned())))
    }

    /// The engine at `place`.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn at(place: &Place) -> Result<Self, EngineError> {
        let failed = |error| EngineError::at(place, &error);
        let docker = open(place).map_err(failed)?;
        let silent = |_| EngineError::Absent { place: place.to_string(), reason: "no answer".to_owned() };
        let docker = tokio::time::timeout(PATIENCE, docker.negotiate_version())
            .await
            .map_err(silent)?
            .map_err(failed)?;
        let api = docker.client_version();
        if (api.major_version, api.minor_version) < OLDEST_API {
            return Err(EngineError::TooOld { api: format!("{}.{}", api.major_version, api.minor_version) });
        }
        Ok(Self { docker, place: place.clone() })
    }

    pub fn api(&self) -> &Docker {
        &self.docker
    }

    /// As the user would name it: `unix:///var/run/docker.sock`.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The engine's socket, where it is one of this machine.
    pub fn socket(&self) -> Option<&Path> {
        match &self.place {
            Place::Unix(path) => Some(path),
            Place::Tcp(_) => None,
        }
    }
}

fn open(place: &Place) -> Result<Docker, bollard::errors::Error> {
    let docker = match place {
        Place::Unix(_) => Docker::connect_with_unix(&place.to_string(), ANSWER, API_DEFAULT_VERSION),
        Place::Tcp(_) => Docker::connect_with_http(&place.to_string(), ANSWER, API_DEFAULT_VERSION),
    };
    Ok(docker?.with_request_modifier(|mut request| {
        let headers = request.headers_mut();
        if let Some(value) = headers.get("x-registry-auth").and_then(url_alphabet) {
            headers.insert("x-registry-auth", value);
        }
        request
    }))
}

/// Engines read credentials in the URL alphabet of base64, bollard writes the other one; a password with a `?` in the
/// wrong place would count as none.
fn url_alphabet(value: &HeaderValue) -> Option<HeaderValue> {
    let text = value.to_str().ok()?.replace('+', "-").replace('/', "_");
    HeaderValue::from_str(&text).ok()
}
