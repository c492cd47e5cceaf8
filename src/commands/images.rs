//! `mesoslab images`: what the lab of containers is made of, and whether it is there.

use futures_util::future;
use serde::Serialize;

use crate::{
    cli,
    client::docker::{Engine, EngineError},
    error::Result,
    printer::{Rows, megabytes},
    provider::docker::images::{ImageRef, Images, Source},
    settings::Settings,
    spec::SpecLayer,
};

/// One image, as `-o json` prints it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    component: &'a str,
    reference: &'a str,
    /// `built` or `pulled`.
    source: Source,
    present: bool,
    /// `sha256:...`, of an image that is present.
    id: Option<String>,
    /// `name@sha256:...`, of an image that a registry has.
    digest: Option<String>,
    /// In bytes, with the layers that it shares with others.
    size: Option<u64>,
}

pub async fn run(settings: &Settings, args: &cli::Images) -> Result<()> {
    let spec = settings.spec(SpecLayer { flavor: args.flavor.flavor, ..SpecLayer::default() })?;
    let images = Images::of(&spec);
    let engine = Engine::connect().await?;
    let rows = images.iter().map(|(component, image)| look(&engine, component, image));
    let rows = future::try_join_all(rows).await?;
    settings.printer.show(args.output.output, &rows, |wide| table(&rows, wide))
}

async fn look<'a>(
    engine: &Engine,
    component: &'a str,
    image: &'a ImageRef,
) -> std::result::Result<Row<'a>, EngineError> {
    let found = engine.image(&image.reference).await?;
    Ok(Row {
        component,
        reference: &image.reference,
        source: image.source,
        present: found.is_some(),
        size: found.as_ref().map(|found| found.bytes),
        digest: found.as_ref().and_then(|found| found.digests.first().cloned()),
        id: found.map(|found| found.id),
    })
}

fn table(images: &[Row<'_>], wide: bool) -> Rows {
    let mut head = vec!["component", "image", "comes", "there", "size", "id"];
    head.extend(wide.then_some("digest"));
    let mut rows = Rows::new(head);
    for image in images {
        let comes = match image.source {
            Source::Built => "built here",
            Source::Pulled => "pulled",
        };
        let id = image.id.as_deref().unwrap_or_default();
        let mut row = vec![
            image.component.to_owned(),
            image.reference.to_owned(),
            comes.to_owned(),
            if image.present { "yes" } else { "no" }.to_owned(),
            image.size.map(megabytes).unwrap_or_default(),
            if wide { id } else { short(id) }.to_owned(),
        ];
        row.extend(wide.then(|| image.digest.clone().unwrap_or_default()));
        rows.push(row);
    }
    rows
}

/// As `docker images` has it.
fn short(id: &str) -> &str {
    let hex = id.trim_start_matches("sha256:");
    hex.get(..12).unwrap_or(hex)
}
