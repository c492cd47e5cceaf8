//! The settings of an Exhibitor: all the fields that clients know, of which the pause between two looks has an effect;
//! those that say where the ZooKeeper is cannot be changed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde_json::{Map, Value, json};

/// The shortest pause between two looks, in milliseconds.
const SHORTEST_CHECK: u64 = 100;

/// Why settings are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    #[error("the body is no JSON object: {0}")]
    NoObject(String),
    #[error("`{0}` says where the one ZooKeeper of this Exhibitor is, and cannot be changed")]
    Fixed(&'static str),
    #[error("`{0}` must be a whole number")]
    NoNumber(&'static str),
    #[error("`checkMs` must be at least {SHORTEST_CHECK}")]
    TooOften,
    #[error("It appears that another process has updated the config. Your change was not committed.")]
    LostRace,
}

const TEXTS: [(&str, &str); 5] = [
    ("logIndexDirectory", ""),
    ("zookeeperLogDirectory", ""),
    ("backupExtra", ""),
    ("javaEnvironment", ""),
    ("log4jProperties", ""),
];

const NUMBERS: [(&str, u64); 12] = [
    ("connectPort", 2888),
    ("electionPort", 3888),
    ("checkMs", 30_000),
    ("cleanupPeriodMs", 43_200_000),
    ("cleanupMaxFiles", 3),
    ("backupMaxStoreMs", 86_400_000),
    ("backupPeriodMs", 60_000),
    ("autoManageInstances", 0),
    ("autoManageInstancesSettlingPeriodMs", 180_000),
    ("observerThreshold", 999),
    ("autoManageInstancesFixedEnsembleSize", 0),
    ("autoManageInstancesApplyAllAtOnce", 1),
];

/// Settings; see the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    hostname: String,
    client_port: u16,
    install_directory: String,
    data_directory: String,
    texts: Map<String, Value>,
    numbers: Map<String, Value>,
    zoo_cfg: Map<String, Value>,
}

impl Config {
    /// The defaults, for a ZooKeeper at `hostname:client_port` that is looked at every `check`.
    pub fn new(hostname: impl Into<String>, client_port: u16, check: Duration) -> Self {
        let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
        let number = |(name, value): (&str, u64)| (name.to_owned(), Value::from(value));
        let mut numbers: Map<String, Value> = NUMBERS.into_iter().map(number).collect();
        numbers["checkMs"] = u64::try_from(check.as_millis()).unwrap_or(u64::MAX).into();
        let zoo_cfg = [("syncLimit", "5"), ("tickTime", "2000"), ("initLimit", "10")];
        Self {
            hostname: hostname.into(),
            client_port,
            install_directory: "(lab)".to_owned(),
            data_directory: "(lab)".to_owned(),
            texts: TEXTS.into_iter().map(text).collect(),
            numbers,
            zoo_cfg: zoo_cfg.into_iter().map(text).collect(),
        }
    }

    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    pub fn client_port(&self) -> u16 {
        self.client_port
    }

    /// The pause between two looks.
    pub fn check_every(&self) -> Duration {
        Duration::from_millis(self.numbers.get("checkMs").and_then(Value::as_u64).unwrap_or(30_000))
    }

    fn servers_spec(&self) -> String {
        format!("1:{}", self.hostname)
    }

    /// The object `config` of `/config/get-state`.
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        let roll = json!({ "rollInProgress": false, "rollStatus": "n/a", "rollPercentDone": 0 });
        all.extend(roll.as_object().cloned().unwrap_or_default());
        all.insert("hostname".into(), self.hostname.as_str().into());
        all.insert("serverId".into(), 1.into());
        for (name, value) in self.fixed() {
            all.insert(name.into(), value);
        }
        let texts = self.texts.iter().filter(|(name, _)| *name != "backupExtra");
        all.extend(texts.chain(&self.numbers).map(|(name, value)| (name.clone(), value.clone())));
        all.insert("zooCfgExtra".into(), self.zoo_cfg.clone().into());
        all.insert("controlPanel".into(), json!({}));
        all.into()
    }

    fn fixed(&self) -> [(&'static str, Value); 4] {
        [
            ("zookeeperInstallDirectory", self.install_directory.as_str().into()),
            ("zookeeperDataDirectory", self.data_directory.as_str().into()),
            ("serversSpec", self.servers_spec().into()),
            ("clientPort", self.client_port.into()),
        ]
    }

    /// Takes the fields of `body`, as `/config/set` does; others stay as they are. `seen` is the tag of the settings that
    /// the caller has changed (`If-Match`).
    ///
    /// # Errors
    /// See [`SetError`]; then nothing is taken.
    pub fn set(&mut self, body: &[u8], seen: Option<&str>) -> Result<(), SetError> {
        if seen.is_some_and(|seen| seen != "*" && seen != self.tag()) {
            return Err(SetError::LostRace);
        }
        let fields: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| SetError::NoObject(error.to_string()))?;
        for (name, value) in self.fixed() {
            let said = fields.get(name).filter(|said| as_text(said) != as_text(&value));
            // A client that knows of no directory says nothing of one.
            if said.is_some_and(|said| !as_text(said).is_empty()) {
                return Err(SetError::Fixed(name));
            }
        }
        let mut next = self.clone();
        for (name, _) in NUMBERS {
            if let Some(value) = fields.get(name) {
                next.numbers[name] = number(value).ok_or(SetError::NoNumber(name))?.into();
            }
        }
        if next.check_every() < Duration::from_millis(SHORTEST_CHECK) {
            return Err(SetError::TooOften);
        }
        for (name, _) in TEXTS {
            if let Some(value) = fields.get(name) {
                next.texts[name] = as_text(value).into();
            }
        }
        if let Some(Value::Object(extra)) = fields.get("zooCfgExtra") {
            next.zoo_cfg = extra.iter().map(|(name, value)| (name.clone(), as_text(value).into())).collect();
        }
        *self = next;
        Ok(())
    }

    /// Names these settings, for `If-Match`.
    pub fn tag(&self) -> String {
        tag(&self.to_json().to_string())
    }
}

/// The entity tag of a text: the same for the same text in every process.
pub fn tag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Clients send numbers as text too.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Bool(on) => Some((*on).into()),
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    }
}
