//! One small HTTP/1.1 server for every listener of the lab, with the manners of libprocess.
//!
//! Routing by the longest prefix, headers in the order and case that Mesos sends them, one record per chunk,
//! gzip for large bodies, JSONP; a slow reader of a stream is dropped, never waited for.
//!
//! ```text
//! serve(listener) > place > connection > networks, guard > limits > Router > handler > Response > wire
//!                                                              |            \> channel(&request) > Sink   (events)
//!                                                              |\> handler with RequestBody   (of any length)
//!                                                              \> inbox > 202 or 404   (libprocess messages)
//! ```

mod connections;
mod encoding;
mod guard;
mod memory;
mod message;
mod percent;
mod request;
mod response;
mod router;
mod server;
mod silent;
mod stream;

pub use connections::Patience;
pub use guard::Guard;
pub use message::{Incoming, Receipt};
pub use percent::{decode as decode_path, decode_query};
pub use request::{Request, RequestBody, Uncollected};
pub use response::Response;
pub use router::Router;
pub use server::{Limits, Options, serve};
pub use stream::{Closed, Sink, StreamBody, channel};

pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

#[cfg(test)]
mod tests;
