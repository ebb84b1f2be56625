import Glibc
import Support

/// The two streams that a person reads.
enum Terminal {
    static func write(_ text: String) { put(text, STDOUT_FILENO) }

    /// Says in one sentence what is wrong and ends with exit code 1.
    static func fail(_ fault: Fault) -> Never {
        var sentence = fault.summary
        if let cause = fault.cause {
            let why = (cause as? Fault)?.summary ?? "\(cause)"
            if !sentence.contains(why) { sentence += ": " + why }
        }
        if let remedy = fault.remedy { sentence += "; " + remedy }
        put("k3s: \(sentence)\n", STDERR_FILENO)
        exit(1)
    }

    /// Sends what would go to the two streams to the end of a file from now on.
    static func sendLog(to path: String) throws(Fault) {
        // k3s server >>FILE 2>&1
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0, dup2(file, STDOUT_FILENO) >= 0, dup2(file, STDERR_FILENO) >= 0 else {
            throw Fault(.failed, "the log file \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        close(file)
    }

    private static func put(_ text: String, _ descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    }
}
