//! Azure's names as data: service tags, FQDN tags, web categories, regions. It knows no rule and no policy.
//!
//! A [`Catalog`] is the service tags of one cloud at one date; the rest is the same for every catalogue.
//! Nothing is parsed before it is asked for, except the places of the tags in the text.

mod categories;
mod cloud;
mod diff;
mod endpoints;
mod features;
mod format;
mod fqdn_tags;
mod prefixes;
mod regions;
mod renamed;
mod rows;
mod special;
mod suggest;
mod tags;
mod usage;
mod weekly;

pub use categories::{WebCategory, categories, category, suggest_category};
pub use cloud::{CatalogIdentity, Cloud};
pub use diff::{CatalogDiff, TagChange};
pub use endpoints::{service_endpoint_tag, service_endpoints};
pub use features::{Feature, Features};
pub use format::CatalogFault;
pub use fqdn_tags::{FqdnTag, fqdn_tag, fqdn_tags, suggest_fqdn_tag};
pub use prefixes::Prefixes;
pub use regions::{Region, region, regions, suggest_region};
pub use renamed::{RenamedKind, RenamedTag, renamed_tag};
pub use special::SpecialTag;
pub use tags::{Catalog, TagEntry, TagKind};
pub use usage::{Target, TargetUse};
pub(crate) use weekly::date_of;
pub use weekly::{Converted, WeeklyFault, convert_weekly};
