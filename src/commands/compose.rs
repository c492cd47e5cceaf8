//! `mesoslab compose`: the lab as a Compose file.

use crate::{
    cli,
    error::{Context, Result},
    provider::docker::{compose, images::Images, plan::Surroundings},
    settings::Settings,
    spec::SpecLayer,
};

pub fn run(settings: &Settings, args: &cli::Compose) -> Result<()> {
    let spec = settings.spec(SpecLayer {
        flavor: args.flavor,
        agent_count: args.agents.map(|count| count as usize),
        masters: args.masters.map(|count| count as usize),
        marathon: args.no_marathon.then_some(false),
        ..SpecLayer::default()
    })?;
    let around = Surroundings {
        images: Images::of(&spec).references(),
        ports: compose::ports(&spec),
        volumes_dir: args.volumes_dir.trim_end_matches('/').to_owned(),
        engine_socket: args.engine_socket.clone(),
    };
    let text = compose::file(&spec, &around).context("write the Compose file")?;
    settings.printer.data(text)
}
