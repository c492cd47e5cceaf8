//! One Chromium of its own for a test: W3C WebDriver spoken over plain HTTP, ended with its process and its profile.

use std::{
    io::{BufRead, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{PATIENCE, eventually, processes, skipped};

pub struct Browser {
    driver: Child,
    address: String,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// None where there is no chromedriver.
    pub fn start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a directory");
        let mut driver = match Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", profile.path())
            .env("XDG_CONFIG_HOME", profile.path())
            .env("XDG_CACHE_HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
        {
            Ok(driver) => driver,
            Err(error) => {
                skipped(&format!("chromedriver does not run: {error}; it is in Debian's chromium-driver"));
                return None;
            }
        };
        let output = driver.stdout.take().expect("a pipe");
        let address = format!("127.0.0.1:{}", port(output));
        let mut browser = Self { driver, address, session: String::new(), profile };
        let session = browser.ask("/session", &capabilities(&browser));
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        Some(browser)
    }

    /// The status of a command, and what it gives.
    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        let answered = async {
            let request = reqwest::Client::new().post(url).timeout(PATIENCE).json(body);
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.json::<Value>().await?))
        };
        let answered = mesoslab::runtime::block_on(answered).expect("a runtime");
        let (status, mut answer) = answered.expect("chromedriver answers");
        (status, answer["value"].take())
    }

    /// Sends a command that must succeed.
    fn ask(&self, path: &str, body: &Value) -> Value {
        let (status, value) = self.post(path, body);
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    pub fn open(&self, url: &str) {
        self.ask(&format!("/session/{}/url", self.session), &json!({ "url": url }));
    }

    /// What a script of the page returns.
    pub fn eval(&self, script: &str) -> Value {
        let body = json!({ "script": format!("return ({script});"), "args": [] });
        self.ask(&format!("/session/{}/execute/sync", self.session), &body)
    }

    /// Waits until an expression of the page is true.
    pub fn until(&self, expression: &str) {
        let body = json!({ "script": format!("return Boolean({expression});"), "args": [] });
        let path = format!("/session/{}/execute/sync", self.session);
        eventually(&format!("in the page: {expression}"), || {
            // Between two pages there is none to ask.
            self.post(&path, &body).1 == true
        });
    }

    /// Waits until an element shows this text.
    pub fn shows(&self, selector: &str, text: &str) {
        let (selector, text) = (Value::from(selector), Value::from(text));
        self.until(&format!("document.querySelector({selector})?.textContent.includes({text})"));
    }

    /// Clicks as a user does, once the element is there.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        // Away from the head of the page, which stays where it is.
        self.eval(&format!(
            "document.querySelector({}).scrollIntoView({{ block: 'center' }})",
            Value::from(selector)
        ));
        self.ask(&format!("/session/{}/element/{element}/click", self.session), &json!({}));
    }

    /// Types a text in the place of what a field holds.
    pub fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.ask(&format!("/session/{}/element/{element}/clear", self.session), &json!({}));
        self.keys(selector, text);
    }

    /// Presses keys, as text or as WebDriver's code points.
    pub fn keys(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        let path = format!("/session/{}/element/{element}/value", self.session);
        self.ask(&path, &json!({ "text": text }));
    }

    fn element(&self, selector: &str) -> String {
        self.until(&format!("document.querySelector({})", Value::from(selector)));
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.ask(&format!("/session/{}/element", self.session), &query);
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        id.expect("an element").to_owned()
    }

    /// What the console says of errors, such as what the policy of the page has refused.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask(&format!("/session/{}/se/log", self.session), &json!({ "type": "browser" }));
        let entries = log.as_array().expect("a list").iter().filter(|entry| entry["level"] == "SEVERE");
        entries.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The processes of the browser.
    fn own(&self) -> Vec<u32> {
        let mark = format!("--user-data-dir={}", self.profile.path().display());
        processes(|_, cmdline| cmdline.contains(&mark))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let ended = self.driver.kill().and_then(|()| self.driver.wait());
        for pid in self.own() {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
            kill_process(pid, Signal::KILL).unwrap_or_default();
        }
        if !std::thread::panicking() {
            ended.expect("end chromedriver");
            eventually("Chromium ends", || self.own().is_empty());
        }
    }
}

fn capabilities(browser: &Browser) -> Value {
    let profile = format!("--user-data-dir={}", browser.profile.path().display());
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-breakpad",
        "--window-size=1280,800",
        &profile,
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    } } })
}

/// The port that chromedriver says it has taken; its output goes on being read.
fn port(output: impl std::io::Read + Send + 'static) -> u16 {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    loop {
        line.clear();
        assert!(output.read_line(&mut line).expect("a line") > 0, "chromedriver says no port");
        let said = line
            .split_once("started successfully on port ")
            .map(|(_, port)| port.trim().trim_end_matches('.'));
        if let Some(port) = said.and_then(|port| port.parse().ok()) {
            mesoslab::runtime::thread("chromedriver", move || {
                // It ends with chromedriver.
                let _read = output.read_to_end(&mut Vec::new());
            })
            .expect("a thread");
            return port;
        }
    }
}
