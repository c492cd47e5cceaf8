//! What of a Mesos process is neither a master's nor an agent's: the level of its verbose log, `/logging/toggle`,
//! SET_LOGGING_LEVEL, and the profilers that are not there.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::http::{Request, Response, Router, StatusCode};
use crate::mesos::{duration, time::Time, v1::DurationInfo};

/// The level of the verbose log: 0 unless somebody has raised it for a while. No message of ours depends on it; whoever
/// asks is told what was set.
#[derive(Clone, Debug, Default)]
pub struct Verbosity(Arc<Mutex<Option<Raised>>>);

#[derive(Clone, Copy, Debug)]
struct Raised {
    level: u32,
    until: Time,
}

impl Verbosity {
    pub fn level(&self, now: Time) -> u32 {
        let raised = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        raised.filter(|raised| now < raised.until).map_or(0, |raised| raised.level)
    }

    pub fn raise(&self, now: Time, level: u32, how_long: Duration) {
        let raised = Raised { level, until: now + how_long };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
    }

    /// SET_LOGGING_LEVEL; a duration below zero is over at once.
    pub fn set(&self, now: Time, level: u32, duration: &DurationInfo) -> Response {
        self.raise(now, level, Duration::from_nanos(duration.nanoseconds.try_into().unwrap_or_default()));
        Response::ok()
    }

    /// `/logging/toggle`: the text to show; none when the level has been raised for a while.
    fn toggle(
        &self,
        now: Time,
        level: Option<&str>,
        how_long: Option<&str>,
    ) -> Result<Option<String>, String> {
        let (level, how_long) = match (level, how_long) {
            (None, None) => return Ok(Some(format!("{}\n", self.level(now)))),
            (Some(_), None) => return Err("Expecting 'duration=value' in query".into()),
            (None, Some(_)) => return Err("Expecting 'level=value' in query".into()),
            (Some(level), Some(how_long)) => (level, how_long),
        };
        let number: i32 = level.parse().map_err(|_| format!("Failed to convert '{level}' to number"))?;
        let level = u32::try_from(number).map_err(|_| format!("Invalid level '{number}'"))?;
        self.raise(now, level, duration::parse(how_long)?);
        Ok(None)
    }
}

/// Adds `/logging/toggle` and `/profiler/{start,stop}`; `now` is the time of a request.
pub fn routes(
    router: Router,
    verbosity: Verbosity,
    now: impl Fn() -> Time + Send + Sync + 'static,
) -> Router {
    let router = router.route("/logging/toggle", move |request| {
        match verbosity.toggle(now(), request.query("level"), request.query("duration")) {
            Ok(Some(level)) => Response::text(StatusCode::OK, level),
            Ok(None) => Response::ok(),
            Err(error) => Response::bad_request(format!("{error}.\n")),
        }
    });
    ["/profiler/start", "/profiler/stop"]
        .into_iter()
        .fold(router, |router, path| router.route(path, no_profiler))
}

/// As a Mesos that was built without perftools.
fn no_profiler(_: &Request) -> Response {
    Response::bad_request(
        "Perftools is disabled. To enable perftools, configure libprocess with --enable-perftools.\n",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_raised_for_a_while() {
        let (verbosity, now) = (Verbosity::default(), Time::from_epoch(Duration::from_secs(10)));
        assert_eq!(verbosity.toggle(now, None, None), Ok(Some("0\n".into())));
        assert_eq!(verbosity.toggle(now, Some("2"), Some("5secs")), Ok(None));
        assert_eq!(verbosity.level(now + Duration::from_secs(4)), 2);
        assert_eq!(verbosity.level(now + Duration::from_secs(5)), 0);
    }

    #[test]
    fn what_is_wrong_is_said_as_mesos_says_it() {
        let refused = |level, how_long| {
            Verbosity::default().toggle(Time::default(), level, how_long).expect_err("a refusal")
        };
        assert_eq!(refused(Some("1"), None), "Expecting 'duration=value' in query");
        assert_eq!(refused(None, Some("1secs")), "Expecting 'level=value' in query");
        assert_eq!(refused(Some("x"), Some("1secs")), "Failed to convert 'x' to number");
        assert_eq!(refused(Some("-1"), Some("1secs")), "Invalid level '-1'");
        assert_eq!(refused(Some("1"), Some("soon")), "Failed to convert '' to number");
    }
}
