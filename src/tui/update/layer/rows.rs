//! What prompts and commands ask of the tab with rows that is shown.

use crate::tui::{
    layer::command::nearest,
    model::{Model, Tab},
    tables::{self, columns::Head},
    update::list,
};

/// For all rows in one.
const NONE: &str = "none";

/// Its filter; none where there are no rows.
pub(super) fn filter(model: &Model) -> Option<String> {
    model.list().map(|list| list.filter().text().to_owned())
}

pub(super) fn set_filter(model: &mut Model, text: &str) {
    list::filter(model, text);
}

/// The heads of the columns that it can be sorted by, with their places.
fn sortable(model: &Model) -> Vec<(usize, &'static Head)> {
    let heads = tables::heads(&model.cluster, model.tab);
    let sortable = tables::sortable(&model.cluster, model.tab);
    let named = heads.into_iter().enumerate().zip(sortable);
    named.filter(|((_, head), sortable)| *sortable && !head.title.is_empty()).map(|(head, _)| head).collect()
}

pub(super) fn columns(model: &Model) -> Vec<String> {
    sortable(model).into_iter().map(|(_, head)| head.title.to_lowercase()).collect()
}

/// How tasks can be grouped: `state`, `agent`, `none`.
pub(super) fn groupings(model: &Model) -> Vec<String> {
    let names = tables::groupings(&model.cluster, Tab::Tasks).into_iter();
    names.map(short).chain([NONE]).map(str::to_owned).collect()
}

fn short(name: &str) -> &str {
    name.trim_start_matches("by ")
}

/// By the column of that head; the other way round when it is sorted by it already.
///
/// # Errors
/// When it has no such column.
pub(super) fn sort_by(model: &mut Model, column: &str) -> Result<(), String> {
    let wanted = column.to_lowercase();
    let columns = sortable(model);
    let found = columns.iter().find(|(_, head)| head.title.to_lowercase() == wanted);
    let found =
        found.or_else(|| columns.iter().find(|(_, head)| head.title.to_lowercase().starts_with(&wanted)));
    let Some((at, _)) = found else {
        let near = nearest(&wanted, columns.iter().map(|(_, head)| head.title));
        return Err(unknown("column", column, near, &self::columns(model)));
    };
    if let Some(list) = model.lists.of_mut(model.tab) {
        if list.sort().column == *at { list.reverse() } else { list.sort_by(*at) }
    }
    Ok(())
}

/// # Errors
/// When tasks cannot be grouped like that.
pub(super) fn group_by(model: &mut Model, how: &str) -> Result<(), String> {
    let wanted = how.to_lowercase();
    let names = groupings(model);
    let at = names.iter().position(|name| *name == short(&wanted));
    let Some(at) = at else {
        return Err(unknown("grouping", how, nearest(&wanted, names.iter().map(String::as_str)), &names));
    };
    let grouping = (names[at] != NONE).then_some(at);
    model.lists.tasks.group_by(grouping);
    Ok(())
}

fn unknown(what: &str, word: &str, near: Option<&str>, all: &[String]) -> String {
    let hint = match near {
        Some(near) => format!("did you mean {}?", near.to_lowercase()),
        None if all.is_empty() => "none here".to_owned(),
        None => format!("there are {}", all.join(", ")),
    };
    format!("there is no {what} {word}; {hint}")
}
