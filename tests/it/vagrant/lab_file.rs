//! The Vagrantfile: its Ruby, its shell, and that it reads lab files as the program does.

use std::{fs, process::Command};

use serde_json::{Value, json};

use super::{has, root};
use crate::support::Lab;

/// Lab files that together say all that matters to machines.
const FILES: [&str; 7] = [
    "",
    "[lab]\nmarathon = false\n[vagrant]\nagents = 1\nmaster_memory = 1024\nforward_ports = false\n",
    "[[agents]]\ncount = 4\nresources = \"cpus:1;mem:8192;ports:[1-2]\"\nhostname = \"x.example\"\nattributes = \"\"\n",
    "[lab]\nflavor = \"apache\"\nname = \"big\"\n[master]\noffer_timeout = \"1min 30s\"\nallocation_interval = \"500ms\"\n\
     [images]\nmaster = { name = \"a/b\", tag = \"1\", digest = \"sha256:00\" }\nagent = 'c/d:2'\n[ports]\nmaster = 0\nagents = 6_000\n",
    "[vagrant]\nfirst_address = \"192.168.60.20\" # elsewhere\nagent_memory = 1500\nbox = \"cloud-image/ubuntu-24.04\"\n[scheduler]\n\
     command = \"\"\"it's\n\\\"x\\\" \\u00e9\"\"\"\ncpus = 1.0\nhealth_check = { command = \"true\",\n  interval = 3.5 }\n",
    "[vagrant]\nbox_version = \"12.20240905.1\"\n",
    "[vagrant]\nbox_url = \"https://example.com/a.box\"\nbox_download_checksum = \"\
     00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\"\nbox_download_checksum_type = \"sha256\"\n",
];

/// What the Ruby of the Vagrantfile makes of this lab's file.
fn of_ruby(lab: &Lab) -> Value {
    let mut command = Command::new("ruby");
    command.arg(format!("{}/lab/vagrant/lab.rb", root())).current_dir(lab.path());
    command.env("MESOSLAB_NAME", "test").env("XDG_CONFIG_HOME", lab.path().join("config"));
    let output = command.output().expect("ruby runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn vagrant_and_the_program_read_lab_files_alike() {
    if !has("ruby", "--version") {
        return;
    }
    for text in FILES {
        let lab = Lab::new().with_marathon();
        // With its ports as they stand: a lab of the tests would have free ones.
        fs::write(lab.file(), text).expect("write the lab file");
        assert_eq!(of_ruby(&lab), lab.json(&["vagrant", "plan"]), "{text}");
    }
}

/// Pieces that do harm where they stand in the wrong place.
const PIECES: [&str; 26] = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\u12",
    "#",
    "\n",
    "\r\n",
    "a",
    "007",
    "0b2",
    "1e5",
    "-",
    "true",
    "[agents]",
    "[vagrant]",
];

/// Lab files with a piece put in, taken out or doubled somewhere; the same ones each time.
fn damaged() -> Vec<String> {
    let mut state = 7_u64;
    let mut below = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit.max(1)
    };
    let mut texts = Vec::new();
    for round in 0..600 {
        let text: Vec<char> = FILES[1 + round % 4].chars().collect();
        let (at, length) = (below(text.len()), below(12));
        let end = (at + length).min(text.len());
        let (before, piece, after) = (&text[..at], &text[at..end], &text[end..]);
        let middle: String = match round % 3 {
            0 => PIECES[below(PIECES.len())].to_owned(),
            1 => piece.iter().chain(piece).collect(),
            _ => String::new(),
        };
        texts.push([before.iter().collect(), middle, after.iter().collect()].concat());
    }
    texts.push("a = ".to_owned() + &"[".repeat(20_000));
    texts
}

#[test]
fn damaged_lab_files_are_read_as_the_program_reads_them_or_refused_in_words() {
    const READ: &str = "require 'json'; JSON.parse(File.read(ARGV[0])).each { |text| \
        begin; puts JSON.generate(MesosLab::Toml.parse(text, 'x')); \
        rescue MesosLab::TomlError => e; puts JSON.generate(e.message); end }";
    if !has("ruby", "--version") {
        return;
    }
    let texts = damaged();
    let lab = Lab::new();
    let asked = lab.path().join("texts.json");
    fs::write(&asked, serde_json::to_vec(&texts).expect("JSON")).expect("write");
    let mut command = Command::new("ruby");
    command.args(["-r", &format!("{}/lab/vagrant/toml.rb", root()), "-e", READ]).arg(&asked);
    let output = command.output().expect("ruby runs");
    assert!(output.status.success(), "another error than of a lab file");
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    let mut sound = 0;
    for (text, answer) in texts.iter().zip(answers.lines()) {
        let ruby: Value = serde_json::from_str(answer).expect("JSON");
        match toml::from_str::<toml::Table>(text) {
            Ok(table) => {
                sound += 1;
                assert_eq!(ruby, serde_json::to_value(table).expect("JSON"), "{text}");
            }
            Err(error) => assert!(ruby.is_string(), "{text}\nis accepted, but {error}"),
        }
    }
    assert_eq!(answers.lines().count(), texts.len());
    assert!(sound > 50, "{sound} are still sound");
}

#[test]
fn ruby_says_where_a_lab_file_is_wrong() {
    if !has("ruby", "--version") {
        return;
    }
    let wrong = [
        ("[vagrant]\nbox = debian\n", "2: `debian` is no value"),
        ("a = 1\na = 2\n", "2: `a` stands twice"),
        ("[lab]\nname = \"x\n", "a quote is missing"),
        ("[lab\n", "1: `]` is missing"),
        ("x = 1979-05-27\n", "is no value"),
        ("[lab]\nmasters = 3\n", "has one master"),
        ("[vagrant]\nagents = \"two\"\n", "`vagrant.agents` is \"two\", not a whole number in 1..30"),
        ("[vagrant]\nfirst_address = 5\n", "`vagrant.first_address` is 5, not an address"),
        ("[[agents]]\nresources = 4\n", "`agents.resources` is 4, not a text"),
        ("agents = 3\n", "`agents` is no table"),
        ("lab = 3\n", "`lab` is no table"),
        ("[a]\n[a]\n", "2: `a` stands twice"),
        ("[vagrant]\nbox_version = \">= 12\"\n", "`vagrant.box_version` is \">= 12\", not one version"),
        ("[vagrant]\nbox_url = \"https://x/a.box\"\n", "`vagrant`.box_url has no box_download_checksum"),
        ("[vagrant]\nbox_url = \"a.box\"\n", "`vagrant.box_url` is \"a.box\", not a file such as"),
        ("[vagrant]\nbox_download_checksum_type = \"sha256\"\n", "is of no box_url"),
        ("[vagrant]\nbox_download_checksum_type = \"md5\"\n", "not \"sha256\", \"sha384\" or \"sha512\""),
    ];
    for (text, message) in wrong {
        let lab = Lab::new();
        fs::write(lab.file(), text).expect("write the lab file");
        let mut command = Command::new("ruby");
        command.arg(format!("{}/lab/vagrant/lab.rb", root())).current_dir(lab.path());
        let output = command.output().expect("ruby runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(message), "{text}: {said}");
    }
}

#[test]
fn every_script_is_sound() {
    if has("ruby", "--version") {
        for file in ["Vagrantfile", "lab/vagrant/lab.rb", "lab/vagrant/toml.rb", "tests/vagrant/nspawn.rb"] {
            let checked =
                Command::new("ruby").args(["-wc", file]).current_dir(root()).output().expect("ruby runs");
            let said = String::from_utf8_lossy(&checked.stderr);
            assert!(checked.status.success() && said.is_empty(), "{file}: {said}");
        }
    }
    if has("shellcheck", "--version") {
        let scripts = ["lab/vagrant/provision.sh", "tests/vagrant/network.sh", "tests/vagrant/docker"];
        let checked =
            Command::new("shellcheck").args(scripts).current_dir(root()).output().expect("shellcheck runs");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

/// Vagrant with the Vagrantfile of this project and the lab file of this lab.
fn vagrant(lab: &Lab, words: &[&str]) -> (bool, String) {
    vagrant_with(lab, words, &[])
}

fn vagrant_with(lab: &Lab, words: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new("vagrant");
    command.args(words).current_dir(root()).env("VAGRANT_HOME", lab.path().join("vagrant.d"));
    command.env("VAGRANT_DOTFILE_PATH", lab.path().join("dot")).env("MESOSLAB_FILE", lab.file());
    command.env("MESOSLAB_BINARY", env!("CARGO_BIN_EXE_mesoslab")).env("HOME", lab.path());
    // So that it can be asked without a hypervisor.
    fs::create_dir_all(lab.path().join("vagrant.d")).expect("a directory");
    let plugin = format!("load {:?}\n", format!("{}/tests/vagrant/nspawn.rb", root()));
    fs::write(lab.path().join("vagrant.d/Vagrantfile"), plugin).expect("write the plugin");
    command
        .env("VAGRANT_DEFAULT_PROVIDER", "nspawn")
        .env("MESOSLAB_TEST_MACHINES", lab.path().join("machines"));
    command.envs(variables.iter().copied());
    let output = command.output().expect("vagrant runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn vagrant_takes_the_vagrantfile_with_every_lab_file() {
    if !has("vagrant", "--version") {
        return;
    }
    let lab = Lab::new();
    for text in FILES {
        fs::write(lab.file(), text).expect("write the lab file");
        let (sound, said) = vagrant(&lab, &["validate"]);
        assert!(sound, "{text}: {said}");
    }
    fs::write(lab.file(), "[[agents]]\ncount = 3\n").expect("write the lab file");
    let (sound, said) = vagrant(&lab, &["status"]);
    assert!(sound && said.contains("agent-3") && !said.contains("agent-4"), "{said}");
    fs::write(lab.file(), "[lab]\nmasters = 3\n").expect("write the lab file");
    let (sound, said) = vagrant(&lab, &["status"]);
    assert!(!sound && said.contains("mesoslab: a lab of virtual machines has one master"), "{said}");
}

/// In Vagrant's place, one that writes down all that the Vagrantfile says.
const RECORDER: &str = r##"
require "json"
SAID = []
class Recorder
  def initialize(path) = @path = path
  def method_missing(name, *args, **options, &block)
    path = [@path, name.to_s.delete_suffix("="), (args.first if block)].compact.join(" ")
    SAID << [path, *args, options] unless args.empty? && options.empty?
    inner = Recorder.new(block ? "#{path}:" : path)
    block&.call(inner)
    inner
  end
  def respond_to_missing?(*) = true
end
module Vagrant
  def self.require_version(wanted) = SAID << ["require_version", wanted]
  def self.configure(_) = yield(Recorder.new(nil))
end
load "Vagrantfile"
puts JSON.generate(SAID)
"##;

#[test]
fn the_vagrantfile_tells_both_hypervisors_what_the_lab_file_means() {
    if !has("ruby", "--version") {
        return;
    }
    let lab = Lab::new();
    fs::write(lab.file(), "[vagrant]\nagents = 1\nagent_cpus = 3\nagent_memory = 1500\n").expect("write");
    let said = |variables: &[(&str, &str)]| {
        let mut command = Command::new("ruby");
        command.args(["-e", RECORDER]).current_dir(root()).env("MESOSLAB_FILE", lab.file());
        command.env("XDG_CONFIG_HOME", lab.path()).env("MESOSLAB_BINARY", env!("CARGO_BIN_EXE_mesoslab"));
        let output = command.envs(variables.iter().copied()).output().expect("ruby runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said: Vec<Vec<Value>> = serde_json::from_slice(&output.stdout).expect("JSON");
        said
    };
    let all = said(&[]);
    let of = |what: &str| {
        let lines = all.iter().filter(|line| line[0].as_str().is_some_and(|path| path.ends_with(what)));
        lines.map(|line| Value::Array(line[1..].to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(of("vm box"), [json!(["debian/bookworm64", {}])]);
    assert_eq!(of("vm box_version"), [json!(["12.20250126.1", {}])]);
    assert_eq!(of("vm hostname"), [json!(["master", {}]), json!(["agent-1", {}])]);
    let addresses = ["192.168.56.10", "192.168.56.11"];
    let private = |ip: &str| json!(["private_network", {"ip": ip, "libvirt__forward_mode": "none"}]);
    let (networks, forwarded): (Vec<_>, Vec<_>) =
        of("vm network").into_iter().partition(|network| network[0] == "private_network");
    assert_eq!(networks, addresses.map(private));
    assert_eq!(forwarded.len(), 7, "six of the master, one of the agent");
    for port in &forwarded {
        assert_eq!(
            (&port[1]["host_ip"], &port[1]["guest"]),
            (&json!("127.0.0.1"), &port[1]["host"]),
            "{port}"
        );
    }
    for hypervisor in ["virtualbox", "libvirt"] {
        assert_eq!(of(&format!("{hypervisor}: cpus")), [json!([2, {}]), json!([3, {}])]);
        assert_eq!(of(&format!("{hypervisor}: memory")), [json!([2048, {}]), json!([1500, {}])]);
    }
    assert_eq!(of("vm synced_folder"), [json!([".", "/vagrant", {"disabled": true}])]);
}

#[test]
fn vagrant_names_machines_that_the_lab_file_does_not_want_any_more() {
    if !has("vagrant", "--version") {
        return;
    }
    let lab = Lab::new();
    fs::write(lab.file(), "[[agents]]\ncount = 2\n").expect("write the lab file");
    let machine = lab.path().join("dot/machines/agent-3/nspawn");
    fs::create_dir_all(&machine).expect("a directory");
    fs::create_dir_all(lab.path().join("machines/agent-3/root")).expect("a directory");
    fs::write(machine.join("id"), "agent-3").expect("write");
    let removal = "MESOSLAB_AGENTS=3 vagrant destroy agent-3";
    let (sound, said) = vagrant(&lab, &["status"]);
    let message = format!(
        "mesoslab: agent-3 is not in the lab file any more, and its machine is left as it is; to remove it: {removal}\n"
    );
    assert!(sound && said.matches(&message).count() == 1, "{said}");
    assert!(!vagrant_with(&lab, &["status"], &[("MESOSLAB_AGENTS", "3")]).1.contains("any more"));
    let variables = [("MESOSLAB_AGENTS", "3"), ("MESOSLAB_TEST_NET", "none")];
    let (sound, said) = vagrant_with(&lab, &["destroy", "--force", "agent-3"], &variables);
    assert!(sound && !lab.path().join("machines/agent-3").exists(), "{said}");
    assert!(!vagrant(&lab, &["status"]).1.contains("any more"), "it is gone");
}

/// A box that is a file, and what `sha256sum` says of it.
fn box_file(lab: &Lab) -> (String, String) {
    let inside = lab.path().join("box");
    fs::create_dir_all(&inside).expect("a directory");
    fs::write(inside.join("metadata.json"), "{\"provider\": \"nspawn\"}").expect("write");
    let file = lab.path().join("a.box").display().to_string();
    let mut tar = Command::new("tar");
    let packed = tar.args(["-C", &inside.display().to_string(), "-cf", &file, "metadata.json"]);
    assert!(packed.status().expect("tar runs").success());
    let sum = Command::new("sha256sum").arg(&file).output().expect("sha256sum runs");
    let sum = String::from_utf8_lossy(&sum.stdout).split(' ').next().expect("a sum").to_owned();
    (file, sum)
}

#[test]
fn vagrant_adds_a_box_that_is_a_file_only_with_its_checksum() {
    if !has("vagrant", "--version") || !has("sha256sum", "--version") {
        return;
    }
    let lab = Lab::new();
    let (file, sum) = box_file(&lab);
    // No machine is made: there is nothing to make it of.
    let up = |sum: &str| {
        let text = format!("[vagrant]\nbox = \"a/b\"\nbox_url = {file:?}\nbox_download_checksum = {sum:?}\n");
        fs::write(lab.file(), text).expect("write the lab file");
        vagrant(&lab, &["up", "master"]).1
    };
    let boxes = lab.path().join("vagrant.d/boxes");
    let wrong = "0".repeat(64);
    let said = up(&wrong);
    assert!(said.contains("did not match the expected"), "{said}");
    assert!(!boxes.join(format!("a-VAGRANTSLASH-b-{}", &wrong[..12])).exists());
    let said = up(&sum);
    assert!(said.contains("Successfully added box"), "{said}");
    let added = boxes.join(format!("a-VAGRANTSLASH-b-{}/0/nspawn/metadata.json", &sum[..12]));
    assert!(added.is_file(), "{}: {said}", added.display());
    assert!(up(&wrong).contains("did not match the expected"), "what another checksum let in is not taken");
}

#[test]
fn vagrant_without_the_program_says_how_to_build_it() {
    if !has("vagrant", "--version") {
        return;
    }
    let lab = Lab::new();
    let mut command = Command::new("vagrant");
    command.args(["up"]).current_dir(root()).env("MESOSLAB_BINARY", "/nowhere").env("HOME", lab.path());
    command
        .env("VAGRANT_HOME", lab.path().join("vagrant.d"))
        .env("VAGRANT_DOTFILE_PATH", lab.path().join("dot"));
    let output = command.output().expect("vagrant runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cargo build --release"), "{said}");
}
