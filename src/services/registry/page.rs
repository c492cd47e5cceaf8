//! Lists page by page: so many names behind a last one, and the link to those that follow.

use super::{Code, Refusal};

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    limit: Option<usize>,
    last: Option<String>,
}

impl Page {
    /// From `n` and `last` of a query.
    ///
    /// # Errors
    /// When `n` is no number.
    pub fn of(n: Option<&str>, last: Option<&str>) -> Result<Self, Refusal> {
        let refusal = |n| Refusal::new(Code::PaginationNumberInvalid).with("n", n);
        let limit = n.map(|n| n.parse::<usize>().map_err(|_| refusal(n))).transpose()?;
        Ok(Self { limit, last: last.map(str::to_owned) })
    }

    /// The names of the page, and the value of `Link` when there are more. `names` are in their order.
    pub fn cut(&self, path: &str, names: Vec<String>) -> (Vec<String>, Option<String>) {
        let behind = |name: &String| self.last.as_ref().is_none_or(|last| name > last);
        let mut names: Vec<String> = names.into_iter().filter(behind).collect();
        let Some(limit) = self.limit.filter(|limit| *limit < names.len()) else { return (names, None) };
        names.truncate(limit);
        let link =
            names.last().map(|last| format!("<{path}?last={}&n={limit}>; rel=\"next\"", escaped(last)));
        (names, link)
    }
}

/// A repository's name may hold slashes; nothing else needs an escape.
fn escaped(name: &str) -> String {
    name.replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["a/b", "c", "d"].map(str::to_owned).to_vec()
    }

    #[test]
    fn page_by_page() {
        let page = |n, last| Page::of(n, last).unwrap().cut("/v2/_catalog", names());
        assert_eq!(page(None, None), (names(), None));
        assert_eq!(page(Some("3"), None), (names(), None));
        let (first, link) = page(Some("1"), None);
        assert_eq!(first, ["a/b"]);
        assert_eq!(link.unwrap(), "</v2/_catalog?last=a%2Fb&n=1>; rel=\"next\"");
        assert_eq!(page(Some("2"), Some("a/b")), (vec!["c".into(), "d".into()], None));
        assert_eq!(page(None, Some("b")).0, ["c", "d"]);
        assert_eq!(page(Some("0"), None), (vec![], None));
        assert_eq!(page(None, Some("z")), (vec![], None));
    }

    #[test]
    fn a_number_is_a_number() {
        for n in ["-1", "x", "", "1.5"] {
            assert_eq!(Page::of(Some(n), None).unwrap_err().code, Code::PaginationNumberInvalid, "{n}");
        }
    }
}
