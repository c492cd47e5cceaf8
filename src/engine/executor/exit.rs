//! How a process ended: an exit code or a signal, and the words Mesos has for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The end of a process. Shown as Mesos shows it, "exited with status 1" or "terminated with signal Killed".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    Code(i32),
    Signal { number: i32, core_dumped: bool },
}

impl Exit {
    pub fn signal(number: i32) -> Self {
        Self::Signal { number, core_dumped: false }
    }

    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The status of `waitpid(2)`, which Mesos puts in its messages.
    pub fn wait_status(self) -> i32 {
        match self {
            Self::Code(code) => (code & 0xff) << 8,
            Self::Signal { number, core_dumped } => (number & 0x7f) | if core_dumped { 0x80 } else { 0 },
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with status {code}"),
            Self::Signal { number, core_dumped } => {
                f.write_str("terminated with signal ")?;
                write_signal(f, *number)?;
                f.write_str(if *core_dumped { " (core dumped)" } else { "" })
            }
        }
    }
}

/// `strsignal(3)` of glibc.
fn write_signal(f: &mut fmt::Formatter<'_>, number: i32) -> fmt::Result {
    let name = match number {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        16 => "Stack fault",
        17 => "Child exited",
        18 => "Continued",
        19 => "Stopped (signal)",
        20 => "Stopped",
        21 => "Stopped (tty input)",
        22 => "Stopped (tty output)",
        23 => "Urgent I/O condition",
        24 => "CPU time limit exceeded",
        25 => "File size limit exceeded",
        26 => "Virtual timer expired",
        27 => "Profiling timer expired",
        28 => "Window changed",
        29 => "I/O possible",
        30 => "Power failure",
        31 => "Bad system call",
        34..=64 => return write!(f, "Real-time signal {}", number - 34),
        _ => return write!(f, "Unknown signal {number}"),
    };
    f.write_str(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_it_as_mesos_does() {
        assert_eq!(Exit::Code(1).to_string(), "exited with status 1");
        assert_eq!(Exit::signal(9).to_string(), "terminated with signal Killed");
        assert_eq!(
            Exit::Signal { number: 11, core_dumped: true }.to_string(),
            "terminated with signal Segmentation fault (core dumped)"
        );
        assert_eq!(Exit::signal(36).to_string(), "terminated with signal Real-time signal 2");
    }

    #[test]
    fn packs_the_wait_status() {
        assert_eq!(Exit::Code(3).wait_status(), 768);
        assert_eq!(Exit::Signal { number: 6, core_dumped: true }.wait_status(), 134);
    }
}
