import API
import APIMachinery
import APIServer
import Client
import Datastore
import Logging
public import Support
import Synchronization

/// A life of a cluster: users do what users do while things go wrong; then nothing goes wrong any more, and everything
/// must become as it was asked for.
public struct Scenario: Sendable {
    public var seed: UInt64
    public var nodes = 3
    /// What users do, at most.
    public var operations = 40
    /// How long they do it, at most.
    public var span = Duration.seconds(86_400 * 365)
    /// The longest pause between two operations; most are short.
    public var longestPause = Duration.seconds(20)
    /// The longest time between two faults.
    public var longestCalm = Duration.seconds(30)
    /// When jobs come that come by the clock.
    public var schedule = "* * * * *"
    /// How long everything may take to become as asked for.
    public var patience = Duration.seconds(1800)
    /// Is told what happens, line by line, as it happens.
    public var trace: (@Sendable (String) -> Void)?

    public init(seed: UInt64) { self.seed = seed }

    /// A week, at a pace of weeks: users come every three quarters of an hour and do five things, and a fault comes every
    /// half hour.
    public static func week(seed: UInt64) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.operations = .max
        scenario.span = .seconds(7 * 86_400)
        scenario.longestPause = .seconds(5400)
        scenario.longestCalm = .seconds(3600)
        scenario.schedule = "0 * * * *"
        return scenario
    }

    /// How a life went.
    public struct Outcome: Sendable {
        public var seed: UInt64
        /// What was written, as one number.
        public var trace: Trace
        /// How much time passed in the cluster.
        public var lasted: Duration
        /// What was against the rules, if anything.
        public var violations: [Violation]
    }

    /// Lives it. Throws when the simulation itself cannot go on.
    public func run(_ image: BootImage) throws(Fault) -> Outcome {
        let world = World(seed: seed)
        let scenario = self
        let result: Result<Outcome, any Error> = try world.run {
            do {
                let run = try await ScenarioRun(scenario, world, image)
                return .success(try await run.live())
            } catch {
                return .failure(error)
            }
        }
        do {
            return try result.get()
        } catch {
            throw Fault(.failed, "seed \(seed) cannot be lived to its end", cause: error)
        }
    }
}

/// One run of a scenario.
private struct ScenarioRun: Sendable {
    private final class Book: Sendable {
        let ledger: Mutex<Ledger>
        init(_ ledger: Ledger) { self.ledger = Mutex(ledger) }
    }

    private let scenario: Scenario
    private let world: World
    private let cluster: SimulatedCluster
    private let book: Book

    init(_ scenario: Scenario, _ world: World, _ image: BootImage) async throws {
        self.scenario = scenario
        self.world = world
        let log = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let book = Book(image.ledger)
        self.book = book
        let (trace, now) = (scenario.trace, world.now)
        let witness = Witness { what, subject in
            book.ledger.withLock { $0.accuse(what, of: subject, at: now()) }
        }
        let cluster = SimulatedCluster(world, nodes: scenario.nodes, image, witness, log: log)
        self.cluster = cluster
        try await cluster.disk.follow { change in
            if change.entry == nil, change.key.hasPrefix("/registry/minions/") {
                witness.disown(String(change.key.dropFirst(18)))
            }
            let text = book.ledger.withLock { $0.take(change, at: now()) }
            if let trace, let text { trace(text) }
        }
    }

    func live() async throws -> Scenario.Outcome {
        try await cluster.run {
            await world.pause(.seconds(3))
            let workload = Workload(cluster, schedule: scenario.schedule)
            try await workload.prepare()
            try await operate(workload)
            if !isBroken { await settle() }
            if !isBroken { try await clear() }
        }
        let violations = book.ledger.withLock(\.violations)
        return Scenario.Outcome(
            seed: scenario.seed, trace: cluster.disk.trace, lasted: world.clock.now.offset, violations: violations)
    }

    private var isBroken: Bool { book.ledger.withLock { !$0.violations.isEmpty } }

    private func note(_ text: String) {
        book.ledger.withLock { $0.note(text, at: world.now()) }
        if let trace = scenario.trace { trace("\(world.clock.now.offset.brief) \(text)") }
    }

    /// Users and faults at once. Faults have ended when this returns.
    private func operate(_ workload: Workload) async throws {
        let goesOn = Switch(true)
        let pauses = world.dice("pauses")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Chaos(cluster, longestCalm: scenario.longestCalm, note).run(while: goesOn) }
            group.addTask {
                defer { goesOn.turn(false) }
                var left = scenario.operations
                while left > 0, !isBroken, world.clock.now.offset < scenario.span {
                    left -= 1
                    await cluster.server.isUp.wait(until: true)
                    do throws(Status) {
                        note(try await workload.step())
                    } catch {
                        accuse("\(error)", of: "a user")
                    }
                    await world.pause(pauses.span(.zero ... (pauses.happens(0.2) ? scenario.longestPause : .seconds(2))))
                }
            }
            try await group.waitForAll()
        }
    }

    private func accuse(_ what: String, of subject: String) {
        book.ledger.withLock { $0.accuse(what, of: subject, at: world.now()) }
    }

    /// Waits until everything is as asked for, and stays so.
    private func settle() async {
        note("nothing goes wrong any more")
        for node in cluster.nodes {
            _ = try? await cluster.admin().patch(
                Node.self, ObjectName(name: node.name), .merge(["spec": ["unschedulable": false]]))
        }
        let end = world.clock.now.advanced(by: scenario.patience)
        var complaints = Convergence(book.ledger.withLock(\.self)).complaints
        var calm = 0
        while calm < 3 || !complaints.isEmpty, world.clock.now < end, !isBroken {
            await world.pause(.seconds(5))
            complaints = Convergence(book.ledger.withLock(\.self)).complaints
            calm = complaints.isEmpty ? calm + 1 : 0
        }
        for (subject, what) in complaints.prefix(10) {
            accuse("\(what), \(scenario.patience.brief) after faults have stopped", of: subject)
        }
    }

    /// Whether a volume shall go, or be free again, when its claim is gone.
    private static func isUnwanted(_ volume: Value?, _ object: StoredObject) -> Bool {
        let phase = volume?.at("status", "phase")
        guard let policy = volume?.at("spec", "persistentVolumeReclaimPolicy")?.string, !object.isDeleting else { return true }
        return phase != "Available" && (policy != "Retain" || phase != "Released")
    }

    /// Deletes the users' namespaces, and waits until nothing of them is left.
    private func clear() async throws {
        note("the users leave")
        for name in Workload.namespaces {
            do throws(Status) {
                _ = try await cluster.admin().delete(Target(.namespaces, ObjectName(name: name)), DeletionOptions())
            } catch {
                guard error.isNotFound || error.isConflict else { throw error }
            }
        }
        let end = world.clock.now.advanced(by: scenario.patience)
        func left() -> [String] {
            book.ledger.withLock { ledger in
                ledger.objects.flatMap { kind, objects in
                    objects.filter { name, object in
                        if kind == "persistentvolumes" { return Self.isUnwanted(ledger.values[kind]?[name], object) }
                        return Workload.namespaces.contains(name.namespace)
                            || kind == "namespaces" && Workload.namespaces.contains(name.name)
                    }.keys.map { "\(kind) \($0)" }
                }.sorted()
            }
        }
        while !left().isEmpty, world.clock.now < end, !isBroken { await world.pause(.seconds(5)) }
        for subject in left().prefix(10) { accuse("is left of a namespace that was deleted", of: subject) }
    }
}
