//! What a container executes: a shell command or a program with its arguments.

use serde::{Deserialize, Serialize};

use crate::mesos::v1::CommandInfo;

/// A command as `CommandInfo` means it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// `sh -c`.
    Shell(String),
    /// `path` with an argument vector whose first entry is the name of the program; looked up in PATH.
    Exec { path: String, arguments: Vec<String> },
}

impl Command {
    /// None when the command has no value.
    pub fn from_info(info: &CommandInfo) -> Option<Self> {
        let value = info.value.clone()?;
        Some(if info.shell() {
            Self::Shell(value)
        } else {
            Self::Exec { path: value, arguments: info.arguments.clone() }
        })
    }

    /// Where there is nothing to execute, a container of Mesos starts all the same, says so and ends with 1.
    pub(super) fn or_complaint(info: &CommandInfo) -> Self {
        let missing = if info.shell() { "Shell command" } else { "Executable path" };
        let complaint = || Self::Shell(format!("echo '{missing} is not specified' >&2; exit 1"));
        Self::from_info(info).unwrap_or_else(complaint)
    }

    /// How Mesos names the command in the name of its executor, cut to 15 characters.
    pub(super) fn describe(info: &CommandInfo) -> String {
        match Self::from_info(info) {
            None if info.shell() => "(Command: NO COMMAND)".to_owned(),
            None => "(Command: NO EXECUTABLE)".to_owned(),
            Some(Self::Shell(value)) => format!("(Command: sh -c '{}')", cut(&value)),
            Some(Self::Exec { path, arguments }) => {
                format!("(Command: [{}])", cut(&format!("{path}, {}", arguments.join(", "))))
            }
        }
    }
}

fn cut(text: &str) -> String {
    if text.len() > 15 {
        let end = (0..=12).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        format!("{}...", &text[..end])
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(value: &str) -> CommandInfo {
        CommandInfo { value: Some(value.to_owned()), ..CommandInfo::default() }
    }

    #[test]
    fn describes_commands_as_mesos_does() {
        assert_eq!(Command::describe(&shell("echo done")), "(Command: sh -c 'echo done')");
        assert_eq!(Command::describe(&shell("echo out; echo err >&2")), "(Command: sh -c 'echo out; ec...')");
        assert_eq!(Command::describe(&shell("ääääääääää")), "(Command: sh -c 'ääääää...')");
        assert_eq!(Command::describe(&CommandInfo::default()), "(Command: NO COMMAND)");
        let exec = CommandInfo {
            shell: Some(false),
            value: Some("ls".to_owned()),
            arguments: vec!["ls".to_owned(), "-l".to_owned()],
            ..CommandInfo::default()
        };
        assert_eq!(Command::describe(&exec), "(Command: [ls, ls, -l])");
    }
}
