import Host
import Support
import Testing

@testable import Runtime

@Suite struct PauseProgramTests {
    @Test(arguments: ["amd64", "arm64"])
    func `it is an executable of one segment`(architecture: String) throws {
        let bytes = try #require(PauseProgram.executable(architecture: architecture))
        #expect(bytes.count < 300)
        #expect(Array(bytes[..<8]) == [0x7F] + Array("ELF".utf8) + [2, 1, 1, 0])
        // The segment's size in the file and in memory, and the signals at its end.
        #expect(bytes[96] == UInt8(truncatingIfNeeded: bytes.count) && bytes[104] == bytes[96])
        #expect(Array(bytes.suffix(8)) == [0x02, 0x40, 0x01, 0, 0, 0, 0, 0])
    }

    @Test func `there is none for an unknown architecture`() {
        #expect(PauseProgram.executable(architecture: "pdp11") == nil)
    }

    @Test(
        .enabled(if: PauseProgram.executable(architecture: Machine.architecture) != nil),
        .timeLimit(.minutes(1)), arguments: [Signal.terminate, .interrupt])
    func `it waits until it is asked to end, and then ends well`(signal: Signal) async throws {
        let path = try await write()
        defer { try? Files.remove(path) }
        let child = try await Command(path).start()
        try await untilItWaits(child.pid)
        try child.send(signal)
        #expect(try await child.wait() == .exited(0))
    }

    /// As the first process of a pid namespace it is the parent of all orphans, and gets no signal that it
    /// does not wait for.
    @Test(.enabled(if: TestNode.isPossible), .timeLimit(.minutes(1)))
    func `as the first process it takes note of orphans`() async throws {
        let path = try await write()
        defer { try? Files.remove(path) }
        // A shell that leaves orphans behind and then becomes the program.
        let script = "for i in 0.05 0.1 0.2; do ( sleep $i & ) ; done; exec \(path)"
        let child = try await Command("unshare", ["--pid", "--fork", "--kill-child", "sh", "-c", script])
            .start()
        let program = try await descendant(of: child.pid, running: path)
        // They end within a moment; a zombie would stay until the program does.
        while !(try children(of: program).isEmpty) { try await Task.sleep(for: .milliseconds(5)) }
        try #require(ProcessIdentity(pid: program)).send(.terminate)
        #expect(try await child.wait() == .exited(0))
    }

    /// A signal that comes before the program's first instructions would end it as it ends any program. Once
    /// it sleeps, it waits for signals: there is nothing else that it could wait for.
    private func untilItWaits(_ pid: Int32) async throws {
        while !(try Files.readText("/proc/\(pid)/status").contains("State:\tS")) {
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func write() async throws -> String {
        let path = "/tmp/k3s-pause-test-\(UInt64.random(in: 0...UInt64.max))"
        let program = try #require(PauseProgram.executable(architecture: Machine.architecture))
        try await install(program, at: path)
        return path
    }

    private func children(of pid: Int32) throws -> [Int32] {
        try Files.readText("/proc/\(pid)/task/\(pid)/children").split(separator: " ").compactMap { Int32($0) }
    }

    private func descendant(of pid: Int32, running path: String) async throws -> Int32 {
        while true {
            for child in try children(of: pid) where (try? Files.target(ofLink: "/proc/\(child)/exe")) == path
            {
                return child
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
