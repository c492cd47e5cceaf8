//! Images that are built, pulled or pushed: on a terminal one line each that changes, in a pipe a line for what has
//! happened (`-v`: for every step and layer).

use std::{collections::BTreeMap, sync::Mutex};

use indicatif::ProgressBar;

use crate::client::docker::{Event, Outcome, What};

use super::Printer;

/// Draws what happens to images.
#[derive(Debug)]
pub struct Board<'a> {
    printer: &'a Printer,
    images: Mutex<BTreeMap<String, Line>>,
}

#[derive(Debug, Default)]
struct Line {
    bar: Option<ProgressBar>,
    layers: Layers,
}

/// What is known of the layers of one image.
#[derive(Debug, Default)]
struct Layers(BTreeMap<String, (String, u64, u64)>);

impl Printer {
    /// For what happens to images from now on.
    pub fn board(&self) -> Board<'_> {
        Board { printer: self, images: Mutex::default() }
    }
}

impl Board<'_> {
    /// Shows `event`.
    pub fn show(&self, event: &Event) {
        let mut images = self.images.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let line = images.entry(event.image.clone()).or_default();
        let text = line.layers.words(&event.what);
        match &event.what {
            What::Done(outcome) => {
                if let Some(bar) = line.bar.take() {
                    bar.finish_and_clear();
                }
                self.done(&event.image, *outcome);
            }
            What::Retry { .. } => self.printer.say(format!("  {} {}: {text}", self.mark(), event.image)),
            _ if self.printer.draws() => {
                let bar = line.bar.get_or_insert_with(|| self.printer.spinner(""));
                bar.set_message(format!("{}: {text}", event.image));
            }
            What::Step { .. } => self.printer.detail(format!("  {}: {text}", event.image)),
            What::Layer { id, status, .. } if has_ended(status) => {
                self.printer.detail(format!("  {}: {id} {}", event.image, status.to_lowercase()));
            }
            What::Layer { .. } => {}
        }
    }

    fn done(&self, image: &str, outcome: Outcome) {
        let line = format!("  {} {image} {}", self.printer.tick(), outcome.word());
        match outcome {
            Outcome::Built | Outcome::Pulled | Outcome::Pushed => self.printer.say(line),
            Outcome::Unchanged | Outcome::Present => self.printer.detail(line),
        }
    }

    fn mark(&self) -> String {
        self.printer.paint("33", "!")
    }
}

impl Layers {
    /// What there is to say after `what`.
    fn words(&mut self, what: &What) -> String {
        match what {
            What::Step { at, of, text } => format!("step {at}/{of} {text}"),
            What::Retry { after, reason } => format!("{reason}; again in {:.1} s", after.as_secs_f64()),
            What::Done(outcome) => outcome.word().to_owned(),
            What::Layer { id, status, current, total } => self.heard(id, status, *current, *total),
        }
    }

    fn heard(&mut self, id: &str, status: &str, current: u64, total: Option<u64>) -> String {
        if !id.is_empty() && !status.starts_with("Pulling from") {
            let layer = self.0.entry(id.to_owned()).or_default();
            layer.0 = status.to_owned();
            layer.2 = layer.2.max(total.unwrap_or_default());
            // A layer is read once from the registry, and once more when it is unpacked.
            layer.1 =
                if has_ended(status) || status == "Extracting" { layer.2 } else { layer.1.max(current) };
        }
        let ended = self.0.values().filter(|(status, ..)| has_ended(status)).count();
        let (current, total) = self.0.values().fold((0, 0), |sum, (_, at, of)| (sum.0 + at, sum.1 + of));
        match (self.0.len(), total) {
            (0, _) => status.to_lowercase(),
            (all, 0) => format!("{ended}/{all} layers"),
            (all, _) => format!("{ended}/{all} layers, {} of {}", megabytes(current), megabytes(total)),
        }
    }
}

/// Whether nothing more happens to a layer.
fn has_ended(status: &str) -> bool {
    ["Pull complete", "Already exists", "Pushed", "Layer already exists"].contains(&status)
        || status.starts_with("Mounted from")
}

/// `20.3 MB`.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn layer(id: &str, status: &str, current: u64, total: u64) -> What {
        let total = Some(total).filter(|total| *total > 0);
        What::Layer { id: id.to_owned(), status: status.to_owned(), current, total }
    }

    #[test]
    fn layers_are_summed_up() {
        let mut layers = Layers::default();
        let words = [
            layer("3.9", "Pulling from library/zookeeper", 0, 0),
            layer("a", "Pulling fs layer", 0, 0),
            layer("b", "Already exists", 0, 0),
            layer("a", "Downloading", 1_000_000, 4_000_000),
            layer("a", "Extracting", 100, 4_000_000),
            layer("a", "Pull complete", 0, 0),
        ]
        .map(|what| layers.words(&what));
        let expected = [
            "pulling from library/zookeeper",
            "0/1 layers",
            "1/2 layers",
            "1/2 layers, 1.0 MB of 4.0 MB",
            "1/2 layers, 4.0 MB of 4.0 MB",
            "2/2 layers, 4.0 MB of 4.0 MB",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn steps_and_new_tries_are_said() {
        let mut layers = Layers::default();
        let step = What::Step { at: 2, of: 3, text: "COPY root/ /".to_owned() };
        assert_eq!(layers.words(&step), "step 2/3 COPY root/ /");
        let again = What::Retry { after: Duration::from_millis(400), reason: "no such host".to_owned() };
        assert_eq!(layers.words(&again), "no such host; again in 0.4 s");
    }
}
