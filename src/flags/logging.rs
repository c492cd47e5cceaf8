//! What is logged, and where to: `--quiet`, `--logging_level`, `--log_dir`, `--external_log_file`.

use std::path::PathBuf;

use super::{Component, given::Flags};

/// The least grave message that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    #[default]
    Info,
    Warning,
    Error,
}

/// How a component logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// Nothing goes to stderr.
    pub quiet: bool,
    pub level: Level,
    /// The file to write, in `--log_dir`.
    pub file: Option<PathBuf>,
    /// A file that something else writes; shown instead of ours.
    pub external: Option<PathBuf>,
}

impl Logging {
    pub(super) fn of(flags: &mut Flags, component: Component) -> Self {
        let level = flags.parsed("logging_level", level).unwrap_or_default();
        let name = format!("{}.{}", component.program(), name(level));
        Self {
            quiet: flags.is_set("quiet"),
            level,
            file: flags.text("log_dir").map(|dir| PathBuf::from(dir).join(name)),
            external: flags.text("external_log_file").map(PathBuf::from),
        }
    }

    /// The file that the files API shows.
    pub fn shown(&self) -> Option<&PathBuf> {
        self.external.as_ref().or(self.file.as_ref())
    }
}

fn level(text: &str) -> Result<Level, String> {
    let levels = [Level::Info, Level::Warning, Level::Error];
    let known = levels.into_iter().find(|level| name(*level) == text);
    known.ok_or_else(|| format!("knows INFO, WARNING and ERROR, not `{text}`"))
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
    }
}
