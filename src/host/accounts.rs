//! The users and groups of the system.
//!
//! Read from its two files and not by `getpwnam(3)`, which a static binary cannot rely on; who is not in them, as on macOS
//! or with a directory service, is asked for with `id(1)`.

use std::{fs, process::Command};

use crate::engine::agent::account::Account;

/// `/etc/passwd` and `/etc/group`, as they were when they were read.
pub struct Databases {
    users: String,
    groups: String,
}

impl Databases {
    pub fn read() -> Self {
        let [users, groups] =
            ["/etc/passwd", "/etc/group"].map(|database| fs::read_to_string(database).unwrap_or_default());
        Self { users, groups }
    }

    /// The name of a user, or the number when it has none.
    pub fn user_name(&self, uid: u32) -> String {
        name_of(&self.users, uid)
    }

    /// The name of a group, or the number when it has none.
    pub fn group_name(&self, gid: u32) -> String {
        name_of(&self.groups, gid)
    }

    fn account(&self, user: &str) -> Option<Account> {
        let entry = self.users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let entry = entry.into_iter().find(|fields| fields.first() == Some(&user))?;
        let number = |at: usize| entry.get(at)?.parse::<u32>().ok();
        let (uid, gid) = (number(2)?, number(3)?);
        let others = self.groups.lines().filter_map(|line| {
            let mut fields = line.split(':').skip(2);
            let (other, members) = (fields.next()?.parse().ok()?, fields.next()?);
            (other != gid && members.split(',').any(|member| member == user)).then_some(other)
        });
        Some(Account {
            name: user.to_owned(),
            uid,
            gid,
            groups: std::iter::once(gid).chain(others).collect(),
        })
    }
}

fn name_of(entries: &str, id: u32) -> String {
    let number = id.to_string();
    let entry = entries.lines().find(|line| line.split(':').nth(2) == Some(number.as_str()));
    entry.and_then(|line| line.split(':').next()).unwrap_or(&number).to_owned()
}

/// A user by name, for this process to run something as. Only root may give files to others.
///
/// # Errors
/// What Mesos' agents say when there is no such user, or when they are not allowed to.
pub fn find(user: &str) -> Result<Account, String> {
    let found = Databases::read().account(user).or_else(|| asked(user)).or_else(|| superuser(user));
    let account = found.ok_or_else(|| format!("No such user '{user}'"))?;
    let own = rustix::process::geteuid();
    match own.is_root() || own.as_raw() == account.uid {
        true => Ok(account),
        false => Err("Operation not permitted".to_owned()),
    }
}

/// The name of whoever this process runs as: what frameworks tell masters that do not know better.
pub fn own_name() -> String {
    let databases = Databases::read();
    let uid = rustix::process::geteuid();
    let known = Some(databases.user_name(uid.as_raw())).filter(|name| databases.account(name).is_some());
    let told = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    known.or_else(told).filter(|name| !name.is_empty()).unwrap_or_else(|| "root".to_owned())
}

/// Who is there without any database, as in an image that has nothing but this program.
fn superuser(user: &str) -> Option<Account> {
    (user == "root").then(|| Account { name: user.to_owned(), uid: 0, gid: 0, groups: vec![0] })
}

/// As `id(1)` knows a user. It would take a number too, which is no name.
fn asked(user: &str) -> Option<Account> {
    let numbers = |what: &str| {
        let output = Command::new("id").args([what, "--", user]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        text.split_whitespace().map(|number| number.parse().ok()).collect::<Option<Vec<u32>>>()
    };
    if user.is_empty() || user.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let uid = numbers("-u")?.first().copied()?;
    Some(Account {
        name: user.to_owned(),
        uid,
        gid: numbers("-g")?.first().copied()?,
        groups: numbers("-G")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn databases() -> Databases {
        Databases {
            users: "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100:Ann,,,:/home/ann:/bin/sh\nbroken:x\n"
                .to_owned(),
            groups: "root:x:0:\nusers:x:100:ann\nadm:x:4:bob,ann\nwheel:x:10:joann\n".to_owned(),
        }
    }

    #[test]
    fn a_user_has_a_group_and_those_that_name_it() {
        let account = Account { name: "ann".to_owned(), uid: 1000, gid: 100, groups: vec![100, 4] };
        assert_eq!(databases().account("ann"), Some(account));
        for nobody in ["bob", "", "1000", "broken"] {
            assert_eq!(databases().account(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn numbers_without_a_name_stay_numbers() {
        assert_eq!(databases().user_name(1000), "ann");
        assert_eq!(databases().group_name(4), "adm");
        assert_eq!(databases().group_name(5), "5");
    }

    #[test]
    fn who_runs_this_can_be_found_in_both_ways() {
        let own = rustix::process::geteuid().as_raw();
        let name = own_name();
        assert_eq!(find(&name).unwrap().uid, own, "{name}");
        assert_eq!(asked(&name).unwrap().uid, own, "{name}");
    }

    #[test]
    fn nobody_is_made_up() {
        assert_eq!(find("no such-user").unwrap_err(), "No such user 'no such-user'");
        assert_eq!(asked("0"), None, "a number is no name");
        assert_eq!(asked("-u"), None);
        assert_eq!(superuser("ann"), None);
        assert_eq!(superuser("root").map(|root| root.uid), Some(0));
    }
}
