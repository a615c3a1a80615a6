//! Lists page by page (AIP-158): how many a page holds, and where the next one begins.

mod size;
mod token;

pub use size::{DEFAULT_SIZE, LARGEST_SIZE, PageSizeError, size};
pub use token::{ListIdentity, PageTokenError, decode, encode};
