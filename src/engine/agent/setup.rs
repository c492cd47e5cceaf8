//! What a container needs before its process starts: files, volumes, limits, its user. What this agent cannot give is refused in
//! words, and in those of Mesos where its agents with the same isolation refuse it too.

use serde::{Deserialize, Serialize};

use super::{
    account::Account,
    fetch::{self, Uri, within},
    launch::Unsupported,
};
use crate::mesos::v1::{
    CommandInfo, ContainerInfo, Image, RLimitInfo, Volume, container_info,
    environment::{Variable, variable},
    image, r_limit_info, secret,
    volume::{Source, source},
};

/// What is to be made ready in the sandbox of a container, and for its process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// To be fetched, in this order.
    #[serde(skip)]
    pub uris: Vec<Uri>,
    /// Volumes. Without mounts they are symbolic links.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Limits of the process and its children.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// Whom the process runs as, and whose the sandbox is; none: whoever runs the agent.
    #[serde(default)]
    pub account: Option<Account>,
}

/// A volume of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// An absolute path.
    pub source: String,
    /// Relative to the sandbox, and within it.
    pub target: String,
    /// The source is a directory of another sandbox, to be made if it is not there.
    pub make: bool,
}

/// One of `setrlimit(2)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// `RLimitInfo.RLimit.Type`, by its name.
    pub name: String,
    /// Soft and hard; none: no limit.
    pub most: Option<(u64, u64)>,
}

/// What a container of a process needs. `parent` is the sandbox of the executor of a nested one.
pub(super) fn setup(
    info: &CommandInfo,
    container: Option<&ContainerInfo>,
    parent: Option<&str>,
) -> Result<Setup, Unsupported> {
    let mut setup =
        container.map_or_else(|| Ok(Setup::default()), |container| of_container(container, parent))?;
    setup.uris = of_command(info)?;
    Ok(setup)
}

/// What of a command is for others than its process to do: nothing of it is left that this agent cannot do.
pub(super) fn of_command(info: &CommandInfo) -> Result<Vec<Uri>, Unsupported> {
    let variables = info.environment.iter().flat_map(|environment| &environment.variables);
    let mut secrets = variables.filter(|variable| variable.r#type() == variable::Type::Secret);
    let is_reference = |variable: &Variable| {
        variable.secret.as_ref().is_none_or(|secret| secret.r#type() != secret::Type::Value)
    };
    if secrets.any(is_reference) {
        return Err(Unsupported::Here("Default secret resolver cannot resolve references".to_owned()));
    }
    fetch::uris(info).map_err(Unsupported::Here)
}

/// Namespaces, capabilities and host names are what isolators are for that are not there: Mesos does not look at them
/// then.
pub(super) fn of_container(container: &ContainerInfo, parent: Option<&str>) -> Result<Setup, Unsupported> {
    if container.r#type() == container_info::Type::Docker {
        return Err(Unsupported::Container);
    }
    let refused = |message: &str| Err(Unsupported::Here(message.to_owned()));
    if let Some(image) = container.mesos.as_ref().and_then(|mesos| mesos.image.as_ref()) {
        return refused(&format!("Unsupported container image type: {}", image_type(image)));
    }
    if let Some(name) = container.network_infos.iter().find_map(|network| network.name.as_ref()) {
        return refused(&format!("Unknown CNI network '{name}'"));
    }
    let links = container.volumes.iter().map(|volume| link(volume, parent)).collect::<Result<_, _>>();
    let limits = container.rlimit_info.as_ref().map_or_else(|| Ok(Vec::new()), limits);
    let (links, limits) = (links.map_err(Unsupported::Here)?, limits.map_err(Unsupported::Here)?);
    Ok(Setup { links, limits, ..Setup::default() })
}

fn image_type(image: &Image) -> &'static str {
    match image.r#type() {
        image::Type::Appc => "APPC",
        image::Type::Docker => "DOCKER",
    }
}

fn limits(info: &RLimitInfo) -> Result<Vec<Limit>, String> {
    let limit = |limit: &r_limit_info::RLimit| {
        let name = limit.r#type().as_str_name().to_owned();
        match (limit.soft, limit.hard) {
            _ if name == "UNKNOWN" => Err("Failed to set rlimit: Unknown rlimit type".to_owned()),
            (None, None) => Ok(Limit { name, most: None }),
            (Some(soft), Some(hard)) => Ok(Limit { name, most: Some((soft, hard)) }),
            _ => Err("Failed to set rlimit: Invalid rlimit values".to_owned()),
        }
    };
    info.rlimits.iter().map(limit).collect()
}

/// A volume as a symbolic link: all that an agent can do that is not root.
fn link(volume: &Volume, parent: Option<&str>) -> Result<Link, String> {
    let source = volume.source.as_ref();
    let kind = source.map(Source::r#type);
    let host_path = match (volume.host_path.as_deref(), kind) {
        (Some(path), _) => Some(path),
        (None, Some(source::Type::HostPath)) => {
            source.and_then(|source| source.host_path.as_ref()).map(|host| host.path.as_str())
        }
        _ => None,
    };
    let sandbox_path = source.filter(|_| kind == Some(source::Type::SandboxPath));
    match (host_path, sandbox_path.and_then(|source| source.sandbox_path.as_ref())) {
        (Some(path), _) if path.starts_with('/') => of_host(path, &volume.container_path),
        (Some(path), _) => {
            of_sandbox(path, source::sandbox_path::Type::Self_, &volume.container_path, parent)
        }
        (None, Some(of)) => of_sandbox(&of.path, of.r#type(), &volume.container_path, parent),
        (None, None) => Err("Volumes in ContainerInfo is not supported".to_owned()),
    }
}

fn of_host(path: &str, container_path: &str) -> Result<Link, String> {
    if container_path.starts_with('/') {
        return Err(format!(
            "Volumes in ContainerInfo is not supported: '{container_path}' is an absolute path, and tasks of \
             this agent share its file system"
        ));
    }
    let target = target(container_path)?;
    Ok(Link { source: path.to_owned(), target, make: false })
}

fn of_sandbox(
    path: &str,
    kind: source::sandbox_path::Type,
    container_path: &str,
    parent: Option<&str>,
) -> Result<Link, String> {
    use source::sandbox_path::Type;
    if path.starts_with('/') {
        return Err(format!("Path '{path}' in SANDBOX_PATH volume is absolute"));
    }
    if container_path.starts_with('/') {
        return Err("The 'linux' launcher and 'filesystem/linux' isolator must be enabled to support \
                    SANDBOX_PATH volume with absolute container path"
            .to_owned());
    }
    let parent = match (kind, parent) {
        (Type::Unknown, _) => return Err("Unknown SANDBOX_PATH volume type".to_owned()),
        (Type::Self_, _) => {
            return Err("'container_path' is relative for SANDBOX_PATH volume SELF type".to_owned());
        }
        (Type::Parent, None) => {
            return Err("SANDBOX_PATH volume PARENT type only works for nested container".to_owned());
        }
        (Type::Parent, Some(parent)) => parent,
    };
    let Some(path) = within(path.trim_end_matches('/')) else {
        return Err(format!("Path '{path}' in SANDBOX_PATH volume leaves the sandbox"));
    };
    let source = format!("{parent}/{}", path.display());
    Ok(Link { source, target: target(container_path)?, make: true })
}

fn target(container_path: &str) -> Result<String, String> {
    let path = within(container_path.trim_end_matches('/'));
    let path = path.map(|path| path.display().to_string());
    path.ok_or_else(|| format!("Invalid volume: '{container_path}' leaves the sandbox"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::v1::{
        Environment, NetworkInfo, Secret, container_info::MesosInfo, r_limit_info::RLimit, volume,
    };

    const NESTED: Option<&str> = Some("/parent");
    const TOP: Option<&str> = None;

    fn container() -> ContainerInfo {
        ContainerInfo { r#type: container_info::Type::Mesos.into(), ..ContainerInfo::default() }
    }

    fn refusal(container: &ContainerInfo, parent: Option<&str>) -> String {
        match of_container(container, parent) {
            Err(Unsupported::Here(message)) => message,
            _ => panic!("not refused"),
        }
    }

    fn volume(container_path: &str, source: Option<Source>, host_path: Option<&str>) -> ContainerInfo {
        let volume = Volume {
            container_path: container_path.to_owned(),
            host_path: host_path.map(str::to_owned),
            mode: volume::Mode::Rw.into(),
            source,
            ..Volume::default()
        };
        ContainerInfo { volumes: vec![volume], ..container() }
    }

    fn of(kind: source::sandbox_path::Type, path: &str) -> Option<Source> {
        Some(Source {
            r#type: Some(source::Type::SandboxPath.into()),
            sandbox_path: Some(source::SandboxPath { r#type: Some(kind.into()), path: path.to_owned() }),
            ..Source::default()
        })
    }

    fn links(container: &ContainerInfo, parent: Option<&str>) -> Vec<Link> {
        of_container(container, parent).ok().unwrap().links
    }

    #[test]
    fn volumes_are_links() {
        let host = volume("data", None, Some("/srv/data"));
        let expected = Link { source: "/srv/data".to_owned(), target: "data".to_owned(), make: false };
        assert_eq!(links(&host, TOP), [expected]);
        let shared = volume("a/b/", of(source::sandbox_path::Type::Parent, "shared"), None);
        let expected = Link { source: "/parent/shared".to_owned(), target: "a/b".to_owned(), make: true };
        assert_eq!(links(&shared, NESTED), [expected]);
    }

    #[test]
    fn volumes_that_need_mounts_are_refused() {
        use source::sandbox_path::Type::{Parent, Self_};
        let cases = [
            (volume("/x", None, Some("/srv")), "Volumes in ContainerInfo is not supported: "),
            (volume("x", None, Some("y")), "'container_path' is relative for SANDBOX_PATH volume SELF type"),
            (volume("x", of(Self_, "y"), None), "'container_path' is relative for SANDBOX_PATH volume SELF"),
            (
                volume("/x", of(Parent, "y"), None),
                "The 'linux' launcher and 'filesystem/linux' isolator must",
            ),
            (volume("x", of(Parent, "/y"), None), "Path '/y' in SANDBOX_PATH volume is absolute"),
            (volume("x", of(Parent, "../y"), None), "Path '../y' in SANDBOX_PATH volume leaves the sandbox"),
            (volume("../x", of(Parent, "y"), None), "Invalid volume: '../x' leaves the sandbox"),
            (volume("x", Some(Source::default()), None), "Volumes in ContainerInfo is not supported"),
        ];
        for (container, expected) in cases {
            let message = refusal(&container, NESTED);
            assert!(message.starts_with(expected), "{message}");
        }
        let shared = volume("x", of(Parent, "y"), None);
        assert_eq!(refusal(&shared, TOP), "SANDBOX_PATH volume PARENT type only works for nested container");
    }

    #[test]
    fn limits_have_both_values_or_none() {
        let limit = |soft, hard| {
            let kind = r_limit_info::r_limit::Type::RlmtNofile;
            let rlimits = vec![RLimit { r#type: Some(kind.into()), soft, hard }];
            ContainerInfo { rlimit_info: Some(RLimitInfo { rlimits }), ..container() }
        };
        let limits = |container: &ContainerInfo| of_container(container, TOP).ok().unwrap().limits;
        let named = |most| vec![Limit { name: "RLMT_NOFILE".to_owned(), most }];
        assert_eq!(limits(&limit(Some(8), Some(9))), named(Some((8, 9))));
        assert_eq!(limits(&limit(None, None)), named(None));
        assert_eq!(refusal(&limit(Some(8), None), TOP), "Failed to set rlimit: Invalid rlimit values");
    }

    #[test]
    fn what_needs_a_provisioner_or_a_network_is_refused() {
        let image = Image { r#type: image::Type::Docker.into(), ..Image::default() };
        let with_image = ContainerInfo { mesos: Some(MesosInfo { image: Some(image) }), ..container() };
        assert_eq!(refusal(&with_image, TOP), "Unsupported container image type: DOCKER");
        let named = NetworkInfo { name: Some("overlay".to_owned()), ..Default::default() };
        let networked = ContainerInfo { network_infos: vec![named], ..container() };
        assert_eq!(refusal(&networked, TOP), "Unknown CNI network 'overlay'");
    }

    #[test]
    fn secrets_are_resolved_by_value_only() {
        let command = |secret: Secret| {
            let variable = Variable {
                name: "S".to_owned(),
                r#type: Some(variable::Type::Secret.into()),
                secret: Some(secret),
                ..Variable::default()
            };
            CommandInfo {
                environment: Some(Environment { variables: vec![variable] }),
                ..CommandInfo::default()
            }
        };
        let value = Secret {
            r#type: Some(secret::Type::Value.into()),
            value: Some(secret::Value { data: "s3".into() }),
            ..Secret::default()
        };
        assert!(of_command(&command(value)).is_ok());
        let reference = Secret { r#type: Some(secret::Type::Reference.into()), ..Secret::default() };
        let Err(Unsupported::Here(message)) = of_command(&command(reference)) else { panic!("not refused") };
        assert_eq!(message, "Default secret resolver cannot resolve references");
    }
}
