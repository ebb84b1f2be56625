/// Writes a tar archive (POSIX.1-1988, "ustar") in memory: the form of an image's layer.
///
/// The same entries give the same bytes: no times, no user names.
struct TarArchive {
    private static let blockSize = 512
    private var blocks: [UInt8] = []

    /// The whole archive.
    var bytes: [UInt8] { blocks + [UInt8](repeating: 0, count: 2 * Self.blockSize) }

    /// Adds a file. Paths are relative, at most 99 bytes: an archive of ours has no longer ones.
    mutating func add(file path: String, mode: UInt32, _ content: [UInt8]) {
        appendHeader(path: path, mode: mode, size: content.count, type: "0")
        blocks += content
        blocks += [UInt8](
            repeating: 0, count: (Self.blockSize - content.count % Self.blockSize) % Self.blockSize)
    }

    mutating func add(directory path: String, mode: UInt32) {
        appendHeader(path: path + "/", mode: mode, size: 0, type: "5")
    }

    mutating func add(link path: String, to target: String) {
        appendHeader(path: path, mode: 0o777, size: 0, type: "2", target: target)
    }

    private mutating func appendHeader(
        path: String, mode: UInt32, size: Int, type: String, target: String = ""
    ) {
        var header: [UInt8] = []
        func octal(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 8)
            precondition(digits.utf8.count < width, "a number is too large for a tar header")
            return String(repeating: "0", count: width - 1 - digits.utf8.count) + digits
        }
        func add(_ text: String, _ width: Int) {
            precondition(text.utf8.count <= width, "\(text) is too long for a tar header")
            header += text.utf8
            header += [UInt8](repeating: 0, count: width - text.utf8.count)
        }
        precondition(path.utf8.count < 100 && target.utf8.count < 100, "\(path) is too long for a tar header")
        add(path, 100)
        add(octal(Int(mode), 8), 8)
        add(octal(0, 8), 8)  // user
        add(octal(0, 8), 8)  // group
        add(octal(size, 12), 12)
        add(octal(0, 12), 12)  // time
        add("        ", 8)  // the checksum counts as spaces while it is made
        add(type, 1)
        add(target, 100)
        add("ustar", 6)
        add("00", 2)
        add("", 32 + 32)  // names of user and group
        add(octal(0, 8), 8)  // device
        add(octal(0, 8), 8)
        add("", 155 + 12)
        let checksum = header.reduce(0) { $0 + Int($1) }
        header.replaceSubrange(148..<156, with: Array(octal(checksum, 7).utf8) + [0, UInt8(ascii: " ")])
        blocks += header
    }
}
