public import Logging
#if canImport(Glibc)
    import Glibc
#endif

/// Writes log lines in the form that k3s users and their tools know: `time="…" level=info msg="…" key=value`.
///
/// One write to standard error a line, so that lines of several threads never mix.
public struct LogLine: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level

    public init(level: Logger.Level) { logLevel = level }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = "time=\"\(Timestamp.now)\" level=\(Self.name(event.level)) msg=\(QuotedText.quoted("\(event.message)"))"
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(QuotedText.quoted("\(value)"))"
        }
        line += "\n"
        line.withUTF8 { bytes in
            // A log that cannot be written has nowhere to say so.
            _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .critical: "fatal"
        case .notice: "info"
        default: level.rawValue
        }
    }
}
