import Support

/// What a node holds of pods beyond the API, kind by kind: counted before and after, it tells what was left behind.
///
/// Images are no leftovers: of snapshots, those count that containers write to, and folders that no snapshot explains.
struct Leftovers: Sendable {
    /// How often there is a `<kind> <name>`. Processes have no names of their own.
    private var counts: [String: Int] = [:]

    /// Waits while something goes as it is counted, or containerd does not answer: what cannot be counted is not nothing.
    static func count(on node: TestNode) async throws -> Leftovers {
        var found = Leftovers()
        try await eventually("what is there can be counted") {
            found = try await countOnce(on: node)
            return true
        }
        return found
    }

    private static func countOnce(on node: TestNode) async throws -> Leftovers {
        var found = Leftovers()
        for line in try await node.shell(script(node.cgroup)).split(separator: "\n") {
            found.counts[String(line), default: 0] += 1
        }
        return found
    }

    /// What is more than it was.
    func since(_ before: Leftovers) -> [String] {
        counts.filter { $0.value > before.counts[$0.key] ?? 0 }.keys.sorted()
    }

    /// Waits until nothing is left; containerd frees some things a second after it was asked to. Fails with what stays.
    static func expectNone(since before: Leftovers, on node: TestNode, within limit: Duration = .seconds(20)) async throws {
        var left = ["nothing could be counted"]
        do {
            try await eventually("nothing is left", within: limit) {
                left = try await countOnce(on: node).since(before)
                return left.isEmpty
            }
        } catch {
            throw Unready("\(left.count) left: \(left.prefix(40).joined(separator: ", "))")
        }
    }

    /// The shell's own process is the only one that it does not count, and starts no other while it counts them.
    private static func script(_ cgroup: String) -> String {
        """
        for process in /proc/[0-9]*; do
            [ "$process" = "/proc/$$" ] && continue
            { read -r name <"$process/comm"; } 2>/dev/null && echo "process $name"
        done
        root=/var/lib/rancher/k3s/agent/containerd state=/run/k3s/containerd cri=io.containerd.grpc.v1.cri
        ctr="ctr -a $state/containerd.sock -n k8s.io"
        cut -d ' ' -f 5 /proc/self/mountinfo | sed 's/^/mount /'
        ip -o link | cut -d : -f 2 | sed 's/^ */interface /'
        find /sys/fs/cgroup -type d -path '*/\(cgroup)/*' | sed 's/^/cgroup /'
        find /var/lib/cni/networks -type f -name '*.*.*.*' | sed 's/^/address /'
        for folder in $root/$cri/{sandboxes,containers} $state/$cri/{sandboxes,containers} \\
            {$root,$state}/io.containerd.runtime.v2.task/k8s.io /run/netns /run/containerd/s /var/lib/cni/results \\
            /var/lib/kubelet/pods /var/log/pods /var/log/containers; do
            [ -d $folder ] && find $folder -mindepth 1 -maxdepth 1 | sed 's/^/folder /'
        done
        $ctr containers ls -q | sed 's/^/container /'
        $ctr tasks ls -q | sed 's/^/task /'
        $ctr leases ls -q | sed 's/^/lease /'
        # containerd frees the folders of snapshots that are gone when it collects its garbage after the end of one: now.
        # Those that it was killed over it finds then, too.
        $ctr leases create --id counted-$$ >/dev/null
        $ctr snapshots prepare counted-$$ >/dev/null
        $ctr snapshots rm counted-$$ 2>/dev/null || true
        $ctr leases rm --sync counted-$$ >/dev/null
        snapshots=$($ctr snapshots ls)
        awk '$NF == "Active" {print "snapshot " $1}' <<<"$snapshots"
        folders=$(find $root/io.containerd.snapshotter.v1.overlayfs/snapshots -mindepth 1 -maxdepth 1 | wc -l)
        for ((extra = folders - $(tail -n +2 <<<"$snapshots" | wc -l); extra > 0; extra--)); do
            echo "folder without a snapshot"
        done
        """
    }
}
