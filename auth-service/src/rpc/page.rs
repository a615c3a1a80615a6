//! Pages of the lists that belong to the caller, the newest first.

use std::str::FromStr;

use paging::{ListIdentity, PageTokenError};
use rpc_error::RpcError;

use super::inward::Fields;
use crate::domain::user::User;

/// What a request wants to see of a list that is ordered by falling ids.
#[derive(Debug)]
pub(super) struct Page<Id> {
    /// Only what has a lower id.
    pub(super) before: Option<Id>,
    size: usize,
    list: ListIdentity,
}

impl<Id: FromStr> Page<Id> {
    /// Reads `page_size` and `page_token` of a request for the list of this name.
    pub(super) fn of(list: &str, owner: &User, page_size: i32, page_token: &str) -> Result<Self, RpcError> {
        let list = ListIdentity::new(owner.id.as_str(), list.as_bytes());
        let mut fields = Fields::default();
        let size = fields.value("page_size", paging::size(page_size));
        let before = fields.value("page_token", place(page_token, list));
        let page = size.zip(before).map(|(size, before)| Self { before, size, list });
        fields.finish(page)
    }

    /// How many to ask the store for: one more than the page holds tells whether there is another page.
    pub(super) fn limit(&self) -> usize {
        self.size + 1
    }

    /// Takes the surplus off `found`, and gives the token of the next page, or a blank one.
    pub(super) fn cut<T>(&self, found: &mut Vec<T>, id: impl Fn(&T) -> &str) -> String {
        if found.len() <= self.size {
            return String::new();
        }
        found.truncate(self.size);
        let last = found.last().map(id);
        last.map(|id| paging::encode(&id, self.list)).unwrap_or_default()
    }
}

fn place<Id: FromStr>(token: &str, list: ListIdentity) -> Result<Option<Id>, PageTokenError> {
    let id = paging::decode::<String>(token, list)?;
    id.map(|id| id.parse().map_err(|_| PageTokenError::Malformed))
        .transpose()
}
