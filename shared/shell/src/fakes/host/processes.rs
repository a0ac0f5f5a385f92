//! The app's processes on a host: the one that the process manager keeps, and one that it has lost and that still answers.

use super::Behaviour;
use longshore_core::Release;

/// A running process of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The release that it runs.
    pub release: Release,
    /// When it was started, in the host's own count.
    pub started: u64,
    /// Whether the step that started it is over.
    pub aged: bool,
}

/// What the process manager keeps for the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// The process, or the one that ended as soon as it was started.
    pub process: Process,
    /// Whether it runs.
    pub online: bool,
}

/// The app's processes on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    /// What the process manager keeps.
    pub managed: Option<Managed>,
    /// A process that the manager does not know and that answers instead.
    pub lingering: Option<Process>,
    /// How often a process was started.
    pub starts: u64,
    moments: u64,
}

impl Processes {
    /// The process that answers on the loopback.
    #[must_use]
    pub fn answering(&self) -> Option<&Process> {
        let online = self.managed.as_ref().filter(|managed| managed.online);
        self.lingering
            .as_ref()
            .or_else(|| online.map(|managed| &managed.process))
    }

    /// A moment after everything that has happened.
    pub(super) const fn moment(&mut self) -> u64 {
        self.moments = self.moments.saturating_add(1);
        self.moments
    }

    /// Whether the manager's process runs this release and was started after the mark.
    pub(super) fn is_settled(&self, release: &Release, mark: u64) -> bool {
        self.managed.as_ref().is_some_and(|managed| {
            managed.online && managed.process.started >= mark && managed.process.release == *release
        })
    }

    /// Whether the manager's process is one of before.
    pub(super) fn is_stale(&self, release: &Release, mark: u64) -> bool {
        self.managed.as_ref().is_some_and(|managed| managed.online)
            && !self.is_settled(release, mark)
    }

    /// Reloads what runs, or starts it where nothing runs.
    pub(super) fn reload(&mut self, release: &Release, behaviour: Behaviour) {
        let runs = self.managed.as_ref().is_some_and(|managed| managed.online);
        if !(runs && behaviour == Behaviour::OldProcessAnswers) {
            self.start(release, behaviour);
        }
    }

    /// Starts a process in the place of what runs.
    pub(super) fn start(&mut self, release: &Release, behaviour: Behaviour) {
        let before = self.answering().cloned();
        self.lingering = before.filter(|_| behaviour == Behaviour::OldProcessAnswers);
        self.starts = self.starts.saturating_add(1);
        let process = Process {
            release: release.clone(),
            started: self.moment(),
            aged: false,
        };
        self.managed = Some(Managed {
            process,
            online: behaviour != Behaviour::StartFails,
        });
    }

    pub(super) fn crash(
        &mut self,
        current: Option<&Release>,
        behaviour: &dyn Fn(&Release) -> Behaviour,
    ) {
        self.lingering = None;
        let runs = self.managed.as_ref().is_some_and(|managed| managed.online);
        if let (true, Some(release)) = (runs, current) {
            self.managed = None;
            self.start(release, behaviour(release));
        }
    }

    pub(super) fn clear(&mut self) {
        self.managed = None;
        self.lingering = None;
    }

    pub(super) fn grow_old(&mut self) {
        if let Some(managed) = &mut self.managed {
            managed.process.aged = true;
        }
    }
}

/// Whether a process passes its health check.
pub(super) fn is_healthy(process: &Process, behaviour: Behaviour) -> bool {
    match behaviour {
        Behaviour::HealthFails => false,
        Behaviour::TurnsSick => !process.aged,
        Behaviour::Good
        | Behaviour::Missing
        | Behaviour::InstallFails
        | Behaviour::BuildFails
        | Behaviour::MigrationFails
        | Behaviour::StartFails
        | Behaviour::OldProcessAnswers => true,
    }
}
