//! Plain HTTP requests of a test.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

use crate::{
    replay::http::{self, Answer},
    support::PATIENCE,
};

pub const JSON: &str = "Content-Type: application/json\r\nAccept: application/json\r\n";

/// Sends a request of which the connection is the only one, and reads all of the answer.
pub fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut raw = Vec::new();
    socket.read_to_end(&mut raw)?;
    http::answers(&raw, false).pop().ok_or(io::ErrorKind::UnexpectedEof.into())
}

/// What a process says at a path, if it is there.
pub fn try_json(address: &str, path: &str) -> Option<Value> {
    let answer = ask(address, "GET", path, "", "").ok()?;
    (answer.code() == 200).then(|| serde_json::from_slice(&answer.body).expect("JSON"))
}

pub fn json(address: &str, path: &str) -> Value {
    try_json(address, path).unwrap_or_else(|| panic!("no answer at http://{address}{path}"))
}

/// A call of one of the v1 APIs.
pub fn call(address: &str, path: &str, headers: &str, body: &Value) -> io::Result<Answer> {
    ask(address, "POST", path, &format!("{JSON}{headers}"), &body.to_string())
}
