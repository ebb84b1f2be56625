import HostTestSupport
import Support
import Synchronization

@testable import Host

/// A bus daemon with somebody on it who says that he is systemd, and remembers units.
final class FakeSystemd: Sendable {
    struct State: Sendable {
        var units: Set<String> = []
        /// Each call in words: the method, and the unit where there is one.
        var calls: [String] = []
        /// What the last call of each method brought.
        var values: [String: [BusValue]] = [:]
        /// How jobs end.
        var result = "done"
        var jobs = 0
    }

    let folder = "/tmp/k3s-systemd-\(UInt32.random(in: 0...UInt32.max))"
    private let state = Mutex(State())

    var path: String { folder + "/bus" }
    var present: State { state.withLock(\.self) }

    /// Jobs end like this from now on.
    func end(_ result: String) { state.withLock { $0.result = result } }

    /// Runs a bus with this on it while `body` runs.
    func with(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await TestBus.with(in: folder) { path in
            let bus = try await Self.join(path)
            try await withThrowingTaskGroup { group in
                group.addTask { try await self.serve(bus) }
                group.addTask { try await body() }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    func cleanUp() { try? Files.remove(folder) }

    private static func join(_ path: String) async throws -> SystemBus {
        var bus = try await SystemBus.join(at: path)
        let own = "org.freedesktop.DBus"
        _ = try await bus.call(
            BusCall(
                own, "/org/freedesktop/DBus", own, "RequestName",
                [.string("org.freedesktop.systemd1"), .uint32(0)]))
        return bus
    }

    private func serve(_ bus: SystemBus) async throws {
        var bus = bus
        while let (message, _) = try await bus.nextMessage() {
            guard message.kind == .call else { continue }
            for answer in state.withLock({ Self.answers(message, &$0) }) { try bus.send(answer.bytes) }
        }
    }

    /// The reply, and what everybody is told.
    private static func answers(_ message: BusMessage, _ state: inout State) -> [BusMessage] {
        var unit = ""
        if case .string(let name)? = message.values.first { unit = name }
        state.calls.append(unit.isEmpty ? message.member : "\(message.member) \(unit)")
        state.values[message.member] = message.values
        var reply = BusMessage(.reply, serial: message.serial)
        (reply.replySerial, reply.destination) = (message.serial, message.sender)
        func refusal(_ name: String) -> [BusMessage] {
            reply.kind = .error
            reply.errorName = "org.freedesktop.systemd1." + name
            reply.values = [.string("it is so")]
            return [reply]
        }
        switch message.member {
        case "StartTransientUnit":
            guard state.units.insert(unit).inserted else { return refusal("UnitExists") }
        case "StopUnit":
            guard state.units.remove(unit) != nil else { return refusal("NoSuchUnit") }
        default: return [reply]
        }
        state.jobs += 1
        let job = BusValue.path("/org/freedesktop/systemd1/job/\(state.jobs)")
        reply.values = [job]
        var signal = BusMessage(.signal, serial: UInt32(10_000 + state.jobs))
        (signal.path, signal.interface) = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
        signal.member = "JobRemoved"
        // Somebody else's first.
        var other = signal
        other.values = [.uint32(0), .path("/org/freedesktop/systemd1/job/0"), .string("other"), .string("canceled")]
        signal.values = [.uint32(UInt32(state.jobs)), job, .string(unit), .string(state.result)]
        return [other, reply, signal]
    }
}
