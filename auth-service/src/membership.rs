//! For which organization an operator's command works.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use settings::SettingsError;

use crate::config::Config;
use crate::domain::email::EmailKey;
use crate::domain::ids::OrganizationId;
use crate::domain::user::User;
use crate::store::{self, AuthStore, StoreError};

/// Which organization is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The one with this id.
    Organization(&'a str),
    /// That of the user with this e-mail address.
    User(&'a str),
    /// The only one.
    Only,
}

/// Somebody who belongs to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// `org_…`
    pub organization_id: String,
    /// What the organization is called.
    pub organization_name: String,
    /// `usr_…`
    pub user_id: String,
}

/// Why no organization was found. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// Settings that make no sense.
    #[error(transparent)]
    Config(#[from] SettingsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] store_url::OpenError),
    /// The store failed.
    #[error("the store of auth-service failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No organization has this id.
    #[error("there is no organization {0}")]
    NoOrganization(String),
    /// Nobody has this e-mail address.
    #[error("there is no user with this e-mail address")]
    NoUser,
    /// Nobody has registered yet.
    #[error("there is no organization yet: somebody must register first")]
    Nobody,
    /// More than one.
    #[error("there are several organizations; name one with --organization or --user: {0}")]
    Several(String),
}

impl From<StoreError> for MembershipError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

/// So many organizations are named where one has to be chosen.
const NAMED: usize = 20;

/// The organization that is meant, and one of its users: the one who is named, else the one who registered first. It reads
/// the store of `config`, beside a service that has it open.
///
/// # Errors
/// [`MembershipError`]
pub async fn find_member(
    config: &Config,
    data_dir: &Path,
    choice: Choice<'_>,
) -> Result<Member, MembershipError> {
    let settings = config.validate(data_dir)?;
    let store = store::open_beside(&settings.store).await?;
    let found = find(Arc::clone(&store), choice).await;
    store.close().await;
    found.map(|user| Member {
        organization_id: user.membership.organization_id.to_string(),
        organization_name: user.membership.organization_name.as_str().to_owned(),
        user_id: user.id.to_string(),
    })
}

async fn find(store: Arc<dyn AuthStore>, choice: Choice<'_>) -> Result<User, MembershipError> {
    match choice {
        Choice::Organization(id) => {
            let unknown = || MembershipError::NoOrganization(id.to_owned());
            let organization: OrganizationId = id.parse().map_err(|_| unknown())?;
            let members = store.members(Some(&organization), 1).await?;
            members.into_iter().next().ok_or_else(unknown)
        }
        Choice::User(email) => {
            let email = EmailKey::of_sign_in(email).map_err(|_| MembershipError::NoUser)?;
            store.user_by_email(&email).await?.ok_or(MembershipError::NoUser)
        }
        Choice::Only => only(store.members(None, NAMED + 1).await?),
    }
}

/// The first user, when all of them belong to one organization.
fn only(users: Vec<User>) -> Result<User, MembershipError> {
    let mut organizations: Vec<&User> = Vec::new();
    for user in &users {
        let id = &user.membership.organization_id;
        if organizations
            .iter()
            .all(|known| known.membership.organization_id != *id)
        {
            organizations.push(user);
        }
    }
    if organizations.len() > 1 {
        let mut list = String::new();
        for user in organizations.iter().take(NAMED) {
            let membership = &user.membership;
            let (id, name) = (&membership.organization_id, membership.organization_name.as_str());
            let comma = if list.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(list, "{comma}{id} ({name})");
        }
        let more = if organizations.len() > NAMED {
            ", and more"
        } else {
            ""
        };
        return Err(MembershipError::Several(list + more));
    }
    users.into_iter().next().ok_or(MembershipError::Nobody)
}
