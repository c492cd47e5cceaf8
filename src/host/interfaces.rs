//! The network interfaces of this machine: which addresses they have, and how large their networks are.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
};

/// The netmask of the interface that has the address `ip`.
///
/// # Errors
/// When none has it, or the system does not tell.
pub fn netmask(ip: IpAddr) -> io::Result<IpAddr> {
    let found = all()?.into_iter().find(|(address, _)| *address == ip);
    let nobody = || io::Error::new(io::ErrorKind::NotFound, format!("no interface has the address {ip}"));
    found.map(|(_, netmask)| netmask).ok_or_else(nobody)
}

/// Every address of every interface with its netmask.
#[expect(unsafe_code, reason = "the list is read between the calls that make and free it, and copied")]
pub(super) fn all() -> io::Result<Vec<(IpAddr, IpAddr)>> {
    let mut first = std::ptr::null_mut();
    let mut found = Vec::new();
    unsafe {
        if libc::getifaddrs(&raw mut first) != 0 {
            return Err(io::Error::last_os_error());
        }
        let mut next = first;
        while let Some(interface) = next.as_ref() {
            found.extend(ip(interface.ifa_addr).zip(ip(interface.ifa_netmask)));
            next = interface.ifa_next;
        }
        libc::freeifaddrs(first);
    }
    Ok(found)
}

/// None for what is neither IPv4 nor IPv6.
#[expect(unsafe_code, reason = "the family says how much of the address there is to copy")]
unsafe fn ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    unsafe {
        match i32::from(address.as_ref()?.sa_family) {
            libc::AF_INET => {
                let address = address.cast::<libc::sockaddr_in>().read_unaligned();
                Some(Ipv4Addr::from_bits(u32::from_be(address.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let address = address.cast::<libc::sockaddr_in6>().read_unaligned();
                Some(IpAddr::from(address.sin6_addr.s6_addr))
            }
            _ => None,
        }
    }
}
