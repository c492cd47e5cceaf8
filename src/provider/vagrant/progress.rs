//! What has come of each machine while Vagrant works, folded from its words; and what its giving up means.

use std::collections::{BTreeMap, VecDeque};

use super::words::Word;

/// So many lines are kept of each machine, to be shown when it fails.
const LAST_LINES: usize = 12;

/// In place of a reason.
pub const SILENCE: &str = "it does not say why";

/// One machine while Vagrant works on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The newest step.
    pub doing: String,
    pub state: Option<String>,
    pub provider: Option<String>,
    last: VecDeque<String>,
}

/// All machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub machines: BTreeMap<String, Machine>,
    /// Said about no machine.
    last: VecDeque<String>,
    /// The class of Vagrant's error, and its message.
    gave_up: Option<(String, String)>,
    /// The one that Vagrant worked on last.
    current: Option<String>,
}

/// What is new to somebody who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A step of a machine, or of none.
    Step { machine: Option<String>, text: String },
    /// How far a download of this machine is; the next one takes its place.
    Meter { machine: String, text: String },
    /// For those who want to know more.
    Detail { machine: Option<String>, text: String },
}

impl Progress {
    /// Takes a word in; what it tells somebody who watches.
    pub fn take(&mut self, word: Word) -> Option<News> {
        match word {
            Word::Said { machine, important, error, text } => self.said(machine, important || error, &text),
            Word::Action { machine, .. } => {
                self.machines.entry(machine.clone()).or_default();
                self.current = Some(machine);
                None
            }
            Word::State { machine, state } => {
                self.machines.entry(machine).or_default().state = Some(state);
                None
            }
            Word::Provider { machine, provider } => {
                self.machines.entry(machine).or_default().provider = Some(provider);
                None
            }
            Word::GivesUp { class, message } => {
                self.gave_up = Some((class, message));
                None
            }
            Word::Other => None,
        }
    }

    fn said(&mut self, machine: Option<String>, important: bool, text: &str) -> Option<News> {
        if let (Some(machine), Some(far)) = (&machine, meter(text)) {
            return Some(News::Meter { machine: machine.clone(), text: far });
        }
        let lines = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned);
        let last = match &machine {
            Some(name) => &mut self.machines.entry(name.clone()).or_default().last,
            None => &mut self.last,
        };
        last.extend(lines);
        last.drain(..last.len().saturating_sub(LAST_LINES));
        // What provisioning says of itself is a step, too.
        let own = text.strip_prefix("mesoslab: ");
        let first = own.unwrap_or(text).lines().next().unwrap_or_default().to_owned();
        if first.is_empty() {
            return None;
        }
        if let Some(name) = &machine {
            self.current = Some(name.clone());
            if important || own.is_some() {
                self.machines.entry(name.clone()).or_default().doing.clone_from(&first);
            }
        }
        let news = if (important && machine.is_some()) || own.is_some() { News::step } else { News::detail };
        Some(news(machine, first))
    }

    /// Why Vagrant has failed: one sentence, the last lines, and what to do.
    pub fn failure(&self) -> (String, Vec<String>, Option<&'static str>) {
        let (class, message) = match &self.gave_up {
            Some((class, message)) => (class.as_str(), message.as_str()),
            None => ("", ""),
        };
        let own = self.current.as_ref().and_then(|name| Some((name, self.machines.get(name)?)));
        let all = |lines: &VecDeque<String>| lines.iter().cloned().collect::<Vec<_>>();
        let lines = own.map(|(_, machine)| all(&machine.last)).unwrap_or_default();
        let seen = if lines.is_empty() { all(&self.last) } else { lines };
        let text = format!("{message}\n{}", seen.join("\n"));
        let remedy = remedy(class, &text);
        let sentence = match (class, first_sentence(message)) {
            // Vagrant's words for a script that failed say nothing of why; its last line does.
            (_, said) if said.starts_with("The SSH command responded") => {
                seen.last().map_or(said, |line| line.trim_start_matches("mesoslab: ").to_owned())
            }
            (_, said) if !said.is_empty() => said,
            // Of a trace, the line that is not of where but of what.
            _ => {
                let what = self.last.iter().rev().find(|line| !line.starts_with(char::is_whitespace));
                what.cloned().unwrap_or_else(|| SILENCE.to_owned())
            }
        };
        let about = own.map(|(name, _)| format!("{name}: ")).unwrap_or_default();
        (format!("{about}{sentence}"), seen, remedy)
    }
}

impl News {
    fn step(machine: Option<String>, text: String) -> Self {
        Self::Step { machine, text }
    }

    fn detail(machine: Option<String>, text: String) -> Self {
        Self::Detail { machine, text }
    }
}

/// `Progress: 8% (Rate: 106k/s, ...)`, of which there are many: none of them is a line to be kept.
fn meter(text: &str) -> Option<String> {
    let far = text.trim().strip_prefix("Progress: ")?;
    Some(format!("downloading the box: {far}"))
}

fn first_sentence(message: &str) -> String {
    // Of several machines that Vagrant worked on at once, the first that failed.
    let (_, own) = message.split_once("Please handle this error then try again:").unwrap_or(("", message));
    let paragraph = own.trim().split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |at| at + 1);
    paragraph[..end].trim_end_matches(['.', ':']).to_owned()
}

/// What helps against this error of Vagrant or of a hypervisor, as far as that is known.
fn remedy(class: &str, text: &str) -> Option<&'static str> {
    let class = class.rsplit("::").next().unwrap_or_default();
    let says = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if matches!(
        class,
        "NoDefaultProvider" | "ProviderNotUsable" | "ProviderNotFound" | "VBoxManageNotFoundError"
    ) {
        return Some("install VirtualBox, or libvirt with the plugin vagrant-libvirt; then: mesoslab doctor");
    }
    if says(&[
        "NS_ERROR_OUT_OF_MEMORY",
        "VERR_NO_MEMORY",
        "VERR_EM_NO_MEMORY",
        "annot allocate memory",
        "not enough memory",
    ]) {
        return Some("close something, or lower agent_memory and master_memory in [vagrant] of the lab file");
    }
    if says(&["VERR_VMX_NO_VMX", "VERR_SVM_NO_SVM", "VT-x is ", "AMD-V is ", "VERR_VMX_IN_VMX_ROOT_MODE"]) {
        return Some(
            "switch virtualisation on in this machine's firmware, or end the other hypervisor: mesoslab doctor",
        );
    }
    if says(&["not within the allowed ranges", "E_ACCESSDENIED"]) {
        return Some(
            "choose a first_address in 192.168.56.0/21 in [vagrant], or allow its network in /etc/vbox/networks.conf",
        );
    }
    if class.starts_with("Box")
        || class == "DownloaderError"
        || says(&["Couldn't open file", "Could not resolve host"])
    {
        return Some(
            "see that the box can be reached, or set another one: box = \"cloud-image/ubuntu-24.04\" in [vagrant]",
        );
    }
    says(&[
        "Failed to connect socket to '/var/run/libvirt",
        "rror while connecting to Libvirt",
        "virConnectOpen",
    ])
    .then_some("start libvirt: systemctl start libvirtd; and be of its group: usermod -aG libvirt $USER")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &str) -> (Progress, Vec<News>) {
        let mut progress = Progress::default();
        let news = lines.lines().filter_map(|line| progress.take(Word::read(line))).collect();
        (progress, news)
    }

    #[test]
    fn steps_are_those_of_the_machines_and_what_provisioning_says() {
        let (progress, news) = told(include_str!("../../../tests/vagrant/recorded/up.log"));
        let steps = news.iter().filter_map(|news| match news {
            News::Step { machine, text } => Some((machine.as_deref()?, text.as_str())),
            News::Meter { .. } | News::Detail { .. } => None,
        });
        let of_agent: Vec<_> =
            steps.filter(|(machine, _)| *machine == "agent-2").map(|(_, text)| text).collect();
        assert_eq!(of_agent.first(), Some(&"Booting the machine..."));
        assert_eq!(of_agent.last(), Some(&"agent: started"));
        assert_eq!(progress.machines.len(), 3);
        assert_eq!(progress.machines["master"].provider.as_deref(), Some("nspawn"));
    }

    #[test]
    fn a_script_that_fails_is_told_by_its_own_last_words() {
        let (progress, _) = told(include_str!("../../../tests/vagrant/recorded/provisioning-fails.log"));
        let (message, seen, remedy) = progress.failure();
        assert_eq!(
            message,
            "master: registry does not listen on port 5000; more: journalctl -u mesoslab-registry"
        );
        assert!(seen.len() > 3, "{seen:?}");
        assert_eq!(remedy, None);
    }

    #[test]
    fn no_provider_and_no_libvirt_have_their_remedies() {
        let (progress, _) = told(include_str!("../../../tests/vagrant/recorded/no-provider.log"));
        let (message, _, remedy) = progress.failure();
        assert!(message.contains("virtualbox"), "{message}");
        assert!(remedy.is_some_and(|remedy| remedy.contains("install VirtualBox")), "{remedy:?}");
        let (progress, _) = told(include_str!("../../../tests/vagrant/recorded/no-libvirt.log"));
        assert!(
            progress.failure().2.is_some_and(|remedy| remedy.contains("libvirtd")),
            "{:?}",
            progress.failure()
        );
    }

    #[test]
    fn memory_virtualisation_and_addresses_have_their_remedies() {
        let remedy =
            |text| remedy("VagrantPlugins::ProviderVirtualBox::Errors::VBoxManageError", text).unwrap_or("");
        assert!(remedy("VBoxManage: error: Out of memory (VERR_NO_MEMORY)").contains("agent_memory"));
        assert!(remedy("VT-x is not available (VERR_VMX_NO_VMX)").contains("firmware"));
        assert!(remedy("is not within the\nallowed ranges E_ACCESSDENIED").contains("networks.conf"));
    }

    #[test]
    fn a_download_is_told_as_far_as_it_is_and_kept_out_of_the_last_lines() {
        let meter = |percent| {
            format!(
                "1,master,ui,detail,    master: Progress: {percent}% (Rate: 106k/s%!(VAGRANT_COMMA) Estimated time remaining: 0:44:11)\n"
            )
        };
        let start = "1,master,ui,detail,    master: Downloading: https://example.com/a.box\n";
        let lines: String = std::iter::once(start.to_owned()).chain((0..100).map(meter)).collect();
        let (progress, news) = told(&lines);
        let text = "downloading the box: 99% (Rate: 106k/s, Estimated time remaining: 0:44:11)".to_owned();
        assert_eq!(news.last(), Some(&News::Meter { machine: "master".to_owned(), text }));
        let master = &progress.machines["master"];
        assert_eq!(master.last, ["Downloading: https://example.com/a.box"]);
    }

    #[test]
    fn silence_is_said_to_be_silence() {
        assert_eq!(Progress::default().failure().0, "it does not say why");
    }
}
