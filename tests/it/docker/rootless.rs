//! What it takes that an engine runs as an ordinary user: one of the test's own, who is known within a mount namespace only,
//! as are the devices that the user may use there. Nothing of the machine is changed.

use std::{path::Path, process::Command};

/// What is wanted beside an engine.
pub const PROGRAMS: [&str; 5] = ["rootlesskit", "slirp4netns", "newuidmap", "setpriv", "unshare"];

/// Whose id is free, and whose subordinate ids are.
const USER: &str = "70001";

/// In a mount namespace: makes the user and the devices that whoever is not root needs, and becomes that user.
const BECOME: &str = r#"
set -e
home=$1 user=$2; shift 2
mkdir -p "$home/etc" "$home/dev" "$home/run"
mount -t tmpfs tmpfs "$home/dev"
device() { mknod -m 666 "$home/dev/$2" c 10 "$1"; mount --bind "$home/dev/$2" "/dev/$3"; }
device 200 tun net/tun
device 229 fuse fuse
known() { { cat "/etc/$1"; echo "$2"; } >"$home/etc/$1"; mount --bind "$home/etc/$1" "/etc/$1"; }
known passwd "mesoslab-rootless:x:$user:$user::$home:/bin/sh"
known subuid "mesoslab-rootless:1000000:65536"
known subgid "mesoslab-rootless:1000000:65536"
chown "$user:$user" "$home" "$home/run"
exec setpriv --reuid="$user" --regid="$user" --clear-groups \
  env HOME="$home" XDG_RUNTIME_DIR="$home/run" PATH="$PATH:/usr/sbin:/sbin" "$@"
"#;

/// As Docker's own script does it, but for what only some systems need.
const ROOTLESSKIT: [&str; 13] = [
    "rootlesskit",
    "--net=slirp4netns",
    "--mtu=65520",
    "--slirp4netns-sandbox=auto",
    "--slirp4netns-seccomp=auto",
    "--disable-host-loopback",
    "--port-driver=builtin",
    "--copy-up=/etc",
    "--copy-up=/run",
    "--propagation=rslave",
    "sh",
    "-c",
    "rm -f /run/docker /run/containerd /run/xtables.lock; exec \"$@\"",
];

/// The words that `dockerd` and its arguments are to follow.
pub fn before_dockerd(home: &Path) -> Vec<String> {
    let inside = ROOTLESSKIT.into_iter().chain(["sh"]);
    as_user(home).into_iter().chain(inside.map(str::to_owned)).collect()
}

fn as_user(home: &Path) -> Vec<String> {
    let home = home.display().to_string();
    ["unshare", "--mount", "sh", "-c", BECOME, "sh", &home, USER].map(str::to_owned).into()
}

/// Tries whether such a user can have namespaces.
pub fn prepare(home: &Path) -> Result<(), String> {
    let words = as_user(home);
    let (program, arguments) = words.split_first().expect("words");
    let mut command = Command::new(program);
    command.args(arguments).args([
        "rootlesskit",
        "--net=slirp4netns",
        "--disable-host-loopback",
        "--copy-up=/etc",
    ]);
    let output = command.args(["--copy-up=/run", "true"]).output().expect("it runs");
    let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    if output.status.success() { Ok(()) } else { Err(last) }
}
