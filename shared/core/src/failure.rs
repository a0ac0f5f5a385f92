//! Why something failed: one closed list of classes, the same on the hosts, in the table, in messages and in the docs.

use crate::text::printable;

/// Declares the classes with the word that the host script and the table use for each, and what a person can do. The documentation
/// of a class is what people are told that it means, so it is one sentence without the words of the code.
macro_rules! classes {
    ($(#[doc = $doc:literal] $name:ident = $word:literal, $next:literal;)*) => {
        /// Why something failed. Each class has one word, used everywhere, and one next step for a person.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FailureClass {
            $(#[doc = $doc] $name,)*
        }

        impl FailureClass {
            /// Every class, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word for this class in answers, records, logs and messages.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it means, in one sentence for people who have never heard of the word.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc.trim_ascii(),)* }
            }

            /// What a person should do next.
            #[must_use]
            pub const fn next_step(self) -> &'static str {
                match self { $(Self::$name => $next,)* }
            }

            /// The class of a word; `None` for a word that this version does not know.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

classes! {
    /// The host refused a parameter.
    BadInput = "bad_input", "compare the document version on the hosts with the stack's: the host refused a parameter";
    /// A newer deployment has reached the host.
    Superseded = "superseded", "nothing: a newer deployment has reached this host";
    /// The command reached the host too late, so the host refused it.
    Expired = "expired", "check that the host and its SSM agent are up, then redeploy";
    /// Another run held the app's lock on the host.
    Busy = "busy", "wait for the other run on the host to end, then redeploy";
    /// The SSM agent is too old to pass parameters safely.
    AgentTooOld = "agent_too_old", "update the SSM agent to 3.3.2746.0 or later";
    /// The git server could not be reached.
    SourceUnavailable = "source_unavailable", "check that the host reaches the git server";
    /// The commit does not exist in the repository.
    CommitMissing = "commit_missing", "check that the commit was not removed by a force push";
    /// There is no build of the commit in the bucket.
    ArtifactMissing = "artifact_missing", "look at the pipeline of the commit that the message names: it has not stored its build";
    /// The build is not the one that was recorded, or holds something that no build may hold.
    ArtifactRefused = "artifact_refused", "build the commit again; if it happens twice, find who writes to the bucket";
    /// Parameter Store (AWS) did not answer, also when it was asked again.
    ParametersUnavailable = "parameters_unavailable", "redeploy later: Parameter Store did not answer, or throttled the host";
    /// Too little disk space or too few inodes.
    DiskFull = "disk_full", "free disk space on the host; the old release still serves";
    /// Installing dependencies failed.
    InstallFailed = "install_failed", "read the first error line; try `npm ci` on the commit";
    /// The build script failed.
    BuildFailed = "build_failed", "read the first error line; try the build script on the commit";
    /// The host refused the app's configuration.
    ConfigRefused = "config_refused", "correct the app configuration that the message names";
    /// The migration of the database failed.
    MigrationFailed = "migration_failed", "read the first error line; the database may be half migrated, no host was switched";
    /// Another run of the migration tool holds its lock in the database, or one that died has left it there.
    MigrationLocked = "migration_locked", "see that no migration runs, then release the tool's lock as the line says, and redeploy";
    /// The backup before the migration failed, so that nothing was migrated.
    BackupFailed = "backup_failed", "read the first error line of hooks.backup; nothing was migrated";
    /// A migration of the database cannot be taken back.
    MigrationIrreversible = "migration_irreversible", "split the migration so that the release before can live with it, or allow it by its name in migrations.irreversible";
    /// The migrations of the database could not be taken back.
    MigrationDownFailed = "migration_down_failed", "compare the database with the line, mend it by hand, then deploy or switch; no host was switched back";
    /// The release is not on the host's disk.
    ReleaseMissing = "release_missing", "redeploy: the release is not on this host";
    /// The app could not be started.
    StartFailed = "start_failed", "read the first error line: the app ended while starting";
    /// The app's health check did not pass.
    HealthFailed = "health_failed", "read the first error line and the app's log: the health check did not pass";
    /// Something answers, but not the new release.
    WrongRelease = "wrong_release", "find what else listens on the app's port: an older process answers";
    /// The host could not leave the load balancer, or not come back to it.
    LoadBalancerFailed = "load_balancer_failed", "check the target group's ARN and tag, the host role's rights and the target's health check";
    /// The step's time was over.
    DeadlinePassed = "deadline_passed", "find out what took so long in the host's log, or raise the limit";
    /// Longshore's script on the host met something that it does not know.
    Internal = "internal", "read the host's log of this run; this should not happen";
    /// AWS (SSM) never delivered the command to the host.
    DeliveryTimedOut = "delivery_timed_out", "check that the host and its SSM agent are up";
    /// The host's script ran into its time limit.
    ExecutionTimedOut = "execution_timed_out", "find out what took so long in the host's log";
    /// AWS (SSM) could not deliver the command to the host.
    Undeliverable = "undeliverable", "check that the host is registered with SSM";
    /// AWS refused (SSM or IAM).
    AccessDenied = "access_denied", "check the function's role and the host's tags";
    /// Somebody cancelled the command or the system cut it off.
    CommandCancelled = "command_cancelled", "find who cancelled the command in CloudTrail";
    /// AWS (SSM) refused the host.
    InvalidHost = "invalid_host", "check that the host runs and its SSM agent is online";
    /// AWS (SSM) refused Longshore's document for the hosts.
    DocumentRefused = "document_refused", "deploy the stack again: its document is not the one that was pinned";
    /// The host answered something that Longshore does not understand.
    NoAnswer = "no_answer", "read the command's output in SSM: the script did not answer";
    /// The host did not answer in time.
    Unanswered = "unanswered", "check that the host and its SSM agent are up";
    /// No host carries the tags of the app.
    NoHosts = "no_hosts", "tag the instances with longshore:environment and longshore:app and check that SSM lists them as online";
    /// Too few hosts would stay in service while others are switched.
    TooFewInService = "too_few_in_service", "bring back the hosts that are away, or lower hosts.in_service_min";
    /// More hosts than one deployment may have.
    TooManyHosts = "too_many_hosts", "split the app's hosts: the limit is in the documentation";
    /// A host that is deployed to is not online.
    HostOffline = "host_offline", "start the host or take its tags away, then redeploy";
    /// A request from outside was not answered as it should be.
    ProbeFailed = "probe_failed", "open the health URL; the check from outside did not pass";
    /// An alarm that the app names is raised.
    AlarmRaised = "alarm_raised", "open the alarm in CloudWatch; deploy again when it is no longer raised";
    /// A metric is worse than before, or than on the hosts that still serve the previous release.
    MetricWorse = "metric_worse", "compare the numbers of `longshore why` with the metric's graph around the switch";
    /// The app logs errors that it did not log before, or more of them.
    LogErrors = "log_errors", "read the error lines that the message names in the app's log group";
    /// There was too little data to judge the release by, and the configuration asks for a judgement.
    Inconclusive = "inconclusive", "look why the checks have no data, or let analysis.no_data pass";
    /// A smoke test failed.
    SmokeFailed = "smoke_failed", "run the smoke test that the message names by hand against the live release";
    /// Somebody stopped the deployment.
    CancelledByOperator = "cancelled_by_operator", "nothing: an operator asked for it";
    /// There is no release to go back to: none was ever seen to work here.
    NothingProven = "nothing_proven", "deploy a good commit: no release was ever proven here";
    /// The commit was rolled back here before, and nobody has let it in again.
    Quarantined = "quarantined", "push a fix, or clear the quarantine with a reason";
    /// A tool that every step needs is missing on the host, or too old.
    HostNotReady = "host_not_ready", "run the bootstrap document on the host (host/README.md): a tool is missing or too old";
    /// The user that runs the apps does not exist on the host.
    UserMissing = "user_missing", "run the bootstrap document on the host, or correct the stack's parameter HostUser";
    /// Too little memory, or a child ran out of it.
    MemoryLow = "memory_low", "give the host more memory or swap, or build the app elsewhere; the old release still serves";
    /// The host's Node.js is outside of what the app's package.json asks for.
    NodeVersion = "node_version", "install the Node.js that engines.node of package.json asks for, or correct that";
    /// The npm lockfile is missing or not in step with package.json.
    Lockfile = "lockfile", "run `npm install` and commit package-lock.json";
    /// The git server refused the token, or hides the repository from it.
    GitDenied = "git_denied", "renew the git token, and check that it may read this repository";
    /// A parameter does not have its pinned version.
    ParameterMissing = "parameter_missing", "push again: the parameter was deleted or made anew since the deployment began";
    /// The host's role may not read the parameters.
    ParametersDenied = "parameters_denied", "attach the stack's HostPolicy to the role of the host's instance profile";
    /// The host's role may not use the key of a parameter.
    KmsDenied = "kms_denied", "store the parameter under the stack's key, or allow the host's role kms:Decrypt on its key";
    /// Another process holds the app's port.
    PortInUse = "port_in_use", "end the process that the message names, or change health.port";
    /// What would happen is no longer what people have said yes to.
    PlanChanged = "plan_changed", "look why hosts, parameters or migrations change all the time, then deploy again";
    /// The deployment waited too long.
    WaitedTooLong = "waited_too_long", "push or redeploy again";
}

impl FailureClass {
    /// Whether asking the host again may help. The lock of a dead run often goes with its session. A lost answer may hide a finished run; the host's ledger makes it safe.
    #[must_use]
    pub const fn is_worth_another_attempt(self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::SourceUnavailable
                | Self::ParametersUnavailable
                | Self::MigrationLocked
                | Self::DeliveryTimedOut
                | Self::Undeliverable
                | Self::NoAnswer
                | Self::Expired
                | Self::InvalidHost
        )
    }

    /// Whether the commit itself is the reason, so that the same commit fails again on every host until somebody changes it.
    #[must_use]
    pub const fn is_of_the_commit(self) -> bool {
        matches!(
            self,
            Self::BuildFailed
                | Self::CommitMissing
                | Self::Lockfile
                | Self::NodeVersion
                | Self::MigrationIrreversible
        )
    }

    /// Whether this says that the host could not be reached, rather than that it tried and failed.
    #[must_use]
    pub const fn is_about_reaching(self) -> bool {
        matches!(
            self,
            Self::DeliveryTimedOut
                | Self::Undeliverable
                | Self::InvalidHost
                | Self::Unanswered
                | Self::Expired
                | Self::HostOffline
        )
    }
}

/// A class, and the first real error line where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// What kind of failure.
    pub class: FailureClass,
    /// The first real error line: printable ASCII, at most [`Failure::DETAIL_MAX`] characters; may be empty.
    detail: String,
}

impl Failure {
    /// The longest detail that is kept, in characters.
    pub const DETAIL_MAX: usize = 300;

    /// A failure without further detail.
    #[must_use]
    pub const fn of(class: FailureClass) -> Self {
        Self {
            class,
            detail: String::new(),
        }
    }

    /// A failure with the line that explains it. What is not printable ASCII becomes a question mark, and the line is
    /// cut, so that foreign text cannot forge a log line or a message.
    #[must_use]
    pub fn with_detail(class: FailureClass, detail: &str) -> Self {
        let detail = printable(detail, Self::DETAIL_MAX);
        Self { class, detail }
    }

    /// The explaining line; empty when there is none.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_found_again_by_its_word() {
        for class in FailureClass::ALL {
            assert_eq!(FailureClass::from_word(class.word()), Some(*class));
            assert!(!class.next_step().is_empty());
        }
        assert_eq!(FailureClass::from_word("something_else"), None);
    }

    #[test]
    fn every_class_is_told_in_a_sentence_that_any_channel_can_show() {
        for class in FailureClass::ALL {
            let meaning = class.meaning();
            assert!(
                meaning.starts_with(|c: char| c.is_ascii_uppercase()),
                "{meaning}"
            );
            assert!(meaning.ends_with('.') && meaning.len() <= 110, "{meaning}");
            assert!(
                !meaning.contains(['`', '<', '>', '&', '*', '_']),
                "{meaning}"
            );
        }
    }

    #[test]
    fn a_detail_cannot_carry_control_or_direction_characters() {
        let failure = Failure::with_detail(FailureClass::Internal, "a\nb\u{202e}c\u{1b}[31m");
        assert_eq!(failure.detail(), "a?b?c?[31m");
        let long = Failure::with_detail(FailureClass::Internal, &"x".repeat(1000));
        assert_eq!(long.detail().len(), Failure::DETAIL_MAX);
    }
}
