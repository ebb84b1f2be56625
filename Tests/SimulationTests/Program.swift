import Glibc
import Testing

/// The simulator as a program of its own: hashes are the same in each process only when the environment says so from
/// the start.
enum Program {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// The folder that tests and programs are built in.
    private static var folder: String {
        let parts = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return parts.joined(separator: "/")
    }

    /// The build without optimisation, which is always beside the tests.
    static var debug: String { folder + "/simulate" }

    /// The optimised build, if there is one: `make test` makes it.
    static var release: String? {
        let path = folder + "/../release/simulate"
        return access(path, X_OK) == 0 ? path : nil
    }

    /// Runs it and returns what it said, and how it ended.
    static func run(_ program: String, _ arguments: String...) throws -> (text: String, status: Int32) {
        let line = ([program] + arguments).map { "'\($0)'" }.joined(separator: " ")
        guard let output = popen(line + " 2>&1", "r") else { throw Failure(description: "\(program) cannot be started") }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, output)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        let status = pclose(output)
        return (String(decoding: text, as: UTF8.self), status)
    }
}
