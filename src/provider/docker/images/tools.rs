//! A shell and the usual tools for images whose tasks are commands: a static busybox where this machine has one, else
//! the machine's own tools with the libraries that they need.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{
    context::{Context, Entry},
    program,
};

const BUSYBOXES: [&str; 4] =
    ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static", "/usr/bin/busybox.static"];

/// Where tools are looked for.
const DIRECTORIES: [&str; 2] = ["/bin", "/usr/bin"];

/// What scripts of tasks use; what the machine does not have is left out, but for the shell.
const TOOLS: [&str; 60] = [
    "sh",
    "awk",
    "base64",
    "basename",
    "bash",
    "cat",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "dirname",
    "du",
    "echo",
    "env",
    "expr",
    "false",
    "find",
    "grep",
    "head",
    "hostname",
    "id",
    "kill",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "od",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "uname",
    "uniq",
    "wc",
    "whoami",
    "xargs",
];

/// Adds `root/bin` with a shell and tools, and the libraries that they need.
///
/// # Errors
/// When this machine has no shell, or does not say what a tool needs.
pub async fn add_to(context: Context) -> io::Result<Context> {
    match BUSYBOXES.into_iter().map(Path::new).find(|path| program::is_static(path)) {
        Some(busybox) => with_busybox(context, busybox).await,
        None => with_tools(context).await,
    }
}

async fn with_busybox(context: Context, busybox: &Path) -> io::Result<Context> {
    let applets = output(Command::new(busybox).arg("--list")).await?;
    let context = context
        .with("root/bin/busybox", Entry::Program(busybox.to_owned()))
        .with("root/usr/bin", Entry::Link("../bin".into()));
    let applets =
        applets.lines().filter(|name| !name.is_empty() && *name != "busybox" && !name.contains('/'));
    Ok(applets.fold(context, |context, name| {
        context.with(format!("root/bin/{name}"), Entry::Link("busybox".into()))
    }))
}

async fn with_tools(context: Context) -> io::Result<Context> {
    let found: Vec<_> = TOOLS.into_iter().filter_map(|name| Some((name, find(name)?))).collect();
    if !found.iter().any(|(name, _)| *name == "sh") {
        return Err(io::Error::new(io::ErrorKind::NotFound, "this machine has no /bin/sh"));
    }
    let listed = output(Command::new("ldd").args(found.iter().map(|(_, path)| path))).await?;
    let context = found.into_iter().fold(context, |context, (name, path)| {
        context.with(format!("root/bin/{name}"), Entry::Program(path))
    });
    let context = context.with("root/usr/bin", Entry::Link("../bin".into()));
    Ok(libraries(&listed).into_iter().fold(context, |context, path| {
        context.with(Path::new("root").join(path.trim_start_matches('/')), Entry::Program(path.into()))
    }))
}

fn find(tool: &str) -> Option<PathBuf> {
    DIRECTORIES.iter().map(|dir| Path::new(dir).join(tool)).find(|path| path.is_file())
}

/// Every path in what `ldd` says: of `libc.so.6 => /lib/libc.so.6 (0x0)` and of `/lib64/ld-linux.so.2 (0x0)`.
fn libraries(listed: &str) -> BTreeSet<&str> {
    let lines = listed.lines().filter(|line| line.starts_with(char::is_whitespace));
    lines
        .map(|line| line.rsplit_once("=> ").map_or(line, |(_, path)| path).trim())
        .filter_map(|path| path.split_whitespace().next())
        .filter(|path| path.starts_with('/'))
        .collect()
}

async fn output(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(std::process::Stdio::null()).kill_on_drop(true).output().await?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_what_ldd_says() {
        let listed = "/bin/sh:\n\tlinux-vdso.so.1 (0x00007ffc)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n/bin/true:\n\tstatically linked\n\
                      /bin/odd:\n\tlibodd.so => not found\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n";
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(libraries(listed), BTreeSet::from(expected));
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_same_tools_give_the_same_content() {
        let hash = async || {
            let context = add_to(Context::new("FROM scratch\n")).await.expect("tools");
            context.hash("").expect("all files are there")
        };
        assert_eq!(hash().await, hash().await);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    #[expect(clippy::print_stdout, reason = "says what it skips")]
    async fn this_machines_tools_run_with_nothing_else_beside_them() {
        if !rustix::process::geteuid().is_root() {
            return println!("skipped, only root may change its root directory");
        }
        let dir = tempfile::tempdir().expect("a directory");
        let context = with_tools(Context::new("FROM scratch\n")).await.expect("tools");
        context.write(dir.path()).expect("written");
        let script = "for word in a b; do /usr/bin/printf '%s\\n' $word; done | grep -c . | sed s/2/two/ && sleep 0 && date >/dev/null";
        let mut command = Command::new("chroot");
        let said = output(command.arg(dir.path().join("root")).args(["/bin/sh", "-c", script])).await;
        assert_eq!(said.expect("chroot"), "two\n");
    }
}
