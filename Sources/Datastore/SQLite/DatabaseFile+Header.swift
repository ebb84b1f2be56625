import CSQLite
import Glibc
import Support

extension DatabaseFile {
    /// The first 100 bytes of a SQLite database (sqlite.org/fileformat2.html, "The Database Header").
    struct Header {
        /// Whether it is a database of this program's.
        let isOurs: Bool

        init(_ descriptor: Int32, _ path: String, _ size: Int64, hasLog: Bool) throws(Fault) {
            var bytes = [UInt8](repeating: 0, count: 100)
            let count = pread(descriptor, &bytes, bytes.count, 0)
            guard count == bytes.count, bytes.starts(with: Array("SQLite format 3".utf8) + [0]) else {
                throw Fault(
                    .invalid, "the file \(path) is not a database",
                    remedy: "move it away to start with an empty cluster, or restore it from a snapshot")
            }
            func number(at offset: Int) -> UInt32 {
                bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
            }
            isOurs = number(at: 68) == Layout.applicationID
            guard isOurs else { return }
            guard number(at: 60) <= Layout.version else {
                throw Fault(
                    .unsupported, "the database \(path) was written by a newer version",
                    remedy: "install that version again")
            }
            // While a write-ahead log is there, the database's own length means nothing.
            let wanted = Int64(number(at: 28)) * SQLiteLog.pageSize
            guard hasLog || size >= wanted else {
                throw Fault(
                    .corrupt, "the database \(path) is damaged: it is cut short, \(size) of \(wanted) bytes",
                    remedy: "restore it from a snapshot, or move it away to start with an empty cluster")
            }
        }
    }

    /// Refuses a database without our mark, unless it is empty, as a first start that was interrupted leaves
    /// it.
    ///
    /// It is read as if on a read-only medium, so that no lock, journal or shared memory is made beside it.
    static func checkUnowned(_ path: String, hasLog: Bool) throws(Fault) {
        var tables: [String] = []
        do throws(DatastoreError) {
            let connection = try Connection(
                immutable(path), flags: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
            defer { connection.close() }
            tables = try connection.column("SELECT name FROM sqlite_schema WHERE type = 'table'")
        } catch {
            throw Fault(.corrupt, "the database \(path) cannot be read", cause: error)
        }
        if tables.contains("kine") || hasLog && logNamesKine(path) {
            throw Fault(
                .unsupported, "the database \(path) cannot be taken over yet: \(kineSentence)",
                remedy: "choose another data directory; the file was not changed")
        }
        guard tables.isEmpty, !hasLog else {
            throw Fault(.invalid, "the database \(path) belongs to another program")
        }
    }

    private static func immutable(_ path: String) -> String {
        var uri = "file:"
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "?"): uri += "%3f"
            case UInt8(ascii: "#"): uri += "%23"
            case UInt8(ascii: "%"): uri += "%25"
            default: uri.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return uri + "?immutable=1"
    }

    /// Whether the beginning of a write-ahead log makes kine's table: a k3s that was stopped soon after its
    /// first start has it there only.
    private static func logNamesKine(_ path: String) -> Bool {
        let descriptor = open(path + "-wal", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let name = Array("CREATE TABLE kine".utf8)
        return count > 0 && bytes[..<count].contains(name)
    }
}
