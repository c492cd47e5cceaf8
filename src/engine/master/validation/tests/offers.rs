//! The offers of an ACCEPT.

use std::collections::BTreeMap;

use crate::{
    engine::master::validation::offer,
    mesos::v1::{FrameworkId, Offer, OfferId, resource::AllocationInfo},
};

fn offer(id: &str, framework: &str, agent: &str, role: &str) -> (OfferId, Offer) {
    let offer = Offer {
        id: id.into(),
        framework_id: framework.into(),
        agent_id: agent.into(),
        allocation_info: Some(AllocationInfo { role: Some(role.into()) }),
        ..Offer::default()
    };
    (id.into(), offer)
}

#[test]
fn offers_must_be_there_once_own_of_one_role_and_of_one_agent() {
    let offers: BTreeMap<OfferId, Offer> = [
        offer("O0", "F0", "S0", "*"),
        offer("O1", "F0", "S0", "*"),
        offer("O2", "F1", "S0", "*"),
        offer("O3", "F0", "S0", "eng"),
        offer("O4", "F0", "S1", "*"),
    ]
    .into();
    let check = |ids: &[&str]| {
        let ids: Vec<OfferId> = ids.iter().map(|id| OfferId::new(*id)).collect();
        offer::validate(&ids, &offers, &FrameworkId::new("F0"))
    };
    assert_eq!(check(&["O0", "O1"]), Ok(()));
    for (ids, text) in [
        (&[][..], "No offers specified"),
        (&["nope"], "Offer nope is no longer valid"),
        (&["O0", "nope", "O0"], "Duplicate offer O0 in offer list"),
        (&["O0", "O2"], "Offer O2 has invalid framework F1 while framework F0 is expected"),
        (
            &["O0", "O3"],
            "Aggregated offers must be allocated to the same role. Offer O3 uses role 'eng but another is using role '*",
        ),
        (
            &["O0", "O4"],
            "Aggregated offers must belong to one single agent. Offer O4 uses agent S1 and agent S0",
        ),
    ] {
        assert_eq!(check(ids).unwrap_err(), text);
    }
}
