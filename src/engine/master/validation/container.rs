//! Containers and their volumes.

use super::{Checked, Context, ensure};
use crate::mesos::v1::{
    ContainerInfo, Volume,
    container_info::Type,
    volume::{Source, source},
};

/// # Errors
/// The text of Mesos' `validateContainerInfo`.
pub fn validate(container: &ContainerInfo) -> Checked {
    container.volumes.iter().try_for_each(validate_volume).context("Invalid volume")?;
    if !is(container, Type::Docker) {
        return Ok(());
    }
    let docker =
        container.docker.as_ref().ok_or("DockerInfo 'docker' is not set for DOCKER typed ContainerInfo")?;
    let named = docker.parameters.iter().any(|parameter| parameter.key == "name");
    ensure(!named, "Parameter in DockerInfo must not be 'name'")
}

pub(super) fn is(container: &ContainerInfo, kind: Type) -> bool {
    Type::try_from(container.r#type) == Ok(kind)
}

/// `linux_info.share_cgroups`, where it is set.
pub(super) fn share_cgroups(container: Option<&ContainerInfo>) -> Option<bool> {
    container?.linux_info.as_ref()?.share_cgroups
}

fn validate_volume(volume: &Volume) -> Checked {
    let set = [volume.host_path.is_some(), volume.image.is_some(), volume.source.is_some()];
    let count = set.into_iter().filter(|is_set| *is_set).count();
    ensure(count == 1, "Only one of them should be set: 'host_path', 'image' and 'source'")?;
    volume.source.as_ref().map_or(Ok(()), validate_source)
}

fn validate_source(source: &Source) -> Checked {
    let set = |is_set: bool, field: &str, kind: &str| {
        ensure(is_set, format!("'source.{field}' is not set for {kind} volume"))
    };
    match source.r#type() {
        source::Type::DockerVolume => set(source.docker_volume.is_some(), "docker_volume", "DOCKER_VOLUME"),
        source::Type::HostPath => set(source.host_path.is_some(), "host_path", "HOST_PATH"),
        source::Type::SandboxPath => set(source.sandbox_path.is_some(), "sandbox_path", "SANDBOX_PATH"),
        source::Type::Secret => set(source.secret.is_some(), "secret", "SECRET"),
        source::Type::CsiVolume => {
            set(source.csi_volume.is_some(), "csi_volume", "CSI")?;
            let volume = source.csi_volume.as_ref();
            let is_static = volume.is_some_and(|volume| volume.static_provisioning.is_some());
            set(is_static, "csi_volume.static_provisioning", "CSI")
        }
        source::Type::Unknown => Err("'source.type' is unknown".into()),
    }
}
