//! Ranges: of a chunk that is uploaded, and of a blob that is read.

/// Where a chunk belongs, from `Content-Range: 0-99`; both ends count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRange {
    pub first: u64,
    pub last: u64,
}

impl ChunkRange {
    /// None when it is no range.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.trim().split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(Self { first, last })
    }

    pub fn length(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// What of a blob is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    From {
        first: u64,
        length: u64,
    },
    /// It ends before the part begins.
    None,
}

/// What `Range` asks for of so many bytes. Several ranges, and what is no range, ask for the whole.
pub fn part(range: Option<&str>, size: u64) -> Part {
    let Some((first, last)) = range.and_then(|range| range.trim().strip_prefix("bytes=")?.split_once('-'))
    else {
        return Part::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    match (number(first), number(last)) {
        (Some(first), _) if last.is_empty() && first < size => Part::From { first, length: size - first },
        (Some(first), Some(last)) if last < first => Part::Whole,
        (Some(first), Some(last)) if first < size => {
            Part::From { first, length: last.min(size - 1) - first + 1 }
        }
        (Some(_), None) if !last.is_empty() => Part::Whole,
        (Some(_), _) => Part::None,
        (None, Some(0)) if first.is_empty() => Part::None,
        (None, Some(_)) if first.is_empty() && size == 0 => Part::None,
        (None, Some(length)) if first.is_empty() => {
            let length = length.min(size);
            Part::From { first: size - length, length }
        }
        _ => Part::Whole,
    }
}

fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks() {
        let range = ChunkRange::parse("10-19").unwrap();
        assert_eq!((range.first, range.last, range.length()), (10, 19, 10));
        assert_eq!(ChunkRange::parse("0-0").map(ChunkRange::length), Some(1));
        for text in ["", "-", "1-", "-1", "2-1", "+1-2", "bytes 0-1", "0-18446744073709551616"] {
            assert_eq!(ChunkRange::parse(text), None, "{text}");
        }
        assert_eq!(ChunkRange::parse("0-18446744073709551615").map(ChunkRange::length), Some(u64::MAX));
    }

    #[test]
    fn parts_of_a_blob() {
        let of = |range| part(Some(range), 10);
        assert_eq!(part(None, 10), Part::Whole);
        assert_eq!(of("bytes=0-3"), Part::From { first: 0, length: 4 });
        assert_eq!(of("bytes=4-"), Part::From { first: 4, length: 6 });
        assert_eq!(of("bytes=8-99"), Part::From { first: 8, length: 2 });
        assert_eq!(of("bytes=-3"), Part::From { first: 7, length: 3 });
        assert_eq!(of("bytes=-30"), Part::From { first: 0, length: 10 });
        for range in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of(range), Part::None, "{range}");
        }
        for range in ["bytes=3-1", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "bytes=-", "bytes=1-x"] {
            assert_eq!(of(range), Part::Whole, "{range}");
        }
        assert_eq!(part(Some("bytes=0-"), 0), Part::None);
        assert_eq!(part(Some("bytes=-1"), 0), Part::None);
    }
}
