//! Both versions of the interface, from files as kernels write them.

use super::super::fixture::tree;
use super::*;

const MIB: u64 = 1 << 20;

fn granted(files: &[(&str, &str)]) -> Cgroup {
    let root = tree(files);
    Cgroup::read(&Files::below(root.path()))
}

#[test]
fn a_machine_without_control_groups_grants_everything() {
    assert_eq!(granted(&[]), Cgroup::default());
    assert_eq!(granted(&[("/proc/self/cgroup", "0::/user.slice/session.scope\n")]), Cgroup::default());
}

#[test]
fn version_two_in_a_container_is_the_mount_itself() {
    let granted = granted(&[
        ("/proc/self/cgroup", "0::/\n"),
        ("/sys/fs/cgroup/cpu.max", "150000 100000\n"),
        ("/sys/fs/cgroup/cpu.stat", "usage_usec 900\nnr_periods 10\nnr_throttled 4\nthrottled_usec 3200000\n"),
        ("/sys/fs/cgroup/memory.max", "134217728\n"),
        ("/sys/fs/cgroup/memory.current", "104857600\n"),
        ("/sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 52428800\n"),
    ]);
    assert_eq!(
        granted,
        Cgroup {
            quota_cores: Some(1.5),
            throttled: Duration::from_millis(3_200),
            memory_left_bytes: Some(128 * MIB - 50 * MIB),
        }
    );
}

#[test]
fn the_least_of_all_levels_counts() {
    let granted = granted(&[
        ("/proc/self/cgroup", "0::/kubepods/pod7/box\n"),
        ("/sys/fs/cgroup/kubepods/pod7/box/cpu.max", "max 100000\n"),
        ("/sys/fs/cgroup/kubepods/pod7/box/cpu.stat", "throttled_usec 0\n"),
        ("/sys/fs/cgroup/kubepods/pod7/cpu.max", "50000 100000\n"),
        ("/sys/fs/cgroup/kubepods/pod7/cpu.stat", "throttled_usec 7\n"),
        ("/sys/fs/cgroup/kubepods/cpu.max", "400000 100000\n"),
        ("/sys/fs/cgroup/kubepods/pod7/box/memory.max", "max\n"),
        ("/sys/fs/cgroup/kubepods/pod7/box/memory.current", "5\n"),
        ("/sys/fs/cgroup/kubepods/pod7/memory.max", "100\n"),
        ("/sys/fs/cgroup/kubepods/pod7/memory.current", "60\n"),
    ]);
    assert_eq!(
        granted,
        Cgroup { quota_cores: Some(0.5), throttled: Duration::from_micros(7), memory_left_bytes: Some(40) }
    );
}

#[test]
fn version_one_has_a_folder_for_each_controller() {
    let groups = "4:memory:/docker/abc\n2:cpuacct,cpu:/docker/abc\n0::/\n";
    // As a container sees it: the path is the host's, the mount its own.
    let own = granted(&[
        ("/proc/self/cgroup", groups),
        ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"),
        ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ("/sys/fs/cgroup/cpu/cpu.stat", "nr_periods 2\nnr_throttled 1\nthrottled_time 1500000000\n"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
        ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "900\n"),
        ("/sys/fs/cgroup/memory/memory.stat", "total_inactive_file 200\n"),
    ]);
    assert_eq!(
        own,
        Cgroup { quota_cores: Some(2.0), throttled: Duration::from_millis(1_500), memory_left_bytes: Some(300) }
    );
    let unlimited = granted(&[
        ("/proc/self/cgroup", groups),
        ("/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "-1\n"),
        ("/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n"),
        ("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n"),
        ("/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", "900\n"),
    ]);
    assert_eq!(unlimited, Cgroup::default());
}

#[test]
fn nonsense_limits_nothing() {
    for max in ["", "max", "100000", "x 100000", "100000 0", "100000 x"] {
        let granted = granted(&[("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/cpu.max", max)]);
        assert_eq!(granted.quota_cores, None, "{max:?}");
    }
}

#[test]
fn this_machine_is_read() {
    // Whatever it says: nothing that could be asserted of every machine, but that it is read.
    let granted = Cgroup::read(&Files::system());
    assert!(granted.quota_cores.is_none_or(|cores| cores > 0.0), "{granted:?}");
}
