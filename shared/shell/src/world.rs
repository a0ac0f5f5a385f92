//! The ports that [`crate::advance`] needs, together, and those of the poll.

use crate::announce::Reply;
use crate::ports::{
    Alarms, AppLogs, Artifacts, Branches, Calendars, Clock, Commands, Configs, Fleet, Ids, Metrics,
    Outside, Repositories, Store, Wake,
};
use longshore_core::EnvironmentName;

/// A world to act in: AWS, or the fakes.
pub trait World: Sync {
    /// The table.
    type Store: Store;
    /// SSM Run Command.
    type Commands: Commands;
    /// What a deployment needs to know before it starts.
    type Fleet: Fleet;
    /// The builds that were made elsewhere.
    type Artifacts: Artifacts;
    /// The app configurations.
    type Configs: Configs;
    /// The calendars that freeze.
    type Calendars: Calendars;
    /// The check from outside.
    type Outside: Outside;
    /// The alarms that releases are judged by.
    type Alarms: Alarms;
    /// The metrics that releases are judged by.
    type Metrics: Metrics;
    /// What the apps have logged.
    type AppLogs: AppLogs;
    /// Looks that are to be taken later.
    type Wake: Wake;
    /// The clock.
    type Clock: Clock;
    /// Where the branches point, and what lies between commits.
    type Branches: Branches;

    /// The table.
    fn store(&self) -> &Self::Store;
    /// SSM Run Command.
    fn commands(&self) -> &Self::Commands;
    /// What a deployment needs to know before it starts.
    fn fleet(&self) -> &Self::Fleet;
    /// The builds that were made elsewhere.
    fn artifacts(&self) -> &Self::Artifacts;
    /// The app configurations.
    fn configs(&self) -> &Self::Configs;
    /// The calendars that freeze.
    fn calendars(&self) -> &Self::Calendars;
    /// The check from outside.
    fn outside(&self) -> &Self::Outside;
    /// The alarms that releases are judged by.
    fn alarms(&self) -> &Self::Alarms;
    /// The metrics that releases are judged by.
    fn metrics(&self) -> &Self::Metrics;
    /// What the apps have logged.
    fn app_logs(&self) -> &Self::AppLogs;
    /// Looks that are to be taken later.
    fn wake(&self) -> &Self::Wake;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// Where the branches point, and what lies between commits. Only the reconciler's role may read the token for it.
    fn branches(&self) -> &Self::Branches;
}

/// A world whose branches are watched, too.
pub trait Watch: World {
    /// Which apps there are.
    type Repositories: Repositories;
    /// New ids.
    type Ids: Ids;
    /// Answers to clicks.
    type Replies: Reply;

    /// Which apps there are.
    fn repositories(&self) -> &Self::Repositories;
    /// New ids.
    fn ids(&self) -> &Self::Ids;
    /// Answers to clicks.
    fn replies(&self) -> &Self::Replies;
    /// The environment.
    fn environment(&self) -> &EnvironmentName;
}
