//! The Vagrantfile: its Ruby, its shell, and that it reads lab files as the program does.

use std::{fs, process::Command};

use serde_json::Value;

use super::{has, root};
use crate::support::Lab;

/// Lab files that together say all that matters to machines.
const FILES: [&str; 5] = [
    "",
    "[lab]\nmarathon = false\n[vagrant]\nagents = 1\nmaster_memory = 1024\nforward_ports = false\n",
    "[[agents]]\ncount = 4\nresources = \"cpus:1;mem:8192;ports:[1-2]\"\nhostname = \"x.example\"\nattributes = \"\"\n",
    "[lab]\nflavor = \"apache\"\nname = \"big\"\n[master]\noffer_timeout = \"1min 30s\"\nallocation_interval = \"500ms\"\n\
     [images]\nmaster = { name = \"a/b\", tag = \"1\", digest = \"sha256:00\" }\nagent = 'c/d:2'\n[ports]\nmaster = 0\nagents = 6_000\n",
    "[vagrant]\nfirst_address = \"192.168.60.20\" # elsewhere\nagent_memory = 1500\nbox = \"bento/ubuntu-24.04\"\n[scheduler]\n\
     command = \"\"\"it's\n\\\"x\\\" \\u00e9\"\"\"\ncpus = 1.0\nhealth_check = { command = \"true\",\n  interval = 3.5 }\n",
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
