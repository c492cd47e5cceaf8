//! What the engine says of a lab's containers, and what they use from one look to the next.

use std::{collections::HashMap, time::Duration};

use crate::{
    client::docker::{
        Engine,
        containers::{self, Sample},
    },
    cluster::component::Container,
};

/// How long an engine may take to say all.
const PATIENCE: Duration = Duration::from_secs(3);

/// The engine of a lab, and what its containers had used when it was asked last.
#[derive(Default)]
pub struct Containers {
    engine: Option<Engine>,
    samples: HashMap<String, Sample>,
}

impl Containers {
    /// By component; empty where the engine does not answer.
    pub async fn look(&mut self, (place, lab): &(String, String)) -> HashMap<String, Container> {
        if self.engine.as_ref().is_none_or(|engine| engine.place().to_string() != *place) {
            self.engine = match place.parse() {
                Ok(place) => Engine::at(&place).await.ok(),
                Err(_) => None,
            };
        }
        let Some(engine) = &self.engine else { return HashMap::new() };
        let listed = tokio::time::timeout(PATIENCE, containers::of_lab(engine, lab)).await;
        let Ok(Ok(listed)) = listed else { return HashMap::new() };
        listed.into_iter().map(|container| self.used(container)).collect()
    }

    fn used(&mut self, container: containers::Container) -> (String, Container) {
        let containers::Container { service, state, restarts, sample, .. } = container;
        let last = match sample {
            Some(sample) => self.samples.insert(service.clone(), sample),
            None => self.samples.remove(&service),
        };
        let cores = sample.and_then(|sample| sample.cores_since(&last?));
        let memory = sample.map(|sample| sample.memory);
        (service, Container { state, restarts, cores, memory })
    }
}
