//! Runs checks: quick ones a few at a time, those that wait for events all at once, those about offers one by one.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::time::timeout;

use crate::{
    conformance::{
        check::{Check, Lane, Miss},
        report::{Done, Verdict},
        site::{Site, late},
    },
    runtime::Clock,
};

/// How many quick checks are made at a time.
const AT_A_TIME: usize = 8;
/// A check that makes several steps, each of which may take as long as the user says.
const STEPS: u32 = 4;

/// Runs the checks, and tells of each as soon as it is done.
pub async fn run(site: &Arc<Site>, checks: &[Check], clock: Clock, told: impl Fn(&Done)) -> Vec<Done> {
    let in_lane = |lane: Lane| checks.iter().filter(move |check| check.lane == lane);
    let one = async |check: &Check| {
        let done = run_one(site, check, clock).await;
        told(&done);
        done
    };
    let quick = stream::iter(in_lane(Lane::Quick).map(&one)).buffer_unordered(AT_A_TIME).collect::<Vec<_>>();
    let events = join_all(in_lane(Lane::Events).map(&one));
    let (mut done, others) = tokio::join!(quick, events);
    done.extend(others);
    site.end_fleets().await;
    for check in in_lane(Lane::Alone) {
        done.push(one(check).await);
    }
    let place = |done: &Done| checks.iter().position(|check| check.name == done.name);
    done.sort_by_key(place);
    done
}

async fn run_one(site: &Arc<Site>, check: &Check, clock: Clock) -> Done {
    let begun = clock.now();
    let verdict = match check.needs.iter().find_map(|need| site.lacks(*need)) {
        Some(why) => Verdict::Skipped { why },
        None => outcome(site, check).await,
    };
    let seconds = clock.now().since(begun).as_secs_f64();
    Done {
        name: check.name,
        about: check.about.clone(),
        source: check.source,
        verdict,
        seconds: (seconds * 1000.0).round() / 1000.0,
        known_difference: check.differs,
    }
}

async fn outcome(site: &Arc<Site>, check: &Check) -> Verdict {
    let longest: Duration = site.options.patience * STEPS;
    match timeout(longest, check.run(Arc::clone(site))).await {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(Miss::Fail { expected, seen })) => Verdict::Failed { expected, seen },
        Ok(Err(Miss::Skip(why))) => Verdict::Skipped { why },
        Err(_) => Verdict::Failed { expected: check.about.clone(), seen: late(longest) },
    }
}
