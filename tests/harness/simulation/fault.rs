//! Everything that goes wrong in the simulation, each by one name.

/// Declares the faults with their words.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// Something that goes wrong. Its name stands in `docs/PROOF.md` beside the fault cases that it plays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The fault in words.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

faults! {
    /// Bitbucket sends a delivery again, at once or hours later.
    DeliveryRepeated = "a delivery is repeated";
    /// Two copies of a delivery are worked on at the same time.
    DeliveriesOverlap = "two copies of a delivery overlap";
    /// Two pushes are delivered in the wrong order.
    PushesReordered = "two pushes are delivered in reverse";
    /// Bitbucket drops a push; only the poll can find it.
    DeliveryLost = "a delivery is lost";
    /// A delivery with a wrong signature.
    DeliveryForged = "a delivery is forged";
    /// Tags, deletions and other branches, several in one delivery.
    OtherRefs = "a delivery of other refs";
    /// A branch name and an author that mean something to a shell, a log or a terminal.
    HostileText = "a delivery with hostile texts";
    /// The branch is forced back to a commit that it had before.
    HistoryRewritten = "the branch is forced back";

    /// SSM's events do not arrive.
    HintsLost = "SSM's events are lost";
    /// The table's events do not arrive.
    EventsLost = "the table's events are lost";
    /// Planned looks do not arrive.
    LooksLost = "planned looks are lost";
    /// Minute ticks do not arrive.
    TicksLost = "minute ticks are lost";
    /// A tick comes out of turn.
    TickOutOfTurn = "a tick comes out of turn";
    /// Every event arrives twice.
    MessagesDoubled = "messages are doubled";
    /// The newest message is handed over first.
    MessagesReversed = "messages are reversed";
    /// Messages are minutes late.
    MessagesLate = "messages are late";
    /// Two handlers work at the same time, call by call.
    HandlersInterleaved = "two handlers interleave";
    /// A message that nobody can read.
    PoisonMessage = "a poison message";
    /// The dead-letter queues are redriven.
    DeadLettersRedriven = "dead letters are redriven";
    /// Every event there ever was is sent again.
    EverythingAgain = "every event is sent again";

    /// A handler dies before or after a call.
    FunctionDies = "a function dies";
    /// The functions' clock is minutes ahead or behind.
    FunctionClockSkewed = "the functions' clock is wrong";
    /// Calls of the table fail before they take effect.
    TableUnavailable = "the table is unavailable";
    /// Writes take effect and their answers are lost.
    TableAnswerLost = "the table's answer is lost";
    /// Somebody else always wrote first.
    TableConflict = "a conditional write loses";
    /// The table is away for hours.
    TableOutage = "the table is away for hours";
    /// The index of open deployments does not catch up.
    IndexLags = "the index lags";
    /// Records were written by another version, which the running one cannot read.
    RecordUnreadable = "records of another version";

    /// SSM has the command, the answer is lost.
    SendReplyLost = "a reply of SendCommand is lost";
    /// The request never reaches SSM.
    SendRequestLost = "a request of SendCommand is lost";
    /// SSM throttles, many times in a row.
    SendThrottled = "SendCommand is throttled";
    /// SSM refuses, for one bad host or for good.
    SendRefused = "SendCommand is refused";
    /// SSM cannot be asked.
    SsmBlind = "SSM cannot be asked";
    /// A script starts minutes after it was sent.
    ScriptLate = "a script starts late";
    /// A script is killed at some line with its agent, and run again from its start.
    ScriptKilled = "a script is killed and run again";
    /// A script is killed at its time limit.
    ScriptTimedOut = "a script is killed at its limit";
    /// The agent runs a command twice.
    ScriptTwice = "a command is run twice";
    /// A script's output is lost.
    OutputLost = "an output is lost";
    /// A script's output is cut.
    OutputCut = "an output is truncated";
    /// SSM says that a command was not delivered, and the host runs it later all the same.
    DeliveryTimedOut = "a command times out and runs later";

    /// A host is away for a while.
    HostOffline = "a host is offline";
    /// A host comes back and runs what waits for it, the newest first.
    HostBackwards = "a host runs its commands backwards";
    /// A host is terminated.
    HostTerminated = "a host is terminated";
    /// Another run holds the lock of the app on a host.
    HostBusy = "a host is busy";
    /// A host has too little room.
    DiskTight = "a disk is tight";
    /// Nothing can be written on a host.
    DiskFull = "a disk is full";
    /// A disk fills up during a step.
    DiskFillsUp = "a disk fills up";
    /// A host does not reach the repository.
    SourceDown = "the repository is down";
    /// A host cannot read its parameters.
    ParametersMissing = "parameters cannot be read";
    /// Migrations cannot be taken back on a host.
    DownFails = "migrations cannot be taken back";
    /// A host's clock is minutes ahead or behind.
    HostClockSkewed = "a host's clock is wrong";
    /// The app's processes crash and are started again.
    AppCrashes = "an app crashes";

    /// A parameter gets a new version.
    ParametersChanged = "a parameter changes";
    /// The app configuration gets a new version.
    ConfigChanged = "the configuration changes";
    /// What a start needs is refused.
    StartRefused = "what a start needs is missing";
    /// The check from outside fails.
    OutsideFails = "the check from outside fails";
    /// A channel takes no messages.
    ChannelDown = "a channel is down";
    /// Bitbucket does not say where the branch points.
    BranchesFail = "Bitbucket's API fails";
    /// An operator approves.
    OperatorApproves = "an operator approves";
    /// An operator refuses.
    OperatorRefuses = "an operator refuses";
    /// An operator cancels.
    OperatorCancels = "an operator cancels";

    /// Somebody says yes by the API, now and then to another plan.
    OperatorSaysYes = "somebody says yes by the API";
    /// Somebody says no by the API.
    OperatorSaysNo = "somebody says no by the API";
    /// Somebody stops a deployment by the API.
    OperatorStops = "somebody stops by the API";
    /// Somebody holds the app.
    OperatorLocks = "somebody locks";
    /// Somebody takes the lock away.
    OperatorUnlocks = "somebody unlocks";
    /// Somebody lets a commit in again.
    OperatorClears = "somebody clears a quarantine";
    /// Somebody begins a commit, what is live again, or its configuration.
    OperatorBegins = "somebody begins a deployment";
    /// Somebody goes back to a proven release.
    OperatorGoesBack = "somebody goes back";
    /// Somebody rehearses going back.
    OperatorRehearses = "somebody rehearses";
    /// Somebody brings what was proven elsewhere.
    OperatorPromotes = "somebody promotes";
    /// Somebody tries again what has ended.
    OperatorRetries = "somebody tries again";
    /// Somebody begins in spite of a freeze.
    OperatorBreaksGlass = "somebody breaks the glass";
    /// A request is worked on at the same time as a desk's message.
    OperatorsRace = "a request races with a desk";
    /// Somebody clicks in Slack.
    SomebodyClicks = "somebody clicks";
    /// A click comes twice, and later once more.
    ClickDoubled = "a click is doubled";
    /// A click comes late.
    ClickDelayed = "a click is delayed";
    /// A click that Slack has not sent.
    ClickForged = "a click is forged";

    /// The alarm that watches the app is raised.
    AlarmRaised = "an alarm is raised";
    /// Alarms cannot be read.
    AlarmsBlind = "alarms cannot be read";
    /// What is measured is worse than before.
    MetricWorse = "a metric is worse";
    /// The app begins to log errors.
    ErrorsLogged = "an app logs errors";
    /// Metrics and logs cannot be read.
    NumbersBlind = "metrics and logs cannot be read";
}

impl Fault {
    /// Whether it is something that operators do by their own ways in. These have a chance of their own, so that the schedules
    /// without operators stay what they are.
    #[must_use]
    pub fn is_of_operators(self) -> bool {
        (Self::OperatorSaysYes..=Self::ClickForged).contains(&self)
    }

    /// Whether it is about what releases are judged by, which has a chance of its own for the same reason.
    #[must_use]
    pub fn is_of_judging(self) -> bool {
        self >= Self::AlarmRaised
    }
}
