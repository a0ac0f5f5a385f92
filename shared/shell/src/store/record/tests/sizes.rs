//! How large a record becomes. Large fleets are put together by hand: walking there host by host takes minutes.

use super::*;
use longshore_core::{Answer, Ask, CommandStatus, HostId, Phase, Run, Standing, Task, Times};

/// A deployment of this many hosts that prepares, with every command sent.
fn preparing(hosts: u32) -> Deployment {
    let mut policy = policy();
    policy.hosts_max = hosts;
    policy.waves = vec![
        WaveSize::Hosts(1),
        WaveSize::Percent(10),
        WaveSize::Percent(100),
    ];
    let ready = Observation::Ready(samples::start(hosts, true));
    let mut deployment = samples::must(&accepted(policy), &ready, START);
    let State::Active {
        phase: Phase::Preparing(ask),
        ..
    } = &mut deployment.state
    else {
        panic!("it is preparing");
    };
    for command in &mut ask.commands {
        command.status = CommandStatus::Sent {
            command: samples::command_id(),
        };
    }
    deployment
}

/// The same deployment while it activates the last wave, with its run and its question changed.
fn activating(hosts: u32, change: impl Fn(&mut Run, &mut Ask)) -> Deployment {
    let mut deployment = preparing(hosts);
    let State::Active {
        run,
        phase: Phase::Preparing(ask),
    } = &mut deployment.state
    else {
        panic!("it is preparing");
    };
    run.moved = run.hosts.keys().cloned().collect();
    change(run, ask);
    let phase = Phase::Activating(ask.clone());
    deployment.state = State::Active {
        run: run.clone(),
        phase,
    };
    deployment
}

/// Every other host has answered, which makes the most ranges.
fn scattered(run: &mut Run, ask: &mut Ask) {
    let done: Vec<HostId> = ask.waiting.keys().step_by(2).cloned().collect();
    for host in done {
        ask.waiting.remove(&host);
        for command in &mut ask.commands {
            command.hosts.retain(|h| *h != host);
        }
        run.hosts.insert(host.clone(), Standing::Prepared);
        ask.answers.insert(host, Answer::Done);
    }
}

/// Every host has told a time for every task, each heard at another moment.
fn timed(run: &mut Run) {
    for task in Task::ALL {
        for (place, host) in run
            .hosts
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .iter()
            .enumerate()
        {
            let heard = START.after(Millis::new(u64::try_from(place).unwrap()));
            run.times.note(task, host, Times::BELIEVED_MAX, heard);
        }
    }
}

#[test]
fn the_times_of_hosts_take_little_room_however_many_there_are() {
    let with = |hosts| activating(hosts, |run, _| timed(run));
    let without = |hosts| activating(hosts, |_, _| ());
    for hosts in [200, 1_000, 10_000] {
        let name = format!("{hosts} hosts, all their times at moments of their own");
        let more = round_trip(&name, &with(hosts)) - round_trip("without", &without(hosts));
        assert!(more < 35_000, "{more} bytes more");
    }
    let both = activating(10_000, |run, ask| {
        scattered(run, ask);
        timed(run);
    });
    assert!(round_trip("10,000 hosts, every other one done, with times", &both) < BODY_MAX);
}

fn line(host: &HostId, what: &str) -> Failure {
    let line = format!("{host} {what} {}", r#"\""#.repeat(200));
    Failure::with_detail(FailureClass::ParametersUnavailable, &line)
}

/// Every host has failed with a long line of its own, first on the way forward and then on the way back.
fn all_failed(run: &mut Run, ask: &mut Ask) {
    for (host, standing) in &mut run.hosts {
        *standing = Standing::Failed(line(host, "forward"));
        ask.answers
            .insert(host.clone(), Answer::Failed(line(host, "back")));
    }
    ask.waiting.clear();
    ask.commands.clear();
}

fn round_trip(what: &str, deployment: &Deployment) -> usize {
    let length = super::round_trip(deployment);
    println!("{what}: {length} bytes");
    length
}

#[test]
fn a_deployment_of_a_thousand_hosts_is_a_small_item() {
    assert!(round_trip("1,000 hosts", &preparing(1000)) < 30_000);
    let scattered = activating(1000, scattered);
    assert!(round_trip("1,000 hosts, every other one done", &scattered) < 40_000);
}

#[test]
fn a_deployment_of_ten_thousand_hosts_fits_into_an_item() {
    assert!(round_trip("10,000 hosts", &preparing(10_000)) < 250_000);
    let scattered = activating(10_000, scattered);
    assert!(round_trip("10,000 hosts, every other one done", &scattered) < BODY_MAX);
}

#[test]
fn a_command_for_every_single_host_still_fits() {
    let deployment = activating(1000, |_, ask| {
        let batch = ask.commands[0].clone();
        ask.commands = (0..1000_u32)
            .map(|number| {
                let mut command = batch.clone();
                command.token.batch = number;
                command.hosts = vec![samples::host(number + 1)];
                command
            })
            .collect();
    });
    assert!(round_trip("1,000 hosts, 1,000 commands", &deployment) < 150_000);
}

#[test]
fn a_thousand_hosts_that_all_fail_at_length_still_fit() {
    let deployment = activating(1000, all_failed);
    let body = write_deployment(&deployment).unwrap();
    println!("1,000 failed hosts: {} bytes", body.len());
    assert!(body.len() < BODY_MAX, "{}", body.len());
    let read = read_deployment(&body).unwrap();
    assert!(read != deployment, "the lines are too long together");
    assert!(without_lines(read) == without_lines(deployment));
}

#[test]
fn the_lines_of_eighty_hosts_that_fail_twice_are_kept_in_full() {
    round_trip("80 failed hosts", &activating(80, all_failed));
}

/// The deployment without the lines that explain the hosts' failures.
fn without_lines(mut deployment: Deployment) -> Deployment {
    let State::Active {
        run,
        phase: Phase::Activating(ask),
    } = &mut deployment.state
    else {
        panic!("it is activating");
    };
    for standing in run.hosts.values_mut() {
        if let Some(failure) = standing.failure() {
            *standing = Standing::Failed(Failure::of(failure.class));
        }
    }
    for answer in ask.answers.values_mut() {
        if let Answer::Failed(failure) = answer {
            *failure = Failure::of(failure.class);
        }
    }
    deployment
}

#[test]
fn a_record_that_does_not_fit_is_refused() {
    let mut deployment = preparing(2);
    deployment.timeline = vec![deployment.timeline[0].clone(); 20_000];
    let problem = write_deployment(&deployment).unwrap_err();
    assert!(problem.to_string().ends_with("do not fit into an item"));
}
