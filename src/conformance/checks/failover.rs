//! Frameworks that lose their stream: who may come back, who took over, and what the operator sees meanwhile.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Lane, Miss, Outcome},
    expect::{fits, fitting, refused, short},
    framework::{Framework, Info, opened},
    http::get,
    site::{Peer, Site},
};

/// A framework of a check that dies with its connection is gone after so many seconds.
const FAILOVER_SECONDS: f64 = 20.0;

pub fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "scheduler.failover.takes-over",
            "the framework that subscribes again takes over: the older stream says so and ends",
            "golden 09-failover-and-loss/02-SUBSCRIBE-again-same-id",
            takes_over,
        ),
        Check::new(
            "scheduler.failover.old-stream-id",
            "a call on the stream that was taken over is refused",
            "golden 09-failover-and-loss/03-call-with-old-stream-id",
            old_stream,
        ),
        Check::new(
            "scheduler.failover.while-disconnected",
            "a call of a framework whose stream has ended is forbidden",
            "golden 09-failover-and-loss/06-call-while-disconnected",
            while_disconnected,
        ),
        Check::new(
            "scheduler.failover.seen-by-operator",
            "a disconnected framework within its failover timeout is neither active nor connected",
            "golden 09-failover-and-loss/04-GET_FRAMEWORKS-disconnected",
            seen_by_operator,
        ),
        Check::new(
            "scheduler.failover.comes-back",
            "a framework comes back under its id within its failover timeout",
            "golden 09-failover-and-loss/07-SUBSCRIBE-after-disconnect; docs/high-availability-framework-guide.md",
            comes_back,
        ),
        Check::new(
            "scheduler.failover.removed",
            "a framework without failover timeout is removed when its stream ends, and may not come back",
            "golden 09-failover-and-loss/25-SUBSCRIBE-completed-framework",
            removed,
        )
        .in_lane(Lane::Events),
        Check::new(
            "scheduler.failover.torn-down",
            "a framework that was torn down may not come back",
            "golden 09-failover-and-loss/25-SUBSCRIBE-completed-framework",
            torn_down,
        ),
        Check::new(
            "scheduler.failover.checkpoint-kept",
            "a framework that subscribes again otherwise checkpointed is taken, and stays as it was",
            "src/master/validation.cpp, framework::preserveImmutableFields",
            checkpoint_kept,
        ),
    ]
}

fn lasting(site: &Site) -> Info {
    Info::new(site).suppressed().with("failover_timeout", json!(FAILOVER_SECONDS))
}

async fn takes_over(site: Arc<Site>) -> Outcome {
    let mut first = Framework::subscribe(&site, lasting(&site)).await?;
    let second = Framework::subscribe(&site, lasting(&site).again(&first.id)).await?;
    let told = first.until(&json!({"type": "ERROR"})).await;
    let end = first.event().await;
    let id = second.id.clone();
    second.end().await?;
    fitting(&json!({"type": "ERROR", "error": {"message": "Framework failed over"}}), &told?)?;
    fitting(&json!(first.id), &json!(id))?;
    match end? {
        None => Ok(()),
        Some(event) => Err(Miss::fail("the end of the stream", short(&event.to_string()))),
    }
}

async fn old_stream(site: Arc<Site>) -> Outcome {
    let first = Framework::subscribe(&site, lasting(&site)).await?;
    let second = Framework::subscribe(&site, lasting(&site).again(&first.id)).await?;
    let answer = first.call("SUPPRESS", Value::Null).await;
    second.end().await?;
    let text = format!(
        "The stream ID '{}' included in this request didn't match the stream ID currently associated with framework \
         ID {}",
        first.stream_id, first.id
    );
    refused(400, &text).hold(&answer?)
}

/// What the operator API says of a framework, as soon as it is as wanted, or when patience ends.
async fn eventually(site: &Arc<Site>, id: &str, pattern: &Value) -> Outcome<Value> {
    let last = std::sync::Mutex::new(Value::Null);
    let look = async {
        loop {
            let frameworks = super::operator_get(site, "GET_FRAMEWORKS").await?;
            let seen = super::with_framework(&frameworks["frameworks"], id);
            if fits(pattern, &seen) {
                return Ok(seen);
            }
            if let Ok(mut last) = last.lock() {
                *last = seen;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    match site.within(look).await {
        Ok(seen) => seen,
        Err(_) => {
            let seen = last.lock().map(|last| last.to_string()).unwrap_or_default();
            Err(Miss::fail(pattern.to_string(), short(&seen)))
        }
    }
}

async fn disconnected(site: &Arc<Site>) -> Outcome<(String, String)> {
    let framework = Framework::subscribe(site, lasting(site)).await?;
    let stream_id = framework.stream_id.clone();
    let id = framework.vanish();
    eventually(site, &id, &json!({"active": false, "connected": false})).await?;
    Ok((id, stream_id))
}

async fn while_disconnected(site: Arc<Site>) -> Outcome {
    let (id, stream_id) = disconnected(&site).await?;
    let call = crate::conformance::framework::call(&id, &stream_id, "SUPPRESS", Value::Null);
    let answer = site.ask(Peer::Master, &call).await?;
    refused(403, "Framework is not subscribed").hold(&answer)
}

async fn seen_by_operator(site: Arc<Site>) -> Outcome {
    let (id, _) = disconnected(&site).await?;
    let pattern = json!({
        "active": false, "connected": false, "recovered": false, "registered_time": {"nanoseconds": "<any>"},
        "framework_info": {"failover_timeout": FAILOVER_SECONDS, "id": {"value": id}},
    });
    eventually(&site, &id, &pattern).await?;
    let page = site.ask(Peer::Master, &get(&format!("/frameworks?framework_id={id}"))).await?;
    let page = page.json().unwrap_or_default();
    let pattern = json!({"frameworks": [{"id": id, "active": false, "connected": false}]});
    fitting(&pattern, &json!({"frameworks": page["frameworks"]}))
}

async fn comes_back(site: Arc<Site>) -> Outcome {
    let (id, _) = disconnected(&site).await?;
    let back = Framework::subscribe(&site, lasting(&site).again(&id)).await?;
    let seen = eventually(&site, &id, &json!({"active": true, "connected": true})).await;
    let came = back.id.clone();
    back.end().await?;
    fitting(&json!(id), &json!(came))?;
    fitting(&json!({"reregistered_time": {"nanoseconds": "<any>"}}), &seen?)
}

async fn refused_for_good(site: &Arc<Site>, id: &str) -> Outcome {
    let (stream_id, _stream, event) = opened(site, &Info::new(site).suppressed().again(id).request()).await?;
    if event["type"] == "SUBSCRIBED" {
        site.made(id, &stream_id);
    }
    fitting(&json!({"type": "ERROR", "error": {"message": "Framework has been removed"}}), &event)
}

async fn removed(site: Arc<Site>) -> Outcome {
    let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
    let id = framework.vanish();
    let gone = async {
        loop {
            let frameworks = super::operator_get(&site, "GET_FRAMEWORKS").await?;
            if super::with_framework(&frameworks["completed_frameworks"], &id).is_object() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    site.within(gone).await.unwrap_or_else(|late| Err(Miss::fail("the framework is completed", late)))?;
    site.gone(&id);
    refused_for_good(&site, &id).await
}

async fn torn_down(site: Arc<Site>) -> Outcome {
    let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
    let id = framework.id.clone();
    framework.end().await?;
    refused_for_good(&site, &id).await
}

async fn checkpoint_kept(site: Arc<Site>) -> Outcome {
    let first = Framework::subscribe(&site, lasting(&site)).await?;
    let again = lasting(&site).again(&first.id).with("checkpoint", json!(true));
    let second = Framework::subscribe(&site, again).await?;
    let frameworks = super::operator_get(&site, "GET_FRAMEWORKS").await?;
    let seen = super::with_framework(&frameworks["frameworks"], &second.id);
    second.end().await?;
    fitting(&json!({"framework_info": {"checkpoint": false}}), &seen)
}
