//! The operations that change resources, RESERVE to DESTROY_DISK: what Mesos asks of each before it looks at whether
//! somebody may do it. The callers have checked the resources themselves already ([`super::operation::validate`]).

use std::collections::BTreeSet;

use super::{Checked, Context, ensure, framework::braces, resource};
use crate::{
    engine::allocator::roles_of,
    mesos::{
        resources::Resources,
        v1::{
            FrameworkInfo, Resource,
            framework_info::capability,
            offer::{
                Operation,
                operation::{
                    Create, CreateDisk, Destroy, DestroyDisk, GrowVolume, Reserve, ShrinkVolume, Type,
                    Unreserve,
                },
            },
            resource::disk_info::source,
            volume::Mode,
        },
    },
};

/// Who wants it: a framework, or an operator, of whom the principal may be known.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    pub principal: Option<&'a str>,
    pub framework: Option<&'a FrameworkInfo>,
}

impl<'a> From<&'a FrameworkInfo> for Author<'a> {
    fn from(info: &'a FrameworkInfo) -> Self {
        Self { principal: info.principal.as_deref(), framework: Some(info) }
    }
}

/// Checks an operation on resources; nothing is wrong with one of another kind.
///
/// # Errors
/// The text of Mesos' `operation::validate` for its type.
pub fn validate(operation: &Operation, author: Author<'_>) -> Checked {
    let body = operation;
    match operation.r#type() {
        Type::Reserve => body.reserve.as_ref().map_or(Ok(()), |it| reserve(it, author)),
        Type::Unreserve => body.unreserve.as_ref().map_or(Ok(()), unreserve),
        Type::Create => body.create.as_ref().map_or(Ok(()), |it| create(it, author)),
        Type::Destroy => body.destroy.as_ref().map_or(Ok(()), destroy),
        Type::GrowVolume => body.grow_volume.as_ref().map_or(Ok(()), grow),
        Type::ShrinkVolume => body.shrink_volume.as_ref().map_or(Ok(()), shrink),
        Type::CreateDisk => body.create_disk.as_ref().map_or(Ok(()), create_disk),
        Type::DestroyDisk => body.destroy_disk.as_ref().map_or(Ok(()), destroy_disk),
        Type::Launch | Type::LaunchGroup | Type::Unknown => Ok(()),
    }
}

fn common(resources: &[Resource]) -> Checked {
    resource::validate(resources).context("Invalid resources")?;
    single_provider(resources).context("Invalid resources")
}

fn single_provider(resources: &[Resource]) -> Checked {
    let ids: BTreeSet<Option<&str>> =
        resources.iter().map(|it| it.provider_id.as_ref().map(|id| id.value.as_str())).collect();
    if ids.len() == 1 {
        return Ok(());
    }
    if ids.contains(&None) {
        return Err("Some resources have a resource provider and some do not".into());
    }
    let ids: Vec<&str> = ids.into_iter().flatten().collect();
    Err(format!("The resources have multiple resource providers: {}", ids.join(", ")))
}

fn reserve(reserve: &Reserve, author: Author<'_>) -> Checked {
    resource::validate(&reserve.resources).context("Invalid resources")?;
    resource::validate(&reserve.source).context("Invalid source")?;
    if !reserve.source.is_empty() {
        same_reservations(&reserve.source).context("Invalid source")?;
        same_reservations(&reserve.resources).context("Invalid resources")?;
        same_quantities(&reserve.source, &reserve.resources)?;
    }
    single_provider(&reserve.resources).context("Invalid resources")?;
    let roles = author.framework.map(roles_of);
    for resource in &reserve.resources {
        dynamic(resource)?;
        reserved_by(resource, author.principal)?;
        match &roles {
            Some(roles) => reserved_for(resource, roles)?,
            None => ensure(
                resource.allocation_info.is_none(),
                "A reserve operation was attempted with an allocated resource, but the operator API only allows \
                 reservations to be made to unallocated resources",
            )?,
        }
    }
    if roles.is_some() {
        let resources = Resources::from(reserve.resources.as_slice());
        resource::validate_single_role(&resources).context("Invalid reservation resources")?;
    }
    Ok(())
}

fn same_reservations(resources: &[Resource]) -> Checked {
    let Some(first) = resources.first() else { return Err("Resource cannot be empty".into()) };
    let same = resources.iter().all(|it| it.reservations == first.reservations);
    ensure(same, format!("Mixed reservations are not supported{}", listed(resources)))
}

fn same_quantities(source: &[Resource], target: &[Resource]) -> Checked {
    let unreserved = |resources: &[Resource]| -> Resources {
        let stripped = resources.iter().cloned().map(|mut resource| {
            resource.reservations.clear();
            resource
        });
        Resources::from(stripped.collect::<Vec<_>>())
    };
    let (source, target) = (unreserved(source), unreserved(target));
    ensure(
        source == target,
        format!(
            "Source and target resources should refer to identical resource quantities: {source} vs. {target}"
        ),
    )
}

fn dynamic(resource: &Resource) -> Checked {
    ensure(resource.is_dynamically_reserved(), format!("Resource {resource} is not dynamically reserved"))
}

fn reserved_by(resource: &Resource, principal: Option<&str>) -> Checked {
    let Some(principal) = principal else { return Ok(()) };
    match resource.reservations.last().and_then(|last| last.principal.as_deref()) {
        Some(own) if own == principal => Ok(()),
        None => Err(format!(
            "A reserve operation was attempted by principal '{principal}', but there is a reserved resource in the \
             request with no principal set"
        )),
        Some(own) => Err(format!(
            "A reserve operation was attempted by authenticated principal '{principal}', which does not match a \
             reserved resource in the request with principal '{own}'"
        )),
    }
}

fn reserved_for(resource: &Resource, roles: &BTreeSet<String>) -> Checked {
    let Some(allocated) = resource.allocation_role() else {
        return Err(format!(
            "A reserve operation was attempted on unallocated resource {resource}, but frameworks can only perform \
             reservations on allocated resources"
        ));
    };
    let role = resource.reservation_role().unwrap_or("*");
    if allocated != role {
        return Err(format!(
            "A reserve operation was attempted for a resource with role '{role}', but the resource was allocated to \
             role '{allocated}'"
        ));
    }
    ensure(
        roles.contains(allocated),
        format!(
            "A reserve operation was attempted for a resource allocated to role '{allocated}', but the framework only \
             has roles '{}'",
            braces(roles)
        ),
    )
}

fn unreserve(unreserve: &Unreserve) -> Checked {
    common(&unreserve.resources)?;
    for resource in &unreserve.resources {
        dynamic(resource)?;
        ensure(
            !resource.is_persistent_volume(),
            format!(
                "A dynamically reserved persistent volume {resource} cannot be unreserved directly. Please destroy the \
                 persistent volume first then unreserve the resource"
            ),
        )?;
    }
    Ok(())
}

fn create(create: &Create, author: Author<'_>) -> Checked {
    common(&create.volumes)?;
    volumes(&create.volumes).context("Not a persistent volume")?;
    resource::validate_unique_persistence(&Resources::from(create.volumes.as_slice()))?;
    for volume in &create.volumes {
        shared_by(volume, author.framework)?;
        created_by(volume, author.principal)?;
    }
    if author.framework.is_some() {
        let resources = Resources::from(create.volumes.as_slice());
        resource::validate_single_role(&resources).context("Invalid volume resources")?;
    }
    Ok(())
}

fn volumes(volumes: &[Resource]) -> Checked {
    volumes.iter().try_for_each(|volume| {
        let Some(disk) = &volume.disk else {
            return Err(format!("Resource {volume} does not have DiskInfo"));
        };
        ensure(disk.persistence.is_some(), "'persistence' is not set in DiskInfo")?;
        let mounted = disk.volume.as_ref().ok_or("Expecting 'volume' to be set for persistent volume")?;
        ensure(mounted.mode() != Mode::Ro, "Read-only persistent volume not supported")
    })
}

fn shared_by(volume: &Resource, framework: Option<&FrameworkInfo>) -> Checked {
    let Some(framework) = framework.filter(|_| volume.is_shared()) else { return Ok(()) };
    let may = framework.capabilities.iter().any(|it| it.r#type() == capability::Type::SharedResources);
    let id = framework.id.as_ref().map_or("", |id| id.as_str());
    ensure(
        may,
        format!(
            "Create volume operation for '{volume}' has been attempted by framework '{id}' with no SHARED_RESOURCES \
             capability"
        ),
    )
}

fn created_by(volume: &Resource, principal: Option<&str>) -> Checked {
    let Some(principal) = principal else { return Ok(()) };
    let persistence = volume.disk.as_ref().and_then(|disk| disk.persistence.as_ref());
    match persistence.and_then(|persistence| persistence.principal.as_deref()) {
        Some(own) if own == principal => Ok(()),
        None => Err(format!(
            "Create volume operation attempted by principal '{principal}', but there is a volume in the operation with \
             no principal set in 'disk.persistence'"
        )),
        Some(own) => Err(format!(
            "Create volume operation attempted by authenticated principal '{principal}', which does not match a volume \
             in the operation with principal '{own}' set in 'disk.persistence'"
        )),
    }
}

/// No agent has a volume, so none of those that are named is found.
fn destroy(destroy: &Destroy) -> Checked {
    common(&destroy.volumes)?;
    volumes(&destroy.volumes).context("Not a persistent volume")?;
    let all_provided = destroy.volumes.iter().all(|volume| volume.provider_id.is_some());
    ensure(all_provided, "Persistent volumes not found")
}

fn grow(grow: &GrowVolume) -> Checked {
    let amount = grow.addition.amount();
    ensure(amount > 0.0, "The size of 'GrowVolume.addition' field must be greater than zero")?;
    let volume = &grow.volume;
    ensure(volume.provider_id.is_none(), "Growing a volume from a resource provider is not supported")?;
    volumes(std::slice::from_ref(volume))
        .context("Invalid persistent volume in the 'GrowVolume.volume' field")?;
    ensure(!volume.is_shared(), "Growing a shared persistent volume is not supported")?;
    let bare = [bare(volume), grow.addition.clone()];
    ensure(
        Resources::from(bare.as_slice()).iter().count() == 1,
        "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields",
    )
}

/// The disk that a volume is on.
fn bare(volume: &Resource) -> Resource {
    let mut bare = volume.clone();
    match bare.disk.as_mut().filter(|disk| disk.source.is_some()) {
        Some(disk) => (disk.persistence, disk.volume) = (None, None),
        None => bare.disk = None,
    }
    bare
}

fn shrink(shrink: &ShrinkVolume) -> Checked {
    let (volume, less) = (&shrink.volume, shrink.subtract.thousandths());
    ensure(less > 0, "Value of 'ShrinkVolume.subtract' must be greater than zero")?;
    ensure(
        volume.scalar.unwrap_or_default().thousandths() > less,
        "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'",
    )?;
    ensure(volume.provider_id.is_none(), "Shrinking a volume from a resource provider is not supported")?;
    ensure(kind(volume) != Some(source::Type::Mount), "Shrinking a volume on a MOUNT disk is not supported")?;
    volumes(std::slice::from_ref(volume))
        .context("Invalid persistent volume in the 'ShrinkVolume.volume' field")?;
    ensure(!volume.is_shared(), "Shrinking a shared persistent volume is not supported")
}

/// What a disk is made of.
fn kind(resource: &Resource) -> Option<source::Type> {
    Some(resource.disk.as_ref()?.source.as_ref()?.r#type())
}

fn provided(source: &Resource) -> Checked {
    resource::validate(std::slice::from_ref(source)).context("Invalid resource")?;
    ensure(source.provider_id.is_some(), "'source' is not managed by a resource provider")
}

fn create_disk(create: &CreateDisk) -> Checked {
    use source::Type as Kind;
    let source = &create.source;
    provided(source)?;
    ensure(kind(source) == Some(Kind::Raw), "'source' is not a RAW disk resource")?;
    let is_target = matches!(create.target_type(), Kind::Mount | Kind::Block);
    ensure(is_target, "'target_type' is neither MOUNT or BLOCK")?;
    let disk = source.disk.as_ref().and_then(|disk| disk.source.as_ref());
    match (disk.is_some_and(|disk| disk.profile.is_some()), create.target_profile.is_some()) {
        (true, true) => Err("'target_profile' must not be set when 'source' has a profile".into()),
        (false, false) => Err("'target_profile' must be set when 'source' has no profile".into()),
        _ => Ok(()),
    }
}

fn destroy_disk(destroy: &DestroyDisk) -> Checked {
    use source::Type as Kind;
    let source = &destroy.source;
    provided(source)?;
    let is_disk = matches!(kind(source), Some(Kind::Mount | Kind::Block | Kind::Raw));
    ensure(is_disk, "'source' is neither a MOUNT, BLOCK or RAW disk resource")?;
    let disk = source.disk.as_ref().and_then(|disk| disk.source.as_ref());
    ensure(disk.is_some_and(|disk| disk.id.is_some()), "'source' is not backed by a CSI volume")?;
    ensure(
        !source.is_persistent_volume(),
        format!(
            "A disk resource containing a persistent volume {source} cannot be destroyed directly. Please destroy the \
             persistent volume first then destroy the disk resource"
        ),
    )
}

fn listed(resources: &[Resource]) -> String {
    let all: Vec<String> = resources.iter().map(ToString::to_string).collect();
    format!("{{ {} }}", all.join(", "))
}

/// The action that the operation needs the right to, as Mesos' authorization names it.
pub fn action(operation: &Operation) -> &'static str {
    use source::Type as Kind;
    match operation.r#type() {
        Type::Reserve => "RESERVE_RESOURCES",
        Type::Unreserve => "UNRESERVE_RESOURCES",
        Type::Create => "CREATE_VOLUME",
        Type::Destroy => "DESTROY_VOLUME",
        Type::GrowVolume | Type::ShrinkVolume => "RESIZE_VOLUME",
        Type::CreateDisk => match operation.create_disk.as_ref().map(CreateDisk::target_type) {
            Some(Kind::Block) => "CREATE_BLOCK_DISK",
            _ => "CREATE_MOUNT_DISK",
        },
        Type::DestroyDisk => match operation.destroy_disk.as_ref().and_then(|it| kind(&it.source)) {
            Some(Kind::Block) => "DESTROY_BLOCK_DISK",
            Some(Kind::Raw) => "DESTROY_RAW_DISK",
            _ => "DESTROY_MOUNT_DISK",
        },
        Type::Launch | Type::LaunchGroup | Type::Unknown => "RUN_TASK",
    }
}
