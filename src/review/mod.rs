//! What people and other programs read of a policy or of a difference: a file or folder per form, each a
//! pure function from data to text. No set, no policy and no file is known here.

pub mod harmless;
pub mod words;
pub mod select;
pub mod rules;
pub mod rule_lines;
pub mod text;
pub mod markdown;
pub mod forge;
pub mod annotations;
pub mod rdjson;
pub mod sarif;
pub mod report;
pub mod graph;
pub mod html;
