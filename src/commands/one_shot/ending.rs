//! How a task ended, and the exit code that this makes.

use crate::{
    engine::executor::exit::Exit,
    mesos::v1::{TaskState, TaskStatus},
};

/// The end of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// 0 for success, what the program gave, or 128 and its signal; none where no program has ended.
    pub code: Option<u8>,
    /// In Mesos' words: `failed: Command exited with status 3`.
    pub text: String,
}

/// The end that a status update tells of; none while the task goes on.
pub fn of(status: &TaskStatus) -> Option<Ending> {
    let state = status.state();
    if goes_on(state) {
        return None;
    }
    let message = status.message.as_deref().unwrap_or_default();
    let code = match code_of(message) {
        None if state == TaskState::TaskFinished => Some(0),
        code => code,
    };
    let word = state.as_str_name().trim_start_matches("TASK_").to_lowercase().replace('_', " ");
    let text = if message.is_empty() { word } else { format!("{word}: {message}") };
    Some(Ending { code, text })
}

fn goes_on(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
    )
}

/// What Mesos' executors write of a program's end: `Command exited with status 3`, `Container terminated with signal Killed`.
fn code_of(message: &str) -> Option<u8> {
    if let Some((_, rest)) = message.split_once("exited with status ") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return digits.parse::<u32>().ok().and_then(|code| u8::try_from(code & 0xff).ok());
    }
    let (_, rest) = message.split_once("terminated with signal ")?;
    (1..=64_u8).find(|number| is_named(rest, *number)).map(|number| 128 + number)
}

fn is_named(rest: &str, number: u8) -> bool {
    let words = Exit::signal(i32::from(number)).to_string();
    let name = words.trim_start_matches("terminated with signal ");
    rest.strip_prefix(name).is_some_and(|more| more.is_empty() || more.starts_with([' ', ';', '.', '\n']))
        && !(rest.starts_with("Stopped (") && name == "Stopped")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(state: TaskState, message: &str) -> Option<Option<u8>> {
        let status =
            TaskStatus { state: state.into(), message: Some(message.to_owned()), ..TaskStatus::default() };
        of(&status).map(|ending| ending.code)
    }

    #[test]
    fn codes_are_read_from_the_words_of_mesos() {
        assert_eq!(ended(TaskState::TaskFinished, "Command exited with status 0"), Some(Some(0)));
        assert_eq!(ended(TaskState::TaskFinished, ""), Some(Some(0)));
        assert_eq!(ended(TaskState::TaskFailed, "Command exited with status 3"), Some(Some(3)));
        assert_eq!(ended(TaskState::TaskFailed, "Container exited with status 127"), Some(Some(127)));
        assert_eq!(
            ended(TaskState::TaskKilled, "Command terminated with signal Terminated"),
            Some(Some(143))
        );
        assert_eq!(ended(TaskState::TaskFailed, "Command terminated with signal Killed"), Some(Some(137)));
        assert_eq!(
            ended(TaskState::TaskFailed, "Command terminated with signal Aborted (core dumped)"),
            Some(Some(134))
        );
        assert_eq!(
            ended(TaskState::TaskFailed, "Command terminated with signal User defined signal 2"),
            Some(Some(140))
        );
        assert_eq!(
            ended(TaskState::TaskFailed, "Command terminated with signal Real-time signal 12"),
            Some(Some(174))
        );
        assert_eq!(ended(TaskState::TaskError, "Task uses no resources"), Some(None));
        assert_eq!(ended(TaskState::TaskRunning, ""), None);
        assert_eq!(ended(TaskState::TaskUnreachable, ""), None);
    }
}
