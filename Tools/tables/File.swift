import Glibc

/// Why the tool stopped, for the person who runs it.
struct Complaint: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Whole files in and out.
enum File {
    static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Complaint("cannot read \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&part, 1, part.count, file)
            guard count > 0 else { return bytes }
            bytes += part[..<count]
        }
    }

    static func write(_ path: String, _ text: String) throws {
        guard let file = fopen(path, "w") else { throw Complaint("cannot write \(path)") }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
            throw Complaint("cannot write \(path)")
        }
    }

    /// Ends the process after saying why.
    static func complain(_ text: String) -> Never {
        let bytes = Array(text.utf8)
        _ = Glibc.write(2, bytes, bytes.count)
        exit(1)
    }
}
