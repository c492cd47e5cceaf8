//! Every key and what it does: one table, from which keys are looked up and from which the footer and the help are made.

mod chord;
#[cfg(test)]
pub mod tests;

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::model::Tab;

pub use chord::Chord;
use chord::{alt, code, ctrl, key, shift};

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// While a line is typed: a filter, a command, a search.
    Prompt,
    Question,
    Log,
    Detail,
    Help,
    /// In everything that lies over a tab and scrolls.
    Pane,
    /// While another number of tasks is looked at.
    Draft,
    /// In the Tasks tab.
    Tasks,
    /// In the Events tab.
    Events,
    /// In every tab with rows.
    List,
    /// In every tab, while nothing lies over it.
    Tabs,
    /// Everywhere but in prompts and questions.
    Everywhere,
    /// Everywhere.
    Always,
}

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Quit,
    Suspend,
    Back,
    Help,
    Tab(Tab),
    NextTab,
    PreviousTab,
    /// By this many tasks.
    Slide(i64),
    TypeNumber,
    /// Of the number of tasks that is typed.
    Digit(u8),
    /// Takes back the last digit.
    Backspace,
    Commit,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Filter,
    Command,
    Sort,
    Reverse,
    Group,
    ShowEnded,
    Copy,
    Pause,
    Kill,
    Log,
    Shell,
    Explain,
    Save,
    NextTheme,
    Follow,
    Wrap,
    Search,
    NextMatch,
    PreviousMatch,
    OtherStream,
    Left,
    Right,
    Yes,
    No,
    /// What was typed is meant.
    Accept,
    Complete,
    CompleteBack,
    HistoryBack,
    HistoryForward,
    Edit(Edit),
}

/// What a key does to a line that is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    DeleteBack,
    Delete,
    DeleteWord,
    DeleteToHome,
    DeleteToEnd,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub scope: Scope,
    pub keys: &'static [Chord],
    pub action: Action,
    /// What the help says; neighbours that say the same share a line there.
    pub help: &'static str,
    /// What the footer says, in a word; empty: not there.
    pub short: &'static str,
}

const fn bind(
    scope: Scope,
    keys: &'static [Chord],
    action: Action,
    short: &'static str,
    help: &'static str,
) -> Binding {
    Binding { scope, keys, action, help, short }
}

/// All keys, the narrowest scopes first. Of a binding's keys the first is the one that the footer names.
pub const BINDINGS: &[Binding] = {
    use Action as A;
    use Edit as E;
    use KeyCode as K;
    use Scope as S;
    const DIGIT: &str = "type how many tasks";
    &[
        bind(S::Prompt, &[code(K::Enter)], A::Accept, "keep", "take what was typed"),
        bind(S::Prompt, &[code(K::Esc), ctrl('g')], A::Back, "drop", "leave everything as it was"),
        bind(S::Prompt, &[code(K::Tab)], A::Complete, "complete", "the next completion"),
        bind(S::Prompt, &[code(K::BackTab)], A::CompleteBack, "", "the completion before"),
        bind(S::Prompt, &[code(K::Up), ctrl('p')], A::HistoryBack, "", "what was typed before"),
        bind(S::Prompt, &[code(K::Down), ctrl('n')], A::HistoryForward, "", "what was typed after"),
        bind(S::Prompt, &[code(K::Left), ctrl('b')], A::Edit(E::Left), "", "a character left, right"),
        bind(S::Prompt, &[code(K::Right), ctrl('f')], A::Edit(E::Right), "", "a character left, right"),
        bind(
            S::Prompt,
            &[alt('b'), Chord::with_ctrl(K::Left)],
            A::Edit(E::WordLeft),
            "",
            "a word left, right",
        ),
        bind(
            S::Prompt,
            &[alt('f'), Chord::with_ctrl(K::Right)],
            A::Edit(E::WordRight),
            "",
            "a word left, right",
        ),
        bind(S::Prompt, &[ctrl('a'), code(K::Home)], A::Edit(E::Home), "", "the begin, the end of the line"),
        bind(S::Prompt, &[ctrl('e'), code(K::End)], A::Edit(E::End), "", "the begin, the end of the line"),
        bind(
            S::Prompt,
            &[code(K::Backspace), ctrl('h'), shift(K::Backspace)],
            A::Edit(E::DeleteBack),
            "",
            "delete a character",
        ),
        bind(S::Prompt, &[code(K::Delete), ctrl('d')], A::Edit(E::Delete), "", "delete a character"),
        bind(S::Prompt, &[ctrl('w')], A::Edit(E::DeleteWord), "", "delete the word before"),
        bind(S::Prompt, &[ctrl('u')], A::Edit(E::DeleteToHome), "", "delete to the begin, the end"),
        bind(S::Prompt, &[ctrl('k')], A::Edit(E::DeleteToEnd), "", "delete to the begin, the end"),
        bind(S::Question, &[key('y'), key('Y')], A::Yes, "yes", "do it"),
        bind(S::Question, &[key('n'), key('N'), code(K::Esc), key('q')], A::No, "no", "leave it"),
        bind(S::Log, &[key('f')], A::Follow, "follow", "stay at the end of the log, or stop that"),
        bind(S::Log, &[key('w')], A::Wrap, "wrap", "break long lines, or not"),
        bind(
            S::Log,
            &[code(K::Tab), key('o')],
            A::OtherStream,
            "stdout/err",
            "the other of stdout and stderr",
        ),
        bind(S::Log, &[key('/')], A::Search, "search", "search the log"),
        bind(S::Log, &[key('n')], A::NextMatch, "next", "the next match, the one before"),
        bind(S::Log, &[key('N')], A::PreviousMatch, "", "the next match, the one before"),
        bind(S::Log, &[code(K::Left), key('h')], A::Left, "", "to the left, to the right"),
        bind(S::Log, &[code(K::Right), key('l')], A::Right, "", "to the left, to the right"),
        bind(S::Log, &[key('y')], A::Copy, "copy", "copy the id of the task"),
        bind(S::Detail, &[code(K::Enter)], A::Open, "open", "open what the line names"),
        bind(S::Detail, &[key('l')], A::Log, "log", "the log of the task"),
        bind(S::Detail, &[key('o')], A::Shell, "shell", "a shell in the container of the task"),
        bind(S::Detail, &[key('x')], A::Kill, "kill", "kill the task, after a question"),
        bind(S::Detail, &[key('y')], A::Copy, "copy", "copy the id"),
        bind(S::Detail, &[key('e')], A::Explain, "explain", "why tasks are not running"),
        bind(S::Pane, &[key('q'), code(K::Esc), code(K::Backspace)], A::Back, "back", "back"),
        bind(S::Pane, &[key('j'), code(K::Down), ctrl('n')], A::Down, "", "a line down, up"),
        bind(S::Pane, &[key('k'), code(K::Up)], A::Up, "", "a line down, up"),
        bind(
            S::Pane,
            &[ctrl('d'), code(K::PageDown), key(' '), ctrl('f')],
            A::PageDown,
            "",
            "a page down, up",
        ),
        bind(S::Pane, &[ctrl('u'), code(K::PageUp), ctrl('b')], A::PageUp, "", "a page down, up"),
        bind(S::Pane, &[key('g'), code(K::Home)], A::First, "", "the begin, the end"),
        bind(S::Pane, &[key('G'), code(K::End)], A::Last, "", "the begin, the end"),
        bind(S::Draft, &[code(K::Enter)], A::Commit, "scale", "scale to the number that is looked at"),
        bind(S::Draft, &[code(K::Esc)], A::Back, "drop", "stay with the number as it is"),
        bind(S::Draft, &[key('0')], A::Digit(0), "", DIGIT),
        bind(S::Draft, &[key('1')], A::Digit(1), "", DIGIT),
        bind(S::Draft, &[key('2')], A::Digit(2), "", DIGIT),
        bind(S::Draft, &[key('3')], A::Digit(3), "", DIGIT),
        bind(S::Draft, &[key('4')], A::Digit(4), "", DIGIT),
        bind(S::Draft, &[key('5')], A::Digit(5), "", DIGIT),
        bind(S::Draft, &[key('6')], A::Digit(6), "", DIGIT),
        bind(S::Draft, &[key('7')], A::Digit(7), "", DIGIT),
        bind(S::Draft, &[key('8')], A::Digit(8), "", DIGIT),
        bind(S::Draft, &[key('9')], A::Digit(9), "", DIGIT),
        bind(S::Draft, &[code(K::Backspace), ctrl('h')], A::Backspace, "", "take back a digit"),
        bind(S::Tasks, &[key('l')], A::Log, "log", "the log of the task"),
        bind(S::Tasks, &[key('o')], A::Shell, "shell", "a shell in the container of the task"),
        bind(S::Tasks, &[key('x')], A::Kill, "kill", "kill the task, after a question"),
        bind(S::Tasks, &[key('O')], A::Group, "group", "group by state, by agent, or not"),
        bind(S::Tasks, &[key('a')], A::ShowEnded, "ended", "show the tasks that have ended, or not"),
        bind(S::Events, &[key('f')], A::Follow, "follow", "stay with the newest, or stop that"),
        bind(S::List, &[code(K::Enter)], A::Open, "open", "all about what is under the cursor"),
        bind(S::List, &[key('/')], A::Filter, "filter", "show only what matches"),
        bind(S::List, &[key('s')], A::Sort, "sort", "sort by the next column"),
        bind(S::List, &[key('R')], A::Reverse, "", "sort the other way round"),
        bind(S::List, &[key('y')], A::Copy, "copy", "copy the id"),
        bind(S::List, &[key('j'), code(K::Down), ctrl('n')], A::Down, "", "a row down, up"),
        bind(S::List, &[key('k'), code(K::Up)], A::Up, "", "a row down, up"),
        bind(S::List, &[ctrl('d'), code(K::PageDown), ctrl('f')], A::PageDown, "", "a page down, up"),
        bind(S::List, &[ctrl('u'), code(K::PageUp), ctrl('b')], A::PageUp, "", "a page down, up"),
        bind(S::List, &[key('g'), code(K::Home)], A::First, "", "the first row, the last row"),
        bind(S::List, &[key('G'), code(K::End)], A::Last, "", "the first row, the last row"),
        bind(S::List, &[code(K::Esc)], A::Back, "", "show all rows again"),
        bind(S::Tabs, &[code(K::Right), key('+')], A::Slide(1), "scale", "one task more, one less"),
        bind(S::Tabs, &[code(K::Left), key('-')], A::Slide(-1), "", "one task more, one less"),
        bind(S::Tabs, &[shift(K::Right), key('>')], A::Slide(10), "", "ten tasks more, ten less"),
        bind(S::Tabs, &[shift(K::Left), key('<')], A::Slide(-10), "", "ten tasks more, ten less"),
        bind(S::Tabs, &[key('=')], A::TypeNumber, "", DIGIT),
        bind(S::Tabs, &[key('1')], A::Tab(Tab::Overview), "", "the tabs"),
        bind(S::Tabs, &[key('2')], A::Tab(Tab::Offers), "", "the tabs"),
        bind(S::Tabs, &[key('3')], A::Tab(Tab::Tasks), "", "the tabs"),
        bind(S::Tabs, &[key('4')], A::Tab(Tab::Agents), "", "the tabs"),
        bind(S::Tabs, &[key('5')], A::Tab(Tab::Frameworks), "", "the tabs"),
        bind(S::Tabs, &[key('6')], A::Tab(Tab::Components), "", "the tabs"),
        bind(S::Tabs, &[key('7')], A::Tab(Tab::Events), "", "the tabs"),
        bind(S::Tabs, &[code(K::Tab)], A::NextTab, "", "the next tab, the one before"),
        bind(S::Tabs, &[code(K::BackTab)], A::PreviousTab, "", "the next tab, the one before"),
        bind(S::Tabs, &[key('e')], A::Explain, "explain", "why tasks are not running"),
        bind(S::Tabs, &[key('q')], A::Quit, "quit", "quit"),
        bind(S::Everywhere, &[key(':')], A::Command, "command", "type a command"),
        bind(S::Everywhere, &[key('?'), code(K::F(1))], A::Help, "help", "this help"),
        bind(S::Everywhere, &[key('p')], A::Pause, "", "hold the screen still, or go on"),
        bind(S::Everywhere, &[key('t')], A::NextTheme, "", "the next theme"),
        bind(S::Everywhere, &[key('S')], A::Save, "", "save the screen as text"),
        bind(S::Always, &[ctrl('c')], A::Quit, "", "quit"),
        bind(S::Always, &[ctrl('z')], A::Suspend, "", "back to the shell; fg continues"),
    ]
};

impl Scope {
    /// The head above its keys in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Prompt => "While typing",
            Self::Question => "In a question",
            Self::Log => "In a log",
            Self::Detail => "In a detail",
            Self::Help => "In the help",
            Self::Pane => "In a detail, a log, an explanation, the help",
            Self::Draft => "While another number of tasks is looked at",
            Self::Tasks => "In Tasks",
            Self::Events => "In Events",
            Self::List => "In every tab with rows",
            Self::Tabs => "In every tab",
            Self::Everywhere => "Everywhere",
            Self::Always => "Also while typing",
        }
    }

    pub fn bindings(self) -> impl Iterator<Item = &'static Binding> {
        BINDINGS.iter().filter(move |binding| binding.scope == self)
    }
}

/// What `event` means in the first of `scopes` that knows it.
pub fn action(scopes: &[Scope], event: KeyEvent) -> Option<Action> {
    let pressed = Chord::of(event);
    let mut bindings = scopes.iter().flat_map(|scope| scope.bindings());
    bindings.find(|binding| binding.keys.contains(&pressed)).map(|binding| binding.action)
}
