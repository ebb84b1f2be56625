import Glibc
import Support

/// The two streams that a person reads.
enum Terminal {
    static func write(_ text: String) { put(text, STDOUT_FILENO) }

    /// Says in one sentence what is wrong and ends with exit code 1.
    static func fail(_ fault: Fault) -> Never {
        var sentence = fault.summary
        if let cause = fault.cause { sentence += ": \((cause as? Fault)?.summary ?? "\(cause)")" }
        if let remedy = fault.remedy { sentence += "; " + remedy }
        put("k3s: \(sentence)\n", STDERR_FILENO)
        exit(1)
    }

    private static func put(_ text: String, _ descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    }
}
