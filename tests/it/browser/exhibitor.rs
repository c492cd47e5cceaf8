//! Exhibitor's page over a ZooKeeper that it runs itself: the tree, the words, and the light as the ZooKeeper hangs, is
//! started again, stopped and started.

use std::net::TcpListener;

use rustix::process::{Pid, Signal, kill_process};

use super::driver::Browser;
use crate::{
    processes::{process::Process, site::Site},
    support::processes,
};

/// Would run where a page took it for markup.
const HOSTILE: &str = "<img src=x onerror=window.hacked=1>";

const ARROW_RIGHT: &str = "\u{e014}";
const ARROW_DOWN: &str = "\u{e015}";

/// An Exhibitor that runs a ZooKeeper of the site.
fn exhibitor(site: &Site) -> Process {
    let host = site.host();
    // Nobody else listens on the site's address, so the port stays free.
    let free = TcpListener::bind((host.ip, 0)).expect("a port").local_addr().expect("a port");
    let command = format!(
        "exec {} serve zookeeper --listen {free} --data-dir {}",
        env!("CARGO_BIN_EXE_mesoslab"),
        site.dir("zookeeper").display()
    );
    let listen = format!("{}:0", host.ip);
    let args = ["serve", "exhibitor", "--listen", &listen, "--zookeeper", &free.to_string()];
    let more = ["--command", &command, "--check", "200ms", "--allow-writes"];
    let args: Vec<String> = args.into_iter().chain(more).map(str::to_owned).collect();
    site.start(&host, "exhibitor", &args)
}

/// The processes of the ZooKeeper.
fn zookeepers(site: &Site) -> Vec<u32> {
    let place = site.dir("zookeeper").display().to_string();
    processes(|_, cmdline| cmdline.contains("\nzookeeper\n") && cmdline.lines().any(|word| word == place))
}

fn create(browser: &Browser, path: &str, data: &str) {
    browser.click("#new");
    browser.write("#form-path", path);
    browser.write("#form-data", data);
    browser.click("dialog button.main");
}

#[test]
fn exhibitors_page_shows_the_tree_and_follows_the_zookeeper() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::new();
    let mut exhibitor = exhibitor(&site);
    browser.open(&format!("http://{}/", exhibitor.address()));
    browser.shows("#state", "serving");
    browser.until("location.pathname == '/exhibitor/v1/ui/index.html'");
    browser.shows("#servers", "leads");

    browser.shows("#tree", "zookeeper");
    create(&browser, &format!("/lab/{HOSTILE}"), "told <b>there</b>");
    browser.shows("#tree", "lab");
    browser.keys("#tree [aria-selected=true]", ARROW_DOWN);
    browser.shows("#path", "/lab");
    browser.keys("#tree [aria-selected=true]", ARROW_RIGHT);
    browser.shows("#tree", HOSTILE);
    browser.keys("#tree [aria-selected=true]", ARROW_DOWN);
    browser.shows("#str", "told <b>there</b>");
    browser.shows("#bytes", "74 6f 6c 64 ");
    browser.until("!window.hacked && !document.querySelector('#tree img, #str b')");
    browser.click("#word-buttons button");
    browser.shows("#answer", "imok");

    hang(&site);
    browser.until("document.querySelector('#state .light.bad')");
    browser.until("document.querySelector('#servers tr').cells[3].textContent == '1'");
    browser.shows("#state", "serving");
    browser.shows("#log-text", "Restarting ZooKeeper, which is down");
    browser.shows("#tree", HOSTILE);

    browser.click("#stop");
    browser.click("dialog [data-yes]");
    browser.shows("#state", "down");
    assert_eq!(zookeepers(&site), [] as [u32; 0]);
    browser.click("#start");
    browser.shows("#state", "serving");
    assert_eq!(browser.complaints(), [] as [String; 0]);
    drop(browser);
    exhibitor.signal(Signal::TERM);
    assert_eq!(exhibitor.ended(), 0);
    site.is_left();
}

/// Stops the ZooKeeper as a debugger does: it is there and says nothing.
fn hang(site: &Site) {
    let [zookeeper] = zookeepers(site)[..] else { panic!("not one ZooKeeper") };
    let zookeeper = i32::try_from(zookeeper).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(zookeeper, Signal::STOP).expect("stop the ZooKeeper");
}
