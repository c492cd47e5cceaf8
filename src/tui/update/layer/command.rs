//! What the commands of the command bar do.

use crate::{
    cluster::history::Weight,
    tui::{
        keys::Action,
        layer::command::Command,
        message::Effect,
        model::{Model, Tab},
        theme::Theme,
        update::{
            self,
            layer::{self, rows},
            slider,
        },
    },
};

pub(super) fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Tab(tab) => return go_to(model, tab),
        Command::Scale(wanted) => return slider::scale(model, wanted),
        Command::Kill(task) => layer::kill(model, task),
        Command::Log(task) => return layer::log::open(model, task),
        Command::Explain => return layer::act(model, Action::Explain),
        Command::Filter(text) => {
            let effects = layer::close_all(model);
            if rows::filter(model).is_none() {
                return effects
                    .into_iter()
                    .chain(refuse(model, "there are no rows here to filter"))
                    .collect();
            }
            rows::set_filter(model, &text);
            return effects;
        }
        Command::Sort(column) => return told(model, |model| rows::sort_by(model, &column)),
        Command::Group(how) => {
            let mut effects = go_to(model, Tab::Tasks);
            effects.extend(told(model, |model| rows::group_by(model, &how)));
            return effects;
        }
        Command::Theme(name) => match Theme::named(&name) {
            Ok(theme) => model.theme = theme,
            Err(problem) => return refuse(model, problem),
        },
        Command::Pause => return update::act(model, Action::Pause),
        Command::Save => return vec![Effect::Save],
        Command::Help => return layer::act(model, Action::Help),
        Command::Quit => return vec![Effect::Quit],
    }
    Vec::new()
}

fn go_to(model: &mut Model, tab: Tab) -> Vec<Effect> {
    let effects = layer::close_all(model);
    model.tab = tab;
    effects
}

fn told(model: &mut Model, work: impl FnOnce(&mut Model) -> Result<(), String>) -> Vec<Effect> {
    match work(model) {
        Ok(()) => Vec::new(),
        Err(problem) => refuse(model, problem),
    }
}

fn refuse(model: &mut Model, why: impl Into<String>) -> Vec<Effect> {
    model.notify(Weight::Warning, why);
    Vec::new()
}
