//! The gRPC face of the service: handlers and conversions.

mod auth;
mod cookie;
mod error;
mod inward;
mod outward;
mod page;
mod token;

pub(crate) use auth::{ANONYMOUS, AuthService, UseCases};
pub(crate) use token::TokenService;
