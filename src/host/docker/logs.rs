//! The output of a container, as files of its sandbox: from its first byte, each byte once, whoever copies it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    time::Duration,
};

use bollard::{container::LogOutput, query_parameters::LogsOptions};
use futures_util::StreamExt;

use crate::client::docker::Engine;

/// From the loss of the engine to the next attempt.
const PAUSE: Duration = Duration::from_millis(200);

/// One of the two files. What is in it was copied before: the engine tells all from the beginning, and that much is
/// passed over.
struct Copy {
    file: File,
    written: u64,
    skip: u64,
}

impl Copy {
    fn open(directory: &Path, name: &str) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(directory.join(name))?;
        let written = file.metadata()?.len();
        Ok(Self { file, written, skip: 0 })
    }

    /// The engine begins anew, with so many bytes to tell that may have been told before.
    fn begin(&mut self, told: u64) {
        self.skip = self.written.min(told);
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= known as u64;
        let fresh = &bytes[known..];
        self.file.write_all(fresh)?;
        self.written += fresh.len() as u64;
        Ok(())
    }
}

/// Copies stdout and stderr until the container has ended and all is told.
///
/// # Errors
/// When the files cannot be written.
pub(super) async fn copy(engine: &Engine, container: &str, directory: &str) -> io::Result<()> {
    let directory = Path::new(directory);
    let mut outputs =
        Outputs { stdout: Copy::open(directory, "stdout")?, stderr: Copy::open(directory, "stderr")? };
    loop {
        outputs.pass(engine, container, true).await?;
        if !is_running(engine, container).await {
            // An engine that follows may stop with the container, before the last of its output.
            return outputs.pass(engine, container, false).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

struct Outputs {
    stdout: Copy,
    stderr: Copy,
}

impl Outputs {
    /// All that the engine tells, from the beginning: what it has, or what comes as well.
    async fn pass(&mut self, engine: &Engine, container: &str, follow: bool) -> io::Result<()> {
        let fresh = self.stdout.written + self.stderr.written == 0;
        let (of_stdout, of_stderr) = if fresh { (0, 0) } else { known(engine, container).await };
        self.stdout.begin(of_stdout);
        self.stderr.begin(of_stderr);
        let mut told = Box::pin(engine.api().logs(container, Some(options(follow))));
        while let Some(Ok(output)) = told.next().await {
            match output {
                LogOutput::StdErr { message } => self.stderr.write(&message)?,
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    self.stdout.write(&message)?;
                }
                LogOutput::StdIn { .. } => {}
            }
        }
        Ok(())
    }
}

fn options(follow: bool) -> LogsOptions {
    LogsOptions { follow, stdout: true, stderr: true, ..LogsOptions::default() }
}

/// How much of stdout and stderr the engine still has: it may have thrown the oldest away.
async fn known(engine: &Engine, container: &str) -> (u64, u64) {
    let (mut stdout, mut stderr) = (0, 0);
    let mut told = Box::pin(engine.api().logs(container, Some(options(false))));
    while let Some(Ok(output)) = told.next().await {
        match output {
            LogOutput::StdErr { message } => stderr += message.len() as u64,
            output => stdout += output.into_bytes().len() as u64,
        }
    }
    (stdout, stderr)
}

/// Whether there is, or may be, more to come.
async fn is_running(engine: &Engine, container: &str) -> bool {
    match engine.api().inspect_container(container, None).await {
        Ok(inspected) => inspected.state.and_then(|state| state.running).unwrap_or_default(),
        Err(error) => !super::is_missing(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_written_again() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("stdout"), "one\ntw").unwrap();
        let mut copy = Copy::open(directory.path(), "stdout").unwrap();
        copy.begin(100);
        copy.write(b"one\n").unwrap();
        copy.write(b"two\nthree\n").unwrap();
        copy.begin(100);
        for bytes in [b"one\ntwo\n".as_slice(), b"three\n", b"four\n"] {
            copy.write(bytes).unwrap();
        }
        let text = std::fs::read_to_string(directory.path().join("stdout")).unwrap();
        assert_eq!(text, "one\ntwo\nthree\nfour\n");
        copy.begin(5);
        copy.write(b"four\nfive\n").unwrap();
        let text = std::fs::read_to_string(directory.path().join("stdout")).unwrap();
        assert!(text.ends_with("four\nfive\n"), "the engine had thrown away the rest");
    }
}
