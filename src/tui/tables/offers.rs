//! The offers: what was offered, and what became of it.

use std::time::Duration;

use ratatui::text::{Line, Span};

use crate::{
    cluster::offer::{Offer, Verdict},
    tui::{
        list::rank::Rank,
        tables::{
            Column, Scene, Table,
            columns::{Width, age, left, number, plain, right, short_id, styled},
            meaning,
        },
        view::units,
    },
};

/// The column by which offers are sorted at first, the newest on top.
pub const AGE: usize = 6;

pub static TABLE: Table<Offer> = Table {
    columns: &[
        Column {
            head: left("offer", 4, Width::Fit { min: 6, max: 12 }),
            cell: |offer, _, width| plain(short_id(&offer.id), width),
            rank: Some(|offer| Rank::Text(short_id(&offer.id))),
        },
        Column {
            head: left("agent", 0, Width::Fit { min: 8, max: 30 }),
            cell: |offer, _, width| plain(&offer.agent, width),
            rank: Some(|offer| Rank::Text(&offer.agent)),
        },
        Column {
            head: right("cpus", 2, 5),
            cell: |offer, _, _| Line::from(units::amount(offer.resources.cpus)),
            rank: Some(|offer| Rank::Number(offer.resources.cpus)),
        },
        Column {
            head: right("mem", 2, 5),
            cell: |offer, _, _| Line::from(units::short_megabytes(offer.resources.mem)),
            rank: Some(|offer| Rank::Number(offer.resources.mem)),
        },
        Column {
            head: right("disk", 5, 5),
            cell: |offer, _, _| Line::from(units::short_megabytes(offer.resources.disk)),
            rank: Some(|offer| Rank::Number(offer.resources.disk)),
        },
        Column {
            head: right("ports", 6, 6),
            cell: |offer, _, _| number(offer.resources.ports),
            rank: Some(|offer| Rank::Number(offer.resources.ports as f64)),
        },
        Column {
            head: right("age", 0, 6),
            cell: |offer, scene, _| age(Some(offer.at), scene),
            rank: Some(|offer| Rank::age(Some(offer.at))),
        },
        Column {
            head: left("verdict", 0, Width::Fill { min: 18, good: 44, max: u16::MAX }),
            cell: verdict,
            rank: Some(|offer| Rank::Number(offer.verdict as u8 as f64)),
        },
        Column { head: right("filter", 3, 7), cell: filter, rank: Some(|offer| Rank::age(until(offer))) },
        Column {
            head: left("framework", 7, Width::Fit { min: 10, max: 24 }),
            cell: |offer, _, width| plain(&offer.framework, width),
            rank: Some(|offer| Rank::Text(&offer.framework)),
        },
    ],
    groupings: &[],
    id: |offer| &offer.id,
    order: |offer| offer.order,
    is_over: |_| false,
    texts: |offer, take| {
        [&offer.id, &*offer.agent, &offer.hostname, &offer.framework, &offer.role, &offer.reason]
            .into_iter()
            .any(&mut *take)
            || take(meaning::verdict(offer.verdict).word)
            || offer.tasks.iter().any(|task| take(task))
    },
};

/// `✗ declined: cpus: wants 8, offer has 3.9, for 5s`
fn verdict(offer: &Offer, scene: &Scene<'_>, width: u16) -> Line<'static> {
    let sign = meaning::verdict(offer.verdict);
    let style = sign.tone.style(scene.theme);
    let word = format!("{} {}", sign.symbol, sign.word);
    let rest = width.saturating_sub(word.chars().count() as u16);
    let mut spans = styled(&word, width, style).spans;
    let quiet = matches!(offer.verdict, Verdict::Rescinded | Verdict::Gone);
    let about = plain(&about(offer), rest).spans;
    spans.extend(about.into_iter().map(|span| if quiet { Span::styled(span.content, style) } else { span }));
    Line::from(spans)
}

fn about(offer: &Offer) -> String {
    let because = |reason: &str| if reason.is_empty() { String::new() } else { format!(": {reason}") };
    match offer.verdict {
        Verdict::Outstanding => format!(" with {}", offer.framework),
        Verdict::Accepted if offer.tasks.is_empty() => because(&offer.reason),
        Verdict::Accepted => format!(" for {}", offer.tasks.join(", ")),
        Verdict::Declined => {
            let seconds = Duration::try_from_secs_f64(offer.refuse_seconds).unwrap_or_default();
            format!("{}, for {}", because(&offer.reason), units::age(seconds))
        }
        Verdict::Rescinded => because(&offer.reason),
        Verdict::Gone => format!(": {} has answered, or it was taken back", offer.framework),
    }
}

/// How long nothing like it is offered again.
fn filter(offer: &Offer, scene: &Scene<'_>, width: u16) -> Line<'static> {
    match until(offer).map(|until| until.since(scene.now)) {
        Some(left) if !left.is_zero() => {
            let whole = Duration::from_secs(left.as_millis().div_ceil(1000) as u64);
            plain(&units::age(whole), width)
        }
        _ => styled("-", width, scene.theme.dim),
    }
}

fn until(offer: &Offer) -> Option<crate::mesos::time::Time> {
    let refused =
        matches!(offer.verdict, Verdict::Accepted | Verdict::Declined) && offer.refuse_seconds > 0.0;
    let seconds = Duration::try_from_secs_f64(offer.refuse_seconds).ok()?;
    refused.then(|| offer.at + seconds)
}
