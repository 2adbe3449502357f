//! The platform's routes: who may ask what, in which words, and what it does to the model.

mod answer;
mod auth;
mod call;
mod content;
mod content_rows;
mod content_writes;
mod display_rows;
mod displays;
mod fields;
mod fleet;
mod health;
mod organisations;
mod playlists;
mod realtime;
mod route;
mod schedule_rows;
mod schedules;
mod table;

pub(crate) use answer::{Moment, answer};
pub(crate) use displays::ping;
pub(crate) use realtime::answer as realtime_answer;
pub(crate) use table::find;
