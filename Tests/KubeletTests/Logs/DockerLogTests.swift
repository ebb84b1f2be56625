import Support
import Testing

@testable import Host
@testable import Kubelet

@Suite struct DockerLogTests {
    private static func line(_ text: String, _ stream: String = "stdout", second: Int = 5) -> String {
        #"{"log":"\#(text)","stream":"\#(stream)","time":"2026-01-02T03:04:0\#(second).1Z"}"# + "\n"
    }

    private static let text =
        line(#"one\n"#) + "nonsense\n" + line(#"tw"#) + line(#"o \"quoted\"\r\n"#) + line(#"th\\n"#, "stderr")
        + line(#"ree\u003c\n"#, "stderr", second: 6)

    @Test func `Docker's lines become those of the interface, in any pieces`() {
        let expected = """
            2026-01-02T03:04:05.1Z stdout F one
            2026-01-02T03:04:05.1Z stdout P tw
            2026-01-02T03:04:05.1Z stdout F o "quoted"\r
            2026-01-02T03:04:05.1Z stderr P th\\n
            2026-01-02T03:04:06.1Z stderr F ree<

            """
        let bytes = Array(Self.text.utf8)
        for size in [1, 2, 7, 64, bytes.count] {
            var (lines, output) = (DockerLogLines(), [UInt8]())
            for start in stride(from: 0, to: bytes.count, by: size) {
                output += lines.convert(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(Array(expected.utf8) == output, "in pieces of \(size)")
        }
    }

    @Test func `a line without an end is not kept`() {
        var lines = DockerLogLines()
        let none = lines.convert([UInt8](repeating: 0x7b, count: DockerLogLines.limit + 1))
        let next = lines.convert(Array(("\n" + Self.line(#"a\n"#)).utf8))
        #expect(none.isEmpty && String(decoding: next, as: UTF8.self) == "2026-01-02T03:04:05.1Z stdout F a\n")
    }

    @Test(arguments: [(#"a\n"#, false), ("a", true), (#"a\\n"#, true), (#"\"\n"#, false), ("", true), (#"\nb"#, true)])
    func `a text that ends without a line feed goes on`(text: String, isPartial: Bool) {
        #expect(DockerLogLines.isPartial(Array(Self.line(text).utf8)[...]) == isPartial)
    }

    private func log() throws -> (folder: String, path: String) {
        let folder = "/tmp/k3s-docker-log-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder + "/docker")
        try Files.makeDirectory(folder + "/pod")
        try Files.write(Self.text, to: folder + "/docker/c-json.log")
        try Files.makeSymbolicLink(at: folder + "/pod/0.log", to: folder + "/docker/c-json.log")
        return (folder, folder + "/pod/0.log")
    }

    @Test(arguments: [(Int?.none, "one\ntwo \"quoted\"\r\nth\\nree<\n"), (1, "th\\nree<\n"), (2, "two \"quoted\"\r\nth\\nree<\n")])
    func `a link to Docker's file is read like any log`(last: Int?, expected: String) async throws {
        let (folder, path) = try log()
        defer { try? Files.remove(folder) }
        var options = LogOptions()
        options.tailLines = last
        let received = Received()
        try await LogReader(path: path, options: options).read { received.add($0) }
        #expect(received.text == expected)
        options.stream = .stderr
        let errors = Received()
        try await LogReader(path: path, options: options).read { errors.add($0) }
        #expect(errors.text == "th\\nree<\n")
    }

    @Test func `a container's last words are found in Docker's form`() throws {
        let (folder, path) = try log()
        defer { try? Files.remove(folder) }
        #expect(LastWords.text(path, lines: 2, bytes: 100) == "th\\nree<\n")
    }

    @Test func `a followed log goes on in Docker's next file`() async throws {
        let (folder, path) = try log()
        defer { try? Files.remove(folder) }
        let file = folder + "/docker/c-json.log"
        let received = Received()
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let reader = LogReader(path: path, options: LogOptions())
                try await reader.follow(until: { for await _ in ends {} }) { received.add($0) }
            }
            await received.wait(for: "ree<\n")
            try Files.append(Array(Self.line(#"old\n"#).utf8), to: file)
            await received.wait(for: "old\n")
            // Docker closes, renames, and begins anew.
            try Files.rename(file, to: file + ".1")
            try Files.append(Array(Self.line(#"new\n"#).utf8), to: file)
            await received.wait(for: "new\n")
            end.finish()
            try await group.waitForAll()
        }
        #expect(received.text.hasSuffix("old\nnew\n"))
    }

    @Test func `the next file of a log that is closed first is read at once`() {
        func event(_ name: String, _ changes: FileWatch.Changes) -> FileWatch.Event {
            FileWatch.Event(path: "/logs", name: name, changes: changes)
        }
        for (isClosedFirst, expected) in [(true, true), (false, false)] {
            var rotation = LogRotation(name: "c", isClosedFirst: isClosedFirst)
            for change in [event("c", .written), event("c", .movedAway), event("c.1", .movedHere), event("c", .created)] {
                rotation.note(change)
            }
            let isComplete = rotation.takeIsComplete()
            #expect(isComplete == expected)
        }
    }

    @Test func `a container's id names its runtime`() {
        var container = RuntimePod.Container(
            id: "a0", name: "a", attempt: 0, sandboxID: "s", state: .running, createdAt: Timestamp(seconds: 1))
        #expect(container.url == "containerd://a0")
        container.scheme = "docker"
        #expect(container.url == "docker://a0" && ContainerID.bare(container.url) == "a0")
    }
}
