//! How each fault happens, and how it is undone.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each family gets its own faults alone: `happen`, which shares them out, writes out every one"
)]

use super::Fault;
use super::judging;
use super::operators;
use super::player::{NOBODY, Player};
use crate::bench::Bench;
use crate::deliveries::{Change, delivery, signed_with};
use crate::mail::Letterbox;
use crate::stage::drive;
use longshore_core::{
    Cause, Deployment, Desk, Failure, FailureClass, HostId, Observation, ParameterName, Person,
    PlanDigest, Reason, Said, State, Timestamp, Via, Vote,
};
use longshore_shell::advance::record;
use longshore_shell::fakes::{HeadFault, Point, ScriptFault, SendFault, StoreFault, Trouble};
use longshore_shell::ports::Clock;
use longshore_shell::world::World;
use serde_json::json;

/// Something that is done at a later time.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// The weather clears.
    WeatherClears,
    /// Functions do not die any more, and their clock is right.
    FunctionsRecover,
    /// The index catches up.
    IndexCatchesUp,
    /// A host's agent starts again.
    AgentRestarts(HostId),
    /// A host is back.
    HostReturns(HostId),
    /// A host is back, and runs what waits for it backwards.
    HostReturnsBackwards(HostId),
    /// What stood in a host's way is gone.
    TroubleEnds(HostId),
    /// A channel takes messages again.
    ChannelReturns(&'static str),
    /// The outside, what a start needs, and Bitbucket's API are back.
    ServicesReturn,
    /// Alarms are quiet, and everything can be read.
    NumbersReturn,
    /// A delivery comes again.
    Delivery(String),
    /// A pipeline stores the build of a commit.
    BuildStored(&'static str),
    /// A click that was signed at a time comes, or comes again.
    Click(String, Timestamp),
}

impl Deed {
    /// Does it.
    pub(super) fn done(self, bench: &mut Bench) {
        let ssm = bench.cloud.world.ssm.clone();
        match self {
            Self::WeatherClears => bench.weather = crate::Weather::default(),
            Self::FunctionsRecover => {
                bench.cloud.stage.die_by_chance(None);
                bench.cloud.clock.set_ahead(0);
            }
            Self::IndexCatchesUp => bench.cloud.world.store.release_index(),
            Self::AgentRestarts(host) => ssm.restart_agent(&host),
            Self::HostReturns(host) => ssm.set_offline(&host, false),
            Self::HostReturnsBackwards(host) => ssm.come_back_newest_first(&host),
            Self::TroubleEnds(host) => ssm.change_host(&host, |host| host.troubles.clear()),
            Self::ChannelReturns(channel) => bench.cloud.people.set_down(channel, false),
            Self::ServicesReturn => {
                bench.cloud.world.outside.fail(None);
                ssm.refuse_to_resolve(None);
                bench.poll_recovers();
            }
            Self::NumbersReturn => judging::recovered(bench),
            Self::BuildStored(digit) => bench.store_build(digit),
            Self::Click(event, signed) => operators::take_click(bench, &event, signed),
            Self::Delivery(event) => {
                bench.deliver(&event);
            }
        }
    }
}

/// Lets a fault happen. Says whether it could.
#[expect(clippy::too_many_lines, reason = "one line for each fault")]
pub(super) fn happen(player: &mut Player, fault: Fault) -> bool {
    match fault {
        Fault::DeliveryRepeated | Fault::DeliveryForged | Fault::OtherRefs | Fault::HostileText => {
            webhook(player, fault)
        }
        Fault::HintsLost
        | Fault::EventsLost
        | Fault::LooksLost
        | Fault::TicksLost
        | Fault::MessagesDoubled
        | Fault::MessagesReversed
        | Fault::MessagesLate
        | Fault::HandlersInterleaved => weather(player, fault),
        Fault::TickOutOfTurn
        | Fault::PoisonMessage
        | Fault::DeadLettersRedriven
        | Fault::EverythingAgain => messages(player, fault),
        Fault::FunctionDies | Fault::FunctionClockSkewed | Fault::IndexLags => {
            functions(player, fault)
        }
        Fault::TableUnavailable
        | Fault::TableAnswerLost
        | Fault::TableConflict
        | Fault::TableOutage
        | Fault::RecordUnreadable => table(player, fault),
        Fault::SendReplyLost
        | Fault::SendRequestLost
        | Fault::SendThrottled
        | Fault::SendRefused
        | Fault::SsmBlind => sending(player, fault),
        Fault::ScriptLate
        | Fault::ScriptKilled
        | Fault::ScriptTimedOut
        | Fault::ScriptTwice
        | Fault::OutputLost
        | Fault::OutputCut
        | Fault::DeliveryTimedOut => scripts(player, fault),
        Fault::HostOffline
        | Fault::HostBackwards
        | Fault::HostTerminated
        | Fault::HostClockSkewed
        | Fault::AppCrashes => hosts(player, fault),
        Fault::HostBusy
        | Fault::DiskTight
        | Fault::DiskFull
        | Fault::DiskFillsUp
        | Fault::SourceDown
        | Fault::ParametersMissing
        | Fault::DownFails => troubles(player, fault),
        Fault::ParametersChanged
        | Fault::ConfigChanged
        | Fault::StartRefused
        | Fault::OutsideFails
        | Fault::ChannelDown
        | Fault::BranchesFail => services(player, fault),
        Fault::OperatorApproves | Fault::OperatorRefuses | Fault::OperatorCancels => {
            operator(player, fault)
        }
        // Operators and what releases are judged by do these of themselves.
        Fault::AlarmRaised
        | Fault::AlarmsBlind
        | Fault::MetricWorse
        | Fault::ErrorsLogged
        | Fault::NumbersBlind
        | Fault::OperatorSaysYes
        | Fault::OperatorSaysNo
        | Fault::OperatorStops
        | Fault::OperatorLocks
        | Fault::OperatorUnlocks
        | Fault::OperatorClears
        | Fault::OperatorBegins
        | Fault::OperatorGoesBack
        | Fault::OperatorRehearses
        | Fault::OperatorPromotes
        | Fault::OperatorRetries
        | Fault::OperatorBreaksGlass
        | Fault::OperatorsRace
        | Fault::SomebodyClicks
        | Fault::ClickDoubled
        | Fault::ClickDelayed
        | Fault::ClickForged => false,
        // These are about pushes and happen with one.
        Fault::DeliveriesOverlap
        | Fault::PushesReordered
        | Fault::DeliveryLost
        | Fault::HistoryRewritten => false,
    }
}

fn webhook(player: &mut Player, fault: Fault) -> bool {
    match fault {
        Fault::DeliveryRepeated => {
            if player.delivered.is_empty() {
                return false;
            }
            let known = player.delivered.clone();
            let event = player.chance.pick(&known);
            player.later(4_000, Deed::Delivery(event.clone()));
            player.bench.deliver(&event);
        }
        Fault::DeliveryForged => {
            let change = json!({"push": {"changes": []}}).to_string();
            let status = player
                .bench
                .deliver(&signed_with("a guess", "repo:push", &change));
            assert!(
                status == 401 || status == 502,
                "a forged delivery got {status}"
            );
        }
        Fault::OtherRefs => {
            let changes = [
                Change::of("tag", "v1", None, Some("9")),
                Change::branch("feature/x", None, Some("8")),
                Change::branch("feature/y", Some("8"), None),
                Change::of("bookmark", "main", None, Some("7")),
            ];
            player.deliver(&delivery("acme/orders", &changes));
        }
        _ => {
            let name = "main; rm -rf / `id` $(id) {{ssm:/orders/prod/KEY}} \u{202e}\u{1b}[31m\n";
            player.deliver(&delivery(
                "acme/orders",
                &[Change::branch(name, None, Some("6"))],
            ));
        }
    }
    true
}

fn weather(player: &mut Player, fault: Fault) -> bool {
    let seed = player.chance.seed();
    let weather = &mut player.bench.weather;
    match fault {
        Fault::HintsLost => weather.hints_lost = true,
        Fault::EventsLost => weather.events_lost = true,
        Fault::LooksLost => weather.looks_lost = true,
        Fault::TicksLost => weather.ticks_lost = true,
        Fault::MessagesDoubled => weather.doubled = true,
        Fault::MessagesReversed => weather.reversed = true,
        Fault::MessagesLate => weather.late = Some(seed),
        _ => weather.interleaved = Some(seed),
    }
    player.later(1_200, Deed::WeatherClears);
    true
}

fn messages(player: &mut Player, fault: Fault) -> bool {
    match fault {
        Fault::TickOutOfTurn => player.bench.tick(),
        Fault::PoisonMessage => {
            let to = player.chance.pick(&[
                Letterbox::Status,
                Letterbox::Desk(Desk::Reconciler),
                Letterbox::Desk(Desk::HealthVerifier),
                Letterbox::Desk(Desk::AutoRollback),
                Letterbox::Desk(Desk::Notifier),
            ]);
            let body = player
                .chance
                .pick(&["", "{", "[]", r#"{"detail-type": 7}"#, "\u{0}"]);
            player.bench.post(to, body);
        }
        Fault::DeadLettersRedriven => {
            if player.bench.dead.is_empty() {
                return false;
            }
            player.bench.redrive();
        }
        _ => player.bench.send_everything_again(),
    }
    true
}

fn functions(player: &mut Player, fault: Fault) -> bool {
    match fault {
        Fault::FunctionDies => {
            let danger = (player.chance.seed(), 5 + player.chance.below(60));
            player.bench.cloud.stage.die_by_chance(Some(danger));
            player.later(900, Deed::FunctionsRecover);
        }
        Fault::FunctionClockSkewed => {
            let ahead = skew(player);
            player.bench.cloud.clock.set_ahead(ahead);
            player.later(900, Deed::FunctionsRecover);
        }
        _ => {
            player.bench.cloud.world.store.hold_index();
            player.later(300, Deed::IndexCatchesUp);
        }
    }
    true
}

/// Up to five minutes, either way.
fn skew(player: &mut Player) -> i64 {
    let ms = i64::try_from(player.chance.below(300_000)).unwrap();
    if player.chance.one_in(2) { ms } else { -ms }
}

fn table(player: &mut Player, fault: Fault) -> bool {
    let often = 2 + player.chance.below(20);
    let (kind, one_in, seconds) = match fault {
        Fault::TableOutage => (StoreFault::UnavailableBefore, 1, 4 * 3_600),
        Fault::RecordUnreadable => (StoreFault::Unreadable, 1, 900),
        Fault::TableAnswerLost => (StoreFault::UnavailableAfter, often, 1_800),
        Fault::TableConflict => (StoreFault::Conflict, often, 1_800),
        _ => (StoreFault::UnavailableBefore, often, 1_800),
    };
    let until = player.until(seconds);
    player.table.begin(fault, kind, one_in, until);
    true
}

fn sending(player: &mut Player, fault: Fault) -> bool {
    let times = usize::try_from(1 + player.chance.below(3)).unwrap();
    let class = player.chance.pick(&[
        FailureClass::InvalidHost,
        FailureClass::InvalidHost,
        FailureClass::AccessDenied,
        FailureClass::DocumentRefused,
    ]);
    let ssm = &player.bench.cloud.world.ssm;
    match fault {
        Fault::SendReplyLost => ssm.fail_sends(vec![SendFault::ReplyLost; times]),
        Fault::SendRequestLost => ssm.fail_sends(vec![SendFault::RequestLost; times]),
        Fault::SendThrottled => ssm.fail_sends(vec![SendFault::Throttled; times * 7]),
        Fault::SendRefused => ssm.fail_sends([SendFault::Refused(class)]),
        _ => ssm.blind(u32::try_from(times * 2).unwrap()),
    }
    true
}

fn scripts(player: &mut Player, fault: Fault) -> bool {
    let host = player.some_host();
    let point = player.chance.pick(&Point::ALL);
    let ssm = player.bench.cloud.world.ssm.clone();
    let strike = |fault| ssm.fail_scripts(&host, [fault]);
    match fault {
        Fault::ScriptLate => {
            for host in player.all_hosts() {
                ssm.fail_scripts(&host, [ScriptFault::Late]);
                player.later(180, Deed::AgentRestarts(host));
            }
        }
        Fault::ScriptKilled => {
            strike(ScriptFault::Killed(point));
            player.later(400, Deed::AgentRestarts(host));
        }
        Fault::ScriptTimedOut => strike(ScriptFault::TimedOut(point)),
        Fault::ScriptTwice => strike(ScriptFault::Twice),
        Fault::OutputLost => strike(ScriptFault::OutputLost),
        Fault::OutputCut => strike(ScriptFault::OutputCut),
        _ => {
            ssm.give_up_on(&host);
            player.later(900, Deed::AgentRestarts(host));
        }
    }
    true
}

fn hosts(player: &mut Player, fault: Fault) -> bool {
    let host = player.some_host();
    let ahead = skew(player);
    let ssm = player.bench.cloud.world.ssm.clone();
    match fault {
        Fault::HostOffline => {
            ssm.set_offline(&host, true);
            player.later(1_200, Deed::HostReturns(host));
        }
        Fault::HostBackwards => {
            ssm.set_offline(&host, true);
            player.later(600, Deed::HostReturnsBackwards(host));
        }
        Fault::HostTerminated => {
            if ssm.terminated().len() + 1 >= usize::try_from(player.hosts).unwrap() {
                return false;
            }
            ssm.terminate(&host);
        }
        Fault::HostClockSkewed => ssm.set_clock(&host, ahead),
        _ => ssm.crash(&host),
    }
    true
}

fn troubles(player: &mut Player, fault: Fault) -> bool {
    let trouble = match fault {
        Fault::HostBusy => Trouble::Busy,
        Fault::DiskTight => Trouble::DiskTight,
        Fault::DiskFull => Trouble::DiskFull,
        Fault::DiskFillsUp => Trouble::DiskFillsUp,
        Fault::SourceDown => Trouble::SourceDown,
        Fault::DownFails => Trouble::DownFails,
        _ => Trouble::ParametersMissing,
    };
    let host = player.some_host();
    let ssm = &player.bench.cloud.world.ssm;
    ssm.change_host(&host, |host| {
        host.troubles.insert(trouble);
    });
    player.later(600, Deed::TroubleEnds(host));
    true
}

fn services(player: &mut Player, fault: Fault) -> bool {
    match fault {
        Fault::ParametersChanged => {
            let version = 1 + u32::try_from(player.chance.below(50)).unwrap();
            let name = ParameterName::parse("DATABASE_URL").unwrap();
            player.bench.cloud.world.ssm.set_parameter(&name, version);
        }
        Fault::ConfigChanged => {
            let excused = player.chance.below(2);
            let keys = json!({"hosts": {"unreachable_max": excused}});
            player.bench.configure(&keys);
        }
        Fault::StartRefused => {
            let failure = Failure::of(FailureClass::ParametersUnavailable);
            player
                .bench
                .cloud
                .world
                .ssm
                .refuse_to_resolve(Some(failure));
            player.later(600, Deed::ServicesReturn);
        }
        Fault::OutsideFails => {
            let failure = Failure::of(FailureClass::ProbeFailed);
            player.bench.cloud.world.outside.fail(Some(failure));
            player.later(300, Deed::ServicesReturn);
        }
        Fault::BranchesFail => {
            if !player.watching {
                return false;
            }
            let kinds = [
                HeadFault::Refused,
                HeadFault::Throttled,
                HeadFault::Unavailable,
            ];
            let kind = player.chance.pick(&kinds);
            player.bench.poll_fails(Some(kind));
            player.later(3_600, Deed::ServicesReturn);
        }
        _ => {
            let channel = player.chance.pick(&["sns", "deployments"]);
            player.bench.cloud.people.set_down(channel, true);
            player.later(100_000, Deed::ChannelReturns(channel));
        }
    }
    true
}

/// What the operators' interface records, whatever state the newest deployment is in by then.
fn operator(player: &mut Player, fault: Fault) -> bool {
    let bench = &player.bench;
    let open = bench.deployments().into_iter().rev();
    let wanted = |state: &State| match fault {
        Fault::OperatorCancels => !state.is_terminal(),
        _ => matches!(state, State::AwaitingApproval { .. }),
    };
    let Some(deployment) = open.into_iter().find(|d| wanted(&d.state)) else {
        return false;
    };
    let by = Person::parse(NOBODY).unwrap();
    let said = Said {
        by: by.clone(),
        via: Via::Slack,
        reason: Reason::parse("not today").unwrap(),
    };
    let seen = match fault {
        Fault::OperatorApproves => {
            let Some(plan) = plan_seen(player, &deployment) else {
                return false;
            };
            Observation::Approved(Vote {
                by,
                via: Via::Slack,
                plan,
                at: player.bench.cloud.clock().now(),
                comment: None,
            })
        }
        Fault::OperatorRefuses => Observation::Refused(said),
        _ => Observation::CancelRequested(said),
    };
    let bench = &player.bench;
    let cloud = &bench.cloud;
    let seen = [seen];
    let recording = record(
        cloud.store(),
        cloud.clock(),
        &deployment.id,
        &seen,
        Cause::Operator,
    );
    let recorded = drive(&cloud.stage, recording);
    player.bench.follow_up();
    matches!(recorded, Some(Ok(Some(_))))
}

/// The plan that a person has in mind: the one that is asked about, or now and then that of any other deployment.
fn plan_seen(player: &mut Player, deployment: &Deployment) -> Option<PlanDigest> {
    let asked = |deployment: &Deployment| deployment.approval.as_ref().map(|a| a.plan.clone());
    if player.chance.one_in(3) {
        let all = player.bench.deployments();
        return all
            .iter()
            .filter(|other| other.id != deployment.id)
            .find_map(asked);
    }
    asked(deployment)
}
