//! What a reader sets once for all lessons: theme, size, speed, single-letter keys.
//!
//! Kept in local storage as JSON under [`SETTINGS_KEY`]; anything unreadable there counts as not set.
//! index.html reads theme and size before the first paint.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use yew::Reducible;

/// The name under which the settings are kept.
pub const SETTINGS_KEY: &str = "portlab.settings";

/// Light, dark, or as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// How fast autoplay goes on and things move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    Half,
    #[default]
    Normal,
    Double,
}

impl Speed {
    pub const ALL: [Speed; 3] = [Speed::Half, Speed::Normal, Speed::Double];

    /// What the button says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Speed::Half => "½×",
            Speed::Normal => "1×",
            Speed::Double => "2×",
        }
    }

    /// The factor by which durations are divided.
    #[must_use]
    pub fn factor(self) -> f64 {
        match self {
            Speed::Half => 0.5,
            Speed::Normal => 1.0,
            Speed::Double => 2.0,
        }
    }
}

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    /// Larger type, for a projector.
    pub present: bool,
    pub speed: Speed,
    /// Whether single letters act outside text fields.
    pub letter_keys: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { theme: Theme::default(), present: false, speed: Speed::default(), letter_keys: true }
    }
}

impl Settings {
    /// Reads what was kept; the defaults when it cannot be read.
    #[must_use]
    pub fn decode(kept: Option<&str>) -> Settings {
        kept.filter(|text| text.len() < 10_000).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A change of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsAction {
    Theme(Theme),
    TogglePresent,
    Speed(Speed),
    LetterKeys(bool),
}

impl Reducible for Settings {
    type Action = SettingsAction;

    fn reduce(self: Rc<Self>, action: SettingsAction) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            SettingsAction::Theme(theme) => next.theme = theme,
            SettingsAction::TogglePresent => next.present = !next.present,
            SettingsAction::Speed(speed) => next.speed = speed,
            SettingsAction::LetterKeys(on) => next.letter_keys = on,
        }
        Rc::new(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let settings = Settings { theme: Theme::Dark, present: true, speed: Speed::Double, letter_keys: false };
        assert_eq!(Settings::decode(Some(&settings.encode())), settings);
    }

    #[test]
    fn damaged_settings_count_as_none() {
        let long = "x".repeat(20_000);
        for kept in [None, Some(""), Some("{"), Some("[]"), Some("{\"theme\":7}"), Some(long.as_str())] {
            assert_eq!(Settings::decode(kept), Settings::default(), "{kept:?}");
        }
        assert_eq!(Settings::decode(Some("{\"theme\":\"dark\",\"new\":1}")).theme, Theme::Dark);
    }
}
