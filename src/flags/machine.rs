//! What a machine has: the resources of an agent that `--resources` does not name, and its address.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    path::Path,
};

const MB: u64 = 1024 * 1024;
const GB: u64 = 1024 * MB;

/// Totals of a machine; none where they cannot be told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    pub cpus: Option<usize>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Bytes of the file system of the work directory.
    pub disk: Option<u64>,
}

impl Machine {
    /// This machine, with the file system that `work_dir` is or will be on.
    pub fn here(work_dir: &Path) -> Self {
        Self {
            cpus: std::thread::available_parallelism().ok().map(usize::from),
            memory: memory(),
            disk: disk(work_dir),
        }
    }

    /// As Mesos has it: the processors, the memory but for 1 GB, the disk but for 5 GB; of small ones the half.
    pub fn default_of(&self, name: &str) -> Option<String> {
        match name {
            "cpus" => Some(self.cpus.unwrap_or(1).to_string()),
            "mem" => Some(megabytes(self.memory, 2 * GB, GB, GB)),
            "disk" => Some(megabytes(self.disk, 10 * GB, 5 * GB, 10 * GB)),
            _ => None,
        }
    }
}

fn megabytes(total: Option<u64>, large: u64, reserve: u64, unknown: u64) -> String {
    let bytes = total.map_or(unknown, |total| if total >= large { total - reserve } else { total / 2 });
    (bytes / MB).to_string()
}

fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn disk(work_dir: &Path) -> Option<u64> {
    let there = std::path::absolute(work_dir).ok()?;
    let there = there.ancestors().find(|dir| dir.exists())?;
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(stat.f_blocks * stat.f_frsize)
}

/// The address that this machine has on the way to others, or that its name stands for, or else the loopback address.
pub fn own_address() -> Ipv4Addr {
    let is_fit = |ip: &Ipv4Addr| !ip.is_loopback() && !ip.is_unspecified();
    outward_address().into_iter().chain(named_addresses()).find(is_fit).unwrap_or(Ipv4Addr::LOCALHOST)
}

/// Connecting a datagram socket asks for the route and sends nothing.
fn outward_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    ipv4(socket.local_addr().ok()?)
}

fn named_addresses() -> Vec<Ipv4Addr> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let addresses = (name.trim(), 0).to_socket_addrs();
    addresses.map(|addresses| addresses.filter_map(ipv4).collect()).unwrap_or_default()
}

fn ipv4(address: SocketAddr) -> Option<Ipv4Addr> {
    match address {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_is_left_to_the_machine() {
        let large = Machine { cpus: Some(8), memory: Some(16 * GB), disk: Some(100 * GB) };
        assert_eq!(large.default_of("cpus").as_deref(), Some("8"));
        assert_eq!(large.default_of("mem").as_deref(), Some("15360"));
        assert_eq!(large.default_of("disk").as_deref(), Some("97280"));
        let small = Machine { cpus: None, memory: Some(GB), disk: Some(4 * GB) };
        assert_eq!(small.default_of("mem").as_deref(), Some("512"));
        assert_eq!(small.default_of("disk").as_deref(), Some("2048"));
        assert_eq!(Machine::default().default_of("mem").as_deref(), Some("1024"));
    }

    #[test]
    fn this_machine_has_something() {
        let here = Machine::here(Path::new("not/there/yet"));
        assert!(here.cpus.is_some_and(|cpus| cpus > 0));
        assert!(here.disk.is_some_and(|disk| disk > 0), "{here:?}");
    }
}
