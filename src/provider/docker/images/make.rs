//! Building our own images, each when what it is made of has changed, and its parents before it.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{future, stream};

use crate::{
    client::docker::{Engine, EngineError, Event, Image, Order, Outcome, Watch, What},
    runtime,
};

use super::{
    Images, Source,
    context::{Context, Entry},
    ensure::{PresentImage, present_or_pulled},
    program, tools,
};

/// The hash of what an image is made of.
const CONTENT: &str = "mesoslab.content";

/// Which image of ours it is.
const NAME: &str = "mesoslab.image";

const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUPS: &str = "root:x:0:\nnogroup:x:65534:\n";
const NAME_SERVICES: &str = "hosts: files dns\n";

/// The Dockerfile of each component.
const DOCKERFILES: [(&str, &str); 8] = [
    ("zookeeper", include_str!("../../../../lab/images/zookeeper/Dockerfile")),
    ("exhibitor", include_str!("../../../../lab/images/exhibitor/Dockerfile")),
    ("master", include_str!("../../../../lab/images/master/Dockerfile")),
    ("agent", include_str!("../../../../lab/images/agent/Dockerfile")),
    ("marathon", include_str!("../../../../lab/images/marathon/Dockerfile")),
    ("registry", include_str!("../../../../lab/images/registry/Dockerfile")),
    ("framework", include_str!("../../../../lab/images/framework/Dockerfile")),
    ("task", include_str!("../../../../lab/images/task/Dockerfile")),
];

const BASE: &str = include_str!("../../../../lab/images/base/Dockerfile");
const SHELL: &str = include_str!("../../../../lab/images/shell/Dockerfile");
const SHELL_ON_BASE: &str = include_str!("../../../../lab/images/shell/Dockerfile.base");

/// What runs commands, and begins with a shell therefore.
fn wants_shell(component: &str) -> bool {
    matches!(component, "agent" | "task")
}

impl Images {
    /// Builds what is ours, or those components of it that are named, where it has changed; with `no_cache` in any case.
    ///
    /// # Errors
    /// The first image that cannot be built.
    pub async fn build(
        &self,
        engine: &Engine,
        names: &[String],
        no_cache: bool,
        watch: Watch<'_>,
    ) -> Result<BTreeMap<String, PresentImage>, EngineError> {
        let wanted: Vec<_> = self
            .iter()
            .filter(|(_, image)| image.source == Source::Built)
            .map(|(name, _)| name)
            .filter(|name| names.is_empty() || names.iter().any(|wanted| wanted == name))
            .collect();
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let maker = Maker { images: self, engine, no_cache, watch };
        let (with_shell, without): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|name| wants_shell(name));
        let base = maker.base().await?;
        let (plain, shelled) =
            future::try_join(maker.components(&without, &base), maker.on_shell(&with_shell, &base)).await?;
        let made = plain.into_iter().chain(shelled);
        Ok(made.map(|(name, made)| (name.to_owned(), made.image)).collect())
    }

    /// Writes the contexts of all images into `directory`, one directory each.
    ///
    /// # Errors
    /// When this machine's binary cannot run in a container, or the system says so.
    pub async fn write_contexts(&self, directory: &Path) -> Result<(), EngineError> {
        let write = |name: &str, context: &Context| {
            let written = context.write(&directory.join(name));
            written.map_err(|error| no_content(name, &error))
        };
        write("base", &base_context().ok_or_else(|| no_binary(&self.ours("base")))?)?;
        write("shell", &shell_context().await.map_err(|error| no_content("shell", &error))?)?;
        DOCKERFILES.into_iter().try_for_each(|(name, dockerfile)| write(name, &Context::new(dockerfile)))
    }
}

/// An image that others begin with.
struct Made {
    image: PresentImage,
    content: String,
}

/// One run of `build`.
struct Maker<'a> {
    images: &'a Images,
    engine: &'a Engine,
    no_cache: bool,
    watch: Watch<'a>,
}

impl<'a> Maker<'a> {
    /// Our binary, alone; where it cannot run in a container, what was built from the sources.
    async fn base(&self) -> Result<Made, EngineError> {
        if let Some(context) = base_context() {
            return self.make("base", context, HashMap::new(), "").await;
        }
        let reference = self.images.ours("base");
        match self.engine.image(&reference).await? {
            Some(Image { id, .. }) => {
                let image = PresentImage { reference, id: id.clone(), outcome: Outcome::Present };
                Ok(Made { image, content: id })
            }
            None => Err(no_binary(&reference)),
        }
    }

    async fn on_shell(
        &self,
        components: &[&'static str],
        base: &Made,
    ) -> Result<Vec<(&'static str, Made)>, EngineError> {
        if components.is_empty() {
            return Ok(Vec::new());
        }
        let shell = self.shell(base).await?;
        self.components(components, &shell).await
    }

    async fn shell(&self, base: &Made) -> Result<Made, EngineError> {
        let Some(reference) = &self.images.base else {
            let context =
                shell_context().await.map_err(|error| no_content(&self.images.ours("shell"), &error))?;
            return self.make("shell", context, on(&base.image.id), &base.content).await;
        };
        let below = present_or_pulled(self.engine, reference, self.watch).await?;
        let arguments = HashMap::from([
            ("BASE".to_owned(), reference.clone()),
            ("BINARY".to_owned(), base.image.id.clone()),
        ]);
        let parents = format!("{} {}", base.content, below.id);
        self.make("shell", Context::new(SHELL_ON_BASE), arguments, &parents).await
    }

    async fn components(
        &self,
        components: &[&'static str],
        parent: &Made,
    ) -> Result<Vec<(&'static str, Made)>, EngineError> {
        let dockerfiles = DOCKERFILES.into_iter().filter(|(name, _)| components.contains(name));
        let builds = dockerfiles.map(async |(name, dockerfile)| {
            let context = Context::new(dockerfile);
            Ok((name, self.make(name, context, on(&parent.image.id), &parent.content).await?))
        });
        future::try_join_all(builds).await
    }

    /// Builds an image, unless there is one that was made of the same.
    async fn make(
        &self,
        name: &str,
        context: Context,
        arguments: HashMap<String, String>,
        parents: &str,
    ) -> Result<Made, EngineError> {
        let reference = self.images.ours(name);
        let content = hash(&context, parents).await.map_err(|error| no_content(&reference, &error))?;
        let before = self.engine.image(&reference).await?;
        let same = before.as_ref().filter(|image| image.labels.get(CONTENT) == Some(&content));
        if let (Some(image), false) = (same, self.no_cache) {
            let what = What::Done(Outcome::Unchanged);
            (self.watch)(&Event { image: reference.clone(), what });
            let image = PresentImage { reference, id: image.id.clone(), outcome: Outcome::Unchanged };
            return Ok(Made { image, content });
        }
        let context = context.labelled(&[(NAME, name), (CONTENT, &content)]);
        let order = Order { reference, arguments, no_cache: self.no_cache };
        self.engine.build(&order, stream::iter(context.tar()), self.watch).await?;
        let image = self.built(order.reference, before).await?;
        Ok(Made { image, content })
    }

    /// The image that now has the name; the one that had it before goes, where nothing is made of it.
    async fn built(&self, reference: String, before: Option<Image>) -> Result<PresentImage, EngineError> {
        let missing = || EngineError::NoImage(format!("`{reference}`"));
        let image = self.engine.image(&reference).await?.ok_or_else(missing)?;
        if let Some(old) = before.filter(|old| old.id != image.id && old.tags.len() <= 1)
            && let Err(error) = self.engine.remove_image(&old.id).await
        {
            tracing::debug!(%error, image = old.id, "an old image stays");
        }
        Ok(PresentImage { reference, id: image.id, outcome: Outcome::Built })
    }
}

fn on(parent: &str) -> HashMap<String, String> {
    HashMap::from([("BASE".to_owned(), parent.to_owned())])
}

/// The hash takes its time, as the binary is large.
async fn hash(context: &Context, parents: &str) -> io::Result<String> {
    let (context, parents) = (context.clone(), parents.to_owned());
    runtime::compute(move || context.hash(&parents))
        .await
        .unwrap_or_else(|| Err(io::Error::other("the hash was not computed")))
}

/// None where this binary cannot run in a container.
fn base_context() -> Option<Context> {
    let binary = PathBuf::from("/proc/self/exe");
    let text = |text: &'static str| Entry::Text(Bytes::from_static(text.as_bytes()));
    program::is_static(&binary).then(|| {
        Context::new(BASE)
            .with("root/mesoslab", Entry::Program(binary))
            .with("root/etc/passwd", text(USERS))
            .with("root/etc/group", text(GROUPS))
            .with("root/etc/nsswitch.conf", text(NAME_SERVICES))
            .with("root/root", Entry::Directory(0o700))
            .with("root/tmp", Entry::Directory(0o1777))
    })
}

async fn shell_context() -> io::Result<Context> {
    tools::add_to(Context::new(SHELL)).await
}

fn no_content(image: &str, error: &io::Error) -> EngineError {
    EngineError::NoContent {
        image: image.to_owned(),
        reason: error.to_string(),
        remedy: "[images] base = \"debian:bookworm-slim\" in the lab file takes the tools of that image"
            .to_owned(),
    }
}

fn no_binary(image: &str) -> EngineError {
    EngineError::NoContent {
        image: image.to_owned(),
        reason: "this binary is no static Linux program".to_owned(),
        remedy: format!("in the source tree: docker build -t {image} -f lab/images/base/Dockerfile.source ."),
    }
}
