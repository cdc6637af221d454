//! The two canvases, and the colours that the style sheet gives them in the theme that is on.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, ImageData, ResizeObserver};

use super::paint::{Palette, Picture, Rgb};

/// Where the map's colours stand in the page: an element of this class with a child for each, in the order of [`SAMPLES`].
pub const SAMPLES_CLASS: &str = "sp-samples";

/// The style sheet's names of the colours: the ramp from hot to cold, then dot, connection, halo, listener.
pub const SAMPLES: [&str; 11] = [
    "--heat-0",
    "--heat-1",
    "--heat-2",
    "--heat-3",
    "--heat-4",
    "--heat-5",
    "--heat-6",
    "--dot",
    "--cell-est",
    "--cell-halo",
    "--listen",
];

/// Stops of the ramp.
const STOPS: usize = 7;

/// Milliseconds since the page began.
#[must_use]
pub fn now() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or(0.0, |performance| performance.now())
}

/// Whether the reader has asked for less motion.
#[must_use]
pub fn wants_less_motion() -> bool {
    let query =
        web_sys::window().and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok().flatten());
    query.is_some_and(|query| query.matches())
}

/// Pixels of the screen for one of the page.
#[must_use]
pub fn ratio() -> f64 {
    web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(0.5, 4.0)
}

fn colour_of(element: &Element) -> Option<String> {
    web_sys::window()?.get_computed_style(element).ok()??.get_property_value("color").ok()
}

/// The numbers of `rgb(1, 2, 3)`.
fn parse(colour: &str) -> Option<Rgb> {
    let inside = colour.split_once('(')?.1.split_once(')')?.0;
    let mut numbers =
        inside.split([',', ' ', '/']).filter(|word| !word.is_empty()).map(|word| word.parse::<f64>().ok());
    let mut next = || numbers.next().flatten().map(|number| number as u8);
    Some([next()?, next()?, next()?])
}

/// The colours of the theme, read again only when the theme has changed.
#[derive(Debug, Default)]
pub struct Colours {
    /// One colour of the theme, by which another theme is noticed.
    theme: String,
    palette: Option<Palette>,
}

impl Colours {
    /// The palette that is on, and whether it is another than the last time.
    pub fn look(&mut self, root: &Element) -> (Option<&Palette>, bool) {
        let theme = colour_of(root).unwrap_or_default();
        let changed = theme != self.theme || self.palette.is_none();
        if changed {
            self.palette = read(root);
            self.theme = theme;
        }
        (self.palette.as_ref(), changed)
    }
}

fn read(root: &Element) -> Option<Palette> {
    let samples = root.query_selector(&format!(".{SAMPLES_CLASS}")).ok()??.children();
    let colours: Vec<Rgb> =
        (0..samples.length()).filter_map(|place| parse(&colour_of(&samples.item(place)?)?)).collect();
    let (stops, rest) = colours.split_at_checked(STOPS)?;
    match rest {
        [dot, established, halo, barred] => Some(Palette::new(stops, *dot, *established, *halo, *barred)),
        _ => None,
    }
}

/// Puts a picture on a canvas, which takes its size.
pub fn show(canvas: &HtmlCanvasElement, picture: &Picture) {
    let (width, height) = (picture.geometry.width(), picture.geometry.height());
    if canvas.width() != width || canvas.height() != height {
        canvas.set_width(width);
        canvas.set_height(height);
    }
    let context = canvas.get_context("2d").ok().flatten().and_then(|of| of.dyn_into::<CanvasRenderingContext2d>().ok());
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(picture.pixels.as_flattened()), width, height);
    if let (Some(context), Ok(data)) = (context, data) {
        let _ = context.put_image_data(&data, 0.0, 0.0);
    }
}

/// Asks for the next frame; dropping it takes that back.
pub struct NextFrame {
    number: i32,
    _callback: Closure<dyn FnMut(f64)>,
}

impl NextFrame {
    #[must_use]
    pub fn ask(callback: impl FnMut(f64) + 'static) -> Option<Self> {
        let callback = Closure::<dyn FnMut(f64)>::new(callback);
        let number = web_sys::window()?.request_animation_frame(callback.as_ref().unchecked_ref()).ok()?;
        Some(Self { number, _callback: callback })
    }
}

impl Drop for NextFrame {
    fn drop(&mut self) {
        if let Some(window) = web_sys::window() {
            let _ = window.cancel_animation_frame(self.number);
        }
    }
}

/// Tells when an element's size has changed, until it is dropped.
pub struct Resizes {
    observer: ResizeObserver,
    _callback: Closure<dyn FnMut()>,
}

impl Resizes {
    #[must_use]
    pub fn of(element: &Element, callback: impl FnMut() + 'static) -> Option<Self> {
        let callback = Closure::<dyn FnMut()>::new(callback);
        let observer = ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, _callback: callback })
    }
}

impl Drop for Resizes {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Puts the settings into the address, in the place of those that stand there.
pub fn keep_in_address(path: &str, query: &str) {
    let Some(window) = web_sys::window() else { return };
    let address = if query.is_empty() { format!("#{path}") } else { format!("#{path}?{query}") };
    let history = window.history();
    let _ =
        history.and_then(|history| history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address)));
}

/// What stands behind the `?` of the address.
#[must_use]
pub fn query_of_address() -> String {
    let hash = web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default();
    hash.split_once('?').map_or(String::new(), |(_, query)| query.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_as_browsers_write_them() {
        assert_eq!(parse("rgb(107, 63, 0)"), Some([107, 63, 0]));
        assert_eq!(parse("rgba(1 2 3 / 0.5)"), Some([1, 2, 3]));
        assert_eq!(parse("rgb(1)"), None);
        assert_eq!(parse(""), None);
    }
}
