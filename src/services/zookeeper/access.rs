//! Who somebody is, and what an ACL lets them do.

use std::net::IpAddr;

use super::digest;
use crate::zookeeper::{Acl, ErrorCode, Id, Perms, response::ClientInfo};

/// The schemes by which somebody can be known here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Digest,
    Ip,
}

impl Scheme {
    fn of(id: &Id) -> Option<Self> {
        match id.scheme.as_str() {
            "digest" => Some(Self::Digest),
            "ip" => Some(Self::Ip),
            _ => None,
        }
    }

    /// Whether an ACL can name such an id.
    fn accepts(self, id: &str) -> bool {
        match self {
            Self::Digest => {
                let parts: Vec<&str> = id.trim_end_matches(':').split(':').collect();
                parts.len() == 2
            }
            Self::Ip => network(id).is_some(),
        }
    }

    fn matches(self, own: &str, named: &str) -> bool {
        match self {
            Self::Digest => own == named,
            Self::Ip => in_network(own, named),
        }
    }
}

fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
    let ip: IpAddr = ip.parse().ok()?;
    let width = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
    (bits <= width).then_some((ip, bits))
}

fn in_network(own: &str, named: &str) -> bool {
    let (Ok(own), Some((ip, bits))) = (own.parse::<IpAddr>(), network(named)) else { return false };
    let differing = match (own, ip) {
        (IpAddr::V4(own), IpAddr::V4(ip)) => (own.to_bits() ^ ip.to_bits()).leading_zeros(),
        (IpAddr::V6(own), IpAddr::V6(ip)) => (own.to_bits() ^ ip.to_bits()).leading_zeros(),
        _ => return false,
    };
    differing >= bits
}

fn is_anyone(id: &Id) -> bool {
    id.scheme == "world" && id.id == "anyone"
}

/// What a connection is known as from its address.
pub fn from_address(ip: IpAddr) -> Id {
    Id::new("ip", ip.to_canonical().to_string())
}

/// The identity that an `addauth` gives; `ip` gives none beyond what is known.
///
/// # Errors
/// `AuthFailed` when the scheme is unknown here.
pub fn authenticate(scheme: &str, credentials: &[u8]) -> Result<Option<Id>, ErrorCode> {
    match scheme {
        "digest" => Ok(Some(Id::new("digest", digest::id(credentials)))),
        "ip" => Ok(None),
        _ => Err(ErrorCode::AuthFailed),
    }
}

/// # Errors
/// `NoAuth` when `acl` gives none of `perms` to `identities`.
pub fn check(acl: &[Acl], perms: Perms, identities: &[Id]) -> Result<(), ErrorCode> {
    let allows = |entry: &Acl| {
        let scheme = Scheme::of(&entry.id);
        let matches = |own: &Id| {
            own.scheme == entry.id.scheme
                && scheme.is_some_and(|scheme| scheme.matches(&own.id, &entry.id.id))
        };
        entry.perms.intersects(perms) && (is_anyone(&entry.id) || identities.iter().any(matches))
    };
    if acl.is_empty() || acl.iter().any(allows) { Ok(()) } else { Err(ErrorCode::NoAuth) }
}

/// The ACL that a node gets: without duplicates, and with `auth` replaced by who the client is.
///
/// # Errors
/// `InvalidACL` when it is empty or names somebody who cannot be.
pub fn resolve(acl: &[Acl], identities: &[Id]) -> Result<Vec<Acl>, ErrorCode> {
    let mut resolved = Vec::new();
    let mut seen: Vec<&Acl> = Vec::new();
    for entry in acl {
        if !seen.contains(&entry) {
            seen.push(entry);
            resolve_one(entry, identities, &mut resolved)?;
        }
    }
    if resolved.is_empty() { Err(ErrorCode::InvalidACL) } else { Ok(resolved) }
}

fn resolve_one(entry: &Acl, identities: &[Id], resolved: &mut Vec<Acl>) -> Result<(), ErrorCode> {
    if entry.id.scheme == "auth" {
        let before = resolved.len();
        let proven = identities.iter().filter(|own| Scheme::of(own) == Some(Scheme::Digest));
        resolved.extend(proven.map(|own| Acl::new(entry.perms, own.clone())));
        return if resolved.len() > before { Ok(()) } else { Err(ErrorCode::InvalidACL) };
    }
    if !is_anyone(&entry.id) && !Scheme::of(&entry.id).is_some_and(|scheme| scheme.accepts(&entry.id.id)) {
        return Err(ErrorCode::InvalidACL);
    }
    resolved.push(entry.clone());
    Ok(())
}

/// The ACL as those see it who may not change it: without the hashes of passwords.
pub fn without_hashes(acl: &[Acl]) -> Vec<Acl> {
    let mut shown = acl.to_vec();
    for entry in shown.iter_mut().filter(|entry| entry.id.scheme == "digest") {
        if let Some(user) = entry.id.id.split_once(':').map(|(user, _)| user) {
            entry.id.id = format!("{user}:x");
        }
    }
    shown
}

/// Who a client is, as `whoAmI` says it.
pub fn clients(identities: &[Id]) -> Vec<ClientInfo> {
    let client = |own: &Id| {
        let user = match Scheme::of(own)? {
            Scheme::Digest => own.id.split(':').next().unwrap_or_default(),
            Scheme::Ip => &own.id,
        };
        Some(ClientInfo { scheme: own.scheme.clone(), user: user.to_owned() })
    };
    let mut clients: Vec<ClientInfo> = identities.iter().filter_map(client).collect();
    clients.sort_by(|one, other| (&one.scheme, &one.user).cmp(&(&other.scheme, &other.user)));
    clients
}
