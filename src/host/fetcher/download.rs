//! Brings the content of one URI into a file.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::OnceLock,
    time::Duration,
};

use http::{Method, Response, StatusCode, header::CONTENT_LENGTH};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt;

use super::{
    web::{Web, trusted},
    work::{Wanted, room},
};
use crate::{client::chain, engine::agent::fetch::Origin, runtime};

/// Bytes between two looks at the room that is left.
const BETWEEN_LOOKS: u64 = 16 * 1024 * 1024;

/// Downloads files.
#[derive(Debug)]
pub struct Downloader {
    web: OnceLock<Web>,
    /// A server that says nothing for so long is given up; none: never.
    stall: Option<Duration>,
}

impl Downloader {
    pub fn new(stall_timeout: Duration) -> Self {
        Self { web: OnceLock::new(), stall: Some(stall_timeout).filter(|timeout| !timeout.is_zero()) }
    }

    /// How many bytes there are, as far as can be known before.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn size(&self, origin: &Origin) -> Result<u64, String> {
        match origin {
            Origin::Local(path) => {
                let file = fs::metadata(path);
                let file = file.map_err(|error| {
                    format!("Could not determine file size for: '{}', error: {error}", path.display())
                })?;
                Ok(file.len())
            }
            Origin::Net(url) => {
                let response = self.in_time(self.web()?.ask(Method::HEAD, url)).await??;
                let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
                let length = length.and_then(|length| length.parse().ok()).filter(|length| *length > 0);
                length.ok_or_else(|| format!("URI reported content-length 0: {url}"))
            }
        }
    }

    /// Brings a copy into a file that `make` makes with this mode.
    ///
    /// # Errors
    /// In the words of Mesos where it says the same.
    pub async fn bring(
        &self,
        origin: &Origin,
        wanted: &Wanted,
        make: impl FnOnce(u32) -> std::io::Result<File>,
    ) -> Result<(), String> {
        match origin {
            Origin::Local(path) => copy(path, wanted, make).await,
            Origin::Net(url) => self.download(url, make).await,
        }
    }

    async fn download(
        &self,
        url: &str,
        make: impl FnOnce(u32) -> std::io::Result<File>,
    ) -> Result<(), String> {
        let failed = |error: String| format!("Error downloading resource: {error}");
        let response = self.in_time(self.web()?.ask(Method::GET, url)).await;
        let response = response.and_then(|response| response).map_err(failed)?;
        if response.status() != StatusCode::OK {
            let code = response.status().as_u16();
            return Err(format!("Error downloading resource, received HTTP return code {code}"));
        }
        let file = make(0o666).map_err(|error| failed(error.to_string()))?;
        self.write(response, file).await.map_err(failed)
    }

    async fn write(&self, mut response: Response<Incoming>, file: File) -> Result<(), String> {
        let disk = file.try_clone().map_err(|error| error.to_string())?;
        let mut file = tokio::fs::File::from_std(file);
        let (mut written, mut look_at): (u64, u64) = (0, 0);
        while let Some(frame) = self.in_time(response.frame()).await? {
            let Ok(chunk) = frame.map_err(|error| chain(&error))?.into_data() else { continue };
            if written >= look_at {
                look_at = written + BETWEEN_LOOKS;
                room(&disk).map_err(|error| error.to_string())?;
            }
            file.write_all(&chunk).await.map_err(|error| error.to_string())?;
            written += u64::try_from(chunk.len()).unwrap_or_default();
        }
        file.flush().await.map_err(|error| error.to_string())
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, String> {
        let Some(stall) = self.stall else { return Ok(work.await) };
        let done = tokio::time::timeout(stall, work).await;
        done.map_err(|_| {
            let seconds = stall.as_secs_f64();
            format!("Operation too slow: less than 1 bytes/sec transferred the last {seconds} seconds")
        })
    }

    fn web(&self) -> Result<&Web, String> {
        if let Some(web) = self.web.get() {
            return Ok(web);
        }
        let web = Web::trusting(trusted())?;
        Ok(self.web.get_or_init(|| web))
    }
}

async fn copy(
    path: &Path,
    wanted: &Wanted,
    make: impl FnOnce(u32) -> std::io::Result<File>,
) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("cannot copy '{}': {error}", path.display());
    let there = fs::metadata(path).map_err(cannot)?;
    if there.is_dir() {
        return Err("`source` was a directory".to_owned());
    }
    if !there.is_file() {
        return Err("`source` was no regular file".to_owned());
    }
    let mut from = File::open(path).map_err(cannot)?;
    let mut to = make(there.mode()).map_err(cannot)?;
    let wanted = wanted.clone();
    let copied = runtime::compute(move || wanted.pour(&mut from, &mut to)).await;
    copied.unwrap_or(Err(std::io::Error::other("it has panicked"))).map(drop).map_err(cannot)
}
