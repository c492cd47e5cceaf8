//! Docker Engine over its HTTP API, through bollard: where it is, and what its refusals mean.

mod error;

use std::time::Duration;

use bollard::Docker;

pub use error::EngineError;

/// How long an engine may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// The oldest API that a lab can be built with: Docker Engine 20.10.
pub const OLDEST_API: (usize, usize) = (1, 41);

/// A Docker Engine that answers. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    /// Where it is, as the user would name it: `unix:///var/run/docker.sock`.
    place: String,
}

impl Engine {
    /// The engine that `docker` would talk to, with the newest API that both sides know.
    ///
    /// # Errors
    /// When none answers, it may not be used, or it is too old.
    pub async fn connect() -> Result<Self, EngineError> {
        let place = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        Self::at(&place).await
    }

    /// The engine at `place`.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn at(place: &str) -> Result<Self, EngineError> {
        let docker = Docker::connect_with_host(place).map_err(|error| EngineError::absent(place, &error))?;
        let negotiated = tokio::time::timeout(PATIENCE, docker.negotiate_version()).await;
        let docker = negotiated
            .map_err(|_| EngineError::Absent { place: place.to_owned(), reason: "no answer".to_owned() })?
            .map_err(|error| EngineError::absent(place, &error))?;
        let api = docker.client_version();
        if (api.major_version, api.minor_version) < OLDEST_API {
            return Err(EngineError::TooOld { api: format!("{}.{}", api.major_version, api.minor_version) });
        }
        Ok(Self { docker, place: place.to_owned() })
    }

    pub fn api(&self) -> &Docker {
        &self.docker
    }

    pub fn place(&self) -> &str {
        &self.place
    }
}
