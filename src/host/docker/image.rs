//! Images of tasks: there, or pulled.

use bollard::query_parameters::CreateImageOptions;
use futures_util::StreamExt;

use super::{is_missing, reason};
use crate::client::docker::Engine;

/// Sees to it that an image is there.
pub(super) async fn provide(engine: &Engine, image: &str, force_pull: bool) -> Result<(), String> {
    if !force_pull {
        match engine.api().inspect_image(image).await {
            Ok(_) => return Ok(()),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(format!("Failed to find image '{image}': {}", reason(&error))),
        }
    }
    tracing::info!(image, "pulling an image");
    let (name, tag) = name_and_tag(image);
    let options = CreateImageOptions {
        from_image: Some(name.to_owned()),
        tag: tag.map(str::to_owned),
        ..CreateImageOptions::default()
    };
    let mut pulled = Box::pin(engine.api().create_image(Some(options), None, None));
    while let Some(step) = pulled.next().await {
        step.map_err(|error| format!("Failed to pull image '{image}': {}", reason(&error)))?;
    }
    Ok(())
}

/// An image without tag and digest is its `latest`, not all of its tags.
fn name_and_tag(image: &str) -> (&str, Option<&str>) {
    if image.contains('@') {
        return (image, None);
    }
    let path = image.rfind('/').map_or(0, |at| at + 1);
    match image[path..].rfind(':') {
        Some(at) => (&image[..path + at], Some(&image[path + at + 1..])),
        None => (image, Some("latest")),
    }
}

#[cfg(test)]
mod tests {
    use super::name_and_tag;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(name_and_tag("busybox"), ("busybox", Some("latest")));
        assert_eq!(name_and_tag("127.0.0.1:5000/a/b:1"), ("127.0.0.1:5000/a/b", Some("1")));
        assert_eq!(name_and_tag("127.0.0.1:5000/a"), ("127.0.0.1:5000/a", Some("latest")));
        assert_eq!(name_and_tag("a@sha256:12"), ("a@sha256:12", None));
    }
}
