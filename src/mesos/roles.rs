//! Role names: which are valid, and which lies below which (`eng/dev` below `eng`).

/// The role of resources that nobody reserved.
pub const ANY: &str = "*";

const INVALID: [char; 7] = ['\t', '\n', '\u{b}', '\u{c}', '\r', ' ', '\u{7f}'];

/// Whether `role` lies strictly below `ancestor`.
pub fn is_strict_subrole_of(role: &str, ancestor: &str) -> bool {
    role.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}

/// Checks a role name.
///
/// # Errors
/// Mesos' own text (`src/common/roles.cpp`).
pub fn validate(role: &str) -> Result<(), String> {
    if role == ANY {
        return Ok(());
    }
    if role.starts_with('/') {
        return Err(format!("Role '{role}' cannot start with a slash"));
    }
    if role.ends_with('/') {
        return Err(format!("Role '{role}' cannot end with a slash"));
    }
    if role.contains("//") {
        return Err(format!("Role '{role}' cannot contain two adjacent slashes"));
    }
    if role.is_empty() {
        return Err("Role names cannot be the empty string".into());
    }
    role.split('/').try_for_each(|component| validate_component(role, component))
}

fn validate_component(role: &str, component: &str) -> Result<(), String> {
    if matches!(component, "." | ".." | ANY) {
        return Err(format!("Role '{role}' cannot include '{component}' as a component"));
    }
    let reason = if component.starts_with('-') {
        "it starts with a dash"
    } else if component.contains(INVALID) {
        "it contains backspace or whitespace"
    } else {
        return Ok(());
    };
    Err(format!("Role component '{component}' is invalid because {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_name() {
        let text = |role| validate(role).unwrap_err();
        assert_eq!(text("/a"), "Role '/a' cannot start with a slash");
        assert_eq!(text("a/"), "Role 'a/' cannot end with a slash");
        assert_eq!(text("a//b"), "Role 'a//b' cannot contain two adjacent slashes");
        assert_eq!(text(""), "Role names cannot be the empty string");
        assert_eq!(text("a/.."), "Role 'a/..' cannot include '..' as a component");
        assert_eq!(text("a/*"), "Role 'a/*' cannot include '*' as a component");
        assert_eq!(text("-a"), "Role component '-a' is invalid because it starts with a dash");
        assert_eq!(
            text("a b"),
            "Role component 'a b' is invalid because it contains backspace or whitespace"
        );
        for good in ["*", "dev", "eng/dev", "a-b", ".a"] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_subrole_lies_strictly_below() {
        assert!(is_strict_subrole_of("eng/dev", "eng"));
        assert!(!is_strict_subrole_of("eng", "eng"));
        assert!(!is_strict_subrole_of("engine", "eng"));
    }
}
