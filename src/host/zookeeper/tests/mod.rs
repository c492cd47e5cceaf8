//! The server with sockets and files.
