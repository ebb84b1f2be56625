import Glibc
import Support
import Synchronization
import Testing

@testable import Host

@Suite struct ProcessesTests {
    @Test func `a program's words and its exit code come back`() async throws {
        let result = try await Command("sh", ["-c", "echo out; echo err >&2; exit 3"]).run()
        #expect(result.text == "out\n")
        #expect(result.errorText == "err\n")
        #expect(result.status == .exited(3))
        #expect(!result.isTruncated)
    }

    @Test func `what is beyond the limit is read and dropped`() async throws {
        let result = try await Command("sh", ["-c", "head -c 300000 /dev/zero"]).run(limit: .kibibytes(100))
        #expect(result.output.count == 102_400)
        #expect(result.isTruncated)
        #expect(result.status.isSuccess)
    }

    @Test func `what a program says is handed on in parts, in order`() async throws {
        let taken = Mutex<(text: [UInt8], longest: Int)>(([], 0))
        let status = try await Command("sh", ["-c", "echo out; echo err >&2; head -c 100000 /dev/zero; exit 3"]).run {
            part in
            taken.withLock { $0 = ($0.text + part, max($0.longest, part.count)) }
        }
        #expect(status == .exited(3))
        let (text, longest) = taken.withLock { $0 }
        #expect(text.count == 100_008 && text.starts(with: Array("out\nerr\n".utf8)))
        #expect(longest <= 16 << 10)
    }

    @Test(.timeLimit(.minutes(1))) func `a program whose words nobody wants any more is killed`() async throws {
        struct Enough: Error {}
        await #expect(throws: Enough.self) {
            _ = try await Command("sh", ["-c", "while :; do echo on; done"]).run { _ in throw Enough() }
        }
        let asking = Task { try await Command("sh", ["-c", "echo on; exec sleep 1000"]).run { _ in } }
        try await Task.sleep(for: .milliseconds(100))
        asking.cancel()
        await #expect(throws: CancellationError.self) { _ = try await asking.value }
    }

    @Test func `a program reads what is held for it`() async throws {
        var count = Command("wc", ["-c"])
        count.input = .descriptor(try Descriptor.holding([UInt8](repeating: 7, count: 300_000)))
        #expect(try await count.run().text == "300000\n")
        count.input = .descriptor(try Descriptor.holding([]))
        #expect(try await count.run().text == "0\n")
    }

    @Test func `a program reads what another one prints`() async throws {
        let count = Command("wc", ["-c"])
        #expect(try await count.run(fedBy: Command("head", ["-c", "300000", "/dev/zero"])).text == "300000\n")
        let failed = await #expect(throws: Fault.self) {
            _ = try await count.run(fedBy: Command("sh", ["-c", "echo some; exit 3"]))
        }
        #expect(failed?.summary == "sh did not end well (exit code 3)")
        // Nobody waits for the rest, and whose failure it is counts.
        let first = try await Command("head", ["-c", "3"]).run(fedBy: Command("yes"))
        #expect(first.text == "y\ny" && first.status.isSuccess)
        #expect(try await Command("false").run(fedBy: Command("yes")).status == .exited(1))
        let missing = await #expect(throws: Fault.self) { _ = try await count.run(fedBy: Command("no-such-program")) }
        #expect(missing?.code == .notFound)
        let lost = await #expect(throws: Fault.self) { _ = try await Command("no-such-program").run(fedBy: Command("yes")) }
        #expect(lost?.code == .notFound)
        let task = Task { try await Command("cat").run(fedBy: Command("sleep", ["60"])) }
        task.cancel()
        await #expect(throws: Fault.self) { _ = try await task.value }
    }

    @Test func `a process that is left behind with the pipe open is not waited for`() async throws {
        let result = try await Command("sh", ["-c", "sleep 60 & echo $!"]).run()
        let pid = try #require(Int32(result.text.dropLast()))
        let left = try #require(ProcessIdentity(pid: pid))
        #expect(left.isRunning)
        try left.send(.kill)
    }

    @Test func `the child gets exactly what it is given`() async throws {
        var command = Command(
            "/bin/sh",
            ["-c", "pwd; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; ls /proc/self/fd | tr '\\n' ' '"])
        command.environment = ["NAME": "value", "PATH": "/usr/bin:/bin"]
        command.directory = "/tmp"
        let result = try await command.run()
        // 3 is the directory that ls reads.
        #expect(result.text == "/tmp\nNAME=value\nPATH=/usr/bin:/bin\n0 1 2 3 ")
    }

    @Test func `further descriptors arrive in order, even when they trade places`() async throws {
        let (first, second) = (try Descriptor.pipe(), try Descriptor.pipe())
        try first.writing.write(Array("one\n".utf8))
        try second.writing.write(Array("two\n".utf8))
        var command = Command("sh", ["-c", "head -n 1 <&3; head -n 1 <&4"])
        command.further =
            first.reading.number < second.reading.number
            ? [second.reading, first.reading] : [first.reading, second.reading]
        let expected = first.reading.number < second.reading.number ? "two\none\n" : "one\ntwo\n"
        #expect(try await command.run().text == expected)
    }

    @Test(arguments: [
        (Command("/nowhere/program"), Fault.Code.notFound), (Command("no-such-program-anywhere"), .notFound),
        (Command("/etc/passwd"), .denied),
    ])
    func `a program that cannot run is a fault at the start`(command: Command, code: Fault.Code) async throws
    {
        let fault = await #expect(throws: Fault.self) { _ = try await command.start() }
        #expect(fault?.code == code)
    }

    @Test func `a missing directory is named`() async throws {
        var command = Command("true")
        command.directory = "/nowhere"
        let fault = await #expect(throws: Fault.self) { _ = try await command.start() }
        #expect(fault?.summary.contains("its directory /nowhere") == true)
    }

    @Test func `a signal ends a child, all waiters hear of it, and it is known which process it was`()
        async throws
    {
        let child = try await Command("sleep", ["60"]).start()
        let identity = try #require(child.identity)
        #expect(identity.isRunning)
        async let first = child.wait()
        async let second = child.wait()
        try child.send(.terminate)
        #expect(try await first == .signalled(.terminate))
        #expect(try await second == .signalled(.terminate))
        #expect(try await child.wait() == .signalled(.terminate))
        #expect(!identity.isRunning)
        #expect(try await identity.waitForEnd())
        try child.send(.kill)
        try identity.send(.kill)
    }

    @Test func `the pages of the program's code are given back, and come again`() throws {
        let before = try residentCode()
        ProcessMemory.returnCode()
        #expect(try residentCode() < before / 2)
    }

    /// KiB of the program's own file that this process has mapped and cannot write.
    private func residentCode() throws -> Int {
        let resolved = try #require(realpath("/proc/self/exe", nil))
        defer { free(resolved) }
        let program = String(cString: resolved)
        var (sum, isCode) = (0, false)
        for line in try Files.readText("/proc/self/smaps").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 5, words[1].count == 4 {
                isCode = words.last.map(String.init) == program && !words[1].contains("w")
            } else if isCode, words[0] == "Rss:" {
                sum += Int(words[1]) ?? 0
            }
        }
        return try #require(sum > 0 ? sum : nil)
    }

    @Test func `a number that was given to another process is not the same process`() throws {
        let own = try #require(ProcessIdentity(pid: getpid()))
        #expect(own.isRunning)
        let earlier = ProcessIdentity(pid: own.pid, startTime: own.startTime - 1)
        #expect(!earlier.isRunning)
        try earlier.send(.kill)
    }

    @Test func `a name with parentheses and spaces does not confuse the start time`() {
        let fields = (3...52).map(String.init).joined(separator: " ")
        #expect(ProcessIdentity.startTime(inStat: "7 (a) b) S \(fields)") == 21)
        #expect(ProcessIdentity.startTime(inStat: "7 (a") == nil)
    }

    @Test func `a session of its own has no controlling group of ours`() async throws {
        var command = Command("sh", ["-c", "cut -d ' ' -f 5,6 /proc/$$/stat; echo $$"])
        command.grouping = .ownSession
        let words = try await command.run().text.split { $0 == " " || $0 == "\n" }
        #expect(Set(words).count == 1, "the group and the session are the child's own: \(words)")
    }

    @Test func `cancelling kills the program`() async throws {
        let task = Task { try await Command("sleep", ["60"]).run() }
        task.cancel()
        let fault = await #expect(throws: Fault.self) { _ = try await task.value }
        #expect(fault?.code == .unavailable)
    }

    @Test func `the parent-death signal is set when asked for, and only then`() async throws {
        #if arch(x86_64)
            let prctl = 157
        #else
            let prctl = 167
        #endif
        // prctl(PR_GET_PDEATHSIG, &signal)
        var command = Command(
            "perl", ["-e", "$s = pack('i', 0); syscall(\(prctl), 2, $s); print unpack('i', $s)"])
        #expect(try await command.run().text == "0")
        command.parentDeathSignal = .terminate
        #expect(try await command.run().text == "15")
    }

    @Test func `a signal that is sent to us arrives in the sequence`() async throws {
        let signals = try Signals([.user1, .user2])
        var iterator = signals.makeAsyncIterator()
        kill(getpid(), SIGUSR1)
        #expect(try await iterator.next() == .user1)
        kill(getpid(), SIGUSR2)
        #expect(try await iterator.next() == .user2)
    }

    @Test func `the machine tells its facts`() throws {
        #expect(Machine.effectiveUserID == geteuid())
        #expect(try !Machine.hostname().isEmpty)
        #expect(try Machine.kernelVersion().contains("."))
        #expect(try Machine.bootID().count == 36)
        #expect(try !Machine.machineID().isEmpty)
        #expect(try !Machine.systemUUID().isEmpty)
        #expect(Machine.processorCount >= 1)
        let memory = try Machine.memory()
        #expect(memory.total > memory.available)
    }

    @Test func `the forms of the system's files are read`() throws {
        #expect(
            Machine.osImage(in: "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
                == "Debian GNU/Linux 12 (bookworm)")
        let memory = Machine.Memory(
            inMeminfo: "MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:   60 kB\nSwapTotal: 7 kB\n")
        #expect(memory?.total == .kibibytes(100))
        #expect(memory?.swapTotal == .kibibytes(7))
        #expect(Machine.Memory(inMeminfo: "MemTotal: 1 kB\n") == nil)
        let capabilities = try #require(Capabilities(inStatus: "Name:\tx\nCapEff:\t000001fffeffffff\n"))
        #expect(!capabilities.contains(.sysResource))
        #expect(capabilities.contains([.sysAdmin, .netAdmin]))
    }
}
