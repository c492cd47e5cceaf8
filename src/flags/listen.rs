//! Where a component listens, and what others are told: `--ip`, `--port`, `--advertise_ip`, `--advertise_port`,
//! `--hostname`, and the variables of libprocess behind them.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{given::Flags, machine};

/// The addresses of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// What is bound; port 0 for any free one.
    pub address: SocketAddrV4,
    /// What others are told instead of the address that is bound; always there when that is 0.0.0.0.
    pub advertise_ip: Option<Ipv4Addr>,
    /// What others are told instead of the port that is bound.
    pub advertise_port: Option<u16>,
    /// What `--hostname` says, or else what stands for the address.
    pub hostname: String,
    /// Networks that may connect beside loopback and that of the address, as they were typed.
    pub networks: Vec<String>,
}

impl Listen {
    pub(super) fn of(flags: &mut Flags) -> Self {
        let ip = flags.parsed_or_libprocess("ip", ipv4).unwrap_or(Ipv4Addr::LOCALHOST);
        let address = SocketAddrV4::new(ip, flags.whole("port").unwrap_or_default());
        let given = flags.parsed_or_libprocess("advertise_ip", ipv4);
        let advertise_ip = given.or_else(|| ip.is_unspecified().then(machine::own_address));
        let advertise_port = flags.whole("advertise_port").or_else(|| {
            let port = |text: &str| text.parse().map_err(|_| format!("is no port: `{text}`"));
            flags.parsed_or_libprocess("advertise_port", port)
        });
        flags.check("advertise_port", advertise_port != Some(0), "must be the port of something: not 0");
        let hostname = hostname(flags, advertise_ip.unwrap_or(ip));
        Self { address, advertise_ip, advertise_port, hostname, networks: flags.list("allow_networks") }
    }

    /// The address that others are told instead of the one that is bound, if there is one; port 0 for the bound one.
    pub fn advertised_elsewhere(&self) -> Option<SocketAddrV4> {
        let is_given = self.advertise_ip.is_some() || self.advertise_port.is_some();
        let ip = self.advertise_ip.unwrap_or(*self.address.ip());
        is_given.then(|| SocketAddrV4::new(ip, self.advertise_port.unwrap_or(0)))
    }

    /// Where others are told to connect; with port 0 only the bound socket knows the port.
    pub fn advertised(&self) -> SocketAddrV4 {
        let ip = self.advertise_ip.unwrap_or(*self.address.ip());
        SocketAddrV4::new(ip, self.advertise_port.unwrap_or(self.address.port()))
    }
}

fn ipv4(text: &str) -> Result<Ipv4Addr, String> {
    text.trim().parse().map_err(|_| format!("wants an IPv4 address, such as 127.0.0.1, not `{text}`"))
}

/// No name is looked up: an address works wherever its name would.
fn hostname(flags: &Flags, ip: Ipv4Addr) -> String {
    let named = flags.text("hostname").filter(|name| !name.is_empty());
    let is_local = ip.is_loopback() && flags.is_set("hostname_lookup");
    named.unwrap_or_else(|| if is_local { "localhost".to_owned() } else { ip.to_string() })
}
