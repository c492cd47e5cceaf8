//! HTTP as it stands on the wire: heads, chunks and RecordIO records of a raw answer.

use std::io::Read;

/// One answer; `done` says that its body is complete.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub done: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn code(&self) -> u16 {
        self.status.split(' ').nth(1).and_then(|c| c.parse().ok()).unwrap_or(0)
    }

    pub fn chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    /// The records of an event stream, or `None` if the body is something else.
    pub fn records(&self) -> Option<Vec<&[u8]>> {
        self.chunked().then(|| records(&self.body)).flatten()
    }
}

/// The bytes of a head before its empty line, as lines of text.
pub fn head(raw: &[u8]) -> Option<(Vec<String>, usize)> {
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text: String = raw[..end].iter().map(|b| char::from(*b)).collect();
    Some((text.split("\r\n").map(str::to_owned).collect(), end + 4))
}

pub fn header_line(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.trim().to_lowercase(), value.trim().to_owned())
}

/// Every answer in `raw` (several if requests were pipelined).
pub fn answers(mut raw: &[u8], to_head: bool) -> Vec<Answer> {
    let mut found = Vec::new();
    while !raw.is_empty() {
        let (answer, used) = answer(raw, to_head);
        found.push(answer);
        raw = &raw[used..];
    }
    found
}

fn answer(raw: &[u8], to_head: bool) -> (Answer, usize) {
    let Some((lines, start)) = head(raw) else {
        let status = String::from_utf8_lossy(raw).lines().next().unwrap_or_default().to_owned();
        return (Answer { status, ..Answer::default() }, raw.len());
    };
    let headers = lines[1..].iter().map(|l| header_line(l)).collect();
    let mut answer = Answer { status: lines[0].clone(), headers, body: Vec::new(), done: true };
    let rest = &raw[start..];
    let length = answer.header("content-length").and_then(|n| n.parse::<usize>().ok());
    let mut used = raw.len();
    if to_head || [100, 204, 304].contains(&answer.code()) {
        used = start;
    } else if answer.chunked() {
        (answer.body, answer.done) = dechunk(rest);
    } else if let Some(n) = length {
        let n = n.min(rest.len());
        answer.done = Some(n) == length;
        answer.body = rest[..n].to_vec();
        used = start + n;
    } else {
        answer.body = rest.to_vec();
    }
    if answer.header("content-encoding") == Some("gzip") {
        answer.body = gunzip(&answer.body);
    }
    (answer, used)
}

fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match flate2::read::GzDecoder::new(body).read_to_end(&mut plain) {
        Ok(_) => plain,
        Err(_) => [b"(not gzip)", body].concat(),
    }
}

/// The data of all complete chunks, and whether the last chunk has come.
pub fn dechunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut data = Vec::new();
    while let Some(line) = raw.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&raw[..line]).ok();
        let Some(size) = size.and_then(|t| usize::from_str_radix(t, 16).ok()) else { break };
        let end = line + 2 + size;
        if size == 0 {
            return (data, true);
        }
        if raw.len() < end + 2 {
            break;
        }
        data.extend_from_slice(&raw[line + 2..end]);
        raw = &raw[end + 2..];
    }
    (data, false)
}

/// Splits `LENGTH\nRECORD` into records; `None` if it does not begin like one.
pub fn records(mut body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !body.is_empty() {
        let line = body.iter().position(|b| *b == b'\n');
        let size = line.and_then(|at| std::str::from_utf8(&body[..at]).ok()?.parse::<usize>().ok());
        let (Some(at), Some(size)) = (line, size) else {
            return (!found.is_empty()).then_some(found);
        };
        if body.len() < at + 1 + size {
            break;
        }
        found.push(&body[at + 1..at + 1 + size]);
        body = &body[at + 1 + size..];
    }
    (!found.is_empty()).then_some(found)
}

/// Whether nothing more belongs to the answer to one request.
pub fn complete(raw: &[u8], to_head: bool) -> bool {
    let Some((lines, start)) = head(raw) else { return false };
    let (answer, _) = answer(raw, to_head);
    let framed = answer.chunked() || answer.header("content-length").is_some();
    to_head || !lines.is_empty() && (raw.len() >= start) && framed && answer.done
}
