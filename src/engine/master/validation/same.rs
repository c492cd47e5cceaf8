//! When two executors are the same to Mesos: order and a few fields do not count.

use crate::mesos::{
    resources::Resources,
    v1::{CommandInfo, ContainerInfo, Environment, ExecutorInfo, Volume, command_info::Uri},
};

pub(super) fn same_executor(left: &ExecutorInfo, right: &ExecutorInfo) -> bool {
    left.r#type == right.r#type
        && left.executor_id == right.executor_id
        && left.data() == right.data()
        && Resources::from(&left.resources) == Resources::from(&right.resources)
        && same_command(left.command.as_ref(), right.command.as_ref())
        && left.framework_id == right.framework_id
        && left.name() == right.name()
        && left.source() == right.source()
        && same_container(left.container.as_ref(), right.container.as_ref())
        && left.discovery.clone().unwrap_or_default() == right.discovery.clone().unwrap_or_default()
}

fn same_command(left: Option<&CommandInfo>, right: Option<&CommandInfo>) -> bool {
    let none = CommandInfo::default();
    let (left, right) = (left.unwrap_or(&none), right.unwrap_or(&none));
    same_items(&left.uris, &right.uris, same_uri)
        && left.arguments == right.arguments
        && same_environment(left.environment.as_ref(), right.environment.as_ref())
        && left.value() == right.value()
        && left.user() == right.user()
        && left.shell() == right.shell()
}

/// `cache` does not count: what comes from the fetcher's cache is the same.
fn same_uri(left: &Uri, right: &Uri) -> bool {
    left.value == right.value
        && left.executable() == right.executable()
        && left.extract() == right.extract()
        && left.output_file() == right.output_file()
}

fn same_environment(left: Option<&Environment>, right: Option<&Environment>) -> bool {
    let none = Environment::default();
    let (left, right) = (left.unwrap_or(&none), right.unwrap_or(&none));
    same_items(&left.variables, &right.variables, PartialEq::eq)
}

/// Whether there are as many, and each of the left is among the right.
fn same_items<T>(left: &[T], right: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    left.len() == right.len() && left.iter().all(|one| right.iter().any(|other| same(one, other)))
}

/// Neither images, networks nor the options of Linux count.
fn same_container(left: Option<&ContainerInfo>, right: Option<&ContainerInfo>) -> bool {
    let none = ContainerInfo::default();
    let (left, right) = (left.unwrap_or(&none), right.unwrap_or(&none));
    same_items(&left.volumes, &right.volumes, same_volume)
        && left.r#type == right.r#type
        && left.hostname() == right.hostname()
        && left.docker.clone().unwrap_or_default() == right.docker.clone().unwrap_or_default()
}

fn same_volume(left: &Volume, right: &Volume) -> bool {
    left.container_path == right.container_path
        && left.host_path() == right.host_path()
        && left.mode == right.mode
}
