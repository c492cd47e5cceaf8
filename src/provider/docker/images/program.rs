//! Programs of this machine that can go into an image: whether they need anything beside themselves.

use std::{fs::File, io::Read, path::Path};

/// How much of a program says how it is loaded.
const HEAD: u64 = 64 * 1024;

/// The entry of a program's table that names its loader.
const INTERPRETER: u32 = 3;

/// Whether the program at `path` is a Linux program that needs no other file: neither a loader nor a library.
pub fn is_static(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && has_no_interpreter(&head).unwrap_or(false)
}

/// Of a little-endian ELF file with 64 bits; `None` when `head` is none.
fn has_no_interpreter(head: &[u8]) -> Option<bool> {
    if head.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let number = |at: usize, bytes: usize| {
        let field = head.get(at..at + bytes)?;
        Some(field.iter().rev().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)))
    };
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let kinds: Option<Vec<_>> = (0..count).map(|at| number(table.checked_add(at * size)?, 4)).collect();
    Some(!kinds?.contains(&(INTERPRETER as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static"))]
    fn what_we_are_needs_no_other_file() {
        assert!(is_static(Path::new("/proc/self/exe")));
    }

    #[test]
    fn what_is_no_program_is_not_taken_for_one() {
        assert!(!is_static(Path::new("/no/such/file")));
        assert_eq!(has_no_interpreter(b"#!/bin/sh\n"), None);
        assert_eq!(has_no_interpreter(b"\x7fELF\x02\x01"), None);
    }

    #[test]
    fn a_program_with_a_loader_is_not_static() {
        let mut elf = vec![0_u8; 64 + 2 * 56];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (elf[32], elf[54], elf[56]) = (64, 56, 2);
        elf[64] = 1;
        assert_eq!(has_no_interpreter(&elf), Some(true));
        elf[64 + 56] = 3;
        assert_eq!(has_no_interpreter(&elf), Some(false));
    }
}
