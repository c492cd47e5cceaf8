//! The bytes of a message as Apache Mesos 1.11.0 sends them: these headers in this order, an empty `Host`, the body
//! in one chunk, and nothing about a body where there is none.

use std::io::Write;

/// A message on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The id of the process of ours that sends it.
    pub from: &'a str,
    /// What we call ourselves: `ip:port`.
    pub address: &'a str,
    /// The id of the process that it is for; none for an address without a process.
    pub to: &'a str,
    pub name: &'a str,
    pub body: &'a [u8],
}

/// More than the fixed parts of a message take.
const FRAME: usize = 192;

impl Message<'_> {
    /// At least as many bytes as it takes.
    pub fn size(&self) -> usize {
        let head = 3 * (self.to.len() + self.name.len() + 2 * self.from.len()) + 2 * self.address.len();
        head + self.body.len() + FRAME
    }

    pub fn write_to(&self, bytes: &mut Vec<u8>) {
        let Self { from, address, to, name, body } = self;
        bytes.extend_from_slice(b"POST ");
        for part in [to, name].into_iter().filter(|part| !part.is_empty()) {
            bytes.push(b'/');
            escape(part, bytes);
        }
        bytes.extend_from_slice(b" HTTP/1.1\r\nUser-Agent: libprocess/");
        for before_next in ["\r\nLibprocess-From: ", "\r\nConnection: Keep-Alive\r\nHost: \r\n"] {
            escape(from, bytes);
            bytes.push(b'@');
            bytes.extend_from_slice(address.as_bytes());
            bytes.extend_from_slice(before_next.as_bytes());
        }
        frame(body, bytes);
    }
}

fn frame(body: &[u8], bytes: &mut Vec<u8>) {
    if body.is_empty() {
        bytes.extend_from_slice(b"\r\n");
        return;
    }
    bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    write!(bytes, "{:x}\r\n", body.len()).unwrap_or_default();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(b"\r\n0\r\n\r\n");
}

/// Process ids go as they are, `slave(1)`; only what would end the path or the line does not.
fn escape(text: &str, bytes: &mut Vec<u8>) {
    for byte in text.bytes() {
        if is_plain(byte) {
            bytes.push(byte);
        } else {
            write!(bytes, "%{byte:02X}").unwrap_or_default();
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"()-._~!$&'*,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(from: &str, to: &str, name: &str, body: &[u8]) -> Vec<u8> {
        let message = Message { from, address: "127.0.0.1:15151", to, name, body };
        let mut bytes = Vec::new();
        message.write_to(&mut bytes);
        assert!(bytes.len() <= message.size());
        bytes
    }

    #[test]
    fn nothing_in_it_begins_a_line_or_another_path() {
        let bytes = written("a\r\nb", "x/y z%?#\r\n+ä", "n\r\nHost: evil", b"");
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("POST /x%2Fy%20z%25%3F%23%0D%0A%2B%C3%A4/n%0D%0AHost:%20evil HTTP/1.1\r\n"));
        assert_eq!(text.lines().count(), 6);
    }

    #[test]
    fn an_address_without_a_process_has_no_empty_part() {
        assert!(written("a", "", "x.Y", b"").starts_with(b"POST /x.Y HTTP/1.1\r\n"));
    }
}
