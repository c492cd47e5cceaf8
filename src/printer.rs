//! The only place that writes to stdout and stderr: data to stdout, talk to stderr.

mod board;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{
    cli::Format,
    error::{Code, Failure, Result},
};

pub use board::{Board, megabytes};

/// Rows for people; the same data goes to programs as it is.
#[derive(Debug, Default)]
pub struct Rows {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub fn new(head: impl Into<Vec<&'static str>>) -> Self {
        Self { head: head.into(), rows: Vec::new() }
    }

    pub fn push(&mut self, row: impl Into<Vec<String>>) {
        self.rows.push(row.into());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn render(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.head.iter().map(|name| Cell::new(name.to_uppercase())));
        table.add_rows(&self.rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2)).set_cell_alignment(CellAlignment::Left);
        }
        table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
}

/// Writes what a command has to say.
#[derive(Clone, Debug)]
pub struct Printer {
    quiet: bool,
    verbose: u8,
    color: bool,
    progress: MultiProgress,
}

impl Printer {
    /// `quiet` drops all talk but failures.
    pub fn new(quiet: bool, verbose: u8) -> Self {
        let terminal = io::stderr().is_terminal();
        let color =
            terminal && is_smart() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let target =
            if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { quiet, verbose, color, progress: MultiProgress::with_draw_target(target) }
    }

    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether there is a terminal to draw on.
    pub fn draws(&self) -> bool {
        !self.progress.is_hidden()
    }

    /// One line of talk.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.quiet {
            self.to_stderr(line.as_ref());
        }
    }

    /// Something that is not wrong, but that the user would want to know.
    pub fn warn(&self, line: impl AsRef<str>) {
        self.to_stderr(&format!("{}: {}", self.paint("33", "warning"), line.as_ref()));
    }

    /// Talk for `-v`.
    pub fn detail(&self, line: impl AsRef<str>) {
        if self.verbose > 0 {
            self.say(line);
        }
    }

    /// `text` in the colour of `code` (an SGR parameter), where colours are wanted.
    pub fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn tick(&self) -> String {
        self.paint("32", "✓")
    }

    pub fn cross(&self) -> String {
        self.paint("31", "✗")
    }

    /// A spinner with a message on a terminal; nothing in a pipe.
    pub fn spinner(&self, message: impl Into<String>) -> ProgressBar {
        let bar = self.progress.add(ProgressBar::new_spinner().with_message(message.into()));
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(80));
        bar
    }

    /// Data, as it is.
    ///
    /// # Errors
    /// When stdout cannot be written, other than by a closed pipe.
    pub fn data(&self, text: impl AsRef<[u8]>) -> Result<()> {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()))
    }

    /// What a program that runs for the user has written to its stdout; false where nobody reads ours any more.
    ///
    /// # Errors
    /// When stdout cannot be written, other than by a closed pipe.
    pub fn hand_on(&self, bytes: &[u8]) -> Result<bool> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            result => written(result).map(|()| true),
        }
    }

    /// What it has written to its stderr, also where we are quiet.
    pub fn hand_on_to_stderr(&self, bytes: &[u8]) {
        // Nobody is left to tell when stderr is closed.
        let _ = io::stderr().lock().write_all(bytes);
    }

    /// Data in the form that was asked for.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn show<T: Serialize>(
        &self,
        format: Format,
        data: &T,
        rows: impl FnOnce(bool) -> Rows,
    ) -> Result<()> {
        match format {
            Format::Table => self.data(rows(false).render()),
            Format::Wide => self.data(rows(true).render()),
            Format::Json => {
                let text = serde_json::to_string_pretty(data).map_err(|e| Failure::failed(e.to_string()))?;
                self.data(text + "\n")
            }
            Format::Yaml => {
                let text = serde_yaml_ng::to_string(data).map_err(|e| Failure::failed(e.to_string()))?;
                self.data(text)
            }
        }
    }

    /// Clears the screen, for `--watch` on a terminal.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn clear(&self) -> Result<()> {
        if io::stdout().is_terminal() && is_smart() { self.data("\x1b[H\x1b[2J") } else { Ok(()) }
    }

    /// Shows a failure and gives its exit code.
    pub fn failure(&self, failure: &Failure) -> ExitCode {
        if let Some(code) = failure.of_program {
            return code.into();
        }
        self.to_stderr(&format!("{}: {}", self.paint("1;31", "error"), failure.message));
        if let Some(error) = &failure.lab_file {
            self.to_stderr(&self.lab_file(error));
        }
        for line in &failure.seen {
            self.to_stderr(&format!("  | {line}"));
        }
        if let Some(hint) = &failure.hint {
            self.to_stderr(&format!("\n{}: {hint}", self.paint("36", "hint")));
        }
        failure.code.into()
    }

    fn lab_file(&self, error: &crate::spec::LabFileError) -> String {
        let theme = if self.color {
            miette::GraphicalTheme::unicode()
        } else {
            miette::GraphicalTheme::unicode_nocolor()
        };
        let handler = miette::GraphicalReportHandler::new_themed(theme);
        let mut text = String::new();
        for (report, problem) in error.reports().zip(&error.problems) {
            text.push('\n');
            if handler.render_report(&mut text, report).is_err() {
                text += &format!("{}; {}\n", problem.message, problem.help);
            }
        }
        text.trim_end().to_owned()
    }

    fn to_stderr(&self, line: &str) {
        self.progress.suspend(|| {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(io::stderr().lock(), "{line}");
        });
    }
}

/// Whether the terminal, if there is one, knows escape sequences.
pub fn is_smart() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A closed pipe is success: the reader has what it wanted.
fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::new(Code::Failed, format!("failed to write to stdout: {error}"))),
    }
}
