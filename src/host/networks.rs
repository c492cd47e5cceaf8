//! Whom we talk to: this machine always, others only when their network is listed. It holds for those who come to a
//! listener and for those to whom we connect because a message told us to.

use std::{
    fmt, io,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use super::interfaces;

/// A list of networks; loopback is in every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

/// The addresses that share the first `bits` bits with `address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

/// A text that is no `ADDRESS/BITS`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network such as `10.0.0.0/8`")]
pub struct InvalidNetwork(String);

impl Networks {
    /// This machine only.
    pub fn loopback() -> Self {
        Self::default()
    }

    /// `10.0.0.0/8,192.168.56.0/24,::1/128`; an address without bits is that one host.
    ///
    /// # Errors
    /// When a part is neither a network nor an address.
    pub fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(Network::from_str).collect::<Result<_, _>>().map(Self)
    }

    /// The network that the interface with this address is connected to.
    ///
    /// # Errors
    /// When no interface of this machine has the address, or the system does not tell.
    pub fn of_interface(ip: IpAddr) -> io::Result<Self> {
        let ip = ip.to_canonical();
        if ip.is_loopback() {
            return Ok(Self::loopback());
        }
        let netmask = interfaces::netmask(ip)?;
        Ok(Self(vec![Network { address: ip, bits: bits_of(netmask).leading_ones() }]))
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether we talk to `ip`.
    pub fn admits(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_loopback() || self.0.iter().any(|network| network.holds(ip))
    }
}

impl FromStr for Networks {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        Self::parse(text)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("127.0.0.0/8,::1/128")?;
        self.0.iter().try_for_each(|Network { address, bits }| write!(f, ",{address}/{bits}"))
    }
}

impl Network {
    fn holds(&self, ip: IpAddr) -> bool {
        let differing = bits_of(self.address) ^ bits_of(ip);
        self.address.is_ipv4() == ip.is_ipv4() && differing.leading_zeros() >= self.bits
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let network = address.parse().ok().and_then(|address| {
            let bits = bits.map_or(Some(width(address)), |bits| bits.parse().ok())?;
            (bits <= width(address)).then_some(Self { address, bits })
        });
        network.ok_or_else(|| InvalidNetwork(text.to_owned()))
    }
}

fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The bits of an address from the highest on; those of IPv4 are the first 32.
fn bits_of(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << (Ipv6Addr::BITS - 32),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(networks: &str, ip: &str) -> bool {
        networks.parse::<Networks>().unwrap().admits(ip.parse().unwrap())
    }

    #[test]
    fn this_machine_always() {
        for networks in ["", "10.0.0.0/8"] {
            for ip in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
                assert!(admits(networks, ip), "{ip}");
            }
        }
        for ip in ["0.0.0.0", "128.0.0.1", "126.255.255.255", "10.1.2.3", "::", "::2", "fe80::1"] {
            assert!(!admits("", ip), "{ip}");
        }
    }

    #[test]
    fn others_by_their_network() {
        let networks = "10.0.0.0/8, 192.168.56.7/24,fd00::/8,172.16.0.9";
        for ip in ["10.255.0.1", "192.168.56.0", "192.168.56.255", "fd12::1", "172.16.0.9", "::ffff:10.0.0.1"]
        {
            assert!(admits(networks, ip), "{ip}");
        }
        for ip in ["11.0.0.0", "192.168.57.0", "fe00::1", "172.16.0.8", "a00::1"] {
            assert!(!admits(networks, ip), "{ip}");
        }
        assert!(admits("0.0.0.0/0", "8.8.8.8") && !admits("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn reads_what_it_writes() {
        let text = "127.0.0.0/8,::1/128,10.0.0.0/8,fd00::/8";
        let networks = "10.0.0.0/8,fd00::/8".parse::<Networks>().unwrap();
        assert_eq!(networks.to_string(), text);
        for wrong in ["x", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "10.0.0.0/8;", "/8"] {
            assert_eq!(Networks::parse(wrong), Err(InvalidNetwork(wrong.to_owned())));
        }
    }

    #[test]
    fn an_interface_knows_its_network() {
        let loopback = "127.0.0.1".parse().unwrap();
        assert_eq!(Networks::of_interface(loopback).unwrap(), Networks::loopback());
        let nobody = Networks::of_interface("192.0.2.1".parse().unwrap()).unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::NotFound);
        for (ip, netmask) in interfaces::all().unwrap() {
            let networks = Networks::of_interface(ip).unwrap();
            assert!(networks.admits(ip), "{ip} {netmask}");
        }
    }
}
