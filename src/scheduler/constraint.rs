//! Where tasks may run: rules over the hostname and the attributes of agents, in Marathon's words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `FIELD:OPERATOR[:VALUE]`, as in `hostname:UNIQUE` or `rack:GROUP_BY:3`; the list `["hostname", "UNIQUE"]` is read too.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// `hostname`, `@region`, `@zone` or the name of an attribute.
    pub field: String,
    pub operator: Operator,
}

#[derive(Clone, Debug)]
pub enum Operator {
    /// No two tasks on one value.
    Unique,
    /// All tasks on this value; on that of the first task when none is given.
    Cluster(Option<String>),
    /// Evenly over all values; over at least so many when given.
    GroupBy(Option<usize>),
    /// Only values that match as a whole.
    Like(Regex),
    /// Only values that do not match as a whole.
    Unlike(Regex),
    /// At most so many tasks on one value.
    MaxPer(usize),
}

/// Why a constraint is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    #[error("`{0}` is not a constraint: write `FIELD:OPERATOR` or `FIELD:OPERATOR:VALUE`")]
    Form(String),
    #[error("`{0}` is not an operator: use UNIQUE, CLUSTER, GROUP_BY, LIKE, UNLIKE or MAX_PER")]
    Operator(String),
    #[error("{operator} needs {what}")]
    Value { operator: &'static str, what: &'static str },
    #[error("`{0}` is not a regular expression")]
    Regex(String),
}

/// How many tasks there are on each value of a field, and which values the cluster has.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Values without a task are not here.
    tasks: BTreeMap<String, usize>,
    /// All values, those with the fewest tasks first.
    levels: BTreeSet<(usize, String)>,
}

impl Tally {
    /// Of tasks on `taken` values, in a cluster that has the `known` ones and those.
    pub fn new<'a>(taken: impl Iterator<Item = &'a str>, known: impl Iterator<Item = &'a str>) -> Self {
        let mut tasks = BTreeMap::<String, usize>::new();
        for value in taken {
            match tasks.get_mut(value) {
                Some(count) => *count += 1,
                None => drop(tasks.insert(value.to_owned(), 1)),
            }
        }
        let empty = known.filter(|value| !tasks.contains_key(*value)).map(|value| (0, value.to_owned()));
        let levels = empty.chain(tasks.iter().map(|(value, count)| (*count, value.clone()))).collect();
        Self { tasks, levels }
    }

    /// One more task on `value`. True when that may admit values that `GROUP_BY` refused: the least taken ones have more
    /// tasks than before, or there is one value more.
    pub fn add(&mut self, value: &str) -> bool {
        let before = (self.least(), self.levels.len());
        let count = self.count(value);
        self.levels.remove(&(count, value.to_owned()));
        self.levels.insert((count + 1, value.to_owned()));
        self.tasks.insert(value.to_owned(), count + 1);
        (self.least(), self.levels.len()) > before
    }

    fn count(&self, value: &str) -> usize {
        self.tasks.get(value).copied().unwrap_or_default()
    }

    fn least(&self) -> usize {
        self.levels.first().map_or(0, |(count, _)| *count)
    }
}

impl Constraint {
    /// # Errors
    /// Why an agent with `value` (none: it lacks the attribute) may not run one more task.
    pub fn check(&self, value: Option<&str>, tally: &Tally) -> Result<(), String> {
        let Some(value) = value else {
            return match self.operator {
                Operator::Unlike(_) => Ok(()),
                _ => Err(self.refusal(format!("the agent has no attribute `{}`", self.field))),
            };
        };
        self.problem(value, tally).map_or(Ok(()), |problem| Err(self.refusal(problem)))
    }

    fn refusal(&self, problem: String) -> String {
        format!("constraint {self}: {problem}")
    }

    fn problem(&self, value: &str, tally: &Tally) -> Option<String> {
        let here = tally.count(value);
        match &self.operator {
            Operator::Unique if here > 0 => Some(format!("a task already runs on `{value}`")),
            Operator::MaxPer(max) if here >= *max => Some(format!("`{value}` has its {max} tasks")),
            Operator::Like(regex) if !regex.is_match(value) => Some(format!("`{value}` does not match")),
            Operator::Unlike(regex) if regex.is_match(value) => Some(format!("`{value}` matches")),
            Operator::Cluster(Some(wanted)) if wanted != value => {
                Some(format!("`{value}` is not `{wanted}`"))
            }
            Operator::Cluster(None) => cluster_problem(value, tally),
            Operator::GroupBy(groups) => group_problem(value, here, *groups, tally),
            _ => None,
        }
    }
}

fn cluster_problem(value: &str, tally: &Tally) -> Option<String> {
    let (first, _) = tally.tasks.first_key_value()?;
    (first != value).then(|| format!("the tasks run on `{first}`"))
}

fn group_problem(value: &str, here: usize, groups: Option<usize>, tally: &Tally) -> Option<String> {
    if here == 0 {
        return None;
    }
    let known = tally.levels.len();
    if let Some(groups) = groups.filter(|groups| known < *groups) {
        return Some(format!("only {known} of {groups} groups are known"));
    }
    let (count, least) = tally.levels.first()?;
    (*count < here).then(|| format!("`{least}` comes first: it has {count}, `{value}` has {here}"))
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.operator {
            Operator::Unique => write!(f, "{field}:UNIQUE"),
            Operator::Cluster(None) => write!(f, "{field}:CLUSTER"),
            Operator::Cluster(Some(value)) => write!(f, "{field}:CLUSTER:{value}"),
            Operator::GroupBy(None) => write!(f, "{field}:GROUP_BY"),
            Operator::GroupBy(Some(groups)) => write!(f, "{field}:GROUP_BY:{groups}"),
            Operator::Like(regex) => write!(f, "{field}:LIKE:{}", pattern(regex)),
            Operator::Unlike(regex) => write!(f, "{field}:UNLIKE:{}", pattern(regex)),
            Operator::MaxPer(max) => write!(f, "{field}:MAX_PER:{max}"),
        }
    }
}

const HEAD: &str = "^(?:";
const TAIL: &str = ")$";

fn whole(pattern: &str) -> Result<Regex, ConstraintError> {
    Regex::new(&format!("{HEAD}{pattern}{TAIL}")).map_err(|_| ConstraintError::Regex(pattern.to_owned()))
}

fn pattern(regex: &Regex) -> &str {
    let text = regex.as_str();
    text.strip_prefix(HEAD).and_then(|text| text.strip_suffix(TAIL)).unwrap_or(text)
}

impl FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, ConstraintError> {
        let mut parts = text.splitn(3, ':');
        let (Some(field), Some(operator)) = (parts.next(), parts.next()) else {
            return Err(ConstraintError::Form(text.to_owned()));
        };
        Self::from_parts(field, operator, parts.next())
    }
}

impl Constraint {
    fn from_parts(field: &str, operator: &str, value: Option<&str>) -> Result<Self, ConstraintError> {
        let field = if field == "@hostname" { "hostname" } else { field };
        if field.is_empty() {
            return Err(ConstraintError::Form(format!(":{operator}")));
        }
        let value = value.filter(|value| !value.is_empty());
        Ok(Self { field: field.to_owned(), operator: operator_of(operator, value)? })
    }
}

fn operator_of(operator: &str, value: Option<&str>) -> Result<Operator, ConstraintError> {
    let needs = |operator, what| ConstraintError::Value { operator, what };
    let count = |operator, text: &str| {
        text.parse().ok().filter(|count| *count > 0).ok_or(needs(operator, "a number of 1 or more"))
    };
    match operator.to_ascii_uppercase().as_str() {
        "UNIQUE" if value.is_some() => Err(needs("UNIQUE", "no value")),
        "UNIQUE" => Ok(Operator::Unique),
        "CLUSTER" | "IS" => Ok(Operator::Cluster(value.map(str::to_owned))),
        "GROUP_BY" => Ok(Operator::GroupBy(value.map(|text| count("GROUP_BY", text)).transpose()?)),
        "LIKE" => Ok(Operator::Like(whole(value.ok_or(needs("LIKE", "a regular expression"))?)?)),
        "UNLIKE" => Ok(Operator::Unlike(whole(value.ok_or(needs("UNLIKE", "a regular expression"))?)?)),
        "MAX_PER" => Ok(Operator::MaxPer(count("MAX_PER", value.unwrap_or_default())?)),
        _ => Err(ConstraintError::Operator(operator.to_owned())),
    }
}

impl PartialEq for Constraint {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a constraint is a string `FIELD:OPERATOR[:VALUE]` or a list of two or three strings"
        )]
        enum Form {
            Text(String),
            List(Vec<String>),
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse(),
            Form::List(parts) => match parts.as_slice() {
                [field, operator] => Self::from_parts(field, operator, None),
                [field, operator, value] => Self::from_parts(field, operator, Some(value)),
                _ => Err(ConstraintError::Form(parts.join(":"))),
            },
        }
        .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Constraint, Tally};

    fn tally(tasks: &[(&str, usize)], known: &[&str]) -> Tally {
        let taken = tasks.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count));
        Tally::new(taken, known.iter().copied())
    }

    fn verdict(constraint: &str, value: Option<&str>, tally: &Tally) -> String {
        let constraint: Constraint = constraint.parse().unwrap();
        constraint.check(value, tally).err().unwrap_or_default()
    }

    #[test]
    fn each_operator_admits_and_refuses() {
        let one = tally(&[("a", 1)], &["a", "b"]);
        let table = [
            ("hostname:UNIQUE", Some("a"), "constraint hostname:UNIQUE: a task already runs on `a`"),
            ("hostname:UNIQUE", Some("b"), ""),
            ("rack:CLUSTER", Some("b"), "constraint rack:CLUSTER: the tasks run on `a`"),
            ("rack:CLUSTER", Some("a"), ""),
            ("rack:CLUSTER:b", Some("a"), "constraint rack:CLUSTER:b: `a` is not `b`"),
            ("rack:CLUSTER:b", Some("b"), ""),
            ("rack:GROUP_BY", Some("a"), "constraint rack:GROUP_BY: `b` comes first: it has 0, `a` has 1"),
            ("rack:GROUP_BY", Some("b"), ""),
            ("rack:GROUP_BY:3", Some("a"), "constraint rack:GROUP_BY:3: only 2 of 3 groups are known"),
            ("rack:LIKE:[ab]", Some("a"), ""),
            ("rack:LIKE:a", Some("ab"), "constraint rack:LIKE:a: `ab` does not match"),
            ("rack:UNLIKE:a.*", Some("ab"), "constraint rack:UNLIKE:a.*: `ab` matches"),
            ("rack:UNLIKE:a", None, ""),
            ("rack:LIKE:a", None, "constraint rack:LIKE:a: the agent has no attribute `rack`"),
            ("rack:MAX_PER:1", Some("a"), "constraint rack:MAX_PER:1: `a` has its 1 tasks"),
            ("rack:MAX_PER:2", Some("a"), ""),
        ];
        for (constraint, value, expected) in table {
            assert_eq!(verdict(constraint, value, &one), expected);
        }
    }

    #[test]
    fn the_least_taken_value_is_known_after_every_task() {
        let mut tally = tally(&[("a", 1)], &["b", "c"]);
        assert_eq!(["b", "a", "c", "b"].map(|value| tally.add(value)), [false, false, true, false]);
        assert_eq!((tally.least(), tally.count("a"), tally.count("b")), (1, 2, 2));
        assert!(tally.add("d"), "a value that was not known");
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for bad in [
            "hostname",
            ":UNIQUE",
            "rack:NEAR",
            "rack:LIKE",
            "rack:LIKE:(",
            "rack:MAX_PER:0",
            "rack:GROUP_BY:x",
        ] {
            assert!(bad.parse::<Constraint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn both_forms_are_read_and_the_text_is_written() {
        let list: Constraint = serde_json::from_str(r#"["rack", "LIKE", "a:b"]"#).unwrap();
        let text: Constraint = serde_json::from_str(r#""rack:LIKE:a:b""#).unwrap();
        assert_eq!(list, text);
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""rack:LIKE:a:b""#);
    }
}
