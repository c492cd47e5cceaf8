//! Building an image by the engine's own builder: the context goes as a tar, steps and their output come back.

use std::{
    collections::{HashMap, VecDeque},
    io,
};

use bollard::query_parameters::BuildImageOptionsBuilder;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::{
    Engine, EngineError,
    progress::{Outcome, Teller, Watch, What},
};

/// How many lines of a failed step are shown.
const OUTPUT: usize = 20;

/// What is to be built.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// What the image is called.
    pub reference: String,
    pub arguments: HashMap<String, String>,
    /// Every step anew.
    pub no_cache: bool,
}

impl Engine {
    /// Builds what `context`, a tar with a `Dockerfile`, says.
    ///
    /// # Errors
    /// The step that failed, with its last lines.
    pub async fn build(
        &self,
        order: &Order,
        context: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        watch: Watch<'_>,
    ) -> Result<(), EngineError> {
        let options = BuildImageOptionsBuilder::default()
            .t(&order.reference)
            .buildargs(&order.arguments)
            .nocache(order.no_cache)
            .rm(true)
            .forcerm(true)
            .build();
        let mut lines = self.api().build_image(options, None, Some(bollard::body_try_stream(context)));
        let mut run = Run::new(Teller { image: &order.reference, watch });
        while let Some(line) = lines.next().await {
            match line {
                Ok(info) => run.hear(info.stream.as_deref().unwrap_or_default()),
                Err(error) => return Err(run.failed(error.into())),
            }
        }
        run.teller.tell(What::Done(Outcome::Built));
        Ok(())
    }
}

/// A build that goes on.
struct Run<'a> {
    teller: Teller<'a>,
    /// As the engine says it: `Step 2/3 : COPY root/ /`.
    step: String,
    /// Of this step, the last lines.
    output: VecDeque<String>,
    /// What comes in pieces, up to its line feed.
    rest: String,
}

impl<'a> Run<'a> {
    fn new(teller: Teller<'a>) -> Self {
        Self { teller, step: String::new(), output: VecDeque::new(), rest: String::new() }
    }

    fn hear(&mut self, text: &str) {
        self.rest.push_str(text);
        while let Some((line, rest)) = self.rest.split_once('\n') {
            let (line, rest) = (line.trim_end().to_owned(), rest.to_owned());
            self.rest = rest;
            self.line(line);
        }
    }

    fn line(&mut self, line: String) {
        if let Some((at, of, text)) = step(&line) {
            self.teller.tell(What::Step { at, of, text: text.to_owned() });
            self.step = line;
            self.output.clear();
        } else if !line.is_empty()
            && !line.starts_with(" ---> ")
            && !line.starts_with("Removing intermediate")
        {
            self.output.push_back(line);
            self.output.drain(..self.output.len().saturating_sub(OUTPUT));
        }
    }

    fn failed(mut self, error: EngineError) -> EngineError {
        let rest = std::mem::take(&mut self.rest);
        self.line(rest);
        let reason = match error {
            EngineError::Other(reason) | EngineError::NotFound(reason) => reason,
            other => return other,
        };
        EngineError::Build {
            image: self.teller.image.to_owned(),
            step: if self.step.is_empty() { "the context".to_owned() } else { self.step },
            reason,
            output: self.output.into(),
        }
    }
}

/// `Step 2/3 : COPY root/ /`, and podman's `STEP 2/3: COPY root/ /`.
fn step(line: &str) -> Option<(u32, u32, &str)> {
    let rest = line.strip_prefix("Step ").or_else(|| line.strip_prefix("STEP "))?;
    let (count, text) = rest.split_once(':')?;
    let (at, of) = count.trim().split_once('/')?;
    Some((at.parse().ok()?, of.parse().ok()?, text.trim()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{super::progress::Event, *};

    #[test]
    fn steps_are_told_and_a_failed_one_shows_its_last_lines() {
        let told = Mutex::new(Vec::new());
        let watch = |event: &Event| told.lock().expect("a lock").push(event.what.clone());
        let mut run = Run::new(Teller { image: "mesoslab/task", watch: &watch });
        run.hear("Step 1/2 : FROM scratch\n --->");
        run.hear(" \nStep 2/2 : RUN cc\n");
        (0..30).for_each(|at| run.hear(&format!("line {at}\n")));
        run.hear("no line feed");
        let error = run
            .failed(EngineError::Other("The command '/bin/sh -c cc' returned a non-zero code: 1".to_owned()));
        assert_eq!(
            error.to_string(),
            "build image `mesoslab/task`: Step 2/2 : RUN cc: The command '/bin/sh -c cc' returned a non-zero code: 1"
        );
        assert_eq!(
            (error.seen().len(), error.seen().last().map(String::as_str)),
            (OUTPUT, Some("no line feed"))
        );
        let steps = told.lock().expect("a lock").clone();
        let expected = [(1, "FROM scratch"), (2, "RUN cc")];
        assert_eq!(steps, expected.map(|(at, text)| What::Step { at, of: 2, text: text.to_owned() }));
    }

    #[test]
    fn a_full_disk_is_no_mistake_of_a_dockerfile() {
        let run = Run::new(Teller { image: "a", watch: &|_| {} });
        let full = EngineError::NoSpace("write /mesoslab: no space left on device".to_owned());
        assert_eq!(run.failed(full.clone()), full);
    }
}
