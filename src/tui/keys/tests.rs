//! The table of keys holds together.

use std::collections::HashSet;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::{
    keys::{Action, BINDINGS, Chord, Edit, Scope, action},
    model::Tab,
};

/// Every stack of scopes that `update::scopes` makes; `update`'s own tests hold it to these.
pub const STACKS: &[&[Scope]] = {
    use Scope as S;
    &[
        &[S::Prompt, S::Always],
        &[S::Question, S::Always],
        &[S::Log, S::Pane, S::Everywhere, S::Always],
        &[S::Detail, S::Pane, S::Everywhere, S::Always],
        &[S::Help, S::Pane, S::Everywhere, S::Always],
        &[S::Tabs, S::Everywhere, S::Always],
        &[S::Pane, S::Everywhere, S::Always],
        &[S::List, S::Tabs, S::Everywhere, S::Always],
        &[S::Tasks, S::List, S::Tabs, S::Everywhere, S::Always],
        &[S::Events, S::List, S::Tabs, S::Everywhere, S::Always],
    ]
};

#[test]
fn no_two_bindings_that_are_active_together_share_a_key() {
    for stack in STACKS {
        let mut seen: Vec<Chord> = Vec::new();
        for binding in stack.iter().flat_map(|scope| scope.bindings()) {
            for chord in binding.keys {
                assert!(!seen.contains(chord), "{chord} twice in {stack:?}");
                seen.push(*chord);
            }
        }
    }
}

/// A draft stands before the tab: what it takes over is what belongs to a number, and the tab gets it back.
#[test]
fn a_draft_takes_over_digits_enter_and_escape_only() {
    let others: HashSet<_> = STACKS[8]
        .iter()
        .chain(STACKS[9])
        .flat_map(|scope| scope.bindings())
        .collect::<Vec<_>>()
        .iter()
        .flat_map(|binding| binding.keys)
        .map(Chord::to_string)
        .collect();
    let mut taken: Vec<_> = Scope::Draft
        .bindings()
        .flat_map(|binding| binding.keys)
        .map(Chord::to_string)
        .filter(|key| others.contains(key))
        .collect();
    taken.sort();
    assert_eq!(taken, ["1", "2", "3", "4", "5", "6", "7", "Enter", "Esc"]);
}

#[test]
fn every_binding_has_keys_and_says_what_it_does() {
    for binding in BINDINGS {
        assert!(!binding.keys.is_empty() && !binding.help.is_empty(), "{binding:?}");
        assert!(binding.short.len() <= 10 && binding.help.len() <= 40, "{binding:?}");
        assert!(binding.keys.iter().all(|chord| pressed(*chord) == *chord), "{binding:?}");
    }
}

/// A `match` without a rest, so that a new action is not forgotten here.
#[test]
fn every_action_has_a_key() {
    use Action as A;
    let named = |action: &Action| match action {
        A::Quit
        | A::Back
        | A::Help
        | A::Tab(_)
        | A::NextTab
        | A::PreviousTab
        | A::Slide(_)
        | A::TypeNumber => {}
        A::Digit(_) | A::Backspace | A::Commit | A::Up | A::Down | A::PageUp | A::PageDown | A::First => {}
        A::Last | A::Open | A::Filter | A::Command | A::Sort | A::Reverse | A::Group | A::ShowEnded => {}
        A::Copy
        | A::Pause
        | A::Kill
        | A::Log
        | A::Shell
        | A::Explain
        | A::Save
        | A::NextTheme
        | A::Follow
        | A::Wrap => {}
        A::Search | A::NextMatch | A::PreviousMatch | A::OtherStream | A::Left | A::Right | A::Yes => {}
        A::No | A::Accept | A::Complete | A::CompleteBack | A::HistoryBack | A::HistoryForward => {}
        A::Edit(_) | A::Suspend => {}
    };
    let mut kinds: HashSet<_> = HashSet::new();
    for binding in BINDINGS {
        named(&binding.action);
        kinds.insert(std::mem::discriminant(&binding.action));
    }
    assert_eq!(kinds.len(), 49, "an action without a key");
    let tabs = BINDINGS.iter().filter(|binding| matches!(binding.action, Action::Tab(_)));
    assert!(tabs.map(|binding| binding.action).eq(Tab::ALL.map(Action::Tab)));
    let edits = BINDINGS.iter().filter(|binding| matches!(binding.action, Action::Edit(_)));
    assert_eq!(edits.count(), Edit::DeleteToEnd as usize + 1);
}

#[test]
fn what_terminals_disagree_about_is_one_key() {
    let list: &[Scope] = STACKS[8];
    let shift = KeyModifiers::SHIFT;
    let ctrl = KeyModifiers::CONTROL;
    let table = [
        (KeyCode::Char('G'), KeyModifiers::NONE, Action::Last),
        (KeyCode::Char('G'), shift, Action::Last),
        (KeyCode::Char('g'), shift, Action::Last),
        (KeyCode::Char('?'), shift, Action::Help),
        (KeyCode::Tab, shift, Action::PreviousTab),
        (KeyCode::BackTab, shift, Action::PreviousTab),
        (KeyCode::BackTab, KeyModifiers::NONE, Action::PreviousTab),
        (KeyCode::Char('D'), ctrl | shift, Action::PageDown),
        (KeyCode::Char('\r'), KeyModifiers::NONE, Action::Open),
        (KeyCode::Right, shift | KeyModifiers::SUPER, Action::Slide(10)),
    ];
    for (code, modifiers, expected) in table {
        let event = KeyEvent::new(code, modifiers);
        assert_eq!(action(list, event), Some(expected), "{event:?}");
    }
    assert_eq!(action(list, KeyEvent::new(KeyCode::Char('x'), KeyModifiers::ALT)), None);
}

#[test]
fn chords_are_written_as_people_do() {
    let written: Vec<_> = BINDINGS.iter().flat_map(|binding| binding.keys).map(Chord::to_string).collect();
    for name in
        ["Ctrl-d", "Shift-→", "G", "Space", "Alt-b", "Shift-Tab", "PgUp", "Esc", "Enter", "F1", "Backspace"]
    {
        assert!(written.iter().any(|key| key == name), "{name}");
    }
    for text in ["x", " ", "ä"] {
        let c = text.chars().next().unwrap();
        assert_eq!(Chord::typed(KeyEvent::from(KeyCode::Char(c))), Some(c));
    }
    assert_eq!(Chord::typed(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL)), None);
}

fn pressed(chord: Chord) -> Chord {
    Chord::of(KeyEvent::new(chord.0, chord.1))
}
