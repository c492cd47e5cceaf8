//! An event stream of a v1 API, read without waiting.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

use super::http::JSON;
use crate::replay::http;

pub struct Stream {
    socket: TcpStream,
    raw: Vec<u8>,
    seen: usize,
}

impl Stream {
    /// Sends a call whose answer is a stream; none when nobody listens.
    pub fn open(address: &str, path: &str, call: &Value) -> Option<Self> {
        let mut socket = TcpStream::connect(address).ok()?;
        let body = call.to_string();
        let length = body.len();
        write!(
            socket,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\n{JSON}Content-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, raw: Vec::new(), seen: 0 })
    }

    /// Reads what is there; whether more may come.
    pub fn read(&mut self) -> bool {
        let mut piece = [0; 64 * 1024];
        loop {
            match self.socket.read(&mut piece) {
                Ok(0) => return false,
                Ok(size) => self.raw.extend_from_slice(&piece[..size]),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    /// What names the stream in calls.
    pub fn id(&self) -> Option<String> {
        let (lines, _) = http::head(&self.raw)?;
        let mut headers = lines[1..].iter().map(|line| http::header_line(line));
        headers.find_map(|(name, value)| (name == "mesos-stream-id").then_some(value))
    }

    /// The events that have come since the last look.
    pub fn news(&mut self) -> Vec<Value> {
        let Some((_, start)) = http::head(&self.raw) else { return Vec::new() };
        let (body, _) = http::dechunk(&self.raw[start..]);
        let records = http::records(&body).unwrap_or_default();
        let news = records[self.seen..].iter().map(|record| serde_json::from_slice(record).expect("JSON"));
        let news = news.collect();
        self.seen = records.len();
        news
    }
}
