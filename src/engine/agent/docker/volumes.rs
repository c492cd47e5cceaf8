//! What a container sees of its host's files, of its sandbox and of volumes.

use bollard::models::{Mount, MountType, MountVolumeOptions, MountVolumeOptionsDriverConfig};

use crate::mesos::v1::{Volume, volume::Mode, volume::Source, volume::source};

/// The volumes of one container.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    pub mounts: Vec<Mount>,
    /// `source:target:mode`: as mounts, but directories of the host that are missing are made.
    pub binds: Vec<String>,
    /// Directories in the sandbox, to be made before.
    pub directories: Vec<String>,
}

impl Volumes {
    /// Mounts the sandbox itself. As a mount, since its path may hold a colon.
    pub fn sandbox(&mut self, directory: &str, target: &str) {
        self.bind(directory.to_owned(), target.to_owned(), false);
    }

    fn bind(&mut self, source: String, target: String, read_only: bool) {
        self.mounts.push(Mount {
            target: Some(target),
            source: Some(source),
            typ: Some(MountType::BIND),
            read_only: Some(read_only),
            ..Mount::default()
        });
    }

    /// A volume of a task whose sandbox is `directory`, and `sandbox` inside of the container.
    ///
    /// # Errors
    /// Those of Mesos.
    pub fn add(
        &mut self,
        volume: &Volume,
        directory: &str,
        sandbox: &str,
        driver: Option<&str>,
    ) -> Result<(), String> {
        let (inside, path) = (is_absolute(&volume.container_path), &volume.container_path);
        let target = if inside { path.clone() } else { format!("{sandbox}/{path}") };
        let read_only = volume.mode() == Mode::Ro;
        match (&volume.host_path, &volume.source) {
            (Some(host), _) if !inside && !is_absolute(host) => {
                Err(format!("Both host_path '{host}' and container_path '{path}' of a volume are relative"))
            }
            (Some(host), _) if host.split('/').any(|part| part == "..") && !is_absolute(host) => {
                Err(format!("The host_path '{host}' of a volume leaves the sandbox"))
            }
            (Some(host), _) => {
                self.add_host_path((host, driver), directory, target, read_only);
                Ok(())
            }
            (None, Some(source)) => {
                self.add_source(source, target, read_only, driver);
                Ok(())
            }
            (None, None) => Err("Host path or volume source is required".to_owned()),
        }
    }

    /// A relative path is one in the sandbox, or the name of a volume where there is a driver.
    fn add_host_path(
        &mut self,
        (host, driver): (&str, Option<&str>),
        directory: &str,
        target: String,
        read_only: bool,
    ) {
        match driver {
            _ if is_absolute(host) => {
                let mode = if read_only { "ro" } else { "rw" };
                self.binds.push(format!("{host}:{target}:{mode}"));
            }
            Some(driver) => self.named(host, Some(driver), target, read_only),
            None => {
                let source = format!("{directory}/{host}");
                self.directories.push(source.clone());
                self.bind(source, target, read_only);
            }
        }
    }

    /// Other kinds of sources are passed over, as in Mesos.
    fn add_source(&mut self, source: &Source, target: String, read_only: bool, driver: Option<&str>) {
        let Some(volume) =
            source.docker_volume.as_ref().filter(|_| source.r#type() == source::Type::DockerVolume)
        else {
            return;
        };
        self.named(&volume.name, volume.driver.as_deref().or(driver), target, read_only);
    }

    fn named(&mut self, name: &str, driver: Option<&str>, target: String, read_only: bool) {
        let driver_config =
            driver.map(|name| MountVolumeOptionsDriverConfig { name: Some(name.to_owned()), options: None });
        self.mounts.push(Mount {
            target: Some(target),
            source: Some(name.to_owned()),
            typ: Some(MountType::VOLUME),
            read_only: Some(read_only),
            volume_options: Some(MountVolumeOptions { driver_config, ..MountVolumeOptions::default() }),
            ..Mount::default()
        });
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/')
}
