import Glibc
import Host
import Support
import Synchronization
import Testing

@testable import Runtime

/// A real containerd, in a folder and a network of its own. One at a time: they share the machine's two
/// cores.
@Suite(.serialized, .enabled(if: TestNode.isPossible), .timeLimit(.minutes(1)))
struct ContainerdTests {
    @Test func `a pod runs, is seen to run, and leaves nothing behind`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                let version = try await client.version()
                #expect(version.runtimeName == "containerd")
                let status = try await client.status().status
                #expect(status[CRI.RuntimeCondition.runtimeReady]?.status == true)
                #expect(status[CRI.RuntimeCondition.networkReady]?.status == true)
                try await node.importBusybox(client)

                let events = Seen()
                try await events.follow(client) { try await runPod(node, client, events) }
                #expect(try await client.listPodSandboxes(CRI.PodSandboxFilter()).isEmpty)
                #expect(try await client.listContainers(CRI.ContainerFilter()).isEmpty)
            }
        }
    }

    private func runPod(_ node: TestNode, _ client: CRIClient, _ events: Seen) async throws {
        let pod = node.sandbox("web")
        let sandbox = try await client.runPodSandbox(pod, handler: "")
        let network = try await client.podSandboxStatus(sandbox).network
        #expect(network.ips.count == 1 && network.ip.hasPrefix("10.199.0."))

        let config = node.container(
            "main", ["sh", "-c", "hostname; trap 'exit 7' TERM; while true; do sleep 0.05; done"])
        let container = try await client.createContainer(in: sandbox, config, sandboxConfig: pod)
        #expect(try await client.containerStatus(container).state == .created)
        try await client.startContainer(container)
        await events.wait(for: ContainerEvent(.started, container))
        let running = try await client.containerStatus(container)
        #expect(running.state == .running && running.startedAt > 0 && running.imageRef.contains("sha256:"))

        let shell = try await client.execSync(
            container, ["sh", "-c", "echo out; echo err >&2; exit 3"], timeout: .seconds(10))
        #expect(
            shell.exitCode == 3 && shell.stdout == Array("out\n".utf8) && shell.stderr == Array("err\n".utf8))
        let stats = try await client.containerStats(container)
        #expect(stats.memory?.workingSetBytes ?? 0 > 0)
        #expect(try await client.exec(container, ["sh"], CRI.Streams()).hasPrefix("http://127.0.0.1:"))

        try await client.stopContainer(container, timeout: .seconds(10))
        await events.wait(for: ContainerEvent(.exited, container))
        let ended = try await client.containerStatus(container)
        #expect(ended.state == .exited && ended.exitCode == 7 && ended.finishedAt >= ended.startedAt)
        #expect(try node.log("web", "main").contains(" stdout F web"))

        try await client.removeContainer(container)
        try await client.stopPodSandbox(sandbox)
        await events.wait(for: ContainerEvent(.exited, sandbox))
        #expect(try await client.podSandboxStatus(sandbox).state == .notReady)
        try await client.removePodSandbox(sandbox)
        await events.wait(for: ContainerEvent(.deleted, sandbox))
    }

    @Test func `a container that takes too much memory is killed and says why`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                try await node.importBusybox(client)
                let events = Seen()
                try await events.follow(client) {
                    let pod = node.sandbox("greedy")
                    let sandbox = try await client.runPodSandbox(pod, handler: "")
                    var config = node.container("main", ["sh", "-c", "tail /dev/zero"])
                    config.linux.resources.memoryLimitInBytes = 16 << 20
                    let container = try await client.createContainer(in: sandbox, config, sandboxConfig: pod)
                    try await client.startContainer(container)
                    await events.wait(for: ContainerEvent(.exited, container))
                    let status = try await client.containerStatus(container)
                    #expect(status.exitCode == 137)
                    #expect(status.reason == "OOMKilled")
                }
            }
        }
    }

    @Test func `the next run adopts containerd and its containers`() async throws {
        try await TestNode.run { node in
            let first = Mutex<(pid: Int32, container: String)?>(nil)
            try await node.withContainerd { client in
                try await node.importBusybox(client)
                let pod = node.sandbox("stays")
                let sandbox = try await client.runPodSandbox(pod, handler: "")
                let config = node.container("main", ["sleep", "1000"])
                let container = try await client.createContainer(in: sandbox, config, sandboxConfig: pod)
                try await client.startContainer(container)
                let record = try #require(ProcessRecord.running(at: node.layout.processRecord))
                first.withLock { $0 = (record.identity.pid, container) }
            }
            let (pid, container) = try #require(first.withLock { $0 })
            try await node.withContainerd { client in
                #expect(ProcessRecord.running(at: node.layout.processRecord)?.identity.pid == pid)
                let status = try await client.containerStatus(container)
                #expect(status.state == .running)
            }
            // With another configuration it is another containerd, of the same containers.
            var changed = node
            changed.options.layerStatisticsInterval = .seconds(59)
            try await changed.withContainerd { client in
                let record = ProcessRecord.running(at: node.layout.processRecord)
                #expect(record != nil && record?.identity.pid != pid)
                let status = try await client.containerStatus(container)
                #expect(status.state == .running)
            }
        }
    }

    @Test func `what a start that came to nothing has begun ends, and nothing else`() async throws {
        try await TestNode.run { node in
            let path = node.layout.processRecord
            let first = node.containerd
            try await node.with(first) { _ in }
            let begun = try #require(ProcessRecord.running(at: path)).identity
            // Whoever found it running leaves it, and whoever put another in its place leaves that.
            let second = node.containerd
            try await node.with(second) { _ in }
            try await second.undo()
            #expect(begun.isRunning)
            var changed = node
            changed.options.layerStatisticsInterval = .seconds(59)
            let third = changed.containerd
            try await node.with(third) { _ in }
            try await third.undo()
            let replaced = try #require(ProcessRecord.running(at: path)).identity
            #expect(replaced != begun)
            try await third.stop()
            let fourth = node.containerd
            try await node.with(fourth) { _ in }
            let own = try #require(ProcessRecord.running(at: path)).identity
            try await fourth.undo()
            #expect(!own.isRunning && !Files.exists(path))
            // A run that did not get so far has nothing to undo.
            try await node.containerd.undo()
        }
    }

    /// Nobody who comes after us would find it.
    @Test func `a containerd that cannot be written down does not run`() async throws {
        try await TestNode.run { node in
            try Files.makeDirectory(node.layout.processRecord + "/full")
            await #expect(throws: Fault.self) { try await node.containerd.run { _ in } }
            let running = try Files.list("/proc").filter { pid in
                let words = (try? Files.readText("/proc/\(pid)/cmdline"))?.split(separator: "\0") ?? []
                return words.contains { $0 == node.layout.configurationFile }
            }
            #expect(running.isEmpty)
        }
    }

    @Test func `one that ends while it is asked is not adopted`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { _ in }
            var record = try #require(ProcessRecord.running(at: node.layout.processRecord))
            try await ContainerdProcess.adopted(record.identity).stop(grace: .seconds(10))
            let ending = try await Command("sleep", ["0.3"]).start()
            record.identity = try #require(ending.identity)
            try Files.write(record.json, to: node.layout.processRecord)
            try await node.withContainerd { client in
                let version = try await client.version()
                #expect(version.runtimeName == "containerd")
            }
            #expect(try await ending.wait().isSuccess)
        }
    }

    @Test func `a containerd that hangs is not adopted`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { _ in }
            let hanging = try #require(ProcessRecord.running(at: node.layout.processRecord)).identity
            try hanging.send(Signal(SIGSTOP))
            var impatient = node.containerd
            (impatient.limits.adoption, impatient.limits.stop) = (.milliseconds(100), .milliseconds(100))
            try await node.with(impatient) { client in
                #expect(!hanging.isRunning)
                let version = try await client.version()
                #expect(version.runtimeName == "containerd")
            }
        }
    }

    @Test func `containerd is started again when it dies, and its containers live on`() async throws {
        try await TestNode.run { node in
            try await withThrowingTaskGroup { group in
                let (ready, announce) = AsyncStream<CRIClient>.makeStream()
                group.addTask {
                    defer { announce.finish() }
                    try await node.containerd.run { announce.yield($0) }
                }
                var clients = ready.makeAsyncIterator()
                let client = try #require(await clients.next())
                try await node.importBusybox(client)
                let pod = node.sandbox("survivor")
                let sandbox = try await client.runPodSandbox(pod, handler: "")
                let container = try await client.createContainer(
                    in: sandbox, node.container("main", ["sleep", "1000"]), sandboxConfig: pod)
                try await client.startContainer(container)
                let killed = try #require(ProcessRecord.running(at: node.layout.processRecord))
                try killed.identity.send(.kill)

                let again = try #require(await clients.next())
                #expect(ProcessRecord.running(at: node.layout.processRecord)?.identity != killed.identity)
                #expect(try await again.containerStatus(container).state == .running)
                group.cancelAll()
            }
        }
    }

    @Test func `what a killed containerd was making is given back, and nobody else's`() async throws {
        try await TestNode.run { node in
            let expiry = ["containerd.io/gc.expire": (Timestamp.now + .seconds(3600)).description]
            try await node.withContainerd { client in
                try await client.makeLease("418034402-yVkD", expiry)
                try await client.makeLease("k3s-7", expiry)
                try await client.makeLease("7-abcd", [:])
                try await client.makeLease("mine", expiry)
                let record = try #require(ProcessRecord.running(at: node.layout.processRecord))
                // It runs: who took them may be at work, but not another k3s.
                #expect(try await AbandonedLeases(grpc: client.grpc).remove(before: try #require(record.begun)) == ["k3s-7"])
                try record.identity.send(.kill)
                #expect(try await record.identity.waitForEnd())
            }
            try await node.withContainerd { client in
                while try await client.leases() != ["7-abcd", "mine"] { try await Task.sleep(for: .milliseconds(20)) }
                let record = try #require(ProcessRecord.running(at: node.layout.processRecord))
                try await client.makeLease("5-efgh", expiry)
                #expect(try await AbandonedLeases(grpc: client.grpc).remove(before: try #require(record.begun)) == [])
            }
            // The next run does not take from the containerd that it adopts.
            try await node.withContainerd { client in
                try await Task.sleep(for: .milliseconds(500))
                #expect(try await client.leases() == ["5-efgh", "7-abcd", "mine"])
            }
        }
    }

    @Test func `the folder of a process whose container nobody knows goes, and no other`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                let sandbox = try await client.runPodSandbox(node.sandbox("keeps"), handler: "")
                let bundles = [node.layout.state, node.layout.root].map { $0 + "/io.containerd.runtime.v2.task/k8s.io" }
                for place in bundles { try Files.makeDirectory(place + "/0a1b/rootfs") }
                var shims = LeakedShims(layout: node.layout)
                shims.patience = .milliseconds(10)
                let removed = try await shims.clearFolders(client)
                #expect(removed == ["0a1b"])
                for place in bundles { #expect(try Files.list(place) == [sandbox]) }
            }
        }
    }

    @Test func `a containerd that cannot start says why`() async throws {
        try await TestNode.run { node in
            try Files.makeDirectory(node.layout.configuration + "/config.toml.d")
            try Files.write("this is no TOML", to: node.layout.configuration + "/config.toml.d/broken.toml")
            let fault = await #expect(throws: Fault.self) { try await node.containerd.run { _ in } }
            #expect(fault?.summary.hasPrefix("containerd does not start (exit code 1): ") == true)
        }
    }

    @Test func `an archive is imported again only when it has changed or its images have gone`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                try await node.importBusybox(client)
                let ctr = try #require(node.programs.ctr)
                let archive = node.layout.images + "/busybox.tar"
                let base = ["-a", node.layout.socket, "-n", "k8s.io", "images"]
                let export = try await Command(ctr, base + ["export", archive, TestNode.image]).run()
                #expect(export.status.isSuccess)
                // Each import leaves a line.
                var programs = node.programs
                let (wrapper, count) = (node.folder + "/ctr", node.folder + "/imports")
                try await install(Array("#!/bin/sh\necho >>\(count)\nexec \(ctr) \"$@\"\n".utf8), at: wrapper)
                programs.ctr = wrapper
                let archives = ImageArchives(layout: node.layout, programs: programs, logger: node.silent)
                let imports = { () async throws -> Int in
                    #expect(try await archives.importAll(client) == [TestNode.image])
                    return try Files.read(count).count
                }
                #expect(try await imports() == 1)
                #expect(try await imports() == 1)
                try await client.untilImage(TestNode.image, within: .seconds(10))
                try await client.removeImage(CRI.ImageSpec(TestNode.image))
                #expect(try await imports() == 2)
                #expect(try await Command("touch", ["-d", "@1000", archive]).run().status.isSuccess)
                #expect(try await imports() == 3)
                // What is remembered cannot be read: all is imported.
                try Files.write("{", to: node.layout.importedImages)
                #expect(try await imports() == 4)
                #expect(try await imports() == 4)
            }
        }
    }

    @Test func `what cannot be imported keeps no node down`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                let folder = node.layout.images
                try Files.makeDirectory(folder + "/folder.tar")
                try Files.makeSymbolicLink(at: folder + "/nowhere.tar.gz", to: node.folder + "/missing")
                #expect(try await Command("mkfifo", [folder + "/pipe.tar"]).run().status.isSuccess)
                try Files.write("", to: folder + "/empty.tar.zst")
                try Files.write("", to: folder + "/other.tar.bz2")
                let archives = ImageArchives(layout: node.layout, programs: node.programs, logger: node.silent)
                #expect(try await archives.importAll(client) == [])
                try Files.remove(folder)
                try Files.write("", to: folder)
                #expect(try await archives.importAll(client) == [])
            }
        }
    }

    @Test func `archives may be compressed`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                try await node.importBusybox(client)
                let ctr = try #require(node.programs.ctr)
                let (folder, plain) = (node.layout.images, node.folder + "/busybox.tar")
                let base = ["-a", node.layout.socket, "-n", "k8s.io", "images"]
                #expect(try await Command(ctr, base + ["export", plain, TestNode.image]).run().status.isSuccess)
                let archives = ImageArchives(layout: node.layout, programs: node.programs, logger: node.silent)
                for (program, ending) in [
                    ("gzip", "tar.gz"), ("gzip", "tgz"), ("zstd", "tar.zst"), ("zstd", "tzst"), ("lz4", "tar.lz4"),
                    ("bzip2", "tar.bz2"), ("bzip2", "tbz"),
                ] {
                    let script = "rm -f \(folder)/*; \(program) -c \(plain) >\(folder)/box.\(ending)"
                    #expect(try await Command("/bin/sh", ["-c", script]).run().status.isSuccess)
                    try await client.removeImage(CRI.ImageSpec(TestNode.image))
                    let names = try await archives.importAll(client)
                    #expect(names == [TestNode.image], "\(ending)")
                    try await client.untilImage(TestNode.image, within: .seconds(10))
                }
                // Half of it is none.
                try await client.removeImage(CRI.ImageSpec(TestNode.image))
                let script = "rm -f \(folder)/*; gzip -c \(plain) | head -c 100000 >\(folder)/box.tgz"
                #expect(try await Command("/bin/sh", ["-c", script]).run().status.isSuccess)
                #expect(try await archives.importAll(client) == [])
            }
        }
    }

    @Test func `an archive that is put there while the node runs is imported, under the registries' names too`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                try await node.importBusybox(client)
                let ctr = try #require(node.programs.ctr)
                let (folder, plain) = (node.layout.images, node.folder + "/busybox.tar")
                let base = ["-a", node.layout.socket, "-n", "k8s.io", "images"]
                #expect(try await Command(ctr, base + ["export", plain, TestNode.image]).run().status.isSuccess)
                try await client.removeImage(CRI.ImageSpec(TestNode.image))
                let archives = ImageArchives(
                    layout: node.layout, programs: node.programs, registries: ["reg.example.com:5000/k3s"],
                    logger: node.silent)
                let images = ImageFolder(archives, layout: node.layout)
                let store = ContainerdImages(grpc: client.grpc)
                func pinned() async throws -> Set<String> {
                    Set(try await store.names(withLabel: PauseImage.ownLabel, "pinned"))
                }
                let before = try await pinned()
                let names = ImageArchives.names(of: TestNode.image, in: ["reg.example.com:5000/k3s"])
                #expect(names.count == 1)
                try await withThrowingTaskGroup { group in
                    group.addTask { await images.run() }
                    try await images.take(client)
                    #expect(try await pinned() == before)
                    #expect(try await Command("cp", [plain, folder + "/box.tar"]).run().status.isSuccess)
                    try await client.untilImage(names[0], within: .seconds(20))
                    while try await pinned() != before.union(names + [TestNode.image]) {
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    try Files.remove(folder + "/box.tar")
                    while try await pinned() != before { try await Task.sleep(for: .milliseconds(20)) }
                    #expect(try await client.imageStatus(CRI.ImageSpec(names[0])) != nil)
                    group.cancelAll()
                }
            }
        }
    }

    @Test func `archives in the folder of images are imported`() async throws {
        try await TestNode.run { node in
            try await node.withContainerd { client in
                try await node.importBusybox(client)
                let ctr = try #require(node.programs.ctr)
                let base = ["-a", node.layout.socket, "-n", "k8s.io", "images"]
                let archive = node.layout.images + "/busybox.tar"
                #expect(
                    try await Command(ctr, base + ["export", archive, TestNode.image]).run().status.isSuccess)
                try await client.removeImage(CRI.ImageSpec(TestNode.image))
                try Files.write("no archive", to: node.layout.images + "/broken.tar")

                let archives = ImageArchives(
                    layout: node.layout, programs: node.programs, logger: node.silent)
                #expect(try await archives.importAll(client) == [TestNode.image])
                try await client.untilImage(TestNode.image, within: .seconds(10))
                let store = ContainerdImages(grpc: client.grpc)
                let label = "io.cri-containerd.pinned"
                let pause = "docker.io/rancher/mirrored-pause:3.10.2"
                #expect(try await store.names(withLabel: label, "pinned") == [TestNode.image, pause])

                // Without its archive it is an image like any other.
                try Files.remove(archive)
                #expect(try await archives.importAll(client) == [])
                #expect(try await store.names(withLabel: label, "pinned") == [pause])
            }
        }
    }
}

extension CRIClient {
    fileprivate func makeLease(_ id: String, _ labels: [String: String]) async throws {
        let _: Single<EmptyMessage> = try await grpc.call(
            "/containerd.services.leases.v1.Leases/Create", CreateLeaseRequest(id: id, labels: labels),
            metadata: .containerd, timeout: .seconds(10), "cannot make a lease")
    }

    fileprivate func leases() async throws -> [String] {
        let leases: Items<LeaseRecord> = try await grpc.call(
            "/containerd.services.leases.v1.Leases/List", EmptyMessage(), metadata: .containerd,
            timeout: .seconds(10), "cannot list leases")
        return leases.items.map(\.id).sorted()
    }
}

/// The events that came, for tests that wait for one.
private final class Seen: Sendable {
    private struct State {
        var events: [ContainerEvent] = []
        var waiters: [(ContainerEvent, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// Reads the events of `client` while `body` runs.
    func follow(_ client: CRIClient, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            let (ready, announce) = AsyncStream<Void>.makeStream()
            group.addTask {
                try await client.containerEvents(ready: { announce.finish() }) { self.add($0) }
            }
            group.addTask {
                for await _ in ready {}
                try await body()
            }
            try await group.next()
            group.cancelAll()
        }
    }

    func wait(for event: ContainerEvent) async {
        await withCheckedContinuation { continuation in
            let hasCome = state.withLock { state in
                guard !state.events.contains(event) else { return true }
                state.waiters.append((event, continuation))
                return false
            }
            if hasCome { continuation.resume() }
        }
    }

    private func add(_ event: ContainerEvent) {
        let waiting = state.withLock { state in
            state.events.append(event)
            defer { state.waiters.removeAll { $0.0 == event } }
            return state.waiters.filter { $0.0 == event }.map(\.1)
        }
        for continuation in waiting { continuation.resume() }
    }
}
