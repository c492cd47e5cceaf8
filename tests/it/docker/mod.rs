//! The lab of containers. What wants an engine skips with a printed reason where none answers.

#[cfg(target_os = "linux")]
mod by_compose;
mod compose;
#[cfg(target_os = "linux")]
<<<<<<< HEAD
mod stand_ins;
=======
mod tasks;
>>>>>>> ad36d47 (Let our scheduler run tasks from an image, and a Docker app of Marathon name its network)
