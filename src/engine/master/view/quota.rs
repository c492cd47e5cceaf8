//! The quotas that were set, in the form of old and in that of Mesos 1.9 and newer.

use crate::{
    engine::{allocator::Quota, master::Master},
    mesos::v1::{
        Resource,
        quota::{QuotaInfo, QuotaStatus},
    },
};

/// GET_QUOTA and `/quota`
#[expect(deprecated, reason = "old clients read `infos`")]
pub fn status(master: &Master) -> QuotaStatus {
    QuotaStatus {
        infos: master.quotas.iter().map(|(role, quota)| info(role, quota)).collect(),
        configs: master.quotas.iter().map(|(role, quota)| quota.to_config(role)).collect(),
    }
}

fn info(role: &str, quota: &Quota) -> QuotaInfo {
    let guarantee = quota.guarantees.iter().map(|(name, value)| Resource::of_scalar(name, value));
    QuotaInfo { role: Some(role.to_owned()), principal: None, guarantee: guarantee.collect() }
}
