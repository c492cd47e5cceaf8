//! What an id may look like: it names a directory.

use super::{Checked, ensure};
use crate::mesos::v1::ContainerId;

/// The longest name that a file system takes, in bytes.
const NAME_MAX: usize = 255;
/// The longest container id, in bytes.
const MAX_CONTAINER_ID_LENGTH: usize = 242;

/// Checks the value of any id.
///
/// # Errors
/// The text of Mesos' `validateID`.
pub fn validate(id: &str) -> Checked {
    ensure(!id.is_empty(), "ID must not be empty")?;
    ensure(id.len() <= NAME_MAX, format!("ID must not be greater than {NAME_MAX} characters"))?;
    ensure(id != "." && id != "..", format!("'{id}' is disallowed"))?;
    let is_invalid = |byte: u8| byte.is_ascii_control() || matches!(byte, b'/' | b'\\');
    ensure(!id.bytes().any(is_invalid), format!("'{id}' contains invalid characters"))
}

/// Checks a container id and its parents.
///
/// # Errors
/// The text of Mesos' `validateContainerId`.
pub fn validate_container(id: &ContainerId) -> Checked {
    let value = &id.value;
    validate(value)?;
    ensure(
        value.len() <= MAX_CONTAINER_ID_LENGTH,
        format!("'ContainerID.value' '{value}' exceeds the maximum length ({MAX_CONTAINER_ID_LENGTH})"),
    )?;
    ensure(
        !value.contains(['.', ' ']),
        format!("'ContainerID.value' '{value}' contains invalid characters"),
    )?;
    let parent = id.parent.as_deref().map_or(Ok(()), validate_container);
    parent.map_err(|error| format!("'ContainerID.parent' is invalid: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_must_do_as_a_directory() {
        let text = |id: &str| validate(id).unwrap_err();
        assert_eq!(text(""), "ID must not be empty");
        assert_eq!(text(&"x".repeat(256)), "ID must not be greater than 255 characters");
        assert_eq!(text(".."), "'..' is disallowed");
        assert_eq!(text("a\\b"), "'a\\b' contains invalid characters");
        assert_eq!(text("a\nb"), "'a\nb' contains invalid characters");
        for good in ["a b", "...", "ä", &"x".repeat(255)] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_container_id_has_no_dots() {
        let child = ContainerId { value: "c".into(), parent: Some(Box::new(ContainerId::new("a.b"))) };
        assert_eq!(
            validate_container(&child).unwrap_err(),
            "'ContainerID.parent' is invalid: 'ContainerID.value' 'a.b' contains invalid characters"
        );
    }
}
