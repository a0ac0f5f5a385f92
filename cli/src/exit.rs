//! What a script learns from the command's exit code: one short list, the same for every verb.

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// It is done, or what was asked for is good.
    Done,
    /// The deployment ended badly, or a check found something wrong.
    Bad,
    /// The command line or a file is wrong.
    Usage,
    /// The environment refused: the wrong state, plan, name or rights.
    Refused,
    /// AWS or the operators' API cannot be reached, or there are no credentials.
    Unreachable,
    /// The deployment has not ended yet.
    Waiting,
}

impl Exit {
    /// Every one, in the order of the codes.
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::Bad,
        Self::Usage,
        Self::Refused,
        Self::Unreachable,
        Self::Waiting,
    ];

    /// The code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bad => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
            Self::Waiting => 5,
        }
    }

    /// What it means, for the help and the documentation.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or everything is as it should be",
            Self::Bad => "the deployment ended badly, or a check found something wrong",
            Self::Usage => "the command line or a file is wrong; nothing was asked",
            Self::Refused => {
                "refused: the state, the plan, the name or your rights; nothing was changed"
            }
            Self::Unreachable => {
                "AWS or the operators' API cannot be reached, or there are no credentials"
            }
            Self::Waiting => "the deployment has not ended, or waits for somebody",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
