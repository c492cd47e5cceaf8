//! What the endpoints say of the build: the release of Mesos whose behaviour this is.

use serde::Serialize;

use crate::mesos::v1;

/// The release of Apache Mesos that master and agent speak and report.
pub const VERSION: &str = "1.11.0";

const BUILD_DATE: &str = "2020-11-24 15:38:37";
const BUILD_TIME: f64 = 1_606_232_317.0;
const BUILD_USER: &str = "ubuntu";
const GIT_SHA: &str = "04bc7ee1984d86fbb0bd782ccc69ce44c13ae4b9";

/// `/version`: the keys in the order of the alphabet.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Build {
    pub build_date: &'static str,
    pub build_time: f64,
    pub build_user: &'static str,
    pub git_sha: &'static str,
    pub git_tag: &'static str,
    pub version: &'static str,
}

impl Build {
    pub const CURRENT: Self = Self {
        build_date: BUILD_DATE,
        build_time: BUILD_TIME,
        build_user: BUILD_USER,
        git_sha: GIT_SHA,
        git_tag: VERSION,
        version: VERSION,
    };

    /// The same for GET_VERSION.
    pub fn to_v1(self) -> v1::VersionInfo {
        v1::VersionInfo {
            version: self.version.into(),
            build_date: Some(self.build_date.into()),
            build_time: Some(self.build_time),
            build_user: Some(self.build_user.into()),
            git_sha: Some(self.git_sha.into()),
            git_branch: None,
            git_tag: Some(self.git_tag.into()),
        }
    }
}

/// The head of `/state`: the same in another order.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StateBuild {
    version: &'static str,
    git_sha: &'static str,
    git_tag: &'static str,
    build_date: &'static str,
    build_time: f64,
    build_user: &'static str,
}

impl From<Build> for StateBuild {
    fn from(build: Build) -> Self {
        let Build { build_date, build_time, build_user, git_sha, git_tag, version } = build;
        Self { version, git_sha, git_tag, build_date, build_time, build_user }
    }
}
