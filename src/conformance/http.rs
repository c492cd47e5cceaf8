//! HTTP/1.1 by hand: requests as strange as a check wants them, and answers as they came.
//!
//! No library stands between: what a client library would never send (a wrong length, two content types, a body in
//! pieces) is what many checks are about.

use std::{fmt, str::FromStr};

use bytes::{Buf, Bytes, BytesMut};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// More than this is no head of an answer.
const LONGEST_HEAD: usize = 64 << 10;
/// The state of a large cluster as one answer.
const LONGEST_BODY: usize = 256 << 20;
/// Of a line that says how long a chunk is.
const LONGEST_CHUNK_LINE: usize = 1024;

pub const JSON: &str = "application/json";
pub const PROTOBUF: &str = "application/x-protobuf";

/// Where a master or an agent listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads `http://host:port`, also without the scheme and with a path, which is not kept.
impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no address such as http://127.0.0.1:5051");
        let rest = text.trim().strip_prefix("http://").unwrap_or(text.trim());
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(['@', ' ']) || text.contains("https://") {
            return Err(bad());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// A request that is not sent yet.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub fn get(target: &str) -> Request {
    request("GET", target)
}

pub fn post(target: &str) -> Request {
    request("POST", target)
}

/// `target` is a path with its query, or whatever else is to stand in the request's first line.
pub fn request(method: &str, target: &str) -> Request {
    Request { method: method.into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
}

impl Request {
    /// A header in place of the one of that name, if there is one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// A body, and nothing that says what it is.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// A JSON text as body, JSON wanted back.
    #[must_use]
    pub fn text(self, body: &str) -> Self {
        self.header("Content-Type", JSON).header("Accept", JSON).body(body)
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    /// A message as body, messages wanted back.
    #[must_use]
    pub fn protobuf(self, message: &impl prost::Message) -> Self {
        self.header("Content-Type", PROTOBUF).header("Accept", PROTOBUF).body(message.encode_to_vec())
    }

    /// Whether a `$NAME` stands somewhere in it.
    pub fn names(&self, name: &str) -> bool {
        let in_headers = self.headers.iter().any(|(_, value)| value.contains(name));
        in_headers || self.target.contains(name) || String::from_utf8_lossy(&self.body).contains(name)
    }

    /// Puts a value in place of each `$NAME`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.target = self.target.replace(name, value);
        for (_, text) in &mut self.headers {
            *text = text.replace(name, value);
        }
        if let Ok(text) = std::str::from_utf8(&self.body)
            && text.contains(name)
        {
            self.body = text.replace(name, value).into_bytes();
        }
        self
    }

    /// As it is sent. A length is said unless the request says how its body ends.
    pub fn bytes(&self, to: &Address) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let has = |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !has("Host") {
            head += &format!("Host: {to}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !has("Transfer-Encoding") && (self.method != "GET" || !self.body.is_empty()) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

/// For people: `POST /api/v1 {"type":"GET_HEALTH"}`.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        match std::str::from_utf8(&self.body) {
            Ok("") => Ok(()),
            Ok(text) => write!(f, " {text}"),
            Err(_) => write!(f, " ({} bytes)", self.body.len()),
        }
    }
}

/// An answer: its head, and its body without the framing of the transfer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    fn parse(head: &str) -> Result<Self, String> {
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let bad = || format!("no HTTP: {first:?}");
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).ok_or_else(bad)?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Ok(Self { status: status.parse().map_err(|_| bad())?, headers, body: Bytes::new() })
    }
}

/// How the rest of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// So many bytes are to come.
    Length(usize),
    /// A chunk's length is next.
    ChunkLength,
    /// So many bytes of a chunk are to come.
    Chunk(usize),
    /// The line's end behind a chunk is next.
    ChunkEnd,
    /// What may stand behind the last chunk, up to an empty line.
    Trailer,
    UntilClosed,
    Ended,
}

/// A connection on which something was asked.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    read: BytesMut,
    framing: Framing,
}

impl Connection {
    /// # Errors
    /// When nobody listens there.
    pub async fn open(to: &Address) -> Result<Self, String> {
        let socket = TcpStream::connect((to.host.as_str(), to.port)).await;
        let socket = socket.map_err(|error| format!("no connection to {to}: {error}"))?;
        // Answers are waited for anyway.
        let _ignored = socket.set_nodelay(true);
        Ok(Self { socket, read: BytesMut::new(), framing: Framing::Ended })
    }

    /// # Errors
    /// When the other side has closed.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.socket.write_all(bytes).await.map_err(|error| format!("the connection broke: {error}"))
    }

    /// Reads more; none at the end.
    async fn more(&mut self) -> Result<bool, String> {
        match self.socket.read_buf(&mut self.read).await {
            Ok(0) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) => Err(format!("the connection broke: {error}")),
        }
    }

    /// Reads the head of the next answer.
    ///
    /// # Errors
    /// When the connection ends before, or what comes is no HTTP.
    pub async fn head(&mut self, to_head: bool) -> Result<Answer, String> {
        let (answer, end) = loop {
            let found = self.read.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = found {
                let head = String::from_utf8_lossy(&self.read[..end]).into_owned();
                let answer = Answer::parse(&head)?;
                if answer.status / 100 == 1 {
                    self.read.advance(end + 4);
                    continue;
                }
                break (answer, end + 4);
            }
            if self.read.len() > LONGEST_HEAD {
                return Err(format!("a head of more than {LONGEST_HEAD} bytes"));
            }
            if !self.more().await? {
                return Err(match self.read.is_empty() {
                    true => "the connection was closed without an answer".to_owned(),
                    false => format!("no HTTP: {:?}", beginning(&self.read)),
                });
            }
        };
        self.read.advance(end);
        self.framing = framing(&answer, to_head)?;
        Ok(answer)
    }

    /// The next bytes of the body; none at its end. Nothing is lost when this is dropped before it is done.
    ///
    /// # Errors
    /// When the connection ends within the body, or chunks are malformed.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            match self.framing {
                Framing::Ended | Framing::Length(0) => return Ok(None),
                Framing::ChunkLength => self.chunk().await?,
                Framing::ChunkEnd => {
                    self.line().await?;
                    self.framing = Framing::ChunkLength;
                }
                Framing::Trailer => {
                    if self.line().await?.is_empty() {
                        self.framing = Framing::Ended;
                    }
                }
                Framing::Length(_) | Framing::Chunk(_) | Framing::UntilClosed if !self.read.is_empty() => {
                    return Ok(Some(self.take()));
                }
                Framing::UntilClosed => {
                    if !self.more().await? {
                        self.framing = Framing::Ended;
                    }
                }
                Framing::Length(_) | Framing::Chunk(_) => {
                    if !self.more().await? {
                        return Err("the connection was closed within a body".to_owned());
                    }
                }
            }
        }
    }

    /// What of the body is here.
    fn take(&mut self) -> Bytes {
        let here = self.read.len();
        let taken = match self.framing {
            Framing::Length(left) | Framing::Chunk(left) => here.min(left),
            _ => here,
        };
        self.framing = match self.framing {
            Framing::Length(left) => Framing::Length(left - taken),
            Framing::Chunk(left) if left == taken => Framing::ChunkEnd,
            Framing::Chunk(left) => Framing::Chunk(left - taken),
            other => other,
        };
        self.read.split_to(taken).freeze()
    }

    /// Reads how long the next chunk is; the last one is empty.
    async fn chunk(&mut self) -> Result<(), String> {
        let line = self.line().await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length =
            usize::from_str_radix(digits, 16).map_err(|_| format!("no length of a chunk: {line:?}"))?;
        self.framing = if length == 0 { Framing::Trailer } else { Framing::Chunk(length) };
        Ok(())
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.read.len() > LONGEST_CHUNK_LINE {
                return Err(format!("no length of a chunk: {:?}", beginning(&self.read)));
            }
            if !self.more().await? {
                return Err("the connection was closed within a chunk".to_owned());
            }
        }
    }

    /// Whether the other side closes now; what it says before is not looked at.
    pub async fn closes(&mut self) -> bool {
        loop {
            self.read.clear();
            match self.more().await {
                Ok(true) => {}
                Ok(false) | Err(_) => return true,
            }
        }
    }

    /// Reads the whole of the next answer.
    ///
    /// # Errors
    /// As [`Connection::head`] and [`Connection::piece`].
    pub async fn answer(&mut self, to_head: bool) -> Result<Answer, String> {
        let mut answer = self.head(to_head).await?;
        let mut body = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST_BODY {
                return Err(format!("a body of more than {LONGEST_BODY} bytes"));
            }
        }
        answer.body = body.freeze();
        Ok(answer)
    }
}

fn framing(answer: &Answer, to_head: bool) -> Result<Framing, String> {
    if to_head || matches!(answer.status, 204 | 304) {
        return Ok(Framing::Ended);
    }
    if answer.header("Transfer-Encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return Ok(Framing::ChunkLength);
    }
    match answer.header("Content-Length") {
        Some(length) => {
            let length = length.parse().map_err(|_| format!("a Content-Length of {length:?}"))?;
            Ok(Framing::Length(length))
        }
        None => Ok(Framing::UntilClosed),
    }
}

/// What bytes begin with, for people.
pub fn beginning(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    if bytes.len() > 200 { text + "..." } else { text }
}

/// Asks, and reads the whole answer.
///
/// # Errors
/// When there is no answer, or what comes is no HTTP.
pub async fn ask(to: &Address, request: &Request) -> Result<Answer, String> {
    let mut connection = Connection::open(to).await?;
    connection.send(&request.bytes(to)).await?;
    connection.answer(request.is_head()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_a_scheme() {
        let read = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(read("http://127.0.0.1:5050/"), Ok("127.0.0.1:5050".into()));
        assert_eq!(read("host:5051/api/v1"), Ok("host:5051".into()));
        assert_eq!(read("http://[::1]:5051"), Ok("[::1]:5051".into()));
        assert_eq!(read("http://host"), Ok("host:80".into()));
        for bad in ["", "http://", "https://host", "host:port", "user@host:1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_says_its_length_unless_it_says_how_it_ends() {
        let to = Address { host: "h".into(), port: 1 };
        let text = |request: Request| String::from_utf8(request.bytes(&to)).expect("text");
        assert_eq!(text(get("/version")), "GET /version HTTP/1.1\r\nHost: h:1\r\n\r\n");
        let posted = text(post("/x").text("{}").header("accept", "*/*"));
        assert_eq!(
            posted,
            "POST /x HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\naccept: */*\r\n\
             Content-Length: 2\r\n\r\n{}"
        );
        assert!(!text(post("/x").header("Transfer-Encoding", "chunked")).contains("Content-Length"));
    }

    #[test]
    fn names_are_replaced_everywhere() {
        let request = post("/x?y=$A").header("Mesos-Stream-Id", "$A").body("{$A}");
        assert!(request.names("$A") && !request.names("$B"));
        let text = String::from_utf8(request.with("$A", "7").bytes(&Address { host: "h".into(), port: 1 }));
        assert_eq!(text.expect("text").matches('7').count(), 3);
    }

    #[test]
    fn a_head_that_is_no_http_is_refused() {
        assert!(Answer::parse("HTTP/1.1 200 OK\r\nA: b").is_ok_and(|answer| answer.header("a") == Some("b")));
        for bad in ["", "<html>", "HTTP/2 200", "HTTP/1.1 abc"] {
            assert!(Answer::parse(bad).is_err(), "{bad}");
        }
    }
}
