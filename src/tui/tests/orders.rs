//! Lists that are kept up to date piece by piece are what they would be if they were made anew.

use std::{cmp::Ordering, collections::BTreeMap};

use crossterm::event::{KeyCode, KeyEvent};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use crate::{
    cluster::{
        rows::{Key, Rows as _},
        task::Task,
    },
    mesos::v1::TaskState,
    tui::{
        list::{
            Line, List,
            rank::{Rank, natural},
        },
        message::Msg,
        model::{Model, Tab},
        tables::{meaning, tasks::TABLE},
        tests::sample::{self, NOON},
        update::{list, settle, update},
    },
};

#[derive(Clone, Debug)]
enum Step {
    Put {
        slot: u32,
        state: TaskState,
        agent: u8,
    },
    Remove(u32),
    /// Everything at once, in another order.
    Snapshot,
    Press(KeyCode),
    Filter(&'static str),
    /// A picture is made.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let states = [
        TaskState::TaskRunning,
        TaskState::TaskStaging,
        TaskState::TaskFailed,
        TaskState::TaskKilled,
        TaskState::TaskUnreachable,
    ];
    let put = (0_u32..40, 0..states.len(), any::<u8>());
    let keys: Vec<_> =
        "jjkgGsRoa".chars().map(KeyCode::Char).chain([KeyCode::Enter, KeyCode::PageDown]).collect();
    prop_oneof![
        6 => put.prop_map(move |(slot, state, agent)| Step::Put { slot, state: states[state], agent: agent % 4 }),
        3 => (0_u32..40).prop_map(Step::Remove),
        1 => Just(Step::Snapshot),
        4 => proptest::sample::select(keys).prop_map(Step::Press),
        2 => proptest::sample::select(vec!["", "1", "we", "web.1", "agent-2", "fail|kill", "!agent-1", "none"])
            .prop_map(Step::Filter),
        8 => Just(Step::Look),
    ]
}

fn take(model: &mut Model, step: &Step) {
    let tasks = &mut model.cluster.tasks;
    match step {
        Step::Put { slot, state, agent } => {
            let mut task = sample::task(u64::from(*slot), *slot, *state);
            task.agent = format!("agent-{agent}").into();
            tasks.put(&task.id.clone(), task);
        }
        Step::Remove(slot) => {
            let id = sample::task(u64::from(*slot), *slot, TaskState::TaskRunning).id;
            tasks.remove(&id);
        }
        Step::Snapshot => {
            let mut rows: Vec<_> = tasks.iter().cloned().collect();
            rows.reverse();
            tasks.clear();
            for row in rows {
                tasks.put(&row.id.clone(), row);
            }
        }
        Step::Press(code) => {
            update(model, NOON, Msg::Key(KeyEvent::from(*code)));
        }
        Step::Filter(text) => list::filter(model, text),
        Step::Look => settle(model),
    }
}

/// The rows that are let through, in their order, made without anything that was kept.
fn expected(model: &Model, list: &List) -> Vec<(Key, Task)> {
    let texts = |task: &Task| -> Vec<String> {
        let word = meaning::task(task.state).word.to_owned();
        vec![task.id.clone(), task.name.clone(), word, task.agent.to_string(), task.framework.to_string()]
    };
    let passes = |task: &Task| match list.filter().text() {
        "fail|kill" => texts(task).iter().any(|text| text.contains("fail") || text.contains("kill")),
        "!agent-1" => !texts(task).iter().any(|text| text.contains("agent-1")),
        part => texts(task).iter().any(|text| text.contains(part)),
    };
    let tasks = &model.cluster.tasks;
    let all = tasks.keys().filter_map(|key| Some((key, tasks.get(key)?.clone())));
    let mut rows: Vec<_> =
        all.filter(|(_, task)| passes(task) && (list.shows_ended() || !task.is_over())).collect();
    rows.sort_by(|a, b| compare(list, a, b));
    rows
}

fn compare(list: &List, (a_key, a): &(Key, Task), (b_key, b): &(Key, Task)) -> Ordering {
    let rank = TABLE.columns[list.sort().column].rank.unwrap();
    let turn = |order: Ordering| if list.sort().reverse { order.reverse() } else { order };
    let by_rank = match (rank(a), rank(b)) {
        (Rank::Nothing, Rank::Nothing) => Ordering::Equal,
        (Rank::Nothing, _) => Ordering::Greater,
        (_, Rank::Nothing) => Ordering::Less,
        (Rank::Number(a), Rank::Number(b)) => turn(a.total_cmp(&b)),
        (Rank::Text(a), Rank::Text(b)) => turn(natural(a).cmp(natural(b))),
        mixed => panic!("{mixed:?}"),
    };
    a.is_over().cmp(&b.is_over()).then(by_rank).then(a.order.cmp(&b.order)).then(a_key.cmp(b_key))
}

/// As the lines of the screen: heads by their title, rows by their key.
fn lines_of(list: &List, rows: &[(Key, Task)]) -> Vec<String> {
    let Some(grouping) = list.grouping() else {
        return rows.iter().map(|(key, _)| key.to_string()).collect();
    };
    let mut groups: BTreeMap<(u8, &str), Vec<Key>> = BTreeMap::new();
    for (key, task) in rows {
        groups.entry((TABLE.groupings[grouping].group)(task)).or_default().push(*key);
    }
    let folded = |title: &str| list.groups().iter().any(|group| group.title == title && group.folded);
    let mut lines = Vec::new();
    for ((_, title), keys) in groups {
        lines.push(format!("{title} {}", keys.len()));
        if !folded(title) {
            lines.extend(keys.iter().map(Key::to_string));
        }
    }
    lines
}

fn written(list: &List) -> Vec<String> {
    let write = |line: &Line| match line {
        Line::Head(group) => {
            let group = &list.groups()[*group as usize];
            format!("{} {}", group.title, group.count)
        }
        Line::Row(key) => key.to_string(),
    };
    list.lines().iter().map(write).collect()
}

fn check(model: &Model, stays: Option<&str>) {
    let list = model.list().unwrap();
    let rows = expected(model, list);
    assert_eq!(written(list), lines_of(list, &rows));
    assert_eq!(list.counts(), (rows.len(), model.cluster.tasks.len()));
    if list.lines().is_empty() {
        assert_eq!((list.at(), list.top(), list.row()), (0, 0, None));
        return;
    }
    let (top, seen) = list.seen();
    assert!((top..top + seen.len()).contains(&list.at()), "the cursor is seen");
    assert!(seen.len() == list.height() || top == 0, "no room is wasted");
    let under = list.lines()[list.at()].key();
    assert_eq!(list.row().map(|(key, _)| key), under);
    let task = under.map(|key| model.cluster.tasks.get(key).unwrap());
    assert_eq!(list.row().map(|(_, id)| id), task.map(|task| task.id.as_str()));
    if let Some(id) = stays {
        let still = rows.iter().find(|(_, task)| task.id == id).map(|(key, _)| Line::Row(*key));
        if still.is_some_and(|line| list.lines().contains(&line)) {
            assert_eq!(task.map(|task| task.id.as_str()), Some(id), "the cursor stays on its row");
        }
    }
}

fn moves(step: &Step) -> bool {
    let keys = ['j', 'k', 'g', 'G'].map(KeyCode::Char);
    matches!(step, Step::Press(code) if keys.contains(code) || *code == KeyCode::PageDown)
}

proptest! {
    #[test]
    fn pieces_make_the_whole(steps in proptest::collection::vec(step(), 1..80)) {
        let mut model = sample::empty();
        model.tab = Tab::Tasks;
        let mut stays = None;
        for step in &steps {
            take(&mut model, step);
            if moves(step) {
                stays = None;
            }
            if matches!(step, Step::Look) {
                check(&model, stays.as_deref());
                stays = model.list().unwrap().row().map(|(_, id)| id.to_owned());
            }
        }
    }
}
