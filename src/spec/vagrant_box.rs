//! Which box machines begin with, and by what it is known to be that one: the version of a catalogue's, or the checksum
//! of a file. Settings have the names that Vagrant has for them.

use toml::de::DeValue;

use super::{
    file::Problem,
    reader::{self, Mismatch, Table},
};

/// What is taken unless somebody says otherwise.
pub const USUAL: &str = "debian/bookworm64";
/// The last one that is published for both `VirtualBox` and libvirt.
const USUAL_VERSION: &str = "12.20250126.1";

/// Of a checksum: its type, and how many digits it has. What can be forged is not among them.
const CHECKSUMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// What one layer says of the box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoxLayer {
    pub name: Option<String>,
    pub version: Option<String>,
    pub file: Option<BoxFile>,
}

/// A box that is no catalogue's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxFile {
    pub url: String,
    pub checksum: String,
    pub checksum_type: String,
}

impl BoxLayer {
    /// What belongs to the box of another layer does not belong to this one.
    pub(super) fn over(self, below: Self) -> Self {
        if self == Self::default() {
            return below;
        }
        Self { name: self.name.or(below.name), ..self }
    }

    pub(super) fn resolve(self) -> (String, Option<String>, Option<BoxFile>) {
        let name = self.name.unwrap_or_else(|| USUAL.to_owned());
        let usual = (name == USUAL && self.file.is_none()).then(|| USUAL_VERSION.to_owned());
        (name, self.version.or(usual), self.file)
    }
}

pub(super) fn read(table: &mut Table<'_, '_>, problems: &mut Vec<Problem>) -> BoxLayer {
    let name = table.take("box", problems, box_name);
    let version = table.take("box_version", problems, version);
    let url = table.take("box_url", problems, url);
    let checksum = table.take("box_download_checksum", problems, checksum);
    let given_type = table.take("box_download_checksum_type", problems, checksum_type);
    let (at_version, at_url) = (table.span("box_version"), table.span("box_url"));
    let at_checksum =
        table.span("box_download_checksum").or_else(|| table.span("box_download_checksum_type"));
    match (&at_url, &at_checksum) {
        (Some(url), None) => {
            let help = "write its sha256sum beside it, as box_download_checksum = \"...\"";
            problems.push(Problem::new(
                "`vagrant.box_url` has no checksum, and nothing is downloaded without".into(),
                help,
                url.clone(),
            ));
        }
        (None, Some(checksum)) => {
            let help = "write box_url beside it; the box of a catalogue is known by box_version";
            problems.push(Problem::new(
                "`vagrant.box_download_checksum` is of no box_url".into(),
                help,
                checksum.clone(),
            ));
        }
        _ => {}
    }
    if let (Some(_), Some(version)) = (&at_url, at_version) {
        let help = "leave it out: a file is known by its checksum";
        let message = "`vagrant.box_version` is of a catalogue, and box_url names a file";
        problems.push(Problem::new(message.into(), help, version));
    }
    let file = url.zip(checksum).and_then(|(url, checksum)| {
        let by_length = CHECKSUMS.iter().find(|(_, digits)| *digits == checksum.len())?.0;
        if let (Some(given), Some(at)) = (given_type.filter(|given| given != by_length), at_checksum) {
            let message = format!("`vagrant.box_download_checksum` is as long as a {by_length}, no {given}");
            problems.push(Problem::new(
                message,
                "write the checksum and its type as they belong together",
                at,
            ));
        }
        Some(BoxFile { url, checksum, checksum_type: by_length.to_owned() })
    });
    BoxLayer { name, version, file }
}

fn box_name(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(fits) {
        Ok(text)
    } else {
        Err(Mismatch::new(format!("is {text:?}"), format!("write a box such as {USUAL:?}")))
    }
}

/// One version: what is newest within bounds is another one tomorrow.
fn version(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    if text.starts_with(|first: char| first.is_ascii_digit()) && text.bytes().all(fits) {
        Ok(text)
    } else {
        Err(Mismatch::new(format!("is {text:?}"), format!("write one version such as {USUAL_VERSION:?}")))
    }
}

/// What means the same wherever Vagrant is started.
fn url(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?;
    let begins = ["https://", "http://", "file:///", "/"].iter().any(|start| text.starts_with(start));
    if begins && !text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Ok(text)
    } else {
        let help = "write the address of a file, such as \"https://example.com/a.box\" or \"/home/me/a.box\"";
        Err(Mismatch::new(format!("is {text:?}"), help))
    }
}

fn checksum(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?.to_ascii_lowercase();
    let known = CHECKSUMS.iter().any(|(_, digits)| *digits == text.len());
    if known && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text)
    } else {
        let help =
            "write what sha256sum says of the file: 64 digits from 0 to f (or 96, 128 of sha384, sha512)";
        Err(Mismatch::new(format!("is {text:?}"), help))
    }
}

fn checksum_type(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?;
    if CHECKSUMS.iter().any(|(name, _)| *name == text) {
        Ok(text)
    } else {
        let help = "write \"sha256\", \"sha384\" or \"sha512\": others can be forged";
        Err(Mismatch::new(format!("is {text:?}"), help))
    }
}
