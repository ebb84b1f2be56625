import Host
import Support

/// Has systemd make, change and remove slices (org.freedesktop.systemd1(5)).
///
/// Each call has a connection of its own: they are rare, many workers make them at once, and none has to be kept alive.
struct SystemdUnits: Sendable {
    private static let name = "org.freedesktop.systemd1"
    private static let path = "/org/freedesktop/systemd1"
    private static let interface = "org.freedesktop.systemd1.Manager"
    private static let signal = "JobRemoved"

    /// Where the system's services speak.
    let bus: String
    /// How long a job may take.
    var patience = Duration.seconds(30)

    /// Makes the slice of the control group at `path`; one that is there gets its limits again.
    func make(_ path: String, _ limits: SliceLimits, _ version: CgroupHierarchy.Version) async throws(Fault) {
        let (slice, properties) = (Self.unit(path), UnitProperty.limits(limits, version))
        // systemd-run --slice=NAME, without a program
        let all = UnitProperty.slice(slice, in: Self.unit(Path.parent(of: path)), version) + properties
        do throws(Fault) {
            let ended = try await job(
                "StartTransientUnit", slice, [.string("replace"), UnitProperty.list(all), .array(of: "(sa(sv))", [])])
            guard ended == "done" else {
                try? await reset(slice)
                throw Fault(.failed, "systemd does not make \(slice): \(ended)")
            }
        } catch where error.says("UnitExists") {
            try await set(slice: slice, properties)
        }
    }

    /// Changes the limits of a slice until the machine starts again.
    func set(_ path: String, _ limits: SliceLimits, _ version: CgroupHierarchy.Version) async throws(Fault) {
        try await set(slice: Self.unit(path), UnitProperty.limits(limits, version))
    }

    /// Stops a slice, and whatever is in it. One that is not there is no fault.
    func remove(_ path: String) async throws(Fault) {
        let slice = Self.unit(path)
        do throws(Fault) {
            // systemctl stop NAME
            let ended = try await job("StopUnit", slice, [.string("replace")])
            // One that has failed stays until somebody says that he knows.
            if ended != "done" { try await reset(slice) }
        } catch where error.says("NoSuchUnit") {
            return
        }
    }

    /// The name of the slice of a control group.
    static func unit(_ path: String) -> String { path == "/" ? "-.slice" : Path.name(of: path) }

    private func set(slice: String, _ properties: [UnitProperty]) async throws(Fault) {
        guard !properties.isEmpty else { return }
        // systemctl set-property --runtime NAME ...
        var bus = try await join()
        _ = try await bus.call(
            Self.call("SetUnitProperties", [.string(slice), .boolean(true), UnitProperty.list(properties)]))
    }

    private func reset(_ slice: String) async throws(Fault) {
        // systemctl reset-failed NAME
        var bus = try await join()
        _ = try await bus.call(Self.call("ResetFailedUnit", [.string(slice)]))
    }

    /// Calls a method that begins a job, and waits until that has ended: says how.
    private func job(_ method: String, _ unit: String, _ values: [BusValue]) async throws(Fault) -> String {
        let ended = try await withTimeLimit(patience) { () async throws(Fault) -> String in
            var bus = try await join()
            // Before the job is begun, so that its end is not missed; systemd tells nobody who has not asked.
            try await bus.subscribe(Self.path, Self.interface, Self.signal)
            _ = try await bus.call(Self.call("Subscribe", []))
            let reply = try await bus.call(Self.call(method, [.string(unit)] + values))
            guard case .path(let job)? = reply.values.first else {
                throw Fault(.invalid, "systemd tells no job of \(method)")
            }
            while let signal = try await bus.nextSignal() {
                // The number of the job, its path, its unit and how it ended.
                guard signal.member == Self.signal, signal.values.count == 4, signal.values[1] == .path(job),
                    case .string(let result) = signal.values[3]
                else { continue }
                return result
            }
            throw Fault(.unavailable, "nobody waits for \(method) of \(unit) any more")
        }
        guard let ended else { throw Fault(.timedOut, "systemd is not done with \(method) of \(unit) in \(patience)") }
        return ended
    }

    private func join() async throws(Fault) -> SystemBus { try await SystemBus.join(at: bus, patience: patience) }

    private static func call(_ member: String, _ values: [BusValue]) -> BusCall {
        BusCall(name, path, interface, member, values)
    }
}

extension Fault {
    /// Whether systemd answered with this error.
    fileprivate func says(_ name: String) -> Bool { summary.hasPrefix("org.freedesktop.systemd1.\(name)") }
}
