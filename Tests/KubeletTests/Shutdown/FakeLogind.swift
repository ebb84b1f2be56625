import Glibc
import HostTestSupport
import Support
import Synchronization

@testable import Host

/// A bus daemon with somebody on it who says that he is logind, and systemd.
final class FakeLogind: Sendable {
    struct State: Sendable {
        /// `InhibitDelayMaxSec`.
        var delay = 5
        /// What inhibitors were asked for with.
        var wishes: [[BusValue]] = []
        /// The ends of pipes that close when inhibitors do.
        var inhibitors: [Descriptor] = []
        var calls: [String] = []
        /// How many calls are taken and not answered.
        var unanswered = 0
    }

    let folder = "/tmp/k3s-logind-\(UInt32.random(in: 0...UInt32.max))"
    private let state = Mutex(State())
    private let bus = Mutex<SystemBus?>(nil)
    private let changes = Bell()
    /// Where its configuration is.
    let configuration: String

    init(configuration: String) { self.configuration = configuration }

    var path: String { folder + "/bus" }
    var present: State { state.withLock(\.self) }

    /// Runs a bus with this on it while `body` runs.
    func with(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await TestBus.with(in: folder) { path in
            let bus = try await join(path)
            try await withThrowingTaskGroup { group in
                group.addTask { try await self.serve(bus) }
                group.addTask { try await body() }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    func cleanUp() { try? Files.remove(folder) }

    private func join(_ path: String) async throws -> SystemBus {
        var bus = try await SystemBus.join(at: path)
        let own = "org.freedesktop.DBus"
        for name in ["org.freedesktop.login1", "org.freedesktop.systemd1"] {
            _ = try await bus.call(
                BusCall(own, "/org/freedesktop/DBus", own, "RequestName", [.string(name), .uint32(0)]))
        }
        self.bus.withLock { $0 = bus }
        return bus
    }

    private func serve(_ bus: SystemBus) async throws {
        var bus = bus
        while let (message, _) = try await bus.nextMessage() {
            guard message.kind == .call else { continue }
            var reply = BusMessage(.reply, serial: message.serial)
            (reply.replySerial, reply.destination) = (message.serial, message.sender)
            let isAnswered = state.withLock { state in
                state.calls.append(message.member)
                state.unanswered -= 1
                return state.unanswered < 0
            }
            guard isAnswered else { continue }
            var passed: Descriptor?
            switch message.member {
            case "Get": reply.values = [.variant(.uint64(UInt64(present.delay) * 1_000_000))]
            case "Inhibit":
                let (reading, writing) = try Descriptor.pipe()
                state.withLock { state in
                    state.wishes.append(message.values)
                    state.inhibitors.append(reading)
                }
                (reply.values, reply.descriptorCount, passed) = ([.descriptor(0)], 1, writing)
            case "KillUnit": readConfiguration()
            default: reply.kind = .error
            }
            try send(reply, passed, bus.socket)
            changes.ring()
        }
    }

    private func readConfiguration() {
        let text = (try? Files.readText(configuration + "/99-kubelet.conf")) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("InhibitDelayMaxSec=") }
        guard let seconds = line.flatMap({ Int($0.dropFirst("InhibitDelayMaxSec=".count)) }) else { return }
        state.withLock { $0.delay = seconds }
    }

    /// With a descriptor beside it: a control message of 20 bytes in 24 (cmsg(3)).
    private func send(_ message: BusMessage, _ passed: Descriptor?, _ socket: Descriptor) throws {
        var bytes = message.bytes
        var control = [UInt8](repeating: 0, count: 24)
        control.withUnsafeMutableBytes { control in
            control.storeBytes(of: 20, toByteOffset: 0, as: Int.self)
            control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
            control.storeBytes(of: 1, toByteOffset: 12, as: Int32.self)
            control.storeBytes(of: passed?.number ?? -1, toByteOffset: 16, as: Int32.self)
        }
        let count = bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var header = msghdr()
                    (header.msg_iov, header.msg_iovlen) = (part, 1)
                    if passed != nil { (header.msg_control, header.msg_controllen) = (control.baseAddress, 24) }
                    return sendmsg(socket.number, &header, Int32(MSG_NOSIGNAL))
                }
            }
        }
        guard count == bytes.count else { throw Fault(.failed, "the message was not sent") }
    }

    // MARK: What a test does

    /// The next calls are taken and not answered.
    func ignore(_ count: Int) { state.withLock { $0.unanswered = count } }

    /// The machine goes down, or does not after all.
    func prepareForShutdown(_ isDue: Bool) throws {
        var signal = BusMessage(.signal, serial: 1000)
        (signal.path, signal.interface) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager")
        (signal.member, signal.values) = ("PrepareForShutdown", [.boolean(isDue)])
        try bus.withLock(\.self)?.send(signal.bytes)
    }

    /// Waits until so many inhibitors were given.
    func given(_ count: Int) async {
        while present.inhibitors.count < count, !Task.isCancelled { await changes.wait() }
    }

    /// Waits until the last inhibitor is let go.
    func released() async {
        guard let last = present.inhibitors.last else { return }
        _ = await EventThread.shared.readable(last)
    }

    /// Whether somebody holds the last one.
    var isHeld: Bool {
        guard let last = present.inhibitors.last else { return false }
        // The end of the file is there when nobody does.
        return (try? last.read(upTo: 1)) == nil
    }
}
