import Glibc
import Host
import Support

/// A bus daemon in a folder of its own, with rights for everybody.
public enum TestBus {
    /// Runs one that listens at `bus` in the folder while `body` runs. May be called again with the same folder.
    public static func with(in folder: String, _ body: (_ path: String) async throws -> Void) async throws {
        let path = Path.join(folder, "bus")
        let daemon = try await start(path, folder)
        var failure: (any Error)?
        do { try await body(path) } catch { failure = error }
        try daemon.send(.kill)
        _ = try await daemon.wait()
        if let failure { throw failure }
    }

    private static func start(_ path: String, _ folder: String) async throws -> ChildProcess {
        try Files.makeDirectory(folder)
        try? Files.remove(path)
        try Files.write(
            """
            <busconfig><type>system</type><listen>unix:path=\(path)</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
            <allow send_destination="*"/><allow send_type="signal"/><allow receive_sender="*"/></policy></busconfig>
            """, to: path + ".conf")
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Fault(.failed, "no pipe") }
        let reading = Descriptor(owning: ends[0])
        var command = Command(
            "dbus-daemon", ["--config-file=\(path).conf", "--nofork", "--nopidfile", "--nosyslog", "--print-address=1"])
        command.output = .descriptor(Descriptor(owning: ends[1]))
        command.errors = .null
        command.parentDeathSignal = .kill
        let daemon = try await command.start()
        command.output = .null
        // It tells its address when it listens.
        try await BlockingWork.run { () throws(Fault) in
            var byte: UInt8 = 0
            guard read(reading.number, &byte, 1) == 1 else { throw Fault(.failed, "the bus daemon does not start") }
        }
        return daemon
    }
}
