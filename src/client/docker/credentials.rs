//! Who we are to a registry: as Docker's own `config.json` and its helpers have it.
//!
//! ```text
//! credHelpers[registry] > credsStore > auths[registry]
//! a helper: `docker-credential-NAME get`, the registry on its stdin, {"Username", "Secret"} on its stdout
//! ```

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::{io::AsyncWriteExt, process::Command};

use super::place;

/// How long a helper may take; some ask their user.
const PATIENCE: Duration = Duration::from_secs(30);

/// A helper gives this as the user when its secret is a token.
const TOKEN: &str = "<token>";

/// Docker's `config.json`, as far as it is about registries.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Auth>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The credentials for `registry`, where Docker has some.
pub(super) async fn of(registry: &str) -> Option<DockerCredentials> {
    let config = parse(&place::config_file()?);
    match helper(&config, registry) {
        Some(helper) => ask(&format!("docker-credential-{helper}"), registry).await,
        None => stored(&config, registry),
    }
}

/// A file that does not parse has no credentials, as Docker has it.
fn parse(text: &str) -> Config {
    serde_json::from_str(text).unwrap_or_else(|error| {
        tracing::warn!(%error, "Docker's config.json does not parse");
        Config::default()
    })
}

fn helper<'a>(config: &'a Config, registry: &str) -> Option<&'a str> {
    let own = config.cred_helpers.iter().find(|(key, _)| host(key) == host(registry));
    let helper = own.map_or(config.creds_store.as_str(), |(_, helper)| helper);
    Some(helper).filter(|helper| !helper.is_empty() && !helper.contains(['/', '\\']))
}

fn stored(config: &Config, registry: &str) -> Option<DockerCredentials> {
    let (_, auth) = config.auths.iter().find(|(key, _)| host(key) == host(registry))?;
    if !auth.identitytoken.is_empty() {
        return Some(with_token(registry, &auth.identitytoken));
    }
    let decoded = STANDARD.decode(&auth.auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let (user, password) = pair.unwrap_or((&auth.username, &auth.password));
    (!user.is_empty()).then(|| with_password(registry, user, password.trim_end_matches('\0')))
}

/// `registry.example:5000` of `https://registry.example:5000/v2/`.
fn host(key: &str) -> &str {
    let address = key.split_once("://").map_or(key, |(_, address)| address);
    address.split('/').next().unwrap_or(address)
}

fn with_password(registry: &str, user: &str, password: &str) -> DockerCredentials {
    DockerCredentials {
        username: Some(user.to_owned()),
        password: Some(password.to_owned()),
        serveraddress: Some(registry.to_owned()),
        ..DockerCredentials::default()
    }
}

fn with_token(registry: &str, token: &str) -> DockerCredentials {
    DockerCredentials {
        identitytoken: Some(token.to_owned()),
        serveraddress: Some(registry.to_owned()),
        ..DockerCredentials::default()
    }
}

/// A helper that has nothing says so by its exit code.
async fn ask(program: &str, registry: &str) -> Option<DockerCredentials> {
    let asked = tokio::time::timeout(PATIENCE, output_of(program, registry)).await;
    let output = match asked {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => {
            tracing::warn!(%error, program, "no credentials");
            return None;
        }
        Err(_) => return None,
    };
    let answer: Answer = serde_json::from_slice(&output).ok()?;
    Some(match answer.username.as_str() {
        TOKEN => with_token(registry, &answer.secret),
        user => with_password(registry, user, &answer.secret),
    })
}

async fn output_of(program: &str, registry: &str) -> std::io::Result<Vec<u8>> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(registry.as_bytes()).await?;
    }
    Ok(child.wait_with_output().await?.stdout)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::{super::reference::DOCKER_HUB, *};

    fn user(credentials: Option<DockerCredentials>) -> (String, String) {
        let credentials = credentials.expect("credentials");
        (credentials.username.unwrap_or_default(), credentials.password.unwrap_or_default())
    }

    #[test]
    fn credentials_stand_in_dockers_own_file() {
        // me:se:cret
        let config = parse(
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "bWU6c2U6Y3JldA=="},
                "https://registry.example:5000/v2/": {"username": "a", "password": "b"},
                "token.example": {"identitytoken": "t"}, "empty.example": {}}}"#,
        );
        assert_eq!(user(stored(&config, DOCKER_HUB)), ("me".to_owned(), "se:cret".to_owned()));
        assert_eq!(user(stored(&config, "registry.example:5000")), ("a".to_owned(), "b".to_owned()));
        let token = stored(&config, "token.example").expect("a token");
        assert_eq!((token.identitytoken.as_deref(), token.username), (Some("t"), None));
        assert!(stored(&config, "empty.example").is_none() && stored(&config, "registry.example").is_none());
    }

    #[test]
    fn a_registrys_own_helper_comes_before_the_store() {
        let config = parse(r#"{"credsStore": "pass", "credHelpers": {"gcr.example": "gcr"}}"#);
        assert_eq!(helper(&config, "gcr.example"), Some("gcr"));
        assert_eq!(helper(&config, DOCKER_HUB), Some("pass"));
        assert_eq!(helper(&parse("{}"), DOCKER_HUB), None);
        assert_eq!(helper(&parse("no JSON"), DOCKER_HUB), None);
    }

    #[tokio::test]
    async fn a_helper_is_asked_for_the_registry() {
        let dir = tempfile::tempdir().expect("a directory");
        let script = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
            path.display().to_string()
        };
        let good = script("good", r#"read -r host; echo "{\"Username\":\"$1\",\"Secret\":\"$host\"}""#);
        assert_eq!(user(ask(&good, "a.example").await), ("get".to_owned(), "a.example".to_owned()));
        let token = script("token", r#"cat >/dev/null; echo '{"Username":"<token>","Secret":"s"}'"#);
        assert_eq!(ask(&token, "a").await.and_then(|it| it.identitytoken).as_deref(), Some("s"));
        let none = script("none", "cat >/dev/null; echo 'credentials not found in native keychain'; exit 1");
        assert!(ask(&none, "a").await.is_none());
        assert!(ask("/no/such/helper", "a").await.is_none());
    }
}
