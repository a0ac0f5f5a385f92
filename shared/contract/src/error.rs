//! The one form of every error, and its stable words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error: a stable word for scripts, what was wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// The stable word.
    pub error: ErrorWord,
    /// What was wrong, in a sentence.
    pub message: String,
    /// What to do, in a sentence.
    pub next: String,
}

impl Refusal {
    /// A refusal with the word's own next step.
    #[must_use]
    pub fn new(error: ErrorWord, message: impl Into<String>) -> Self {
        Self {
            error,
            message: message.into(),
            next: error.next().to_owned(),
        }
    }

    /// A refusal with the word's own sentences.
    #[must_use]
    pub fn of(error: ErrorWord) -> Self {
        Self::new(error, error.message())
    }
}

/// Declares the words with their HTTP status, what they say and what to do.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $message:literal, $next:literal;)*) => {
        /// The stable word of an error. A word keeps its meaning for ever; new ones may come.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorWord {
            $($(#[$doc])* $name,)*
            /// A word that this version does not know.
            #[serde(other)]
            Unknown,
        }

        impl ErrorWord {
            /// Every word that the API says.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status that it comes with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }

            /// What was wrong, when there is nothing more exact to say.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                    Self::Unknown => "The API refuses with a word that this version does not know.",
                }
            }

            /// What to do.
            #[must_use]
            pub const fn next(self) -> &'static str {
                match self {
                    $(Self::$name => $next,)*
                    Self::Unknown => "Update the command to the version of the API.",
                }
            }
        }
    };
}

words! {
    /// The request is not one: not JSON, a field that is unknown, missing or has a value that is not allowed.
    BadRequest = "bad_request", 400, "The request is not valid.", "Correct the field that the message names.";
    /// The body is too large.
    TooLarge = "too_large", 400, "The body is larger than 16 KiB.", "Send less; a reason has at most 200 characters.";
    /// Nobody signed the request.
    NotIdentified = "not_identified", 403, "The request does not say who sends it.", "Sign it with AWS credentials (SigV4, service execute-api).";
    /// The policy of the environment does not let this person do this.
    NotAllowed = "not_allowed", 403, "The environment's policy does not let you do this.", "Ask somebody whom the policy allows: not the requester or author of the change.";
    /// There is no such address.
    NoSuchRoute = "no_such_route", 404, "There is no such route.", "Look at the OpenAPI document for the routes.";
    /// No app of this name here.
    NoSuchApp = "no_such_app", 404, "There is no app of this name in this environment.", "See `longshore status` for the names; a new app needs an app configuration first.";
    /// No deployment with this id here.
    NoSuchDeployment = "no_such_deployment", 404, "There is no deployment with this id in this environment.", "See `longshore history` for the ids.";
    /// No such host in the deployment.
    NoSuchHost = "no_such_host", 404, "The deployment has no such host.", "See `longshore show` for its hosts.";
    /// The address is right, the method is not.
    WrongMethod = "wrong_method", 405, "The route does not take this method.", "Look at the OpenAPI document for the methods.";
    /// The deployment is not in a state in which this can be done.
    WrongState = "wrong_state", 409, "The deployment is not in a state in which this can be done.", "Look at its state with `longshore show`.";
    /// It is over.
    AlreadyOver = "already_over", 409, "The deployment is over.", "Begin a new one.";
    /// A newer deployment took its place.
    Superseded = "superseded", 409, "A newer deployment took its place.", "Look at the newer one with `longshore status`.";
    /// It waited too long.
    Expired = "expired", 409, "The deployment waited too long and has expired.", "Begin a new one.";
    /// The plan is another one than the vote is for.
    PlanChanged = "plan_changed", 409, "The plan is not the one that you have seen.", "Look at the plan again, then decide again.";
    /// Somebody holds the app.
    Locked = "locked", 409, "Somebody else holds a lock on the app.", "Talk to the owner of the lock, or wait for its end.";
    /// There is no lock.
    NotLocked = "not_locked", 409, "Nobody holds a lock on the app.", "There is nothing to do.";
    /// No freeze holds the deployment.
    NotFrozen = "not_frozen", 409, "No freeze holds the deployment.", "There is nothing to do.";
    /// The commit was rolled back here.
    Quarantined = "quarantined", 409, "The commit was rolled back here and is in quarantine.", "Deploy a fix, or clear the quarantine with a reason.";
    /// The commit is not in quarantine.
    NotQuarantined = "not_quarantined", 409, "The commit is not in quarantine.", "There is nothing to do.";
    /// Nothing is live.
    NothingLive = "nothing_live", 409, "Nothing is live here.", "Deploy a commit first.";
    /// There is no release to go back to.
    NothingProven = "nothing_proven", 409, "There is no proven release to go back to.", "Deploy a good commit instead.";
    /// It is live already.
    AlreadyLive = "already_live", 409, "The release is live already.", "There is nothing to do.";
    /// The database may not fit the release to go back to.
    DatabaseMayNotFit = "database_may_not_fit", 409, "The database may not fit the release to go back to.", "Compare the migrations. Where they can be taken back (needs_down), --take-back-migrations does that first; to go back all the same, say so with --whatever-the-database (in the API take_back_migrations, whatever_the_database).";
    /// There is nothing left to try again.
    NothingToRetry = "nothing_to_retry", 409, "The deployment has left nothing to try again.", "Begin a new one.";
    /// The app configuration is not valid, or something that the deployment needs is refused or missing.
    NotDeployable = "not_deployable", 409, "The app cannot be deployed as it is configured.", "Correct what the message names.";
    /// Somebody else wrote at the same time.
    ChangedMeanwhile = "changed_meanwhile", 409, "Somebody else changed it at the same time.", "Look again, then try again.";
    /// A service cannot be reached now.
    Unavailable = "unavailable", 503, "A service that is needed cannot be reached now.", "Try again in a moment; nothing was changed.";
    /// This should not happen.
    Internal = "internal", 500, "Something went wrong that should not.", "Look at the log of the function operator-api.";
}
