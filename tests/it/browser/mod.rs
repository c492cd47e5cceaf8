//! The pages in a real browser: headless Chromium, driven through WebDriver.
//!
//! They need `chromedriver` and Chromium, as Debian's chromium-driver brings them. Without them these tests say so and
//! pass.

mod driver;
mod exhibitor;
mod lab;
mod marathon;
mod master;
