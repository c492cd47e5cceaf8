//! Where Vagrant works: beside the Vagrantfile of this project where one stands in the current directory, so that
//! `vagrant` alone sees the same machines; else in the lab's state, from files that are compiled in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::provider::state::StateDir;

macro_rules! unit {
    ($name:literal) => {
        (
            concat!("lab/vagrant/units/", $name, ".service"),
            include_str!(concat!("../../../lab/vagrant/units/", $name, ".service")),
        )
    };
}

/// What Vagrant needs, by its path.
const FILES: [(&str, &str); 17] = [
    ("Vagrantfile", include_str!("../../../Vagrantfile")),
    ("lab/mesoslab.toml", include_str!("../../../lab/mesoslab.toml")),
    ("lab/vagrant/lab.rb", include_str!("../../../lab/vagrant/lab.rb")),
    ("lab/vagrant/toml.rb", include_str!("../../../lab/vagrant/toml.rb")),
    ("lab/vagrant/provision.sh", include_str!("../../../lab/vagrant/provision.sh")),
    unit!("both/mesoslab-exhibitor"),
    unit!("both/mesoslab-scheduler"),
    unit!("lite/mesoslab-zookeeper"),
    unit!("lite/mesoslab-master"),
    unit!("lite/mesoslab-marathon"),
    unit!("lite/mesoslab-registry"),
    unit!("lite/mesoslab-agent"),
    unit!("apache/mesoslab-zookeeper"),
    unit!("apache/mesoslab-master"),
    unit!("apache/mesoslab-marathon"),
    unit!("apache/mesoslab-registry"),
    unit!("apache/mesoslab-agent"),
];

/// Where the machines of a lab are known to Vagrant: the directory that was used before, else the current one where it
/// has our Vagrantfile and `here` allows it, else one in the lab's state.
///
/// # Errors
/// When the files cannot be written.
pub fn directory(state: &StateDir, here: Option<&Path>) -> io::Result<PathBuf> {
    let own = state.path().join("vagrant");
    let directory = match (known(state), here.filter(|here| is_ours(here))) {
        (Some(known), _) => known,
        (None, Some(here)) => here.to_owned(),
        (None, None) => own.clone(),
    };
    if directory == own {
        write(&own)?;
    }
    fs::write(state.path().join("vagrant.directory"), directory.as_os_str().as_encoded_bytes())?;
    Ok(directory)
}

/// The directory that was used before, if it still serves.
fn known(state: &StateDir) -> Option<PathBuf> {
    let text = fs::read_to_string(state.path().join("vagrant.directory")).ok()?;
    Some(PathBuf::from(text)).filter(|directory| is_ours(directory))
}

/// Whether the Vagrantfile of this directory is ours.
pub fn is_ours(directory: &Path) -> bool {
    fs::read_to_string(directory.join("Vagrantfile")).is_ok_and(|text| text.contains("lab/vagrant/lab"))
}

/// The agents whose machines Vagrant knows in this directory, in order.
pub fn agents_made(directory: &Path) -> Vec<String> {
    let dotfile = std::env::var_os("VAGRANT_DOTFILE_PATH").filter(|path| !path.is_empty());
    let machines = directory.join(dotfile.map_or_else(|| ".vagrant".into(), PathBuf::from)).join("machines");
    let number = |name: &str| name.strip_prefix("agent-")?.parse::<usize>().ok();
    let mut made: Vec<_> = entries(&machines)
        .filter(|machine| entries(machine).any(|provider| provider.join("id").is_file()))
        .filter_map(|machine| Some(machine.file_name()?.to_str()?.to_owned()))
        .filter(|name| number(name).is_some())
        .collect();
    made.sort_by_key(|name| number(name));
    made
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

fn write(directory: &Path) -> io::Result<()> {
    for (path, text) in FILES {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        fs::write(&path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(under: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let entries = fs::read_dir(root.join(under)).expect("a directory");
        entries
            .map(|entry| {
                entry.expect("an entry").path().strip_prefix(root).expect("below").display().to_string()
            })
            .collect()
    }

    #[test]
    fn every_file_is_compiled_in() {
        let units =
            ["both", "lite", "apache"].map(|flavor| names(&format!("lab/vagrant/units/{flavor}"))).concat();
        let scripts = names("lab/vagrant").into_iter().filter(|name| !name.ends_with("units"));
        for name in units.into_iter().chain(scripts) {
            assert!(FILES.iter().any(|(path, _)| *path == name), "{name} is not compiled in");
        }
    }

    #[test]
    fn agents_that_vagrant_made_are_known_by_their_ids() {
        let home = tempfile::tempdir().expect("a directory");
        assert!(agents_made(home.path()).is_empty());
        let machines = home.path().join(".vagrant/machines");
        for made in ["agent-10/libvirt", "agent-2/virtualbox", "master/virtualbox", "agent-x/virtualbox"] {
            fs::create_dir_all(machines.join(made)).expect("create");
            fs::write(machines.join(made).join("id"), "1").expect("write");
        }
        fs::create_dir_all(machines.join("agent-3/virtualbox")).expect("create");
        assert_eq!(agents_made(home.path()), ["agent-2", "agent-10"]);
    }

    #[test]
    fn the_directory_is_kept_while_it_serves() {
        let home = tempfile::tempdir().expect("a directory");
        let state = StateDir::at(home.path().join("lab"));
        state.create().expect("create");
        let elsewhere = home.path().join("project");
        fs::create_dir(&elsewhere).expect("create");
        assert_eq!(directory(&state, Some(&elsewhere)).expect("written"), state.path().join("vagrant"));
        assert!(state.path().join("vagrant/lab/vagrant/provision.sh").is_file());
        fs::write(elsewhere.join("Vagrantfile"), FILES[0].1).expect("write");
        assert_eq!(directory(&state, Some(&elsewhere)).expect("known"), state.path().join("vagrant"));
        fs::remove_dir_all(state.path().join("vagrant")).expect("remove");
        assert_eq!(directory(&state, Some(&elsewhere)).expect("here"), elsewhere);
    }
}
