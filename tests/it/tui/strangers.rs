//! Masters that are none of ours: garbage, silence, nobody, and a cluster without our scheduler.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use mesoslab::runtime;

use crate::{support::Lab, tui::screen::Screen};

/// A listener that answers every connection with these bytes and then closes it; with none, it stays silent.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime::thread("stranger", move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            if answer.is_empty() {
                held.push(stream);
                continue;
            }
            let mut request = [0; 4096];
            // Whoever hangs up has its reasons.
            drop(stream.read(&mut request).and_then(|_| stream.write_all(answer)));
        }
    })
    .expect("a thread");
    format!("http://{address}")
}

/// A dashboard of that master stays usable and says what is wrong.
fn says(master: &str, words: &str) {
    let lab = Lab::new();
    let mut screen = Screen::start(&lab, &["--master", master], 120, 32);
    screen
        .until(words)
        .key("3")
        .until("┤3 Tasks")
        .key("?")
        .until("this help")
        .key("q")
        .until_gone("this help");
    assert_eq!(screen.key("q").code(), 0);
}

#[test]
fn nobody_answers() {
    says("http://127.0.0.1:1", "next try");
}

#[test]
fn a_server_that_never_answers() {
    says(&server(b""), "connecting");
}

#[test]
fn a_web_server_is_no_master() {
    says(
        &server(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/html\r\n\r\n<html></html>"),
        "next try",
    );
    says(&server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "next try");
}

#[test]
fn garbage_is_no_answer() {
    says(&server(b"\x16\x03\x01\x02\x00\x01\x00\xff\xfe\x1b[2J\x1b]0;hello\x07"), "next try");
    says(
        &server(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\r\n99999999999999999999\nzzz"),
        "next try",
    );
}

#[test]
fn a_cluster_of_others_has_no_slider_and_all_the_rest() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let endpoints = lab.json(&["status"])["components"].clone();
    let url = |name: &str| {
        let parts = endpoints.as_array().expect("components").iter();
        let part = parts.into_iter().find(|part| part["name"] == name).expect("the component");
        part["url"].as_str().expect("a URL").to_owned()
    };
    let mut screen = Screen::start(&lab, &["--master", &url("master"), "--tab", "tasks"], 120, 32);
    screen.until("--scheduler").until_that("two tasks", |text| text.matches("● running").count() == 2);
    assert_eq!(screen.key("q").code(), 0);
    let both = ["--master", &url("agent-1"), "--tab", "tasks"];
    Screen::start(&lab, &both, 120, 32).until("next try");
    let both = ["--master", &url("master"), "--scheduler", &url("scheduler")];
    Screen::start(&lab, &both, 120, 32).until("fit now").key("\x1b[C").until("◆");
}
