//! What the command line means: layers the flags over the environment, the lab file, the user's file and the
//! defaults, and finds the lab that a command is about.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use serde_json::{Map, Value};

use crate::{
    cli,
    client::{
        Http, masters::Masters, operator::Operator, scheduler_api::SchedulerApi, zookeeper::ZooKeeperUrl,
    },
    error::{Code, Context, Failure, Result},
    printer::Printer,
    provider::{
        self,
        state::{LabRecord, StateDir},
    },
    scheduler::config::SchedulerConfig,
    spec::{LabSpec, SpecLayer},
};

/// The lab file that is read where none is named.
const LAB_FILE: &str = "mesoslab.toml";

/// What holds for every command.
#[derive(Debug)]
pub struct Settings {
    pub printer: Printer,
    global: cli::Global,
}

impl Settings {
    pub fn new(global: cli::Global) -> Self {
        Self { printer: Printer::new(global.quiet, global.verbose), global }
    }

    /// The lab that is wanted: `flags` (with the environment) over the lab file, the user's file and the defaults.
    /// A lab that was started without a lab file, or from elsewhere, stays as it was last applied but for the flags.
    ///
    /// # Errors
    /// All mistakes of a lab file; a lab file that was named and is not there.
    pub fn spec(&self, flags: SpecLayer) -> Result<LabSpec> {
        let flags = SpecLayer { name: self.name_flag()?, ..flags };
        let below = user_file()?.over(SpecLayer::built_in(scheduler_problems)?);
        if let Some(file) = self.lab_file()? {
            return Ok(flags.over(file).over(below).resolve());
        }
        let name = flags.name.clone().or_else(|| below.name.clone());
        let last = name.and_then(|name| StateDir::of(&name).ok()?.record().ok()?);
        let base = last.map_or(below, |record| record.spec.into());
        Ok(flags.over(base).resolve())
    }

    /// The name of the lab that the command is about.
    ///
    /// # Errors
    /// As [`Settings::spec`].
    pub fn lab_name(&self) -> Result<String> {
        match self.name_flag()? {
            Some(name) => Ok(name),
            None => Ok(self.spec(SpecLayer::default())?.name),
        }
    }

    /// The state directory of the lab that the command is about.
    ///
    /// # Errors
    /// As [`Settings::spec`]; no home directory.
    pub fn state(&self) -> Result<StateDir> {
        state_of(&self.lab_name()?)
    }

    /// The record of the lab that the command is about.
    ///
    /// # Errors
    /// [`Code::NoLab`] when there is none.
    pub fn record(&self) -> Result<(StateDir, LabRecord)> {
        let name = self.lab_name()?;
        let state = state_of(&name)?;
        match state.record().context(format_args!("read the record of lab `{name}`"))? {
            Some(record) => Ok((state, record)),
            None => Err(no_lab(&name)),
        }
    }

    /// The record of a lab that runs.
    ///
    /// # Errors
    /// [`Code::NoLab`] when there is none, when it is stopped, or when its process has died.
    pub fn running(&self) -> Result<(StateDir, LabRecord)> {
        let (state, record) = self.record()?;
        if state.is_running() { Ok((state, record)) } else { Err(not_running(&record)) }
    }

    /// The URL of the master: `--master`, which may be several with commas between, else the lab's.
    ///
    /// # Errors
    /// As [`Settings::running`].
    pub fn master(&self) -> Result<String> {
        match &self.global.master {
            Some(masters) => urls("--master", masters),
            None => Ok(self.running()?.1.endpoints.master_list()),
        }
    }

    /// The URL of our scheduler: `--scheduler`, else the lab's.
    ///
    /// # Errors
    /// As [`Settings::running`]; when the lab's scheduler is stopped.
    pub fn scheduler(&self) -> Result<String> {
        if let Some(scheduler) = self.scheduler_flag()? {
            return Ok(scheduler);
        }
        if self.global.master.is_some() {
            return Err(Failure::usage("the scheduler of that master is not known")
                .hint("name it with --scheduler http://127.0.0.1:8090"));
        }
        let (_, record) = self.running()?;
        record.endpoints.scheduler.ok_or_else(|| {
            Failure::failed(format!("the scheduler of lab `{}` is stopped", record.spec.name))
                .hint("mesoslab scheduler start")
        })
    }

    /// The masters of [`Settings::master`].
    ///
    /// # Errors
    /// As [`Settings::master`].
    pub fn masters(&self) -> Result<Masters> {
        let masters = match &self.global.master {
            Some(named) => Masters::parse(&urls("--master", named)?),
            None => self.running()?.1.endpoints.leading(),
        };
        masters.context("find the master")
    }

    /// The operator API of [`Settings::master`].
    ///
    /// # Errors
    /// As [`Settings::master`].
    pub fn operator(&self) -> Result<Operator> {
        Ok(Operator::new(Http::new(), self.masters()?))
    }

    /// The HTTP API of [`Settings::scheduler`].
    ///
    /// # Errors
    /// As [`Settings::scheduler`].
    pub fn scheduler_api(&self) -> Result<SchedulerApi> {
        provider::scheduler_api(&self.scheduler()?).context("talk to the scheduler")
    }

    /// The `--master` of the command line.
    pub fn master_flag(&self) -> Option<&str> {
        self.global.master.as_deref()
    }

    /// The `--scheduler` of the command line.
    ///
    /// # Errors
    /// When it is no URL.
    pub fn scheduler_flag(&self) -> Result<Option<String>> {
        self.global.scheduler.as_deref().map(|text| url("--scheduler", text)).transpose()
    }

    /// ` --name LAB` for commands that are shown to the user, empty for the default lab.
    pub fn name_suffix(name: &str) -> String {
        if name == "default" { String::new() } else { format!(" --name {name}") }
    }

    /// Whether the command line or the environment names the lab.
    pub fn is_named(&self) -> bool {
        self.global.name.is_some()
    }

    fn name_flag(&self) -> Result<Option<String>> {
        let Some(name) = &self.global.name else { return Ok(None) };
        match crate::spec::check_lab_name(name) {
            Ok(()) => Ok(Some(name.clone())),
            Err(rule) => Err(Failure::usage(format!("`{name}` cannot be a lab's name")).hint(rule)),
        }
    }

    fn lab_file(&self) -> Result<Option<SpecLayer>> {
        match &self.global.file {
            Some(path) => match read_layer(path)? {
                Some(layer) => Ok(Some(layer)),
                None => Err(Failure::usage(format!("there is no file `{}`", path.display()))
                    .hint(format!("mesoslab init {}", path.display()))),
            },
            None => read_layer(Path::new(LAB_FILE)),
        }
    }
}

/// What our scheduler does not accept of a lab file's `[scheduler]`.
fn scheduler_problems(set: &Map<String, Value>) -> Vec<(String, String)> {
    let checked = SchedulerConfig::default().patched(&Value::Object(set.clone()));
    let errors = checked.err().map(|error| error.0).unwrap_or_default();
    errors.into_iter().map(|error| (error.field, error.message)).collect()
}

/// The user's own lab file, for all labs: `$XDG_CONFIG_HOME/mesoslab/mesoslab.toml`.
pub fn user_file_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("mesoslab").join(LAB_FILE))
}

fn user_file() -> Result<SpecLayer> {
    let layer = user_file_path().map_or(Ok(None), |path| read_layer(&path))?;
    Ok(layer.unwrap_or_default())
}

/// The layer of a file, `None` where there is no such file.
fn read_layer(path: &Path) -> Result<Option<SpecLayer>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(SpecLayer::parse(&path.display().to_string(), &text, scheduler_problems)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::usage(format!("`{}` cannot be read: {error}", path.display()))
            .hint("a lab file is UTF-8 text that you may read; see mesoslab init")),
    }
}

fn state_of(name: &str) -> Result<StateDir> {
    StateDir::of(name).context("find the state directory")
}

fn urls(flag: &str, list: &str) -> Result<String> {
    if ZooKeeperUrl::is_meant(list) {
        return match list.parse::<ZooKeeperUrl>() {
            Ok(_) => Ok(list.trim().to_owned()),
            Err(error) => Err(Failure::usage(format!("`{flag} {list}` cannot be read: {error}"))
                .hint(format!("{flag} zk://127.0.0.1:2181/mesos"))),
        };
    }
    let urls: Vec<_> = list.split(',').map(|text| url(flag, text.trim())).collect::<Result<_>>()?;
    Ok(urls.join(","))
}

fn url(flag: &str, text: &str) -> Result<String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    match with_scheme.parse::<http::Uri>() {
        Ok(uri) if uri.host().is_some() && uri.scheme_str() == Some("http") => {
            Ok(with_scheme.trim_end_matches('/').to_owned())
        }
        Ok(uri) if uri.scheme_str() == Some("https") => {
            Err(Failure::usage(format!("`{flag} {text}` wants TLS, which is not spoken here"))
                .hint(format!("{flag} http://127.0.0.1:5050")))
        }
        _ => Err(Failure::usage(format!("`{flag} {text}` is no URL of this kind"))
            .hint(format!("{flag} http://127.0.0.1:5050"))),
    }
}

/// What every command says of a lab that does not exist.
pub fn no_lab(name: &str) -> Failure {
    let hint = format!("mesoslab up{}", Settings::name_suffix(name));
    Failure::new(Code::NoLab, format!("there is no lab `{name}`")).hint(hint)
}

/// What every command says of a lab that does not run.
pub fn not_running(record: &LabRecord) -> Failure {
    let name = &record.spec.name;
    let message = if record.stopped {
        format!("lab `{name}` is stopped")
    } else {
        format!("lab `{name}` is not running: its process {} died", record.pid)
    };
    Failure::new(Code::NoLab, message)
        .hint(format!("mesoslab up{}   (heals the lab with its last settings)", Settings::name_suffix(name)))
}
