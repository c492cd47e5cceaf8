//! What Vagrant says with `--machine-readable`: lines of `time,machine,kind,data...`, in which commas and line ends of
//! the data are escaped.

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Something for people. `important` is a step, not what comes of it.
    Said { machine: Option<String>, important: bool, error: bool, text: String },
    /// A step such as `up` begins or ends.
    Action { machine: String, name: String, ended: bool },
    /// `running`, `poweroff`, `not_created`...
    State { machine: String, state: String },
    /// `virtualbox`, `libvirt`...
    Provider { machine: String, provider: String },
    /// Why Vagrant gives up: the class of its error, and the message.
    GivesUp { class: String, message: String },
    /// What means nothing to us.
    Other,
}

impl Word {
    /// Reads one line; what is not of this form was said by something that Vagrant runs.
    pub fn read(line: &str) -> Self {
        let mut fields = line.trim_end_matches(['\r', '\n']).split(',');
        let time = fields.next().unwrap_or_default();
        let is_time = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        let (Some(target), Some(kind)) = (fields.next(), fields.next()) else {
            return Self::plain(line);
        };
        if !is_time {
            return Self::plain(line);
        }
        let data: Vec<String> = fields.map(unescape).collect();
        let machine = (!target.is_empty()).then(|| target.to_owned());
        Self::of(machine, kind, &data)
    }

    fn of(machine: Option<String>, kind: &str, data: &[String]) -> Self {
        match (kind, machine, data) {
            ("ui", machine, [level, text, ..]) => Self::said(machine, level, text),
            ("action", Some(machine), [name, moment, ..]) => {
                Self::Action { machine, name: name.clone(), ended: moment == "end" }
            }
            ("state", Some(machine), [state, ..]) => Self::State { machine, state: state.clone() },
            ("provider-name", Some(machine), [provider, ..]) => {
                Self::Provider { machine, provider: provider.clone() }
            }
            ("metadata", Some(machine), [key, provider, ..]) if key == "provider" => {
                Self::Provider { machine, provider: provider.clone() }
            }
            ("error-exit", _, [class, message, ..]) => {
                Self::GivesUp { class: class.clone(), message: message.clone() }
            }
            _ => Self::Other,
        }
    }

    fn said(machine: Option<String>, level: &str, text: &str) -> Self {
        let text = match &machine {
            Some(machine) => bare(text, machine),
            None => text.trim_end().to_owned(),
        };
        Self::Said {
            machine,
            important: matches!(level, "info" | "warn" | "error" | "success"),
            error: level == "error",
            text,
        }
    }

    fn plain(line: &str) -> Self {
        let text = line.trim_end().to_owned();
        if text.is_empty() {
            return Self::Other;
        }
        Self::Said { machine: None, important: false, error: false, text }
    }
}

/// Without the machine's name, which each line for people begins with: `==> master: ` or `    master: `.
fn bare(text: &str, machine: &str) -> String {
    let lines = text.lines().map(|line| {
        let rest = line.strip_prefix("==>").unwrap_or(line).trim_start();
        rest.strip_prefix(machine).and_then(|rest| rest.strip_prefix(':')).map_or(line, str::trim_start)
    });
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn unescape(field: &str) -> String {
    field.replace("%!(VAGRANT_COMMA)", ",").replace("\\n", "\n").replace("\\r", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_for_people_loses_its_head() {
        let line = "1795916123,master,ui,detail,    master: mesoslab: zookeeper: restarted%!(VAGRANT_COMMA) its unit changed";
        let text = "mesoslab: zookeeper: restarted, its unit changed".to_owned();
        let machine = Some("master".to_owned());
        assert_eq!(Word::read(line), Word::Said { machine, important: false, error: false, text });
    }

    #[test]
    fn states_steps_and_providers_are_told_apart() {
        let state = Word::State { machine: "agent-1".into(), state: "not_created".into() };
        assert_eq!(Word::read("1795915738,agent-1,state,not_created"), state);
        let begun = Word::Action { machine: "master".into(), name: "up".into(), ended: false };
        assert_eq!(Word::read("1795916082,master,action,up,start"), begun);
        let provider = Word::Provider { machine: "agent-2".into(), provider: "libvirt".into() };
        assert_eq!(Word::read("1795915738,agent-2,provider-name,libvirt\n"), provider);
        assert_eq!(Word::read("1795915737,agent-2,metadata,provider,libvirt"), provider);
        assert_eq!(Word::read("1795915738,master,state-human-short,not created"), Word::Other);
    }

    #[test]
    fn an_error_is_whole() {
        let read = Word::read("17,,error-exit,Vagrant::Errors::SSHNotReady,one%!(VAGRANT_COMMA)\\ntwo");
        let class = "Vagrant::Errors::SSHNotReady".to_owned();
        assert_eq!(read, Word::GivesUp { class, message: "one,\ntwo".to_owned() });
    }

    #[test]
    fn what_has_another_form_is_shown_as_it_is() {
        let line = "mesoslab: there is no file, none at all, really";
        let text = line.to_owned();
        assert_eq!(Word::read(line), Word::Said { machine: None, important: false, error: false, text });
        assert_eq!(Word::read(""), Word::Other);
    }
}
