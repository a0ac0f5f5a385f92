//! The routes: one table for the API, its callers, the OpenAPI document and the test of the template.

/// Who may call a route. Each is a managed policy; every one is attached in addition to that of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees everything, changes nothing.
    Reader,
    /// Begins, cancels and repeats deployments.
    Deployer,
    /// Approves and refuses.
    Approver,
    /// Locks, breaks the glass, clears quarantines.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Deployer, Self::Approver, Self::Admin];

    /// The role's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Deployer => "deployer",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

/// The methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Acts.
    Post,
    /// Takes something away.
    Delete,
}

impl Method {
    /// The method's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// The query parameters in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// Entries of a page, at most.
    Limit,
    /// Only deployments that are older than this one.
    Before,
    /// Only entries before this number.
    BeforeEntry,
    /// Of this host only.
    Host,
    /// Where an earlier answer ended.
    After,
    /// Of this app only.
    App,
    /// Of this commit only, or of those that begin so.
    Commit,
    /// Only those that this person had a hand in.
    By,
    /// Only those that ended so.
    Result,
    /// Only those of this kind.
    Kind,
    /// Only what was at this time or later.
    Since,
    /// Only what was before this time.
    Until,
}

impl Query {
    /// The parameter's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Before | Self::BeforeEntry => "before",
            Self::Host => "host",
            Self::After => "after",
            Self::App => "app",
            Self::Commit => "commit",
            Self::By => "by",
            Self::Result => "result",
            Self::Kind => "kind",
            Self::Since => "since",
            Self::Until => "until",
        }
    }
}

impl Operation {
    /// The query parameters that it takes, none of which is needed.
    #[must_use]
    pub const fn queries(self) -> &'static [Query] {
        match self {
            Self::History => &[
                Query::Limit,
                Query::Before,
                Query::Commit,
                Query::By,
                Query::Result,
                Query::Kind,
                Query::Since,
                Query::Until,
                Query::Host,
            ],
            Self::Stats => &[Query::App, Query::Since, Query::Until],
            Self::Audit => &[Query::Limit, Query::BeforeEntry],
            Self::Logs => &[Query::Host, Query::After],
            Self::WhoAmI
            | Self::Apps
            | Self::Status
            | Self::Show
            | Self::Plan
            | Self::Begin
            | Self::Cancel
            | Self::Retry
            | Self::Approve
            | Self::Reject
            | Self::Lock
            | Self::Unlock
            | Self::BreakGlass
            | Self::ClearQuarantine => &[],
        }
    }
}

/// What stands before the path of each route where the console calls it, with a token in the place of a signature. The
/// operations, their roles, requests and answers are the same.
pub const CONSOLE_PREFIX: &str = "/console";

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub role: Role,
    /// What it does, in a sentence.
    pub summary: &'static str,
}

/// Declares the operations with their routes.
macro_rules! operations {
    ($($name:ident = $word:literal, $role:ident, $method:ident $path:literal, $summary:literal;)*) => {
        /// What can be asked of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Operation {
            $(#[doc = $summary] $name,)*
        }

        impl Operation {
            /// Every operation, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The operation's word: its id in the OpenAPI document.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Its route.
            #[must_use]
            pub const fn route(self) -> Route {
                match self {
                    $(Self::$name => Route {
                        method: Method::$method,
                        path: $path,
                        role: Role::$role,
                        summary: $summary,
                    },)*
                }
            }
        }
    };
}

operations! {
    WhoAmI = "whoami", Reader, Get "/v1/whoami", "What the API knows of the caller.";
    Apps = "apps", Reader, Get "/v1/apps", "Every app of the environment.";
    Status = "status", Reader, Get "/v1/apps/{app}", "How an app stands, with every host.";
    History = "history", Reader, Get "/v1/apps/{app}/deployments", "Deployments of an app, the newest first.";
    Stats = "stats", Reader, Get "/v1/stats", "What the history of an app, or of all, tells in numbers.";
    Audit = "audit", Reader, Get "/v1/apps/{app}/audit", "What operators did to an app, the newest first.";
    Show = "show", Reader, Get "/v1/deployments/{id}", "A deployment in full.";
    Logs = "logs", Reader, Get "/v1/deployments/{id}/logs", "What the hosts of a deployment have written.";
    Plan = "plan", Reader, Post "/v1/apps/{app}/plan", "What a deployment would be; nothing is written.";
    Begin = "begin", Deployer, Post "/v1/apps/{app}/deployments", "Begins a deployment.";
    Cancel = "cancel", Deployer, Post "/v1/deployments/{id}/cancel", "Stops a deployment in a known state.";
    Retry = "retry", Deployer, Post "/v1/deployments/{id}/retry", "Begins a deployment for the hosts that an ended one has failed on.";
    Approve = "approve", Approver, Post "/v1/deployments/{id}/approve", "Approves exactly the plan that was seen.";
    Reject = "reject", Approver, Post "/v1/deployments/{id}/reject", "Refuses a deployment that waits for an approval.";
    Lock = "lock", Admin, Post "/v1/apps/{app}/lock", "Holds an app for a time.";
    Unlock = "unlock", Admin, Delete "/v1/apps/{app}/lock", "Ends the hold on an app.";
    BreakGlass = "break_glass", Admin, Post "/v1/apps/{app}/break-glass", "Lets the waiting deployment start although a freeze holds it.";
    ClearQuarantine = "clear_quarantine", Admin, Delete "/v1/apps/{app}/quarantine/{commit}", "Lets a commit that was rolled back be deployed again.";
}
