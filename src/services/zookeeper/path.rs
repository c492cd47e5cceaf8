//! Which paths can be, and what is above and at the end of them.

use crate::zookeeper::ErrorCode;

/// The nodes that every tree has, and nobody can delete.
pub const SPECIAL: [&str; 4] = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];

/// Below this, ZooKeeper keeps quotas.
pub const QUOTA: &str = "/zookeeper/quota";

pub const CONFIG: &str = "/zookeeper/config";

/// # Errors
/// `BadArguments` when no node can have the path.
pub fn validate(path: &str) -> Result<(), ErrorCode> {
    let names = path.strip_prefix('/').ok_or(ErrorCode::BadArguments)?;
    if path == "/" || names.split('/').all(is_name) { Ok(()) } else { Err(ErrorCode::BadArguments) }
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(is_forbidden)
}

/// Control characters, and those beyond the first plane, which are surrogates to Java.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..)
}

/// The path above, as it stands before the last slash: empty for the children of the root.
///
/// # Errors
/// `BadArguments` when there is no slash, or a null character.
pub fn parent(path: &str) -> Result<&str, ErrorCode> {
    if path.contains('\0') {
        return Err(ErrorCode::BadArguments);
    }
    path.rsplit_once('/').map(|(parent, _)| parent).ok_or(ErrorCode::BadArguments)
}

/// As [`parent`], for a node that is to be deleted.
///
/// # Errors
/// `BadArguments` also for the nodes that cannot be deleted.
pub fn parent_of_deletable(path: &str) -> Result<&str, ErrorCode> {
    if SPECIAL.contains(&path) { Err(ErrorCode::BadArguments) } else { parent(path) }
}

/// What is behind the last slash.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The root has two names.
pub fn canonical(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// The path above as a node has it; none above the root.
fn above(path: &str) -> Option<&str> {
    if path == "/" { None } else { path.rsplit_once('/').map(|(parent, _)| canonical(parent)) }
}

/// The paths above, from the nearest to the root.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(above(path), |path| above(path))
}
