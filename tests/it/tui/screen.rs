//! A pseudo-terminal with the dashboard in it: keys in, what is seen out.

use std::{
    io::{Read, Write},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use mesoslab::runtime;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::{
    fs::{Mode, OFlags, open},
    termios::{LocalModes, tcgetattr},
};
use vt100::{Callbacks, MouseProtocolMode, Parser};

use crate::support::{Lab, eventually};

/// A terminal with a program in it. Dropping it kills the program.
pub struct Screen {
    parser: Arc<Mutex<Parser<Clipboard>>>,
    keys: Box<dyn Write + Send>,
    /// None when it has hung up.
    master: Option<Box<dyn MasterPty + Send>>,
    /// Tells the reader to close its end of the terminal.
    gone: Arc<AtomicBool>,
    child: Box<dyn Child + Send + Sync>,
}

/// What was put on the clipboard last, in base64.
#[derive(Default)]
struct Clipboard(String);

impl Callbacks for Clipboard {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.0 = String::from_utf8_lossy(data).into_owned();
    }
}

impl Screen {
    /// `mesoslab tui ARGS` of this lab in a terminal of this size.
    pub fn start(lab: &Lab, args: &[&str], columns: u16, rows: u16) -> Self {
        Self::run(Self::command(lab, args), columns, rows)
    }

    /// `mesoslab tui ARGS` of this lab.
    pub fn command(lab: &Lab, args: &[&str]) -> CommandBuilder {
        Self::of(lab, [&[env!("CARGO_BIN_EXE_mesoslab"), "tui"], args].concat())
    }

    /// Any program where this lab's user works.
    pub fn of<'a>(lab: &Lab, argv: impl IntoIterator<Item = &'a str>) -> CommandBuilder {
        let mut command = CommandBuilder::from_argv(argv.into_iter().map(Into::into).collect());
        command.env_clear();
        for (name, value) in lab.command(&[]).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("TERM", "xterm-256color");
        command.cwd(lab.path());
        command
    }

    /// Any program.
    pub fn run(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a pseudo-terminal");
        let child = pair.slave.spawn_command(command).expect("the binary runs");
        let parser = Arc::new(Mutex::new(Parser::new_with_callbacks(rows, columns, 0, Clipboard::default())));
        let (shown, mut reader) = (parser.clone(), pair.master.try_clone_reader().expect("a reader"));
        let gone = Arc::new(AtomicBool::new(false));
        let stop = gone.clone();
        runtime::thread("pty", move || {
            let mut bytes = [0; 4096];
            while !stop.load(Ordering::SeqCst)
                && let Ok(count @ 1..) = reader.read(&mut bytes)
            {
                shown.lock().expect("the parser").process(&bytes[..count]);
            }
        })
        .expect("a thread");
        let keys = pair.master.take_writer().expect("a writer");
        Self { parser, keys, master: Some(pair.master), gone, child }
    }

    fn parser(&self) -> MutexGuard<'_, Parser<Clipboard>> {
        self.parser.lock().expect("the parser")
    }

    /// What is seen.
    pub fn text(&self) -> String {
        self.parser().screen().contents()
    }

    pub fn clipboard(&self) -> String {
        self.parser().callbacks().0.clone()
    }

    /// Waits until this text is seen.
    pub fn until(&mut self, text: &str) -> &mut Self {
        self.until_that(text, |seen| seen.contains(text))
    }

    /// Waits until this text is seen no more.
    pub fn until_gone(&mut self, text: &str) -> &mut Self {
        self.until_that(&format!("no `{text}`"), |seen| !seen.contains(text))
    }

    /// Waits until what is seen is as it should be.
    pub fn until_that(&mut self, what: &str, is: impl Fn(&str) -> bool) -> &mut Self {
        let seen = Seen(&self.parser);
        eventually(what, || is(&self.text()));
        std::mem::forget(seen);
        self
    }

    /// Types letters, or sends any other sequence of a terminal.
    pub fn key(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("a terminal");
        self
    }

    /// Presses and releases the left button on a cell, counted from 0.
    pub fn click(&mut self, column: u16, row: u16) -> &mut Self {
        let (column, row) = (column + 1, row + 1);
        self.key(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"))
    }

    /// Clicks on the first place where this text stands.
    pub fn click_on(&mut self, text: &str) -> &mut Self {
        self.until(text);
        let seen = self.text();
        let (row, line) =
            seen.lines().enumerate().find(|(_, line)| line.contains(text)).expect("it was just seen");
        let column = line[..line.find(text).expect("it is in the line")].chars().count();
        self.click(column as u16, row as u16)
    }

    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.parser().screen_mut().set_size(rows, columns);
        let master = self.master.as_ref().expect("a terminal");
        master.resize(size(columns, rows)).expect("another size");
        self
    }

    /// The terminal goes, after one more key: what it draws lets the reader go.
    pub fn hang_up(&mut self) -> &mut Self {
        self.gone.store(true, Ordering::SeqCst);
        self.key("7");
        self.keys = Box::new(std::io::sink());
        self.master = None;
        self
    }

    pub fn pid(&self) -> i32 {
        self.child.process_id().expect("it runs") as i32
    }

    /// The code with which it ends by itself.
    pub fn code(&mut self) -> u32 {
        let mut code = None;
        eventually("it ends", || {
            code = self.child.try_wait().expect("a child of ours");
            code.is_some()
        });
        code.expect("it has ended").exit_code()
    }

    /// Waits until a shell would find the terminal as it left it.
    pub fn until_restored(&mut self) -> &mut Self {
        eventually("the terminal is given back", || self.is_restored());
        self
    }

    pub fn is_restored(&self) -> bool {
        let parser = self.parser();
        let screen = parser.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == MouseProtocolMode::None
            && self.is_cooked()
    }

    /// Whether what is typed is echoed, and comes line by line.
    fn is_cooked(&self) -> bool {
        let Some(path) = self.master.as_ref().and_then(|master| master.tty_name()) else { return false };
        let terminal = open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("the terminal");
        let modes = tcgetattr(&terminal).expect("its modes").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Says what is seen, unless it is forgotten.
struct Seen<'a>(&'a Mutex<Parser<Clipboard>>);

impl Drop for Seen<'_> {
    #[expect(clippy::print_stderr, reason = "a failing test says what it saw")]
    fn drop(&mut self) {
        if let Ok(parser) = self.0.lock() {
            eprintln!("the screen:\n{}", parser.screen().contents());
        }
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}
