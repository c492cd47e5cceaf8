//! Commands, as far as Mesos looks at them: their environment, and the secrets in it.

use super::{Checked, ensure};
use crate::mesos::v1::{
    CommandInfo, Secret,
    environment::{Variable, variable},
    secret,
};

/// # Errors
/// The text of Mesos' `validateCommandInfo`.
pub fn validate(command: &CommandInfo) -> Checked {
    command.environment.iter().flat_map(|environment| &environment.variables).try_for_each(validate_variable)
}

fn validate_variable(variable: &Variable) -> Checked {
    let name = &variable.name;
    let of = |kind: &str, rest: &str| format!("Environment variable '{name}' of type '{kind}' must {rest}");
    match variable.r#type() {
        variable::Type::Unknown => Err("Environment variable of type 'UNKNOWN' is not allowed".into()),
        variable::Type::Value => {
            ensure(variable.value.is_some(), of("VALUE", "have a value set"))?;
            ensure(variable.secret.is_none(), of("VALUE", "not have a secret set"))
        }
        variable::Type::Secret => {
            let Some(secret) = &variable.secret else { return Err(of("SECRET", "have a secret set")) };
            ensure(variable.value.is_none(), of("SECRET", "not have a value set"))?;
            validate_secret_of(name, secret)
        }
    }
}

fn validate_secret_of(name: &str, secret: &Secret) -> Checked {
    validate_secret(secret)
        .map_err(|error| format!("Environment variable '{name}' specifies an invalid secret: {error}"))?;
    let null = secret.value.as_ref().is_some_and(|value| value.data.contains(&0));
    ensure(
        !null,
        format!(
            "Environment variable '{name}' specifies a secret containing null bytes, which is not allowed in the \
             environment"
        ),
    )
}

fn validate_secret(secret: &Secret) -> Checked {
    match (secret.r#type(), &secret.reference, &secret.value) {
        (secret::Type::Reference, None, _) => {
            Err("Secret of type REFERENCE must have the 'reference' field set".into())
        }
        (secret::Type::Reference, Some(reference), Some(_)) => {
            let name = &reference.name;
            Err(format!("Secret '{name}' of type REFERENCE must not have the 'value' field set"))
        }
        (secret::Type::Value, _, None) => Err("Secret of type VALUE must have the 'value' field set".into()),
        (secret::Type::Value, Some(_), Some(_)) => {
            Err("Secret of type VALUE must not have the 'reference' field set".into())
        }
        _ => Ok(()),
    }
}
