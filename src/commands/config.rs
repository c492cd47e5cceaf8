//! `mesoslab config`: our framework's settings, read and changed while it runs.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path, process::Command};

use serde_json::{Map, Value};

use crate::{
    cli::{ConfigAction, Format, Output},
    client::scheduler_api::SchedulerApi,
    error::{Context, Failure, Result},
    printer::Rows,
    settings::Settings,
};

pub async fn run(settings: &Settings, action: ConfigAction) -> Result<()> {
    let api = settings.scheduler_api()?;
    match action {
        ConfigAction::Get { key, output } => get(settings, &api, key.as_deref(), &output).await,
        ConfigAction::Set { pairs } => set(settings, &api, &pairs).await,
        ConfigAction::Edit => edit(settings, &api).await,
    }
}

async fn get(settings: &Settings, api: &SchedulerApi, key: Option<&str>, output: &Output) -> Result<()> {
    let config = fields(api).await?;
    let Some(key) = key else {
        return settings.printer.show(output.output, &config, |_| {
            let mut rows = Rows::new(["setting", "value"]);
            for (name, value) in &config {
                rows.push([name.clone(), shown(value)]);
            }
            rows
        });
    };
    let value = config.get(key).ok_or_else(|| unknown(key, &config))?;
    match output.output {
        Format::Table | Format::Wide => settings.printer.data(shown(value) + "\n"),
        format => settings.printer.show(format, value, |_| Rows::default()),
    }
}

async fn set(settings: &Settings, api: &SchedulerApi, pairs: &[String]) -> Result<()> {
    let mut patch = Map::new();
    for pair in pairs {
        let (key, text) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`{pair}` is no KEY=VALUE")).hint("mesoslab config set cpus=0.2")
        })?;
        patch.insert(key.to_owned(), value(key, text));
    }
    change(settings, api, patch).await
}

/// JSON where it is JSON; a command is always text unless it is a list.
fn value(key: &str, text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Number(_) | Value::Bool(_)) if matches!(key, "command" | "name" | "user") => text.into(),
        Ok(value) => value,
        Err(_) => text.into(),
    }
}

async fn edit(settings: &Settings, api: &SchedulerApi) -> Result<()> {
    let before = fields(api).await?;
    let path = std::env::temp_dir().join(format!("mesoslab-config-{}.json", uuid::Uuid::new_v4().simple()));
    write_private(&path, &before).context(format_args!("write `{}`", path.display()))?;
    open_editor(&path)?;
    let edited = std::fs::read_to_string(&path).context("read what was edited")?;
    let after: Map<String, Value> = serde_json::from_str(&edited).map_err(|error| {
        Failure::usage(format!("what was edited is no JSON object: {error}"))
            .hint(format!("it is kept in {}", path.display()))
    })?;
    let _ = std::fs::remove_file(&path);
    let mut patch: Map<_, _> = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    patch.extend(before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), Value::Null)));
    if patch.is_empty() {
        settings.printer.say("nothing changed");
        return Ok(());
    }
    change(settings, api, patch).await
}

/// Settings can hold secrets: only the user may read the file, and it is nobody's link.
fn write_private(path: &Path, settings: &Map<String, Value>) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(serde_json::to_string_pretty(settings)?.as_bytes())?;
    file.write_all(b"\n")
}

fn open_editor(path: &Path) -> Result<()> {
    let editor = ["VISUAL", "EDITOR"].iter().find_map(std::env::var_os).unwrap_or_else(|| "vi".into());
    let status = Command::new("sh")
        .args(["-c", "exec $0 \"$1\""])
        .arg(&editor)
        .arg(path)
        .status()
        .context(format_args!("start the editor `{}`", editor.display()))?;
    if status.success() { Ok(()) } else { Err(Failure::failed(format!("the editor ended with {status}"))) }
}

async fn change(settings: &Settings, api: &SchedulerApi, patch: Map<String, Value>) -> Result<()> {
    let before = fields(api).await?;
    api.patch_config(&Value::Object(patch.clone())).await.map_err(|error| {
        Failure::usage(format!("the scheduler does not accept this: {error}")).hint("mesoslab config get")
    })?;
    let after = fields(api).await?;
    for key in patch.keys() {
        let (old, new) = (before.get(key).map(shown), after.get(key).map(shown));
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        settings.printer.say(format!("  {} {key}: {old} → {new}", settings.printer.tick()));
    }
    Ok(())
}

async fn fields(api: &SchedulerApi) -> Result<Map<String, Value>> {
    let config = api.config().await.context("ask the scheduler for its settings")?.config;
    match serde_json::to_value(config).context("read the settings")? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Failure::failed("the scheduler's settings are no JSON object")),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn unknown(key: &str, config: &Map<String, Value>) -> Failure {
    let names: Vec<_> = config.keys().map(String::as_str).collect();
    Failure::usage(format!("`{key}` is not a setting")).hint(format!("the settings are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::value;

    #[test]
    fn values_are_json_or_text() {
        assert_eq!(value("cpus", "0.2"), json!(0.2));
        assert_eq!(value("env", "{\"A\":\"b\"}"), json!({"A": "b"}));
        assert_eq!(value("command", "sleep 100"), json!("sleep 100"));
        assert_eq!(value("command", "42"), json!("42"));
        assert_eq!(value("command", "[\"sleep\",\"5\"]"), json!(["sleep", "5"]));
        assert_eq!(value("user", "null"), json!(null));
    }
}
