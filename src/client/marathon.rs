//! The few requests to a Marathon that the lab makes: put an app there, look at it, take it away.
//! <https://mesosphere.github.io/marathon/api-console/index.html>

use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::{
    ClientError, Http,
    http::{accepted, base_url, sent, whole, within},
};

/// A Marathon.
#[derive(Clone, Debug)]
pub struct MarathonApi {
    http: Http,
    url: Url,
}

impl MarathonApi {
    /// # Errors
    /// When `marathon` is no `http://` address.
    pub fn new(http: Http, marathon: &str) -> Result<Self, ClientError> {
        Ok(Self { http, url: base_url(marathon)? })
    }

    /// Creates the app, or brings the one of its id to this form, whatever else is being done to it.
    ///
    /// # Errors
    /// When Marathon cannot be reached or refuses the app.
    pub async fn put_app(&self, id: &str, app: &Value) -> Result<(), ClientError> {
        self.ask(Method::PUT, id, Some(app)).await.map(drop)
    }

    /// `GET /v2/apps/ID`: the app with its tasks; none where there is no such app.
    ///
    /// # Errors
    /// When Marathon cannot be reached.
    pub async fn app(&self, id: &str) -> Result<Option<Value>, ClientError> {
        match self.ask(Method::GET, id, None).await {
            Ok(mut answer) => Ok(Some(answer["app"].take())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends the app with its tasks. False where there is no such app.
    ///
    /// # Errors
    /// When Marathon cannot be reached or refuses.
    pub async fn delete_app(&self, id: &str) -> Result<bool, ClientError> {
        match self.ask(Method::DELETE, id, None).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, method: Method, id: &str, body: Option<&Value>) -> Result<Value, ClientError> {
        let mut url = self.url.clone();
        url.set_path(&format!("/v2/apps/{}", id.trim_start_matches('/')));
        if method != Method::GET {
            url.set_query(Some("force=true"));
        }
        let request = self.http.0.request(method, url.clone());
        let request = body.into_iter().fold(request, |request, body| request.json(body));
        let answer = within(&url, async { accepted(sent(&url, request).await?).await }).await?;
        let text = whole(&url, answer).await?;
        serde_json::from_slice(&text).map_err(|error| ClientError::Malformed(error.to_string()))
    }
}

fn is_missing(error: &ClientError) -> bool {
    error.status() == Some(StatusCode::NOT_FOUND.as_u16())
}
