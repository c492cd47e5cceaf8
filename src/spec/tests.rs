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
