//! The table row of an Event, and the ages that other commands show for it.

use serde_json::Value;

use super::{Column, column, since, wide};
use crate::object::{field, int_at, name, str_at};
use crate::time::Time;

pub const COLUMNS: &[Column] = &[
    column("LAST SEEN"),
    column("TYPE"),
    column("REASON"),
    column("OBJECT"),
    wide("SUBOBJECT"),
    wide("SOURCE"),
    column("MESSAGE"),
    wide("FIRST SEEN"),
    wide("COUNT"),
    wide("NAME"),
];

pub fn cells(event: &Value, now: Time) -> Vec<String> {
    let first_stamp = [str_at(event, "firstTimestamp"), str_at(event, "eventTime")];
    let first = since(non_empty(first_stamp), now);
    let mut last = match str_at(event, "lastTimestamp") {
        "" => first.clone(),
        last => since(last, now),
    };
    let mut count = int_at(event, "count").unwrap_or(0);
    if !field(event, "series").is_null() {
        last = since(str_at(event, "series.lastObservedTime"), now);
        count = int_at(event, "series.count").unwrap_or(0);
    } else if count == 0 {
        count = 1;
    }
    let kind = str_at(event, "involvedObject.kind").to_lowercase();
    let target = match str_at(event, "involvedObject.name") {
        "" => kind,
        object => format!("{kind}/{object}"),
    };
    vec![
        last,
        str_at(event, "type").into(),
        str_at(event, "reason").into(),
        target,
        str_at(event, "involvedObject.fieldPath").into(),
        source(event),
        str_at(event, "message").trim().into(),
        first,
        count.to_string(),
        name(event).into(),
    ]
}

fn non_empty(texts: [&str; 2]) -> &str {
    if texts[0].is_empty() { texts[1] } else { texts[0] }
}

fn source(event: &Value) -> String {
    let component = non_empty([str_at(event, "source.component"), str_at(event, "reportingComponent")]);
    match non_empty([str_at(event, "source.host"), str_at(event, "reportingInstance")]) {
        "" => component.into(),
        host => format!("{component}, {host}"),
    }
}

/// `8s`, or `8s (x3 over 55s)` for an event that was seen more than once: describe and `kubectl events`.
#[must_use]
pub fn interval(event: &Value, now: Time) -> String {
    let first = since(non_empty([str_at(event, "eventTime"), str_at(event, "firstTimestamp")]), now);
    let count = int_at(event, "count").unwrap_or(0);
    if !field(event, "series").is_null() {
        let last = since(str_at(event, "series.lastObservedTime"), now);
        return format!("{last} (x{} over {first})", int_at(event, "series.count").unwrap_or(0));
    }
    if count > 1 {
        return format!("{} (x{count} over {first})", since(str_at(event, "lastTimestamp"), now));
    }
    first
}
