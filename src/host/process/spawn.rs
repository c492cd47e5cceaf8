//! Starts one process of a task: in a session of its own, in its sandbox, with its environment and nothing else.
//!
//! Unsafe code: what runs between the birth of a process and its exec. On Linux the child is
//! born without a copy of our memory (`CLONE_VM | CLONE_VFORK`, as in `posix_spawn(3)`), which takes a fraction of
//! the time of a fork; it borrows what was made ready for it, allocates nothing and locks nothing.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::{fs::OpenOptionsExt, process::CommandExt},
    },
    path::Path,
    process,
};

use rustix::process::{Gid, Resource, Rlimit, Uid};

use crate::{
    engine::agent::{Command, Launch, account::Account, setup::Limit},
    host::sandbox::Outputs,
};

#[cfg(target_os = "linux")]
use self::linux::start;
#[cfg(not(target_os = "linux"))]
use self::portable::start;

/// What became of a start.
enum Started {
    Runs(u32),
    /// The program cannot be executed; the process has ended, or is about to end, with status 1.
    Failed(u32, io::Error),
}

/// What a process reads and writes, and where it begins.
#[derive(Debug)]
pub struct Surroundings {
    pub input: OwnedFd,
    pub outputs: Outputs,
    /// The input is a terminal, and becomes the one that controls the process.
    pub terminal: bool,
    /// The working directory, where it is not the sandbox.
    pub directory: Option<String>,
}

impl Surroundings {
    /// Nothing to read, and the sandbox to work in.
    ///
    /// # Errors
    /// When there is no `/dev/null`.
    pub fn of(outputs: Outputs) -> io::Result<Self> {
        let input = File::open("/dev/null")?.into();
        Ok(Self { input, outputs, terminal: false, directory: None })
    }

    fn directory<'a>(&'a self, launch: &'a Launch) -> &'a str {
        self.directory.as_deref().unwrap_or(&launch.directory)
    }
}

/// Whom a process becomes before its program begins.
#[derive(Clone, Debug)]
struct Identity {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Identity {
    /// None of whoever this process runs as already, who need not be root for it.
    fn of(account: Option<&Account>) -> Option<Self> {
        let account = account.filter(|account| account.uid != rustix::process::geteuid().as_raw())?;
        Some(Self {
            uid: Uid::from_raw(account.uid),
            gid: Gid::from_raw(account.gid),
            groups: account.groups.iter().copied().map(Gid::from_raw).collect(),
        })
    }

    /// System calls of this thread alone: nothing is allocated or locked, and no other thread is asked to follow, as
    /// `setuid(3)` does.
    #[cfg(target_os = "linux")]
    fn assume(&self) -> rustix::io::Result<()> {
        use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
        set_thread_groups(&self.groups)?;
        set_thread_gid(self.gid)?;
        set_thread_uid(self.uid)
    }
}

/// Makes a command run as a user, if that is another than ours.
pub fn run_as(process: &mut process::Command, account: Option<&Account>) {
    let Some(identity) = Identity::of(account) else { return };
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "the closure makes system calls: no allocation, no lock")]
    // SAFETY: async-signal-safe, see the reason above.
    unsafe {
        process.pre_exec(move || Ok(identity.assume()?));
    }
    #[cfg(not(target_os = "linux"))]
    process.uid(identity.uid.as_raw()).gid(identity.gid.as_raw());
}

/// Starts the command of a launch whose sandbox is there; the process is left to the caller to reap.
///
/// A program that cannot be executed ends with status 1 and says why on its stderr, as under Mesos.
pub fn spawn(launch: &Launch, surroundings: Surroundings) -> io::Result<u32> {
    let mut complaints = surroundings.outputs.stderr.try_clone()?;
    let account = launch.setup.account.as_ref();
    if let Some(identity) = Identity::of(account).filter(|_| surroundings.terminal) {
        rustix::fs::fchown(&surroundings.input, Some(identity.uid), None)?;
    }
    match start(launch, surroundings)? {
        Started::Runs(pid) => Ok(pid),
        Started::Failed(pid, error) => {
            writeln!(complaints, "Failed to execute command: {}", reason(&error))?;
            Ok(pid)
        }
    }
}

/// A command without anything around it.
pub fn program(command: &Command) -> process::Command {
    match command {
        Command::Shell(value) => {
            let mut process = process::Command::new("sh");
            process.arg("-c").arg(value);
            process
        }
        Command::Exec { path, arguments } => {
            let mut process = process::Command::new(path);
            if let Some((name, rest)) = arguments.split_first() {
                process.arg0(name).args(rest);
            }
            process
        }
    }
}

/// stdout or stderr of a container, to be appended to.
pub fn output(launch: &Launch, name: &str) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new()
        .append(true)
        .create(true)
        .custom_flags(flags)
        .open(Path::new(&launch.directory).join(name))
}

/// The limits of a launch.
///
/// # Errors
/// When this system does not know one.
fn limits(launch: &Launch) -> io::Result<Vec<(Resource, Rlimit)>> {
    let limit = |limit: &Limit| {
        let resource = resource(&limit.name).ok_or_else(|| {
            io::Error::other(format!("Failed to set rlimit: Resource type '{}' not supported", limit.name))
        })?;
        let (soft, hard) = limit.most.unzip();
        Ok((resource, Rlimit { current: soft, maximum: hard }))
    };
    launch.setup.limits.iter().map(limit).collect()
}

/// What `RLimitInfo.RLimit.Type` means here.
fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "RLMT_AS" => Resource::As,
        "RLMT_CORE" => Resource::Core,
        "RLMT_CPU" => Resource::Cpu,
        "RLMT_DATA" => Resource::Data,
        "RLMT_FSIZE" => Resource::Fsize,
        "RLMT_MEMLOCK" => Resource::Memlock,
        "RLMT_NOFILE" => Resource::Nofile,
        "RLMT_NPROC" => Resource::Nproc,
        "RLMT_RSS" => Resource::Rss,
        "RLMT_STACK" => Resource::Stack,
        #[cfg(target_os = "linux")]
        "RLMT_LOCKS" => Resource::Locks,
        #[cfg(target_os = "linux")]
        "RLMT_MSGQUEUE" => Resource::Msgqueue,
        #[cfg(target_os = "linux")]
        "RLMT_NICE" => Resource::Nice,
        #[cfg(target_os = "linux")]
        "RLMT_RTPRIO" => Resource::Rtprio,
        #[cfg(target_os = "linux")]
        "RLMT_RTTIME" => Resource::Rttime,
        #[cfg(target_os = "linux")]
        "RLMT_SIGPENDING" => Resource::Sigpending,
        _ => return None,
    })
}

/// The words of `strerror(3)`, without Rust's number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        ffi::{CString, c_char, c_int, c_void},
        io,
        os::fd::{AsRawFd, RawFd},
        ptr,
    };

    use rustix::process::{Resource, Rlimit, setrlimit};

    use super::{Command, Identity, Launch, Started, Surroundings, limits};

    const SHELL: &str = "/bin/sh";

    /// Signals that a lab, or what started it, may handle or ignore; a task gets them as the system has them.
    const SIGNALS: [c_int; 12] = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGPIPE,
        libc::SIGALRM,
        libc::SIGTERM,
        libc::SIGCHLD,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
    ];

    /// Bytes for the child's few frames.
    const STACK: usize = 64 * 1024;

    /// Everything the child needs, as the system calls want it.
    struct Plan {
        /// Programs to try, in the order of PATH.
        paths: Vec<CString>,
        arguments: Vec<CString>,
        environment: Vec<CString>,
        directory: CString,
        limits: Vec<(Resource, Rlimit)>,
        identity: Option<Identity>,
        /// To become 0, 1 and 2.
        stdio: [RawFd; 3],
        terminal: bool,
        parent: libc::pid_t,
        /// What the child could not do; it shares our memory, so it can say so here.
        failure: Option<Failure>,
    }

    #[derive(Clone, Copy)]
    enum Failure {
        /// Before the exec, by our own fault.
        Setup(c_int),
        Limit(c_int),
        Identity(c_int),
        Exec(c_int),
    }

    pub(super) fn start(launch: &Launch, surroundings: Surroundings) -> io::Result<Started> {
        let mut plan = Plan::new(launch, &surroundings)?;
        let pid = plan.carry_out()?;
        drop(surroundings);
        let number = u32::try_from(pid).map_err(io::Error::other)?;
        match plan.failure {
            None => Ok(Started::Runs(number)),
            Some(Failure::Exec(errno)) => Ok(Started::Failed(number, io::Error::from_raw_os_error(errno))),
            Some(Failure::Limit(errno)) => {
                super::super::abandon_raw(pid);
                let why = super::reason(&io::Error::from_raw_os_error(errno));
                Err(io::Error::other(format!("Failed to set rlimit: {why}")))
            }
            Some(Failure::Identity(errno)) => {
                super::super::abandon_raw(pid);
                let why = super::reason(&io::Error::from_raw_os_error(errno));
                let user = launch.setup.account.as_ref().map(|account| account.name.as_str());
                Err(io::Error::other(format!("Failed to become user '{}': {why}", user.unwrap_or_default())))
            }
            Some(Failure::Setup(errno)) => {
                super::super::abandon_raw(pid);
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }

    impl Plan {
        fn new(launch: &Launch, surroundings: &Surroundings) -> io::Result<Self> {
            let outputs = &surroundings.outputs;
            let files = [&outputs.stdout, &outputs.stderr].map(AsRawFd::as_raw_fd);
            let path = launch.environment.get("PATH").map(String::as_str).unwrap_or_default();
            let (paths, arguments) = match &launch.command {
                Command::Shell(value) => {
                    (vec![SHELL.to_owned()], ["sh", "-c", value].map(str::to_owned).into())
                }
                Command::Exec { path: program, arguments } if arguments.is_empty() => {
                    (candidates(program, path), vec![program.clone()])
                }
                Command::Exec { path: program, arguments } => (candidates(program, path), arguments.clone()),
            };
            let variables = launch.environment.iter().map(|(name, value)| format!("{name}={value}"));
            Ok(Self {
                paths: strings(paths)?,
                arguments: strings(arguments)?,
                environment: strings(variables)?,
                directory: CString::new(surroundings.directory(launch))?,
                limits: limits(launch)?,
                identity: Identity::of(launch.setup.account.as_ref()),
                stdio: [surroundings.input.as_raw_fd(), files[0], files[1]],
                terminal: surroundings.terminal,
                parent: rustix::process::getpid().as_raw_nonzero().get(),
                failure: None,
            })
        }

        /// Returns when the child has executed its program or has failed to.
        #[expect(
            unsafe_code,
            reason = "the child has a stack of its own, and we stand still until it leaves our memory"
        )]
        fn carry_out(&mut self) -> io::Result<libc::pid_t> {
            let mut stack = Vec::<u128>::with_capacity(STACK / size_of::<u128>());
            let mut call = Call::new(self);
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            let signals = BlockedSignals::new();
            // SAFETY: `stack` and `call` outlive the child's use of them, which CLONE_VFORK makes us wait for;
            // signals are blocked, so no handler of ours runs in the child.
            let pid = unsafe {
                let top = stack.as_mut_ptr().add(stack.capacity());
                libc::clone(child, top.cast(), flags, (&raw mut call).cast())
            };
            let failed = (pid < 0).then(io::Error::last_os_error);
            drop(signals);
            self.failure = call.failure;
            failed.map_or(Ok(pid), Err)
        }
    }

    /// `name` in each directory of PATH; a name with a slash is where it says.
    fn candidates(name: &str, path: &str) -> Vec<String> {
        if name.contains('/') {
            return vec![name.to_owned()];
        }
        path.split(':')
            .map(|directory| format!("{}/{name}", if directory.is_empty() { "." } else { directory }))
            .collect()
    }

    fn strings(texts: impl IntoIterator<Item = String>) -> io::Result<Vec<CString>> {
        texts.into_iter().map(|text| CString::new(text).map_err(io::Error::from)).collect()
    }

    fn pointers(strings: &[CString]) -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
    }

    /// A plan as arrays of pointers.
    struct Call<'a> {
        paths: Vec<*const c_char>,
        arguments: Vec<*const c_char>,
        /// `sh FILE ARGUMENT...`, for a file that is executable and no program.
        script: Vec<*const c_char>,
        environment: Vec<*const c_char>,
        directory: *const c_char,
        limits: Vec<(Resource, Rlimit)>,
        identity: Option<&'a Identity>,
        stdio: [RawFd; 3],
        terminal: bool,
        parent: libc::pid_t,
        failure: Option<Failure>,
    }

    impl<'a> Call<'a> {
        fn new(plan: &'a Plan) -> Self {
            let arguments = pointers(&plan.arguments);
            let shell = [c"sh".as_ptr(), ptr::null()];
            Self {
                paths: pointers(&plan.paths),
                script: shell.into_iter().chain(arguments.iter().skip(1).copied()).collect(),
                arguments,
                environment: pointers(&plan.environment),
                directory: plan.directory.as_ptr(),
                limits: plan.limits.clone(),
                identity: plan.identity.as_ref(),
                stdio: plan.stdio,
                terminal: plan.terminal,
                parent: plan.parent,
                failure: None,
            }
        }
    }

    /// All signals of this thread wait until this is dropped.
    struct BlockedSignals(libc::sigset_t);

    impl BlockedSignals {
        #[expect(unsafe_code, reason = "plain calls on local signal sets")]
        fn new() -> Self {
            // SAFETY: both sets are ours, and written before they are read.
            unsafe {
                let mut all = std::mem::zeroed();
                let mut before = std::mem::zeroed();
                libc::sigfillset(&raw mut all);
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
                Self(before)
            }
        }
    }

    impl Drop for BlockedSignals {
        #[expect(unsafe_code, reason = "a plain call on our own signal set")]
        fn drop(&mut self) {
            // SAFETY: the set was filled in by the system.
            unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut());
            }
        }
    }

    /// Where the child's life begins: becomes the task, or says why not and ends with status 1.
    #[expect(unsafe_code, reason = "the argument is the call that `carry_out` keeps alive")]
    extern "C" fn child(argument: *mut c_void) -> c_int {
        // SAFETY: `carry_out` stands still meanwhile and hands out no other reference.
        unsafe {
            let call = &mut *argument.cast::<Call>();
            call.failure = Some(become_task(call));
            libc::_exit(1)
        }
    }

    /// System calls only. Returns when it has failed.
    ///
    /// # Safety
    /// The pointers in `call` are null-terminated strings, in null-terminated arrays.
    #[expect(unsafe_code, reason = "runs in our memory beside us: system calls only")]
    unsafe fn become_task(call: &mut Call) -> Failure {
        // SAFETY: see above; nothing here allocates, locks or panics.
        unsafe {
            for signal in SIGNALS {
                libc::signal(signal, libc::SIG_DFL);
            }
            let set_up = libc::setsid() >= 0
                && libc::dup2(call.stdio[0], 0) >= 0
                && libc::dup2(call.stdio[1], 1) >= 0
                && libc::dup2(call.stdio[2], 2) >= 0
                && (!call.terminal || libc::ioctl(0, libc::TIOCSCTTY, 0) >= 0)
                && libc::chdir(call.directory) == 0;
            if !set_up {
                return Failure::Setup(*libc::__errno_location());
            }
            for (resource, limit) in &call.limits {
                if let Err(errno) = setrlimit(*resource, *limit) {
                    return Failure::Limit(errno.raw_os_error());
                }
            }
            if let Some(Err(errno)) = call.identity.map(Identity::assume) {
                return Failure::Identity(errno.raw_os_error());
            }
            // Last, as it is lost with a change of users.
            let tied =
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0 && libc::getppid() == call.parent;
            if !tied {
                return Failure::Setup(*libc::__errno_location());
            }
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
            execute(call)
        }
    }

    /// `execvpe(3)`: the first program that there is; what is there and may not be executed outweighs what is not.
    ///
    /// # Safety
    /// As for [`become_task`].
    #[expect(unsafe_code, reason = "runs in our memory beside us: system calls only")]
    unsafe fn execute(call: &mut Call) -> Failure {
        let mut worst = libc::ENOENT;
        // SAFETY: see above.
        unsafe {
            let (arguments, environment) = (call.arguments.as_ptr(), call.environment.as_ptr());
            for path in call.paths.iter().take_while(|path| !path.is_null()) {
                libc::execve(*path, arguments, environment);
                let mut errno = *libc::__errno_location();
                if errno == libc::ENOEXEC {
                    if let Some(file) = call.script.get_mut(1) {
                        *file = *path;
                    }
                    libc::execve(c"/bin/sh".as_ptr(), call.script.as_ptr(), environment);
                    errno = *libc::__errno_location();
                }
                match errno {
                    libc::ENOENT | libc::ENOTDIR => {}
                    libc::EACCES => worst = errno,
                    _ => return Failure::Exec(errno),
                }
            }
        }
        Failure::Exec(worst)
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::{io, os::unix::process::CommandExt, process::Stdio};

    use rustix::io::Errno;

    use super::{Command, Launch, Started, Surroundings, limits, program, run_as};

    pub(super) fn start(launch: &Launch, surroundings: Surroundings) -> io::Result<Started> {
        match fork(launch, &launch.command, &surroundings) {
            Err(error) if cannot_execute(&error) => {
                let pid = fork(launch, &Command::Shell("exit 1".to_owned()), &surroundings)?;
                Ok(Started::Failed(pid, error))
            }
            started => started.map(Started::Runs),
        }
    }

    #[expect(unsafe_code, reason = "the closure makes system calls: no allocation, no lock")]
    fn fork(launch: &Launch, command: &Command, surroundings: &Surroundings) -> io::Result<u32> {
        let outputs = surroundings.outputs.try_clone()?;
        let terminal = surroundings.terminal;
        let limits = limits(launch)?;
        let mut process = program(command);
        process.env_clear().envs(&launch.environment).current_dir(surroundings.directory(launch));
        let input = Stdio::from(surroundings.input.try_clone()?);
        process.stdin(input).stdout(outputs.stdout).stderr(outputs.stderr);
        // SAFETY: async-signal-safe, see the reason above.
        unsafe {
            process.pre_exec(move || {
                rustix::process::setsid()?;
                if terminal {
                    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                }
                for (resource, limit) in &limits {
                    rustix::process::setrlimit(*resource, *limit)?;
                }
                Ok(())
            });
        }
        run_as(&mut process, launch.setup.account.as_ref());
        Ok(process.spawn()?.id())
    }

    /// Errors of exec, as against those of fork and of our own files.
    fn cannot_execute(error: &io::Error) -> bool {
        let errors = [Errno::NOENT, Errno::ACCESS, Errno::NOEXEC, Errno::TOOBIG, Errno::NOTDIR, Errno::ISDIR];
        error.raw_os_error().is_some_and(|code| errors.iter().any(|errno| errno.raw_os_error() == code))
    }
}
