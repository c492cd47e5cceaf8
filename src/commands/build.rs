//! `mesoslab build`: our own images, as far as they have changed.

use std::path::Path;

use crate::{
    cli,
    client::docker::{Engine, Outcome},
    error::{Failure, Result},
    provider::docker::images::{Images, Source},
    settings::Settings,
    spec::SpecLayer,
};

pub async fn run(settings: &Settings, args: &cli::Build) -> Result<()> {
    let spec = settings.spec(SpecLayer { flavor: args.flavor.flavor, ..SpecLayer::default() })?;
    let images = Images::of(&spec);
    if let Some(directory) = &args.contexts {
        return contexts(settings, &images, directory).await;
    }
    args.names.iter().try_for_each(|name| check(&images, name))?;
    let engine = Engine::connect().await?;
    let board = settings.printer.board();
    let built = images.build(&engine, &args.names, args.no_cache, &|event| board.show(event)).await?;
    if built.values().all(|image| image.outcome == Outcome::Unchanged) {
        settings.printer.say(format!("  {} images, none has changed", built.len()));
    }
    super::show_unless_table(settings, args.output.output, &built)
}

async fn contexts(settings: &Settings, images: &Images, directory: &Path) -> Result<()> {
    images.write_contexts(directory).await?;
    settings.printer.say(format!("  wrote the contexts to {}", directory.display()));
    Ok(())
}

fn check(images: &Images, name: &str) -> Result<()> {
    match images.by_component.get(name) {
        Some(image) if image.source == Source::Built => Ok(()),
        Some(image) => Err(Failure::usage(format!("`{name}` is pulled, as {}", image.reference))
            .hint(format!("mesoslab build {name} --flavor lite"))),
        None => Err(Failure::usage(format!("the lab has no image `{name}`")).hint("mesoslab images")),
    }
}
