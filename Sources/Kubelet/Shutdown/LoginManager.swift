import Host
import Support

/// The service that brings the machine down, systemd-logind: whoever holds an inhibitor is told before, and waited for
/// as long as its configuration says (systemd documentation, "Inhibitor Locks").
struct LoginManager: Sendable {
    private static let name = "org.freedesktop.login1"
    private static let path = "/org/freedesktop/login1"
    private static let interface = "org.freedesktop.login1.Manager"
    private static let signal = "PrepareForShutdown"

    private var bus: SystemBus

    /// Any answer is waited for as long as `patience` says.
    init(bus path: String, patience: Duration) async throws(Fault) {
        bus = try await SystemBus.join(at: path, patience: patience)
        // Before the inhibitor is taken, so that nothing is missed.
        try await bus.subscribe(Self.path, Self.interface, Self.signal)
    }

    /// As long as it waits for those who hold one.
    mutating func longestDelay() async throws(Fault) -> Duration {
        let call = BusCall(
            Self.name, Self.path, "org.freedesktop.DBus.Properties", "Get",
            [.string(Self.interface), .string("InhibitDelayMaxUSec")])
        guard case .variant(.uint64(let microseconds))? = try await bus.call(call).values.first else {
            throw Fault(.invalid, "logind does not tell InhibitDelayMaxUSec")
        }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// Asks to be waited for; until the descriptor is closed.
    mutating func inhibit() async throws(Fault) -> Descriptor {
        let words = ["shutdown", "kubelet", "Kubelet needs time to handle node shutdown", "delay"]
        let call = BusCall(Self.name, Self.path, Self.interface, "Inhibit", words.map { .string($0) })
        guard let lock = try await bus.call(call).descriptors.first else {
            throw Fault(.invalid, "logind gave no inhibitor")
        }
        return lock
    }

    /// Has it read its configuration again.
    mutating func reload() async throws(Fault) {
        // systemctl kill --signal=HUP systemd-logind.service
        let call = BusCall(
            "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "KillUnit",
            [.string("systemd-logind.service"), .string("all"), .int32(1)])
        _ = try await bus.call(call)
    }

    /// Waits until the machine is about to go down (true), or is not any more; `nil` once the task is cancelled.
    mutating func nextShutdown() async throws(Fault) -> Bool? {
        while let signal = try await bus.nextSignal() {
            guard signal.member == Self.signal, signal.interface == Self.interface,
                case .boolean(let isDue)? = signal.values.first
            else { continue }
            return isDue
        }
        return nil
    }
}
