//! What was typed: `--name=value`, `--name value`, `--name`, `--no-name` and `MESOS_NAME=value`, each with the flag that
//! it names. Dashes stand for underscores, capitals for small letters.

use super::{Component, Flag, Problem, value::Kind};

/// How much of a name must be right for a suggestion.
const LIKENESS: f64 = 0.85;

/// A flag as it was typed.
#[derive(Clone, Debug)]
pub struct Typed {
    /// `--port` or `MESOS_PORT`.
    pub origin: String,
    pub flag: &'static Flag,
    value: Option<String>,
    negated: bool,
}

impl Typed {
    /// The value, with what a switch means without one.
    pub fn text(&self) -> Result<&str, Problem> {
        let value = self.value.as_deref();
        match (self.flag.kind, self.negated, value) {
            (Kind::Bool, true, None | Some("")) => Ok("false"),
            (Kind::Bool, false, None | Some("")) => Ok("true"),
            (Kind::Bool, true, Some(_)) => Err(self.problem("takes no value, as `no-` says it all")),
            (_, true, _) => Err(self.problem("is no switch, so `no-` does not go with it")),
            (_, false, Some(value)) => Ok(value),
            (kind, false, None) => {
                Err(self.problem(format!("wants a value: --{}={}", self.flag.name, kind.word())))
            }
        }
    }

    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(&self.origin, message)
    }
}

/// Reads a command line up to its end or `--`.
pub fn command_line(component: Component, argv: &[String]) -> (Vec<Typed>, Vec<Problem>) {
    let (mut typed, mut problems) = (Vec::new(), Vec::new());
    let mut args = argv.iter().take_while(|arg| *arg != "--").peekable();
    while let Some(arg) = args.next() {
        let mut value = || args.next_if(|next| !next.starts_with("--")).cloned();
        match one(component, arg) {
            Ok(mut flag) => {
                if flag.value.is_none() && flag.flag.kind != Kind::Bool && !flag.negated {
                    flag.value = value();
                }
                typed.push(flag);
            }
            Err(problem) => {
                if arg.starts_with("--") && !arg.contains('=') {
                    value();
                }
                problems.push(problem);
            }
        }
    }
    (typed, problems)
}

/// The name in `--name` and `MESOS_NAME`.
pub fn name(origin: &str) -> Option<String> {
    let name = origin.strip_prefix("--").or_else(|| origin.strip_prefix("MESOS_"))?;
    Some(name.to_lowercase().replace('-', "_"))
}

fn one(component: Component, arg: &str) -> Result<Typed, Problem> {
    let Some(rest) = arg.strip_prefix("--") else {
        return Err(Problem::new(arg, "is no flag; flags begin with `--`"));
    };
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (rest, None),
    };
    let (origin, known) = (format!("--{name}"), name.to_lowercase().replace('-', "_"));
    let negated = |name: &str| component.find(name.strip_prefix("no_")?);
    if let Some(flag) = component.find(&known) {
        Ok(Typed { origin, flag, value, negated: false })
    } else if let Some(flag) = negated(&known) {
        Ok(Typed { origin, flag, value, negated: true })
    } else {
        Err(Problem::new(origin, unknown(component, &known)))
    }
}

fn unknown(component: Component, name: &str) -> String {
    let no_flag = format!("is no flag of {}", component.program());
    let nearest = component
        .flags()
        .into_iter()
        .map(|flag| (strsim::jaro_winkler(name, flag.name), flag.name))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, near)) => format!("{no_flag}; did you mean `--{near}`?"),
        None => no_flag,
    }
}

/// The variables that are flags; as in Mesos, others are none of our business. Those that would only print are left
/// out: images set `MESOS_VERSION` for their own use.
pub fn environment(component: Component, variables: &[(String, String)]) -> Vec<Typed> {
    let typed = variables.iter().filter_map(|(origin, value)| {
        let flag = component.find(&origin.strip_prefix("MESOS_")?.to_lowercase())?;
        let (origin, value) = (origin.clone(), Some(value.clone()));
        Some(Typed { origin, flag, value, negated: false })
    });
    typed.filter(|typed| !["help", "version"].contains(&typed.flag.name)).collect()
}
