//! What session timeouts clients get.

use std::time::Duration;

use crate::services::zookeeper::Config;

#[test]
fn they_go_by_ticks_unless_they_are_set() {
    let config = Config { tick_time: Duration::from_millis(500), ..Config::default() };
    assert_eq!([1, 3_000, 99_999].map(|wanted| config.negotiate(wanted)), [1_000, 3_000, 10_000]);
    let set = Config { min_session_timeout: Some(Duration::from_millis(200)), ..config };
    assert_eq!([1, 99_999].map(|wanted| set.negotiate(wanted)), [200, 10_000]);
}
