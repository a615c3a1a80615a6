use auth_service::{Choice, Member, MembershipError, find_member};

use crate::Command;

/// Whose invoices.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
pub(super) struct OrganizationFlags {
    /// The organization, by its id. Needed, or --user, when there are several.
    #[arg(long, value_name = "ORG", conflicts_with = "user")]
    organization: Option<String>,

    /// The organization of the user with this e-mail address, in whose name the command works.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
}

impl OrganizationFlags {
    /// The organization, and the user in whose name the command works.
    pub(super) async fn find(&self, command: &Command) -> Result<Member, MembershipError> {
        let choice = match (&self.organization, &self.user) {
            (Some(id), _) => Choice::Organization(id),
            (None, Some(email)) => Choice::User(email),
            (None, None) => Choice::Only,
        };
        find_member(&command.auth, &command.data_dir, choice).await
    }
}
