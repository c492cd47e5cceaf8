//! What one side said, held against what was recorded: the same messages in the same order, at about the same time.

use std::{collections::BTreeSet, time::Duration};

/// A recorded call reaches the master's decisions up to 45 ms late: client and kernel wait for each other.
const TOLERANCE: Duration = Duration::from_millis(100);

/// A message in words.
#[derive(Clone, Debug)]
pub struct Said {
    pub at: Duration,
    /// Order holds between messages of one process to another only.
    pub channel: String,
    /// Of its type, without the package.
    pub name: String,
    pub text: String,
}

/// One line for each difference.
pub fn differences(recorded: &[Said], ours: &[Said]) -> Vec<String> {
    let channels: BTreeSet<&str> = recorded.iter().chain(ours).map(|said| said.channel.as_str()).collect();
    let of = |said: &'_ [Said], channel: &str| -> Vec<Said> {
        said.iter().filter(|it| it.channel == channel).cloned().collect()
    };
    channels.iter().flat_map(|channel| in_channel(&of(recorded, channel), &of(ours, channel))).collect()
}

fn in_channel(recorded: &[Said], ours: &[Said]) -> Vec<String> {
    let names = |said: &[Said]| said.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let pairs = aligned(&names(recorded), &names(ours));
    let lines = pairs.into_iter().flat_map(|pair| match pair {
        (Some(should), Some(is)) => between(&recorded[should], &ours[is]),
        (Some(should), None) => vec![format!("{} is missing", recorded[should].name)],
        (None, Some(is)) => vec![format!("{} should not be there", ours[is].name)],
        (None, None) => Vec::new(),
    });
    lines.collect()
}

fn between(should: &Said, is: &Said) -> Vec<String> {
    let name = &should.name;
    let mut lines = Vec::new();
    if is.at + TOLERANCE < should.at {
        lines.push(format!("{name} comes earlier"));
    } else if should.at + TOLERANCE < is.at {
        lines.push(format!("{name} comes later"));
    }
    let in_lines = |said: &Said| said.text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (should, is) = (in_lines(should), in_lines(is));
    for pair in aligned(&should, &is) {
        match pair {
            (Some(at), None) => lines.push(format!("{name} lacks {}", should[at])),
            (None, Some(at)) => lines.push(format!("{name} has {}", is[at])),
            _ => {}
        }
    }
    lines
}

/// Pairs what is equal in both, as much as can be in order; the rest stands alone.
fn aligned<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut longest = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = if a[i] == b[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            pairs.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            pairs.push((Some(i), None));
            i += 1;
        } else {
            pairs.push((None, Some(j)));
            j += 1;
        }
    }
    pairs
}

#[test]
fn says_what_is_missing_and_what_is_different() {
    let said = |at, name: &str, text: &str| Said {
        at: Duration::from_millis(at),
        channel: "master".into(),
        name: name.into(),
        text: text.into(),
    };
    let recorded = [said(0, "A", "1\n2"), said(10, "B", ""), said(20, "C", "")];
    let ours = [said(5, "A", "1\n3"), said(200, "C", ""), said(200, "D", "")];
    let lines = ["A lacks 2", "A has 3", "B is missing", "C comes later", "D should not be there"];
    assert_eq!(differences(&recorded, &ours), lines);
    assert!(differences(&recorded, &recorded).is_empty());
}
