//! `mesoslab completions` and `mesoslab man`: made from the command line's own description.

use std::{fs, path::Path};

use clap::CommandFactory;

use crate::{
    cli::Cli,
    error::{Context, Failure, Result},
    settings::Settings,
};

pub fn completions(settings: &Settings, shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mesoslab", &mut script);
    settings.printer.data(script)
}

pub fn man(settings: &Settings, directory: Option<&Path>) -> Result<()> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).context("write the manual page")?;
        return settings.printer.data(page);
    };
    fs::create_dir_all(directory).context(format_args!("make `{}`", directory.display()))?;
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(|error| Failure::failed(format!("failed to write the manual pages: {error}")))?;
    settings.printer.say(format!("wrote the manual pages to {}", directory.display()));
    Ok(())
}
