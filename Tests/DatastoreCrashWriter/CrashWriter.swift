import Datastore
import Glibc

/// A program to be killed: it writes to a database from many tasks and says on its standard output what was
/// acknowledged, a line for each write, in one `write(2)` so that a line is whole or absent.
@main
struct CrashWriter {
    static func main() async throws {
        let log = try SQLiteDatastore(path: CommandLine.arguments[1])
        say("open \(log.currentRevision)")
        let life = log.currentRevision
        try await withThrowingTaskGroup { group in
            for writer in 0..<8 {
                group.addTask {
                    var revision: Revision = 0
                    for round in 0..<1_000_000 {
                        let (key, value) = ("/\(life)/\(writer)", Array("\(round)".utf8))
                        revision = try await log.write(
                            revision == 0 ? .create(key, value) : .update(key, value, at: revision))
                        say("\(revision) \(key) \(round)")
                        if round % 50 == 49 { try await log.compact(upTo: max(0, log.currentRevision - 20)) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
