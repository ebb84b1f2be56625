import Glibc
import Support

/// The two streams that a person reads.
enum Terminal {
    static func write(_ line: String) { put(line + "\n", STDOUT_FILENO) }

    /// Says what is wrong and ends.
    static func fail(_ fault: Fault) -> Never {
        let why = [fault.cause.map { "\($0)" }, fault.remedy].compactMap(\.self)
        put("simulate: \(([fault.summary] + why).joined(separator: "\n"))\n", STDERR_FILENO)
        exit(2)
    }

    private static func put(_ text: String, _ descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(0, count))
        }
    }
}
