//! What keys and messages do to a model, without a screen.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};

use crate::{
    cluster::{
        Change,
        history::{Happening, Kind, Weight},
        rows::Rows as _,
    },
    tui::{
        message::{Effect, Msg},
        model::{Model, Tab},
        tests::sample::{self, NOON},
        update::update,
    },
};

fn press(model: &mut Model, key: char) -> Vec<Effect> {
    update(model, NOON, Msg::Key(KeyEvent::from(KeyCode::Char(key))))
}

fn news(count: usize) -> Msg {
    let happening = Happening {
        at: NOON,
        kind: Kind::User,
        weight: Weight::Info,
        subject: String::new(),
        text: String::new(),
    };
    Msg::Changes(vec![(); count].into_iter().map(|()| Change::Happened(happening.clone())).collect())
}

#[test]
fn digits_go_to_tabs() {
    let mut model = sample::lab();
    for (digit, tab) in ('1'..='7').zip(Tab::ALL) {
        press(&mut model, digit);
        assert_eq!(model.tab, tab);
    }
    assert!(matches!(press(&mut model, 'q')[..], [Effect::Quit]));
}

#[test]
fn a_pause_holds_everything_back_until_it_ends() {
    let mut model = sample::lab();
    let before = model.cluster.history.len();
    press(&mut model, 'p');
    update(&mut model, NOON + Duration::from_secs(9), news(3));
    assert_eq!((model.cluster.history.len(), model.shown_at()), (before, NOON));
    press(&mut model, 'p');
    assert_eq!(model.cluster.history.len(), before + 3);
    assert_eq!(model.shown_at(), NOON + Duration::from_secs(9));
}

#[test]
fn a_pause_ends_by_itself_when_too_much_has_happened() {
    let mut model = sample::lab();
    press(&mut model, 'p');
    update(&mut model, NOON, news(50_000));
    assert!(model.pause.is_some() && model.notice.is_none());
    update(&mut model, NOON, news(1));
    assert!(model.pause.is_none() && model.notice.is_some());
}
