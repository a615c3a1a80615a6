//! What users change of themselves and of their organization.

use std::sync::Arc;

use authn::{Role, TokenError};

use crate::domain::user::{ProfileChange, User};
use crate::error::AuthError;
use crate::store::AuthStore;

/// See the module.
pub(crate) struct Profiles {
    pub(crate) store: Arc<dyn AuthStore>,
}

impl Profiles {
    /// Changes what `change` names, in one write, and returns the user as it is then.
    ///
    /// # Errors
    /// `RoleInsufficient` when the organization is to be renamed by somebody who does not own it, and the store's.
    pub(crate) async fn update(&self, user: &User, change: ProfileChange) -> Result<User, AuthError> {
        match user.membership.role {
            Role::Owner => {}
            Role::Member if change.organization_name.is_none() => {}
            Role::Member => return Err(AuthError::RoleInsufficient),
        }
        let updated = self.store.update_profile(&user.id, change).await?;
        updated.ok_or(AuthError::Token(TokenError::Revoked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::Text;
    use crate::store;
    use crate::store::sample::{session_of, user};

    fn change(display_name: Option<&str>, organization_name: Option<&str>) -> ProfileChange {
        ProfileChange {
            display_name: display_name.map(|name| Text::parse(name).unwrap()),
            organization_name: organization_name.map(|name| Text::parse(name).unwrap()),
        }
    }

    #[tokio::test]
    async fn only_an_owner_renames_the_organization() {
        let store = store::open(&"sqlite::memory:".parse().unwrap()).await.unwrap();
        let mut ada = user("ada@example.com");
        ada.membership.role = Role::Member;
        store.insert_user(ada.clone(), session_of(&ada)).await.unwrap();
        let profiles = Profiles {
            store: Arc::clone(&store),
        };
        for renaming in [
            change(None, Some("Engines")),
            change(Some("Ada"), Some("Engines")),
        ] {
            let refused = profiles.update(&ada, renaming).await;
            assert!(matches!(refused, Err(AuthError::RoleInsufficient)), "{refused:?}");
        }
        assert_eq!(store.user(&ada.id).await.unwrap().as_ref(), Some(&ada));
        let renamed = profiles.update(&ada, change(Some("Ada"), None)).await.unwrap();
        assert_eq!(renamed.display_name.as_str(), "Ada");
    }
}
