//! Where cargo-fuzz looks for the corpus of a target: seeds are written there when they are missing.

use std::{fs, io, path::Path};

use crate::targets::seeds;

/// Writes the seeds of a target, those that are not there yet.
pub fn write(target: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("corpus").join(target);
    let write = || -> io::Result<()> {
        fs::create_dir_all(&corpus)?;
        for (number, seed) in seeds::of(target, &here.join("../golden"))?.into_iter().enumerate() {
            let path = corpus.join(format!("seed-{number}"));
            if !path.exists() {
                fs::write(path, seed)?;
            }
        }
        Ok(())
    };
    write().expect("the corpus can be written");
}
