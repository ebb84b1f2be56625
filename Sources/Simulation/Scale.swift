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
public struct Scale: Sendable {
    public var nodes = 500
    public var pods = 15_000

    public init() {}

    /// What was measured.
    public struct Figures: Sendable, CustomStringConvertible {
        public var pods: Int
        /// From the first deployment to the last pod placed, and to the last pod ready.
        public var placed: Duration
        public var ready: Duration
        /// Of reads and writes that ran meanwhile, one at a time: how long they took.
        public var calls: Int
        public var median: Duration
        public var slow: Duration
        /// Resident, of the whole process.
        public var memory: ByteCount

        public var description: String {
            """
            \(pods) pods placed in \(placed.brief), \(Int(Double(pods) / (placed / .seconds(1)))) a second; ready in \
            \(ready.brief)
            \(calls) calls meanwhile, half of them within \(Int(median / .microseconds(1))) µs, 99 of 100 within \
            \(Int(slow / .microseconds(1))) µs
            \(memory.bytes >> 20) MiB resident
            """
        }
    }

    private final class Tally: Sendable {
        struct Counts {
            var placed: Set<String> = []
            var ready: Set<String> = []
            var lastPlaced = ContinuousClock.now
            var lastReady = ContinuousClock.now
            var calls: [Duration] = []
        }
        let counts = Mutex(Counts())

        func take(_ change: Change) {
            guard change.key.hasPrefix("/registry/pods/"), let entry = change.entry,
                let object = try? StoredObject(logged: entry.value, revision: entry.revision)
            else { return }
            let pod = PodRecord(object)
            counts.withLock { counts in
                if !pod.node.isEmpty, counts.placed.insert(pod.uid).inserted { counts.lastPlaced = .now }
                if pod.isReady, counts.ready.insert(pod.uid).inserted { counts.lastReady = .now }
            }
        }
    }

    public func run(_ image: BootImage) throws(Fault) -> Figures {
        let world = World(seed: 1)
        let scale = self
        let result: Result<Figures, any Error> = try world.run {
            do {
                return .success(try await scale.measure(world, image))
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

    private func measure(_ world: World, _ image: BootImage) async throws -> Figures {
        let log = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let cluster = SimulatedCluster(world, nodes: nodes, image, Witness { _, _ in }, log: log)
        let tally = Tally()
        try await cluster.disk.follow { tally.take($0) }
        let began = try await cluster.run {
            await world.pause(.seconds(5))
            let began = ContinuousClock.now
            try await deploy(cluster)
            let end = world.clock.now.advanced(by: .seconds(3600))
            while tally.counts.withLock(\.ready.count) < pods, world.clock.now < end {
                try await probe(cluster, tally)
                await world.pause(.milliseconds(20))
            }
            return began
        }
        let counts = tally.counts.withLock(\.self)
        let calls = counts.calls.sorted()
        return Figures(
            pods: counts.placed.count, placed: counts.lastPlaced - began, ready: counts.lastReady - began,
            calls: calls.count, median: calls.isEmpty ? .zero : calls[calls.count / 2],
            slow: calls.isEmpty ? .zero : calls[calls.count * 99 / 100], memory: Self.memory())
    }

    /// Deployments of a hundred pods each.
    private func deploy(_ cluster: SimulatedCluster) async throws {
        for number in 0..<(pods / 100) {
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

    /// A read and a write, as somebody at a terminal makes them.
    private func probe(_ cluster: SimulatedCluster, _ tally: Tally) async throws {
        let admin = try cluster.admin()
        let begin = ContinuousClock.now
        _ = try await admin.get(Target(.namespaces, ObjectName(name: "default")))
        let read = ContinuousClock.now
        let note: Value = ["metadata": ["annotations": ["probe": .string("\(tally.counts.withLock(\.calls.count))")]]]
        _ = try await admin.patch(Target(.namespaces, ObjectName(name: "default")), .merge(note), WriteOptions())
        let end = ContinuousClock.now
        tally.counts.withLock { $0.calls += [read - begin, end - read] }
    }

    private static func memory() -> ByteCount {
        guard let file = fopen("/proc/self/statm", "r") else { return ByteCount(0) }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        guard fgets(&buffer, 128, file) != nil else { return ByteCount(0) }
        let words = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: " ")
        return ByteCount((words.count > 1 ? Int64(words[1]) ?? 0 : 0) * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }
}
