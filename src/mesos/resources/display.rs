//! How Mesos prints resources in logs and messages: `cpus(allocated: *):4; ports:[31000-32000]`.

use std::fmt;

use crate::mesos::{
    resources::Resources,
    v1::{
        Labels, Resource, Volume,
        resource::{
            DiskInfo, ReservationInfo,
            disk_info::{Source, source},
        },
        value::Type,
        volume::Mode,
    },
};

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("{}");
        }
        for (index, entry) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}", entry.resource)?;
            if let Some(copies) = entry.copies {
                write!(f, "<{copies}>")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(allocation) = &self.allocation_info {
            write!(f, "(allocated: {})", allocation.role())?;
        }
        if !self.reservations.is_empty() {
            let stack: Vec<_> =
                self.reservations.iter().map(|reservation| format!("({reservation})")).collect();
            write!(f, "(reservations: [{}])", stack.join(", "))?;
        }
        if let Some(disk) = &self.disk {
            write!(f, "[{disk}]")?;
        }
        f.write_str(if self.is_revocable() { "{REV}" } else { "" })?;
        f.write_str(if self.is_shared() { "<SHARED>:" } else { ":" })?;
        match self.r#type() {
            Type::Scalar => self.scalar.unwrap_or_default().fmt(f),
            Type::Ranges => self.ranges.clone().unwrap_or_default().fmt(f),
            Type::Set => self.set.clone().unwrap_or_default().fmt(f),
            Type::Text => Ok(()),
        }
    }
}

impl fmt::Display for ReservationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.r#type().as_str_name(), self.role())?;
        if let Some(principal) = &self.principal {
            write!(f, ",{principal}")?;
        }
        self.labels.as_ref().map_or(Ok(()), |labels| write!(f, ",{labels}"))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printed = self.labels.iter().map(|label| match &label.value {
            Some(value) => format!("{}: {value}", label.key),
            None => label.key.clone(),
        });
        write!(f, "{{{}}}", printed.collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for DiskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_ref().map(ToString::to_string);
        let id = self.persistence.as_ref().map(|persistence| persistence.id.clone());
        f.write_str(&source.into_iter().chain(id).collect::<Vec<_>>().join(","))?;
        self.volume.as_ref().map_or(Ok(()), |volume| write!(f, ":{volume}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.r#type().as_str_name())?;
        if self.r#type() == source::Type::Unknown {
            return Ok(());
        }
        if self.id.is_some() || self.profile.is_some() {
            return write!(f, "({},{},{})", self.vendor(), self.id(), self.profile());
        }
        let root = match self.r#type() {
            source::Type::Mount => self.mount.as_ref().and_then(|mount| mount.root.as_ref()),
            source::Type::Path => self.path.as_ref().and_then(|path| path.root.as_ref()),
            source::Type::Unknown | source::Type::Block | source::Type::Raw => None,
        };
        root.map_or(Ok(()), |root| write!(f, ":{root}"))
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(host_path) = &self.host_path else {
            return f.write_str(&self.container_path);
        };
        let mode = match self.mode() {
            Mode::Rw => "rw",
            Mode::Ro => "ro",
        };
        write!(f, "{host_path}:{}:{mode}", self.container_path)
    }
}
