//! The log of a component as its flags want it: to stderr, to a file, to both or to neither.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Mutex,
};

use tracing_subscriber::{
    filter::LevelFilter,
    fmt::writer::{BoxMakeWriter, MakeWriterExt},
};

use crate::{
    commands::lab_process,
    error::{Context, Result},
    flags::logging::{Level, Logging},
};

/// # Errors
/// When the file cannot be written.
pub fn start(logging: &Logging) -> Result<()> {
    let file = logging.file.as_deref().map(open).transpose()?.map(Mutex::new);
    let writer = match (file, logging.quiet) {
        (None, false) => BoxMakeWriter::new(io::stderr),
        (None, true) => BoxMakeWriter::new(io::sink),
        (Some(file), false) => BoxMakeWriter::new(io::stderr.and(file)),
        (Some(file), true) => BoxMakeWriter::new(file),
    };
    lab_process::log_from(filter(logging.level), writer);
    Ok(())
}

fn open(path: &Path) -> Result<File> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).context(format_args!("make `{}`", directory.display()))?;
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.context(format_args!("open `{}`", path.display()))
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Info => LevelFilter::INFO,
        Level::Warning => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    }
}
