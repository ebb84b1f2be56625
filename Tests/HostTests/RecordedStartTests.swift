import CLinux
import Glibc
import Support
import Testing

@testable import Host

/// Programs that run only once it is written down which process they are.
@Suite(.timeLimit(.minutes(1))) struct RecordedStartTests {
    private let file = "/tmp/k3s-recorded-\(UInt64.random(in: 0...UInt64.max))"

    private var command: Command { Command("sh", ["-c", "echo >\(file); exec sleep 60"]) }

    @Test func `a program does not run before it is written down which process it is`() async throws {
        defer { try? Files.remove(file) }
        var recorded: ProcessIdentity?
        let child = try await command.start { identity throws(Fault) in
            usleep(100_000)
            #expect(identity.isRunning && !Files.exists(file))
            recorded = identity
        }
        #expect(recorded != nil && recorded == child.identity)
        while !Files.exists(file) { try await Task.sleep(for: .milliseconds(5)) }
        try child.send(.kill)
        #expect(try await child.wait() == .signalled(.kill))
    }

    @Test func `what cannot be written down never runs`() async throws {
        var process: ProcessIdentity?
        let fault = await #expect(throws: Fault.self) {
            _ = try await command.start { identity throws(Fault) in
                process = identity
                throw Fault(.denied, "the disk is full")
            }
        }
        #expect(fault?.code == .denied && process?.isRunning == false)
        #expect(!Files.exists(file))
    }

    @Test func `that a program cannot run is a fault, written down or not`() async throws {
        let fault = await #expect(throws: Fault.self) {
            _ = try await Command("/etc/passwd").start { _ throws(Fault) in }
        }
        #expect(fault?.code == .denied)
    }

    /// Whoever is killed closes its descriptors. Others that were started meanwhile must have none of them.
    @Test func `a program whose starter ends never runs, whoever else was started`() async throws {
        let first = gated()
        let second = gated()
        let other = try await Command("sleep", ["60"]).start()
        for child in [first, second] {
            let identity = try #require(ProcessIdentity(pid: child.pid))
            close(child.gate)
            #expect(try await identity.waitForEnd())
            close(child.report)
            var status: Int32 = 0
            #expect(waitpid(child.pid, &status, 0) == child.pid && status == 127 << 8)
        }
        #expect(!Files.exists(file))
        try other.send(.kill)
        _ = try await other.wait()
    }

    private func gated() -> linux_spawned {
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("touch"), strdup(file), nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        defer { for argument in arguments { free(argument) } }
        var child = linux_spawned()
        let result = "/usr/bin/touch".withCString { path in
            arguments.withUnsafeMutableBufferPointer { arguments in
                environment.withUnsafeMutableBufferPointer { environment in
                    var request = linux_spawn_request(
                        path: path, arguments: arguments.baseAddress, environment: environment.baseAddress,
                        directory: nil, descriptors: nil, descriptor_count: 0, grouping: 0, parent_death_signal: 0,
                        is_gated: 1, namespaces: 0)
                    return linux_spawn(&request, &child)
                }
            }
        }
        #expect(result == 0)
        return child
    }
}
