import CSQLite
import Glibc
import Testing

/// A directory that lives as long as a test.
struct Scratch {
    let directory: String

    static func with(_ body: (Scratch) async throws -> Void) async throws {
        var template = Array("/tmp/datastore-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        let scratch = Scratch(directory: directory)
        defer { scratch.remove() }
        try await body(scratch)
    }

    func path(_ name: String) -> String { directory + "/" + name }

    var names: [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func mode(_ name: String) -> mode_t {
        var status = stat()
        return stat(path(name), &status) == 0 ? status.st_mode & 0o777 : 0
    }

    func size(_ name: String) -> Int {
        var status = stat()
        return stat(path(name), &status) == 0 ? Int(status.st_size) : 0
    }

    func read(_ name: String) throws -> [UInt8] {
        let file = open(path(name), O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        var content = [UInt8](repeating: 0, count: size(name))
        var count = 0
        while count < content.count {
            let step = content.withUnsafeMutableBytes {
                pread(file, $0.baseAddress! + count, $0.count - count, count)
            }
            try #require(step > 0)
            count += step
        }
        return content
    }

    func write(_ name: String, _ content: [UInt8]) throws {
        let file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        var count = 0
        while count < content.count {
            let step = content.withUnsafeBytes {
                pwrite(file, $0.baseAddress! + count, $0.count - count, count)
            }
            try #require(step > 0)
            count += step
        }
    }

    func copy(_ name: String, to other: String) throws { try write(other, try read(name)) }

    private func remove() {
        for name in names { unlink(path(name)) }
        rmdir(directory)
    }
}

extension Int32 {
    /// How a test opens a database without the driver.
    static var createForTests: Int32 { SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE }
}
