//! The nodes of masters: their names, their contents, and the one of them that leads.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use prost::Message;
use serde_json::Value;

use crate::mesos::{
    json,
    upid::Upid,
    v1::{Address, MasterInfo},
};

/// What stands before the number: the content is a `MasterInfo` as JSON.
pub const JSON_LABEL: &str = "json.info";
/// As protobuf: masters before 0.24.
const PROTOBUF_LABEL: &str = "info";
/// A capability that the v1 API has no word for.
const QUOTA_V2: i32 = 3;

/// A node that counts as a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub sequence: i32,
    pub label: Option<String>,
    /// The node's name.
    pub name: String,
}

impl Member {
    /// None for a node without a number, such as `registry`.
    pub fn of(name: &str) -> Option<Self> {
        let parts: Vec<_> = name.split('_').filter(|part| !part.is_empty()).collect();
        let sequence = parts.last()?.parse().ok()?;
        let label = (parts.len() > 1).then(|| parts[0].to_owned());
        Some(Self { sequence, label, name: name.to_owned() })
    }
}

/// The one with the lowest number.
pub fn leader(names: &[String]) -> Option<Member> {
    names.iter().filter_map(|name| Member::of(name)).min_by_key(|member| member.sequence)
}

/// The content of a master's node.
pub fn to_json(info: &MasterInfo) -> String {
    let mut json = json::to_json(info);
    if let Some(Value::Array(capabilities)) = json.get_mut("capabilities") {
        for (capability, of) in capabilities.iter_mut().zip(&info.capabilities) {
            if of.r#type == Some(QUOTA_V2) {
                capability["type"] = "QUOTA_V2".into();
            }
        }
    }
    json.to_string()
}

/// Reads the content of a master's node, in whichever form its label says.
///
/// # Errors
/// In Mesos' words.
pub fn read(member: &Member, data: &[u8]) -> Result<MasterInfo, String> {
    match member.label.as_deref() {
        None => of_pid(&String::from_utf8_lossy(data)),
        Some(PROTOBUF_LABEL) => {
            MasterInfo::decode(data).map_err(|_| "Failed to parse data into MasterInfo".to_owned())
        }
        Some(JSON_LABEL) => of_json(data),
        Some(label) => Err(format!("Failed to parse data of unknown label '{label}'")),
    }
}

fn of_json(data: &[u8]) -> Result<MasterInfo, String> {
    let json = json::parse(data).map_err(|error| format!("Failed to parse data into valid JSON: {error}"))?;
    json::from_value(&json)
        .map_err(|error| format!("Failed to parse JSON into a valid MasterInfo protocol buffer: {error}"))
}

/// What masters of old wrote: their address alone.
fn of_pid(text: &str) -> Result<MasterInfo, String> {
    let pid: Upid = text.trim().parse().map_err(|_| format!("Failed to parse the pid '{text}'"))?;
    let IpAddr::V4(ip) = pid.address.ip() else { return Err(format!("Failed to parse the pid '{text}'")) };
    Ok(MasterInfo {
        id: text.trim().to_owned(),
        ip: u32::from_le_bytes(ip.octets()),
        port: pid.address.port().into(),
        pid: Some(text.trim().to_owned()),
        hostname: Some(ip.to_string()),
        address: Some(Address {
            hostname: Some(ip.to_string()),
            ip: Some(ip.to_string()),
            port: pid.address.port().into(),
        }),
        ..MasterInfo::default()
    })
}

/// Where a master is.
pub fn address(info: &MasterInfo) -> SocketAddr {
    let ip = info.address.as_ref().and_then(|address| address.ip.as_ref()?.parse().ok());
    let ip = ip.unwrap_or_else(|| Ipv4Addr::from(info.ip.to_le_bytes()).into());
    SocketAddr::new(ip, u16::try_from(info.port).unwrap_or_default())
}
