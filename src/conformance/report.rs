//! What a run has found, as data, and as the XML that continuous integration reads.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    #[serde(rename = "pass")]
    Passed,
    #[serde(rename = "fail")]
    Failed {
        expected: String,
        seen: String,
    },
    Skipped {
        why: String,
    },
}

/// A check that was made, or skipped.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    pub name: &'static str,
    pub about: String,
    pub source: &'static str,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub seconds: f64,
    /// The row of the README's table of differences that says so of our own lab; told of failures only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_difference: Option<&'static str>,
}

/// A whole run: the document of `-o json`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `http://host:port` of the leading master.
    pub master: String,
    /// As the master says: `1.11.0`.
    pub version: String,
    /// `http://host:port` of the agent that was looked at.
    pub agent: Option<String>,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub seconds: f64,
    pub checks: Vec<Done>,
}

impl Report {
    pub fn new(
        master: String,
        version: String,
        agent: Option<String>,
        seconds: f64,
        mut checks: Vec<Done>,
    ) -> Self {
        for done in &mut checks {
            if !matches!(done.verdict, Verdict::Failed { .. }) {
                done.known_difference = None;
            }
        }
        let count = |is: fn(&Verdict) -> bool| checks.iter().filter(|done| is(&done.verdict)).count();
        let passed = count(|verdict| *verdict == Verdict::Passed);
        let failed = count(|verdict| matches!(verdict, Verdict::Failed { .. }));
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped { .. }));
        Self { master, version, agent, passed, failed, skipped, seconds, checks }
    }

    /// JUnit's XML: a suite for each group of names, a case for each check.
    pub fn junit(&self) -> String {
        let mut groups: BTreeMap<&str, Vec<&Done>> = BTreeMap::new();
        for done in &self.checks {
            let (group, _) = done.name.rsplit_once('.').unwrap_or((done.name, ""));
            groups.entry(group).or_default().push(done);
        }
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let (tests, failed, skipped) = (self.checks.len(), self.failed, self.skipped);
        let _infallible = writeln!(
            out,
            "<testsuites name=\"mesoslab conformance\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{:.3}\">",
            self.seconds
        );
        for (group, cases) in groups {
            out += &suite(group, &cases);
        }
        out + "</testsuites>\n"
    }
}

fn suite(group: &str, cases: &[&Done]) -> String {
    let count = |is: fn(&Verdict) -> bool| cases.iter().filter(|done| is(&done.verdict)).count();
    let failed = count(|verdict| matches!(verdict, Verdict::Failed { .. }));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped { .. }));
    let seconds: f64 = cases.iter().map(|done| done.seconds).sum();
    let mut out = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{seconds:.3}\">\n",
        escaped(group),
        cases.len(),
    );
    for done in cases {
        out += &case(group, done);
    }
    out + "  </testsuite>\n"
}

fn case(group: &str, done: &Done) -> String {
    let name = done.name.rsplit_once('.').map_or(done.name, |(_, name)| name);
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
        escaped(group),
        escaped(name),
        done.seconds
    );
    match &done.verdict {
        Verdict::Passed => head + "/>\n",
        Verdict::Skipped { why } => {
            format!("{head}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", escaped(why))
        }
        Verdict::Failed { expected, seen } => {
            let text = format!("expected: {expected}\nseen: {seen}\nsource: {}", done.source);
            format!(
                "{head}>\n      <failure message=\"{}\" type=\"difference\">{}</failure>\n    </testcase>\n",
                escaped(&done.about),
                escaped(&text)
            )
        }
    }
}

/// Text as it may stand in XML: markup as entities, and what XML cannot hold at all as `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' => out += "&#10;",
            '\t' => out += "&#9;",
            '\r' => out += "&#13;",
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(name: &'static str, verdict: Verdict) -> Done {
        let known_difference = Some("a row");
        Done {
            name,
            about: "says <so>".into(),
            source: "docs/x.md",
            verdict,
            seconds: 0.25,
            known_difference,
        }
    }

    fn report() -> Report {
        let failed = Verdict::Failed { expected: "\"a\" & b".into(), seen: "\0\u{1b}]]>".into() };
        let skipped = Verdict::Skipped { why: "no <agent>".into() };
        let checks =
            vec![done("a.b.one", Verdict::Passed), done("a.b.two", failed), done("c.three", skipped)];
        Report::new("http://m:1".into(), "1.11.0".into(), None, 1.5, checks)
    }

    #[test]
    fn the_document_counts_and_says_what_was_seen() {
        let json = serde_json::to_value(report()).expect("JSON");
        assert_eq!((&json["passed"], &json["failed"], &json["skipped"]), (&1.into(), &1.into(), &1.into()));
        assert_eq!(json["checks"][0]["verdict"], "pass");
        assert!(json["checks"][0].get("known_difference").is_none());
        assert_eq!(json["checks"][1]["verdict"], "fail");
        assert_eq!(json["checks"][1]["expected"], "\"a\" & b");
        assert_eq!(json["checks"][1]["known_difference"], "a row");
        assert_eq!(json["checks"][2]["why"], "no <agent>");
    }

    #[test]
    fn the_xml_has_a_suite_for_each_group_and_escapes_everything() {
        let expected = concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            "<testsuites name=\"mesoslab conformance\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"1.500\">\n",
            "  <testsuite name=\"a.b\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"0.500\">\n",
            "    <testcase classname=\"a.b\" name=\"one\" time=\"0.250\"/>\n",
            "    <testcase classname=\"a.b\" name=\"two\" time=\"0.250\">\n",
            "      <failure message=\"says &lt;so&gt;\" type=\"difference\">expected: &quot;a&quot; &amp; b&#10;",
            "seen: ??]]&gt;&#10;source: docs/x.md</failure>\n",
            "    </testcase>\n",
            "  </testsuite>\n",
            "  <testsuite name=\"c\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\" time=\"0.250\">\n",
            "    <testcase classname=\"c\" name=\"three\" time=\"0.250\">\n",
            "      <skipped message=\"no &lt;agent&gt;\"/>\n",
            "    </testcase>\n",
            "  </testsuite>\n",
            "</testsuites>\n",
        );
        assert_eq!(report().junit(), expected);
    }
}
