//! A simulated Telegram: the Bot API as far as the product uses it, with the real error texts, and the people on the other side.

pub(crate) mod chats;
pub(crate) mod drive;
pub(crate) mod markup;
pub(crate) mod messages;
pub(crate) mod methods;
pub(crate) mod parameters;
pub(crate) mod people;
pub(crate) mod server;
pub(crate) mod shapes;
pub(crate) mod state;
pub(crate) mod updates;

use std::sync::Arc;

use crate::world::World;

/// Acts on Telegram's state, then writes down what happened, keeps it, and wakes whoever waits for updates or messages.
pub(crate) fn act<R>(world: &Arc<World>, act: impl FnOnce(&mut state::State) -> R) -> R {
    let (result, happened) = world.telegram.with(|state| {
        state.wall = world.wall().unix_timestamp();
        state.lift_bans();
        (act(state), std::mem::take(&mut state.happened))
    });
    for (kind, data) in happened {
        world.record(kind, data);
    }
    world.changed();
    world.bell.ring();
    result
}
