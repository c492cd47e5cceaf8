//! The pages of a whole lab: what the command line does is seen in each, and what one page does in the others.

use super::driver::Browser;
use crate::support::Lab;

fn url_of(lab: &Lab, name: &str) -> String {
    let status = lab.json(&["status"]);
    let mut parts = status["components"].as_array().expect("components").iter();
    let part = parts.find(|part| part["name"] == name).expect("the part");
    part["url"].as_str().expect("a URL").to_owned()
}

#[test]
fn the_scheduler_appears_when_it_is_started_and_is_scaled_away_in_marathons_page() {
    let Some(browser) = Browser::start() else { return };
    let lab = Lab::new().with_marathon().up(&["--tasks", "2"]);
    lab.ok(&["scheduler", "stop"]);
    let (marathon, master) = (format!("{}/ui/", url_of(&lab, "marathon")), url_of(&lab, "master"));
    browser.open(&marathon);
    browser.shows("#no-apps", "There is no app yet.");

    lab.ok(&["scheduler", "start"]);
    browser.shows("#app-rows", "/mesoslab/scheduler");
    browser.shows("#app-rows", "1/1");
    browser.open(&master);
    browser.shows("#framework-rows", "mesoslab");
    browser.until("document.querySelectorAll('#task-rows .pill.good').length == 3");
    browser.shows("#task-rows", "mesoslab_scheduler.");

    browser.open(&marathon);
    browser.shows("#app-rows", "running");
    browser.write("[aria-label='Instances of /mesoslab/scheduler']", "0");
    browser.click("[aria-label='Scale /mesoslab/scheduler']");
    browser.shows("#app-rows", "0/0");
    browser.open(&master);
    browser.until("document.querySelectorAll('#task-rows .pill.good').length == 2");

    browser.open(&url_of(&lab, "exhibitor"));
    browser.until("document.body.textContent.includes('mesoslab')");
    assert_eq!(browser.complaints(), [] as [String; 0]);
}
