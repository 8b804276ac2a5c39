//! Boilerplate: passages that recur in stories they are not about, such as credits, notes and calls to subscribe.
//!
//! A passage is boilerplate where enough stories have it and most of the neighbouring ones share nothing but such text
//! ([`shares_only_boilerplate`], [`is_boilerplate`]). It goes by words and publishers alone, so no model and no
//! instruction set changes it. A corpus is looked at as a whole ([`detect_boilerplate`]); a store and the workers keep the
//! two counts of each passage and ask the same rule. What people know goes first: [`BoilerplateList`] is a file to edit.

mod count;
mod learn;
mod list;
mod unrelated;

pub use count::{MIN_BOILERPLATE_STORIES, is_boilerplate};
pub use learn::detect_boilerplate;
pub use list::{BoilerplateEntry, BoilerplateList};
pub use unrelated::{StoryText, shares_only_boilerplate};
