//! The files of an agent over HTTP: `/files/{browse,read,download}`, LIST_FILES and READ_FILE.

use std::{fmt::Display, path::Path};

use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{AgentHandle, http::encode};
use crate::{
    host::{
        http::{Request, Response, StatusCode, header},
        sandbox::files::{Download, FilesError},
    },
    mesos::{
        media::MediaType,
        v1::{
            FileInfo,
            agent::{Call, Response as CallResponse, response},
        },
    },
};

const NO_PATH: &str = "Expecting 'path=value' in query.\n";

/// How much of a download is read at once.
const PIECE: usize = 64 * 1024;

fn refuse(error: &FilesError) -> Response {
    let status = match error {
        FilesError::Invalid(_) => StatusCode::BAD_REQUEST,
        FilesError::NotFound => StatusCode::NOT_FOUND,
        FilesError::Unknown(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Response::text(status, error.to_string())
}

fn path_of(request: &Request) -> Result<&str, Response> {
    let path = request.query("path").filter(|path| !path.is_empty());
    path.ok_or_else(|| Response::bad_request(NO_PATH))
}

pub(super) fn browse(agent: &AgentHandle, request: &Request) -> Response {
    let listed = path_of(request).and_then(|path| agent.files().browse(path).map_err(|error| refuse(&error)));
    match listed {
        Ok(infos) => {
            let listing: Vec<Value> = infos.iter().map(listing_entry).collect();
            Response::json(Value::from(listing).to_string(), request.jsonp())
        }
        Err(refusal) => refusal,
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this millennium fit")]
fn listing_entry(info: &FileInfo) -> Value {
    json!({
        "gid": info.gid(),
        "mode": mode_words(info.mode()),
        "mtime": (info.mtime.as_ref().map_or(0, |mtime| mtime.nanoseconds) / 1_000_000_000) as f64,
        "nlink": info.nlink(),
        "path": info.path,
        "size": info.size(),
        "uid": info.uid(),
    })
}

/// As `ls -l` shows it.
fn mode_words(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let bits = "rwxrwxrwx".chars().enumerate();
    let permissions = bits.map(|(at, letter)| if mode & (0o400 >> at) == 0 { '-' } else { letter });
    std::iter::once(kind).chain(permissions).collect()
}

pub(super) fn read(agent: &AgentHandle, request: &Request) -> Response {
    read_part(agent, request).unwrap_or_else(|refusal| refusal)
}

/// An offset of -1, as of none, asks for the size of the file only; a length of -1 for all of it.
fn read_part(agent: &AgentHandle, request: &Request) -> Result<Response, Response> {
    let path = path_of(request)?;
    let offset = number(request, "offset")?.unwrap_or(-1);
    let length = number(request, "length")?.and_then(|length| u64::try_from(length).ok());
    let (start, length) = u64::try_from(offset).map_or((0, Some(0)), |start| (start, length));
    let chunk = agent.files().read(path, start, length).map_err(|error| refuse(&error))?;
    let shown = if offset < 0 { json!(chunk.size) } else { json!(offset) };
    let data = String::from_utf8_lossy(&chunk.data);
    Ok(Response::json(json!({"data": data, "offset": shown}).to_string(), request.jsonp()))
}

fn number(request: &Request, name: &str) -> Result<Option<i64>, Response> {
    let Some(text) = request.query(name) else { return Ok(None) };
    let refuse = |reason: &dyn Display| Response::bad_request(format!("{reason}.\n"));
    let number: i64 = text
        .parse()
        .map_err(|_| refuse(&format!("Failed to parse {name}: Failed to convert '{text}' to number")))?;
    if number < -1 {
        return Err(refuse(&format!("Negative {name} provided: {number}")));
    }
    Ok(Some(number))
}

pub(super) fn download(agent: &AgentHandle, request: &Request) -> Response {
    let path = match path_of(request) {
        Ok(path) => path,
        Err(refusal) => return refusal,
    };
    match agent.files().download(path) {
        Ok(download) => send_file(download),
        Err(FilesError::NotFound) => Response::not_found(),
        Err(error) => refuse(&error),
    }
}

fn send_file(Download { path, file, size }: Download) -> Response {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = tokio::fs::File::from_std(file).take(size);
    let pieces = stream::unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(size) => {
                piece.truncate(size);
                Some((Ok(Bytes::from(piece)), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    Response::pieces(content_type(&path), size, pieces)
        .with(header::CONTENT_DISPOSITION, format!("attachment; filename={name}"))
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("txt" | "text") => "text/plain",
        Some("html" | "htm") => "text/html",
        Some("css") => "text/css",
        Some("csv") => "text/csv",
        Some("xml") => "application/xml",
        Some("json") => "application/json",
        Some("js") => "application/javascript",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("gz") => "application/x-gzip",
        Some("tar") => "application/x-tar",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// LIST_FILES.
pub(super) fn list_call(agent: &AgentHandle, call: &Call, media: MediaType) -> Response {
    let path = call.list_files.as_ref().map(|list| list.path.as_str()).unwrap_or_default();
    match agent.files().browse(path) {
        Ok(file_infos) => {
            let list_files = Some(response::ListFiles { file_infos });
            let kind = Some(response::Type::ListFiles.into());
            encode(&CallResponse { r#type: kind, list_files, ..CallResponse::default() }, media)
        }
        Err(error) => refuse(&error),
    }
}

/// READ_FILE.
pub(super) fn read_call(agent: &AgentHandle, call: &Call, media: MediaType) -> Response {
    let Some(asked) = &call.read_file else { return Response::bad_request(NO_PATH) };
    match agent.files().read(&asked.path, asked.offset, asked.length) {
        Ok(chunk) => {
            let read_file = Some(response::ReadFile { size: chunk.size, data: chunk.data.into() });
            let kind = Some(response::Type::ReadFile.into());
            encode(&CallResponse { r#type: kind, read_file, ..CallResponse::default() }, media)
        }
        Err(error) => refuse(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_modes_as_ls_does() {
        assert_eq!(mode_words(33_188), "-rw-r--r--");
        assert_eq!(mode_words(16_877), "drwxr-xr-x");
    }
}
