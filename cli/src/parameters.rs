//! Parameter Store, with the operator's own credentials: where the API is, and app configurations.

use crate::failure::Failure;
use crate::session::Session;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use aws_smithy_types::error::display::DisplayErrorContext;
use longshore_core::EnvironmentName;
use std::error::Error;

/// The parameter that says where an environment's API is.
#[must_use]
pub fn api_url_name(environment: &EnvironmentName) -> String {
    format!("/longshore/{environment}/control/api-url")
}

/// A stored text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The text.
    pub text: String,
    /// Its version.
    pub version: i64,
}

impl Session {
    /// Where an environment's API is, by its parameter.
    ///
    /// # Errors
    /// When nothing says so.
    pub async fn api_url(&self, environment: &EnvironmentName) -> Result<String, Failure> {
        let name = api_url_name(environment);
        match self.parameter(&name).await? {
            Some(stored) => Ok(stored.text),
            None => Err(Failure::refused(
                "no_such_environment",
                format!(
                    "there is no environment {environment} here: the parameter {name} does not exist"
                ),
                "check --environment, --region and --profile; or name the API itself with --api-url",
            )),
        }
    }

    /// A parameter that is no secret; none where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn parameter(&self, name: &str) -> Result<Option<Stored>, Failure> {
        self.region()?;
        let client = aws_sdk_ssm::Client::new(self.sdk());
        match client.get_parameter().name(name).send().await {
            Ok(output) => Ok(output.parameter.and_then(|p| {
                Some(Stored {
                    text: p.value?,
                    version: p.version,
                })
            })),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetParameterError::is_parameter_not_found) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed("ssm:GetParameter", &error)),
        }
    }

    /// Stores a text that is no secret, and tells its new version.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn store(&self, name: &str, text: &str) -> Result<i64, Failure> {
        self.region()?;
        let client = aws_sdk_ssm::Client::new(self.sdk());
        let put = client
            .put_parameter()
            .name(name)
            .value(text)
            .r#type(ParameterType::String)
            .tier(ParameterTier::IntelligentTiering)
            .overwrite(true);
        let output = put.send().await;
        let output = output.map_err(|error| failed("ssm:PutParameter", &error))?;
        Ok(output.version)
    }
}

/// An SDK's failure in the command's words.
pub fn failed<E, R>(action: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    let Some(refusal) = error.as_service_error() else {
        let why = DisplayErrorContext(error).to_string();
        let why = why.lines().next().unwrap_or_default();
        let message = format!("AWS cannot be asked ({action}): {why}");
        let next = "check credentials, network, --region and --profile";
        return Failure::unreachable("aws_unreachable", message, next);
    };
    let code = refusal.code().unwrap_or("unknown");
    let text = refusal.message().unwrap_or("no reason was given");
    let message = format!("AWS refused {action}: {code}: {text}");
    let next =
        format!("check who you are (`aws sts get-caller-identity`) and that you may call {action}");
    Failure::refused("aws_refused", message, next)
}
