//! The lab file: its layers, and what it says about mistakes.

use serde_json::{Map, Value};

use super::{LabFileError, ProviderKind, SpecLayer};

fn only_cpus(set: &Map<String, Value>) -> Vec<(String, String)> {
    set.keys().filter(|key| *key == "cups").map(|key| (key.clone(), "is not a field".to_owned())).collect()
}

fn parse(text: &str) -> Result<SpecLayer, Box<LabFileError>> {
    SpecLayer::parse("lab.toml", text, only_cpus)
}

fn problems(text: &str) -> Vec<(usize, String, String)> {
    let error = parse(text).expect_err("the file has mistakes");
    let line = |start: usize| text[..start].matches('\n').count() + 1;
    error.problems.iter().map(|p| (line(p.span.start), p.message.clone(), p.help.clone())).collect()
}

#[test]
fn the_default_file_is_a_lab_of_three_agents_with_ports_of_their_own() {
    let spec = SpecLayer::built_in(only_cpus).expect("the default file is fine").resolve();
    let names: Vec<_> = spec.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["agent-1", "agent-2", "agent-3"]);
    assert!(spec.agents[2].all_resources().ends_with("ports:[33000-33999]"), "{:?}", spec.agents[2]);
    assert_eq!(spec.scheduler["num_of_node"], 0);
    assert_eq!(spec.provider, ProviderKind::Auto);
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_lines() {
    let text = "[lab]\nname = \"Bad Name\"\n[[agents]]\ncuont = 2\nresources = \"cpus=4\"\n[ports]\nmaster = 70000\n";
    let found = problems(text);
    assert_eq!(found.iter().map(|p| p.0).collect::<Vec<_>>(), [2, 4, 5, 7], "{found:#?}");
    assert_eq!(found[1].2, "did you mean `count`?");
    assert!(found[3].2.contains("0 to 65535"), "{}", found[3].2);
}

#[test]
fn what_the_scheduler_refuses_is_shown_in_its_place() {
    let found = problems("[scheduler]\nmem = 32\ncups = 1\n");
    assert_eq!((found[0].0, found[0].1.as_str()), (3, "`scheduler.cups` is not a field"));
}

#[test]
fn a_broken_document_still_names_the_place() {
    let found = problems("[lab\nname = \"x\"\n");
    assert_eq!(found[0].0, 1, "{found:#?}");
}

#[test]
fn wrong_kinds_say_what_to_write() {
    let found = problems("lab = 3\nagents = 1\n");
    assert!(found[0].2.contains("[lab]"), "{found:#?}");
    assert!(found[1].2.contains("[[agents]]"), "{found:#?}");
}

#[test]
fn an_upper_layer_wins_key_by_key() {
    let parse = |text| parse(text).expect("valid");
    let upper = parse("[lab]\nname = \"two\"\n[scheduler]\ncpus = 1\n");
    let lower = parse("[lab]\nname = \"one\"\nprovider = \"embedded\"\n[scheduler]\ncpus = 2\nmem = 64\n");
    let spec = upper.over(lower).resolve();
    assert_eq!((spec.name.as_str(), spec.provider), ("two", ProviderKind::Embedded));
    assert_eq!((spec.scheduler["cpus"].as_f64(), spec.scheduler["mem"].as_f64()), (Some(1.0), Some(64.0)));
}

#[test]
fn a_lab_as_it_was_applied_resolves_to_itself_and_grows_with_ports_of_its_own() {
    let spec = parse("[[agents]]\ncount = 2\nresources = \"cpus:2\"\n").expect("valid").resolve();
    assert_eq!(SpecLayer::from(spec.clone()).resolve(), spec);
    let more = SpecLayer { agent_count: Some(3), ..SpecLayer::default() }.over(spec.into()).resolve();
    assert_eq!(more.agents[2].all_resources(), "cpus:2;ports:[33000-33999]");
}

#[test]
fn an_agent_count_cuts_or_repeats_the_last_kind() {
    let two = "[[agents]]\nattributes = \"rack:a\"\n[[agents]]\nattributes = \"rack:b\"\n";
    let mut layer = parse(two).expect("valid");
    layer.agent_count = Some(3);
    let racks: Vec<_> = layer.resolve().agents.into_iter().map(|agent| agent.attributes).collect();
    assert_eq!(racks, ["rack:a", "rack:b", "rack:b"]);
}

fn machines(text: &str) -> super::LabSpec {
    let flag = SpecLayer { provider: Some(ProviderKind::Vagrant), ..SpecLayer::default() };
    let built_in = SpecLayer::built_in(only_cpus).expect("fine");
    flag.over(parse(text).expect("valid")).over(built_in).resolve()
}

#[test]
fn a_lab_of_machines_is_three_of_our_own_unless_the_file_says_otherwise() {
    let spec = machines("");
    assert_eq!((spec.agents.len(), spec.flavor), (2, super::Flavor::Lite));
    assert_eq!(spec.vagrant, super::VagrantSpec::default());
    let spec = machines("[lab]\nflavor = \"apache\"\n[[agents]]\ncount = 4\n");
    assert_eq!((spec.agents.len(), spec.flavor), (4, super::Flavor::Apache));
    let spec = machines("[vagrant]\nagents = 1\nagent_cpus = 4\n[[agents]]\ncount = 4\n");
    assert_eq!((spec.agents.len(), spec.vagrant.agent.cpus), (1, 4));
    assert_eq!(SpecLayer::from(spec.clone()).resolve(), spec, "as it was applied");
}

#[test]
fn mistakes_of_machines_are_shown_with_the_others() {
    let found = problems("[vagrant]\nbox = \"a b\"\nfirst_address = \"192.168.56.250\"\nagent_memory = 1\n");
    assert_eq!(found.iter().map(|p| p.0).collect::<Vec<_>>(), [2, 3, 4], "{found:#?}");
}

#[test]
fn a_box_is_pinned_by_a_version_or_by_a_checksum() {
    let usual = machines("").vagrant;
    assert_eq!(usual.box_version.as_deref(), Some("12.20250126.1"));
    assert_eq!(
        machines("[vagrant]\nbox = \"debian/bookworm64\"\n").vagrant,
        usual,
        "its version goes with it"
    );
    let other = machines("[vagrant]\nbox = \"a/b\"\n").vagrant;
    assert_eq!((other.image.as_str(), other.box_version), ("a/b", None), "which is no other box's");
    let newer = machines("[vagrant]\nbox_version = \"13.1\"\n").vagrant;
    assert_eq!((newer.image.as_str(), newer.box_version.as_deref()), ("debian/bookworm64", Some("13.1")));
    let sum = "AB".repeat(32);
    let file = machines(&format!("[vagrant]\nbox_url = \"/x.box\"\nbox_download_checksum = \"{sum}\"\n"));
    assert_eq!(file.vagrant.box_version, None);
    assert_eq!(file.vagrant.box_download_checksum, Some(sum.to_ascii_lowercase()));
    assert_eq!(file.vagrant.box_download_checksum_type.as_deref(), Some("sha256"));
    assert_eq!(SpecLayer::from(file.clone()).resolve(), file, "as it was applied");
}

#[test]
fn a_box_that_could_be_any_is_refused() {
    let sum = "0a".repeat(32);
    let refused = [
        ("box_url = \"https://x/a.box\"\n".to_owned(), "has no checksum, and nothing is downloaded without"),
        (format!("box_download_checksum = \"{sum}\"\n"), "is of no box_url"),
        ("box_version = \">= 12\"\n".to_owned(), "`vagrant.box_version` is \">= 12\""),
        (
            format!("box_url = \"a.box\"\nbox_download_checksum = \"{sum}\"\n"),
            "`vagrant.box_url` is \"a.box\"",
        ),
        (
            format!("box_version = \"1\"\nbox_url = \"/a.box\"\nbox_download_checksum = \"{sum}\"\n"),
            "is of a catalogue",
        ),
        (
            "box_url = \"/a.box\"\nbox_download_checksum = \"d41d8cd98f00b204e9800998ecf8427e\"\n".to_owned(),
            "`vagrant.box_download_checksum` is",
        ),
        (
            format!(
                "box_url = \"/a.box\"\nbox_download_checksum = \"{sum}\"\nbox_download_checksum_type = \"md5\"\n"
            ),
            "`vagrant.box_download_checksum_type` is \"md5\"",
        ),
        (
            format!(
                "box_url = \"/a.box\"\nbox_download_checksum = \"{sum}\"\nbox_download_checksum_type = \"sha512\"\n"
            ),
            "is as long as a sha256, no sha512",
        ),
    ];
    for (settings, message) in refused {
        let found = problems(&format!("[vagrant]\n{settings}"));
        assert!(found.len() == 1 && found[0].1.contains(message), "{settings}: {found:#?}");
    }
}
