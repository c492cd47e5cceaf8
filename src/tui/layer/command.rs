//! The commands of the command bar: one table, from which they are read, completed and explained.

use crate::tui::{model::Tab, theme};

/// How far from a known command a mistyped one may be.
const NEAR: f64 = 0.7;

/// One command.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub name: &'static str,
    /// Other names, for those who are used to them.
    pub aliases: &'static [&'static str],
    pub argument: Argument,
    pub verb: Verb,
    pub help: &'static str,
}

/// What may follow a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    None,
    Number,
    /// An id of a task; that under the cursor when there is none.
    Task,
    /// Anything.
    Filter,
    Column,
    Grouping,
    Theme,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Tab(Tab),
    Scale,
    Kill,
    Log,
    Explain,
    Filter,
    Sort,
    Group,
    Theme,
    Pause,
    Save,
    Help,
    Quit,
}

/// What was typed, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Tab(Tab),
    Scale(u64),
    Kill(Option<String>),
    Log(Option<String>),
    Explain,
    Filter(String),
    Sort(String),
    Group(String),
    Theme(String),
    Pause,
    Save,
    Help,
    Quit,
}

const fn spec(
    name: &'static str,
    aliases: &'static [&'static str],
    argument: Argument,
    verb: Verb,
    help: &'static str,
) -> Spec {
    Spec { name, aliases, argument, verb, help }
}

pub const COMMANDS: &[Spec] = {
    use Argument as A;
    use Verb as V;
    &[
        spec("overview", &[], A::None, V::Tab(Tab::Overview), "the overview"),
        spec("offers", &[], A::None, V::Tab(Tab::Offers), "the offers"),
        spec("tasks", &[], A::None, V::Tab(Tab::Tasks), "the tasks"),
        spec("agents", &[], A::None, V::Tab(Tab::Agents), "the agents"),
        spec("frameworks", &[], A::None, V::Tab(Tab::Frameworks), "the frameworks"),
        spec("components", &[], A::None, V::Tab(Tab::Components), "the parts of the lab"),
        spec("events", &[], A::None, V::Tab(Tab::Events), "all that happened"),
        spec("scale", &[], A::Number, V::Scale, "run so many tasks"),
        spec("kill", &[], A::Task, V::Kill, "kill a task, after a question"),
        spec("log", &["logs"], A::Task, V::Log, "the log of a task"),
        spec("explain", &["why"], A::None, V::Explain, "why tasks are not running"),
        spec("filter", &[], A::Filter, V::Filter, "show only what matches; nothing: all"),
        spec("sort", &[], A::Column, V::Sort, "sort by a column; again: the other way round"),
        spec("group", &[], A::Grouping, V::Group, "group the tasks"),
        spec("theme", &[], A::Theme, V::Theme, "other colours"),
        spec("pause", &[], A::None, V::Pause, "hold the screen still, or go on"),
        spec("save", &["w"], A::None, V::Save, "save the screen as text"),
        spec("help", &["h"], A::None, V::Help, "this help"),
        spec("q", &["quit", "exit", "qa"], A::None, V::Quit, "quit"),
    ]
};

/// The words that complete an argument, besides those of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Words {
    pub tasks: Vec<String>,
    pub columns: Vec<String>,
    pub groupings: Vec<String>,
}

impl Spec {
    /// `:scale N`
    pub fn usage(&self) -> String {
        let argument = match self.argument {
            Argument::None => "",
            Argument::Number => " N",
            Argument::Task => " [TASK]",
            Argument::Filter => " [TEXT]",
            Argument::Column => " COLUMN",
            Argument::Grouping => " HOW",
            Argument::Theme => " NAME",
        };
        format!(":{}{argument}", self.name)
    }

    fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// # Errors
    /// When what follows the name is not what it wants; for people.
    fn command(&self, argument: &str) -> Result<Command, String> {
        let wants = |what: &str| format!("{} wants {what}", self.usage());
        let given = (!argument.is_empty()).then(|| argument.to_owned());
        if self.argument == Argument::None && given.is_some() {
            return Err(format!(":{} stands alone; `{argument}` means nothing to it", self.name));
        }
        Ok(match self.verb {
            Verb::Tab(tab) => Command::Tab(tab),
            Verb::Scale => Command::Scale(argument.parse().map_err(|_| wants("a number of tasks"))?),
            Verb::Kill => Command::Kill(given),
            Verb::Log => Command::Log(given),
            Verb::Explain => Command::Explain,
            Verb::Filter => Command::Filter(argument.to_owned()),
            Verb::Sort => Command::Sort(given.ok_or_else(|| wants("the head of a column"))?),
            Verb::Group => Command::Group(given.ok_or_else(|| wants("state, agent or none"))?),
            Verb::Theme => Command::Theme(given.ok_or_else(|| wants(&theme::NAMES.join(", ")))?),
            Verb::Pause => Command::Pause,
            Verb::Save => Command::Save,
            Verb::Help => Command::Help,
            Verb::Quit => Command::Quit,
        })
    }
}

/// Reads a line; nothing when it is empty.
///
/// # Errors
/// When it means nothing; for people, with what it may have been meant to be.
pub fn parse(line: &str) -> Result<Option<Command>, String> {
    let line = line.trim().trim_start_matches(':').trim_start();
    if line.is_empty() {
        return Ok(None);
    }
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let name = name.to_lowercase();
    let spec = find(&name)?;
    spec.command(argument.trim()).map(Some)
}

/// By its name, or by a begin that no other has.
fn find(name: &str) -> Result<&'static Spec, String> {
    if let Some(spec) = COMMANDS.iter().find(|spec| spec.is_named(name)) {
        return Ok(spec);
    }
    let begun: Vec<_> = COMMANDS.iter().filter(|spec| spec.name.starts_with(name)).collect();
    match begun[..] {
        [] => Err(unknown(name)),
        [spec] => Ok(spec),
        _ => {
            let names: Vec<_> = begun.iter().map(|spec| format!(":{}", spec.name)).collect();
            Err(format!(":{name} may be {}", names.join(" or ")))
        }
    }
}

fn unknown(name: &str) -> String {
    let known = COMMANDS.iter().flat_map(|spec| spec.aliases.iter().chain([&spec.name]));
    let nearest = nearest(name, known.copied());
    let hint = nearest.map_or_else(|| "? shows all".to_owned(), |known| format!("did you mean :{known}?"));
    format!("there is no command :{name}; {hint}")
}

/// The word that is most like `word`, if one is.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |other: &str| strsim::jaro_winkler(word, &other.to_lowercase());
    let rated = known.map(|other| (likeness(other), other)).filter(|(likeness, _)| *likeness > NEAR);
    rated.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, word)| word)
}

/// What the word at the end of `line` may become: whole words, best first.
pub fn complete(line: &str, words: &Words) -> Vec<String> {
    let Some((name, argument)) = line.trim_start().split_once(char::is_whitespace) else {
        return begun_with(line.trim_start(), COMMANDS.iter().map(|spec| spec.name));
    };
    let argument = argument.trim_start();
    match find(&name.to_lowercase()).ok().map(|spec| spec.argument) {
        Some(Argument::Task) => begun_or_within(argument, &words.tasks),
        Some(Argument::Column) => begun_or_within(argument, &words.columns),
        Some(Argument::Grouping) => begun_or_within(argument, &words.groupings),
        Some(Argument::Theme) => begun_with(argument, theme::NAMES.into_iter()),
        Some(Argument::None | Argument::Number | Argument::Filter) | None => Vec::new(),
    }
}

/// The end of `line`, if it is an argument of that kind.
pub fn argument(line: &str, kind: Argument) -> Option<&str> {
    let (name, argument) = line.trim_start().split_once(char::is_whitespace)?;
    let spec = find(&name.to_lowercase()).ok()?;
    (spec.argument == kind).then(|| argument.trim_start())
}

fn begun_with<'a>(begin: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let begin = begin.to_lowercase();
    words.filter(|word| word.to_lowercase().starts_with(&begin)).map(str::to_owned).collect()
}

/// Those that begin with it, then those that hold it elsewhere: the ends of ids differ.
fn begun_or_within(part: &str, words: &[String]) -> Vec<String> {
    let part = part.to_lowercase();
    let place = |word: &&String| word.to_lowercase().find(&part);
    let begun = words.iter().filter(|word| place(word) == Some(0));
    let within = words.iter().filter(|word| place(word).is_some_and(|at| at > 0));
    begun.chain(within).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, Command, Words, complete, parse};
    use crate::tui::model::Tab;

    #[test]
    fn commands_are_read() {
        let table = [
            ("tasks", Some(Command::Tab(Tab::Tasks))),
            (":Events", Some(Command::Tab(Tab::Events))),
            ("scale 7", Some(Command::Scale(7))),
            ("  scale   12 ", Some(Command::Scale(12))),
            ("kill", Some(Command::Kill(None))),
            ("kill web.0.1a2b", Some(Command::Kill(Some("web.0.1a2b".to_owned())))),
            ("logs x", Some(Command::Log(Some("x".to_owned())))),
            ("filter state: a b", Some(Command::Filter("state: a b".to_owned()))),
            ("filter", Some(Command::Filter(String::new()))),
            ("th mono", Some(Command::Theme("mono".to_owned()))),
            ("exp", Some(Command::Explain)),
            ("quit", Some(Command::Quit)),
            ("q", Some(Command::Quit)),
            (" : ", None),
        ];
        for (line, expected) in table {
            assert_eq!(parse(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_gets_a_hint() {
        let table = [
            ("tsaks", "there is no command :tsaks; did you mean :tasks?"),
            ("scael 5", "there is no command :scael; did you mean :scale?"),
            ("exti", "there is no command :exti; did you mean :exit?"),
            ("zzz", "there is no command :zzz; ? shows all"),
            ("s 5", ":s may be :scale or :sort or :save"),
            ("scale", ":scale N wants a number of tasks"),
            ("scale -1", ":scale N wants a number of tasks"),
            ("sort", ":sort COLUMN wants the head of a column"),
            ("theme", ":theme NAME wants dark, light, contrast, mono"),
            ("pause now", ":pause stands alone; `now` means nothing to it"),
        ];
        for (line, expected) in table {
            assert_eq!(parse(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn words_are_completed() {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let words = Words {
            tasks: owned(&["web.0.1a2b", "web.1.3c4d", "db.0.1a"]),
            columns: owned(&["ID", "STATE"]),
            groupings: owned(&["state", "agent", "none"]),
        };
        let table: [(&str, &[&str]); 9] = [
            ("t", &["tasks", "theme"]),
            ("  ex", &["explain"]),
            ("kill ", &["web.0.1a2b", "web.1.3c4d", "db.0.1a"]),
            ("kill we", &["web.0.1a2b", "web.1.3c4d"]),
            ("log 1a", &["web.0.1a2b", "db.0.1a"]),
            ("sort st", &["STATE"]),
            ("group a", &["agent", "state"]),
            ("theme m", &["mono"]),
            ("scale 1", &[]),
        ];
        for (line, expected) in table {
            assert_eq!(complete(line, &words), expected, "{line}");
        }
        assert_eq!(complete("", &words).len(), COMMANDS.len());
    }

    #[test]
    fn no_name_is_taken_twice() {
        let mut names: Vec<_> =
            COMMANDS.iter().flat_map(|spec| spec.aliases.iter().chain([&spec.name])).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
