//! Whether one of the two hypervisors of the Vagrantfile can be had: VirtualBox, or libvirt with its plugin.

use std::{fmt, io, os::unix::net::UnixStream, path::Path};

use super::{Computer, HYPERVISOR, answer};
use crate::commands::doctor::Finding;

/// Those that the Vagrantfile is made for, in the order in which Vagrant tries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hypervisor {
    VirtualBox,
    Libvirt,
}

/// Whether this is a provider that the Vagrantfile knows.
pub(super) fn is_ours(provider: &str) -> bool {
    ["", "virtualbox", "libvirt"].contains(&provider)
}

/// Of a program; what is not said is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub [u32; 3]);

impl Version {
    /// The first version in a line such as `Vagrant 2.3.4` or `7.0.20r163906`.
    pub fn in_text(text: &str) -> Option<Self> {
        let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let mut numbers = word.split('.').map(|part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().ok()
        });
        let mut next = || numbers.next().flatten();
        Some(Self([next()?, next()?, next().unwrap_or(0)]))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Which Vagrant came to know which VirtualBox; it starts none that it does not know.
const KNOWN_SINCE: [([u32; 2], Version); 3] =
    [([7, 0], Version([2, 3, 2])), ([7, 1], Version([2, 4, 2])), ([7, 2], Version([2, 4, 9]))];

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Seen {
    vagrant: Option<Version>,
    /// What `VBoxManage --version` says.
    virtualbox: Option<String>,
    /// Whether the kernel has VirtualBox' module; elsewhere than on Linux it has no such file.
    module: bool,
    plugin: bool,
    libvirt: Option<Socket>,
}

/// How libvirt answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    Open,
    Refused,
    Forbidden,
}

impl Seen {
    pub async fn of(computer: &Computer, chosen: &str, vagrant: Option<Version>) -> Self {
        let virtualbox = answer("VBoxManage", &["--version"]).await;
        let module = !cfg!(target_os = "linux") || computer.has("/dev/vboxdrv");
        let mut seen = Self { vagrant, virtualbox, module, ..Self::default() };
        // Vagrant takes a second to list its plugins: only where it matters.
        if chosen == "libvirt" || (chosen.is_empty() && seen.of_virtualbox().is_err()) {
            seen.libvirt = socket(computer);
            seen.plugin = computer.has("/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json")
                || answer("vagrant", &["plugin", "list", "--machine-readable"])
                    .await
                    .is_some_and(|listed| lists_libvirt(&listed));
        }
        seen
    }

    /// The hypervisor that Vagrant will take, and what to say of it.
    pub fn judge(&self, chosen: &str) -> (Option<Hypervisor>, Finding) {
        if !is_ours(chosen) {
            let remedy = "none: the Vagrantfile is made for virtualbox and libvirt";
            return (
                None,
                Finding::note(HYPERVISOR, format!("VAGRANT_DEFAULT_PROVIDER is {chosen}"), remedy),
            );
        }
        let virtualbox = (chosen != "libvirt").then(|| self.of_virtualbox());
        let libvirt = (chosen != "virtualbox").then(|| self.of_libvirt());
        let any_libvirt = self.plugin || self.libvirt.is_some();
        match (virtualbox, libvirt) {
            (Some(Ok(seen)), _) => (Some(Hypervisor::VirtualBox), Finding::good(HYPERVISOR, seen)),
            (_, Some(Ok(seen))) => (Some(Hypervisor::Libvirt), Finding::good(HYPERVISOR, seen)),
            (Some(Err((seen, remedy))), _) if self.virtualbox.is_some() || chosen == "virtualbox" => {
                (Some(Hypervisor::VirtualBox), Finding::bad(HYPERVISOR, seen, remedy))
            }
            (_, Some(Err((seen, remedy)))) if any_libvirt || chosen == "libvirt" => {
                (Some(Hypervisor::Libvirt), Finding::bad(HYPERVISOR, seen, remedy))
            }
            _ => {
                let remedy = "install VirtualBox, or: apt install libvirt-daemon-system vagrant-libvirt";
                (None, Finding::bad(HYPERVISOR, "neither VirtualBox nor a libvirt that runs", remedy))
            }
        }
    }

    /// What is there of VirtualBox; or what is wrong with it, and the remedy.
    fn of_virtualbox(&self) -> Result<String, (String, String)> {
        let Some(said) = &self.virtualbox else {
            return Err(("no VBoxManage".to_owned(), "install VirtualBox".to_owned()));
        };
        // Before its version it says what it misses.
        let last = said.lines().last().unwrap_or_default();
        let seen = format!("VirtualBox {last}");
        if let (Some(version), Some(vagrant)) = (Version::in_text(last), self.vagrant) {
            let [major, minor, _] = version.0;
            let known = KNOWN_SINCE.iter().find(|(of, _)| *of == [major, minor]);
            if let Some((_, since)) = known.filter(|(_, since)| vagrant < *since) {
                let remedy = format!(
                    "install Vagrant {since} or newer (https://developer.hashicorp.com/vagrant/install), or an older VirtualBox"
                );
                return Err((format!("{seen}, which Vagrant {vagrant} does not know"), remedy));
            }
        }
        if !self.module || said.contains("vboxdrv") {
            let remedy = "sudo modprobe vboxdrv; if there is none: sudo /sbin/vboxconfig, or apt install virtualbox-dkms";
            let wrong = format!("{seen}, but its kernel module is not loaded: no /dev/vboxdrv");
            return Err((wrong, remedy.to_owned()));
        }
        Ok(seen)
    }

    /// As of VirtualBox.
    fn of_libvirt(&self) -> Result<String, (String, String)> {
        let (wrong, remedy) = match (self.plugin, self.libvirt) {
            (true, Some(Socket::Open)) => return Ok("libvirt, with the plugin vagrant-libvirt".to_owned()),
            (_, None) => ("libvirt is not installed", "apt install libvirt-daemon-system vagrant-libvirt"),
            (_, Some(Socket::Refused)) => ("libvirt does not answer", "sudo systemctl start libvirtd"),
            (_, Some(Socket::Forbidden)) => {
                ("libvirt does not let this user in", "sudo usermod -aG libvirt $USER, then log in anew")
            }
            (false, _) => (
                "libvirt, but Vagrant has no plugin for it",
                "apt install vagrant-libvirt, or: vagrant plugin install vagrant-libvirt",
            ),
        };
        Err((wrong.to_owned(), remedy.to_owned()))
    }
}

/// Whether `vagrant plugin list --machine-readable` names the plugin.
fn lists_libvirt(listed: &str) -> bool {
    let mut lines = listed.lines().map(|line| line.split(',').skip(2).collect::<Vec<_>>());
    lines.any(|fields| fields == ["plugin-name", "vagrant-libvirt"])
}

/// The socket of libvirt, or of its part for QEMU where it runs in parts; a connection is all that is asked.
fn socket(computer: &Computer) -> Option<Socket> {
    let places = ["/var/run/libvirt/libvirt-sock", "/var/run/libvirt/virtqemud-sock"];
    let found: Vec<_> = places.iter().filter_map(|place| connected(&computer.path(place))).collect();
    found.iter().copied().find(|socket| *socket == Socket::Open).or(found.first().copied())
}

fn connected(path: &Path) -> Option<Socket> {
    match UnixStream::connect(path) {
        Ok(_) => Some(Socket::Open),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(Socket::Forbidden),
        Err(_) => Some(Socket::Refused),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::commands::doctor::Verdict;

    fn virtualbox(said: &str, vagrant: [u32; 3]) -> Seen {
        Seen {
            vagrant: Some(Version(vagrant)),
            virtualbox: Some(said.to_owned()),
            module: true,
            ..Seen::default()
        }
    }

    fn remedy(seen: &Seen, chosen: &str) -> String {
        let (_, finding) = seen.judge(chosen);
        assert_eq!(finding.verdict, Verdict::Bad, "{}", finding.seen);
        finding.remedy.expect("a remedy")
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(Version::in_text("Vagrant 2.3.4"), Some(Version([2, 3, 4])));
        assert_eq!(Version::in_text("7.0.20r163906"), Some(Version([7, 0, 20])));
        assert_eq!(Version::in_text("Vagrant 2.4.2.dev"), Some(Version([2, 4, 2])));
        assert_eq!(Version::in_text("none at all"), None);
    }

    #[test]
    fn a_hypervisor_is_taken_as_vagrant_takes_it() {
        let both = Seen { plugin: true, libvirt: Some(Socket::Open), ..virtualbox("7.0.20r1", [2, 3, 4]) };
        assert_eq!(both.judge("").0, Some(Hypervisor::VirtualBox));
        assert_eq!(both.judge("libvirt").0, Some(Hypervisor::Libvirt));
        let without_module = Seen { module: false, ..both };
        assert_eq!(without_module.judge("").0, Some(Hypervisor::Libvirt), "Vagrant goes on to the next");
        assert_eq!(Seen::default().judge("parallels").1.verdict, Verdict::Note);
        assert!(remedy(&Seen::default(), "").contains("install VirtualBox, or"));
    }

    #[test]
    fn a_virtualbox_that_vagrant_does_not_know_is_told() {
        assert_eq!(virtualbox("7.1.4r165100", [2, 4, 2]).judge("").1.verdict, Verdict::Good);
        assert!(remedy(&virtualbox("7.1.4r165100", [2, 3, 4]), "").contains("Vagrant 2.4.2 or newer"));
        assert!(remedy(&virtualbox("7.2.0r1", [2, 4, 8]), "").contains("2.4.9"));
    }

    #[test]
    fn a_virtualbox_without_its_kernel_module_is_told() {
        let said = "WARNING: The character device /dev/vboxdrv does not exist.\n\t Please install the virtualbox-dkms \
            package and the appropriate\n7.0.20_Debianr163906";
        let finding = virtualbox(said, [2, 3, 4]).judge("").1;
        assert!(finding.seen.starts_with("VirtualBox 7.0.20_Debianr163906, but"), "{}", finding.seen);
        let seen = Seen { module: false, ..virtualbox("7.0.20r1", [2, 3, 4]) };
        assert!(remedy(&seen, "").contains("modprobe vboxdrv"));
    }

    #[test]
    fn libvirt_wants_its_plugin_its_daemon_and_its_group() {
        let of =
            |plugin, libvirt| remedy(&Seen { plugin, libvirt: Some(libvirt), ..Seen::default() }, "libvirt");
        assert!(of(false, Socket::Open).contains("vagrant plugin install vagrant-libvirt"));
        assert!(of(true, Socket::Refused).contains("systemctl start libvirtd"));
        assert!(of(true, Socket::Forbidden).contains("usermod -aG libvirt"));
        assert!(remedy(&Seen::default(), "libvirt").contains("libvirt-daemon-system"));
    }

    #[test]
    fn plugins_are_read_as_vagrant_lists_them() {
        let listed = "1795,,ui,info,vagrant-libvirt (0.11.2%!(VAGRANT_COMMA) system)\n1795,,plugin-name,vagrant-libvirt\n\
            1795,vagrant-libvirt,plugin-version,0.11.2%!(VAGRANT_COMMA) system\n";
        assert!(lists_libvirt(listed));
        assert!(!lists_libvirt("1795,,plugin-name,vagrant-mutate\n1795,,ui,info,No plugins installed.\n"));
    }

    #[test]
    fn a_socket_is_only_there_when_somebody_listens() {
        let (_root, computer) = super::super::tests::computer(&[("/var/run/libvirt/note", "")]);
        assert_eq!(socket(&computer), None);
        let path = computer.path("/var/run/libvirt/libvirt-sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        assert_eq!(socket(&computer), Some(Socket::Open));
        drop(listener);
        assert_eq!(socket(&computer), Some(Socket::Refused));
        let _other = UnixListener::bind(computer.path("/var/run/libvirt/virtqemud-sock")).expect("a socket");
        assert_eq!(socket(&computer), Some(Socket::Open));
    }
}
