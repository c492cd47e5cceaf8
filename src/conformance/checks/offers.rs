//! Offers: what they hold, how long a refusal lasts, SUPPRESS and REVIVE. Each check is the only one who is offered anything.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Lane, Miss, Need, Outcome},
    expect::{fitting, short},
    framework::{Framework, Info},
    site::Site,
};

/// Mesos allocates once a second.
const A_FEW_ALLOCATIONS: Duration = Duration::from_millis(2500);

pub fn checks() -> Vec<Check> {
    let alone = |check: Check| check.needing(Need::Offers).in_lane(Lane::Alone);
    let checks = [
        Check::new(
            "scheduler.offers.fields",
            "an offer says whose it is, where its agent is, and for which role its resources are allocated",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream; docs/scheduler-http-api.md",
            fields,
        ),
        Check::new(
            "scheduler.offers.without-multi-role",
            "a framework without MULTI_ROLE sees no allocation in the resources of an offer",
            "golden 12-http-protocol/42-SUBSCRIBE-minimal; docs/roles.md",
            without_multi_role,
        ),
        Check::new(
            "scheduler.offers.operator-sees-them",
            "outstanding offers stand with their framework in the operator API",
            "golden 04-master-api-v1/01-GET_FRAMEWORKS-with-outstanding-offer",
            operator_sees_them,
        ),
        Check::new(
            "scheduler.offers.decline-zero",
            "what is declined for no time is offered again with the next allocation",
            "src/master/allocator/mesos/hierarchical.cpp, recoverResources; docs/scheduler-http-api.md",
            decline_zero,
        ),
        Check::new(
            "scheduler.offers.decline-long",
            "what is declined for a long time is not offered again, until REVIVE",
            "golden 01-scheduler-json/26-DECLINE-long; docs/scheduler-http-api.md",
            decline_long,
        ),
        Check::new(
            "scheduler.offers.decline-default",
            "without a time, a refusal lasts 5 seconds",
            "golden 01-scheduler-json/25-DECLINE-default-filters; include/mesos/v1/mesos.proto, Filters",
            decline_default,
        ),
        Check::new(
            "scheduler.offers.suppressed-at-subscribe",
            "suppressed_roles of SUBSCRIBE keeps offers away from the begin; REVIVE brings them",
            "include/mesos/v1/scheduler/scheduler.proto, Subscribe; docs/scheduler-http-api.md",
            suppressed_at_subscribe,
        ),
        Check::new(
            "scheduler.offers.suppress",
            "after SUPPRESS nothing is offered, and what was offered stays valid; REVIVE ends it",
            "golden 01-scheduler-json/28-SUPPRESS",
            suppress,
        ),
        Check::new(
            "scheduler.offers.accept-nothing",
            "an ACCEPT without operations declines, with its filter",
            "golden 03-task-errors/partition-aware/57-no-operations",
            accept_nothing,
        ),
        Check::new(
            "scheduler.offers.roles-apart",
            "resources are offered for one role at a time, and an offer holds those of one role",
            "docs/roles.md; golden 17-multi-framework-offers/01-framework-one",
            roles_apart,
        ),
    ];
    checks.into_iter().map(alone).collect()
}

async fn fields(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site)).await?;
    let offer = framework.offer().await;
    let id = framework.id.clone();
    framework.end().await?;
    let offer = offer?;
    let role = &site.options.role;
    let pattern = json!({
        "id": {"value": "~.+-O[0-9]+"}, "framework_id": {"value": id}, "agent_id": {"value": "~.+-S[0-9]+"},
        "hostname": "<any>",
        "url": {
            "scheme": "http", "path": "/slave(1)",
            "address": {"hostname": "<any>", "ip": "<any>", "port": "<any>"},
        },
        "allocation_info": {"role": role},
    });
    fitting(&pattern, &offer)?;
    for resource in offer["resources"].as_array().into_iter().flatten() {
        fitting(&json!({"name": "<any>", "type": "<any>", "allocation_info": {"role": role}}), resource)?;
    }
    Ok(())
}

async fn without_multi_role(site: Arc<Site>) -> Outcome {
    let info = Info::new(&site)
        .with("roles", Value::Null)
        .with("capabilities", Value::Null)
        .with("role", json!(site.options.role));
    let mut framework = Framework::subscribe(&site, info).await?;
    let offer = framework.offer().await;
    framework.end().await?;
    let offer = offer?;
    fitting(&json!({"allocation_info": "<none>"}), &offer)?;
    for resource in offer["resources"].as_array().into_iter().flatten() {
        fitting(&json!({"name": "<any>", "allocation_info": "<none>"}), resource)?;
    }
    Ok(())
}

async fn operator_sees_them(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site)).await?;
    let offer = framework.offer().await?;
    let frameworks = super::operator_get(&site, "GET_FRAMEWORKS").await?;
    let seen = super::with_framework(&frameworks["frameworks"], &framework.id);
    framework.end().await?;
    let is_there = seen["offers"].as_array().into_iter().flatten().any(|seen| seen["id"] == offer["id"]);
    if is_there {
        Ok(())
    } else {
        Err(Miss::fail(format!("the offer {}", offer["id"]), short(&seen.to_string())))
    }
}

/// Declines an offer, and everything else that comes meanwhile.
async fn decline(framework: &Framework, offer: &Value, filters: Value) -> Outcome {
    let mut body = json!({"offer_ids": [offer["id"]]});
    if !filters.is_null() {
        body["filters"] = filters;
    }
    framework.tell("DECLINE", body).await
}

/// Waits for an offer of an agent, declining the others for long.
async fn offer_of(framework: &mut Framework, agent: &Value) -> Outcome<Value> {
    loop {
        let event = framework.until(&json!({"type": "OFFERS"})).await?;
        let offers = event["offers"]["offers"].as_array().cloned().unwrap_or_default();
        let mut found = None;
        for offer in offers {
            if offer["agent_id"] == *agent {
                found = Some(offer);
            } else {
                decline(framework, &offer, json!({"refuse_seconds": 1000})).await?;
            }
        }
        if let Some(offer) = found {
            return Ok(offer);
        }
    }
}

/// What was refused is not offered for a while. What is more than that (somebody's task has ended) is declined.
async fn nothing_of(framework: &mut Framework, refused: &Value, during: Duration) -> Outcome {
    let watched = async {
        loop {
            let offer = offer_of(framework, &refused["agent_id"]).await?;
            if is_within(&offer, refused) {
                return Ok::<_, Miss>(offer);
            }
            decline(framework, &offer, json!({"refuse_seconds": 1000})).await?;
        }
    };
    match tokio::time::timeout(during, watched).await {
        Err(_) => Ok(()),
        Ok(offer) => Err(Miss::fail(
            format!("no offer of that agent for {} s", during.as_secs_f64()),
            short(&offer?.to_string()),
        )),
    }
}

/// Whether an offer holds no more CPUs and memory than another.
fn is_within(offer: &Value, other: &Value) -> bool {
    let amount = |offer: &Value, name: &str| -> f64 {
        let resources = offer["resources"].as_array().into_iter().flatten();
        resources.filter(|r| r["name"] == name).filter_map(|r| r["scalar"]["value"].as_f64()).sum()
    };
    ["cpus", "mem"].iter().all(|name| amount(offer, name) <= amount(other, name))
}

async fn decline_zero(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site)).await?;
    let offer = framework.offer().await?;
    decline(&framework, &offer, json!({"refuse_seconds": 0})).await?;
    let again = offer_of(&mut framework, &offer["agent_id"]).await;
    framework.end().await?;
    again.map(drop)
}

/// For a while nothing of the offer's agent is offered; after REVIVE it is.
async fn silent_until_revived(mut framework: Framework, offer: &Value) -> Outcome {
    let silence = nothing_of(&mut framework, offer, A_FEW_ALLOCATIONS).await;
    framework.tell("REVIVE", Value::Null).await?;
    let again = offer_of(&mut framework, &offer["agent_id"]).await;
    framework.end().await?;
    silence?;
    again.map(drop)
}

async fn decline_long(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site)).await?;
    let offer = framework.offer().await?;
    decline(&framework, &offer, json!({"refuse_seconds": 1000})).await?;
    silent_until_revived(framework, &offer).await
}

async fn decline_default(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site)).await?;
    let offer = framework.offer().await?;
    decline(&framework, &offer, Value::Null).await?;
    let silence = nothing_of(&mut framework, &offer, Duration::from_millis(4500)).await;
    let again = offer_of(&mut framework, &offer["agent_id"]).await;
    framework.end().await?;
    silence?;
    again.map(drop)
}

async fn suppressed_at_subscribe(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
    let silence = tokio::time::timeout(A_FEW_ALLOCATIONS, framework.offer()).await;
    framework.tell("REVIVE", Value::Null).await?;
    let offer = framework.offer().await;
    framework.end().await?;
    if let Ok(offer) = silence {
        return Err(Miss::fail("no offer before REVIVE", short(&offer?.to_string())));
    }
    offer.map(drop)
}

async fn suppress(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site)).await?;
    let offer = framework.offer().await?;
    framework.tell("SUPPRESS", Value::Null).await?;
    decline(&framework, &offer, json!({"refuse_seconds": 0})).await?;
    silent_until_revived(framework, &offer).await
}

async fn accept_nothing(site: Arc<Site>) -> Outcome {
    let mut framework = Framework::subscribe(&site, Info::new(&site)).await?;
    let offer = framework.offer().await?;
    let body = json!({"offer_ids": [offer["id"]], "operations": [], "filters": {"refuse_seconds": 1000}});
    framework.tell("ACCEPT", body).await?;
    let silence = nothing_of(&mut framework, &offer, A_FEW_ALLOCATIONS).await;
    framework.end().await?;
    silence
}

async fn roles_apart(site: Arc<Site>) -> Outcome {
    let (one, two) = (format!("{}/one", site.options.role), format!("{}/two", site.options.role));
    let info = Info::new(&site).with("roles", json!([one, two]));
    let mut framework = Framework::subscribe(&site, info).await?;
    let offer = framework.offer().await?;
    let role = offer["allocation_info"]["role"].as_str().unwrap_or_default().to_owned();
    // Refused for the one role, it is offered for the other.
    decline(&framework, &offer, json!({"refuse_seconds": 1000})).await?;
    let again = offer_of(&mut framework, &offer["agent_id"]).await;
    framework.end().await?;
    let other = if role == one { &two } else { &one };
    let own = json!({"allocation_info": {"role": role}});
    for resource in offer["resources"].as_array().into_iter().flatten() {
        fitting(&own, resource)?;
    }
    fitting(&json!({"allocation_info": {"role": other}}), &again?)
}
