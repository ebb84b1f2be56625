import API
import APIMachinery
public import Host
import Runtime
import Support

extension Kubelet: NodeFigures {
    public var probes: [UInt8] { prober.figures }

    public var shutdown: [UInt8] {
        let file = Path.join(options.layout.root, ShutdownTimes.file)
        guard Files.exists(file), let times = try? ShutdownTimes(json: Files.read(file)) else { return [] }
        var text = MetricText()
        for (name, time, help) in [
            ("start", times.begin, "Last graceful shutdown start time since unix epoch in seconds"),
            ("end", times.end, "Last graceful shutdown end time since unix epoch in seconds"),
        ] {
            let metric = "kubelet_graceful_shutdown_\(name)_time_seconds"
            text.begin(metric, .gauge, "[ALPHA] " + help)
            text.sample(metric, [], time.map { Double($0.seconds) } ?? 0)
        }
        return text.bytes
    }

    public func counters() async -> [String: PodCounters] {
        guard let hierarchy = try? CgroupHierarchy.detect() else { return [:] }
        let pods = table.records.compactMap { record -> (uid: String, group: Cgroup, sandbox: String?)? in
            let present = record.present
            guard let pod = present.pod, let sandbox = present.sandboxID else { return nil }
            let path = options.cgroupNames.path(podUID: record.uid, QualityOfService(pod))
            return (record.uid, Cgroup(path, in: hierarchy), pod.spec.hostNetwork ? nil : sandbox)
        }
        let read = try? await BlockingWork.run { () throws(Fault) in
            pods.map { ($0.uid, Self.read($0.group, sandbox: $0.sandbox)) }
        }
        return Dictionary(read ?? []) { first, _ in first }
    }

    public func allPods() -> Cgroup.Usage? {
        guard let hierarchy = try? CgroupHierarchy.detect() else { return nil }
        return try? Cgroup(options.cgroupNames.path(of: .guaranteed), in: hierarchy).usage()
    }

    public func storage() async -> [String: PodStorage] {
        let (pods, layout) = (table.records.compactMap { $0.present.pod }, options.layout)
        let read = try? await BlockingWork.run { () throws(Fault) in
            pods.map { ($0.metadata.uid, PodStorage(of: $0, layout)) }
        }
        return Dictionary(read ?? []) { first, _ in first }
    }

    public func disks() async -> NodeDisks {
        var disks = NodeDisks()
        disks.pods = try? Files.space(at: options.layout.root)
        guard let images = try? await imageService.imageFilesystems().images.first else { return disks }
        disks.images = try? Files.space(at: images.filesystem.mountpoint)
        disks.imageBytes = images.usedBytes
        return disks
    }

    /// The runtime makes a group for the sandbox and for each container, and names them by their ids.
    private static func read(_ group: Cgroup, sandbox: String?) -> PodCounters {
        var counters = PodCounters()
        (counters.usage, counters.processes) = (try? group.usage(), try? group.processes(recursive: true).count)
        for name in (try? group.children()) ?? [] {
            let id = CgroupNames.containerID(ofGroup: name)
            if id == sandbox, let pid = (try? group.child(name).processes())?.min(),
                let interfaces = try? InterfaceCounters.read(process: pid)
            {
                counters.network = (id, interfaces)
            }
            counters.containers[id] = group.child(name).counters()
        }
        return counters
    }
}

extension PodStorage {
    fileprivate init(of pod: Pod, _ layout: KubeletLayout) {
        let (name, uid) = (pod.objectName, pod.metadata.uid)
        let folder = layout.logFolder(namespace: name.namespace, name: name.name, uid: uid)
        for member in PodContainers(pod.spec).members {
            logs[member.name] = FolderUse(of: [Path.join(folder, member.name)])
        }
        for volume in pod.spec.volumes {
            guard let empty = volume.emptyDir else { continue }
            let path = layout.volume(volume.name, plugin: EmptyDirectory.plugin, podUID: uid)
            guard let space = try? Files.space(at: path) else { continue }
            let use = FolderUse(of: [path])
            volumes.append(Volume(name: volume.name, use: use, space: space, isMemory: !empty.medium.isEmpty))
        }
    }
}
