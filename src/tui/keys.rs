//! Every key and what it does: one table, from which keys are looked up and from which the footer and the help are made.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::model::Tab;

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere but in prompts and questions.
    Everywhere,
    /// In every tab with rows.
    List,
    /// In the Tasks tab.
    Tasks,
    /// In the Events tab.
    Events,
    /// While another number of tasks is looked at.
    Draft,
    Detail,
    Log,
    Help,
    Question,
    /// While a line is typed: a filter, a command, a search.
    Prompt,
}

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Quit,
    Back,
    Help,
    Tab(Tab),
    NextTab,
    PreviousTab,
    /// By this many tasks.
    Slide(i64),
    TypeNumber,
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
    Explain,
    Save,
    NextTheme,
    Follow,
    Wrap,
    NextMatch,
    PreviousMatch,
    OtherStream,
    Left,
    Right,
    Yes,
    No,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub scope: Scope,
    pub keys: &'static [Chord],
    pub action: Action,
    /// What the help says.
    pub help: &'static str,
    /// What the footer says, in a word; empty: not there.
    pub short: &'static str,
}

/// A key with what is held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord(pub KeyCode, pub KeyModifiers);

const fn key(c: char) -> Chord {
    Chord(KeyCode::Char(c), KeyModifiers::NONE)
}

const fn code(code: KeyCode) -> Chord {
    Chord(code, KeyModifiers::NONE)
}

const fn ctrl(c: char) -> Chord {
    Chord(KeyCode::Char(c), KeyModifiers::CONTROL)
}

const fn shift(code: KeyCode) -> Chord {
    Chord(code, KeyModifiers::SHIFT)
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

/// All keys. The first binding that matches in the scope wins.
pub const BINDINGS: &[Binding] = {
    use Action as A;
    use KeyCode as K;
    use Scope as S;
    &[
        bind(S::Everywhere, &[key('?'), code(K::F(1))], A::Help, "help", "this help"),
        bind(S::Everywhere, &[key('1')], A::Tab(Tab::Overview), "", "the overview"),
        bind(S::Everywhere, &[key('2')], A::Tab(Tab::Offers), "", "the offers"),
        bind(S::Everywhere, &[key('3')], A::Tab(Tab::Tasks), "", "the tasks"),
        bind(S::Everywhere, &[key('4')], A::Tab(Tab::Agents), "", "the agents"),
        bind(S::Everywhere, &[key('5')], A::Tab(Tab::Frameworks), "", "the frameworks"),
        bind(S::Everywhere, &[key('6')], A::Tab(Tab::Components), "", "the components"),
        bind(S::Everywhere, &[key('7')], A::Tab(Tab::Events), "", "the events"),
        bind(S::Everywhere, &[code(K::Tab)], A::NextTab, "", "the next tab"),
        bind(S::Everywhere, &[code(K::BackTab), shift(K::BackTab)], A::PreviousTab, "", "the tab before"),
        bind(S::Everywhere, &[code(K::Right)], A::Slide(1), "scale", "one task more"),
        bind(S::Everywhere, &[code(K::Left)], A::Slide(-1), "", "one task less"),
        bind(S::Everywhere, &[shift(K::Right)], A::Slide(10), "", "ten tasks more"),
        bind(S::Everywhere, &[shift(K::Left)], A::Slide(-10), "", "ten tasks less"),
        bind(S::Everywhere, &[key('=')], A::TypeNumber, "", "type how many tasks"),
        bind(S::Everywhere, &[key('p')], A::Pause, "pause", "stand still, and go on"),
        bind(S::Everywhere, &[key('q'), ctrl('c')], A::Quit, "quit", "quit"),
    ]
};

/// What `event` means in the first of `scopes` that knows it.
pub fn action(scopes: &[Scope], event: KeyEvent) -> Option<Action> {
    let pressed = Chord::of(event);
    scopes.iter().find_map(|scope| {
        let mut bindings = BINDINGS.iter().filter(|binding| binding.scope == *scope);
        bindings.find(|binding| binding.keys.contains(&pressed)).map(|binding| binding.action)
    })
}

impl Chord {
    /// Capital letters carry no Shift of their own: terminals disagree about it.
    fn of(event: KeyEvent) -> Self {
        let modifiers = match event.code {
            KeyCode::Char(_) => event.modifiers - KeyModifiers::SHIFT,
            _ => event.modifiers,
        };
        Self(event.code, modifiers)
    }
}
