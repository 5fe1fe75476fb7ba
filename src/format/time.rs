//! Points in time (RFC 3339) and durations (`7d`, `72h`). Nothing here reads a clock.

use jiff::{Timestamp, ToSpan as _};

/// A point in time; the one clock of a run is a value of this type.
pub type Time = Timestamp;

/// 0000-01-01T00:00:00Z, in seconds since 1970.
const YEAR_0: i64 = -62_167_219_200;

/// An RFC 3339 date and time with offset. The error says what was expected.
///
/// A leap second (`:60`) is refused, though RFC 3339 has it: the clocks that are compared here have none, readers take it for
/// the second before or the one after, and a window must not end at two times.
pub fn parse_rfc3339(untrusted: &str) -> Result<Time, String> {
    let shape = untrusted.len() >= 20 && untrusted.as_bytes().get(10).is_some_and(|c| matches!(c, b'T' | b't' | b' '));
    if !shape || untrusted.contains('[') {
        return Err("expected a date and time such as 2026-11-20T00:00:00Z (RFC 3339)".into());
    }
    if untrusted.get(17..19) == Some("60") {
        return Err("expected seconds from 00 to 59; a leap second is read in two ways by different readers".into());
    }
    // With an offset, the first day of the year 0 can lie before it, where RFC 3339 has no way to write it.
    untrusted
        .parse()
        .ok()
        .filter(|time: &Time| time.as_second() >= YEAR_0)
        .ok_or_else(|| "expected a date and time such as 2026-11-20T00:00:00Z (RFC 3339)".to_string())
}

/// `2026-11-20T00:00:00Z`: UTC, fraction only where there is one.
pub fn format_rfc3339(time: Time) -> String {
    time.to_string()
}

/// A duration in seconds from `90s`, `15m`, `72h`, `7d` or `2w`.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let expected = || format!("expected a number and a unit such as 72h or 7d (s, m, h, d, w), found {text:?}");
    let unit = text.chars().last().ok_or_else(expected)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(expected()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(expected());
    }
    digits.parse::<i64>().ok().and_then(|n| n.checked_mul(seconds)).ok_or_else(expected)
}

/// Whole seconds from `then` to `now`; negative where `then` lies in the future.
pub fn age_seconds(then: Time, now: Time) -> i64 {
    now.as_second() - then.as_second()
}

/// `3 d 4 h`, `12 min`: for people.
pub fn describe_seconds(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let s = seconds.unsigned_abs();
    let (d, h, m) = (s / 86_400, s % 86_400 / 3600, s % 3600 / 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{sign}{s} s"),
        (0, 0, _) => format!("{sign}{m} min"),
        (0, _, _) => format!("{sign}{h} h {m} min"),
        _ => format!("{sign}{d} d {h} h"),
    }
}

/// `then` plus whole seconds; `None` outside the calendar.
pub fn plus_seconds(then: Time, seconds: i64) -> Option<Time> {
    then.checked_add(seconds.seconds()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_only() {
        assert_eq!(format_rfc3339(parse_rfc3339("2026-11-20T01:00:00+01:00").unwrap()), "2026-11-20T00:00:00Z");
        assert_eq!(parse_rfc3339("0000-01-01T00:00:00Z").map(format_rfc3339), Ok("0000-01-01T00:00:00Z".into()));
        assert!(parse_rfc3339("0000-01-01T00:00:00+23:59").is_err());
        for bad in ["", "2026-11-20", "2026-11-20T00:00:00", "yesterday", "2026-11-20T00:00:00+01:00[Europe/Paris]"] {
            assert!(parse_rfc3339(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn leap_seconds_are_refused_wherever_they_stand() {
        for text in
            ["2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z", "2017-01-01T00:59:60+01:00", "2026-11-20T12:00:60Z"]
        {
            assert!(parse_rfc3339(text).unwrap_err().contains("leap second"), "{text}");
        }
        assert!(parse_rfc3339("2016-12-31T23:60:00Z").is_err());
        assert!(parse_rfc3339("2016-12-31T23:59:59.999999999Z").is_ok());
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("7d"), Ok(604_800));
        assert_eq!(parse_duration("72h"), Ok(259_200));
        for bad in ["", "d", "-1d", "1y", "99999999999999999999d", "9223372036854775807w", "1é"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        assert_eq!(describe_seconds(90_000), "1 d 1 h");
        assert_eq!(describe_seconds(-59), "-59 s");
    }
}
