//! The master's page and the agent's: live, and nothing that a cluster says is more than text there.

use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;

use super::driver::Browser;
use crate::{
    processes::{
        cluster::Cluster,
        framework::Framework,
        http::{ask, try_json},
        process::Process,
        site::Site,
    },
    support::eventually,
};

/// Would run where a page took it for markup.
const HOSTILE: &str = "<img src=x onerror=window.hacked=1>";

#[test]
fn the_masters_page_shows_the_cluster_as_it_changes() {
    let Some(browser) = Browser::start() else { return };
    let mut cluster = Cluster::start(2, &["--cluster=Bikini <b>Atoll</b>"], &[]);
    browser.open(&format!("http://{}/", cluster.master.address()));
    browser.until("document.querySelectorAll('#agent-rows tr').length == 2");
    browser.shows("#live", "live");
    browser.shows("#leader", cluster.master.address());
    browser.shows("#name", "Bikini <b>Atoll</b>");
    browser.shows("#no-frameworks", "No framework is registered.");
    browser.eval("window.first = true");

    let mut framework = Framework::subscribe(cluster.master.address(), HOSTILE, false, &[]);
    browser.shows("#framework-rows", HOSTILE);
    browser.until("document.querySelectorAll('#offer-rows tr').length == 2");
    let agent = cluster.id_of(0);
    framework.run(&agent, &[("quiet", "sleep 1000"), (HOSTILE, "echo told by the task; sleep 1000")]);
    browser.until("document.querySelectorAll('#task-rows tr').length == 2");
    browser.shows("#task-rows", HOSTILE);
    browser.until("document.querySelectorAll('#task-rows .pill.good').length == 2");
    browser.shows("#tiles", "0.2/8");
    browser.until("!window.hacked && !document.querySelector('main table img, main h2 img')");

    browser.write("#filter", "quiet running");
    browser.until("document.querySelectorAll('#task-rows tr').length == 1");
    framework.kill("quiet", &agent);
    browser.shows("#no-tasks", "No task fits the filter.");
    browser.write("#filter", "quiet");
    browser.click("#show-completed");
    browser.shows("#task-rows", "killed");
    assert_eq!(browser.eval("window.first"), true, "without loading the page again");

    browser.write("#filter", "told-by-nobody");
    browser.click("#show-active");
    browser.write("#filter", "onerror");
    browser.click("#task-rows a[aria-label^=Logs]");
    browser.shows("#text", "told by the task");
    browser.shows("#whose", HOSTILE);
    browser.until("!window.hacked");
    let origin = browser.eval("location.origin");
    assert_eq!(origin, format!("http://{}", cluster.agents[0].address()), "on the agent's own page");
    assert_eq!(browser.complaints(), [] as [String; 0]);
    framework.teardown();
    drop(browser);
    cluster.end();
}

#[test]
fn programs_get_what_mesos_says() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let (master, agent) = (cluster.master.address(), cluster.agents[0].address());
    let get = |address: &str, path: &str, headers: &str| {
        let answer = ask(address, "GET", path, headers, "").expect("an answer");
        (answer.code(), String::from_utf8_lossy(&answer.body).into_owned())
    };
    assert_eq!(get(agent, "/", "Accept: */*\r\n"), (404, "404 Not Found.".to_owned()));
    let (code, page) = get(agent, "/", "Accept: text/html,application/xhtml+xml\r\n");
    assert!(code == 200 && page.starts_with("<!doctype html>"), "{code} {page}");
    assert_eq!(get(master, "/", "").0, 200);
    assert_eq!(get(master, "/pages/master.js", "").0, 200);
    assert_eq!(get(master, "/pages/agent.js", "").0, 404);
    assert_eq!(get(master, "/pages/master.js/x", "").0, 404);
    assert_eq!(get(master, "/", "Origin: http://evil.test\r\n").0, 403);
    let answer = ask(master, "POST", "/", "", "").expect("an answer");
    assert_eq!(answer.code(), 405);
    cluster.end();
}

#[test]
fn the_page_of_a_master_that_follows_leads_to_the_leader() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::new();
    let host = site.host();
    let free = TcpListener::bind((host.ip, 0)).and_then(|it| it.local_addr()).expect("a port").to_string();
    let line = ["serve", "zookeeper", "--in-memory", "--listen", &free].map(str::to_owned);
    let mut zookeeper = site.spawn(&host, "zookeeper", &line);
    eventually("ZooKeeper answers", || TcpStream::connect(&free).is_ok());
    let master = |name: &str| {
        let line = [
            "serve".to_owned(),
            "master".to_owned(),
            format!("--ip={}", host.ip),
            // Where it sends browsers.
            format!("--hostname={}", host.ip),
            "--port=0".to_owned(),
            format!("--work_dir={}", site.dir(name).display()),
            format!("--zk=zk://{free}/mesos"),
            "--quorum=1".to_owned(),
        ];
        site.start(&host, name, &line)
    };
    let mut masters = [master("master-1"), master("master-2")];
    let leads = |master: &Process| {
        let metrics = try_json(master.address(), "/metrics/snapshot");
        metrics.is_some_and(|metrics| metrics["master/elected"] == 1.0)
    };
    eventually("a master leads", || masters.iter().any(leads));
    let (leaders, followers): (Vec<_>, Vec<_>) = masters.iter().partition(|master| leads(master));
    browser.open(&format!("http://{}/", followers[0].address()));
    browser.shows("#banner", "This master does not lead.");
    browser.until(&format!("location.host == '{}'", leaders[0].address()));
    browser.shows("#live", "live");
    drop(browser);
    for process in masters.iter_mut().chain([&mut zookeeper]) {
        process.signal(Signal::TERM);
        assert_eq!(process.ended(), 0, "{}", process.said());
    }
    site.is_left();
}
