//! The flags of Mesos 1.11.0, one table for each component, with what each flag is worth here. This is the only list:
//! help, documentation, checks and `/flags` are made from it.

mod agent;
mod common;
mod containers;
mod master;

use super::value::Kind;

/// Whose command line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Component {
    Master,
    Agent,
}

/// One flag.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub name: &'static str,
    /// The name it had before; Mesos still takes it.
    pub alias: Option<&'static str>,
    pub kind: Kind,
    /// The value it has when it is not given, as it is typed.
    pub default: Option<&'static str>,
    pub help: &'static str,
    pub support: Support,
}

/// What a flag is worth here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Does what it does in Mesos, or what its help says.
    Implemented,
    /// Mesos has no such flag.
    Ours,
    /// Taken without effect; why that does no harm.
    Ignored(&'static str),
    /// Taken with these values, which are what is done here; why no other is. A list may hold several of them.
    Only(&'static [&'static str], &'static str),
    /// Not taken: why, and what to do instead.
    Refused { why: &'static str, instead: &'static str },
}

impl Component {
    /// The program of Mesos whose flags these are.
    pub fn program(self) -> &'static str {
        match self {
            Self::Master => "mesos-master",
            Self::Agent => "mesos-agent",
        }
    }

    /// Our own command.
    pub fn command(self) -> &'static str {
        match self {
            Self::Master => "serve master",
            Self::Agent => "serve agent",
        }
    }

    /// Every flag, by name.
    pub fn flags(self) -> Vec<&'static Flag> {
        let mut flags: Vec<_> = self.all().collect();
        flags.sort_unstable_by_key(|flag| flag.name);
        flags
    }

    /// The flag of this name, or of this former name.
    pub fn find(self, name: &str) -> Option<&'static Flag> {
        self.all().find(|flag| flag.name == name || flag.alias == Some(name))
    }

    fn all(self) -> impl Iterator<Item = &'static Flag> {
        let own: [&[Flag]; 2] = match self {
            Self::Master => [&master::FLAGS, &[]],
            Self::Agent => [&agent::FLAGS, &containers::FLAGS],
        };
        common::FLAGS.iter().chain(own.into_iter().flatten())
    }
}

impl Flag {
    const fn new(kind: Kind, name: &'static str, help: &'static str) -> Self {
        Self { name, alias: None, kind, default: None, help, support: Support::Implemented }
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// With a default.
    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn ours(mut self) -> Self {
        self.support = Support::Ours;
        self
    }

    const fn ignored(mut self, why: &'static str) -> Self {
        self.support = Support::Ignored(why);
        self
    }

    const fn only(mut self, values: &'static [&'static str], why: &'static str) -> Self {
        self.support = Support::Only(values, why);
        self
    }

    const fn refused(mut self, (why, instead): (&'static str, &'static str)) -> Self {
        self.support = Support::Refused { why, instead };
        self
    }
}

const fn boolean(name: &'static str, default: bool, help: &'static str) -> Flag {
    Flag::new(Kind::Bool, name, help).or(if default { "true" } else { "false" })
}

const fn whole(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Whole, name, help)
}

const fn port(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Port, name, help)
}

const fn number(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Number, name, help)
}

const fn duration(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Duration, name, help)
}

const fn bytes(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Bytes, name, help)
}

const fn text(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Text, name, help)
}

const fn path(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Path, name, help)
}

const fn json(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Json, name, help)
}

const fn secure(name: &'static str, help: &'static str) -> Flag {
    Flag::new(Kind::Secure, name, help)
}

/// Reasons for both components: why, and what instead.
mod reasons {
    pub const AUTHENTICATION: (&str, &str) =
        ("nobody is authenticated or authorized here", "leave it out; --allow_networks says who may connect");
    pub const MODULES: (&str, &str) = ("modules of Mesos cannot be loaded", "leave it out");
    pub const DISCOVERY: (&str, &str) =
        ("no command is run to find the address", "give the address with --ip");
    pub const FIREWALL: (&str, &str) = ("no endpoint can be switched off", "leave it out");
    pub const BUILD: (&str, &str) = ("only special builds of Mesos have it", "leave it out");

    pub const NO_AUTHENTICATION: &str = "nobody is authenticated or authorized here";
}
