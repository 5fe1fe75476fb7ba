//! seccomp: which system calls end with an error (Linux, Documentation/userspace-api/seccomp_filter.rst).
//!
//! A list of what is refused and not of what is allowed: the C library, the Rust library and the allocator call what they
//! like, differently in each release, and a call that is missing in a list of the allowed would end good runs on systems that
//! nobody here has seen. What is refused is what none of them needs to read files, hash them and write a report.

#[cfg(all(
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
pub(super) use filter::restrict;

/// The crate knows no other processors.
#[cfg(not(all(
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
)))]
pub(super) fn restrict() -> Result<(), String> {
    Err("no filter for this processor".into())
}

#[cfg(all(target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod filter {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        apply_filter_all_threads,
    };
    use std::collections::BTreeMap;

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Refused whatever the arguments, with `EPERM`.
    const REFUSED: &[i64] = &[
        // The network, and every other kind of socket.
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_bind,
        libc::SYS_connect,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_recvmmsg,
        libc::SYS_getsockopt,
        libc::SYS_setsockopt,
        libc::SYS_shutdown,
        // Whatever is asked of io_uring is done past this filter.
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        // Other programs.
        libc::SYS_execve,
        libc::SYS_execveat,
        // Other processes.
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_kill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_kcmp,
        libc::SYS_shmget,
        libc::SYS_shmat,
        libc::SYS_msgget,
        libc::SYS_semget,
        libc::SYS_mq_open,
        // Owners, modes and attributes of files by their names: no right of Landlock covers them.
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_fchmodat,
        SYS_FCHMODAT2,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        SYS_SETXATTRAT,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_fremovexattr,
        SYS_REMOVEXATTRAT,
        SYS_FILE_SETATTR,
        libc::SYS_mknodat,
        libc::SYS_open_by_handle_at,
        libc::SYS_fanotify_init,
        // The system as a whole, and parts of the kernel where holes are found.
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_adjtimex,
        libc::SYS_clock_adjtime,
        libc::SYS_personality,
    ];

    /// Numbers that are the same on all processors and not yet in every table of the C library's crate.
    const SYS_FCHMODAT2: i64 = 452;
    const SYS_SETXATTRAT: i64 = 463;
    const SYS_REMOVEXATTRAT: i64 = 466;
    const SYS_FILE_SETATTR: i64 = 469;

    /// Calls that only this processor still has.
    #[cfg(target_arch = "x86_64")]
    const OLD: &[i64] = &[
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_chmod,
        libc::SYS_chown,
        libc::SYS_lchown,
        libc::SYS_mknod,
        libc::SYS_uselib,
        libc::SYS_ioperm,
        libc::SYS_iopl,
        libc::SYS_modify_ldt,
        libc::SYS_kexec_file_load,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const OLD: &[i64] = &[];

    /// x32 has the architecture number of x86-64 and all its calls a second time, with this bit; some have numbers of their
    /// own besides (`execve`, `ptrace`, those of sockets and of other processes' memory, `execveat`).
    #[cfg(target_arch = "x86_64")]
    const X32: Option<i64> = Some(1 << 30);
    #[cfg(not(target_arch = "x86_64"))]
    const X32: Option<i64> = None;
    const X32_OWN: std::ops::RangeInclusive<i64> = 512..=547;

    /// `ioctl` requests that type into the terminal for whoever reads it next.
    const TIOCSTI: u64 = 0x5412;
    const TIOCLINUX: u64 = 0x541C;

    /// Refuses these calls to all threads of the process, for good.
    pub(in super::super) fn restrict() -> Result<(), String> {
        let say = |error: &dyn std::fmt::Display| error.to_string();
        // The flags of clone3 are behind a pointer, which no filter can follow. Told that there is no such call, the C library
        // uses the older one.
        let absent = Rules::from([(libc::SYS_clone3, Vec::new())]);
        for (rules, errno) in [(refused().map_err(|e| say(&e))?, libc::EPERM), (absent, libc::ENOSYS)] {
            let program = program(both(rules), errno).map_err(|error| say(&error))?;
            apply_filter_all_threads(&program).map_err(|error| say(&error))?;
        }
        Ok(())
    }

    fn refused() -> Result<Rules, seccompiler::BackendError> {
        let mut rules: Rules = REFUSED.iter().chain(OLD).map(|call| (*call, Vec::new())).collect();
        let rule = |argument, length, operator, value| {
            SeccompCondition::new(argument, length, operator, value).and_then(|one| SeccompRule::new(vec![one]))
        };
        // Threads are made with clone as processes are; only threads stay in this cage's process.
        let thread = libc::CLONE_THREAD as u64;
        let process = rule(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0)?;
        rules.insert(libc::SYS_clone, vec![process]);
        let typing = [TIOCSTI, TIOCLINUX].map(|request| rule(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, request));
        rules.insert(libc::SYS_ioctl, typing.into_iter().collect::<Result<_, _>>()?);
        Ok(rules)
    }

    /// The rules, for x32 too where there is one.
    fn both(mut rules: Rules) -> Rules {
        let Some(bit) = X32 else { return rules };
        let again: Vec<_> = rules.iter().map(|(call, rules)| (call | bit, rules.clone())).collect();
        rules.extend(again);
        rules.extend(X32_OWN.map(|call| (call | bit, Vec::new())));
        rules
    }

    fn program(rules: Rules, errno: i32) -> Result<BpfProgram, seccompiler::BackendError> {
        let arch = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno.unsigned_abs()), arch)?.try_into()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_filter_compiles_and_names_each_call_once() {
            let calls: Vec<i64> = REFUSED.iter().chain(OLD).copied().collect();
            let rules = refused().unwrap();
            assert_eq!(rules.len(), calls.len() + 2, "a call is named twice");
            let program = program(both(rules), libc::EPERM).unwrap();
            assert!((100..4096).contains(&program.len()), "{}", program.len());
        }
    }
}
