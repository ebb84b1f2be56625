import API
import APIMachinery
import APIServer
import Client
import Datastore
import Glibc
import Logging
public import Support
import Synchronization

/// A large cluster without faults, to see how fast the control plane is and what it weighs: everything runs in one thread,
/// and the clock on the wall is read, which no other part of the simulation does.
///
/// One thing after the other, so that each can be judged: controllers make the pods; the scheduler places them, and
/// everybody who follows pods is told; their nodes run them, and tell so.
public struct Scale: Sendable {
    public var nodes = 500
    public var pods = 15_000

    public init() {}

    /// One of the three.
    public struct Stage: Sendable, CustomStringConvertible {
        public var name: String
        public var pods: Int
        public var took: Duration
        /// How many requests ran meanwhile, and within what time half of them and 99 of 100 were answered: many at a time, so
        /// that most of it is waiting for others.
        public var calls: Int
        public var median: Duration
        public var slow: Duration

        public var description: String {
            let rate = Int(Double(pods) / (took / .seconds(1)))
            let (median, slow) = (median / .milliseconds(1), slow / .milliseconds(1))
            return "\(pods) pods \(name) in \(took.brief), \(rate) a second; \(calls) calls, p50 \(Self.short(median)) ms, "
                + "p99 \(Self.short(slow)) ms"
        }

        private static func short(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }
    }

    /// What was measured.
    public struct Figures: Sendable, CustomStringConvertible {
        public var nodes: Int
        public var stages: [Stage]
        /// Resident, of the whole process, with all pods running.
        public var memory: ByteCount

        public var description: String {
            let lines = stages.map(\.description) + ["\(memory.bytes >> 20) MiB resident"]
            return "\(nodes) nodes\n" + lines.joined(separator: "\n")
        }
    }

    public func run(_ image: BootImage) throws(Fault) -> Figures {
        let world = World(seed: 1)
        let scale = self
        let result: Result<Figures, any Error> = try world.run {
            do {
                return .success(try await ScaleRun(scale, world, image).measure())
            } catch {
                return .failure(error)
            }
        }
        do {
            return try result.get()
        } catch {
            throw Fault(.failed, "the large cluster cannot be simulated", cause: error)
        }
    }
}

/// One run of it.
private struct ScaleRun: Sendable {
    /// How far pods have come.
    private final class Progress: Sendable {
        struct Counts {
            var made: Set<String> = []
            var placed: Set<String> = []
            var ready: Set<String> = []
        }

        let counts = Mutex(Counts())

        func take(_ change: Change) {
            guard change.key.hasPrefix("/registry/pods/"), let entry = change.entry,
                let object = try? StoredObject(logged: entry.value, revision: entry.revision)
            else { return }
            let isPlaced = !object.text(at: "spec", "nodeName").isEmpty
            let conditions = isPlaced ? object.value(at: "status", "conditions")?.array ?? [] : []
            let isReady = conditions.contains { $0["type"] == "Ready" && $0["status"] == "True" }
            counts.withLock { counts in
                counts.made.insert(object.uid)
                if isPlaced { counts.placed.insert(object.uid) }
                if isReady { counts.ready.insert(object.uid) }
            }
        }
    }

    private let scale: Scale
    private let world: World
    private let cluster: SimulatedCluster
    private let times = CallTimes()
    private let progress = Progress()

    init(_ scale: Scale, _ world: World, _ image: BootImage) {
        (self.scale, self.world) = (scale, world)
        let log = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        cluster = SimulatedCluster(world, nodes: scale.nodes, image, Witness { _, _ in }, log: log, times: times)
    }

    func measure() async throws -> Scale.Figures {
        try await cluster.disk.follow { [progress] in progress.take($0) }
        return try await cluster.run {
            await world.pause(.seconds(5))
            await cluster.scheduler.kill()
            for kubelet in cluster.kubelets { await kubelet.kill() }
            _ = times.take()
            var stages: [Scale.Stage] = []
            stages.append(try await stage("made", until: \.made) { try await deploy() })
            stages.append(try await stage("placed", until: \.placed) { cluster.scheduler.start() })
            stages.append(
                try await stage("run", until: \.ready) { for kubelet in cluster.kubelets { kubelet.start() } })
            return Scale.Figures(nodes: scale.nodes, stages: stages, memory: Self.memory())
        }
    }

    /// Begins something, and waits until all pods have come so far.
    private func stage(
        _ name: String, until reached: @Sendable (Progress.Counts) -> Set<String>, _ begin: () async throws -> Void
    ) async throws -> Scale.Stage {
        let began = ContinuousClock.now
        let end = world.clock.now.advanced(by: .seconds(600))
        try await begin()
        while progress.counts.withLock({ reached($0).count }) < scale.pods {
            guard world.clock.now < end else { throw Fault(.failed, "pods were not \(name) in ten minutes") }
            // No time passes in the cluster while somebody works.
            await world.pause(.milliseconds(1))
        }
        let took = ContinuousClock.now - began
        let calls = times.take()
        return Scale.Stage(
            name: name, pods: scale.pods, took: took, calls: calls.count, median: calls.within(0.5),
            slow: calls.within(0.99))
    }

    /// Deployments of a hundred pods each.
    private func deploy() async throws {
        for number in 0..<(scale.pods / 100) {
            let labels: Value = ["app": .string("app-\(number)")]
            let spec: Value = [
                "replicas": 100, "selector": ["matchLabels": labels],
                "template": [
                    "metadata": ["labels": labels],
                    "spec": [
                        "containers": [["name": "main", "image": "app:1", "resources": ["requests": ["cpu": "50m"]]]]
                    ],
                ],
            ]
            let object: Value = ["metadata": ["name": .string("app-\(number)")], "spec": spec]
            _ = try await cluster.admin().create(
                Target(.deployments, namespace: "default"), object, WriteOptions())
        }
    }

    private static func memory() -> ByteCount {
        guard let file = fopen("/proc/self/statm", "r") else { return ByteCount(0) }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        guard fgets(&buffer, 128, file) != nil else { return ByteCount(0) }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let words = text.split(separator: " ")
        return ByteCount((words.count > 1 ? Int64(words[1]) ?? 0 : 0) * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }
}
