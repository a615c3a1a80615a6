//! What can be done with the profile of an organization.

use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use crate::domain::date::{CalendarDate, truncate_to_milliseconds};
use crate::domain::ids::{Etag, OrganizationId};
use crate::domain::number::Series;
use crate::domain::profile::{
    LastNumbers, Profile, ProfileContent, SeriesViolation, WantedSeries, changed_series,
};
use crate::idempotency::{AppliedRequest, Earlier};
use crate::remembered::Remembered;
use crate::store::{Store, StoreError, StoredProfile};

/// How often an update without etag is decided again when other writers were faster.
const ATTEMPTS: u32 = 64;

/// Why a profile was not changed or shown. `P` is why the caller's change could not be made out.
#[derive(Debug, Error)]
pub(crate) enum ProfileError<P> {
    /// It has changed since the caller read it.
    #[error("the etag is stale")]
    EtagMismatch,
    /// The request id was used for something else.
    #[error("the request id was used before with other content")]
    RequestIdReused,
    /// The change does not fit.
    #[error("the change is invalid")]
    Patch(P),
    /// Its series are refused; never empty.
    #[error("the series have {} problems", .0.len())]
    Series(Vec<SeriesViolation>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A profile and the last number of each of its series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// The profile.
    pub(crate) profile: Profile,
    /// Of the series that have given out numbers.
    pub(crate) lasts: LastNumbers,
}

/// What a profile is to become.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WantedProfile {
    /// Everything but its series.
    pub(crate) content: ProfileContent,
    /// The series; none: as they are.
    pub(crate) series: Option<Vec<WantedSeries>>,
}

/// The use cases of profiles.
#[derive(Clone)]
pub(crate) struct Profiles {
    store: Arc<dyn Store>,
    remembered: Arc<Remembered>,
}

impl Profiles {
    /// The use cases on this store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            remembered: Arc::default(),
        }
    }

    /// The profile, as it was within the last second or is now: at most one store read.
    pub(crate) async fn recent(&self, organization: &OrganizationId) -> Result<Arc<Profile>, StoreError> {
        match self.remembered.fresh(organization) {
            Some(profile) => Ok(profile),
            None => self.read(organization).await,
        }
    }

    /// The profile as it is now: one store read.
    pub(crate) async fn read(&self, organization: &OrganizationId) -> Result<Arc<Profile>, StoreError> {
        let stored = self.store.profile(organization).await?;
        let profile = stored.map(|stored| stored.profile).unwrap_or_default();
        Ok(self.remembered.learn(organization, profile))
    }

    /// What the profile probably is, without asking the store.
    pub(crate) fn guess(&self, organization: &OrganizationId) -> Arc<Profile> {
        self.remembered.latest(organization).unwrap_or_default()
    }

    /// The day that it is in the organization, as [`Profiles::recent`] says.
    pub(crate) async fn today(&self, organization: &OrganizationId) -> Result<CalendarDate, StoreError> {
        Ok(self.recent(organization).await?.day(Timestamp::now()))
    }

    /// The profile as it is now, with the last numbers of its series: one store read, and one for each series.
    pub(crate) async fn get(&self, organization: &OrganizationId) -> Result<Standing, StoreError> {
        let profile = self.read(organization).await?.as_ref().clone();
        let lasts = self.lasts(organization, profile.content.series.iter()).await?;
        Ok(Standing { profile, lasts })
    }

    async fn lasts(
        &self,
        organization: &OrganizationId,
        series: impl Iterator<Item = &Series>,
    ) -> Result<LastNumbers, StoreError> {
        let mut lasts = LastNumbers::new();
        for series in series {
            if let Some(last) = self.store.last_number(organization, series.id()).await? {
                lasts.insert(series.id().clone(), last);
            }
        }
        Ok(lasts)
    }

    /// Replaces the profile by what `patch` makes of it, unless the request was applied before, which the second part of
    /// the answer tells: one read, one for each series, and one conditional write.
    ///
    /// # Errors
    /// [`ProfileError`]; nothing has changed then, except that after [`StoreError::Unavailable`] it may have.
    pub(crate) async fn update<P>(
        &self,
        organization: &OrganizationId,
        etag: Option<&Etag>,
        request: Option<AppliedRequest>,
        patch: impl Fn(&Profile) -> Result<WantedProfile, P> + Send + Sync,
    ) -> Result<(Standing, bool), ProfileError<P>> {
        for _ in 0..ATTEMPTS {
            let stored = self.store.profile_settled(organization).await?;
            let mut stored = stored.unwrap_or_else(|| StoredProfile::unchanged(organization.clone()));
            let earlier = request.as_ref().map(|request| stored.applied.earlier(request));
            match earlier.unwrap_or(Earlier::Unused) {
                Earlier::Unused => {}
                Earlier::Repeated => {
                    let profile = stored.profile;
                    let lasts = self.lasts(organization, profile.content.series.iter()).await?;
                    return Ok((Standing { profile, lasts }, true));
                }
                Earlier::Reused => return Err(ProfileError::RequestIdReused),
            }
            if etag.is_some_and(|etag| *etag != stored.profile.etag()) {
                return Err(ProfileError::EtagMismatch);
            }
            let wanted = patch(&stored.profile).map_err(ProfileError::Patch)?;
            let (content, lasts) = self.changed(organization, &stored.profile, wanted).await?;
            let before = stored.profile.version;
            stored.profile = Profile {
                content,
                version: before.next(),
                update_time: Some(truncate_to_milliseconds(Timestamp::now())),
            };
            if let Some(request) = request {
                stored.applied.remember(request);
            }
            let profile = stored.profile.clone();
            match self.store.put_profile(stored, before).await {
                Ok(()) => {
                    self.remembered.learn(organization, profile.clone());
                    return Ok((Standing { profile, lasts }, false));
                }
                Err(StoreError::VersionConflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ProfileError::EtagMismatch)
    }

    /// What the profile becomes, with the last numbers of its series.
    async fn changed<P>(
        &self,
        organization: &OrganizationId,
        current: &Profile,
        wanted: WantedProfile,
    ) -> Result<(ProfileContent, LastNumbers), ProfileError<P>> {
        let WantedProfile { mut content, series } = wanted;
        let before = &current.content.series;
        let wanted = series.iter().flatten().map(|wanted| &wanted.series);
        let lasts = self.lasts(organization, before.iter().chain(wanted)).await?;
        content.series = match series {
            None => before.clone(),
            Some(wanted) => {
                let today = content.zone.day(Timestamp::now());
                changed_series(before, &wanted, &lasts, today).map_err(ProfileError::Series)?
            }
        };
        Ok((content, lasts))
    }
}
