//! Rules that hold at some hours of the day: what they lead to changes with the clock, without a reload.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, pass};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use lockgate::clock;
use lockgate_upstream::Reply;
use serde_json::json;

const ZONE: &str = "Europe/Berlin";

fn now() -> Zoned {
    Timestamp::try_from(clock::now()).unwrap().to_zoned(TimeZone::get(ZONE).unwrap())
}

/// Lets time pass until the next time that it is so many minutes past an hour of the day.
async fn wait_until(hour: i8, minute: i8) {
    let now = now();
    let today = now.with().hour(hour).minute(minute).second(0).subsec_nanosecond(0).build().unwrap();
    let then = if today > now { today } else { today.checked_add(1.day()).unwrap() };
    let left = then.timestamp().as_millisecond() - now.timestamp().as_millisecond();
    pass(u64::try_from(left).unwrap() + 1).await;
}

#[tokio::test(start_paused = true)]
async fn nights_go_elsewhere_until_the_morning() {
    let (day, night) = (Provider::always(Reply::text("day")), Provider::always(Reply::text("night")));
    let stage = Stage::configured(&[("day", &day), ("night", &night)], |config| {
        config["routes"]["smart"]["rules"] = json!([
            { "when": { "time": { "from": "22:00", "to": "06:00", "timezone": ZONE } }, "targets": ["night/m"] },
        ]);
    })
    .await;
    for (hour, minute, expected) in
        [(21, 59, "day"), (22, 0, "night"), (2, 30, "night"), (5, 59, "night"), (6, 0, "day")]
    {
        wait_until(hour, minute).await;
        assert_eq!(stage.ask(&ask("hi")).await.text(), expected, "at {}", now());
    }
}
