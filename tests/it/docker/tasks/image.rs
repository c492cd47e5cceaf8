//! An image for tasks, from busybox alone: made once for a test process, and removed with its last user.

use std::{
    fs,
    sync::{Arc, Mutex, Weak},
};

use bollard::{
    Docker,
    query_parameters::{BuildImageOptionsBuilder, RemoveImageOptions},
};
use futures_util::StreamExt;
use mesoslab::{client::docker::Engine, runtime};

use crate::support::skipped;

/// Programs of busybox that the image has by their own names.
const PROGRAMS: [&str; 12] =
    ["sh", "sleep", "cat", "echo", "env", "httpd", "seq", "wget", "true", "false", "test", "touch"];

/// Where a static busybox may be on the machine that runs the tests.
const BUSYBOX: [&str; 2] = ["/usr/bin/busybox", "/bin/busybox"];

static KNOWN: Mutex<Weak<Image>> = Mutex::new(Weak::new());

pub struct Image {
    pub name: String,
}

/// Runs one thing against the engine.
pub fn with_engine<T>(work: impl AsyncFnOnce(&Docker) -> T) -> T {
    let done = runtime::block_on(async {
        let engine = Engine::connect().await.expect("an engine");
        work(engine.api()).await
    });
    done.expect("a runtime")
}

/// None, and said why, where no engine answers or there is no busybox.
pub fn image() -> Option<Arc<Image>> {
    if let Err(error) = runtime::block_on(Engine::connect()).expect("a runtime") {
        return skip(&error.to_string());
    }
    let Some(busybox) = BUSYBOX.iter().find_map(|path| fs::read(path).ok()) else {
        return skip("there is no static busybox");
    };
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(image) = known.upgrade() {
        return Some(image);
    }
    let image = Arc::new(Image { name: format!("mesoslab-test/task:{}", std::process::id()) });
    build(&image.name, &busybox);
    *known = Arc::downgrade(&image);
    Some(image)
}

fn skip<T>(why: &str) -> Option<T> {
    skipped(why);
    None
}

fn build(name: &str, busybox: &[u8]) {
    let dockerfile = "FROM scratch\nCOPY root /\nENV GREETING=hello\nWORKDIR /\n\
                      CMD [\"/bin/sh\", \"-c\", \"echo $GREETING from the image\"]\n";
    let mut context = tar::Builder::new(Vec::new());
    add(&mut context, "Dockerfile", dockerfile.as_bytes());
    add(&mut context, "root/bin/busybox", busybox);
    for program in PROGRAMS {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        context.append_link(&mut header, format!("root/bin/{program}"), "busybox").expect("a context");
    }
    let context = context.into_inner().expect("a context");
    with_engine(async |docker| {
        let options = BuildImageOptionsBuilder::default().t(name).rm(true).build();
        let body = bollard::body_full(context.into());
        let mut built = Box::pin(docker.build_image(options, None, Some(body)));
        while let Some(step) = built.next().await {
            step.expect("the image is built");
        }
    });
}

fn add(context: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    context.append_data(&mut header, path, bytes).expect("a context");
}

impl Drop for Image {
    fn drop(&mut self) {
        with_engine(async |docker| {
            let options = RemoveImageOptions { force: true, ..RemoveImageOptions::default() };
            let _gone = docker.remove_image(&self.name, Some(options), None).await;
        });
    }
}
