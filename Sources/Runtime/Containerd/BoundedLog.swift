import APIMachinery
import Host
import Support

/// A log file that another process appends to, kept from growing without end.
///
/// The other process keeps the file open, so it cannot be renamed away from it: it is copied and then
/// emptied. What is written between the two is lost, which is a line at most.
struct BoundedLog {
    var path: String
    var limit = ByteCount.mebibytes(5)
    /// Older files, `path.1` the newest.
    var kept = 2

    /// Looks at the size when the file was written to, at most twice a minute, until the task is cancelled.
    func keep() async throws {
        let watch = try FileWatch()
        if !Files.exists(path) { _ = try Files.openForAppending(path, mode: 0o600) }
        try watch.add(path, for: .modified)
        var changes = watch.makeAsyncIterator()
        while try await changes.next() != nil {
            try rotateIfNeeded()
            // The kernel keeps equal events as one, so that the wait costs nothing however much is written.
            do { try await Task.sleep(for: .seconds(30), tolerance: .seconds(10)) } catch { return }
        }
    }

    /// Begins a new file when this one is full.
    func rotateIfNeeded() throws(Fault) {
        guard try Files.status(of: path).size >= limit else { return }
        for number in stride(from: kept - 1, to: 0, by: -1) where Files.exists("\(path).\(number)") {
            try Files.rename("\(path).\(number)", to: "\(path).\(number + 1)")
        }
        try Files.write(try Files.read(path), to: "\(path).1", mode: 0o600)
        try Files.writeInPlace("", to: path)
    }

    /// The message of the last line that tells of an error: why a process ended, most often.
    func lastError() -> String? {
        guard let text = try? Files.readText(path) else { return nil }
        let lines = text.split(separator: "\n")
        let line = lines.last {
            $0.hasPrefix("containerd: ") || $0.contains("level=fatal") || $0.contains("level=error")
        }
        return (line ?? lines.last).map { String($0.suffix(500)) }
    }
}
