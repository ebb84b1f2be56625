import Logging
import Support
import Synchronization
import Testing

@testable import Kubelet

@Suite struct KernelSettingsTests {
    /// A machine's settings; one that is `nil` cannot be changed.
    private final class Machine: Sendable {
        let values: Mutex<[String: String]>
        let fixed: Set<String>

        init(_ values: [String: String], fixed: Set<String> = []) {
            self.values = Mutex(values)
            self.fixed = fixed
        }

        func prepare(isProtected: Bool) throws(Fault) {
            var settings = KernelSettings()
            settings.read = { name throws(Fault) in
                guard let value = self.values.withLock({ $0[name] }) else { throw Fault(.notFound, "no \(name)") }
                return value
            }
            settings.set = { name, value throws(Fault) in
                guard !self.fixed.contains(name) else { throw Fault(.denied, "\(name) is fixed") }
                self.values.withLock { $0[name] = value }
            }
            try settings.prepare(
                isProtected: isProtected, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        }
    }

    private static let wanted = Dictionary(uniqueKeysWithValues: KernelSettings.wanted.map { ($0.name, $0.value) })

    private static func machine(_ changes: [String: String?], fixed: Set<String> = []) -> Machine {
        var values = wanted
        for (name, value) in changes { values[name] = value }
        return Machine(values, fixed: fixed)
    }

    @Test func `what is otherwise is changed`() throws {
        let machine = Self.machine(["vm/overcommit_memory": "0", "kernel/panic": "0"])
        try machine.prepare(isProtected: false)
        #expect(machine.values.withLock { $0 } == Self.wanted)
    }

    @Test func `what is protected is told, and not changed`() throws {
        let machine = Self.machine(["vm/overcommit_memory": "0", "kernel/panic": "0"])
        let fault = #expect(throws: Fault.self) { try machine.prepare(isProtected: true) }
        #expect(
            fault?.summary
                == "[invalid kernel flag: vm/overcommit_memory, expected value: 1, actual value: 0, "
                + "invalid kernel flag: kernel/panic, expected value: 10, actual value: 0]")
        #expect(machine.values.withLock { $0["kernel/panic"] } == "0")
        try Self.machine([:]).prepare(isProtected: true)
    }

    @Test func `what cannot be changed is left, unless it is protected`() throws {
        let machine = Self.machine(["kernel/panic": "0", "vm/panic_on_oom": "1"], fixed: ["kernel/panic"])
        try machine.prepare(isProtected: false)
        #expect(machine.values.withLock { $0["kernel/panic"] == "0" && $0["vm/panic_on_oom"] == "0" })
        let lacking = Self.machine(["kernel/keys/root_maxkeys": nil])
        try lacking.prepare(isProtected: false)
        let fault = #expect(throws: Fault.self) { try lacking.prepare(isProtected: true) }
        #expect(fault?.summary == "no kernel/keys/root_maxkeys")
    }
}
