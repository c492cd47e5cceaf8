//! The network of a lab, in which masters and agents keep their addresses: Mesos sends an agent away that comes back with
//! another one.

use std::net::Ipv4Addr;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};

use super::{LabError, plan::Plan};
use crate::client::docker::{Engine, labels::LabName};

/// How many addresses masters and agents have before them, for those of their number.
const MASTERS: u32 = 16;
const AGENTS: u32 = 32;

/// A network of the form `172.19.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    first: Ipv4Addr,
    bits: u32,
}

impl Subnet {
    fn parse(text: &str) -> Option<Self> {
        let (first, bits) = text.split_once('/')?;
        let (first, bits) = (first.parse().ok()?, bits.parse().ok()?);
        (bits <= 25).then_some(Self { first, bits })
    }

    /// What the engine may give away: the upper half.
    fn free(self) -> String {
        let half = 1_u32 << (31 - self.bits);
        format!("{}/{}", Ipv4Addr::from_bits(self.first.to_bits() + half), self.bits + 1)
    }

    /// The address of a master or an agent, in the lower half; the others need none of their own.
    pub fn address(self, service: &str) -> Option<Ipv4Addr> {
        let (kind, number) = service.rsplit_once('-').unwrap_or((service, "0"));
        let first = match kind {
            "master" => MASTERS,
            "agent" => AGENTS,
            _ => return None,
        };
        Some(Ipv4Addr::from_bits(self.first.to_bits() + first + number.parse::<u32>().ok()?))
    }
}

/// Makes the network where it is not there; gives its addresses, where they are known.
///
/// # Errors
/// When the engine has no addresses left, or refuses, or somebody else has a network of this name.
pub async fn ensure(engine: &Engine, lab: &LabName, plan: &Plan) -> Result<Option<Subnet>, LabError> {
    let name = plan.network();
    if let Ok(there) = engine.api().inspect_network(&name, None).await {
        return match lab.stranger(&there.labels.unwrap_or_default()) {
            Some(owner) => {
                Err(LabError::Foreign { what: format!("network {name}"), owner: owner.to_owned() })
            }
            None => Ok(of(&there.ipam)),
        };
    }
    let doing = || LabError::when(format!("create the network {name}"));
    let labels = lab.labels(&plan.project, [("com.docker.compose.network", "default")]);
    let request = NetworkCreateRequest {
        name: name.clone(),
        driver: Some("bridge".to_owned()),
        labels: Some(labels),
        ..NetworkCreateRequest::default()
    };
    // Addresses can be chosen only where the whole network was: the engine chooses one, and is then told that very one.
    engine.api().create_network(request.clone()).await.map_err(doing())?;
    let there = engine.api().inspect_network(&name, None).await.map_err(doing())?;
    let Some(subnet) = of(&there.ipam) else { return Ok(None) };
    engine.api().remove_network(&name).await.map_err(doing())?;
    let chosen = IpamConfig {
        subnet: Some(format!("{}/{}", subnet.first, subnet.bits)),
        ip_range: Some(subnet.free()),
        ..IpamConfig::default()
    };
    let ipam = Ipam { config: Some(vec![chosen]), ..Ipam::default() };
    let created = engine.api().create_network(NetworkCreateRequest { ipam: Some(ipam), ..request }).await;
    created.map_err(doing())?;
    Ok(Some(subnet))
}

fn of(ipam: &Option<Ipam>) -> Option<Subnet> {
    ipam.as_ref()?.config.as_ref()?.iter().find_map(|config| Subnet::parse(config.subnet.as_deref()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_and_agents_have_addresses_that_nobody_else_is_given() {
        let subnet = Subnet::parse("172.19.0.0/16").unwrap();
        assert_eq!(subnet.address("master").unwrap().to_string(), "172.19.0.16");
        assert_eq!(subnet.address("master-3").unwrap().to_string(), "172.19.0.19");
        assert_eq!(subnet.address("agent-30").unwrap().to_string(), "172.19.0.62");
        assert_eq!(subnet.address("marathon"), None);
        assert_eq!(subnet.free(), "172.19.128.0/17");
        assert_eq!(Subnet::parse("10.213.4.0/24").unwrap().free(), "10.213.4.128/25");
        assert_eq!(Subnet::parse("10.213.4.0/29"), None);
        assert_eq!(Subnet::parse("fd00::/64"), None);
    }
}
