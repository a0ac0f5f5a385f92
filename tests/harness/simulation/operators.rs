//! What operators do in the simulation, at random: by the very requests of their API, and by clicks in Slack.
//!
//! They know less than the table: they name deployments that are over, plans of other deployments, commits that were never
//! deployed; they ask twice and at the same time as the desks work. Whatever is refused must have changed nothing, whoever
//! repeats a wish under the same key gets the same deployment, and no yes may stand in a record that nobody has said to exactly
//! that plan.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "these do the deeds of operators alone: `happen` writes out every fault"
)]

use super::happen::Deed;
use super::player::Player;
use super::{Fault, player};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::clicks::{Button, REPLY_TO, SIGNING, clicked_with};
use crate::requests::request;
use crate::words::commit;
use longshore_contract::Operation;
use longshore_core::{Deployment, Millis, State, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everybody who does something, and `mallory`, whom no configuration knows.
const PEOPLE: [&str; 4] = ["ann", "eve", "bob", "mallory"];

/// The wishes that may be repeated.
const KEYS: [&str; 6] = ["k1", "k2", "k3", "k4", "k5", "k6"];

/// Clicks are signed for five minutes, and the functions' clock may be five minutes wrong: after this time none is taken.
const STALE_AFTER_S: u64 = 600;

/// A yes: who, to which deployment, to which plan.
type Yes = (String, String, String);

/// The operators of one schedule.
pub(super) struct Operators {
    chance: Chance,
    known: Vec<Fault>,
    said: BTreeSet<Yes>,
    begun: BTreeMap<String, String>,
}

/// The member id of a person in Slack.
fn slack(person: &str) -> String {
    format!("U0{}", person.to_uppercase())
}

impl Operators {
    /// Operators for a schedule: people are asked in half of these, some are known to its configuration, and each of them does
    /// some of what operators can do.
    pub(super) fn join(mut chance: Chance, bench: &mut Bench) -> Self {
        let people = PEOPLE.iter().take(3);
        let people: Vec<Value> = people
            .map(|name| json!({"name": name, "slack": slack(name)}))
            .collect();
        if chance.one_in(2) {
            bench.configure(&json!({"approval": true}));
        }
        bench.configure(&json!({"approvals": {
            "needed": 1 + chance.below(2),
            "by_author": !chance.one_in(4),
            "people": people,
        }}));
        let one_in = chance.pick(&[1, 1, 2, 3]);
        let all = Fault::ALL.iter().filter(|fault| fault.is_of_operators());
        let known = all.copied().filter(|_| chance.one_in(one_in)).collect();
        Self {
            chance,
            known,
            said: BTreeSet::new(),
            begun: BTreeMap::new(),
        }
    }

    /// One of them does something.
    pub(super) fn act(&mut self, player: &mut Player) {
        if self.known.is_empty() {
            return;
        }
        let deed = self.chance.pick(&self.known);
        let done = match deed {
            Fault::SomebodyClicks
            | Fault::ClickDoubled
            | Fault::ClickDelayed
            | Fault::ClickForged => self.click(player, deed),
            _ => self.asks(player, deed),
        };
        if done {
            player.count(deed);
        }
    }

    /// Every yes on record was said by that person to that plan of that deployment.
    pub(super) fn assert_yes_was_said(&self, player: &Player) {
        for written in player.bench.cloud.world.store.log() {
            for deployment in &written.deployments {
                let votes = deployment.approval.iter().flat_map(|asked| &asked.votes);
                for vote in votes.filter(|vote| vote.by.as_str() != player::NOBODY) {
                    let yes = (
                        vote.by.to_string(),
                        deployment.id.to_string(),
                        vote.plan.to_string(),
                    );
                    assert!(self.said.contains(&yes), "nobody has said {yes:?}");
                }
            }
        }
    }

    fn person(&mut self) -> &'static str {
        self.chance.pick(&PEOPLE)
    }

    /// Any deployment; mostly the newest.
    fn some(&mut self, player: &Player) -> Option<Deployment> {
        let all = player.bench.deployments();
        let newest = all.last().cloned();
        if self.chance.one_in(3) && !all.is_empty() {
            return Some(self.chance.pick(&all));
        }
        newest
    }

    /// The deployment that is asked about, if there is one.
    fn asked(player: &Player) -> Option<Deployment> {
        let all = player.bench.deployments();
        let waits = |d: &Deployment| matches!(d.state, State::AwaitingApproval { .. });
        all.into_iter().rev().find(waits)
    }

    /// Any commit of the schedule, and now and then one that was never there.
    fn commit(&mut self, player: &Player) -> &'static str {
        match player.pushed() {
            [] => "0",
            _ if self.chance.one_in(8) => "0",
            pushed => self.chance.pick(pushed),
        }
    }

    fn asks(&mut self, player: &mut Player, deed: Fault) -> bool {
        let by = self.person();
        let Some((operation, path, mut body)) = self.wish(player, deed, by) else {
            return false;
        };
        let keyed = operation == Operation::Begin && self.chance.one_in(2);
        let key = keyed.then(|| self.chance.pick(&KEYS));
        if let Some(key) = key {
            body["key"] = Value::from(key);
        }
        let event = request(by, operation, &path, &body);
        let store = player.bench.cloud.world.store.clone();
        let writes = store.log().len();
        let races = self.known.contains(&Fault::OperatorsRace) && self.chance.one_in(2);
        let told = if races {
            player.count(Fault::OperatorsRace);
            player.bench.ask_beside(&event, self.chance.seed())
        } else {
            player.bench.ask(&event)
        };
        let Some(told) = told else {
            return true;
        };
        let is_refused = (400..500).contains(&told.status_code);
        assert!(
            races || !is_refused || store.log().len() == writes,
            "refused, and something was written: {event}"
        );
        if let (Some(key), 200) = (key, told.status_code) {
            let body: Value = serde_json::from_str(&told.body).unwrap();
            let id = body["deployment"]["id"].as_str().expect("an id").to_owned();
            let before = self.begun.entry(key.to_owned()).or_insert(id.clone());
            assert_eq!(*before, id, "the key {key} has begun a second deployment");
        }
        true
    }

    /// What somebody asks of the API, if it can be asked now.
    fn wish(
        &mut self,
        player: &mut Player,
        deed: Fault,
        by: &str,
    ) -> Option<(Operation, Value, Value)> {
        let app = json!({"app": "orders"});
        let because = json!({"reason": "because"});
        let asked = match deed {
            Fault::OperatorLocks => {
                let seconds = 60 + self.chance.below(7_200);
                let body = json!({"reason": "because", "seconds": seconds});
                (Operation::Lock, app, body)
            }
            Fault::OperatorUnlocks => (Operation::Unlock, app, because),
            Fault::OperatorClears => {
                let quarantine = player.bench.slot().quarantine;
                let any: Vec<String> = quarantine.keys().map(ToString::to_string).collect();
                let commit = match any.as_slice() {
                    [] => commit(self.commit(player)).to_string(),
                    any => self.chance.pick(any),
                };
                let path = json!({"app": "orders", "commit": commit});
                (Operation::ClearQuarantine, path, because)
            }
            Fault::OperatorBegins => {
                let commit = commit(self.commit(player)).to_string();
                let body = self.chance.pick(&[
                    json!({"kind": "push", "commit": commit}),
                    json!({"kind": "redeploy"}),
                    json!({"kind": "config"}),
                ]);
                (Operation::Begin, app, body)
            }
            Fault::OperatorGoesBack => (Operation::Begin, app, self.back(player, "rollback")),
            Fault::OperatorRehearses => (Operation::Begin, app, self.back(player, "drill")),
            Fault::OperatorPromotes => {
                let digit = self.commit(player);
                let mut body = json!({"kind": "promote", "commit": commit(digit).to_string()});
                if self.chance.one_in(2) {
                    body["artifact"] = json!({
                        "version": format!("version-{digit}"),
                        "sha256": digit.repeat(64),
                    });
                }
                (Operation::Begin, app, body)
            }
            Fault::OperatorRetries => {
                let path = json!({"id": self.some(player)?.id.to_string()});
                (Operation::Retry, path, because)
            }
            Fault::OperatorBreaksGlass => {
                let id = self.some(player)?.id.to_string();
                let body = json!({"reason": "because", "deployment": id});
                (Operation::BreakGlass, app, body)
            }
            Fault::OperatorSaysYes => {
                let (id, plan) = self.yes(player, by)?;
                (Operation::Approve, json!({"id": id}), json!({"plan": plan}))
            }
            Fault::OperatorSaysNo => {
                let path = json!({"id": self.some(player)?.id.to_string()});
                (Operation::Reject, path, because)
            }
            Fault::OperatorStops => {
                let path = json!({"id": self.some(player)?.id.to_string()});
                (Operation::Cancel, path, because)
            }
            _ => return None,
        };
        Some(asked)
    }

    fn back(&mut self, player: &Player, kind: &str) -> Value {
        let mut body = json!({"kind": kind});
        if self.chance.one_in(3)
            && let Some(deployment) = self.some(player)
        {
            body["deployment"] = Value::from(deployment.id.as_str());
        }
        match self.chance.below(4) {
            0 => body["whatever_the_database"] = Value::from(true),
            1 | 2 if kind == "rollback" => body["take_back_migrations"] = Value::from(true),
            _ => {}
        }
        body
    }

    /// A yes to what is asked about; now and then with the plan of another deployment, or to another deployment with this plan.
    fn yes(&mut self, player: &Player, by: &str) -> Option<(String, String)> {
        let deployment = Self::asked(player)?;
        let plan = |d: &Deployment| d.approval.as_ref().map(|asked| asked.plan.to_string());
        let all = player.bench.deployments();
        let any: Vec<Deployment> = all.into_iter().filter(|d| plan(d).is_some()).collect();
        let (of, with) = match self.chance.below(6) {
            0 => (deployment, self.chance.pick(&any)),
            1 => (self.chance.pick(&any), deployment),
            _ => (deployment.clone(), deployment),
        };
        let (id, plan) = (of.id.to_string(), plan(&with)?);
        self.said.insert((by.to_owned(), id.clone(), plan.clone()));
        Some((id, plan))
    }

    fn click(&mut self, player: &mut Player, deed: Fault) -> bool {
        let by = self.person();
        if deed == Fault::ClickForged {
            return Self::forged_click(player, by);
        }
        let Some((id, plan)) = self.yes(player, by) else {
            return false;
        };
        let button = Button {
            action: if self.chance.one_in(4) {
                "reject"
            } else {
                "approve"
            },
            value: format!("{id}:{plan}"),
            reason: (!self.chance.one_in(4)).then_some("because"),
            reply_to: REPLY_TO,
        };
        let signed = player.bench.now();
        let event = clicked_with(SIGNING, signed, &button.form(&slack(by)));
        let event = event.as_str();
        match deed {
            Fault::ClickDelayed => {
                let after = self.chance.below(2 * STALE_AFTER_S);
                player.later_by(after, Deed::Click(event.to_owned(), signed));
            }
            Fault::ClickDoubled => {
                for _ in 0..2 {
                    take_click(&mut player.bench, event, signed);
                }
                let after = self.chance.below(2 * STALE_AFTER_S);
                player.later_by(after, Deed::Click(event.to_owned(), signed));
            }
            _ => take_click(&mut player.bench, event, signed),
        }
        true
    }

    /// A click that Slack has not sent.
    fn forged_click(player: &mut Player, by: &str) -> bool {
        let Some(deployment) = Self::asked(player) else {
            return false;
        };
        let plan = deployment
            .approval
            .as_ref()
            .map(|asked| asked.plan.to_string());
        let button = Button {
            action: "approve",
            value: format!("{}:{}", deployment.id, plan.unwrap_or_default()),
            reason: None,
            reply_to: REPLY_TO,
        };
        let now = player.bench.now();
        let event = clicked_with("a guess", now, &button.form(&slack(by)));
        let status = player.bench.deliver_click(&event);
        assert_eq!(status, 401, "a forged click is taken");
        true
    }
}

/// Delivers a click that was signed at a time: taken or refused for its age, and surely refused when it is stale.
pub(super) fn take_click(bench: &mut Bench, event: &str, signed: Timestamp) {
    let age = bench.now().since(signed);
    let is_stale = age > Millis::from_secs(STALE_AFTER_S);
    let status = bench.deliver_click(event);
    assert!(
        status == 401 || (status == 200 && !is_stale),
        "a click, stale: {is_stale}, got {status}"
    );
}
