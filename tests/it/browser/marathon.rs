//! Marathon's page: what is done there is seen there, and on the master's page too.

use rustix::process::Signal;

use super::driver::Browser;
use crate::processes::{cluster::Cluster, process::Process};

fn marathon(cluster: &Cluster) -> Process {
    let host = cluster.site.host();
    let listen = format!("{}:0", host.ip);
    let master = format!("http://{}", cluster.master.address());
    let args = ["serve", "marathon", "--master", &master, "--listen", &listen, "--in-memory"];
    cluster.site.start(&host, "marathon", &args.map(str::to_owned))
}

#[test]
fn what_is_scaled_in_marathons_page_is_seen_in_the_masters() {
    let Some(browser) = Browser::start() else { return };
    let mut cluster = Cluster::start(1, &[], &[]);
    let mut marathon = marathon(&cluster);
    let page = format!("http://{}/ui/", marathon.address());
    browser.open(&page);
    browser.shows("#no-apps", "There is no app yet.");
    browser.click("#create");
    browser.write("#app-json", r#"{"id": "/b/<b>", "cmd": "sleep 1000"}"#);
    browser.click("#app-create");
    browser.until("document.querySelector('dialog .banner').textContent");
    browser.write("#app-json", r#"{"id": "/web", "cmd": "echo '<b>'; sleep 1000", "cpus": 0.1, "mem": 32}"#);
    browser.click("#app-create");
    browser.shows("#app-rows", "1/1");
    browser.shows("#app-rows", "running");

    browser.write("[aria-label='Instances of /web']", "3");
    browser.click("[aria-label='Scale /web']");
    browser.shows("#app-rows", "3/3");
    browser.open(&format!("http://{}/", cluster.master.address()));
    browser.until("document.querySelectorAll('#task-rows .pill.good').length == 3");
    browser.shows("#framework-rows", "marathon");

    browser.open(&format!("{page}#/web"));
    browser.until("document.querySelectorAll('#task-rows .pill.good').length == 3");
    browser.shows("#facts", "echo '<b>'; sleep 1000");
    browser.click("[aria-label='Destroy /web']");
    browser.click("dialog [data-yes]");
    browser.until("document.querySelector('#detail').hidden");
    browser.shows("#no-apps", "There is no app yet.");
    // The refused app is one, as the browser says of every answer that is none of success.
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|text| text.contains("/v2/apps")), "{complaints:?}");
    drop(browser);
    marathon.signal(Signal::TERM);
    assert_eq!(marathon.ended(), 0);
    cluster.end();
}
