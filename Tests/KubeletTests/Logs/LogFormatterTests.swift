import Support
import Testing

@testable import Kubelet

@Suite struct LogFormatterTests {
    static let log = """
        2026-01-02T03:04:05.123456789Z stdout F one
        2026-01-02T03:04:06.5Z stderr F two
        2026-01-02T03:04:07Z stdout P thr
        2026-01-02T03:04:08.1Z stdout F ee
        2026-01-02T03:04:09+02:00 stdout F 
        not a line of a log
        2026-01-02T03:04:10Z stdout F:x four

        """

    static func options(_ change: (inout LogOptions) -> Void = { _ in }) -> LogOptions {
        var options = LogOptions()
        change(&options)
        return options
    }

    @Test(arguments: [
        (options(), "one\ntwo\nthree\n\nfour\n"),
        (options { $0.stream = .stderr }, "two\n"),
        (options { $0.stream = .stdout }, "one\nthree\n\nfour\n"),
        (options { $0.since = Timestamp("2026-01-02T03:04:08Z") }, "ee\nfour\n"),
        (options { $0.limitBytes = 6 }, "one\ntw"),
        (
            options { $0.hasTimestamps = true },
            """
            2026-01-02T03:04:05.123456789Z one
            2026-01-02T03:04:06.500000000Z two
            2026-01-02T03:04:07.000000000Z three
            2026-01-02T03:04:09.000000000+02:00 
            2026-01-02T03:04:10.000000000Z four

            """
        ),
        (
            options {
                $0.hasTimestamps = true
                $0.limitBytes = 12
            }, "2026-01-02T0"
        ),
    ])
    func `a log is shown as it was asked for`(options: LogOptions, shown: String) {
        for size in [1, 7, 64, 4096] {
            var formatter = LogFormatter(options)
            let bytes = Array(Self.log.utf8)
            let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min(bytes.count, $0 + size)]) }
            let output = chunks.flatMap { formatter.format($0) }
            #expect(String(decoding: output, as: UTF8.self) == shown, "in chunks of \(size)")
        }
    }

    @Test func `a line without an end takes no memory`() {
        var formatter = LogFormatter(LogOptions())
        var output = formatter.format(Array("2026-01-02T03:04:05Z stdout F ".utf8))
        for _ in 0..<100 { output += formatter.format([UInt8](repeating: 65, count: 1000)) }
        #expect(output.count == 100_000)
        #expect(formatter.format([10]) == [10])
    }

    @Test func `what has no head is passed over, however long it is`() {
        var formatter = LogFormatter(LogOptions())
        let noise = [UInt8](repeating: 65, count: 10_000) + [10]
        #expect(formatter.format(noise + Array("2026-01-02T03:04:05Z stdout F ok\n".utf8)) == Array("ok\n".utf8))
    }
}

@Suite struct LogTailTests {
    private static func line(_ text: String, _ tag: String = "F") -> String { "2026-01-02T03:04:05Z stdout \(tag) \(text)\n" }

    private func tail(_ lines: Int, of log: String) throws -> String {
        let bytes = Array(log.utf8)
        let start = LogTail.start(ofLast: lines, size: Int64(bytes.count)) { range in
            #expect(range.count <= LogTail.blockSize + LogLineHead.lengthLimit + 1)
            return Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        }
        var formatter = LogFormatter(LogOptions())
        return String(decoding: formatter.format(Array(bytes[Int(start)...])), as: UTF8.self)
    }

    @Test(arguments: [
        (0, ""), (1, "d\n"), (2, "bc\nd\n"), (3, "a\nbc\nd\n"), (4, "a\nbc\nd\n"), (1000, "a\nbc\nd\n"),
    ])
    func `the last lines are found`(lines: Int, shown: String) throws {
        let log = Self.line("a") + Self.line("b", "P") + Self.line("c") + Self.line("d")
        #expect(try tail(lines, of: log) == shown)
    }

    @Test func `a line that is only begun is the last line`() throws {
        let log = Self.line("a") + Self.line("b") + Self.line("$ ", "P")
        #expect(try tail(1, of: log) == "$ ")
        #expect(try tail(2, of: log) == "b\n$ ")
        #expect(try tail(1, of: Self.line("a") + "2026-01-02T03:04:05Z stdout F half") == "half")
    }

    @Test func `an empty log has no last line`() throws {
        #expect(try tail(3, of: "") == "")
    }

    @Test func `lines are found across the borders of blocks`() throws {
        // Lengths that put borders into heads, texts and between lines.
        for length in [16_384, 6000, 333, 7] {
            let texts = (0..<60).map { String(repeating: "x", count: length) + "\($0)" }
            // The head of a part must be known as one wherever it lies.
            let log = texts.map { Self.line(String($0.dropLast(2)), "P") + Self.line(String($0.suffix(2))) }.joined()
            for lines in [1, 2, 31, 59, 60, 61] {
                let expected = texts.suffix(lines).map { $0 + "\n" }.joined()
                #expect(try tail(lines, of: log) == expected, "\(lines) lines of \(length)")
            }
        }
        for shift in 0..<80 {
            // A part that begins within the last bytes of a block.
            let filler = Self.line(String(repeating: "x", count: 100))
            let end = Self.line("a", "P") + Self.line(String(repeating: "b", count: LogTail.blockSize - 80 + shift))
            #expect(try tail(1, of: filler + end).first == "a")
        }
    }
}
