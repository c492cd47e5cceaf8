//! `mesoslab init`: a lab file to start from.

use std::{fs, io::Write};

use crate::{
    cli,
    error::{Context, Failure, Result},
    settings::Settings,
};

pub fn run(settings: &Settings, args: &cli::Init) -> Result<()> {
    let path = args.path.display();
    let mut options = fs::OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(&args.path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::failed(format!("`{path}` is there already"))
            .hint(format!("mesoslab init {path} --force")),
        _ => Failure::failed(format!("failed to write `{path}`: {error}")),
    })?;
    file.write_all(crate::spec::DEFAULT_FILE.as_bytes()).context(format_args!("write `{path}`"))?;
    settings.printer.say(format!("wrote {path}; change it, then: mesoslab up"));
    Ok(())
}
