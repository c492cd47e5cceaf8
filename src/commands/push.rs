//! `mesoslab push`: the images of framework and task to the lab's registry.

use crate::{
    cli,
    client::docker::Engine,
    error::{Failure, Result},
    provider::docker::images::Images,
    settings::Settings,
    spec::SpecLayer,
};

pub async fn run(settings: &Settings, args: &cli::Push) -> Result<()> {
    let registry = match &args.to {
        Some(registry) => address(registry).to_owned(),
        None => of_lab(settings)?,
    };
    let images = Images::of(&settings.spec(SpecLayer::default())?);
    let engine = Engine::connect().await?;
    let board = settings.printer.board();
    let pushed = images.push(&engine, &registry, &|event| board.show(event)).await?;
    super::show_unless_table(settings, args.output.output, &pushed)
}

fn of_lab(settings: &Settings) -> Result<String> {
    let (_, record) = settings.running()?;
    match &record.endpoints.registry {
        Some(url) => Ok(address(url).to_owned()),
        None => Err(Failure::failed(format!("lab `{}` has no registry", record.spec.name))
            .hint("mesoslab up --provider docker, or mesoslab push --to 127.0.0.1:5000")),
    }
}

/// `127.0.0.1:5000` of `http://127.0.0.1:5000`.
fn address(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}
